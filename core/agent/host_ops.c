/* The operations of a plugin host: queue, deadlines, records and their credits, undo, the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "host_private.h"
#include "host_read.h"
#include "ipc/message.h"
#include "platform/child.h"
#include "platform/pass.h"

#include "base/banned.h"

#define CREDIT_BATCH 32 /* records taken before they are granted again */
#define RECORDS_PER_SECOND 4000
#define CREDIT_DELAY_MS 250

static const char *plugin_id(const agent_op *op)
{
  return op->host->plugin->manifest.id;
}

static void on_op_handle_closed(uv_handle_t *handle)
{
  agent_op *op = handle->data;
  if (--op->open_handles > 0)
    return;
  free(op->params);
  free(op->undo);
  cd_buf_release(&op->result);
  free(op);
}

static void detach(agent_op *op)
{
  agent_host *h = op->host;
  for (unsigned i = 0; i < h->op_count; i++) {
    if (h->ops[i] == op) {
      memmove(&h->ops[i], &h->ops[i + 1], (h->op_count - i - 1) * sizeof(h->ops[0]));
      h->op_count--;
      return;
    }
  }
}

/* Ends the operation towards its owner, once; its memory goes when its timers have closed. */
static void finish(agent_op *op, const agent_op_end *end)
{
  detach(op);
  op->events->on_end(op->owner, end);
  uv_close((uv_handle_t *)&op->timer, on_op_handle_closed);
  uv_close((uv_handle_t *)&op->credit, on_op_handle_closed);
}

void host_ops_end_all(agent_host *h)
{
  while (h->op_count > 0) {
    agent_op *op = h->ops[0];
    agent_op_end end = {.status = h->why.code,
                        .os_error = h->why.os_error,
                        .sentence = h->why.text,
                        .misbehaved = h->strike};
    finish(op, &end);
  }
}

unsigned host_ops_running(const agent_host *h, bool *ret_watch)
{
  unsigned running = 0;
  *ret_watch = false;
  for (unsigned i = 0; i < h->op_count; i++) {
    if (!h->ops[i]->sent)
      continue;
    if (h->ops[i]->function == AGENT_FN_WATCH)
      *ret_watch = true;
    else
      running++;
  }
  return running;
}

const char *host_ops_first_name(const agent_host *h)
{
  const char *watch = NULL;
  for (unsigned i = 0; i < h->op_count; i++) {
    if (h->ops[i]->sent && h->ops[i]->function != AGENT_FN_WATCH)
      return agent_function_name(h->ops[i]->function);
    if (h->ops[i]->sent)
      watch = agent_function_name(AGENT_FN_WATCH);
  }
  return watch;
}

/* ---- deadlines ---- */

static void on_grace_over(uv_timer_t *timer)
{
  agent_op *op = timer->data;
  agent_host *h = op->host;
  if (op->late)
    host_die(h, true, CD_E_DEADLINE,
             "plugin '%s' did not end %s within %u ms, nor when told to stop, and was killed",
             plugin_id(op), agent_function_name(op->function), op->budget_ms);
  else
    host_die(h, true, CD_E_DEADLINE, "plugin '%s' did not stop %s when told to, and was killed",
             plugin_id(op), agent_function_name(op->function));
}

static void begin_cancel(agent_op *op)
{
  cd_err err = {0};
  op->cancelling = true;
  (void)uv_timer_start(&op->timer, on_grace_over, AGENT_CANCEL_GRACE_MS, 0);
  if (ipc_link_send(&op->host->link, IPC_CANCEL, op->number, CD_STR("{}"), &err) != CD_OK)
    host_die(op->host, false, CD_E_IO, "%s", err.text);
}

static void on_budget_over(uv_timer_t *timer)
{
  agent_op *op = timer->data;
  op->late = true;
  if (!op->cancelling)
    begin_cancel(op);
}

/* An operation that was never sent ends on the next turn of the loop, as its owner was promised. */
static void on_unsent_cancelled(uv_timer_t *timer)
{
  agent_op *op = timer->data;
  agent_host *h = op->host;
  agent_op_end end = {.status = CD_E_CANCELLED, .sentence = "it was cancelled before it had begun"};
  finish(op, &end);
  host_idle(h);
}

void agent_op_cancel(agent_op *op)
{
  if (op->cancelling)
    return;
  if (op->sent) {
    begin_cancel(op);
    return;
  }
  op->cancelling = true;
  (void)uv_timer_start(&op->timer, on_unsent_cancelled, 0, 0);
}

