/* One run of the reconciler: provider, apply, query, verify. Releasing is in state_release.c,
 * looking in state_look.c, the end in state_end.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "cordon/plugin.h"
#include "state_private.h"

#include "base/banned.h"

#define REASONS_MAX (4u * 1024u)
#define PROGRESS_SPACING_MS 20

static void dispatch(agent_state *s, const agent_op_end *end);

void state_fail(agent_state *s, cd_code code, const char *fmt, ...)
{
  va_list args;
  char text[CD_ERR_TEXT_MAX];
  /* That something was done in part gives way to a failure. */
  if (!cd_code_ok(s->run.failure.code))
    return;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  (void)cd_fail(&s->run.failure, code, "%s", text);
}

static const char *step_name(const state_run *r)
{
  if (r->dry)
    return "preflight";
  return r->function == AGENT_FN_PROBE ? "provider" : agent_function_name(r->function);
}

static void tell_step(agent_state *s, uint64_t done, uint64_t total, cd_str what)
{
  if (s->run.action != NULL && s->events->on_step != NULL)
    s->events->on_step(s->owner, s->run.action->id, step_name(&s->run), done, total, what);
}

/* An honest host says a few a second; whoever waits must not be drowned by another. */
static void on_op_progress(void *owner, uint64_t done, uint64_t total, cd_str what)
{
  agent_state *s = owner;
  uint64_t now = cd_mono_ms();
  if (now - s->run.told_ms < PROGRESS_SPACING_MS)
    return;
  s->run.told_ms = now;
  tell_step(s, done, total, what);
}

/* A provider that does not count them says nothing. */
static int64_t read_dropped(const agent_op_end *end)
{
  cd_json_doc *doc = NULL;
  cd_json details = {0};
  cd_err err = {0};
  int64_t dropped = -1;
  uint64_t count = 0;
  if (end->result.len == 0 ||
      cd_json_parse(end->result, CD_RESULT_MAX, "the result", &doc, &err) != CD_OK)
    return dropped;
  cd_json root = cd_json_root(doc);
  if (cd_json_opt_obj(&root, "details", &details) &&
      cd_json_opt_u64(&details, "console_dropped", (uint64_t)1 << 53, &count))
    dropped = (int64_t)count;
  cd_json_free(doc);
  return dropped;
}

static void on_op_end(void *owner, const agent_op_end *end)
{
  agent_state *s = owner;
  s->run.op = NULL;
  /* A stopping agent leaves the action open: the next start takes it up. */
  if (s->stopping || s->sup->stopping)
    return;
  cd_buf *kept = &s->run.results[s->run.function];
  if (!s->run.dry) {
    cd_buf_reset(kept);
    cd_buf_add_str(kept, end->result);
  }
  if (!s->run.dry && (s->run.function == AGENT_FN_QUERY || s->run.function == AGENT_FN_APPLY))
    s->console_dropped = read_dropped(end);
  dispatch(s, end);
}

static const agent_op_events op_events = {
    .on_progress = on_op_progress, .on_record = NULL, .on_end = on_op_end};

/* Undo records are for release; "" where there are none. */
static cd_code read_undo(agent_state *s, agent_function fn, cd_buf *out, cd_err *err)
{
  if (fn != AGENT_FN_RELEASE)
    return CD_OK;
  return agent_journal_undo_list(s->journal, s->cap, s->run.plugin->manifest.id, out, err);
}

/* Without an action it is a repair. */
static uint32_t request_flags(const state_run *r, agent_function fn)
{
  if (!r->dry)
    return fn == AGENT_FN_APPLY && r->action == NULL ? (uint32_t)CORDON_REQ_HELD : 0;
  return r->action->kind == AGENT_KIND_PREFLIGHT ? (uint32_t)CORDON_REQ_DRY_RUN
                                                 : CORDON_REQ_DRY_RUN | CORDON_REQ_APPLY_FOLLOWS;
}

