/* The reconciler's life, and its three values in words. The run itself is in state_run.c. */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "lease.h"
#include "state_private.h"

#include "base/banned.h"

const char *state_enforced_name(state_enforced v)
{
  static const char *const names[] = {"unknown", "released", "partial", "isolated"};
  return names[v];
}

const char *state_proven_name(state_proven v)
{
  static const char *const names[] = {"unknown", "released", "fails", "holds"};
  return names[v];
}

static void set_note(char out[STATE_NOTE_MAX], const char *note)
{
  (void)snprintf(out, STATE_NOTE_MAX, "%s", note != NULL ? note : "");
}

void state_measured(agent_state *s, state_enforced value, cd_str digest, const char *note)
{
  s->run.measured = true;
  s->enforced = value;
  s->enforced_ms = cd_wall_ms();
  (void)cd_str_copy(s->enforced_digest, sizeof(s->enforced_digest), digest);
  set_note(s->enforced_note, note);
}

void state_proved(agent_state *s, state_proven value, const char *note)
{
  s->run.proved = true;
  s->proven = value;
  s->proven_ms = cd_wall_ms();
  set_note(s->proven_note, note);
}

static cd_code read_journal(agent_state *s, cd_err *err)
{
  agent_holder holders[AGENT_HOLDERS_MAX];
  unsigned count = 0;
  cd_code rc = pf_boot_id(s->boot, err);
  if (rc == CD_OK)
    rc = agent_journal_wanted(s->journal, s->cap, &s->wanted, err);
  if (rc == CD_OK)
    rc = agent_journal_settled(s->journal, s->cap, &s->settled, err);
  if (rc == CD_OK)
    rc = agent_journal_holders(s->journal, s->cap, holders, &count, err);
  if (rc == CD_OK && count > 0 && holders[0].current)
    (void)cd_str_copy(s->provider, sizeof(s->provider), cd_str_from(holders[0].plugin));
  return rc;
}

cd_code agent_state_new(agent_supervisor *sup, agent_journal *journal, agent_capability cap,
                        uint32_t interval_s, const agent_state_events *events, void *owner,
                        agent_state **ret_state, cd_err *err)
{
  agent_state *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the state %s", agent_capability_name(cap));
  s->sup = sup;
  s->journal = journal;
  s->cap = cap;
  s->interval_s = interval_s;
  s->events = events;
  s->owner = owner;
  s->console_dropped = -1;
  cd_code rc = agent_rules_init(&s->rules, sup->state_dir, err);
  if (rc == CD_OK)
    rc = read_journal(s, err);
  if (rc != CD_OK) {
    agent_state_free(s);
    return rc;
  }
  (void)uv_timer_init(sup->loop, &s->timer);
  (void)uv_timer_init(sup->loop, &s->watch_timer);
  s->timer.data = s;
  s->watch_timer.data = s;
  *ret_state = s;
  return CD_OK;
}

void agent_state_start(agent_state *s)
{
  s->look_due = true;
  s->proof_due = true;
  state_next(s);
}

void agent_state_kick(agent_state *s)
{
  state_next(s);
}

void agent_state_refresh(agent_state *s)
{
  s->refresh_due = true;
  state_next(s);
}

void agent_state_reread(agent_state *s)
{
  s->look_due = true;
  state_next(s);
}

void agent_state_stop(agent_state *s)
{
  if (s == NULL || s->stopping)
    return;
  s->stopping = true;
  uv_close((uv_handle_t *)&s->timer, NULL);
  uv_close((uv_handle_t *)&s->watch_timer, NULL);
}

void agent_state_free(agent_state *s)
{
  if (s == NULL)
    return;
  agent_wanted_release(&s->wanted);
  agent_wanted_release(&s->settled);
  agent_rules_release(&s->rules);
  agent_action_free(s->run.action);
  free(s->run.params);
  agent_preflight_free(s->run.preflight);
  cd_buf_release(&s->run.reasons);
  for (int fn = 0; fn < AGENT_FN_COUNT; fn++)
    cd_buf_release(&s->run.results[fn]);
  free(s);
}

bool agent_state_in_force(const agent_state *s)
{
  return s->wanted.isolated;
}

bool agent_state_is_busy(const agent_state *s)
{
  return s->run.active;
}

bool agent_state_is_settled(const agent_state *s)
{
  return !s->run.active && s->wanted.isolated && s->settled.isolated &&
         s->enforced == ENFORCED_ISOLATED && strcmp(s->wanted.action, s->settled.action) == 0;
}

int64_t agent_state_console_dropped(const agent_state *s)
{
  return s->console_dropped;
}

/* ---- words ---- */

/* "full" or "selective" while it is wanted in force, else empty. */
static void wanted_type(const agent_wanted *x, char out[CD_WORD_MAX + 1])
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str type = {0};
  out[0] = '\0';
  if (!x->isolated || x->params == NULL ||
      cd_json_parse(cd_str_from(x->params), CD_RESULT_MAX, "params", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "type", 32, &type);
  (void)cd_str_copy(out, CD_WORD_MAX + 1, type);
  cd_json_free(doc);
}

