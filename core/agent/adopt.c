#include "adopt.h"

#include "base/fault.h"
#include "base/log.h"
#include "protocol/terms.h"
#include "rules.h"
#include "undo_file.h"

#include "base/banned.h"

static void complain(const cd_err *err)
{
  cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s; going on", err->text);
}

static cd_code move_undo(void *context, const char *plugin, cd_str record, cd_err *err)
{
  return agent_journal_undo_add(context, AGENT_CAP_ISOLATE, plugin, record, err);
}

static void take_undo(agent_journal *j, const char *state_dir)
{
  cd_err err = {0};
  cd_code rc = agent_undo_file_each(state_dir, move_undo, j, &err);
  CD_FAULT_POINT("agent.undo_moved");
  if (rc == CD_OK)
    rc = agent_undo_file_remove(state_dir, &err);
  if (rc != CD_OK)
    complain(&err);
}

/* The newest one that can be read. */
static bool load(const char *state_dir, agent_rule_file *ret)
{
  cd_err err = {0};
  for (int previous = 0; previous < 2; previous++) {
    cd_code rc = agent_rules_load(state_dir, previous != 0, ret, NULL, &err);
    if (rc == CD_OK)
      return true;
    if (rc != CD_E_NOTFOUND)
      complain(&err);
  }
  return false;
}

static cd_code take_over(agent_journal *j, const agent_rule_file *f, cd_err *err)
{
  agent_holder h = {.current = true};
  agent_wanted w = {.known = true,
                    .isolated = true,
                    .generation = f->generation,
                    .since_ms = f->since_ms,
                    .params = f->params,
                    .terms = f->terms};
  cd_terms terms;
  if (f->terms != NULL && cd_terms_parse(cd_str_from(f->terms), &terms, err) != CD_OK) {
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "the rule file for the boot: %s; going on without terms",
           err->text);
    w.terms = NULL;
  }
  (void)cd_str_copy(w.action, sizeof(w.action), cd_str_from(f->action));
  (void)cd_str_copy(h.plugin, sizeof(h.plugin), cd_str_from(f->provider));
  (void)cd_str_copy(h.digest, sizeof(h.digest), cd_str_from(f->digest));
  (void)cd_str_copy(h.boot, sizeof(h.boot), cd_str_from(f->boot));
  cd_log(CD_AREA_AGENT, CD_LOG_WARN,
         "the journal knows nothing of the isolation of generation %llu, which the rule file for "
         "the boot has; it is wanted from now on",
         (unsigned long long)f->generation);
  return agent_journal_adopt(j, AGENT_CAP_ISOLATE, &w, &h, err);
}

static void remove_outlived(const char *state_dir, cd_err *err)
{
  agent_rules rules;
  cd_code rc = agent_rules_init(&rules, state_dir, err);
  if (rc == CD_OK)
    rc = agent_rules_forget(&rules, err);
  if (rc != CD_OK)
    complain(err);
}

void agent_adopt(agent_journal *j, const char *state_dir)
{
  cd_err err = {0};
  agent_rule_file f = {0};
  agent_wanted wanted = {0};
  take_undo(j, state_dir);
  cd_code rc = agent_journal_wanted(j, AGENT_CAP_ISOLATE, &wanted, &err);
  bool filed = load(state_dir, &f);
  bool older = !wanted.known || (filed && f.generation > wanted.generation);
  if (rc == CD_OK && filed && older)
    rc = take_over(j, &f, &err);
  else if (rc == CD_OK && wanted.known && !wanted.isolated)
    remove_outlived(state_dir, &err);
  if (rc != CD_OK)
    complain(&err);
  agent_rule_file_release(&f);
  agent_wanted_release(&wanted);
}
