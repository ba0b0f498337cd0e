/* The control thread: what the agent says, in order, and how this process ends. */
#include "host.h"
#include "zip.h"

#include "base/log.h"
#include "ipc/message.h"
#include "platform/file.h"
#include "platform/inherit.h"
#include "platform/process.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define PH_SETUP_WAIT_MS 10000u /* the agent sends it right after the start */
#define PH_QUIT_WAIT_MS 2000u   /* for workers that were cancelled to return */
#define PH_CREDITS_MAX (1024u * 1024u)

/* What the plugin started ends with this process. */
static _Noreturn void end_process(int exit_code)
{
  pf_process_end_followers();
  _Exit(exit_code);
}

/* No handler of the plugin runs: a process whose agent is gone, or cannot be understood, has
 * nothing left to do. */
static void die(const char *sentence)
{
  cd_log(CD_AREA_HOST, CD_LOG_ERROR, "%s", sentence);
  end_process(PH_EXIT_LINK);
}

void ph_host_send(ph_host *host, uint8_t type, uint64_t op, cd_str payload)
{
  cd_err err = {0};
  if (host->leaving)
    return;
  if (ipc_link_send(&host->link, type, op, payload, &err) != CD_OK)
    die(err.text);
}

void ph_host_leave(ph_host *host, int exit_code)
{
  if (host->leaving)
    return;
  host->leaving = true;
  host->exit_code = exit_code;
  ipc_link_finish(&host->link);
}

/* ---- SETUP ---- */

static void do_nothing(void *arg)
{
}

/* A runtime may start a helper together with the first thread, as ThreadSanitizer does; it shall
 * not be counted against the first operation. */
static void start_first_thread(void)
{
  uv_thread_t thread;
  if (uv_thread_create(&thread, do_nothing, NULL) == 0)
    (void)uv_thread_join(&thread);
}

static cd_code set_up(ph_host *host, cd_str payload, cd_buf *confined, cd_err *err)
{
  cd_code rc = ph_setup_parse(payload, &host->setup, err);
  if (rc == CD_OK)
    rc = pf_confine_self(&host->setup.confine, confined, err);
  /* After the confinement, which puts signals back to their defaults. */
  if (rc == CD_OK)
    rc = pf_cpu_watch_start(host->cpu_watch, err);
  if (rc == CD_OK)
    start_first_thread();
  if (rc == CD_OK && host->setup.capability->packs)
    rc = ph_zip_load(err);
  if (rc == CD_OK)
    rc = ph_plugin_load(&host->plugin, host->library, &host->setup, err);
  if (rc == CD_OK)
    rc = ph_plugin_create(&host->plugin, &host->api, &host->setup, err);
  return rc;
}

static void refuse(ph_host *host, cd_err *why)
{
  cd_buf payload = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  char complaint[CD_ERR_TEXT_MAX];
  ph_out_flush(host);
  uv_mutex_lock(&host->lock);
  (void)snprintf(complaint, sizeof(complaint), "%s", host->last_complaint);
  uv_mutex_unlock(&host->lock);
  /* The reason why a machine cannot be served is what create() logged. */
  if (why->code == CD_E_UNAVAILABLE && complaint[0] != '\0') {
    cd_err whole = {0};
    (void)cd_fail_os(&whole, why->code, why->os_error, "%s: %s", why->text, complaint);
    *why = whole;
  }
  if (ph_refused_write(why, &payload, NULL) == CD_OK)
    ph_host_send(host, IPC_REFUSED, 0, cd_buf_view(&payload));
  cd_buf_release(&payload);
  ph_host_leave(host, PH_EXIT_REFUSED);
}

static void greet(ph_host *host, cd_str confined)
{
  cd_err err = {0};
  ph_hello hello = {0};
  cd_buf payload = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  ph_plugin_hello(&host->plugin, &host->setup, &hello);
  hello.confined = confined;
  ph_out_flush(host);
  if (ph_hello_write(&hello, &payload, &err) == CD_OK) {
    ph_host_send(host, IPC_HELLO, 0, cd_buf_view(&payload));
    host->ready = true;
  } else {
    refuse(host, &err);
  }
  cd_buf_release(&payload);
}

static void on_setup(ph_host *host, cd_str payload)
{
  cd_err err = {0};
  cd_buf confined = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  if (host->setup.config != NULL)
    die("the agent sent SETUP twice");
  (void)uv_timer_stop(&host->deadline);
  cd_code rc = set_up(host, payload, &confined, &err);
  pf_file_close(host->library);
  if (rc == CD_OK)
    greet(host, cd_buf_view(&confined));
  else
    refuse(host, &err);
  cd_buf_release(&confined);
}

/* ---- what concerns one operation ---- */

static void on_start(ph_host *host, uint64_t id, cd_str payload)
{
  if (id == 0 || ph_op_find(host, id) != NULL)
    die("the agent sent START for an operation that runs already, or for none");
  ph_op_start(host, id, payload);
}

static void on_credit(ph_host *host, uint64_t id, cd_str payload)
{
  cd_err err = {0};
  uint64_t records = 0;
  if (ph_credit_parse(payload, &records, &err) != CD_OK)
    die(err.text);
  uv_mutex_lock(&host->lock);
  ph_op *op = ph_op_find(host, id);
  if (op != NULL) {
    op->credits += records;
    if (op->credits > PH_CREDITS_MAX)
      op->credits = PH_CREDITS_MAX;
    uv_cond_broadcast(&host->changed);
  }
  uv_mutex_unlock(&host->lock);
}

