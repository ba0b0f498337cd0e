/* From a command's arguments to a request, and from the answer to output and exit code. */
#include "local.h"

#include "action.h"
#include "client.h"
#include "lease.h"
#include "progress.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "platform/paths.h"
#include "protocol/secret.h"

#include <string.h>

#include "base/banned.h"

const char *ctl_local_socket(const ctl_args *args)
{
  const char *given = args->value[CTL_OPT_SOCKET];
  return given != NULL ? given : pf_paths_installed()->control_socket;
}

/* Prints the answer; if it is not all well, says why on standard error, which --json leaves to the
 * document. */
static ctl_exit print_answer(const ctl_context *ctx, ctl_view *view, const cd_buf *response)
{
  view->style.now_ms = cd_wall_ms();
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err why = {0};
  ctl_exit code = CTL_EXIT_FAILED;
  if (ctl_response_render(view, cd_buf_view(response), &out, &code, &why) != CD_OK) {
    code = ctl_report(ctx, code, &why, NULL);
  } else {
    if (code != CTL_EXIT_DONE && !ctx->json)
      ctl_say(ctx, cd_str_from(why.text));
    code = ctl_put(ctx, cd_buf_view(&out), code);
  }
  cd_buf_release(&out);
  return code;
}

ctl_exit ctl_local_ask(const ctl_context *ctx, const ctl_args *args, const char *method,
                       cd_str params, ctl_kind kind)
{
  cd_buf response = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_err err = {0};
  ctl_request request = {.socket = ctl_local_socket(args),
                         .method = method,
                         .params = params,
                         .changes = kind == CTL_KIND_UNQUARANTINE || kind == CTL_KIND_ENROLL};
  ctl_view view = {.kind = kind, .json = ctx->json, .style = ctx->style};
  ctl_exit code = CTL_EXIT_USAGE;
  if (ctl_args_number(args, CTL_OPT_TIMEOUT, 1, CTL_TIMEOUT_MAX_S,
                      kind == CTL_KIND_ENROLL ? CTL_ORDER_TIMEOUT_S : CTL_TIMEOUT_S,
                      &request.timeout_s, &err) != CD_OK) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  code = ctl_client_ask(&request, &response, &err);
  code = code == CTL_EXIT_DONE ? print_answer(ctx, &view, &response)
                               : ctl_report(ctx, code, &err, NULL);

done:
  cd_buf_release(&response);
  return code;
}

static cd_code order_params(const ctl_args *args, const ctl_order *order, bool wait, cd_buf *out,
                            cd_err *err)
{
  const char *comment = args->value[CTL_OPT_COMMENT] != NULL ? args->value[CTL_OPT_COMMENT] : "";
  if (strlen(comment) > CD_COMMENT_MAX)
    return cd_fail(err, CD_E_INVALID, "the comment is %zu bytes, the limit is %u", strlen(comment),
                   CD_COMMENT_MAX);
  ctl_lease lease = {0};
  cd_code rc = ctl_lease_read(args, &lease, err);
  if (rc != CD_OK)
    return rc;
  if (!cd_str_utf8_valid(cd_str_from(comment)))
    return cd_fail(err, CD_E_INVALID, "the comment is not valid UTF-8");
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (order->type != NULL)
    cd_jw_cstr(&w, "type", order->type);
  if (order->order.len > 0)
    cd_jw_raw(&w, "order", order->order);
  if (order->exclusions.len > 0)
    cd_jw_raw(&w, "exclusions", order->exclusions);
  if (order->force)
    cd_jw_bool(&w, "force", true);
  if (lease.lease_s > 0)
    cd_jw_u64(&w, "lease_s", lease.lease_s);
  ctl_lease_write_rules(&lease, &w);
  cd_jw_cstr(&w, "comment", comment);
  if (order->code.len > 0)
    cd_jw_str(&w, "code", order->code);
  cd_jw_bool(&w, "wait", wait);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

static ctl_progress_form progress_form(const ctl_context *ctx, const ctl_args *args)
{
  if (ctx->json)
    return args->value[CTL_OPT_PROGRESS] != NULL ? CTL_PROGRESS_JSON : CTL_PROGRESS_NONE;
  return ctx->live ? CTL_PROGRESS_LIVE : CTL_PROGRESS_LINES;
}

/* No answer came. If the action was accepted it goes on, whatever became of the connection; if
 * nothing is known of it, that is said. */
static ctl_exit report_no_answer(const ctl_context *ctx, const ctl_order *order,
                                 const ctl_progress *progress, ctl_exit code, cd_err *err)
{
  cd_err said = *err;
  cd_str noun = ctl_action_noun(cd_str_from(order->method));
  if (code == CTL_EXIT_WAITING && progress->action[0] != '\0')
    (void)cd_fail(&said, err->code, "%s; the %.*s goes on as action %s", err->text,
                  CD_STR_ARG(noun), progress->action);
  else if (code == CTL_EXIT_WAITING)
    (void)cd_fail(&said, err->code,
                  "%s; whether it accepted the %.*s is not known, 'cordon local actions' tells",
                  err->text, CD_STR_ARG(noun));
  return ctl_report(ctx, code, &said, progress->action[0] != '\0' ? progress->action : NULL);
}

static ctl_exit send_order(const ctl_context *ctx, const ctl_args *args, const ctl_order *order,
                           const ctl_request *checked)
{
  bool wait = args->value[CTL_OPT_NO_WAIT] == NULL;
  ctl_view view = {.kind = wait ? CTL_KIND_ORDER_WAITED : CTL_KIND_ORDER,
                   .json = ctx->json,
                   .order = order->kind != NULL ? order->kind : order->method,
                   .style = ctx->style};
  cd_buf response = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_err err = {0};
  ctl_progress progress;
  ctl_request request = *checked;
  ctl_progress_init(&progress, ctx, progress_form(ctx, args), order->method);
  request.on_event = ctl_progress_event;
  request.context = &progress;
  ctl_exit code = ctl_client_ask(&request, &response, &err);
  ctl_progress_end(&progress);
  code = code == CTL_EXIT_DONE ? print_answer(ctx, &view, &response)
                               : report_no_answer(ctx, order, &progress, code, &err);
  cd_buf_release(&response);
  return code;
}

ctl_exit ctl_local_order(const ctl_context *ctx, const ctl_args *args, const ctl_order *order)
{
  bool wait = args->value[CTL_OPT_NO_WAIT] == NULL;
  cd_buf params = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_err err = {0};
  ctl_request request = {.socket = ctl_local_socket(args),
                         .method = order->method,
                         .changes = !cd_str_eq_cstr(cd_str_from(order->method), "preflight")};
  ctl_exit code = CTL_EXIT_USAGE;
  if (ctl_args_number(args, CTL_OPT_TIMEOUT, 1, CTL_TIMEOUT_MAX_S,
                      wait ? CTL_ORDER_TIMEOUT_S : CTL_TIMEOUT_S, &request.timeout_s,
                      &err) != CD_OK ||
      order_params(args, order, wait, &params, &err) != CD_OK) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  request.params = cd_buf_view(&params);
  code = send_order(ctx, args, order, &request);

done:
  cd_buf_wipe(&params);
  return code;
}
