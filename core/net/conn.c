/* The stack below WebSocket and HTTPS: TCP, a tunnel, TLS, one after the other on one socket, under
 * one deadline. */
#include "net/conn.h"

#include "net/tls.h"
#include "net/tunnel.h"
#include "protocol/http_head.h"
#include "protocol/limits.h"
#include "protocol/secret.h"
#include "tls_private.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

typedef enum conn_stage { CONNECTING = 1, TUNNELLING, HANDSHAKE, OPEN, DRAINING } conn_stage;

struct net_conn {
  const net_conn_events *events;
  void *owner;
  uv_tcp_t tcp;
  uv_timer_t deadline;
  uv_timer_t wake; /* brings events of a resume from the loop */
  int open_handles;
  uv_connect_t connect;
  net_tls_config *config;
  net_tunnel *tunnel;
  net_tls *tls;
  conn_stage stage;
  uint32_t open_ms;
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port;
  bool has_proxy;
  bool has_credentials;
  cd_buf user;
  cd_buf password;
  uint32_t retry_after_s;
  bool closing;
  bool has_reason;
  cd_code why;
  char sentence[CD_ERR_TEXT_MAX];
};

/* ---- the end ---- */

static void set_reason(net_conn *c, cd_code code, const char *sentence)
{
  if (c->has_reason)
    return;
  c->has_reason = true;
  c->why = code;
  (void)snprintf(c->sentence, sizeof(c->sentence), "%s", sentence);
}

/* stream->data has been lent out, so the handle itself leads to the connection. */
static net_conn *conn_of_tcp(uv_handle_t *h)
{
  return (net_conn *)((char *)h - offsetof(net_conn, tcp));
}

static void on_handle_closed(uv_handle_t *h)
{
  net_conn *c = h->type == UV_TCP ? conn_of_tcp(h) : h->data;
  if (--c->open_handles > 0)
    return;
  net_tunnel_free(c->tunnel);
  net_tls_free(c->tls);
  net_tls_config_free(c->config);
  cd_buf_wipe(&c->user);
  cd_buf_wipe(&c->password);
  c->events->on_closed(c, c->why, c->sentence);
  free(c);
}

void net_conn_abort(net_conn *c, cd_code code, const char *sentence)
{
  set_reason(c, code, sentence);
  if (c->closing)
    return;
  c->closing = true;
  uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
  uv_close((uv_handle_t *)&c->deadline, on_handle_closed);
  uv_close((uv_handle_t *)&c->wake, on_handle_closed);
}

static void on_deadline(uv_timer_t *timer);

static void arm_deadline(net_conn *c, uint32_t ms)
{
  uv_update_time(c->deadline.loop);
  (void)uv_timer_start(&c->deadline, on_deadline, ms, 0);
}

void net_conn_end(net_conn *c, cd_code code, const char *sentence)
{
  if (c->stage != OPEN) {
    net_conn_abort(c, code, sentence);
    return;
  }
  set_reason(c, code, sentence);
  c->stage = DRAINING;
  arm_deadline(c, NET_DRAIN_MS);
  net_tls_shutdown(c->tls);
}

bool net_conn_is_ending(const net_conn *c)
{
  return c->closing || c->stage == DRAINING;
}

static void on_deadline(uv_timer_t *timer)
{
  net_conn *c = timer->data;
  cd_err err = {0};
  const char *what = c->stage == CONNECTING && c->has_proxy ? "connecting to the proxy for"
                     : c->stage == CONNECTING               ? "connecting to"
                     : c->stage == TUNNELLING               ? "the proxy's answer about"
                                                            : "the TLS handshake with";
  /* Nothing was lost on purpose when an ending connection does not take its last bytes. */
  cd_code code = c->stage == DRAINING
                     ? CD_OK
                     : cd_fail(&err, CD_E_DEADLINE, "%s '%s' took longer than %u ms", what, c->host,
                               c->open_ms);
  net_conn_abort(c, code, err.text);
}

/* ---- TLS ---- */

static void on_tls_open(void *owner)
{
  net_conn *c = owner;
  c->stage = OPEN;
  (void)uv_timer_stop(&c->deadline);
  c->events->on_open(c);
}

