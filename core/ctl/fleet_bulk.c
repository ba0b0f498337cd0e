/* cordon isolate --tag, cordon release --tag: every device with a tag, in one request. */
#include "fleet_bulk.h"

#include "fleet_output.h"
#include "text.h"

#include <stdlib.h>

#include "base/banned.h"

#define BULK_MAX 10000u

/* A device, and the action that was made for it or why none was. */
static void take_device(fleet_bulk *b, fleet_target *target, cd_json *item, ctl_table *t)
{
  fleet_machine m;
  cd_str action = {0};
  fleet_machine_read(item, &m);
  target->id = m.id;
  target->name = m.name;
  if (cd_json_opt_str(item, "action", FLEET_TEXT_MAX, &action)) {
    if (!cd_id_valid(action))
      cd_json_bad(item, "action", "is no id of an action");
    else if (cd_str_copy(target->action, sizeof(target->action), action))
      b->actions++;
  }
  if (cd_json_opt_str(item, "error", FLEET_TEXT_MAX, &target->error))
    b->refused++;
  ctl_table_cell(t, CTL_BOLD, m.name);
  ctl_table_cell(t, CTL_PLAIN, m.id);
  ctl_table_cell(t, target->error.len > 0 ? CTL_BAD : CTL_PLAIN,
                 target->error.len > 0 ? target->error : action);
}

