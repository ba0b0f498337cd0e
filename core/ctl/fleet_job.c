#include "fleet_job.h"

#include "fleet_find.h"
#include "fleet_output.h"
#include "fleet_wait.h"
#include "text.h"

#include "base/id.h"
#include "base/limits.h"

#include <string.h>

#include "base/banned.h"

#define TICKET_MAX 128u

static cd_code write_body(const ctl_args *args, const fleet_job *job, cd_buf *out, cd_err *err)
{
  cd_str comment = cd_str_from(args->value[CTL_OPT_COMMENT]);
  cd_str ticket = cd_str_from(args->value[CTL_OPT_TICKET]);
  cd_jw w;
  if (comment.len == 0 || comment.len > CD_COMMENT_MAX || !cd_str_utf8_valid(comment))
    return cd_fail(err, CD_E_INVALID, "'%s' needs --comment TEXT: why, 1 to %u bytes of UTF-8",
                   job->verb, CD_COMMENT_MAX);
  if (ticket.len > TICKET_MAX || !cd_str_utf8_valid(ticket))
    return cd_fail(err, CD_E_INVALID, "--ticket must be at most %u bytes of UTF-8", TICKET_MAX);
  if (job->on_action && !cd_id_valid(cd_str_from(args->operand[0])))
    return cd_fail(err, CD_E_INVALID,
                   "ACTION must be the id of an action, such as 'cordon actions' prints, not "
                   "'%.100s'",
                   args->operand[0]);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "Comment", comment);
  if (ticket.len > 0)
    cd_jw_str(&w, "ExternalId", ticket);
  cd_code rc = job->write != NULL ? job->write(args, &w, err) : CD_OK;
  if (rc != CD_OK)
    return rc;
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

static ctl_exit ask(fleet_session *s, const fleet_job *job, const char *at, const cd_buf *body,
                    cd_json_doc **ret_doc, cd_err *err)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf_addf(&path, "%s%s%s", job->folder, at, job->end);
  ctl_exit code = fleet_ask(
      s,
      &(fleet_call){
          .method = "POST", .path = cd_buf_cstr(&path), .body = cd_buf_view(body), .changes = true},
      ret_doc, err);
  cd_buf_release(&path);
  return code;
}

/* The order; its action's id. What fails is in `err`, or told already. */
static ctl_exit order(const ctl_context *ctx, const ctl_args *args, const fleet_job *job,
                      fleet_session *s, const cd_buf *body, char id[CD_ID_SIZE], cd_err *err)
{
  fleet_device d = {0};
  fleet_action a = {0};
  cd_json_doc *doc = NULL;
  ctl_exit code = job->on_action ? CTL_EXIT_DONE : fleet_find(ctx, s, args->operand[0], &d);
  if (code != CTL_EXIT_DONE)
    return code;
  code = ask(s, job, job->on_action ? args->operand[0] : d.id, body, &doc, err);
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    fleet_action_read(&root, &a);
    if (cd_json_status(&root, err) != CD_OK)
      code = CTL_EXIT_WAITING;
    else if (!cd_id_valid(a.id) || !cd_str_copy(id, CD_ID_SIZE, a.id)) {
      (void)cd_fail(err, CD_E_INVALID, "the console's answer names no action");
      code = CTL_EXIT_WAITING;
    }
  }
  cd_json_free(doc);
  return code;
}

static ctl_exit print_accepted(const ctl_context *ctx, const char *id)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  if (ctx->json)
    cd_buf_addf(&out, "{\"id\":\"%s\"}\n", id);
  else
    cd_buf_addf(&out, "Accepted; 'cordon action show %s' shows how it goes.\n", id);
  ctl_exit code = fleet_put_text(ctx, &out, CTL_EXIT_DONE);
  cd_buf_release(&out);
  return code;
}

static ctl_exit print_ended(const ctl_context *ctx, cd_json_doc *doc)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err why = {0};
  ctl_style style = fleet_style(ctx);
  cd_json root = cd_json_root(doc);
  ctl_exit code = fleet_action_print(&root, &style, true, &out, &why);
  if (code == CTL_EXIT_UNREACHABLE) {
    code = ctl_report(ctx, code, &why, NULL);
  } else if (ctx->json) {
    code = fleet_put_json(ctx, &root, code);
  } else {
    if (code != CTL_EXIT_DONE)
      ctl_say(ctx, cd_str_from(why.text));
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

static ctl_exit follow(const ctl_context *ctx, const ctl_args *args, const fleet_job *job,
                       fleet_session *s, const char *id)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ctl_progress progress;
  ctl_progress_init(&progress, ctx, fleet_progress_form(ctx, args), job->verb);
  ctl_exit code = fleet_action_wait(s, id, &progress, &doc, &err);
  ctl_progress_end(&progress);
  code = code == CTL_EXIT_DONE ? print_ended(ctx, doc) : ctl_report(ctx, code, &err, id);
  cd_json_free(doc);
  return code;
}

ctl_exit fleet_job_run(const ctl_context *ctx, const ctl_args *given, const fleet_job *job)
{
  fleet_session *s = NULL;
  cd_err err = {0};
  char id[CD_ID_SIZE] = "";
  cd_buf body = CD_BUF_INIT(65536);
  ctl_args args = *given;
  bool waits = given->value[CTL_OPT_WAIT] != NULL;
  if (waits && given->value[CTL_OPT_DEADLINE] == NULL)
    args.value[CTL_OPT_DEADLINE] = job->wait_s;
  ctl_exit code = CTL_EXIT_USAGE;
  if (write_body(&args, job, &body, &err) == CD_OK)
    code = fleet_open(ctx, &args, &s, &err);
  if (code == CTL_EXIT_DONE)
    code = order(ctx, &args, job, s, &body, id, &err);
  if (code != CTL_EXIT_DONE)
    code = err.code != CD_OK ? ctl_report(ctx, code, &err, NULL) : code;
  else
    code = waits ? follow(ctx, &args, job, s, id) : print_accepted(ctx, id);
  fleet_close(s);
  cd_buf_release(&body);
  return code;
}
