/* Looking at the device between orders: what differs from what is wanted is drift, and is mended.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "state_private.h"

#include "base/banned.h"

static void mark_tried(agent_state *s, const char *plugin)
{
  for (unsigned i = 0;; i++) {
    const char *id = NULL;
    bool more = false;
    (void)agent_supervisor_provider(s->sup, s->cap, i, &id, &more);
    if (!more)
      return;
    if (cd_str_eq_cstr(cd_str_from(plugin), id))
      s->run.tried |= 1u << i;
  }
}

static agent_plugin *first_usable(agent_state *s)
{
  for (unsigned i = 0;; i++) {
    const char *id = NULL;
    bool more = false;
    agent_plugin *p = agent_supervisor_provider(s->sup, s->cap, i, &id, &more);
    if (!more)
      return NULL;
    if (p != NULL && p->usable)
      return p;
  }
}

/* The provider to look with: who holds it, else, for a look at a device that should hold nothing,
 * the first that could. */
static agent_plugin *choose(agent_state *s)
{
  cd_err err = {0};
  state_run *r = &s->run;
  if (agent_journal_holders(s->journal, s->cap, r->holders, &r->holder_count, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s", err.text);
  if (r->holder_count == 0)
    return r->isolate ? NULL : first_usable(s);
  agent_plugin *p = agent_registry_find(&s->sup->registry, r->holders[0].plugin);
  (void)cd_str_copy(r->digest, sizeof(r->digest), cd_str_from(r->holders[0].digest));
  return p != NULL && p->usable && p->slots[s->cap] != NULL ? p : NULL;
}

void state_look_begin(agent_state *s)
{
  s->run.looking = true;
  s->run.plugin = choose(s);
  if (s->run.plugin != NULL) {
    s->run.attempts = 1;
    state_run_function(s, AGENT_FN_QUERY);
    return;
  }
  state_measured(s, ENFORCED_UNKNOWN, (cd_str){0}, "there is no provider to ask");
  s->run.looking = false;
  if (s->run.isolate)
    state_try_provider(s);
  else
    state_conclude(s);
}

static void note_drift(agent_state *s, state_enforced value)
{
  cd_err err = {0};
  char note[STATE_NOTE_MAX];
  (void)snprintf(
      note, sizeof(note), "wanted %s, found %s%s%s%s", s->run.isolate ? "isolated" : "released",
      value == ENFORCED_ISOLATED && s->run.isolate ? "other rules" : state_enforced_name(value),
      s->changed_by[0] != '\0' ? " (last change by " : "", s->changed_by,
      s->changed_by[0] != '\0' ? ")" : "");
  cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "%s drift: %s; repairing", agent_capability_name(s->cap),
         note);
  if (agent_journal_drift_add(s->journal, s->cap, cd_wall_ms(), note, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s", err.text);
}

/* What a restart of the machine took away nobody tampered with; unless the boot had put it back, by
 * the same provider. */
static bool lost_at_boot(const agent_state *s, state_enforced value)
{
  const agent_holder *h = &s->run.holders[0];
  bool put_back = s->restored && cd_str_eq_cstr(cd_str_from(s->restored_provider), h->plugin);
  return value == ENFORCED_RELEASED && !put_back && !cd_str_eq_cstr(cd_str_from(s->boot), h->boot);
}

/* What the boot put in force is not the journal's: older rules, those of another build of the
 * plugin, or the built-in ones. */
static bool is_the_boots(const agent_state *s, state_enforced value, const char *digest)
{
  return value == ENFORCED_ISOLATED && s->restored &&
         cd_str_eq_cstr(cd_str_from(digest), s->restored_digest);
}

/* In force as it was applied, but something that goes with it is to be made again, as after the
 * end of a plugin's process: no drift. */
static bool wants_renewal(const agent_op_end *end)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  bool renew = false;
  if (cd_json_parse(end->result, CD_RESULT_MAX, "the result of query", &doc, &err) != CD_OK)
    return false;
  cd_json root = cd_json_root(doc);
  (void)cd_json_opt_bool(&root, "renew", &renew);
  cd_json_free(doc);
  return renew;
}

static void renew(agent_state *s)
{
  cd_log(CD_AREA_RECONCILE, CD_LOG_INFO,
         "%s plugin=%s: in force, but not with all that goes with "
         "it; applying it again",
         agent_capability_name(s->cap), s->run.plugin->manifest.id);
  mark_tried(s, s->run.plugin->manifest.id);
  s->run.attempts = 0;
  state_apply(s);
}

static void look_wanted_isolated(agent_state *s, state_enforced value, const char *digest,
                                 bool renewal)
{
  state_run *r = &s->run;
  r->looking = false;
  if (r->refreshing) {
    mark_tried(s, r->plugin->manifest.id);
    r->attempts = 0;
    state_apply(s);
    return;
  }
  if (renewal && value == ENFORCED_ISOLATED && r->digest[0] != '\0' &&
      cd_str_eq_cstr(cd_str_from(digest), r->digest)) {
    renew(s);
    return;
  }
  if (value == ENFORCED_ISOLATED && r->digest[0] != '\0' &&
      cd_str_eq_cstr(cd_str_from(digest), r->digest)) {
    state_rules_taken_up(s);
    if (r->verify)
      state_run_function(s, AGENT_FN_VERIFY);
    else
      state_conclude(s);
    return;
  }
  if (lost_at_boot(s, value))
    cd_log(CD_AREA_RECONCILE, CD_LOG_INFO, "%s: gone since the device was restarted; applying it",
           agent_capability_name(s->cap));
  else if (is_the_boots(s, value, digest))
    cd_log(CD_AREA_RECONCILE, CD_LOG_INFO,
           "%s: in force as the boot put it back; applying what is wanted",
           agent_capability_name(s->cap));
  else if (r->news && r->digest[0] != '\0')
    /* Without a digest on record it was an apply of ours that broke off. */
    note_drift(s, value);
  s->restored = false;
  state_proved(s, PROVEN_FAILS, "what is in force is not what was applied");
  mark_tried(s, r->plugin->manifest.id);
  r->attempts = 0;
  CD_FAULT_POINT("agent.before_repair");
  state_apply(s);
}

static void look_wanted_released(agent_state *s, state_enforced value)
{
  s->run.looking = false;
  if (value == ENFORCED_RELEASED && s->run.holder_count == 0) {
    state_proved(s, PROVEN_RELEASED, NULL);
    state_conclude(s);
  } else if (!s->wanted.known) {
    if (value != ENFORCED_RELEASED) {
      (void)snprintf(s->enforced_note, sizeof(s->enforced_note),
                     "in force without an order on record; it is left as it is");
      cd_log(CD_AREA_RECONCILE, CD_LOG_WARN,
             "%s: found %s without an order on record; it is left as it is until one comes",
             agent_capability_name(s->cap), state_enforced_name(value));
    } else {
      state_proved(s, PROVEN_RELEASED, NULL);
    }
    state_conclude(s);
  } else {
    /* Who is on record as a holder has still to release: nobody else's doing. */
    if (value != ENFORCED_RELEASED && s->run.news && s->run.holder_count == 0)
      note_drift(s, value);
    state_release_begin(s);
  }
}

void state_after_look_query(agent_state *s, const agent_op_end *end)
{
  cd_err err = {0};
  state_enforced value = ENFORCED_UNKNOWN;
  char digest[STATE_DIGEST_MAX];
  bool read = state_read_query(end, &value, digest, &err);
  /* What the last look found too, and could not mend, is not another drift. */
  s->run.news = value != s->enforced || !cd_str_eq_cstr(cd_str_from(digest), s->enforced_digest);
  state_measured(s, value, cd_str_from(digest), read ? NULL : err.text);
  if (read && s->run.isolate) {
    look_wanted_isolated(s, value, digest, wants_renewal(end));
  } else if (read) {
    look_wanted_released(s, value);
  } else if (s->run.attempts < STATE_ATTEMPTS_MAX && end->misbehaved) {
    s->run.attempts++;
    state_run_function(s, AGENT_FN_QUERY);
  } else if (s->run.isolate) {
    /* What cannot be read may be anything: it is put in force anew. */
    s->run.looking = false;
    state_proved(s, PROVEN_UNKNOWN, "what is in force could not be read");
    mark_tried(s, s->run.plugin->manifest.id);
    s->run.attempts = 0;
    state_apply(s);
  } else if (s->wanted.known && s->run.holder_count > 0) {
    /* It may hold the state: it is asked to release, whatever became of its query. */
    s->run.looking = false;
    state_release_begin(s);
  } else {
    /* A provider that is merely absent on a device that should hold nothing is no failure of a
     * look. */
    s->run.looking = false;
    if (end->misbehaved)
      state_fail(s, err.code, "%s", err.text);
    state_conclude(s);
  }
}
