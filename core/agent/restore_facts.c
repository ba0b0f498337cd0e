#include "restore_facts.h"

#include "base/log.h"
#include "enrolment.h"
#include "journal_remote.h"
#include "rules.h"

#include "base/banned.h"

static void warn(const char *what)
{
  cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "restore: %s", what);
}

/* ---- files ---- */

static void read_file(const char *state_dir, bool previous, agent_rule_file *f,
                      restore_found *ret_found, restore_read *r)
{
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(AGENT_RULE_FILE_MAX);
  cd_code rc = agent_rules_load(state_dir, previous, f, &text, &err);
  *ret_found = rc == CD_OK ? RESTORE_GOOD : rc == CD_E_NOTFOUND ? RESTORE_ABSENT : RESTORE_BAD;
  if (*ret_found == RESTORE_BAD) {
    warn(err.text);
    agent_rule_file_salvage(cd_buf_view(&text), r->consoles, AGENT_ENDPOINTS_MAX,
                            &r->console_count);
  } else if (*ret_found == RESTORE_GOOD) {
    (void)agent_params_consoles(cd_str_from(f->params), r->consoles, AGENT_ENDPOINTS_MAX,
                                &r->console_count);
  }
  cd_buf_release(&text);
}

/* ---- the journal ---- */

/* Whether the order that is wanted is the last that was carried out. */
static cd_code ask_settled(agent_journal *j, restore_read *r, cd_err *err)
{
  agent_wanted settled = {0};
  cd_code rc = agent_journal_settled(j, AGENT_CAP_ISOLATE, &settled, err);
  r->facts.settled = rc == CD_OK && settled.isolated && settled.generation == r->wanted.generation;
  agent_wanted_release(&settled);
  return rc;
}

static cd_code ask_journal(agent_journal *j, restore_read *r, cd_err *err)
{
  agent_holder holders[AGENT_HOLDERS_MAX];
  agent_endpoint known[AGENT_ENDPOINTS_MAX];
  unsigned count = 0;
  cd_code rc = agent_journal_wanted(j, AGENT_CAP_ISOLATE, &r->wanted, err);
  if (rc != CD_OK)
    return rc;
  if (!r->wanted.known || !r->wanted.isolated)
    /* It would keep a device from being isolated: so it has to be whole. */
    return r->facts.current != RESTORE_ABSENT || r->facts.previous != RESTORE_ABSENT
               ? agent_journal_sound(j, err)
               : CD_OK;
  if (r->wanted.params == NULL)
    return cd_fail(err, CD_E_INVALID, "the journal wants an isolation without parameters");
  rc = ask_settled(j, r, err);
  if (rc == CD_OK)
    rc = agent_journal_holders(j, AGENT_CAP_ISOLATE, holders, &count, err);
  if (rc == CD_OK && count > 0)
    (void)cd_str_copy(r->holder, sizeof(r->holder), cd_str_from(holders[0].plugin));
  count = 0;
  if (rc == CD_OK)
    rc = agent_journal_console(j, NULL, 0, known, AGENT_ENDPOINTS_MAX, &count, err);
  for (unsigned i = 0; i < count && rc == CD_OK; i++)
    agent_endpoint_add(&known[i], r->consoles, AGENT_ENDPOINTS_MAX, &r->console_count);
  if (rc == CD_OK && r->wanted.params != NULL)
    (void)agent_params_consoles(cd_str_from(r->wanted.params), r->consoles, AGENT_ENDPOINTS_MAX,
                                &r->console_count);
  return rc;
}

static void read_journal(const char *state_dir, restore_read *r)
{
  cd_err err = {0};
  agent_journal *j = NULL;
  cd_code rc = agent_journal_peek(state_dir, RESTORE_JOURNAL_MS, &j, &err);
  r->facts.journal = rc == CD_E_NOTFOUND ? RESTORE_ABSENT : RESTORE_BAD;
  if (rc == CD_OK)
    rc = ask_journal(j, r, &err);
  agent_journal_close(j);
  if (rc == CD_OK) {
    r->facts.journal = RESTORE_GOOD;
    r->facts.known = r->wanted.known;
    r->facts.isolated = r->wanted.isolated;
    r->facts.generation = r->wanted.generation;
  } else if (rc != CD_E_NOTFOUND) {
    warn(err.text);
  }
}

void restore_read_all(const char *state_dir, restore_read *r)
{
  *r = (restore_read){0};
  read_file(state_dir, false, &r->current, &r->facts.current, r);
  read_file(state_dir, true, &r->previous, &r->facts.previous, r);
  r->facts.current_generation = r->current.generation;
  r->facts.previous_generation = r->previous.generation;
  read_journal(state_dir, r);
}

void restore_read_release(restore_read *r)
{
  agent_rule_file_release(&r->current);
  agent_rule_file_release(&r->previous);
  agent_wanted_release(&r->wanted);
}

/* ---- the fallback ---- */

/* Names cannot be looked up before there is a network: only addresses count. */
static void add_enrolled(const char *state_dir, restore_read *r)
{
  cd_err err = {0};
  agent_enrolment *e = NULL;
  if (agent_enrolment_load(state_dir, &e, &err) != CD_OK)
    warn(err.text);
  for (unsigned i = 0; e != NULL && i < e->agent_count; i++) {
    char host[CD_HTTP_HOST_MAX + 1];
    agent_endpoint endpoint = {0};
    uint16_t port = 0;
    if (cd_endpoint_parse(cd_str_from(e->agents[i]), host, &port, &err) == CD_OK &&
        agent_endpoint_set(&endpoint, cd_str_from(host), port))
      agent_endpoint_add(&endpoint, r->consoles, AGENT_ENDPOINTS_MAX, &r->console_count);
  }
  agent_enrolment_free(e);
}

void restore_read_consoles(const char *state_dir, const agent_config *config, restore_read *r)
{
  for (unsigned i = 0; i < config->console_count; i++)
    agent_endpoint_add(&config->console[i], r->consoles, AGENT_ENDPOINTS_MAX, &r->console_count);
  add_enrolled(state_dir, r);
}

cd_code restore_builtin_params(const restore_read *r, const agent_config *config, cd_buf *out,
                               cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "type", "full");
  cd_jw_arr(&w, "console");
  for (unsigned i = 0; i < r->console_count; i++) {
    cd_jw_obj(&w, NULL);
    cd_jw_cstr(&w, "address", r->consoles[i].address);
    cd_jw_u64(&w, "port", r->consoles[i].port);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  cd_jw_arr(&w, "resolvers");
  for (unsigned i = 0; i < config->resolver_count; i++)
    cd_jw_cstr(&w, NULL, config->resolvers[i]);
  cd_jw_end_arr(&w);
  cd_jw_u64(&w, "mark", config->mark);
  cd_jw_arr(&w, "exclusions");
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the parameters of the built-in isolation", err);
}
