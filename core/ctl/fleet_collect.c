/* cordon collect: a device of the fleet makes a package and sends it home; it is fetched from
 * there. */
#include "collection_file.h"
#include "fleet_fetch.h"
#include "fleet_find.h"
#include "fleet_output.h"
#include "fleet_wait.h"
#include "text.h"

#include "base/limits.h"

#include <string.h>

#include "base/banned.h"

#define TICKET_MAX 128u
#define WAIT_S "3600"
#define BUDGET_MIN_S 5u
#define BUDGET_MAX_S 86000u

static cd_code check(const ctl_args *args, cd_err *err)
{
  const char *comment = args->value[CTL_OPT_COMMENT];
  const char *ticket = args->value[CTL_OPT_TICKET];
  const char *made = args->value[CTL_OPT_MADE];
  if ((args->operands == 1) == (made != NULL))
    return cd_fail(err, CD_E_INVALID, "'collect' needs either DEVICE or --id ID");
  if (made != NULL && !cd_id_valid(cd_str_from(made)))
    return cd_fail(err, CD_E_INVALID, "'%.40s' is not the id of an action", made);
  if (made != NULL && args->value[CTL_OPT_OUTPUT] == NULL)
    return cd_fail(err, CD_E_INVALID, "where is the package to go? -o FILE says it");
  if (made == NULL && comment == NULL)
    return cd_fail(err, CD_E_INVALID, "'collect' needs --comment TEXT: why");
  if (comment != NULL && (strlen(comment) == 0 || strlen(comment) > CD_COMMENT_MAX ||
                          !cd_str_utf8_valid(cd_str_from(comment))))
    return cd_fail(err, CD_E_INVALID, "--comment must be 1 to %u bytes of UTF-8", CD_COMMENT_MAX);
  if (ticket != NULL && (strlen(ticket) > TICKET_MAX || !cd_str_utf8_valid(cd_str_from(ticket))))
    return cd_fail(err, CD_E_INVALID, "--ticket must be at most %u bytes of UTF-8", TICKET_MAX);
  if (made == NULL)
    return ctl_profile_check(args, err);
  return CD_OK;
}

/* As the API has it. */
static const char *word_of(const char *profile)
{
  if (profile == NULL || strcmp(profile, "standard") == 0)
    return "Standard";
  return strcmp(profile, "custom") == 0 ? "Custom" : "Extended";
}

static cd_code write_body(const ctl_args *args, cd_buf *out, cd_err *err)
{
  cd_jw w;
  uint64_t budget_s = 0;
  cd_code rc = ctl_args_number(args, CTL_OPT_BUDGET, BUDGET_MIN_S, BUDGET_MAX_S, 0, &budget_s, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "Comment", args->value[CTL_OPT_COMMENT]);
  cd_jw_cstr(&w, "Profile", word_of(args->value[CTL_OPT_PROFILE]));
  if (args->value[CTL_OPT_COLLECTION] != NULL)
    cd_jw_cstr(&w, "List", args->value[CTL_OPT_COLLECTION]);
  if (budget_s > 0)
    cd_jw_u64(&w, "BudgetSeconds", budget_s);
  if (args->value[CTL_OPT_TICKET] != NULL)
    cd_jw_cstr(&w, "ExternalId", args->value[CTL_OPT_TICKET]);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

/* The order; its action's id. */
static ctl_exit order(const ctl_context *ctx, const ctl_args *args, fleet_session *s,
                      char id[CD_ID_SIZE], cd_err *err)
{
  fleet_device d = {0};
  fleet_action a = {0};
  cd_json_doc *doc = NULL;
  cd_buf body = CD_BUF_INIT(8192);
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = write_body(args, &body, err) == CD_OK ? CTL_EXIT_DONE : CTL_EXIT_USAGE;
  if (code == CTL_EXIT_DONE) {
    code = fleet_find(ctx, s, args->operand[0], &d);
    if (code != CTL_EXIT_DONE)
      err->code = CD_OK; /* it is told already */
  }
  if (code == CTL_EXIT_DONE) {
    cd_buf_addf(&path, "/api/machines/%s/collectInvestigationPackage", d.id);
    code = fleet_ask(s,
                     &(fleet_call){.method = "POST",
                                   .path = cd_buf_cstr(&path),
                                   .body = cd_buf_view(&body),
                                   .changes = true},
                     &doc, err);
  }
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    fleet_action_read(&root, &a);
    if (cd_json_status(&root, err) != CD_OK || !cd_id_valid(a.id) ||
        !cd_str_copy(id, CD_ID_SIZE, a.id))
      code = CTL_EXIT_WAITING;
  }
  cd_json_free(doc);
  cd_buf_release(&body);
  cd_buf_release(&path);
  return code;
}

