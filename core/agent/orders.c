/* Local orders: checked, given their parameters, and put on record. */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "remote_order.h"

#include "base/banned.h"

static cd_code make_params(const agent *a, const agent_order_request *r, cd_buf *out, cd_err *err)
{
  if (r->kind != AGENT_KIND_RELEASE)
    return agent_isolate_params(&a->config, a->journal, r->selective, r->exclusions, out, err);
  cd_buf_add_cstr(out, "{}");
  return cd_buf_status(out, "the parameters", err);
}

static cd_code check_request(const agent_order_request *r, cd_err *err)
{
  size_t count = r->exclusions != NULL ? cd_json_len(r->exclusions) : 0;
  if (r->comment.len > CD_COMMENT_MAX)
    return cd_fail(err, CD_E_LIMIT, "the comment has %zu bytes, the limit is %u", r->comment.len,
                   CD_COMMENT_MAX);
  if (r->kind == AGENT_KIND_RELEASE)
    return CD_OK;
  if (r->selective && count == 0)
    return cd_fail(
        err, CD_E_INVALID,
        "a selective isolation needs at least one exclusion: without any it would be a full one");
  if (!r->selective && r->exclusions != NULL)
    return cd_fail(err, CD_E_INVALID,
                   "a full isolation takes no exclusions: ask for a selective one");
  if (count > CD_EXCLUSIONS_MAX)
    return cd_fail(err, CD_E_LIMIT, "%zu exclusions are given, the limit is %u", count,
                   CD_EXCLUSIONS_MAX);
  return CD_OK;
}

static cd_code set_terms(agent_action *action, const agent_order_request *r, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_TERMS_TEXT_MAX);
  if (r->kind != AGENT_KIND_ISOLATE || r->terms == NULL)
    return CD_OK;
  cd_code rc = cd_terms_print(r->terms, &text, err);
  if (rc == CD_OK && !agent_text_set(&action->terms, cd_buf_view(&text)))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_buf_release(&text);
  return rc;
}

static cd_code fill_action(agent_action *action, const agent_order_request *r, const cd_buf *params,
                           cd_err *err)
{
  action->kind = r->kind;
  action->status = AGENT_PENDING;
  action->state = AGENT_CAP_ISOLATE;
  action->created_ms = cd_wall_ms();
  action->user_id = r->who->user_id;
  action->process_id = r->who->process_id;
  action->force = r->force;
  (void)cd_str_copy(action->user, sizeof(action->user), cd_str_from(r->who->user));
  if (!agent_text_set(&action->params, cd_buf_view(params)) ||
      (r->comment.len > 0 && !agent_text_set(&action->comment, r->comment)))
    return cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_code rc = set_terms(action, r, err);
  return rc == CD_OK ? cd_id_make(action->id, err) : rc;
}

static cd_code check_waiting(const agent *a, cd_err *err)
{
  unsigned waiting = 0;
  cd_code rc = agent_journal_unfinished_count(a->journal, AGENT_CAP_ISOLATE, &waiting, err);
  if (rc == CD_OK && waiting >= AGENT_ORDERS_WAITING_MAX)
    rc = cd_fail(err, CD_E_LIMIT,
                 "%u orders are waiting already, the limit is %d: let them end first", waiting,
                 AGENT_ORDERS_WAITING_MAX);
  return rc;
}

cd_code agent_order(agent *a, const agent_order_request *request, char ret_id[CD_ID_SIZE],
                    cd_err *err)
{
  cd_buf params = CD_BUF_INIT(CD_RESULT_MAX);
  agent_action *action = calloc(1, sizeof(*action));
  agent_wanted wanted = {.known = true, .isolated = request->kind == AGENT_KIND_ISOLATE};
  if (action == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_code rc = check_request(request, err);
  if (rc == CD_OK)
    rc = check_waiting(a, err);
  if (rc == CD_OK)
    rc = make_params(a, request, &params, err);
  if (rc == CD_OK)
    rc = fill_action(action, request, &params, err);
  if (rc == CD_OK) {
    (void)cd_str_copy(wanted.action, sizeof(wanted.action), cd_str_from(action->id));
    wanted.since_ms = action->created_ms;
    wanted.params = wanted.isolated ? action->params : NULL;
    wanted.terms = wanted.isolated ? action->terms : NULL;
    CD_FAULT_POINT("agent.before_order");
    rc = agent_journal_order(a->journal, action,
                             action->kind != AGENT_KIND_PREFLIGHT ? &wanted : NULL, err);
    CD_FAULT_POINT("agent.order_synced");
  }
  if (rc == CD_OK)
    (void)cd_str_copy(ret_id, CD_ID_SIZE, cd_str_from(action->id));
  agent_action_free(action);
  cd_buf_release(&params);
  return rc;
}
