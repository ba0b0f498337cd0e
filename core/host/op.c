/* Operations: a slot each, a worker thread each, exactly one END each. */
#include "host.h"

#include "base/clock.h"
#include "base/fault.h"
#include "ipc/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PH_STACK_BYTES (1024u * 1024u) /* address space is limited, and a plugin needs no 8 MiB */

ph_op *ph_op_find(ph_host *host, uint64_t id)
{
  for (size_t i = 0; id != 0 && i < PH_OPS_MAX; i++) {
    if (atomic_load(&host->ops[i].id) == id)
      return &host->ops[i];
  }
  return NULL;
}

size_t ph_op_count(ph_host *host, size_t *ret_background)
{
  size_t all = 0;
  size_t background = 0;
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    if (atomic_load(&host->ops[i].id) == 0)
      continue;
    all++;
    if (host->ops[i].function->background)
      background++;
  }
  *ret_background = background;
  return all;
}

void ph_op_init_all(ph_host *host)
{
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    ph_op *op = &host->ops[i];
    op->host = host;
    atomic_init(&op->id, 0);
    atomic_init(&op->cancel, false);
    (void)uv_timer_init(&host->loop, &op->budget);
    op->budget.data = op;
  }
}

static void send_end(ph_host *host, uint64_t id, const ph_end *end)
{
  cd_err err = {0};
  cd_buf payload = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  CD_FAULT_POINT("host.before_end");
  if (ph_end_write(end, &payload, &err) == CD_OK)
    ph_host_send(host, IPC_END, id, cd_buf_view(&payload));
  else
    ph_host_leave(host, PH_EXIT_LINK);
  cd_buf_release(&payload);
}

static void refuse(ph_host *host, uint64_t id, cd_err *err)
{
  send_end(host, id, &(ph_end){.status = err->code, .sentence = err->text});
}

/* ---- the worker ---- */

static void set_running(ph_op *op, bool running)
{
  uv_mutex_lock(&op->host->lock);
  op->self = uv_thread_self();
  op->running = running;
  uv_mutex_unlock(&op->host->lock);
}

static void run(void *arg)
{
  ph_op *op = arg;
  ph_host *host = op->host;
  cordon_request request = {.struct_size = sizeof(request),
                            .flags = op->start.flags,
                            .op = atomic_load(&op->id),
                            .budget_ms = op->start.budget_ms,
                            .params = op->start.params,
                            .params_len = op->start.params_len,
                            .undo = op->start.undo,
                            .undo_len = op->start.undo_len};
  set_running(op, true);
  CD_FAULT_POINT("host.before_start");
  cordon_status status = op->call(host->plugin.instance, &request);
  ph_item *package = ph_artifact_end(host, request.op);
  uv_mutex_lock(&host->lock);
  op->running = false;
  op->status = status;
  ph_item *end = &host->out.end_of[op - host->ops];
  *end = (ph_item){.type = IPC_END, .op = request.op, .ended = op};
  if (package != NULL)
    ph_out_push(host, package);
  ph_out_push(host, end);
  /* Other threads of the plugin may wait on behalf of this operation. */
  uv_cond_broadcast(&host->changed);
  uv_mutex_unlock(&host->lock);
}

/* ---- start ---- */

static void on_budget(uv_timer_t *timer)
{
  ph_op *op = timer->data;
  if (atomic_load(&op->cancel))
    return;
  op->overdue = true;
  ph_op_cancel(op->host, op);
}

/* Clears what the operation before left in the slot. */
static void reset(ph_op *op)
{
  free(op->result);
  op->result = NULL;
  op->result_len = 0;
  op->running = false;
  op->credits = CD_RECORDS_WINDOW;
  op->undo_waiting = false;
  op->undo_lost = false;
  op->undo_status = CD_OK;
  op->status = CORDON_OK;
  op->os_error = 0;
  op->sentence[0] = '\0';
  op->misuse[0] = '\0';
  op->progress_fresh = false;
  op->progress_sent_ms = 0;
  op->overdue = false;
}

static ph_op *free_slot(ph_host *host)
{
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    if (atomic_load(&host->ops[i].id) == 0)
      return &host->ops[i];
  }
  return NULL;
}

/* The function that was asked for, if it can be run now. */
static const ph_function *admit(ph_host *host, const ph_start *start, cd_err *err)
{
  const ph_function *function = ph_function_find(host->setup.capability, start->function);
  if (function == NULL || ph_plugin_function(&host->plugin, function) == NULL) {
    (void)cd_fail(err, CD_E_UNSUPPORTED, "plugin '%s' has no function '%s' for '%s'",
                  host->setup.plugin, start->function, host->setup.capability->name);
    return NULL;
  }
  size_t background = 0;
  size_t all = ph_op_count(host, &background);
  if (!function->background && all - background >= host->plugin.concurrency) {
    (void)cd_fail(err, CD_E_LIMIT, "plugin '%s' runs %u operations at once and no more",
                  host->setup.plugin, host->plugin.concurrency);
    return NULL;
  }
  return function;
}

static void unlaunch(ph_host *host, ph_op *op)
{
  uv_mutex_lock(&host->lock);
  atomic_store(&op->id, 0);
  uv_mutex_unlock(&host->lock);
  ph_start_release(&op->start);
}

