/* Frames of an open WebSocket, both ways. */
#include "ws_private.h"

#include "entropy.h"
#include "protocol/limits.h"

#include <stdio.h>

#include "base/banned.h"

/* Frames that the connection makes by itself wait for a peer that does not read: only so many. */
#define PONGS_QUEUED_MAX (64u * 1024u)

/* ---- sending ---- */

cd_code net_ws_send_frame(net_ws *ws, cd_ws_opcode opcode, cd_str payload, cd_err *err)
{
  cd_err why = {0};
  uint8_t mask[CD_WS_MASK_SIZE];
  cd_buf frame = CD_BUF_INIT(NET_QUEUE_MAX);
  cd_code rc = net_entropy_fill(mask, sizeof(mask), &why);
  if (rc == CD_OK)
    rc = cd_ws_frame_add(&frame, opcode, true, payload, mask, &why);
  if (rc == CD_OK)
    rc = net_conn_write(ws->conn, cd_buf_view(&frame), &why);
  cd_buf_release(&frame);
  if (rc != CD_OK && err != NULL)
    *err = why;
  /* What is full or on its way to its end is no worse for it; else a frame may have gone in part.
   */
  if (rc != CD_OK && rc != CD_E_LIMIT && rc != CD_E_UNAVAILABLE)
    net_ws_end_with(ws, rc, 0, why.text);
  return rc;
}

static cd_code send_message(net_ws *ws, cd_ws_opcode opcode, cd_str payload, cd_err *err)
{
  if (ws->state != NET_WS_OPEN)
    return cd_fail(err, CD_E_UNAVAILABLE, "the WebSocket to '%s' is not open", ws->host);
  size_t queued = net_conn_queued(ws->conn);
  if (payload.len > ws->queue_max || queued > ws->queue_max - payload.len) {
    ws->want_drained = queued > 0;
    return cd_fail(err, CD_E_LIMIT,
                   "'%s' does not read: %zu bytes wait for it, and a message of %zu does not fit "
                   "below %zu",
                   ws->host, queued, payload.len, ws->queue_max);
  }
  cd_code rc = net_ws_send_frame(ws, opcode, payload, err);
  ws->want_drained = net_conn_queued(ws->conn) > 0;
  return rc;
}

cd_code net_ws_send_text(net_ws *ws, cd_str text, cd_err *err)
{
  if (!cd_str_utf8_valid(text))
    return cd_fail(err, CD_E_INVALID, "a WebSocket text message must be UTF-8");
  return send_message(ws, CD_WS_TEXT, text, err);
}

cd_code net_ws_send_binary(net_ws *ws, cd_str bytes, cd_err *err)
{
  return send_message(ws, CD_WS_BINARY, bytes, err);
}

size_t net_ws_queued(const net_ws *ws)
{
  return ws->conn != NULL ? net_conn_queued(ws->conn) : 0;
}

static void send_close(net_ws *ws, uint16_t close_code, cd_str reason)
{
  uint8_t mask[CD_WS_MASK_SIZE];
  cd_buf frame = CD_BUF_INIT(CD_WS_FRAME_HEADER_MAX + CD_WS_CONTROL_MAX);
  cd_err err = {0};
  cd_code rc = net_entropy_fill(mask, sizeof(mask), &err);
  if (rc == CD_OK)
    rc = cd_ws_close_add(&frame, close_code, reason, mask, &err);
  if (rc == CD_OK)
    rc = net_conn_write(ws->conn, cd_buf_view(&frame), &err);
  /* Courtesy only: a peer that cannot be told is cut off all the same. */
  (void)rc;
  cd_buf_release(&frame);
}

/* ---- the end ---- */

void net_ws_end_with(net_ws *ws, cd_code code, uint16_t close_code, const char *sentence)
{
  if (!ws->has_reason) {
    ws->has_reason = true;
    ws->why = code;
    ws->close_code = close_code;
    (void)snprintf(ws->sentence, sizeof(ws->sentence), "%s", sentence);
  }
  ws->state = NET_WS_ENDED;
  if (ws->conn != NULL)
    net_conn_end(ws->conn, code, sentence);
}

void net_ws_break(net_ws *ws, cd_code code, uint16_t close_code, const char *sentence)
{
  if (ws->state == NET_WS_OPEN)
    send_close(ws, close_code, (cd_str){"", 0});
  net_ws_end_with(ws, code, close_code, sentence);
}

static void on_timer_in_closing(uv_timer_t *timer)
{
  net_ws *ws = timer->data;
  cd_err err = {0};
  cd_code code =
      cd_fail(&err, CD_E_DEADLINE, "'%s' did not answer the WebSocket close within %u ms", ws->host,
              ws->close_ms);
  net_ws_end_with(ws, code, 0, err.text);
}

