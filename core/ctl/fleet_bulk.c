/* cordon isolate --tag, cordon release --tag: every device with a tag, in one request. */
#include "fleet_order.h"

#include "fleet_output.h"
#include "text.h"

#include "base/id.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define BULK_MAX 10000u

typedef struct bulk {
  const ctl_context *ctx;
  const ctl_args *args;
  const fleet_order *order;
  fleet_session *s;
  size_t devices;
  size_t refused;
  size_t actions;
  char (*ids)[CD_ID_SIZE];
  cd_buf told; /* of a dry run: what each device said, one after the other */
  size_t ended[CTL_EXIT_UNPROVEN + 1]; /* how many ended with which exit code */
} bulk;

/* A device, and the action that was made for it or why none was. */
static void take_device(bulk *b, cd_json *item, ctl_table *t)
{
  fleet_machine m;
  cd_str action = {0};
  cd_str error = {0};
  fleet_machine_read(item, &m);
  if (cd_json_opt_str(item, "action", FLEET_TEXT_MAX, &action)) {
    if (!cd_id_valid(action))
      cd_json_bad(item, "action", "is no id of an action");
    else if (cd_str_copy(b->ids[b->actions], sizeof(b->ids[0]), action))
      b->actions++;
  }
  if (cd_json_opt_str(item, "error", FLEET_TEXT_MAX, &error))
    b->refused++;
  ctl_table_cell(t, CTL_BOLD, m.name);
  ctl_table_cell(t, CTL_PLAIN, m.id);
  ctl_table_cell(t, error.len > 0 ? CTL_BAD : CTL_PLAIN, error.len > 0 ? error : action);
}

static cd_code take_devices(bulk *b, cd_json *root, ctl_table *t, cd_err *err)
{
  static const char *const heads[] = {"Name", "Id", "Action"};
  cd_json list = {0};
  cd_json_arr(root, "value", BULK_MAX, &list);
  b->devices = cd_json_len(&list);
  b->ids = calloc(b->devices + 1, sizeof(*b->ids));
  if (b->ids == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory");
  fleet_heads(t, heads, sizeof(heads) / sizeof(heads[0]));
  for (size_t i = 0; i < b->devices; i++) {
    cd_json item = {0};
    cd_json_at_obj(&list, i, &item);
    take_device(b, &item, t);
  }
  return cd_json_status(root, err);
}

/* ---- waiting for all of them ---- */

/* A step of its own for each, so that a log has a line for each. */
static void show_count(const bulk *b, ctl_progress *progress, size_t at)
{
  cd_buf event = CD_BUF_INIT(1024);
  cd_err unused = {0};
  cd_jw w;
  cd_jw_init(&w, &event);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "event", "step");
  cd_jw_cstr(&w, "id", b->ids[at]);
  cd_jw_strf(&w, "step", "device %zu of %zu", at + 1, b->actions);
  cd_jw_end_obj(&w);
  /* What is only shown must not end what goes on. */
  if (cd_jw_done(&w, "the progress", &unused) == CD_OK)
    (void)!ctl_progress_event(progress, cd_buf_view(&event), &unused);
  cd_buf_release(&event);
}

/* What a device said to a dry run: an action's document, or its text for people. */
static void keep_told(bulk *b, cd_json *action, ctl_exit code, const cd_err *why)
{
  ctl_style style = fleet_style(b->ctx);
  cd_err broken = {0};
  if (!b->order->dry_run)
    return;
  if (b->ctx->json) {
    cd_buf_add_cstr(&b->told, b->told.len > 0 ? "," : "");
    cd_json_print(action, &b->told);
    return;
  }
  cd_buf_add_cstr(&b->told, b->told.len > 0 ? "\n" : "");
  if (code != CTL_EXIT_DONE) {
    cd_buf_add_cstr(&b->told, "Nothing was changed: ");
    ctl_text_add(&b->told, cd_str_from(why->text));
    cd_buf_add_char(&b->told, '\n');
  }
  (void)!fleet_action_print(action, &style, code == CTL_EXIT_DONE, &b->told, &broken);
}

/* One action after the other: the slowest decides, and each is there at once when it has ended. */
static ctl_exit wait_for_all(bulk *b, cd_err *err)
{
  ctl_progress progress;
  ctl_progress quiet;
  ctl_style style = {0};
  ctl_exit code = CTL_EXIT_DONE;
  ctl_progress_init(&progress, b->ctx, fleet_progress_form(b->ctx, b->args), b->order->verb);
  ctl_progress_init(&quiet, b->ctx, CTL_PROGRESS_NONE, b->order->verb);
  for (size_t i = 0; i < b->actions && code == CTL_EXIT_DONE; i++) {
    cd_json_doc *doc = NULL;
    cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
    cd_err why = {0};
    show_count(b, &progress, i);
    code = fleet_action_wait(b->s, b->ids[i], &quiet, &doc, err);
    if (code == CTL_EXIT_DONE) {
      cd_json root = cd_json_root(doc);
      ctl_exit one = fleet_action_print(&root, &style, true, &out, &why);
      b->ended[one]++;
      keep_told(b, &root, one, &why);
      if (one != CTL_EXIT_DONE) {
        ctl_progress_end(&progress);
        (void)cd_err_prefix(&why, "action %s", b->ids[i]);
        ctl_say(b->ctx, cd_str_from(why.text));
      }
    }
    cd_json_free(doc);
    cd_buf_release(&out);
  }
  ctl_progress_end(&progress);
  return code;
}