/* ---- start ---- */

static void write_package(const agent_op *op, cd_jw *w)
{
  const agent_op_package *p = &op->package;
  if (!op->packs)
    return;
  cd_jw_obj(w, "package");
  cd_jw_u64(w, "max_bytes", p->max_bytes);
  cd_jw_u64(w, "max_artifact_bytes", p->max_artifact_bytes);
  cd_jw_u64(w, "max_total_bytes", p->max_total_bytes);
  cd_jw_u64(w, "max_artifacts", p->max_artifacts);
  cd_jw_u64(w, "free_bytes", p->free_bytes);
  cd_jw_end_obj(w);
}

/* The file is there before the word that it is for. */
static cd_code send_start(agent_op *op, cd_err *err)
{
  if (op->packs) {
    cd_code given = pf_pass_give(op->host->pass, pf_child_handle(op->host->child), op->number,
                                 op->package.file, err);
    if (given != CD_OK)
      return given;
  }
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  const agent_manifest *m = &op->host->plugin->manifest;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "function", agent_function_name(op->function));
  cd_jw_u64(&w, "flags", op->flags);
  cd_jw_u64(&w, "budget_ms", op->budget_ms);
  cd_jw_u64(&w, "cpu_s", m->cpu_s);
  cd_jw_raw(&w, "params", cd_str_from(op->params));
  cd_jw_raw(&w, "undo", cd_str_from(op->undo));
  write_package(op, &w);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "START", err);
  if (rc == CD_OK)
    rc = ipc_link_send(&op->host->link, IPC_START, op->number, cd_buf_view(&text), err);
  cd_buf_release(&text);
  return rc;
}

static bool may_send(const agent_host *h, const agent_op *op)
{
  bool watch = false;
  if (op->sent || op->cancelling)
    return false;
  return op->function == AGENT_FN_WATCH || host_ops_running(h, &watch) < h->concurrency;
}

void host_ops_pump(agent_host *h)
{
  cd_err err = {0};
  if (h->phase != HOST_READY)
    return;
  for (unsigned i = 0; i < h->op_count; i++) {
    agent_op *op = h->ops[i];
    if (!may_send(h, op))
      continue;
    op->sent = true;
    if (op->budget_ms > 0)
      (void)uv_timer_start(&op->timer, on_budget_over, op->budget_ms, 0);
    if (send_start(op, &err) != CD_OK) {
      host_die(h, false, CD_E_IO, "%s", err.text);
      return;
    }
  }
}

static uint32_t budget_of(const agent_host *h, const agent_op_order *order)
{
  uint32_t most = h->plugin->manifest.budget_ms[order->function];
  return order->budget_ms > 0 && (most == 0 || order->budget_ms < most) ? order->budget_ms : most;
}

static agent_op *make_op(agent_host *h, const agent_op_order *order)
{
  agent_op *op = calloc(1, sizeof(*op));
  if (op == NULL)
    return NULL;
  op->params = cd_str_dup(order->params);
  op->undo = order->undo.len > 0 ? cd_str_dup(order->undo) : NULL;
  if (op->params == NULL || (order->undo.len > 0 && op->undo == NULL)) {
    free(op->params);
    free(op->undo);
    free(op);
    return NULL;
  }
  op->host = h;
  op->number = ++h->next_op;
  op->function = order->function;
  op->flags = order->flags;
  op->events = order->events;
  op->owner = order->owner;
  op->budget_ms = budget_of(h, order);
  op->packs = order->package != NULL;
  if (op->packs)
    op->package = *order->package;
  cd_buf_init(&op->result, CD_RESULT_MAX);
  (void)uv_timer_init(h->sup->loop, &op->timer);
  (void)uv_timer_init(h->sup->loop, &op->credit);
  op->timer.data = op;
  op->credit.data = op;
  op->open_handles = 2;
  return op;
}

cd_code agent_host_submit(agent_host *h, const agent_op_order *order, agent_op **ret_op,
                          cd_err *err)
{
  if (h->op_count == AGENT_HOST_OPS_MAX)
    return cd_fail(err, CD_E_LIMIT, "plugin '%s' has %d operations waiting already",
                   h->plugin->manifest.id, AGENT_HOST_OPS_MAX);
  if (h->phase == HOST_NEW) {
    cd_code rc = host_begin(h, err);
    if (rc != CD_OK)
      return rc;
  }
  agent_op *op = make_op(h, order);
  if (op == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for an operation of plugin '%s'",
                   h->plugin->manifest.id);
  h->ops[h->op_count++] = op;
  if (h->phase == HOST_READY)
    (void)uv_timer_stop(&h->timer);
  *ret_op = op;
  host_ops_pump(h);
  return CD_OK;
}