void state_run_function(agent_state *s, agent_function fn)
{
  cd_err err = {0};
  cd_buf undo = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX - CD_RESULT_MAX);
  s->run.function = fn;
  tell_step(s, 0, 0, (cd_str){0});
  cd_code rc = read_undo(s, fn, &undo, &err);
  if (rc == CD_OK) {
    agent_op_order order = {.function = fn,
                            .flags = request_flags(&s->run, fn),
                            .params = fn == AGENT_FN_RELEASE || fn == AGENT_FN_PROBE
                                          ? CD_STR("{}")
                                          : cd_str_from(s->run.params),
                            .undo = cd_buf_view(&undo),
                            .events = &op_events,
                            .owner = s,
                            .keeps = s->run.last_resort};
    rc = agent_supervisor_run(s->sup, s->run.plugin, s->cap, &order, &s->run.op, &err);
  }
  cd_buf_release(&undo);
  if (rc == CD_OK)
    return;
  agent_op_end end = {.status = rc, .os_error = err.os_error, .sentence = err.text};
  dispatch(s, &end);
}

/* ---- provider ---- */

void state_pass_over(agent_state *s, const char *id, const char *reason)
{
  cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "%s: passing over provider %s: %s",
         agent_capability_name(s->cap), id, reason);
  agent_reason_add(&s->run.reasons, id, reason);
}

/* A repair for which there is nobody but the holder, and that is in quarantine: it is asked all the
 * same. Whoever can kill its host three times, or drive it to that, must not get the device out of
 * its isolation by it. How often is up to the back-off of the looks. */
static agent_plugin *find_last_resort(agent_state *s)
{
  unsigned strikes = 0;
  bool quarantined = false;
  agent_plugin *p = agent_registry_find(&s->sup->registry, s->provider);
  if (s->run.action != NULL || s->run.last_resort || p == NULL || !p->usable ||
      p->slots[s->cap] == NULL)
    return NULL;
  agent_supervisor_strikes(s->sup, p, s->cap, &strikes, &quarantined);
  return quarantined ? p : NULL;
}

static void no_provider(agent_state *s)
{
  const char *name = agent_capability_name(s->cap);
  cd_buf *b = &s->run.reasons;
  agent_plugin *last = find_last_resort(s);
  if (last != NULL) {
    s->run.last_resort = true;
    s->run.plugin = last;
    s->run.attempts = 0;
    state_apply(s);
    return;
  }
  if (b->len == 0)
    cd_buf_add_cstr(b, "the configuration names none");
  state_fail(s, s->run.touched ? CD_E_INTERNAL : CD_E_UNAVAILABLE,
             "no provider could %s this device: %s", name, cd_buf_cstr(b));
  if (s->run.touched && s->run.action != NULL && !s->settled.isolated) {
    state_release_begin(s);
    return;
  }
  if (s->run.touched)
    state_measured(s, ENFORCED_UNKNOWN, (cd_str){0}, "apply broke off; the next look will tell");
  state_conclude(s);
}

void state_probe(agent_state *s)
{
  s->run.unprobed = false;
  state_run_function(s, AGENT_FN_PROBE);
}

/* The provider in hand can: what an isolation would meet, or the isolation. */
static void provider_found(agent_state *s)
{
  if (!state_preflight_begin(s))
    state_apply(s);
}

void state_try_provider(agent_state *s)
{
  for (;;) {
    const char *id = NULL;
    bool more = false;
    unsigned i = s->run.next_provider++;
    agent_plugin *p = agent_supervisor_provider(s->sup, s->cap, i, &id, &more);
    if (!more) {
      no_provider(s);
      return;
    }
    if ((s->run.tried & (1u << i)) != 0)
      continue;
    if (p == NULL || !p->usable) {
      state_pass_over(s, id,
                      p == NULL ? "it is not installed, or does not provide this" : p->reason);
      continue;
    }
    s->run.plugin = p;
    s->run.attempts = 0;
    s->run.unprobed = agent_supervisor_able(p, s->cap);
    if (!s->run.unprobed) {
      state_probe(s);
      return;
    }
    s->run.function = AGENT_FN_PROBE;
    tell_step(s, 0, 0, (cd_str){0});
    provider_found(s);
    return;
  }
}

static void after_probe(agent_state *s, const agent_op_end *end)
{
  const agent_manifest *m = &s->run.plugin->manifest;
  char reason[CD_ERR_TEXT_MAX + 256];
  if (cd_code_ok(end->status)) {
    provider_found(s);
    return;
  }
  bool hint = end->status == CD_E_UNAVAILABLE && m->install_hint[0] != '\0';
  (void)snprintf(reason, sizeof(reason), "%s%s%s", end->sentence, hint ? "; to install: " : "",
                 hint ? m->install_hint : "");
  state_pass_over(s, m->id, reason);
  state_try_provider(s);
}