/* Takes over `start`. */
static cd_code launch(ph_host *host, ph_op *op, uint64_t id, ph_start *start,
                      const ph_function *function, cd_err *err)
{
  ph_leak_begin(host, op);
  uv_mutex_lock(&host->lock);
  reset(op);
  op->function = function;
  op->call = ph_plugin_function(&host->plugin, function);
  op->start = *start;
  *start = (ph_start){0};
  atomic_store(&op->cancel, false);
  atomic_store(&op->id, id);
  uv_mutex_unlock(&host->lock);
  cd_code code = op->start.packs ? ph_artifact_begin(host, id, &op->start.package, err) : CD_OK;
  if (code != CD_OK) {
    unlaunch(host, op);
    return code;
  }
  ph_cpu_arm(host);
  uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = PH_STACK_BYTES};
  int rc = uv_thread_create_ex(&op->thread, &options, run, op);
  if (rc != 0) {
    ph_artifact_drop(host, id);
    unlaunch(host, op);
    return cd_fail_os(err, CD_E_LIMIT, -rc, "no thread for '%s' could be made: %s", function->name,
                      uv_strerror(rc));
  }
  if (op->start.budget_ms > 0)
    (void)uv_timer_start(&op->budget, on_budget, op->start.budget_ms, 0);
  return CD_OK;
}

void ph_op_start(ph_host *host, uint64_t id, cd_str payload)
{
  cd_err err = {0};
  ph_start start = {0};
  if (ph_start_parse(payload, &start, &err) != CD_OK) {
    refuse(host, id, &err);
    return;
  }
  const ph_function *function = admit(host, &start, &err);
  ph_op *op = free_slot(host);
  if (function != NULL && op == NULL)
    (void)cd_fail(&err, CD_E_LIMIT, "the plugin host has no place for another '%s'",
                  function->name);
  if (function == NULL || op == NULL || launch(host, op, id, &start, function, &err) != CD_OK)
    refuse(host, id, &err);
  ph_start_release(&start);
}

void ph_op_cancel(ph_host *host, ph_op *op)
{
  uv_mutex_lock(&host->lock);
  atomic_store(&op->cancel, true);
  bool running = op->running;
  uv_cond_broadcast(&host->changed);
  uv_mutex_unlock(&host->lock);
  if (running && host->plugin.verbs.cancel != NULL)
    host->plugin.verbs.cancel(host->plugin.instance, atomic_load(&op->id));
}

/* ---- end ---- */

static bool is_status(cordon_status status)
{
  return status >= CORDON_E_INTERNAL && status <= CORDON_REBOOT;
}

/* What came of it, in one status and one sentence. `room` is for the sentence. */
static void judge(const ph_host *host, ph_op *op, ph_end *end, char *room, size_t size)
{
  end->os_error = op->os_error;
  end->sentence = op->sentence;
  end->status = is_status(op->status) ? (cd_code)op->status : CD_E_INTERNAL;
  if (op->misuse[0] != '\0') {
    end->status = CD_E_INTERNAL;
    end->sentence = op->misuse;
  } else if (!is_status(op->status)) {
    (void)snprintf(room, size, "the plugin's '%s' returned %d, which is no status of the ABI",
                   op->function->name, (int)op->status);
    end->sentence = room;
  } else if (op->overdue && op->status == CORDON_E_CANCELLED) {
    /* In the agent's words: whichever of the two clocks was first, it is the same fact. */
    (void)snprintf(room, size, "plugin '%s' did not end %s within %llu ms", host->setup.plugin,
                   op->function->name, (unsigned long long)op->start.budget_ms);
    end->status = CD_E_DEADLINE;
    end->sentence = room;
  }
}

/* From here on the operation is unknown to the plugin's threads. */
static void leave_slot(ph_host *host, ph_op *op)
{
  uv_mutex_lock(&host->lock);
  atomic_store(&op->id, 0);
  uv_cond_broadcast(&host->changed);
  uv_mutex_unlock(&host->lock);
  ph_start_release(&op->start);
  free(op->result);
  op->result = NULL;
}

void ph_op_finish(ph_host *host, ph_op *op)
{
  uint64_t id = atomic_load(&op->id);
  char room[CD_ERR_TEXT_MAX];
  ph_end end = {0};
  (void)uv_thread_join(&op->thread);
  (void)uv_timer_stop(&op->budget);
  ph_out_progress(host, op);
  ph_leak_end(host, op, &end);
  uv_mutex_lock(&host->lock);
  judge(host, op, &end, room, sizeof(room));
  char *result = op->result;
  op->result = NULL;
  uv_mutex_unlock(&host->lock);
  if (result != NULL)
    ph_host_send(host, IPC_RESULT, id, (cd_str){result, op->result_len});
  free(result);
  send_end(host, id, &end);
  leave_slot(host, op);
  size_t background = 0;
  if (ph_op_count(host, &background) > 0)
    ph_cpu_arm(host);
  ph_host_op_ended(host);
}

void ph_op_give_up(ph_host *host, ph_op *op, cd_code status, const char *sentence)
{
  send_end(host, atomic_load(&op->id),
           &(ph_end){.status = status, .sentence = sentence, .leaving = true});
}
