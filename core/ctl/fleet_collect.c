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
#define REPORT_TRIES 6u

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
                      char id[CD_ID_SIZE], char device[FLEET_ID_MAX + 1], cd_err *err)
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
    (void)cd_str_copy(device, FLEET_ID_MAX + 1, cd_str_from(d.id));
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

static ctl_exit put_ended(const ctl_context *ctx, const cd_json *action, const char *file,
                          ctl_exit code)
{
  cd_buf json = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  cd_jw w;
  cd_jw_init(&w, &json);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "file", file);
  cd_jw_members(&w, action, "file");
  cd_jw_end_obj(&w);
  code = cd_jw_done(&w, "the result", &err) == CD_OK ? fleet_put_json_text(ctx, &json, code)
                                                     : ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  cd_buf_release(&json);
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
    code = put_ended(ctx, &root, file, code);
  } else {
    if (code != CTL_EXIT_DONE)
      ctl_say(ctx, cd_str_from(why.text));
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

/* ---- what the device has signed ---- */

typedef struct collected {
  const ctl_context *ctx;
  const ctl_args *args;
  fleet_session *s;
  ctl_new_file *out;
  ctl_progress progress;
  char id[CD_ID_SIZE];
  char device[FLEET_ID_MAX + 1]; /* that was asked; empty: not known */
  cd_json_doc *doc;              /* the action as it ended */
  bool made;                     /* by the device's own word */
  fleet_package package;
} collected;

/* The report and the action are one, and what the console shows of it is what is signed. */
static cd_code compare(const collected *c, const fleet_proof *p, cd_err *err)
{
  fleet_detail d;
  cd_buf shown = CD_BUF_INIT(FLEET_ANSWER_MAX);
  cd_json root = cd_json_root(c->doc);
  fleet_detail_read(&root, &d);
  if (d.evidence.node != NULL)
    cd_json_print(&d.evidence, &shown);
  cd_code rc = cd_json_status(&root, err);
  if (rc == CD_OK)
    rc = cd_buf_status(&shown, "the action", err);
  if (rc == CD_OK)
    rc = fleet_proof_pinned(p, fleet_root(c->s), err);
  if (rc == CD_OK && (strcmp(p->action, c->id) != 0 || p->log.kind != CD_ORDER_COLLECT ||
                      (c->device[0] != '\0' && strcmp(p->device, c->device) != 0)))
    rc = cd_fail(err, CD_E_UNVERIFIED, "the console's report is of another action or device");
  if (rc == CD_OK && (!cd_str_eq(cd_buf_view(&shown), p->result.result) ||
                      !cd_str_eq_cstr(d.status, cd_action_status_name(p->status))))
    rc = cd_fail(err, CD_E_UNVERIFIED,
                 "what the console shows of the action is not what the device has signed");
  cd_buf_release(&shown);
  return rc;
}

static ctl_exit take_report(collected *c, cd_json_doc *doc, cd_err *err)
{
  fleet_proof p = {0};
  cd_json report = cd_json_root(doc);
  cd_code rc = fleet_proof_check(&report, &p, err);
  if (rc == CD_OK)
    rc = compare(c, &p, err);
  if (rc == CD_OK) {
    c->made = p.has_package;
    c->package = p.package;
  }
  fleet_proof_release(&p);
  return rc == CD_OK ? CTL_EXIT_DONE : CTL_EXIT_FAILED;
}

/* The signer, whose word is in the report, may be away for a moment. */
static ctl_exit ask_for_report(collected *c, cd_err *err)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_json_doc *doc = NULL;
  uint64_t interval_ms = 0;
  ctl_exit code = CTL_EXIT_FAILED;
  cd_buf_addf(&path, "/api/cordon/actions/%s/report", c->id);
  for (unsigned tries = 0; tries < REPORT_TRIES; tries++) {
    code = fleet_ask(c->s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc, err);
    interval_ms = fleet_poll_ms(interval_ms);
    if (code == CTL_EXIT_DONE || code == CTL_EXIT_DENIED || code == CTL_EXIT_REFUSED ||
        fleet_left_ms(c->s) == 0 || !fleet_wait_ms(c->s, interval_ms))
      break;
  }
  if (code == CTL_EXIT_DONE && doc != NULL)
    code = take_report(c, doc, err);
  else if (code == CTL_EXIT_DONE)
    code = CTL_EXIT_UNREACHABLE;
  else if (code == CTL_EXIT_FAILED || code == CTL_EXIT_UNREACHABLE)
    code = fleet_fetch_later(c->s, c->id, CTL_EXIT_WAITING, err);
  cd_json_free(doc);
  cd_buf_release(&path);
  return code;
}