/* ---- frames ---- */

static void broke(agent_op *op, const cd_err *err)
{
  host_die(op->host, true, CD_E_INTERNAL, "plugin '%s' broke the protocol in %s: %s", plugin_id(op),
           agent_function_name(op->function), err->text);
}

static bool is_object(agent_op *op, cd_str payload, size_t max, const char *what)
{
  cd_err err = {0};
  cd_code rc = host_object_check(payload, max, what, &err);
  if (rc != CD_OK)
    broke(op, &err);
  return rc == CD_OK;
}

static void on_progress(agent_op *op, cd_str payload)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  uint64_t done = 0;
  uint64_t total = 0;
  cd_str what = {0};
  if (host_progress_read(payload, &doc, &done, &total, &what, &err) != CD_OK) {
    broke(op, &err);
    return;
  }
  if (op->events->on_progress != NULL)
    op->events->on_progress(op->owner, done, total, what);
  cd_json_free(doc);
}

static void grant(agent_op *op)
{
  cd_err err = {0};
  char text[48];
  (void)snprintf(text, sizeof(text), "{\"records\":%u}", op->owed);
  op->owed = 0;
  if (ipc_link_send(&op->host->link, IPC_CREDIT, op->number, cd_str_from(text), &err) != CD_OK)
    host_die(op->host, false, CD_E_IO, "%s", err.text);
}

static void on_credit_timer(uv_timer_t *timer)
{
  grant(timer->data);
}

static void on_record(agent_op *op, cd_str payload)
{
  if (!is_object(op, payload, CD_FRAME_PAYLOAD_MAX, "a record"))
    return;
  op->owed++;
  bool slow_down = !agent_rate_ok(&op->record_rate, RECORDS_PER_SECOND);
  if (slow_down && uv_is_active((uv_handle_t *)&op->credit) == 0)
    (void)uv_timer_start(&op->credit, on_credit_timer, CREDIT_DELAY_MS, 0);
  else if (!slow_down && op->owed >= CREDIT_BATCH)
    grant(op);
  /* Last: the owner may cancel the operation from here. */
  if (op->events->on_record != NULL)
    op->events->on_record(op->owner, payload);
}

/* START wraps the records in two levels more; one that could never be handed back is refused now,
 * before the change that it is about. */
static cd_code undo_fits(cd_str payload, cd_err *err)
{
  cd_buf wrapped = CD_BUF_INIT(CD_UNDO_RECORD_MAX + 4);
  cd_json_doc *doc = NULL;
  cd_buf_add_cstr(&wrapped, "[[");
  cd_buf_add_str(&wrapped, payload);
  cd_buf_add_cstr(&wrapped, "]]");
  cd_code rc = cd_json_parse(cd_buf_view(&wrapped), CD_UNDO_RECORD_MAX + 4,
                             "an undo record, as "
                             "release would get it,",
                             &doc, err);
  cd_json_free(doc);
  cd_buf_release(&wrapped);
  return rc;
}

static void on_undo(agent_op *op, cd_str payload)
{
  cd_err err = {0};
  char text[64];
  agent_host *h = op->host;
  if (!is_object(op, payload, CD_UNDO_RECORD_MAX, "an undo record"))
    return;
  cd_code rc = CD_OK;
  if (op->function != AGENT_FN_APPLY && op->function != AGENT_FN_RUN)
    rc =
        cd_fail(&err, CD_E_INVALID, "plugin '%s' noted an undo record in %s, which changes nothing",
                plugin_id(op), agent_function_name(op->function));
  if (rc == CD_OK)
    rc = undo_fits(payload, &err);
  if (rc == CD_OK)
    rc = op->events->on_undo != NULL
             ? op->events->on_undo(op->owner, payload, &err)
             : agent_supervisor_undo(h->sup, h->plugin, h->cap, payload, &err);
  if (rc != CD_OK)
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_ERROR, "%s; the plugin is told not to make the change",
           err.text);
  (void)snprintf(text, sizeof(text), "{\"status\":\"%s\"}", cd_code_name(rc));
  if (ipc_link_send(&h->link, IPC_UNDO_DONE, op->number, cd_str_from(text), &err) != CD_OK)
    host_die(h, false, CD_E_IO, "%s", err.text);
}

