/* The client's side of the control socket: connect, look who listens, ask, wait. One loop per
 * request, so that nothing outlives the call. */
#include "client.h"

#include "fleet_pause.h"

#include "base/json.h"
#include "base/limits.h"
#include "ipc/link.h"
#include "ipc/message.h"
#include "platform/peer.h"
#include "protocol/secret.h"

#include <uv.h>

#include <signal.h>
#include <string.h>

#include "base/banned.h"

#define BUSY_RETRY_MS 50u /* the queue of connections was full */
#define SIGNALS 3

typedef struct client {
  const ctl_request *request;
  uv_loop_t loop;
  ipc_link link;
  uv_connect_t connect;
  uv_timer_t deadline;
  uv_timer_t retry;
  uv_signal_t signals[SIGNALS];
  int signals_open;
  bool timers_open;
  bool link_open;
  bool retrying;
  bool asked;
  bool decided;
  ctl_exit exit;
  cd_buf *response;
  cd_err *err;
} client;

static void connect_now(client *c);

static void close_all(client *c)
{
  if (c->link_open)
    ipc_link_close(&c->link);
  for (; c->signals_open > 0; c->signals_open--)
    uv_close((uv_handle_t *)&c->signals[c->signals_open - 1], NULL);
  if (!c->timers_open)
    return;
  c->timers_open = false;
  uv_close((uv_handle_t *)&c->deadline, NULL);
  uv_close((uv_handle_t *)&c->retry, NULL);
}

/* The first outcome counts; its sentence is in c->err already. */
static void decide(client *c, ctl_exit code)
{
  if (c->decided)
    return;
  c->decided = true;
  c->exit = code;
  close_all(c);
}

/* What it means that there will be no answer: before the request nothing happened, after it
 * something may have. */
static ctl_exit exit_without_answer(const client *c)
{
  return c->asked && c->request->changes ? CTL_EXIT_WAITING : CTL_EXIT_UNREACHABLE;
}

static void on_deadline(uv_timer_t *timer)
{
  client *c = timer->data;
  if (!c->asked)
    (void)cd_fail(c->err, CD_E_DEADLINE, "the agent at %s did not take the connection within %u s",
                  c->request->socket, CTL_CONNECT_MS / 1000);
  else
    (void)cd_fail(c->err, CD_E_DEADLINE, "the agent did not answer within %llu s",
                  (unsigned long long)c->request->timeout_s);
  decide(c, exit_without_answer(c));
}

static void on_signal(uv_signal_t *handle, int number)
{
  client *c = handle->data;
  (void)cd_fail(c->err, CD_E_CANCELLED, "interrupted while waiting for the agent");
  decide(c, exit_without_answer(c));
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  client *c = link->owner;
  if (c->decided)
    return;
  switch (frame->type) {
  case IPC_EVENT:
    if (c->request->on_event != NULL &&
        c->request->on_event(c->request->context, frame->payload, c->err) != CD_OK)
      decide(c, exit_without_answer(c));
    return;
  case IPC_DATA:
    if (c->request->on_data == NULL)
      break;
    if (c->request->on_data(c->request->context, frame->payload, c->err) != CD_OK)
      decide(c, CTL_EXIT_FAILED);
    return;
  case IPC_RESPONSE:
    cd_buf_add_str(c->response, frame->payload);
    decide(c, cd_buf_status(c->response, "the answer", c->err) == CD_OK ? CTL_EXIT_DONE
                                                                        : CTL_EXIT_FAILED);
    return;
  default: break;
  }
  (void)cd_fail(c->err, CD_E_INVALID,
                "the agent sent a message of type %u, which a client does not expect",
                (unsigned)frame->type);
  decide(c, exit_without_answer(c));
}

static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  client *c = link->owner;
  c->link_open = false;
  if (c->decided || c->retrying)
    return;
  if (code == CD_OK)
    (void)cd_fail(c->err, CD_E_UNAVAILABLE, "the agent closed the connection without an answer");
  else
    (void)cd_fail(c->err, code, "the connection to the agent broke: %s", sentence);
  decide(c, exit_without_answer(c));
}

static const ipc_link_events events = {.on_frame = on_frame, .on_closed = on_closed};

static void on_retry(uv_timer_t *timer)
{
  client *c = timer->data;
  if (c->link_open) {
    /* The old link has not said goodbye yet. */
    (void)uv_timer_start(&c->retry, on_retry, BUSY_RETRY_MS, 0);
    return;
  }
  c->retrying = false;
  connect_now(c);
}

