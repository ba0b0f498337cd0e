/* Before a new isolation: what it would meet, from the provider's dry run. An isolation is refused
 * for what was found, never for what could not be looked at: cutting a device off matters more. */
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "state_private.h"

#include "base/banned.h"

bool state_preflight_begin(agent_state *s)
{
  state_run *r = &s->run;
  if (r->action == NULL || r->preflight != NULL || s->events->on_preflight == NULL)
    return false;
  r->dry = true;
  state_run_function(s, AGENT_FN_APPLY);
  return true;
}

/* The same isolation again, as when its lease is renewed: that it is in force shows what it meets
 * better than any look, and refusing it would let it end. */
static bool is_renewal(const agent_state *s)
{
  return s->settled.isolated && s->settled.params != NULL &&
         cd_str_eq_cstr(cd_str_from(s->run.params), s->settled.params);
}

static void refuse(agent_state *s)
{
  cd_buf reason = CD_BUF_INIT(PREFLIGHT_FINDINGS_MAX * (PREFLIGHT_SENTENCE_MAX + 64));
  agent_preflight_reason(s->run.preflight, &reason);
  state_fail(s, CD_E_CONFLICT, "the preflight refuses, and nothing was changed: %s",
             cd_buf_cstr(&reason));
  cd_buf_release(&reason);
  state_conclude(s);
}

/* The dry run of a preflight that is all that was asked for: another provider may be able to. */
static void pass_on(agent_state *s, const agent_op_end *end)
{
  agent_preflight_free(s->run.preflight);
  s->run.preflight = NULL;
  state_pass_over(s, s->run.plugin->manifest.id, end->sentence);
  state_try_provider(s);
}

static void go_on(agent_state *s)
{
  agent_preflight *p = s->run.preflight;
  if (p->refused && is_renewal(s))
    agent_preflight_overlook(p);
  if (s->run.action->kind == AGENT_KIND_PREFLIGHT) {
    state_conclude(s);
    return;
  }
  if (p->refused) {
    refuse(s);
    return;
  }
  for (unsigned i = 0; i < p->count; i++) {
    if (p->findings[i].severity != PREFLIGHT_INFO)
      cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "isolate action=%s: %s: %s; going on",
             s->run.action->id, p->findings[i].check, p->findings[i].sentence);
  }
  state_apply(s);
}

void state_after_preflight(agent_state *s, const agent_op_end *end)
{
  cd_err err = {0};
  state_run *r = &s->run;
  CD_FAULT_POINT("agent.after_preflight");
  if (r->unprobed && state_cannot_here(end->status)) {
    state_probe(s);
    return;
  }
  r->preflight = agent_preflight_new();
  if (r->preflight == NULL) {
    state_fail(s, CD_E_INTERNAL, "no memory for the preflight");
    state_conclude(s);
    return;
  }
  if (!cd_code_ok(end->status) && r->action->kind == AGENT_KIND_PREFLIGHT) {
    pass_on(s, end);
    return;
  }
  const char *why = end->sentence;
  bool told = cd_code_ok(end->status);
  if (told && agent_preflight_read(r->preflight, end->result, &err) != CD_OK) {
    told = false;
    why = err.text;
  }
  if (!told)
    agent_preflight_add(r->preflight, "not_seen", PREFLIGHT_INFO,
                        "provider %s could not tell what an isolation would meet: %s",
                        r->plugin->manifest.id, why);
  s->events->on_preflight(s->owner, r->action, r->preflight);
  go_on(s);
}
