/* What a device signs about an action that has ended. */
#include "agent.h"
#include "protocol/result.h"
#include "remote_order.h"

#include "base/banned.h"

static cd_action_status status_of(const agent_action *a)
{
  switch (a->status) {
  case AGENT_SUCCEEDED: return CD_ACTION_SUCCEEDED;
  case AGENT_TIMED_OUT: return CD_ACTION_TIMED_OUT;
  case AGENT_CANCELLED: return CD_ACTION_CANCELLED;
  default: return CD_ACTION_FAILED;
  }
}

static const struct {
  agent_kind action;
  cd_order_kind order;
} kinds[] = {
    {AGENT_KIND_ISOLATE, CD_ORDER_ISOLATE},     {AGENT_KIND_RELEASE, CD_ORDER_RELEASE},
    {AGENT_KIND_PREFLIGHT, CD_ORDER_PREFLIGHT}, {AGENT_KIND_COLLECT, CD_ORDER_COLLECT},
    {AGENT_KIND_SCAN, CD_ORDER_SCAN},           {AGENT_KIND_REMEDIATE, CD_ORDER_REMEDIATE}};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static cd_order_kind order_kind_of(agent_kind kind)
{
  for (size_t i = 0; i < KINDS; i++) {
    if (kinds[i].action == kind)
      return kinds[i].order;
  }
  return CD_ORDER_PREFLIGHT;
}

agent_kind agent_kind_of_order(cd_order_kind kind)
{
  for (size_t i = 0; i < KINDS; i++) {
    if (kinds[i].order == kind)
      return kinds[i].action;
  }
  return AGENT_KIND_PREFLIGHT;
}

cd_code agent_result_sign(const agent_action *a, const agent_enrolment *e, const cd_values *values,
                          unsigned value_count, cd_buf *out, cd_err *err)
{
  cd_result r = {.kind = order_kind_of(a->kind),
                 .generation = a->generation,
                 .has_order = a->console,
                 .order = a->order,
                 .status = status_of(a),
                 .outcome = a->outcome,
                 .comment = cd_str_from(a->comment),
                 .created_ms = a->created_ms,
                 .started_ms = a->started_ms,
                 .ended_ms = a->ended_ms,
                 .state_count = value_count,
                 .result = cd_str_from(a->result)};
  for (unsigned i = 0; i < value_count; i++)
    r.states[i] = values[i];
  (void)cd_str_copy(r.device, sizeof(r.device), cd_str_from(e->device));
  (void)cd_str_copy(r.action, sizeof(r.action), cd_str_from(a->id));
  (void)cd_str_copy(r.requestor, sizeof(r.requestor), cd_str_from(a->user));
  (void)cd_str_copy(r.sentence, sizeof(r.sentence), cd_str_from(a->sentence));
  (void)cd_str_copy(r.provider, sizeof(r.provider), cd_str_from(a->provider));
  /* The journal keeps more than fits into a result; the outcome must not be lost for it. */
  if (r.result.len > CD_RESULT_MAX)
    r.result = (cd_str){0};
  return cd_result_sign(&r, e->device_key, &agent_random, out, err);
}