static void on_result(agent_op *op, cd_str payload)
{
  if (!is_object(op, payload, CD_RESULT_MAX, "the result"))
    return;
  cd_buf_reset(&op->result);
  cd_buf_add_str(&op->result, payload);
}

static void on_package(agent_op *op, cd_str payload)
{
  cd_err err = {0};
  host_package package = {.status = CD_E_INTERNAL};
  cd_code rc = host_package_read(payload, &package, &err);
  if (rc == CD_OK && !op->packs)
    rc = cd_fail(&err, CD_E_INVALID, "PACKAGE for an operation that makes none");
  if (rc != CD_OK)
    broke(op, &err);
  else if (op->events->on_package != NULL)
    op->events->on_package(op->owner, &package);
  host_package_release(&package);
}

/* A host in which something was left behind is not kept: what leaks in a guest ends with its
 * process. It goes before the owner is told, so that what the owner does next gets a new one. */
static void retire_if_leaking(agent_op *op, const host_end *f)
{
  agent_host *h = op->host;
  if (f->threads_left > 0 || f->files_left > 0) {
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_WARN,
           "%s plugin=%s: %s left %llu threads and %llu descriptors behind; its process is retired",
           agent_capability_name(h->cap), plugin_id(op), agent_function_name(op->function),
           (unsigned long long)f->threads_left, (unsigned long long)f->files_left);
    h->leaking = true;
  }
  if (h->leaking && h->op_count == 1)
    agent_host_stop(h);
}

static void explain_end(const agent_op *op, host_end *f)
{
  agent_function fn = op->function;
  if (op->late && !cd_code_ok(f->status)) {
    f->status = CD_E_DEADLINE;
    (void)snprintf(f->sentence, sizeof(f->sentence), "plugin '%s' did not end %s within %u ms",
                   plugin_id(op), agent_function_name(fn), op->budget_ms);
  } else if (!cd_code_ok(f->status) && f->sentence[0] == '\0') {
    (void)snprintf(f->sentence, sizeof(f->sentence),
                   "plugin '%s' ended %s as %s and gave no reason", plugin_id(op),
                   agent_function_name(fn), cd_code_name(f->status));
  }
}

static void on_end(agent_op *op, cd_str payload)
{
  cd_err err = {0};
  host_end f = {0};
  agent_host *h = op->host;
  if (host_end_read(payload, &f, &err) != CD_OK) {
    broke(op, &err);
    return;
  }
  explain_end(op, &f);
  /* The host ends an operation as internal when the plugin broke the contract. */
  bool misbehaved = f.status == CD_E_INTERNAL || f.leaving;
  if (f.leaving)
    host_leaves(h, f.status, f.sentence);
  else if (misbehaved)
    agent_supervisor_strike(h->sup, h->plugin, h->cap, f.sentence);
  agent_op_end end = {.status = f.status,
                      .os_error = f.os_error,
                      .sentence = f.sentence,
                      .result = cd_buf_view(&op->result),
                      .misbehaved = misbehaved};
  agent_supervisor_ended(h->plugin, h->cap, op->function, f.status);
  retire_if_leaking(op, &f);
  finish(op, &end);
  host_ops_pump(h);
  host_idle(h);
}

void host_ops_frame(agent_host *h, const ipc_frame *frame)
{
  agent_op *op = NULL;
  for (unsigned i = 0; i < h->op_count; i++) {
    if (h->ops[i]->number == frame->op && h->ops[i]->sent)
      op = h->ops[i];
  }
  if (op == NULL) {
    host_die(h, true, CD_E_INTERNAL,
             "plugin '%s' broke the protocol: a message for operation %llu, which is not running",
             h->plugin->manifest.id, (unsigned long long)frame->op);
    return;
  }
  switch (frame->type) {
  case IPC_PROGRESS: on_progress(op, frame->payload); break;
  case IPC_RECORD: on_record(op, frame->payload); break;
  case IPC_UNDO: on_undo(op, frame->payload); break;
  case IPC_RESULT: on_result(op, frame->payload); break;
  case IPC_PACKAGE: on_package(op, frame->payload); break;
  default: on_end(op, frame->payload); break;
  }
}
