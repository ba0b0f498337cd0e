/* The state and the boot: what is kept so that an isolation can be put back before the network
 * comes up, and what was done with it. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "state_private.h"

#include "base/banned.h"

static bool is_still_wanted(agent_state *s)
{
  cd_err err = {0};
  agent_wanted now = {0};
  bool isolated = agent_journal_wanted(s->journal, s->cap, &now, &err) == CD_OK && now.isolated;
  agent_wanted_release(&now);
  return isolated;
}

/* What was just proven. Texts are the run's. */
static agent_rule_file rule_file(const agent_state *s)
{
  const state_run *r = &s->run;
  agent_rule_file f = {.generation = s->wanted.generation,
                       .since_ms = s->wanted.since_ms,
                       .proven_ms = cd_wall_ms(),
                       .params = r->params,
                       .terms = s->wanted.terms};
  (void)cd_str_copy(f.action, sizeof(f.action), cd_str_from(s->wanted.action));
  if (r->action != NULL) {
    f.generation = r->action->generation;
    f.since_ms = r->action->created_ms;
    f.terms = r->action->terms;
    (void)cd_str_copy(f.action, sizeof(f.action), cd_str_from(r->action->id));
  }
  (void)cd_str_copy(f.boot, sizeof(f.boot), cd_str_from(s->boot));
  (void)cd_str_copy(f.provider, sizeof(f.provider), cd_str_from(r->plugin->manifest.id));
  (void)cd_str_copy(f.library, sizeof(f.library), cd_str_from(r->plugin->digest_text));
  (void)cd_str_copy(f.digest, sizeof(f.digest), cd_str_from(r->digest));
  return f;
}

void state_rules_keep(agent_state *s)
{
  cd_err err = {0};
  if (s->cap != AGENT_CAP_ISOLATE || !is_still_wanted(s))
    return;
  agent_rule_file f = rule_file(s);
  CD_FAULT_POINT("agent.before_rules");
  /* The isolation stands without it; a restart then has the journal. */
  if (agent_rules_keep(&s->rules, &f, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR,
           "%s: the rule file for the next boot was not written: %s; going on",
           agent_capability_name(s->cap), err.text);
}

void state_rules_forget(agent_state *s)
{
  cd_err err = {0};
  if (s->cap != AGENT_CAP_ISOLATE)
    return;
  /* The order to release is in the journal, and a boot asks that first. */
  if (agent_rules_forget(&s->rules, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s: the rule files were not removed: %s; going on",
           agent_capability_name(s->cap), err.text);
}

/* The provider that the boot asked holds it, whether or not the journal knew it as a holder: a
 * release has to reach it. */
static void note_holder(agent_state *s, const agent_restored *r, const agent_holder *holders,
                        unsigned count)
{
  cd_err err = {0};
  agent_holder h = {.current = count == 0 || !holders[0].current};
  for (unsigned i = 0; i < count; i++) {
    if (cd_str_eq_cstr(cd_str_from(r->provider), holders[i].plugin))
      return;
  }
  (void)cd_str_copy(h.plugin, sizeof(h.plugin), cd_str_from(r->provider));
  (void)cd_str_copy(h.digest, sizeof(h.digest), cd_str_from(r->digest));
  (void)cd_str_copy(h.boot, sizeof(h.boot), cd_str_from(s->boot));
  if (agent_journal_hold(s->journal, s->cap, &h, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; going on", err.text);
  else if (h.current)
    (void)cd_str_copy(s->provider, sizeof(s->provider), cd_str_from(h.plugin));
}

void agent_state_restored(agent_state *s, const agent_restored *r)
{
  cd_err err = {0};
  agent_holder holders[AGENT_HOLDERS_MAX];
  unsigned count = 0;
  if (r->outcome != AGENT_RESTORE_DONE && r->outcome != AGENT_RESTORE_FALLBACK)
    return;
  s->restored_ms = r->at_ms;
  (void)cd_str_copy(s->restored_digest, sizeof(s->restored_digest), cd_str_from(r->digest));
  (void)cd_str_copy(s->restored_provider, sizeof(s->restored_provider), cd_str_from(r->provider));
  if (agent_journal_holders(s->journal, s->cap, holders, &count, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; going on", err.text);
  /* An agent that was started before in this run of the machine has seen to it. */
  s->restored = count == 0 || !cd_str_eq_cstr(cd_str_from(s->boot), holders[0].boot);
  if (s->restored && (!s->wanted.known || s->wanted.isolated))
    note_holder(s, r, holders, count);
}

bool state_is_of_boot(const agent_state *s)
{
  return s->enforced == ENFORCED_ISOLATED && s->restored_ms > 0 &&
         cd_str_eq_cstr(cd_str_from(s->enforced_digest), s->restored_digest);
}

/* It is held in this run of the machine from now on: what is gone after this did not go with the
 * restart. */
void state_rules_taken_up(agent_state *s)
{
  cd_err err = {0};
  agent_holder *h = &s->run.holders[0];
  s->restored = false;
  if (cd_str_eq_cstr(cd_str_from(s->boot), h->boot))
    return;
  (void)cd_str_copy(h->boot, sizeof(h->boot), cd_str_from(s->boot));
  if (agent_journal_hold(s->journal, s->cap, h, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; going on", err.text);
}
