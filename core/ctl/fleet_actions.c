/* cordon actions, action show, action cancel, action report */
#include "fleet_output.h"
#include "fleet_path.h"
#include "fleet_wait.h"
#include "new_file.h"
#include "text.h"

#include "base/id.h"
#include "base/limits.h"

#include <string.h>

#include "base/banned.h"

#define LIMIT_MAX 500u
#define LIMIT_FALLBACK 20u
#define COMMENT_COLUMNS 40u

/* ---- list ---- */

static ctl_colour colour_of(cd_str status)
{
  if (cd_str_eq_cstr(status, "Succeeded"))
    return CTL_GOOD;
  if (cd_str_eq_cstr(status, "Failed") || cd_str_eq_cstr(status, "TimeOut"))
    return CTL_BAD;
  return cd_str_eq_cstr(status, "Cancelled") ? CTL_WARN : CTL_PLAIN;
}

static void add_action_row(const fleet_action *a, ctl_table *t)
{
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_time_add(&text, a->created);
  ctl_table_cell(t, CTL_PLAIN, cd_buf_view(&text));
  cd_buf_reset(&text);
  cd_buf_add_str(&text, a->type);
  if (a->scope.len > 0) {
    cd_buf_add_cstr(&text, " (");
    cd_buf_add_str(&text, a->scope);
    cd_buf_add_char(&text, ')');
  }
  ctl_table_cell(t, CTL_BOLD, cd_buf_view(&text));
  ctl_table_cell(t, colour_of(a->status), a->status);
  ctl_table_cell(t, CTL_PLAIN, a->name.len > 0 ? a->name : a->machine);
  ctl_table_cell(t, CTL_PLAIN, a->requestor);
  ctl_table_cell(t, CTL_PLAIN, a->id);
  ctl_table_cell(t, CTL_PLAIN, a->ticket);
  fleet_cell_front(t, a->comment, COMMENT_COLUMNS);
  cd_buf_release(&text);
}

