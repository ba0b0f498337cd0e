/* Packages over the control socket: ordered, cancelled, fetched piece by piece, forgotten. */
#include "base/limits.h"
#include "base/log.h"
#include "collect.h"
#include "control_private.h"
#include "ipc/message.h"
#include "protocol/limits.h"

#include "base/banned.h"

cd_code control_collect(control_client *c, cd_json *params, cd_err *err)
{
  control_package_order order = {0};
  char id[CD_ID_SIZE] = "";
  cd_code rc = control_collect_read(params, &order, err);
  if (rc != CD_OK)
    return rc;
  cd_buf list = CD_BUF_INIT(CD_PARAMETERS_MAX);
  if (order.profile == CONTROL_PROFILE_CUSTOM)
    cd_json_print(&order.list, &list);
  agent_collect_request request = {.profile = control_profiles[order.profile],
                                   .list = cd_buf_view(&list),
                                   .budget_s = order.budget_s,
                                   .max_bytes = order.max_bytes,
                                   .comment = order.comment,
                                   .who = &c->who};
  rc = cd_buf_status(&list, "the collection list", err);
  if (rc == CD_OK)
    rc = agent_collect_order(c->agent->collect, &request, id, err);
  if (rc == CD_OK)
    rc = control_placed(c, AGENT_KIND_COLLECT, id, order.wait, err);
  if (rc == CD_OK)
    agent_jobs_kick(c->agent->jobs, AGENT_CAP_COLLECT);
  cd_buf_release(&list);
  return rc;
}

cd_code control_cancel(control_client *c, cd_json *params, cd_err *err)
{
  char id[CD_ID_SIZE] = "";
  cd_code rc = control_action_read(params, id, err);
  if (rc == CD_OK)
    rc = agent_jobs_cancel(c->agent->jobs, id, err);
  if (rc != CD_OK)
    return rc;
  cd_log(CD_AREA_CONTROL, CD_LOG_INFO, "action=%s cancelled by user=%s pid=%llu", id, c->who.user,
         (unsigned long long)c->who.process_id);
  return control_answer_id(c, id, err);
}

static cd_code answer_piece(control_client *c, uint64_t offset, cd_str piece, uint64_t size,
                            cd_err *err)
{
  cd_jw w;
  cd_buf text = CD_BUF_INIT(256);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "offset", offset);
  cd_jw_u64(&w, "length", piece.len);
  cd_jw_u64(&w, "size", size);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the answer", err);
  if (rc == CD_OK && piece.len > 0)
    rc = ipc_link_send(&c->link, IPC_DATA, 0, piece, err);
  if (rc == CD_OK)
    control_answer(c, cd_buf_view(&text));
  cd_buf_release(&text);
  return rc;
}

cd_code control_package(control_client *c, cd_json *params, cd_err *err)
{
  char id[CD_ID_SIZE] = "";
  uint64_t offset = 0;
  uint64_t size = 0;
  cd_buf piece = CD_BUF_INIT(CONTROL_PIECE_MAX);
  cd_code rc = control_package_read(params, id, &offset, err);
  if (rc == CD_OK)
    rc = agent_collect_read(c->agent->collect, id, offset, CONTROL_PIECE_MAX, &piece, &size, err);
  if (rc == CD_OK)
    rc = answer_piece(c, offset, cd_buf_view(&piece), size, err);
  cd_buf_release(&piece);
  return rc;
}

cd_code control_forget(control_client *c, cd_json *params, cd_err *err)
{
  char id[CD_ID_SIZE] = "";
  cd_code rc = control_action_read(params, id, err);
  if (rc != CD_OK)
    return rc;
  agent_collect_forget(c->agent->collect, id);
  cd_log(CD_AREA_CONTROL, CD_LOG_INFO, "the package of action=%s is removed for user=%s", id,
         c->who.user);
  control_answer(c, CD_STR("{}"));
  return CD_OK;
}