static void on_tls_data(void *owner, cd_str bytes)
{
  net_conn *c = owner;
  c->events->on_data(c, bytes);
}

static void on_tls_drained(void *owner)
{
  net_conn *c = owner;
  if (c->stage == DRAINING)
    net_conn_abort(c, CD_OK, "");
  else if (c->events->on_drained != NULL)
    c->events->on_drained(c);
}

static void on_tls_end(void *owner, cd_code code, const char *sentence)
{
  net_conn_abort(owner, code, sentence);
}

static const net_tls_events tls_events = {
    .on_open = on_tls_open,
    .on_data = on_tls_data,
    .on_drained = on_tls_drained,
    .on_end = on_tls_end,
};

static void start_tls(net_conn *c)
{
  cd_err err = {0};
  c->stage = HANDSHAKE;
  cd_code code = net_tls_new(c->config, (uv_stream_t *)&c->tcp, cd_str_from(c->host), &tls_events,
                             c, &c->tls, &err);
  if (code == CD_OK)
    code = net_tls_start(c->tls, &err);
  if (code != CD_OK)
    net_conn_abort(c, code, err.text);
}

/* ---- the proxy ---- */

static void on_tunnel_done(void *owner, cd_code code, const char *sentence, uint32_t retry_after_s)
{
  net_conn *c = owner;
  c->retry_after_s = retry_after_s;
  if (code != CD_OK) {
    net_conn_abort(c, code, sentence);
    return;
  }
  net_tunnel_free(c->tunnel);
  c->tunnel = NULL;
  start_tls(c);
}

static void start_tunnel(net_conn *c)
{
  cd_err err = {0};
  const cd_proxy_request request = {.host = cd_str_from(c->host),
                                    .port = c->port,
                                    .has_credentials = c->has_credentials,
                                    .user = cd_buf_view(&c->user),
                                    .password = cd_buf_view(&c->password)};
  c->stage = TUNNELLING;
  cd_code code =
      net_tunnel_start((uv_stream_t *)&c->tcp, &request, on_tunnel_done, c, &c->tunnel, &err);
  cd_buf_wipe(&c->user);
  cd_buf_wipe(&c->password);
  if (code != CD_OK)
    net_conn_abort(c, code, err.text);
}

/* ---- opening ---- */

static void connected(net_conn *c)
{
  /* Messages are small and answers are waited for; that it stays as it was does no harm. */
  (void)uv_tcp_nodelay(&c->tcp, 1);
  if (c->has_proxy)
    start_tunnel(c);
  else
    start_tls(c);
}

static void connect_failed(net_conn *c, int status)
{
  cd_err err = {0};
  cd_code code = cd_code_from_errno(status);
  code = cd_fail_os(
      &err, code == CD_E_IO ? CD_E_UNAVAILABLE : code, -(int64_t)status, "%s '%s' failed: %s",
      c->has_proxy ? "connecting to the proxy for" : "connecting to", c->host, uv_strerror(status));
  net_conn_abort(c, code, err.text);
}

static void on_connected(uv_connect_t *req, int status)
{
  net_conn *c = req->data;
  if (c->closing)
    return;
  if (status != 0)
    connect_failed(c, status);
  else
    connected(c);
}

static cd_code copy_endpoint(net_conn *c, const net_endpoint *to, cd_err *err)
{
  if (!cd_http_host_valid(to->host) || !cd_str_copy(c->host, sizeof(c->host), to->host) ||
      to->port == 0)
    return cd_fail(err, CD_E_INVALID,
                   "a server is named by its name or its address, and a port from 1 to 65535");
  if (to->socket == NET_NO_SOCKET && to->address == NULL)
    return cd_fail(err, CD_E_INVALID, "there is neither a socket nor an address for '%s'", c->host);
  c->port = to->port;
  c->has_proxy = to->proxy != NULL;
  if (!c->has_proxy)
    return CD_OK;
  c->has_credentials = to->proxy->has_credentials;
  cd_buf_add_str(&c->user, to->proxy->user);
  cd_buf_add_str(&c->password, to->proxy->password);
  cd_code code = cd_buf_status(&c->user, "the proxy's user name", err);
  if (code == CD_OK)
    code = cd_buf_status(&c->password, "the proxy's password", err);
  return code;
}