static ctl_exit print_actions(const ctl_context *ctx, cd_json_doc *doc)
{
  static const char *const heads[] = {"Asked", "Action", "Status", "Device",
                                      "By",    "Id",     "Ticket", "Comment"};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_table t;
  ctl_style style = fleet_style(ctx);
  cd_json list = {0};
  cd_json root = cd_json_root(doc);
  ctl_exit code = CTL_EXIT_DONE;
  ctl_table_init(&t, sizeof(heads) / sizeof(heads[0]));
  fleet_heads(&t, heads, sizeof(heads) / sizeof(heads[0]));
  cd_json_arr(&root, "value", FLEET_LIST_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    fleet_action a;
    cd_json_at_obj(&list, i, &item);
    fleet_action_read(&item, &a);
    add_action_row(&a, &t);
  }
  if (cd_json_status(&root, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  else if (ctx->json)
    code = fleet_put_json(ctx, &root, code);
  else if (cd_json_len(&list) == 0)
    code = ctl_put(ctx, CD_STR("No actions yet.\n"), code);
  else if (ctl_table_print(&t, &style, 0, &out, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  else
    code = fleet_put_text(ctx, &out, code);
  ctl_table_release(&t);
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_cmd_actions(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  fleet_device d = {0};
  cd_err err = {0};
  uint64_t limit = 0;
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = CTL_EXIT_USAGE;
  if (ctl_args_number(args, CTL_OPT_LIMIT, 1, LIMIT_MAX, LIMIT_FALLBACK, &limit, &err) != CD_OK ||
      (code = fleet_open(ctx, args, &s, &err)) != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  if (args->value[CTL_OPT_DEVICE] != NULL) {
    code = fleet_find(ctx, s, args->value[CTL_OPT_DEVICE], &d);
    if (code != CTL_EXIT_DONE)
      goto done;
  }
  cd_buf_addf(&path, "/api/machineactions?%%24top=%llu&%%24orderby=creationDateTimeUtc%%20desc",
              (unsigned long long)limit);
  if (d.id[0] != '\0')
    cd_buf_addf(&path, "&%%24filter=machineId%%20eq%%20%%27%s%%27", d.id);
  code = fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc, &err);
  code = code == CTL_EXIT_DONE ? print_actions(ctx, doc) : ctl_report(ctx, code, &err, NULL);

done:
  cd_json_free(doc);
  cd_buf_release(&path);
  fleet_close(s);
  return code;
}

/* ---- one action ---- */

/* Opens the session for a command whose operand is an action's id. */
static ctl_exit open_for_id(const ctl_context *ctx, const ctl_args *args, fleet_session **ret_s,
                            cd_err *err)
{
  if (!cd_id_valid(cd_str_from(args->operand[0]))) {
    (void)cd_fail(err, CD_E_INVALID,
                  "ID must be the id of an action, such as 'cordon actions' prints, not '%.100s'",
                  args->operand[0]);
    return CTL_EXIT_USAGE;
  }
  return fleet_open(ctx, args, ret_s, err);
}

ctl_exit fleet_cmd_action_show(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_style style = fleet_style(ctx);
  ctl_exit code = open_for_id(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE)
    code = fleet_action_get(s, args->operand[0], &doc, &err);
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    code = fleet_action_print(&root, &style, false, &out, &err);
    if (code == CTL_EXIT_DONE) {
      code = ctx->json ? fleet_put_json(ctx, &root, code) : fleet_put_text(ctx, &out, code);
      goto done;
    }
  }
  code = ctl_report(ctx, code, &err, NULL);

done:
  cd_json_free(doc);
  cd_buf_release(&out);
  fleet_close(s);
  return code;
}

static cd_code cancel_body(const ctl_args *args, cd_buf *out, cd_err *err)
{
  cd_str comment = cd_str_from(args->value[CTL_OPT_COMMENT]);
  cd_jw w;
  if (comment.len == 0 || comment.len > CD_COMMENT_MAX || !cd_str_utf8_valid(comment))
    return cd_fail(err, CD_E_INVALID,
                   "'action cancel' needs --comment TEXT: why, 1 to %u bytes of UTF-8",
                   CD_COMMENT_MAX);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "Comment", comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

static ctl_exit print_cancelled(const ctl_context *ctx, cd_json_doc *doc)
{
  fleet_action a;
  cd_json root = cd_json_root(doc);
  fleet_action_read(&root, &a);
  return fleet_put_state(ctx, &root, a.id, a.status);
}

ctl_exit fleet_cmd_action_cancel(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf body = CD_BUF_INIT(16384);
  ctl_exit code = CTL_EXIT_USAGE;
  if (cancel_body(args, &body, &err) == CD_OK)
    code = open_for_id(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE) {
    cd_buf_addf(&path, "/api/machineactions/%s/cancel", args->operand[0]);
    code = fleet_ask(s,
                     &(fleet_call){.method = "POST",
                                   .path = cd_buf_cstr(&path),
                                   .body = cd_buf_view(&body),
                                   .changes = true},
                     &doc, &err);
  }
  code = code == CTL_EXIT_DONE ? print_cancelled(ctx, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  cd_buf_release(&path);
  cd_buf_release(&body);
  fleet_close(s);
  return code;
}

/* ---- report ---- */

static ctl_exit write_report(const ctl_context *ctx, const char *id, ctl_new_file *out,
                             const cd_json *report)
{
  cd_buf json = CD_BUF_INIT(FLEET_ANSWER_MAX + 1);
  cd_buf said = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  cd_jw w;
  cd_json_print(report, &json);
  cd_buf_add_char(&json, '\n');
  cd_code rc = cd_buf_status(&json, "the report", &err);
  if (rc == CD_OK)
    rc = ctl_new_file_add(out, json.ptr, json.len, &err);
  if (rc == CD_OK)
    rc = ctl_new_file_commit(out, &err);
  ctl_exit code = rc == CD_OK ? CTL_EXIT_DONE : ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  if (rc == CD_OK && ctx->json) {
    cd_jw_init(&w, &said);
    cd_jw_obj(&w, NULL);
    cd_jw_cstr(&w, "action", id);
    cd_jw_cstr(&w, "file", out->path);
    cd_jw_end_obj(&w);
    code = fleet_put_json_text(ctx, &said, code);
  }
  cd_buf_release(&said);
  cd_buf_release(&json);
  return code;
}

static ctl_exit get_report(const ctl_context *ctx, const ctl_args *args, ctl_new_file *out)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = open_for_id(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE) {
    if (out->file >= 0)
      fleet_watch_interrupts(s); /* what was begun beside the file is taken away again */
    cd_buf_addf(&path, "/api/cordon/actions/%s/report", args->operand[0]);
    code = fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc, &err);
  }
  if (code == CTL_EXIT_DONE && doc == NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "the console's report is empty");
    code = CTL_EXIT_UNREACHABLE;
  }
  if (code != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
  } else {
    cd_json root = cd_json_root(doc);
    code = out->file >= 0 ? write_report(ctx, args->operand[0], out, &root)
                          : fleet_put_json(ctx, &root, code);
  }
  cd_json_free(doc);
  cd_buf_release(&path);
  fleet_close(s);
  return code;
}

ctl_exit fleet_cmd_action_report(const ctl_context *ctx, const ctl_args *args)
{
  cd_err err = {0};
  ctl_new_file out = {.file = -1};
  const char *file = args->value[CTL_OPT_OUTPUT];
  if (file != NULL &&
      ctl_new_file_open(&out, file, args->value[CTL_OPT_OVERWRITE] != NULL, &err) != CD_OK)
    return ctl_report(ctx, ctl_new_file_exit(&err), &err, NULL);
  ctl_exit code = get_report(ctx, args, &out);
  ctl_new_file_drop(&out);
  return code;
}
