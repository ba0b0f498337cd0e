/* A WebSocket client's life: opening over a connection, the timer that asks whether the peer is
 * there, and the end. */
#include "net/ws.h"

#include "entropy.h"
#include "protocol/limits.h"
#include "ws_private.h"

#include <stdlib.h>

#include "base/banned.h"

#define REQUEST_MAX 4096u
/* Room that pongs and the close frame find even when the owner has filled the queue. */
#define CONTROL_ROOM (64u * 1024u)

/* ---- the timer ---- */

static void on_timer(uv_timer_t *timer);

static void arm(net_ws *ws, uint64_t due)
{
  uint64_t now = uv_now(ws->timer.loop);
  (void)uv_timer_start(&ws->timer, on_timer, due > now ? due - now : 1, 0);
}

static void on_silence(net_ws *ws, uint64_t now)
{
  cd_err err = {0};
  if (ws->pinging && now >= ws->pinged_at + ws->pong_ms) {
    cd_code code = cd_fail(&err, CD_E_DEADLINE,
                           "'%s' was not heard for %llu ms and did not answer a ping within %u ms",
                           ws->host, (unsigned long long)(now - ws->heard_at), ws->pong_ms);
    net_ws_end_with(ws, code, 0, err.text);
    return;
  }
  if (!ws->pinging && now >= ws->heard_at + ws->ping_ms) {
    /* One that finds no room is not heard either: the deadline for the answer runs all the same. */
    (void)!net_ws_send_frame(ws, CD_WS_PING, CD_STR("cordon"), &err);
    if (ws->state != NET_WS_OPEN)
      return;
    ws->pinging = true;
    ws->pinged_at = now;
  }
  arm(ws, ws->pinging ? ws->pinged_at + ws->pong_ms : ws->heard_at + ws->ping_ms);
}

static void on_timer(uv_timer_t *timer)
{
  net_ws *ws = timer->data;
  cd_err err = {0};
  uint64_t now = uv_now(timer->loop);
  if (ws->state == NET_WS_OPENING) {
    cd_code code = cd_fail(&err, CD_E_DEADLINE, "'%s' did not switch to WebSocket within %u ms",
                           ws->host, ws->open_ms);
    net_ws_end_with(ws, code, 0, err.text);
  } else if (ws->state == NET_WS_OPEN && ws->paused) {
    arm(ws, now + ws->ping_ms); /* nothing can be heard */
  } else if (ws->state == NET_WS_OPEN) {
    on_silence(ws, now);
  }
}

/* ---- events of the connection ---- */

static void on_conn_open(net_conn *conn)
{
  net_ws *ws = net_conn_owner(conn);
  cd_err err = {0};
  cd_code rc = net_conn_write(conn, cd_buf_view(&ws->request), &err);
  cd_buf_release(&ws->request);
  if (rc != CD_OK)
    net_ws_end_with(ws, rc, 0, err.text);
}

/* True once the console has switched and `bytes` is what comes after its answer. */
static bool take_upgrade(net_ws *ws, cd_str *bytes)
{
  cd_err err = {0};
  const cd_ws_request asked = {.key = cd_str_from(ws->key), .protocol = cd_str_from(ws->protocol)};
  cd_code rc = cd_http_head_take(&ws->head, "the console", bytes, &err);
  if (rc == CD_E_NOTFOUND)
    return false;
  if (rc == CD_OK)
    rc = cd_ws_response_check(&ws->head, &asked, &err);
  if (rc != CD_OK) {
    ws->retry_after_s = ws->head.complete ? cd_http_head_retry_after_s(&ws->head) : 0;
    net_ws_end_with(ws, rc, 0, err.text);
    return false;
  }
  cd_http_head_release(&ws->head);
  ws->state = NET_WS_OPEN;
  ws->was_open = true;
  arm(ws, ws->heard_at + ws->ping_ms);
  ws->events->on_open(ws, ws->owner);
  return true;
}

/* Whatever comes shows that the peer is there, not the pong alone: it may stand behind a long
 * message. */
static void note_heard(net_ws *ws)
{
  ws->heard_at = uv_now(ws->timer.loop);
  if (!ws->pinging)
    return;
  ws->pinging = false;
  if (ws->state == NET_WS_OPEN)
    arm(ws, ws->heard_at + ws->ping_ms);
}

static void on_conn_data(net_conn *conn, cd_str bytes)
{
  net_ws *ws = net_conn_owner(conn);
  if (ws->state == NET_WS_ENDED)
    return;
  if (bytes.len > 0)
    note_heard(ws);
  if (ws->state != NET_WS_OPENING || take_upgrade(ws, &bytes))
    net_ws_take(ws, bytes);
}