static cd_code take_devices(fleet_bulk *b, cd_json *root, ctl_table *t, cd_err *err)
{
  static const char *const heads[] = {"Name", "Id", "Action"};
  cd_json list = {0};
  cd_json_arr(root, "value", BULK_MAX, &list);
  b->count = cd_json_len(&list);
  b->targets = calloc(b->count + 1, sizeof(*b->targets));
  if (b->targets == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory");
  fleet_heads(t, heads, sizeof(heads) / sizeof(heads[0]));
  for (size_t i = 0; i < b->count; i++) {
    cd_json item = {0};
    cd_json_at_obj(&list, i, &item);
    take_device(b, &b->targets[i], &item, t);
  }
  return cd_json_status(root, err);
}

/* The worst counts: a device that is not cut off weighs more than one that is not proven to be. */
static ctl_exit worst(const fleet_bulk *b)
{
  static const ctl_exit order[] = {CTL_EXIT_FAILED, CTL_EXIT_UNREACHABLE, CTL_EXIT_REFUSED,
                                   CTL_EXIT_DENIED, CTL_EXIT_WAITING,     CTL_EXIT_UNPROVEN};
  for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
    if (fleet_bulk_ended(b, order[i]) > 0)
      return order[i];
  if (b->refused == 0)
    return CTL_EXIT_DONE;
  return b->actions == 0 ? CTL_EXIT_REFUSED : CTL_EXIT_UNPROVEN;
}

/* ---- printing ---- */

static void add_summary(const fleet_bulk *b, bool waited, cd_buf *out)
{
  cd_buf_addf(out, "%zu device%s", b->count, b->count == 1 ? "" : "s");
  if (b->args->value[CTL_OPT_PREVIEW] != NULL || b->order->dry_run)
    cd_buf_add_cstr(out, "; nothing was done");
  else
    cd_buf_addf(out, "; %zu action%s accepted", b->actions, b->actions == 1 ? "" : "s");
  if (b->refused > 0)
    cd_buf_addf(out, ", %zu refused", b->refused);
  if (waited)
    cd_buf_addf(out, ", %zu proven", fleet_bulk_ended(b, CTL_EXIT_DONE));
  if (waited && fleet_bulk_ended(b, CTL_EXIT_WAITING) > 0)
    cd_buf_addf(out, ", %zu not ended", fleet_bulk_ended(b, CTL_EXIT_WAITING));
  cd_buf_add_cstr(out, ".\n");
  if (b->args->value[CTL_OPT_PREVIEW] != NULL && b->count > 0)
    cd_buf_addf(out, "With --expect %zu nothing is ordered if they are not so many any more.\n",
                b->count);
}

static ctl_exit print_devices(const fleet_bulk *b, ctl_table *t, bool waited, ctl_exit code)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_style style = fleet_style(b->ctx);
  if (b->count > 0 && ctl_table_print(t, &style, 0, &out, &err) != CD_OK) {
    code = ctl_report(b->ctx, CTL_EXIT_FAILED, &err, NULL);
  } else {
    add_summary(b, waited, &out);
    code = fleet_put_text(b->ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

/* ---- of a dry run: each device's own words, and which devices could not be asked ---- */

static void add_told(const fleet_bulk *b, const fleet_target *t, cd_buf *out)
{
  ctl_style style = fleet_style(b->ctx);
  cd_err broken = {0};
  cd_json action = cd_json_root(t->doc);
  cd_buf_add_cstr(out, out->len > 0 ? "\n" : "");
  if (t->exit != CTL_EXIT_DONE) {
    cd_buf_add_cstr(out, "Nothing was changed: ");
    ctl_text_add(out, cd_str_from(t->why.text));
    cd_buf_add_char(out, '\n');
  }
  (void)!fleet_action_print(&action, &style, t->exit == CTL_EXIT_DONE, out, &broken);
}

static ctl_exit print_told(fleet_bulk *b, ctl_table *t, ctl_exit code)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  for (size_t i = 0; i < b->count; i++)
    if (b->targets[i].doc != NULL)
      add_told(b, &b->targets[i], &out);
  if (b->refused > 0 || fleet_bulk_ended(b, CTL_EXIT_WAITING) > 0) {
    cd_buf_add_cstr(&out, out.len > 0 ? "\n" : "");
    code = fleet_put_text(b->ctx, &out, code);
    code = print_devices(b, t, false, code);
  } else {
    cd_buf_addf(&out, "%s%zu device%s; nothing was done.\n", out.len > 0 ? "\n" : "", b->count,
                b->count == 1 ? "" : "s");
    code = fleet_put_text(b->ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

/* ---- as JSON: what the console answered, with what became of each ---- */

static void write_target(const fleet_target *t, cd_jw *w)
{
  fleet_detail d = {0};
  if (t->doc != NULL) {
    cd_json ended = cd_json_root(t->doc);
    fleet_detail_read(&ended, &d);
  }
  cd_jw_obj(w, NULL);
  cd_jw_str(w, "id", t->id);
  cd_jw_str(w, "computerDnsName", t->name);
  cd_jw_cstr(w, "action", t->action[0] != '\0' ? t->action : NULL);
  if (t->error.len > 0)
    cd_jw_str(w, "error", t->error);
  else
    cd_jw_null(w, "error");
  cd_jw_bool(w, "ended", t->doc != NULL);
  if (d.status.len > 0)
    cd_jw_str(w, "status", d.status);
  else
    cd_jw_null(w, "status");
  cd_jw_bool(w, "proven", t->doc != NULL && t->exit == CTL_EXIT_DONE);
  cd_jw_cstr(w, "sentence", t->why.text[0] != '\0' ? t->why.text : NULL);
  cd_jw_end_obj(w);
}

static ctl_exit print_json(const fleet_bulk *b, ctl_exit code)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  cd_jw w;
  cd_jw_init(&w, &out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "count", b->count);
  cd_jw_u64(&w, "refused", b->refused);
  if (!b->order->dry_run)
    cd_jw_u64(&w, "proven", fleet_bulk_ended(b, CTL_EXIT_DONE));
  cd_jw_u64(&w, "notEnded", fleet_bulk_ended(b, CTL_EXIT_WAITING));
  cd_jw_arr(&w, "value");
  for (size_t i = 0; i < b->count; i++) {
    const fleet_target *t = &b->targets[i];
    if (!b->order->dry_run) {
      write_target(t, &w);
    } else if (t->doc != NULL) {
      cd_json ended = cd_json_root(t->doc);
      cd_jw_value(&w, NULL, &ended);
    }
  }
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  code = cd_jw_done(&w, "the result", &err) == CD_OK
             ? fleet_put_json_text(b->ctx, &out, code)
             : ctl_report(b->ctx, CTL_EXIT_FAILED, &err, NULL);
  cd_buf_release(&out);
  return code;
}

/* A tag that no device has is a slip: a script that goes on would take the fleet for cut off. */
static ctl_exit refuse_nobody(const fleet_bulk *b)
{
  cd_err err = {0};
  (void)cd_fail(&err, CD_E_NOTFOUND, "no device has the tag '%.200s', and nothing was done",
                b->args->value[CTL_OPT_TAG]);
  return ctl_report(b->ctx, CTL_EXIT_REFUSED, &err, NULL);
}

/* The devices are told in any case: what was accepted goes on, whatever becomes of the waiting. */
static ctl_exit finish(fleet_bulk *b, cd_json *root, ctl_table *t)
{
  bool wait = b->args->value[CTL_OPT_WAIT] != NULL || b->order->dry_run;
  if (b->count == 0 && b->args->value[CTL_OPT_PREVIEW] == NULL)
    return refuse_nobody(b);
  if (wait)
    fleet_bulk_wait(b);
  ctl_exit code = worst(b);
  if (b->ctx->json)
    return wait ? print_json(b, code) : fleet_put_json(b->ctx, root, code);
  return b->order->dry_run ? print_told(b, t, code) : print_devices(b, t, wait, code);
}

static void release_targets(fleet_bulk *b)
{
  for (size_t i = 0; b->targets != NULL && i < b->count; i++)
    cd_json_free(b->targets[i].doc);
  free(b->targets);
  b->targets = NULL;
}

static ctl_exit take_answer(fleet_bulk *b, cd_json_doc *doc)
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
  release_targets(b);
  ctl_table_release(&table);
  return code;
}

ctl_exit fleet_order_many(const ctl_context *ctx, const ctl_args *args, const fleet_order *order)
{
  fleet_bulk b = {.ctx = ctx, .args = args, .order = order};
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
  cd_buf_release(&body);
  fleet_close(b.s);
  return code;
}
