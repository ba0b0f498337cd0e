/* Private to core/net: the insides of the WebSocket client, shared by its files. */
#ifndef NET_WS_PRIVATE_H
#define NET_WS_PRIVATE_H

#include "net/ws.h"
#include "protocol/http_head.h"
#include "protocol/ws_handshake.h"

typedef enum net_ws_state {
  NET_WS_OPENING = 1,
  NET_WS_OPEN,
  NET_WS_CLOSING, /* our close frame is on its way */
  NET_WS_ENDED    /* nothing is read or written any more */
} net_ws_state;

struct net_ws {
  net_conn *conn; /* NULL once it is closed */
  const net_ws_events *events;
  void *owner;
  net_ws_state state;
  uv_timer_t timer;
  size_t queue_max;
  uint32_t open_ms;
  uint32_t ping_ms;
  uint32_t pong_ms;
  uint32_t close_ms;
  cd_buf request; /* the upgrade, until it is sent */
  char host[CD_HTTP_HOST_MAX + 1];
  char key[CD_WS_KEY_MAX];
  char protocol[65];
  cd_http_head head;
  cd_ws_decoder decoder;
  cd_buf held; /* what came in the same read as the message after which the owner paused */
  bool paused;
  bool want_drained;
  bool was_open;
  bool pinging;
  uint64_t heard_at; /* the loop's time at the last byte from the peer */
  uint64_t pinged_at;
  uint32_t retry_after_s;
  uint16_t close_code;
  cd_code why;
  char sentence[CD_ERR_TEXT_MAX];
  bool has_reason;
};

/* Decodes what came and hands it out, until the owner pauses or all is read. */
void net_ws_take(net_ws *ws, cd_str bytes);
/* A frame of ours; control frames go out whatever the owner's ceiling. */
CD_MUST_USE cd_code net_ws_send_frame(net_ws *ws, cd_ws_opcode opcode, cd_str payload, cd_err *err);
/* Ends the connection; the first reason counts. */
void net_ws_end_with(net_ws *ws, cd_code code, uint16_t close_code, const char *sentence);
/* Tells the peer with a close frame, and ends. */
void net_ws_break(net_ws *ws, cd_code code, uint16_t close_code, const char *sentence);

#endif