void net_ws_close(net_ws *ws, uint16_t close_code, cd_str reason)
{
  if (ws->state == NET_WS_OPENING)
    net_ws_end_with(ws, CD_E_CANCELLED, 0, "it was given up before it was open");
  if (ws->state != NET_WS_OPEN)
    return;
  send_close(ws, close_code, reason);
  ws->state = NET_WS_CLOSING;
  uv_update_time(ws->timer.loop);
  (void)uv_timer_start(&ws->timer, on_timer_in_closing, ws->close_ms, 0);
  if (ws->paused)
    net_ws_resume(ws); /* the peer's close frame has to be read */
}

/* ---- receiving ---- */

static cd_code code_of_close(uint16_t close_code)
{
  switch (close_code) {
  case CD_WS_CLOSE_NORMAL:
  case CD_WS_CLOSE_GOING_AWAY:
  case CD_WS_CLOSE_NO_STATUS: return CD_OK;
  case CD_WS_CLOSE_POLICY: return CD_E_DENIED;
  case CD_WS_CLOSE_INTERNAL:
  case CD_WS_CLOSE_RESTART:
  case CD_WS_CLOSE_TRY_LATER: return CD_E_UNAVAILABLE;
  case CD_WS_CLOSE_TOO_BIG: return CD_E_LIMIT;
  default: return CD_E_INVALID;
  }
}

static void on_close_frame(net_ws *ws, const cd_ws_event *event)
{
  cd_err err = {0};
  if (ws->state == NET_WS_CLOSING) {
    net_ws_end_with(ws, CD_OK, 0, "");
    return;
  }
  cd_code code = code_of_close(event->close_code);
  (void)cd_fail(&err, code, "'%s' closed the WebSocket with %u%s%.*s", ws->host, event->close_code,
                event->payload.len > 0 ? ": " : "", CD_STR_ARG(event->payload));
  send_close(ws, event->close_code, (cd_str){"", 0});
  net_ws_end_with(ws, code, event->close_code, err.text);
}

static void on_event(net_ws *ws, const cd_ws_event *event)
{
  cd_err err = {0};
  switch (event->type) {
  case CD_WS_TEXT:
  case CD_WS_BINARY:
    if (ws->state == NET_WS_OPEN)
      ws->events->on_message(ws, ws->owner, event->type, event->payload);
    break;
  case CD_WS_PING:
    /* A peer that asks and does not read gets no answers: it would fill the queue. */
    if (ws->state == NET_WS_OPEN && net_conn_queued(ws->conn) < PONGS_QUEUED_MAX)
      (void)!net_ws_send_frame(ws, CD_WS_PONG, event->payload, &err);
    break;
  case CD_WS_CLOSE: on_close_frame(ws, event); break;
  default: break; /* a pong: that something was heard is noted already */
  }
}

static void decode(net_ws *ws, cd_str bytes)
{
  while (!ws->paused && (ws->state == NET_WS_OPEN || ws->state == NET_WS_CLOSING)) {
    cd_ws_event event = {0};
    cd_err err = {0};
    cd_code rc = cd_ws_decoder_next(&ws->decoder, &bytes, &event, &err);
    if (rc == CD_E_NOTFOUND)
      return;
    if (rc != CD_OK) {
      net_ws_break(ws, rc, cd_ws_decoder_close_code(&ws->decoder), err.text);
      return;
    }
    on_event(ws, &event);
  }
  if (ws->state != NET_WS_ENDED)
    cd_buf_add_str(&ws->held, bytes);
}

void net_ws_take(net_ws *ws, cd_str bytes)
{
  if (ws->held.len == 0) {
    decode(ws, bytes);
    return;
  }
  cd_buf all = ws->held;
  cd_buf_init(&ws->held, all.max);
  cd_buf_add_str(&all, bytes);
  if (all.failed == CD_OK)
    decode(ws, cd_buf_view(&all));
  else
    net_ws_end_with(ws, all.failed, 0, "what was held back for a paused WebSocket does not fit");
  cd_buf_release(&all);
}

void net_ws_pause(net_ws *ws)
{
  if (ws->state != NET_WS_OPEN)
    return;
  ws->paused = true;
  net_conn_pause(ws->conn);
}

void net_ws_resume(net_ws *ws)
{
  if (!ws->paused || ws->conn == NULL)
    return;
  ws->paused = false;
  ws->pinging = false;
  ws->heard_at = uv_now(ws->timer.loop);
  net_conn_resume(ws->conn);
}