/* ---- apply ---- */

static cd_code hold(agent_state *s, const char *digest, cd_err *err)
{
  agent_holder h = {.current = true};
  (void)cd_str_copy(h.boot, sizeof(h.boot), cd_str_from(s->boot));
  (void)cd_str_copy(h.plugin, sizeof(h.plugin), cd_str_from(s->run.plugin->manifest.id));
  (void)cd_str_copy(h.digest, sizeof(h.digest), cd_str_from(digest));
  cd_code rc = agent_journal_hold(s->journal, s->cap, &h, err);
  if (rc == CD_OK)
    (void)cd_str_copy(s->provider, sizeof(s->provider), cd_str_from(h.plugin));
  return rc;
}

/* Who is asked to apply is on disk before it is asked: a release after a crash knows whom to ask.
 */
void state_apply(agent_state *s)
{
  cd_err err = {0};
  state_run *r = &s->run;
  cd_code rc = CD_OK;
  if (r->attempts == 0)
    rc = agent_journal_holders(s->journal, s->cap, r->before, &r->before_count, &err);
  if (rc == CD_OK)
    rc = hold(s, "", &err);
  if (rc != CD_OK) {
    state_fail(s, rc, "%s", err.text);
    state_conclude(s);
    return;
  }
  CD_FAULT_POINT("agent.before_apply");
  r->attempts++;
  r->all_attempts++;
  state_run_function(s, AGENT_FN_APPLY);
}

static bool read_applied(agent_state *s, const agent_op_end *end, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str state = {0};
  cd_str digest = {0};
  if (cd_json_parse(end->result, CD_RESULT_MAX, "the result of apply", &doc, err) != CD_OK)
    return false;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "state", 32, &state);
  cd_json_str(&root, "digest", STATE_DIGEST_MAX - 1, &digest);
  if (state.ptr != NULL && !cd_str_eq(state, CD_STR("isolated")))
    cd_json_bad(&root, "state", "is '%.*s'", CD_STR_ARG(state));
  bool good = cd_json_status(&root, err) == CD_OK &&
              cd_str_copy(s->run.digest, sizeof(s->run.digest), digest);
  cd_json_free(doc);
  return good;
}

bool state_cannot_here(cd_code status)
{
  return status == CD_E_UNSUPPORTED || status == CD_E_UNAVAILABLE || status == CD_E_DENIED;
}

/* By the contract these statuses mean that nothing was changed. */
static bool changed_nothing(cd_code status)
{
  return state_cannot_here(status) || status == CD_E_INVALID || status == CD_E_CONFLICT ||
         status == CD_E_NOTFOUND;
}

/* Nothing was changed: who holds it, and what, is as it was before. The current holder comes first,
 * because writing it takes that from all others. */
static void restore_holders(agent_state *s)
{
  cd_err err = {0};
  const state_run *r = &s->run;
  const char *id = r->plugin->manifest.id;
  bool held = false;
  cd_code rc = CD_OK;
  s->provider[0] = '\0';
  for (unsigned i = 0; i < r->before_count && rc == CD_OK; i++) {
    const agent_holder *h = &r->before[i];
    bool itself = cd_str_eq_cstr(cd_str_from(id), h->plugin);
    held = held || itself;
    if (itself || h->current)
      rc = agent_journal_hold(s->journal, s->cap, h, &err);
    if (h->current)
      (void)cd_str_copy(s->provider, sizeof(s->provider), cd_str_from(h->plugin));
  }
  if (rc == CD_OK && !held)
    rc = agent_journal_unhold(s->journal, s->cap, id, &err);
  if (rc != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; going on", err.text);
}

static void apply_refused(agent_state *s, const agent_op_end *end)
{
  const char *id = s->run.plugin->manifest.id;
  if (s->run.attempts == 1)
    restore_holders(s);
  if (s->run.unprobed && s->run.attempts == 1 && state_cannot_here(end->status)) {
    s->run.attempts = 0;
    state_probe(s);
    return;
  }
  if (end->status == CD_E_INVALID) {
    state_fail(s, end->status, "%s", end->sentence);
    state_conclude(s);
    return;
  }
  state_pass_over(s, id, end->sentence);
  state_try_provider(s);
}

static void after_apply(agent_state *s, const agent_op_end *end)
{
  cd_err err = {0};
  CD_FAULT_POINT("agent.after_apply");
  if (changed_nothing(end->status)) {
    apply_refused(s, end);
    return;
  }
  s->run.touched = true;
  const char *why = end->sentence;
  if (cd_code_ok(end->status)) {
    if (read_applied(s, end, &err) && hold(s, s->run.digest, &err) == CD_OK) {
      CD_FAULT_POINT("agent.applied");
      if (end->status == CD_PARTIAL)
        state_fail(s, CD_PARTIAL, "%s",
                   end->sentence[0] != '\0' ? end->sentence : "it was applied in part");
      state_run_function(s, AGENT_FN_QUERY);
      return;
    }
    why = err.text;
  }
  cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "%s plugin=%s: apply broke off: %s",
         agent_capability_name(s->cap), s->run.plugin->manifest.id, why);
  if (s->run.attempts < STATE_ATTEMPTS_MAX) {
    state_apply(s);
    return;
  }
  state_pass_over(s, s->run.plugin->manifest.id, why);
  state_try_provider(s);
}