/* ---- to its end, and home ---- */

/* The action is told as it is now that all of it is here. */
static void look_again(collected *c)
{
  cd_json_doc *doc = NULL;
  bool ended = false;
  cd_err unused = {0};
  if (fleet_action_look(c->s, c->id, &doc, &ended, &unused) == CTL_EXIT_DONE && ended) {
    cd_json_free(c->doc);
    c->doc = doc;
    doc = NULL;
  }
  cd_json_free(doc);
}

static ctl_exit fetch(collected *c, cd_err *err)
{
  ctl_exit code = ask_for_report(c, err);
  if (code != CTL_EXIT_DONE || !c->made)
    return code;
  code = fleet_package_fetch(c->s, c->id, &c->package, &c->progress, c->out, err);
  if (code == CTL_EXIT_DONE && ctl_new_file_commit(c->out, err) != CD_OK)
    code = fleet_fetch_elsewhere(c->id, err);
  if (code == CTL_EXIT_DONE)
    look_again(c);
  return code;
}

/* Succeeded, and there is nothing: no file, no success. */
static ctl_exit print_without(const collected *c)
{
  cd_err err = {0};
  ctl_exit code = print_ended(c->ctx, c->doc, NULL);
  if (code != CTL_EXIT_DONE)
    return code;
  (void)cd_fail(&err, CD_E_UNVERIFIED, "the device says that it has made no package");
  ctl_say(c->ctx, cd_str_from(err.text));
  return CTL_EXIT_FAILED;
}

/* Waits for the action's end, and fetches what it has made, if there is a file for it. */
static ctl_exit follow(collected *c)
{
  cd_err err = {0};
  const char *file = c->args->value[CTL_OPT_OUTPUT];
  ctl_progress_init(&c->progress, c->ctx, fleet_progress_form(c->ctx, c->args), "collect");
  ctl_exit code = fleet_action_wait(c->s, c->id, &c->progress, &c->doc, &err);
  if (code == CTL_EXIT_DONE && file != NULL)
    code = fetch(c, &err);
  ctl_progress_end(&c->progress);
  if (code != CTL_EXIT_DONE)
    code = ctl_report(c->ctx, code, &err, c->id);
  else if (file != NULL && !c->made)
    code = print_without(c);
  else
    code = print_ended(c->ctx, c->doc, file);
  cd_json_free(c->doc);
  return code;
}

/* One that was made before: it must be there, and be of this kind. */
static ctl_exit look_for_made(collected *c, const char *id, cd_err *err)
{
  cd_json_doc *doc = NULL;
  fleet_detail d;
  ctl_exit code = fleet_action_get(c->s, id, &doc, err);
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    fleet_detail_read(&root, &d);
    if (cd_json_status(&root, err) != CD_OK) {
      code = CTL_EXIT_UNREACHABLE;
    } else if (!cd_str_eq_cstr(d.kind, "collect")) {
      (void)cd_fail(err, CD_E_INVALID, "action %s makes no package: it is of the kind '%.*s'", id,
                    (int)(d.kind.len < 40 ? d.kind.len : 40), d.kind.ptr);
      code = CTL_EXIT_REFUSED;
    }
  }
  cd_json_free(doc);
  (void)cd_str_copy(c->id, sizeof(c->id), cd_str_from(id));
  return code;
}

static ctl_exit run(const ctl_context *ctx, const ctl_args *args, ctl_new_file *out)
{
  collected c = {.ctx = ctx, .args = args, .out = out};
  cd_err err = {0};
  const char *made = args->value[CTL_OPT_MADE];
  ctl_exit code = fleet_open(ctx, args, &c.s, &err);
  /* What was begun beside the file is taken away again. */
  if (code == CTL_EXIT_DONE && out->file >= 0)
    fleet_watch_interrupts(c.s);
  if (code == CTL_EXIT_DONE && made != NULL)
    code = look_for_made(&c, made, &err);
  else if (code == CTL_EXIT_DONE)
    code = order(ctx, args, c.s, c.id, c.device, &err);
  if (code == CTL_EXIT_DONE)
    ctl_new_file_call(out, c.id);
  if (code != CTL_EXIT_DONE)
    code = err.code != CD_OK ? ctl_report(ctx, code, &err, NULL) : code;
  else if (args->value[CTL_OPT_WAIT] != NULL || args->value[CTL_OPT_OUTPUT] != NULL)
    code = follow(&c);
  else
    code = print_accepted(ctx, c.id);
  fleet_close(c.s);
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
    return ctl_report(ctx, ctl_new_file_exit(&err), &err, NULL);
  ctl_exit code = run(ctx, args, &out);
  ctl_new_file_drop(&out);
  return code;
}
