/* When to look again: the provider's watch, and a timer. Without a state in force there is neither.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "state_private.h"

#include "base/banned.h"

#define LOOK_SPACING_MS 50 /* a flood of changes becomes one look each */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
#define WATCH_LIVED_MS 60000

static uint64_t backoff(unsigned failures)
{
  unsigned shift = failures > 6 ? 6 : failures - 1;
  uint64_t ms = (uint64_t)RETRY_MIN_MS << shift;
  return ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}

static void on_timer(uv_timer_t *timer)
{
  agent_state *s = timer->data;
  s->look_due = true;
  s->proof_due = true;
  state_next(s);
}

static void on_spacing_timer(uv_timer_t *timer)
{
  agent_state *s = timer->data;
  s->look_due = true;
  state_next(s);
}

static void look_soon(agent_state *s)
{
  s->look_due = true;
  if (s->run.active)
    return;
  uint64_t since = cd_mono_ms() - s->looked_ms;
  if (since >= LOOK_SPACING_MS)
    state_next(s);
  else
    (void)uv_timer_start(&s->timer, on_spacing_timer, LOOK_SPACING_MS - since, 0);
}

static void remember_who(agent_state *s, cd_json *record)
{
  cd_json by = {0};
  cd_str name = {0};
  uint64_t pid = 0;
  if (!cd_json_opt_obj(record, "by", &by))
    return;
  (void)cd_json_opt_str(&by, "name", 64, &name);
  (void)cd_json_opt_u64(&by, "pid", UINT32_MAX, &pid);
  if (pid != 0)
    (void)snprintf(s->changed_by, sizeof(s->changed_by), "%.*s, process %llu", CD_STR_ARG(name),
                   (unsigned long long)pid);
  else
    (void)snprintf(s->changed_by, sizeof(s->changed_by), "%.*s", CD_STR_ARG(name));
}

static void on_watch_record(void *owner, cd_str json)
{
  static const char *const names[] = {"watching", "changed", "network", NULL};
  agent_state *s = owner;
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  int event = 0;
  if (s->stopping || s->watch_bad ||
      cd_json_parse(json, CD_FRAME_PAYLOAD_MAX, "a record of watch", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_json_enum(&root, "event", names, &event);
  if (event == 1)
    remember_who(s, &root);
  /* What was shown on the network that was shows nothing on the one that is. */
  if (event == 2)
    s->proof_due = true;
  if (cd_json_status(&root, &err) == CD_OK) {
    look_soon(s);
  } else {
    cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "%s plugin=%s: %s; ending this watch",
           agent_capability_name(s->cap), s->watch_plugin, err.text);
    s->watch_bad = true;
    state_watch_stop(s);
  }
  cd_json_free(doc);
}

static void on_watch_timer(uv_timer_t *timer)
{
  state_rest(timer->data);
}

static void on_watch_end(void *owner, const agent_op_end *end)
{
  agent_state *s = owner;
  s->watch = NULL;
  s->watch_bad = false;
  if (s->stopping || s->sup->stopping || !s->wanted.isolated)
    return;
  if (end->status == CD_E_UNSUPPORTED) {
    s->watch_absent = true;
    cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "%s plugin=%s cannot watch: looking every %u s instead",
           agent_capability_name(s->cap), s->watch_plugin, s->interval_s);
    return;
  }
  /* Only a watch that has lived starts the back-off anew. */
  if (cd_mono_ms() - s->watch_began_ms >= WATCH_LIVED_MS)
    s->watch_failures = 0;
  s->watch_failures++;
  cd_log(CD_AREA_RECONCILE, CD_LOG_WARN,
         "%s plugin=%s: watch ended: %s; beginning again in %llu ms", agent_capability_name(s->cap),
         s->watch_plugin, end->sentence, (unsigned long long)backoff(s->watch_failures));
  (void)uv_timer_start(&s->watch_timer, on_watch_timer, backoff(s->watch_failures), 0);
  /* What changed while nobody watched is seen now. */
  look_soon(s);
}

static const agent_op_events watch_events = {
    .on_progress = NULL, .on_record = on_watch_record, .on_end = on_watch_end};

void state_watch_stop(agent_state *s)
{
  if (!s->stopping)
    (void)uv_timer_stop(&s->watch_timer);
  if (s->watch != NULL)
    agent_op_cancel(s->watch);
}

static void watch_start(agent_state *s)
{
  cd_err err = {0};
  agent_plugin *p = agent_registry_find(&s->sup->registry, s->provider);
  if (p == NULL || s->watch != NULL || uv_is_active((uv_handle_t *)&s->watch_timer) != 0)
    return;
  if (!cd_str_eq_cstr(cd_str_from(s->provider), s->watch_plugin))
    s->watch_absent = false;
  if (s->watch_absent)
    return;
  (void)cd_str_copy(s->watch_plugin, sizeof(s->watch_plugin), cd_str_from(s->provider));
  agent_op_order order = {.function = AGENT_FN_WATCH,
                          .params = CD_STR("{}"),
                          .events = &watch_events,
                          .owner = s,
                          .keeps = true};
  s->watch_began_ms = cd_mono_ms();
  if (agent_supervisor_run(s->sup, p, s->cap, &order, &s->watch, &err) == CD_OK)
    return;
  s->watch_failures++;
  if (s->watch_failures == 1)
    cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "%s: not watching: %s; looking every %u s meanwhile",
           agent_capability_name(s->cap), err.text, s->interval_s);
  (void)uv_timer_start(&s->watch_timer, on_watch_timer, backoff(s->watch_failures), 0);
}

/* Looks between do not put off the next proof. */
static uint64_t until_proof(agent_state *s)
{
  uint64_t now = cd_mono_ms();
  if (s->proof_at_ms == 0)
    s->proof_at_ms = now + (uint64_t)s->interval_s * 1000;
  return s->proof_at_ms > now ? s->proof_at_ms - now : 1;
}

void agent_state_unblocked(agent_state *s)
{
  s->watch_failures = 0;
  (void)uv_timer_stop(&s->watch_timer);
  state_next(s);
}

void state_rest(agent_state *s)
{
  if (s->run.active)
    return;
  if (!s->wanted.isolated) {
    state_watch_stop(s);
    s->watch_absent = false;
    s->watch_failures = 0;
  } else if (s->provider[0] != '\0' && s->enforced == ENFORCED_ISOLATED) {
    /* Another provider took over: the watch of the first ends, and its end begins the new one. */
    if (s->watch != NULL && !cd_str_eq_cstr(cd_str_from(s->provider), s->watch_plugin))
      state_watch_stop(s);
    watch_start(s);
  }
  if (s->failures > 0)
    (void)uv_timer_start(&s->timer, on_timer, backoff(s->failures), 0);
  else if (s->wanted.isolated)
    (void)uv_timer_start(&s->timer, on_timer, until_proof(s), 0);
  else
    (void)uv_timer_stop(&s->timer);
}