static void on_undo_done(ph_host *host, uint64_t id, cd_str payload)
{
  cd_err err = {0};
  cd_code status = CD_E_INTERNAL;
  if (ph_undo_done_parse(payload, &status, &err) != CD_OK)
    die(err.text);
  uv_mutex_lock(&host->lock);
  ph_op *op = ph_op_find(host, id);
  if (op != NULL && op->undo_waiting) {
    op->undo_waiting = false;
    op->undo_status = status;
    uv_cond_broadcast(&host->changed);
  }
  uv_mutex_unlock(&host->lock);
}

static void on_cancel(ph_host *host, uint64_t id)
{
  /* It may have ended while the word was on its way. */
  ph_op *op = ph_op_find(host, id);
  if (op != NULL)
    ph_op_cancel(host, op);
}

/* ---- QUIT ---- */

static void end_in_order(ph_host *host)
{
  (void)uv_timer_stop(&host->deadline);
  if (host->ready && host->plugin.verbs.destroy != NULL)
    host->plugin.verbs.destroy(host->plugin.instance);
  (void)fflush(stdout);
  ph_out_flush(host);
  ph_host_leave(host, PH_EXIT_OK);
}

void ph_host_op_ended(ph_host *host)
{
  size_t background = 0;
  if (host->quitting && !host->leaving && ph_op_count(host, &background) == 0)
    end_in_order(host);
}

static void on_quit_deadline(uv_timer_t *timer)
{
  ph_host *host = timer->data;
  if (host->leaving)
    return;
  ph_out_flush(host);
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    if (atomic_load(&host->ops[i].id) != 0)
      ph_op_give_up(host, &host->ops[i], CD_E_DEADLINE,
                    "it did not end when it was cancelled, and the plugin host had to quit");
  }
  ph_host_leave(host, PH_EXIT_UNENDED);
}

static void on_quit(ph_host *host)
{
  if (host->quitting)
    return;
  uv_mutex_lock(&host->lock);
  host->quitting = true;
  uv_cond_broadcast(&host->changed);
  uv_mutex_unlock(&host->lock);
  (void)uv_timer_start(&host->deadline, on_quit_deadline, PH_QUIT_WAIT_MS, 0);
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    if (atomic_load(&host->ops[i].id) != 0)
      ph_op_cancel(host, &host->ops[i]);
  }
  ph_host_op_ended(host);
}

/* ---- the link ---- */

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  ph_host *host = link->owner;
  if (host->leaving)
    return;
  if (!host->ready && frame->type != IPC_SETUP && frame->type != IPC_QUIT)
    die("the agent sent something else before SETUP");
  switch (frame->type) {
  case IPC_SETUP: on_setup(host, frame->payload); break;
  case IPC_START: on_start(host, frame->op, frame->payload); break;
  case IPC_CANCEL: on_cancel(host, frame->op); break;
  case IPC_UNDO_DONE: on_undo_done(host, frame->op, frame->payload); break;
  case IPC_CREDIT: on_credit(host, frame->op, frame->payload); break;
  case IPC_QUIT: on_quit(host); break;
  default: die("the agent sent a message of a type that does not exist");
  }
}

static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  ph_host *host = link->owner;
  if (host->leaving)
    end_process(host->exit_code);
  if (code != CD_OK)
    die(sentence);
  /* The agent is gone, and with it whoever would read a sentence. */
  end_process(PH_EXIT_LINK);
}

static const ipc_link_events link_events = {.on_frame = on_frame, .on_closed = on_closed};

static void on_wake(uv_async_t *async)
{
  ph_out_pump(async->data);
}

static void on_setup_deadline(uv_timer_t *timer)
{
  die("no SETUP came from the agent within 10 s");
}

static int init_handles(ph_host *host)
{
  int rc = uv_mutex_init(&host->lock);
  if (rc == 0)
    rc = uv_mutex_init(&host->sight_lock);
  if (rc == 0)
    rc = uv_mutex_init(&host->package_lock);
  if (rc == 0)
    rc = uv_cond_init(&host->changed);
  if (rc == 0)
    rc = uv_async_init(&host->loop, &host->wake, on_wake);
  if (rc == 0)
    rc = uv_timer_init(&host->loop, &host->again);
  if (rc == 0)
    rc = uv_timer_init(&host->loop, &host->deadline);
  host->wake.data = host;
  host->again.data = host;
  host->deadline.data = host;
  return rc;
}

cd_code ph_host_init(ph_host *host, uv_file control, uv_os_fd_t library, cd_err *err)
{
  cd_code code = pf_inherit_loop(&host->loop, err);
  if (code != CD_OK)
    return code;
  int rc = init_handles(host);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -rc, "the event loop cannot be set up: %s",
                      uv_strerror(rc));
  code = ph_cpu_init(host, err);
  if (code != CD_OK)
    return code;
  host->control = uv_thread_self();
  host->library = library;
  ph_op_init_all(host);
  ph_api_init(host);
  code =
      ipc_link_init(&host->link, &host->loop, false, CD_FRAME_PAYLOAD_MAX, &link_events, host, err);
  if (code != CD_OK)
    return code;
  rc = uv_pipe_open(&host->link.pipe, control);
  if (rc != 0)
    return cd_fail_os(err, CD_E_IO, -rc, "descriptor %d is not the agent's link: %s",
                      IPC_HOST_CONTROL_FD, uv_strerror(rc));
  return ipc_link_start(&host->link, err);
}

void ph_host_run(ph_host *host)
{
  (void)uv_timer_start(&host->deadline, on_setup_deadline, PH_SETUP_WAIT_MS, 0);
  /* on_closed ends the process; the link keeps the loop alive until then. */
  (void)uv_run(&host->loop, UV_RUN_DEFAULT);
  end_process(PH_EXIT_LINK);
}