static void on_conn_drained(net_conn *conn)
{
  net_ws *ws = net_conn_owner(conn);
  if (ws->state != NET_WS_OPEN || !ws->want_drained)
    return;
  ws->want_drained = false;
  if (ws->events->on_drained != NULL)
    ws->events->on_drained(ws, ws->owner);
}

static void on_timer_closed(uv_handle_t *h)
{
  net_ws *ws = h->data;
  const net_ws_end end = {.code = ws->why,
                          .close_code = ws->close_code,
                          .sentence = ws->sentence,
                          .was_open = ws->was_open,
                          .retry_after_s = ws->retry_after_s};
  ws->events->on_closed(ws, ws->owner, &end);
  cd_buf_release(&ws->request);
  cd_buf_release(&ws->held);
  cd_http_head_release(&ws->head);
  cd_ws_decoder_release(&ws->decoder);
  free(ws);
}

static void on_conn_closed(net_conn *conn, cd_code code, const char *sentence)
{
  net_ws *ws = net_conn_owner(conn);
  cd_err err = {0};
  if (code == CD_OK && ws->state != NET_WS_ENDED) {
    code = cd_fail(&err, CD_E_IO, "'%s' ended the connection %s", ws->host,
                   ws->state == NET_WS_OPENING ? "before it had switched to WebSocket"
                                               : "without closing the WebSocket");
    sentence = err.text;
  }
  if (ws->retry_after_s == 0)
    ws->retry_after_s = net_conn_retry_after_s(conn);
  ws->conn = NULL;
  net_ws_end_with(ws, code, 0, sentence);
  uv_close((uv_handle_t *)&ws->timer, on_timer_closed);
}

static const net_conn_events conn_events = {
    .on_open = on_conn_open,
    .on_data = on_conn_data,
    .on_drained = on_conn_drained,
    .on_closed = on_conn_closed,
};

/* ---- opening ---- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
  return value > 0 ? value : otherwise;
}

static void copy_numbers(net_ws *ws, const net_ws_options *o)
{
  const size_t most = NET_QUEUE_MAX - CONTROL_ROOM;
  ws->queue_max = o->queue_max > 0 && o->queue_max < most ? o->queue_max : most;
  ws->open_ms = or_default(o->open_ms, NET_OPEN_MS);
  ws->ping_ms = or_default(o->ping_ms, NET_PING_MS);
  ws->pong_ms = or_default(o->pong_ms, NET_PONG_MS);
  ws->close_ms = or_default(o->close_ms, NET_CLOSE_MS);
  cd_ws_decoder_init(&ws->decoder, CD_WS_CLIENT,
                     o->message_max > 0 ? o->message_max : CD_MESSAGE_MAX);
}

static cd_code make_request(net_ws *ws, const net_ws_options *o, cd_err *err)
{
  uint8_t random[CD_WS_KEY_BYTES];
  cd_code rc = net_entropy_fill(random, sizeof(random), err);
  if (rc != CD_OK)
    return rc;
  cd_ws_key(random, ws->key);
  if (!cd_str_copy(ws->host, sizeof(ws->host), o->endpoint.host) ||
      !cd_str_copy(ws->protocol, sizeof(ws->protocol), o->protocol))
    return cd_fail(err, CD_E_INVALID, "the console's host or the subprotocol is too long");
  const cd_ws_request request = {.host = o->endpoint.host,
                                 .port = o->endpoint.port,
                                 .path = o->path,
                                 .key = cd_str_from(ws->key),
                                 .protocol = o->protocol,
                                 .agent = o->agent};
  return cd_ws_request_write(&request, &ws->request, err);
}

cd_code net_ws_open(uv_loop_t *loop, const net_ws_options *options, const net_ws_events *events,
                    void *owner, net_ws **ret_ws, cd_err *err)
{
  net_ws *ws = calloc(1, sizeof(*ws));
  if (ws == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a WebSocket");
  ws->events = events;
  ws->owner = owner;
  ws->state = NET_WS_OPENING;
  cd_buf_init(&ws->request, REQUEST_MAX);
  cd_buf_init(&ws->held, CONTROL_ROOM);
  cd_http_head_init(&ws->head);
  copy_numbers(ws, options);
  cd_code rc = make_request(ws, options, err);
  if (rc == CD_OK)
    rc = net_conn_open(loop, &options->endpoint, options->tls, ws->open_ms, &conn_events, ws,
                       &ws->conn, err);
  if (rc != CD_OK) {
    cd_buf_release(&ws->request);
    cd_ws_decoder_release(&ws->decoder);
    free(ws);
    return rc;
  }
  (void)uv_timer_init(loop, &ws->timer); /* only links it into the loop */
  ws->timer.data = ws;
  arm(ws, uv_now(loop) + ws->open_ms);
  *ret_ws = ws;
  return CD_OK;
}
