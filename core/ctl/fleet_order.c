/* cordon isolate, cordon release: one device. */
#include "fleet_order.h"

#include "fleet_output.h"
#include "lease.h"
#include "text.h"

#include "base/id.h"
#include "base/limits.h"

#include <string.h>

#include "base/banned.h"

#define TICKET_MAX 128u
#define LIST_NAME_MAX 64u
#define TAG_MAX 200u
#define EXPECT_MAX 10000u /* the console takes no more in one request */

static cd_code check_text(const char *option, const char *text, size_t min, size_t max, cd_err *err)
{
  cd_str s = cd_str_from(text);
  if (s.len < min || s.len > max || !cd_str_utf8_valid(s))
    return cd_fail(err, CD_E_INVALID, "--%s must be %zu to %zu bytes of UTF-8", option, min, max);
  return CD_OK;
}

static cd_code check(const fleet_order *order, const ctl_args *args, cd_err *err)
{
  const char *comment = args->value[CTL_OPT_COMMENT];
  const char *tag = args->value[CTL_OPT_TAG];
  bool preview = args->value[CTL_OPT_PREVIEW] != NULL;
  cd_code rc = CD_OK;
  if ((args->operands == 1) == (tag != NULL))
    return cd_fail(err, CD_E_INVALID, "'%s' needs either DEVICE or --tag TAG", order->verb);
  if (preview && tag == NULL)
    return cd_fail(err, CD_E_INVALID, "--preview goes with --tag");
  if (args->value[CTL_OPT_EXPECT] != NULL && (tag == NULL || preview))
    return cd_fail(err, CD_E_INVALID, "--expect goes with --tag, without --preview");
  if (preview && args->value[CTL_OPT_WAIT] != NULL)
    return cd_fail(err, CD_E_INVALID, "--preview and --wait do not go together");
  if (preview && order->dry_run)
    return cd_fail(err, CD_E_INVALID, "--preview and --dry-run do not go together");
  if (comment == NULL && !preview && !order->dry_run)
    return cd_fail(err, CD_E_INVALID, "'%s' needs --comment TEXT: why", order->verb);
  if (order->renews && args->value[CTL_OPT_LEASE] == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' needs --for TIME: how long from now on", order->verb);
  if (comment != NULL)
    rc = check_text("comment", comment, 1, CD_COMMENT_MAX, err);
  if (rc == CD_OK && tag != NULL)
    rc = check_text("tag", tag, 1, TAG_MAX, err);
  if (rc == CD_OK && args->value[CTL_OPT_TICKET] != NULL)
    rc = check_text("ticket", args->value[CTL_OPT_TICKET], 1, TICKET_MAX, err);
  if (rc == CD_OK && args->value[CTL_OPT_LIST] != NULL)
    rc = check_text("selective", args->value[CTL_OPT_LIST], 1, LIST_NAME_MAX, err);
  return rc;
}

cd_code fleet_order_body(const fleet_order *order, const ctl_args *args, cd_buf *out, cd_err *err)
{
  const char *comment = args->value[CTL_OPT_COMMENT];
  const char *list = args->value[CTL_OPT_LIST];
  cd_jw w;
  ctl_lease lease = {0};
  uint64_t expected = 0;
  cd_code rc = check(order, args, err);
  if (rc == CD_OK)
    rc = ctl_lease_read(args, &lease, err);
  if (rc == CD_OK)
    rc = ctl_args_number(args, CTL_OPT_EXPECT, 1, EXPECT_MAX, 0, &expected, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (args->value[CTL_OPT_TAG] != NULL)
    cd_jw_cstr(&w, "tag", args->value[CTL_OPT_TAG]);
  cd_jw_cstr(&w, "Comment", comment != NULL ? comment : order->dry_run ? "dry run" : "preview");
  if (order->isolates && !order->renews)
    cd_jw_cstr(&w, "IsolationType", list != NULL ? "Selective" : "Full");
  if (list != NULL)
    cd_jw_cstr(&w, "Exclusions", list);
  if (args->value[CTL_OPT_FORCE] != NULL)
    cd_jw_cstr(&w, "Preflight", "Warn");
  if (args->value[CTL_OPT_TICKET] != NULL)
    cd_jw_cstr(&w, "ExternalId", args->value[CTL_OPT_TICKET]);
  if (lease.lease_s > 0)
    cd_jw_u64(&w, "LeaseSeconds", lease.lease_s);
  if (lease.has_lost || lease.has_unreachable) {
    cd_jw_obj(&w, "Terms");
    ctl_lease_write_rules(&lease, &w);
    cd_jw_end_obj(&w);
  }
  if (args->value[CTL_OPT_TAG] != NULL)
    cd_jw_bool(&w, "preview", args->value[CTL_OPT_PREVIEW] != NULL);
  if (expected > 0)
    cd_jw_u64(&w, "expect", expected);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

/* ---- one device ---- */

static ctl_exit print_accepted(const ctl_context *ctx, cd_json *action, const fleet_action *a)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_exit code = CTL_EXIT_DONE;
  if (ctx->json) {
    code = fleet_put_json(ctx, action, code);
  } else {
    cd_buf_add_cstr(&out, "Accepted; 'cordon action show ");
    ctl_text_add(&out, a->id);
    cd_buf_add_cstr(&out, "' shows how it goes.\n");
    code = fleet_put_text(ctx, &out, code);
  }
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

static ctl_exit wait_for(const ctl_context *ctx, const ctl_args *args, fleet_session *s,
                         const fleet_order *order, const char *id)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ctl_progress progress;
  ctl_progress_init(&progress, ctx, fleet_progress_form(ctx, args), order->verb);
  ctl_exit code = fleet_action_wait(s, id, &progress, &doc, &err);
  ctl_progress_end(&progress);
  code = code == CTL_EXIT_DONE ? print_ended(ctx, doc) : ctl_report(ctx, code, &err, id);
  cd_json_free(doc);
  return code;
}

/* The action that the console made. What is no action of this kind on this device is no answer. */
static cd_code read_accepted(cd_json_doc *doc, const fleet_order *order, const fleet_device *d,
                             fleet_action *ret_action, cd_err *err)
{
  if (doc == NULL)
    return cd_fail(err, CD_E_INVALID, "the console's answer is empty");
  cd_json root = cd_json_root(doc);
  fleet_action_read(&root, ret_action);
  if (!cd_str_eq_cstr(ret_action->type, order->type))
    cd_json_bad(&root, "type", "must be what was asked for");
  if (!cd_str_eq_cstr(ret_action->machine, d->id))
    cd_json_bad(&root, "machineId", "must be the device that was asked for");
  return cd_json_status(&root, err);
}

static ctl_exit order_one(const ctl_context *ctx, const ctl_args *args, fleet_session *s,
                          const fleet_order *order, const fleet_device *d, const cd_buf *body)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  fleet_action a = {0};
  char id[CD_ID_SIZE] = "";
  cd_buf_addf(&path, "%s/%s/%s", order->place, d->id, order->method);
  ctl_exit code = fleet_ask(
      s,
      &(fleet_call){
          .method = "POST", .path = cd_buf_cstr(&path), .body = cd_buf_view(body), .changes = true},
      &doc, &err);
  if (code == CTL_EXIT_DONE && read_accepted(doc, order, d, &a, &err) != CD_OK)
    code = CTL_EXIT_WAITING;
  if (code != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
  } else if (args->value[CTL_OPT_WAIT] == NULL && !order->dry_run) {
    cd_json root = cd_json_root(doc);
    code = print_accepted(ctx, &root, &a);
  } else {
    (void)cd_str_copy(id, sizeof(id), a.id);
    code = wait_for(ctx, args, s, order, id);
  }
  cd_json_free(doc);
  cd_buf_release(&path);
  return code;
}

static ctl_exit run(const ctl_context *ctx, const ctl_args *args, const fleet_order *order)
{
  fleet_session *s = NULL;
  fleet_device d = {0};
  cd_err err = {0};
  cd_buf body = CD_BUF_INIT(65536);
  ctl_exit code = CTL_EXIT_USAGE;
  if (fleet_order_body(order, args, &body, &err) != CD_OK) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  if (args->value[CTL_OPT_TAG] != NULL) {
    code = fleet_order_many(ctx, args, order);
    goto done;
  }
  code = fleet_open(ctx, args, &s, &err);
  if (code != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  code = fleet_find(ctx, s, args->operand[0], &d);
  if (code == CTL_EXIT_DONE)
    code = order_one(ctx, args, s, order, &d, &body);

done:
  cd_buf_release(&body);
  fleet_close(s);
  return code;
}

ctl_exit fleet_cmd_isolate(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_order isolate = {.verb = "isolate",
                                      .method = "isolate",
                                      .type = "Isolate",
                                      .place = "/api/machines",
                                      .of_many = "/api/cordon/isolate",
                                      .isolates = true};
  static const fleet_order preflight = {.verb = "preflight",
                                        .method = "preflight",
                                        .type = "Preflight",
                                        .place = "/api/cordon/machines",
                                        .of_many = "/api/cordon/preflight",
                                        .isolates = true,
                                        .dry_run = true};
  return run(ctx, args, args->value[CTL_OPT_DRY_RUN] != NULL ? &preflight : &isolate);
}

ctl_exit fleet_cmd_renew(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_order renew = {.verb = "renew",
                                    .method = "renew",
                                    .type = "Isolate",
                                    .place = "/api/cordon/machines",
                                    .isolates = true,
                                    .renews = true};
  return run(ctx, args, &renew);
}

ctl_exit fleet_cmd_release(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_order release = {.verb = "release",
                                      .method = "unisolate",
                                      .type = "Unisolate",
                                      .place = "/api/machines",
                                      .of_many = "/api/cordon/release"};
  return run(ctx, args, &release);
}
