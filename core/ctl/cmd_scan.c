/* cordon local scan: ordered, watched, and cancelled on the device where the command is ended. */
#include "local.h"

#include "client.h"
#include "fleet_output.h"
#include "fleet_wait.h"
#include "progress.h"
#include "scan_order.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "protocol/scan.h"

#include <string.h>

#include "base/banned.h"

#define END_S 10u /* a scan that is told to stop has stopped by then */

static cd_code order_params(const ctl_args *args, cd_buf *out, cd_err *err)
{
  const char *comment = args->value[CTL_OPT_COMMENT];
  uint64_t budget_s = 0;
  cd_jw w;
  if (comment != NULL && !cd_str_utf8_valid(cd_str_from(comment)))
    return cd_fail(err, CD_E_INVALID, "the comment is not valid UTF-8");
  cd_code rc = ctl_args_number(args, CTL_OPT_BUDGET, CD_SCAN_BUDGET_MIN_S, CD_SCAN_BUDGET_MAX_S, 0,
                               &budget_s, err);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (rc == CD_OK)
    rc = ctl_scan_write(args, &w, err);
  if (rc != CD_OK)
    return rc;
  if (budget_s > 0)
    cd_jw_u64(&w, "budget_s", budget_s);
  if (comment != NULL)
    cd_jw_cstr(&w, "comment", comment);
  cd_jw_bool(&w, "wait", args->value[CTL_OPT_NO_WAIT] == NULL);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

/* Whoever ends the command does not want the scan any more. */
static ctl_exit cancel(const ctl_context *ctx, const char *socket, const ctl_progress *progress,
                       cd_err *err)
{
  cd_err why = {0};
  cd_buf params = CD_BUF_INIT(128);
  cd_buf answer = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_buf_addf(&params, "{\"id\":\"%s\"}", progress->action);
  ctl_request request = {.socket = socket,
                         .method = "cancel",
                         .params = cd_buf_view(&params),
                         .timeout_s = END_S,
                         .changes = true}; /* so that who interrupts twice hears of it too */
  ctl_exit code = ctl_client_ask(&request, &answer, &why);
  bool taken = code == CTL_EXIT_DONE && cd_str_starts(cd_buf_view(&answer), CD_STR("{\"ok\":true"));
  if (taken)
    (void)cd_fail(err, CD_E_CANCELLED,
                  "interrupted; the scan was cancelled on the device; 'cordon local actions --id "
                  "%s' has what it found until then",
                  progress->action);
  else
    (void)cd_fail(err, CD_E_CANCELLED, "interrupted; the scan %s as action %s%s%s",
                  code == CTL_EXIT_WAITING ? "was to be cancelled, or goes on," : "goes on",
                  progress->action, why.text[0] != '\0' ? ": " : "", why.text);
  cd_buf_release(&params);
  cd_buf_release(&answer);
  return ctl_report(ctx, taken ? CTL_EXIT_FAILED : CTL_EXIT_WAITING, err, progress->action);
}

static ctl_exit report_no_answer(const ctl_context *ctx, const char *socket,
                                 const ctl_progress *progress, ctl_exit code, cd_err *err)
{
  cd_err said = *err;
  const char *id = progress->action[0] != '\0' ? progress->action : NULL;
  if (err->code == CD_E_CANCELLED && id != NULL)
    return cancel(ctx, socket, progress, err);
  if (code == CTL_EXIT_WAITING && id != NULL)
    (void)cd_fail(&said, err->code, "%s; the scan goes on as action %s", err->text, id);
  return ctl_report(ctx, code, &said, id);
}

static ctl_exit print(const ctl_context *ctx, ctl_kind kind, const cd_buf *response)
{
  ctl_view view = {.kind = kind, .json = ctx->json, .order = "scan", .style = ctx->style};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err why = {0};
  ctl_exit code = CTL_EXIT_FAILED;
  view.style.now_ms = cd_wall_ms();
  if (ctl_response_render(&view, cd_buf_view(response), &out, &code, &why) != CD_OK) {
    code = ctl_report(ctx, code, &why, NULL);
  } else {
    if (code != CTL_EXIT_DONE && !ctx->json)
      ctl_say(ctx, cd_str_from(why.text));
    code = ctl_put(ctx, cd_buf_view(&out), code);
  }
  cd_buf_release(&out);
  return code;
}

ctl_exit ctl_cmd_scan(const ctl_context *ctx, const ctl_args *args)
{
  bool wait = args->value[CTL_OPT_NO_WAIT] == NULL;
  cd_err err = {0};
  cd_buf params = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_buf response = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  ctl_progress progress;
  ctl_exit code = CTL_EXIT_USAGE;
  ctl_request request = {.socket = ctl_local_socket(args),
                         .method = "scan",
                         .changes = true,
                         .on_event = ctl_progress_event,
                         .context = &progress};
  ctl_progress_init(&progress, ctx, fleet_progress_form(ctx, args), "scan");
  if (ctl_args_number(args, CTL_OPT_TIMEOUT, 1, CTL_TIMEOUT_MAX_S,
                      wait ? CTL_TIMEOUT_MAX_S : CTL_TIMEOUT_S, &request.timeout_s,
                      &err) != CD_OK ||
      order_params(args, &params, &err) != CD_OK) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  request.params = cd_buf_view(&params);
  code = ctl_client_ask(&request, &response, &err);
  ctl_progress_end(&progress);
  code = code == CTL_EXIT_DONE
             ? print(ctx, wait ? CTL_KIND_ORDER_WAITED : CTL_KIND_ORDER, &response)
             : report_no_answer(ctx, request.socket, &progress, code, &err);

done:
  cd_buf_release(&params);
  cd_buf_release(&response);
  return code;
}
