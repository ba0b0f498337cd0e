/* May this device carry out that order now: the way from the pinned root, and what the device
 * knows. */
#include "order_private.h"

#include "base/clock.h"
#include "protocol/statement.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

static cd_code check_target(const cd_order *o, const cd_order_known *known, cd_refusal *ret_refusal,
                            cd_err *err)
{
  if (!cd_str_eq_cstr(known->device, o->device))
    return cd_order_refuse(ret_refusal, CD_REFUSAL_WRONG_DEVICE,
                           cd_fail(err, CD_E_DENIED,
                                   "the order is for the device %s, and this one is %.*s",
                                   o->device, CD_STR_ARG(known->device)));
  return CD_OK;
}

/* What keeps an order from working twice, or after a newer one: its action id and its generation.
 */
static cd_code check_turn(const cd_order *o, const cd_order_known *known, cd_refusal *ret_refusal,
                          cd_err *err)
{
  cd_state state = cd_order_kind_state(o->kind);
  if (known->seen != NULL && known->seen(known->context, o->action))
    return cd_order_refuse(
        ret_refusal, CD_REFUSAL_REPLAYED,
        cd_fail(err, CD_E_CONFLICT, "the order was given before: action %s is known", o->action));
  bool lost = o->generation == known->generations[state] && known->held[state][0] != '\0' &&
              strcmp(o->action, known->held[state]) == 0;
  if (state != CD_STATE_NONE && o->generation <= known->generations[state] && !lost)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_OLD_GENERATION,
                           cd_fail(err, CD_E_CONFLICT,
                                   "the order is older than what this device holds: its generation "
                                   "of %s is %" PRIu64 ", and %" PRIu64 " was taken",
                                   cd_state_name(state), o->generation, known->generations[state]));
  return CD_OK;
}

static cd_code check_time(const cd_order *o, const cd_order_known *known, cd_refusal *ret_refusal,
                          cd_err *err)
{
  char limit[CD_TIME_TEXT_MAX];
  char now[CD_TIME_TEXT_MAX];
  cd_time_text(known->now_ms, now);
  if (o->issued_ms - CD_CLOCK_SKEW_MS > known->now_ms) {
    cd_time_text(o->issued_ms, limit);
    return cd_order_refuse(ret_refusal, CD_REFUSAL_NOT_YET_VALID,
                           cd_fail(err, CD_E_DEADLINE,
                                   "the order is not valid yet: it is of %s, and now it is %s",
                                   limit, now));
  }
  if (o->expires_ms < known->now_ms) {
    cd_time_text(o->expires_ms, limit);
    return cd_order_refuse(ret_refusal, CD_REFUSAL_EXPIRED,
                           cd_fail(err, CD_E_DEADLINE,
                                   "the order has expired: it was valid until %s, and now it is %s",
                                   limit, now));
  }
  return CD_OK;
}

static cd_code check_order_key(const cd_statement *s, const cd_order_known *known, bool judge_time,
                               cd_refusal *ret_refusal, cd_err *err)
{
  const cd_statement_known of_key = {
      .generation = known->key_generation, .judge_time = judge_time, .now_ms = known->now_ms};
  cd_code rc = cd_statement_check(s, &of_key, err);
  if (rc == CD_OK)
    return rc;
  return cd_order_refuse(ret_refusal,
                         rc == CD_E_CONFLICT ? CD_REFUSAL_OLD_KEY : CD_REFUSAL_KEY_TIME, rc);
}

cd_code cd_order_accept(cd_str statement_jws, cd_str order_jws, const cd_public_key *root,
                        const cd_order_known *known, cd_accepted *ret_accepted,
                        cd_refusal *ret_refusal, cd_err *err)
{
  cd_statement statement;
  cd_accepted a = {0};
  cd_code rc = cd_statement_verify(statement_jws, root, CD_PURPOSE_ORDER, &statement, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
  rc = cd_order_verify(order_jws, &statement.key, &a.order, ret_refusal, err);
  if (rc != CD_OK)
    return rc;

  a.key_generation = statement.generation;
  a.time_judged = known->clock_trusted && !cd_order_kind_releases(a.order.kind);
  rc = check_order_key(&statement, known, a.time_judged, ret_refusal, err);
  if (rc == CD_OK)
    rc = check_target(&a.order, known, ret_refusal, err);
  if (rc == CD_OK)
    rc = check_turn(&a.order, known, ret_refusal, err);
  if (rc == CD_OK && a.time_judged)
    rc = check_time(&a.order, known, ret_refusal, err);
  if (rc == CD_OK) {
    rc = cd_jws_digest(order_jws, &a.digest, err);
    if (rc != CD_OK)
      (void)cd_order_refuse(ret_refusal, CD_REFUSAL_INTERNAL, rc);
  }
  if (rc == CD_OK)
    *ret_accepted = a;
  else
    cd_order_release(&a.order);
  return rc;
}