/* ---- query, verify ---- */

bool state_read_query(const agent_op_end *end, state_enforced *ret_value,
                      char digest[STATE_DIGEST_MAX], cd_err *err)
{
  static const char *const names[] = {"released", "partial", "isolated", NULL};
  cd_json_doc *doc = NULL;
  cd_str text = {0};
  int value = 0;
  digest[0] = '\0';
  if (!cd_code_ok(end->status)) {
    (void)cd_fail_os(err, end->status, end->os_error, "%s", end->sentence);
    return false;
  }
  if (cd_json_parse(end->result, CD_RESULT_MAX, "the result of query", &doc, err) != CD_OK)
    return false;
  cd_json root = cd_json_root(doc);
  cd_json_enum(&root, "state", names, &value);
  if (cd_json_opt_str(&root, "digest", STATE_DIGEST_MAX - 1, &text))
    (void)cd_str_copy(digest, STATE_DIGEST_MAX, text);
  bool good = cd_json_status(&root, err) == CD_OK;
  cd_json_free(doc);
  if (good)
    *ret_value = (state_enforced)(ENFORCED_RELEASED + value);
  return good;
}

static void after_query(agent_state *s, const agent_op_end *end)
{
  cd_err err = {0};
  state_enforced value = ENFORCED_UNKNOWN;
  char digest[STATE_DIGEST_MAX];
  CD_FAULT_POINT("agent.after_query");
  bool read = state_read_query(end, &value, digest, &err);
  state_measured(s, value, cd_str_from(digest), read ? NULL : err.text);
  if (value == ENFORCED_ISOLATED && cd_str_eq_cstr(cd_str_from(digest), s->run.digest)) {
    state_run_function(s, AGENT_FN_VERIFY);
    return;
  }
  if (s->run.attempts < STATE_ATTEMPTS_MAX) {
    state_apply(s);
    return;
  }
  s->run.kept = true;
  state_proved(s, PROVEN_FAILS,
               read ? "what is in force is not what was applied"
                    : "what is in force could not be read");
  state_fail(s, CD_E_UNVERIFIED, "it was applied, but %s%s",
             read ? "what is in force afterwards is something else"
                  : "what is in force could not be read: ",
             read ? "" : err.text);
  state_conclude(s);
}

static bool read_verified(const agent_op_end *end)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  bool holds = false;
  if (end->status != CD_OK ||
      cd_json_parse(end->result, CD_RESULT_MAX, "the result of verify", &doc, &err) != CD_OK)
    return false;
  cd_json root = cd_json_root(doc);
  cd_json_bool(&root, "holds", &holds);
  cd_json_free(doc);
  return holds;
}

static void after_verify(agent_state *s, const agent_op_end *end)
{
  CD_FAULT_POINT("agent.after_verify");
  s->proof_at_ms = cd_mono_ms() + (uint64_t)s->interval_s * 1000;
  if (read_verified(end)) {
    state_proved(s, PROVEN_HOLDS, NULL);
    state_rules_keep(s);
  } else {
    const char *why =
        cd_code_ok(end->status) ? "its evidence does not say that it holds" : end->sentence;
    s->run.kept = true;
    state_proved(s, end->status == CD_E_UNVERIFIED ? PROVEN_FAILS : PROVEN_UNKNOWN, why);
    state_fail(s, CD_E_UNVERIFIED, "it is in force, but could not be shown to hold: %s", why);
  }
  state_conclude(s);
}