static void write_wanted(const agent_state *s, cd_jw *w)
{
  const agent_wanted *x = &s->wanted;
  char type[CD_WORD_MAX + 1];
  wanted_type(x, type);
  cd_jw_obj(w, "wanted");
  cd_jw_cstr(w, "value", x->isolated ? "isolated" : "released");
  cd_jw_cstr(w, "type", type[0] != '\0' ? type : NULL);
  cd_jw_u64(w, "generation", x->generation);
  cd_jw_cstr(w, "action", x->known && x->action[0] != '\0' ? x->action : NULL);
  cd_jw_time(w, "since", x->since_ms);
  agent_terms_write(x, w);
  cd_jw_end_obj(w);
}

static void write_drift(agent_state *s, cd_jw *w)
{
  agent_drift d = {0};
  cd_err err = {0};
  if (agent_journal_drift(s->journal, s->cap, &d, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s", err.text);
  cd_jw_obj(w, "drift");
  cd_jw_u64(w, "count", d.count);
  cd_jw_time(w, "last", d.last_ms);
  cd_jw_cstr(w, "note", d.note[0] != '\0' ? d.note : NULL);
  cd_jw_end_obj(w);
}

static void write_note(cd_jw *w, const char *note)
{
  cd_jw_cstr(w, "note", note[0] != '\0' ? note : NULL);
}

void state_write_measured(const agent_state *s, bool of_run, cd_jw *w)
{
  static const char unmeasured[] = "it was not measured in this action";
  bool enforced = !of_run || s->run.measured;
  bool proven = !of_run || s->run.proved;
  bool has_digest = enforced && s->enforced_digest[0] != '\0';
  cd_jw_obj(w, "enforced");
  cd_jw_cstr(w, "value", state_enforced_name(enforced ? s->enforced : ENFORCED_UNKNOWN));
  cd_jw_time(w, "at", enforced ? s->enforced_ms : 0);
  cd_jw_cstr(w, "digest", has_digest ? s->enforced_digest : NULL);
  write_note(w, enforced ? s->enforced_note : unmeasured);
  cd_jw_end_obj(w);
  cd_jw_obj(w, "proven");
  cd_jw_cstr(w, "value", state_proven_name(proven ? s->proven : PROVEN_UNKNOWN));
  cd_jw_time(w, "at", proven ? s->proven_ms : 0);
  write_note(w, proven ? s->proven_note : unmeasured);
  cd_jw_end_obj(w);
}

void agent_state_write(agent_state *s, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "state", agent_capability_name(s->cap));
  write_wanted(s, w);
  state_write_measured(s, false, w);
  write_drift(s, w);
  cd_jw_cstr(w, "provider", s->provider[0] != '\0' ? s->provider : NULL);
  cd_jw_cstr(w, "watch",
             s->watch != NULL                                                   ? "watching"
             : s->watch_absent || (s->wanted.isolated && s->watch_failures > 0) ? "timer only"
                                                                                : "off");
  cd_jw_end_obj(w);
}

/* ---- for the console ---- */

static void copy(char *out, size_t size, const char *text)
{
  cd_str all = cd_str_from(text);
  (void)cd_str_copy(out, size, (cd_str){all.ptr, cd_str_utf8_cut(all, size - 1)});
}

void agent_state_values(agent_state *s, cd_values *ret_values)
{
  static const cd_enforced_value enforced[] = {CD_ENFORCED_UNKNOWN, CD_ENFORCED_RELEASED,
                                               CD_ENFORCED_PARTIAL, CD_ENFORCED_ISOLATED};
  static const cd_proven_value proven[] = {CD_PROVEN_UNKNOWN, CD_PROVEN_RELEASED, CD_PROVEN_FAILS,
                                           CD_PROVEN_HOLDS};
  agent_drift d = {0};
  cd_err err = {0};
  cd_values v = {.state = CD_STATE_ISOLATE,
                 .wanted = s->wanted.isolated ? CD_WANTED_ISOLATED : CD_WANTED_RELEASED,
                 .wanted_generation = s->wanted.generation,
                 .wanted_since_ms = s->wanted.since_ms,
                 .enforced = enforced[s->enforced],
                 .enforced_at_ms = s->enforced_ms,
                 .proven = proven[s->proven],
                 .proven_at_ms = s->proven_ms};
  if (agent_journal_drift(s->journal, s->cap, &d, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s", err.text);
  wanted_type(&s->wanted, v.wanted_type);
  copy(v.wanted_action, sizeof(v.wanted_action), s->wanted.action);
  copy(v.enforced_digest, sizeof(v.enforced_digest), s->enforced_digest);
  copy(v.enforced_note, sizeof(v.enforced_note),
       s->enforced_note[0] == '\0' && state_is_of_boot(s)
           ? "put back in force at boot, before the network came up"
           : s->enforced_note);
  copy(v.proven_note, sizeof(v.proven_note), s->proven_note);
  v.drift_count = d.count;
  v.drift_last_ms = d.last_ms;
  copy(v.drift_note, sizeof(v.drift_note), d.note);
  copy(v.provider, sizeof(v.provider), s->provider);
  *ret_values = v;
}