/* The worst counts: a device that is not cut off weighs more than one that is not proven to be. */
static ctl_exit worst(const bulk *b)
{
  static const ctl_exit order[] = {CTL_EXIT_FAILED, CTL_EXIT_UNREACHABLE, CTL_EXIT_REFUSED,
                                   CTL_EXIT_DENIED, CTL_EXIT_WAITING,     CTL_EXIT_UNPROVEN};
  for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
    if (b->ended[order[i]] > 0)
      return order[i];
  return b->refused > 0 ? CTL_EXIT_UNPROVEN : CTL_EXIT_DONE;
}

/* ---- printing ---- */

static void add_summary(const bulk *b, bool waited, cd_buf *out)
{
  cd_buf_addf(out, "%zu device%s", b->devices, b->devices == 1 ? "" : "s");
  if (b->args->value[CTL_OPT_PREVIEW] != NULL || b->order->dry_run)
    cd_buf_add_cstr(out, "; nothing was done");
  else
    cd_buf_addf(out, "; %zu action%s accepted", b->actions, b->actions == 1 ? "" : "s");
  if (b->refused > 0)
    cd_buf_addf(out, ", %zu refused", b->refused);
  if (waited)
    cd_buf_addf(out, ", %zu proven", b->ended[CTL_EXIT_DONE]);
  cd_buf_add_cstr(out, ".\n");
}

static ctl_exit print_devices(const bulk *b, ctl_table *t, bool waited, ctl_exit code)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_style style = fleet_style(b->ctx);
  if (b->devices > 0 && ctl_table_print(t, &style, 0, &out, &err) != CD_OK) {
    code = ctl_report(b->ctx, CTL_EXIT_FAILED, &err, NULL);
  } else {
    add_summary(b, waited, &out);
    code = fleet_put_text(b->ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

/* Of a dry run: each device's own words, and which devices could not be asked. */
static ctl_exit print_told(bulk *b, ctl_table *t, ctl_exit code)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  if (b->ctx->json) {
    cd_buf_addf(&out, "{\"count\":%zu,\"refused\":%zu,\"value\":[", b->devices, b->refused);
    cd_buf_add_str(&out, cd_buf_view(&b->told));
    cd_buf_add_cstr(&out, "]}");
    code = fleet_put_json_text(b->ctx, &out, code);
  } else if (b->refused > 0) {
    cd_buf_add_str(&out, cd_buf_view(&b->told));
    cd_buf_add_cstr(&out, b->told.len > 0 ? "\n" : "");
    code = fleet_put_text(b->ctx, &out, code);
    code = print_devices(b, t, false, code);
  } else {
    cd_buf_addf(&b->told, "%s%zu device%s; nothing was done.\n", b->told.len > 0 ? "\n" : "",
                b->devices, b->devices == 1 ? "" : "s");
    code = fleet_put_text(b->ctx, &b->told, code);
  }
  cd_buf_release(&out);
  return code;
}

/* The devices are told in any case: what was accepted goes on, whatever becomes of the waiting. */
static ctl_exit finish(bulk *b, cd_json *root, ctl_table *t)
{
  bool wait = (b->args->value[CTL_OPT_WAIT] != NULL || b->order->dry_run) && b->actions > 0;
  cd_err err = {0};
  ctl_exit code = wait ? wait_for_all(b, &err) : CTL_EXIT_DONE;
  if (code != CTL_EXIT_DONE)
    ctl_say(b->ctx, cd_str_from(err.text));
  else
    code = worst(b);
  if (b->order->dry_run)
    return print_told(b, t, code);
  return b->ctx->json ? fleet_put_json(b->ctx, root, code) : print_devices(b, t, wait, code);
}

static ctl_exit take_answer(bulk *b, cd_json_doc *doc)
{
  cd_err err = {0};
  ctl_table table;
  ctl_exit code = CTL_EXIT_WAITING;
  ctl_table_init(&table, 3);
  if (doc == NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "the console's answer is empty");
    code = ctl_report(b->ctx, code, &err, NULL);
    goto done;
  }
  cd_json root = cd_json_root(doc);
  code = take_devices(b, &root, &table, &err) == CD_OK ? finish(b, &root, &table)
                                                       : ctl_report(b->ctx, code, &err, NULL);

done:
  free(b->ids);
  b->ids = NULL;
  ctl_table_release(&table);
  return code;
}

ctl_exit fleet_bulk(const ctl_context *ctx, const ctl_args *args, const fleet_order *order)
{
  bulk b = {.ctx = ctx, .args = args, .order = order, .told = CD_BUF_INIT(CTL_OUTPUT_MAX)};
  cd_buf body = CD_BUF_INIT(65536);
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_USAGE;
  if (fleet_order_body(order, args, &body, &err) == CD_OK)
    code = fleet_open(ctx, args, &b.s, &err);
  if (code == CTL_EXIT_DONE)
    code = fleet_ask(b.s,
                     &(fleet_call){.method = "POST",
                                   .path = order->of_many,
                                   .body = cd_buf_view(&body),
                                   .changes = args->value[CTL_OPT_PREVIEW] == NULL},
                     &doc, &err);
  code = code == CTL_EXIT_DONE ? take_answer(&b, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  cd_buf_release(&b.told);
  cd_buf_release(&body);
  fleet_close(b.s);
  return code;
}
