#include "server.h"

#include "base/fault.h"
#include "base/log.h"
#include "ipc/link.h"
#include "ipc/message.h"
#include "platform/peer.h"

#include <stdlib.h>

#include "base/banned.h"

#define CONNECTIONS_MAX 8u
#define BACKLOG 16

typedef struct connection {
  ipc_link link;
  sig_server *server;
} connection;

struct sig_server {
  uv_pipe_t pipe;
  sig_signer *signer;
  connection *connections[CONNECTIONS_MAX];
  unsigned open; /* connections that are not freed yet, and the pipe */
  bool stopping;
};

static void release(sig_server *server)
{
  if (--server->open == 0)
    free(server);
}

static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  connection *c = link->owner;
  sig_server *server = c->server;
  if (code != CD_OK)
    cd_log(CD_AREA_SIGNER, CD_LOG_WARN, "a connection ended: %s", sentence);
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
    if (server->connections[i] == c)
      server->connections[i] = NULL;
  }
  free(c);
  release(server);
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  connection *c = link->owner;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_code rc = CD_OK;
  if (frame->type != IPC_REQUEST)
    rc = cd_fail(&err, CD_E_INVALID, "a frame of type %u is no request", (unsigned)frame->type);
  CD_FAULT_POINT("signer.heard");
  if (rc == CD_OK)
    rc = sig_answer(c->server->signer, frame->payload, &out, &err);
  CD_FAULT_POINT("signer.before_answer");
  if (rc == CD_OK)
    rc = ipc_link_send(link, IPC_RESPONSE, frame->op, cd_buf_view(&out), &err);
  CD_FAULT_POINT("signer.answered");
  cd_buf_release(&out);
  if (rc == CD_OK)
    return;
  cd_log(CD_AREA_SIGNER, CD_LOG_WARN, "a connection is closed: %s", err.text);
  ipc_link_close(link);
}

static const ipc_link_events events = {.on_frame = on_frame, .on_closed = on_closed};

/* The console's user, by its name or as a number, and nobody else: not even root needs orders
 * signed in this way. */
static cd_code check_peer(const sig_server *server, uv_pipe_t *pipe, cd_err *err)
{
  pf_identity who = {0};
  cd_str allowed = cd_str_from(server->signer->config.console_user);
  uint64_t number = 0;
  cd_code rc = pf_peer_of(pipe, &who, err);
  if (rc != CD_OK)
    return rc;
  if (cd_str_to_u64(allowed, UINT32_MAX, &number)) {
    if (who.user_id == number)
      return CD_OK;
  } else {
    pf_peer_name(&who);
    if (cd_str_eq_cstr(allowed, who.user))
      return CD_OK;
  }
  return cd_fail(err, CD_E_DENIED, "user '%s' (%llu, process %llu) is not the console's", who.user,
                 (unsigned long long)who.user_id, (unsigned long long)who.process_id);
}

static cd_code admit(sig_server *server, connection *c, cd_err *err)
{
  cd_code rc = check_peer(server, &c->link.pipe, err);
  if (rc != CD_OK)
    return rc;
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
    if (server->connections[i] != NULL)
      continue;
    server->connections[i] = c;
    return ipc_link_start(&c->link, err);
  }
  return cd_fail(err, CD_E_LIMIT, "%u connections are open, which is the limit", CONNECTIONS_MAX);
}

static void on_connection(uv_stream_t *stream, int status)
{
  sig_server *server = stream->data;
  cd_err err = {0};
  connection *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;
  if (c == NULL)
    return;
  c->server = server;
  cd_code rc = ipc_link_init(&c->link, stream->loop, false, SIG_REQUEST_MAX, &events, c, &err);
  if (rc != CD_OK) {
    free(c);
    return;
  }
  server->open++;
  int uv = uv_accept(stream, (uv_stream_t *)&c->link.pipe);
  rc = uv != 0 ? cd_fail_os(&err, CD_E_IO, -uv, "%s", uv_strerror(uv)) : admit(server, c, &err);
  if (rc == CD_OK)
    return;
  cd_log(CD_AREA_SIGNER, CD_LOG_WARN, "a connection was turned away: %s", err.text);
  ipc_link_close(&c->link);
}

static void on_pipe_closed(uv_handle_t *handle)
{
  release(handle->data);
}

cd_code sig_server_start(uv_loop_t *loop, sig_signer *signer, sig_server **ret_server, cd_err *err)
{
  sig_server *server = calloc(1, sizeof(*server));
  if (server == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the socket");
  int uv = uv_pipe_init(loop, &server->pipe, 0);
  if (uv != 0) {
    free(server);
    return cd_fail_os(err, CD_E_INTERNAL, -uv, "cannot make the socket: %s", uv_strerror(uv));
  }
  server->signer = signer;
  server->pipe.data = server;
  server->open = 1;
  cd_code rc = pf_peer_listen(&server->pipe, signer->config.socket, BACKLOG, on_connection, err);
  if (rc == CD_OK)
    *ret_server = server;
  else
    sig_server_stop(server);
  return rc;
}

void sig_server_stop(sig_server *server)
{
  if (server == NULL || server->stopping)
    return;
  server->stopping = true;
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
    if (server->connections[i] != NULL)
      ipc_link_close(&server->connections[i]->link);
  }
  uv_close((uv_handle_t *)&server->pipe, on_pipe_closed);
}
