/* A WebSocket client over TLS (RFC 6455): connecting, a proxy, TLS, the upgrade, messages both
 * ways, pings, the closing handshake; each with its deadline.
 *
 * Events come from the loop, never from inside a call of the owner's. on_closed comes exactly once,
 * last, whatever happened, also if it was never open; the object frees itself after it. All calls
 * may be made from within the events. */
#ifndef NET_WS_H
#define NET_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "net/conn.h"
#include "protocol/ws.h"

typedef struct net_ws net_ws;

/* Everything is copied. Of the numbers, 0 is the default. */
typedef struct net_ws_options {
  net_endpoint endpoint;
  net_tls_config *tls;
  cd_str path;        /* "/agent/v1" */
  cd_str protocol;    /* the subprotocol: "cordon.v1" */
  cd_str agent;       /* User-Agent; may be empty */
  size_t message_max; /* of a message that comes; CD_MESSAGE_MAX */
  size_t queue_max;   /* encrypted bytes that wait; NET_QUEUE_MAX, and at most that */
  uint32_t open_ms;   /* NET_OPEN_MS: the whole opening */
  uint32_t ping_ms;   /* NET_PING_MS */
  uint32_t pong_ms;   /* NET_PONG_MS */
  uint32_t close_ms;  /* NET_CLOSE_MS */
} net_ws_options;

typedef struct net_ws_end {
  cd_code code;           /* CD_OK: closed in order by us or by the peer with 1000 or 1001 */
  uint16_t close_code;    /* of the peer's close frame, or ours if it broke the protocol; else 0 */
  const char *sentence;   /* empty with CD_OK of our own; valid during the call */
  bool was_open;          /* on_open had come */
  uint32_t retry_after_s; /* what the console or the proxy asked for when refusing; else 0 */
} net_ws_end;

typedef struct net_ws_events {
  void (*on_open)(net_ws *ws, void *owner);
  /* A whole message, CD_WS_TEXT (valid UTF-8) or CD_WS_BINARY; valid during the call. None comes
   * after net_ws_close(). */
  void (*on_message)(net_ws *ws, void *owner, cd_ws_opcode type, cd_str payload);
  /* After a send that left something queued: nothing is queued any more. May be NULL. */
  void (*on_drained)(net_ws *ws, void *owner);
  void (*on_closed)(net_ws *ws, void *owner, const net_ws_end *end);
} net_ws_events;

CD_MUST_USE cd_code net_ws_open(uv_loop_t *loop, const net_ws_options *options,
                                const net_ws_events *events, void *owner, net_ws **ret_ws,
                                cd_err *err);
/* Queues one message in one frame. CD_E_LIMIT, and the connection goes on, if more than queue_max
 * would wait: send again after on_drained. CD_E_UNAVAILABLE while it is not open. */
CD_MUST_USE cd_code net_ws_send_text(net_ws *ws, cd_str text, cd_err *err);
CD_MUST_USE cd_code net_ws_send_binary(net_ws *ws, cd_str bytes, cd_err *err);
/* Encrypted bytes that wait: the measure for holding back what can wait. */
size_t net_ws_queued(const net_ws *ws);
/* No on_message until resumed; nobody is asked for a pong meanwhile. */
void net_ws_pause(net_ws *ws);
void net_ws_resume(net_ws *ws);
/* Begins the closing handshake (CD_WS_CLOSE_NORMAL ...), or, before it is open, gives up. Twice is
 * harmless. */
void net_ws_close(net_ws *ws, uint16_t close_code, cd_str reason);

#endif