static void dispatch(agent_state *s, const agent_op_end *end)
{
  if (s->run.dry) {
    s->run.dry = false;
    state_after_preflight(s, end);
    return;
  }
  switch (s->run.function) {
  case AGENT_FN_PROBE: after_probe(s, end); break;
  case AGENT_FN_APPLY: after_apply(s, end); break;
  case AGENT_FN_RELEASE: state_after_release(s, end); break;
  case AGENT_FN_VERIFY: after_verify(s, end); break;
  default:
    if (s->run.releasing)
      state_after_release_query(s, end);
    else if (s->run.looking)
      state_after_look_query(s, end);
    else
      after_query(s, end);
  }
}

/* ---- begin ---- */

static void run_reset(agent_state *s)
{
  state_run *r = &s->run;
  agent_action_free(r->action);
  free(r->params);
  agent_preflight_free(r->preflight);
  cd_buf_release(&r->reasons);
  for (int fn = 0; fn < AGENT_FN_COUNT; fn++)
    cd_buf_release(&r->results[fn]);
  *r = (state_run){.active = true};
  cd_buf_init(&r->reasons, REASONS_MAX);
  for (int fn = 0; fn < AGENT_FN_COUNT; fn++)
    cd_buf_init(&r->results[fn], CD_RESULT_MAX);
}

/* Takes over the action. */
static void begin_action(agent_state *s, agent_action *a)
{
  cd_err err = {0};
  run_reset(s);
  s->run.action = a;
  s->run.isolate = a->kind == AGENT_KIND_ISOLATE;
  a->status = AGENT_IN_PROGRESS;
  if (a->started_ms == 0)
    a->started_ms = cd_wall_ms();
  if (agent_journal_started(s->journal, a, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; the order itself is on record, going on",
           err.text);
  CD_FAULT_POINT("agent.started");
  cd_log(CD_AREA_RECONCILE, CD_LOG_INFO, "%s action=%s generation=%llu user=%s: begun",
         agent_kind_name(a->kind), a->id, (unsigned long long)a->generation, a->user);
  s->events->on_action(s->owner, a);
  if (!agent_text_set(&s->run.params, cd_str_from(a->params))) {
    state_fail(s, CD_E_INTERNAL, "no memory for the parameters");
    state_conclude(s);
  } else if (a->kind == AGENT_KIND_RELEASE) {
    state_release_begin(s);
  } else {
    state_try_provider(s);
  }
}

static void begin_look(agent_state *s)
{
  run_reset(s);
  s->run.isolate = s->wanted.isolated;
  s->run.refreshing = s->refreshed;
  s->refreshed = false;
  s->run.verify = s->proof_due || cd_mono_ms() >= s->proof_at_ms;
  s->look_due = false;
  s->proof_due = false;
  s->looked_ms = cd_mono_ms();
  if (!agent_text_set(&s->run.params,
                      cd_str_from(s->wanted.params != NULL ? s->wanted.params : "{}"))) {
    state_fail(s, CD_E_INTERNAL, "no memory for the parameters");
    state_conclude(s);
    return;
  }
  state_look_begin(s);
}

void state_next(agent_state *s)
{
  cd_err err = {0};
  agent_action *a = NULL;
  if (s->run.active || s->stopping || s->sup->stopping)
    return;
  cd_code rc = agent_journal_wanted(s->journal, s->cap, &s->wanted, &err);
  if (rc == CD_OK)
    rc = agent_journal_next(s->journal, s->cap, &a, &err);
  if (rc != CD_OK && rc != CD_E_NOTFOUND) {
    s->failures++;
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; looking again later", err.text);
  }
  /* An order that waits is carried out first: it may end what would be refreshed. */
  if (rc != CD_OK && s->refresh_due)
    state_refresh(s);
  if (rc == CD_OK)
    begin_action(s, a);
  else if (s->look_due)
    begin_look(s);
  else
    state_rest(s);
}