/* From here on the handles have to be closed, and the socket is the connection's: what fails is
 * told by on_closed. */
static void begin(net_conn *c, const net_endpoint *to)
{
  arm_deadline(c, c->open_ms);
  c->stage = CONNECTING;
  if (to->address == NULL) {
    connected(c);
    return;
  }
  c->connect.data = c;
  int status = uv_tcp_connect(&c->connect, &c->tcp, to->address, on_connected);
  if (status != 0)
    connect_failed(c, status);
}

/* A TCP handle of its own, which only a close can free, over the socket. */
static cd_code open_tcp(net_conn *c, uv_loop_t *loop, uv_os_sock_t socket, cd_err *err)
{
  int status = uv_tcp_init(loop, &c->tcp);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status, "no TCP handle: %s",
                      uv_strerror(status));
  c->open_handles++;
  if (socket != NET_NO_SOCKET)
    status = uv_tcp_open(&c->tcp, socket);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "the socket for '%s' cannot be used: %s", c->host, uv_strerror(status));
  return CD_OK;
}

static void on_unused_closed(uv_handle_t *h)
{
  free(conn_of_tcp(h));
}

/* What never came so far that events are due. */
static void drop_unopened(net_conn *c)
{
  net_tls_config_free(c->config);
  cd_buf_wipe(&c->user);
  cd_buf_wipe(&c->password);
  if (c->open_handles > 0)
    uv_close((uv_handle_t *)&c->tcp, on_unused_closed);
  else
    free(c);
}

static void on_wake(uv_timer_t *timer)
{
  net_conn *c = timer->data;
  if (c->stage != OPEN)
    return;
  c->events->on_data(c, (cd_str){"", 0});
  if (!c->closing && c->stage == OPEN)
    net_tls_resume(c->tls);
}

static void add_timer(net_conn *c, uv_timer_t *timer)
{
  (void)uv_timer_init(c->tcp.loop, timer); /* only links it into the loop */
  timer->data = c;
  c->open_handles++;
}

cd_code net_conn_open(uv_loop_t *loop, const net_endpoint *to, net_tls_config *tls,
                      uint32_t open_ms, const net_conn_events *events, void *owner,
                      net_conn **ret_conn, cd_err *err)
{
  net_conn *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a connection");
  c->events = events;
  c->owner = owner;
  c->open_ms = open_ms > 0 ? open_ms : NET_OPEN_MS;
  c->config = net_tls_config_hold(tls);
  cd_buf_init(&c->user, CD_PROXY_SECRET_MAX);
  cd_buf_init(&c->password, CD_PROXY_SECRET_MAX);
  cd_code code = copy_endpoint(c, to, err);
  if (code == CD_OK)
    code = open_tcp(c, loop, to->socket, err);
  if (code != CD_OK) {
    drop_unopened(c);
    return code;
  }
  add_timer(c, &c->deadline);
  add_timer(c, &c->wake);
  begin(c, to);
  *ret_conn = c;
  return CD_OK;
}

/* ---- an open connection ---- */

void *net_conn_owner(const net_conn *c)
{
  return c->owner;
}

uv_loop_t *net_conn_loop(const net_conn *c)
{
  return c->tcp.loop;
}

uint32_t net_conn_retry_after_s(const net_conn *c)
{
  return c->retry_after_s;
}

cd_code net_conn_write(net_conn *c, cd_str bytes, cd_err *err)
{
  if (c->stage != OPEN || c->closing)
    return cd_fail(err, CD_E_UNAVAILABLE, "the connection to '%s' is not open", c->host);
  return net_tls_write(c->tls, bytes, err);
}

size_t net_conn_queued(const net_conn *c)
{
  return c->tls != NULL ? net_tls_queued(c->tls) : 0;
}

void net_conn_pause(net_conn *c)
{
  (void)uv_timer_stop(&c->wake);
  if (c->stage == OPEN && !c->closing)
    net_tls_pause(c->tls);
}

void net_conn_resume(net_conn *c)
{
  if (c->stage == OPEN && !c->closing)
    (void)uv_timer_start(&c->wake, on_wake, 0, 0);
}