static ctl_exit print_accepted(const ctl_context *ctx, const char *id)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  if (ctx->json)
    cd_buf_addf(&out, "{\"id\":\"%s\"}\n", id);
  else
    cd_buf_addf(&out,
                "Accepted; 'cordon action show %s' shows how it goes, and 'cordon collect --id %s "
                "-o FILE' fetches the package.\n",
                id, id);
  ctl_exit code = fleet_put_text(ctx, &out, CTL_EXIT_DONE);
  cd_buf_release(&out);
  return code;
}

static ctl_exit print_ended(const ctl_context *ctx, cd_json_doc *doc, const char *file)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err why = {0};
  ctl_style style = fleet_style(ctx);
  cd_json root = cd_json_root(doc);
  if (file != NULL)
    ctl_line(&out, &style, "File", CTL_BOLD, cd_str_from(file));
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

/* Waits for the action's end, and fetches what it has made, if there is a file for it. */
static ctl_exit follow(const ctl_context *ctx, const ctl_args *args, fleet_session *s,
                       const char *id, ctl_new_file *out)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ctl_progress progress;
  fleet_package package = {.bytes = 0};
  bool there = false;
  const char *file = args->value[CTL_OPT_OUTPUT];
  ctl_progress_init(&progress, ctx, fleet_progress_form(ctx, args), "collect");
  ctl_exit code = fleet_action_wait(s, id, &progress, &doc, &err);
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    there = fleet_package_read(&root, &package);
    if (cd_json_status(&root, &err) != CD_OK)
      code = CTL_EXIT_UNREACHABLE;
  }
  if (code == CTL_EXIT_DONE && there && file != NULL) {
    code = fleet_package_fetch(s, id, &package, &progress, out, &err);
    if (code == CTL_EXIT_DONE && ctl_new_file_commit(out, &err) != CD_OK)
      code = CTL_EXIT_FAILED;
  }
  ctl_progress_end(&progress);
  if (code == CTL_EXIT_DONE)
    code = print_ended(ctx, doc, there ? file : NULL);
  else
    code = ctl_report(ctx, code, &err, id);
  cd_json_free(doc);
  return code;
}

static ctl_exit run(const ctl_context *ctx, const ctl_args *args, ctl_new_file *out)
{
  fleet_session *s = NULL;
  cd_err err = {0};
  char id[CD_ID_SIZE] = "";
  const char *made = args->value[CTL_OPT_MADE];
  ctl_exit code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE && made != NULL)
    (void)cd_str_copy(id, sizeof(id), cd_str_from(made));
  else if (code == CTL_EXIT_DONE)
    code = order(ctx, args, s, id, &err);
  if (code != CTL_EXIT_DONE)
    code = err.code != CD_OK ? ctl_report(ctx, code, &err, NULL) : code;
  else if (args->value[CTL_OPT_WAIT] != NULL || args->value[CTL_OPT_OUTPUT] != NULL)
    code = follow(ctx, args, s, id, out);
  else
    code = print_accepted(ctx, id);
  fleet_close(s);
  return code;
}

ctl_exit fleet_cmd_collect(const ctl_context *ctx, const ctl_args *given)
{
  cd_err err = {0};
  ctl_args with_time = *given;
  const ctl_args *args = &with_time;
  /* Collecting may take minutes, and the way home longer. */
  bool waits = given->value[CTL_OPT_WAIT] != NULL || given->value[CTL_OPT_OUTPUT] != NULL;
  if (waits && given->value[CTL_OPT_DEADLINE] == NULL)
    with_time.value[CTL_OPT_DEADLINE] = WAIT_S;
  ctl_new_file out = {.file = -1};
  const char *file = args->value[CTL_OPT_OUTPUT];
  if (check(args, &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  if (file != NULL &&
      ctl_new_file_open(&out, file, args->value[CTL_OPT_OVERWRITE] != NULL, &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_REFUSED, &err, NULL);
  ctl_exit code = run(ctx, args, &out);
  ctl_new_file_drop(&out);
  return code;
}