static void connect_failed(client *c, int status)
{
  const char *path = c->request->socket;
  if (status == UV_EAGAIN) {
    c->retrying = true;
    ipc_link_close(&c->link);
    (void)uv_timer_start(&c->retry, on_retry, BUSY_RETRY_MS, 0);
    return;
  }
  if (status == UV_EACCES || status == UV_EPERM) {
    (void)cd_fail_os(c->err, CD_E_DENIED, -status, "you may not connect to the agent at %s: %s",
                     path, uv_strerror(status));
    decide(c, CTL_EXIT_DENIED);
    return;
  }
  const char *hint =
      status == UV_ENOENT || status == UV_ECONNREFUSED ? "; is cordond running?" : "";
  (void)cd_fail_os(c->err, CD_E_UNAVAILABLE, -status, "cannot reach the agent at %s: %s%s", path,
                   uv_strerror(status), hint);
  decide(c, CTL_EXIT_UNREACHABLE);
}

/* Whoever may make a file in a folder could listen there; only an administrator's process, or our
 * own user's, is the agent. */
static cd_code check_server(client *c)
{
  pf_identity server = {0};
  pf_identity self = {0};
  cd_code rc = pf_peer_of(&c->link.pipe, &server, c->err);
  if (rc != CD_OK)
    return rc;
  rc = pf_peer_self(&self, c->err);
  if (rc != CD_OK)
    return rc;
  if (server.administrator || server.user_id == self.user_id)
    return CD_OK;
  pf_peer_name(&server);
  return cd_fail(c->err, CD_E_DENIED,
                 "what listens at %s belongs to user %s (process %llu), not to an administrator: "
                 "that is not the agent",
                 c->request->socket, server.user, (unsigned long long)server.process_id);
}

static cd_code send_request(client *c)
{
  cd_buf payload = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  cd_jw_init(&w, &payload);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "method", c->request->method);
  cd_jw_raw(&w, "params", c->request->params);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the request", c->err);
  if (rc == CD_OK)
    rc = ipc_link_start(&c->link, c->err);
  if (rc == CD_OK)
    rc = ipc_link_send(&c->link, IPC_REQUEST, 0, cd_buf_view(&payload), c->err);
  cd_buf_wipe(&payload); /* it may hold a token or a code */
  return rc;
}

static void on_connected(uv_connect_t *req, int status)
{
  client *c = req->data;
  if (c->decided || status == UV_ECANCELED)
    return;
  if (status != 0) {
    connect_failed(c, status);
    return;
  }
  if (check_server(c) != CD_OK) {
    decide(c, CTL_EXIT_UNREACHABLE);
    return;
  }
  if (send_request(c) != CD_OK) {
    decide(c, CTL_EXIT_UNREACHABLE);
    return;
  }
  c->asked = true;
  (void)uv_timer_start(&c->deadline, on_deadline, c->request->timeout_s * 1000, 0);
}

static void connect_now(client *c)
{
  if (ipc_link_init(&c->link, &c->loop, false, CD_FRAME_PAYLOAD_MAX, &events, c, c->err) != CD_OK) {
    decide(c, CTL_EXIT_FAILED);
    return;
  }
  c->link_open = true;
  c->connect.data = c;
  pf_peer_connect(&c->connect, &c->link.pipe, c->request->socket, on_connected);
}

static void start_timers(client *c)
{
  (void)uv_timer_init(&c->loop, &c->deadline);
  (void)uv_timer_init(&c->loop, &c->retry);
  c->deadline.data = c;
  c->retry.data = c;
  c->timers_open = true;
  (void)uv_timer_start(&c->deadline, on_deadline, CTL_CONNECT_MS, 0);
}

/* Only where something goes on without us is an interrupt worth a sentence; elsewhere it just ends
 * the program. */
static void watch_signals(client *c)
{
  static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
  for (int i = 0; i < SIGNALS; i++) {
    if (numbers[i] == SIGHUP && ctl_hangup_ignored())
      return;
    if (uv_signal_init(&c->loop, &c->signals[i]) != 0)
      return;
    c->signals[i].data = c;
    c->signals_open = i + 1;
    (void)uv_signal_start(&c->signals[i], on_signal, numbers[i]);
  }
}

ctl_exit ctl_client_ask(const ctl_request *request, cd_buf *ret_response, cd_err *err)
{
  client c = {.request = request, .response = ret_response, .err = err, .exit = CTL_EXIT_FAILED};
  if (strlen(request->socket) > CTL_SOCKET_PATH_MAX) {
    (void)cd_fail(err, CD_E_INVALID, "the path of the control socket is %zu bytes, the limit is %u",
                  strlen(request->socket), CTL_SOCKET_PATH_MAX);
    return CTL_EXIT_USAGE;
  }
  int status = uv_loop_init(&c.loop);
  if (status != 0) {
    (void)cd_fail_os(err, CD_E_INTERNAL, -status, "cannot make an event loop: %s",
                     uv_strerror(status));
    return CTL_EXIT_FAILED;
  }
  start_timers(&c);
  if (request->changes)
    watch_signals(&c);
  connect_now(&c);
  (void)uv_run(&c.loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&c.loop);
  return c.exit;
}
