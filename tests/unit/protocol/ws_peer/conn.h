/* A WebSocket connection over a blocking TCP socket on loopback, on the codec under test: enough to
 * talk to other implementations, with a deadline on every wait. For tests only. */
#ifndef WS_PEER_CONN_H
#define WS_PEER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/ws.h"

#define PEER_MESSAGE_MAX 400000u
#define PEER_PROTOCOL "cordon.v1"

typedef struct conn {
  int fd;
  cd_ws_role role;
  cd_ws_decoder decoder;
  char input[16384];
  cd_str rest;   /* of the input, not decoded yet */
  uint32_t mask; /* counts; the peers do not care */
} conn;

/* Prints what did not hold, and ends the program with 1. */
void check(bool holds, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Listens on a free port of 127.0.0.1. */
int conn_listen(uint16_t *ret_port);
/* The next client, its handshake done. */
void conn_accept(int listener, conn *c);
/* Connects to 127.0.0.1 and does the client's handshake. */
void conn_connect(uint16_t port, conn *c);
void conn_close(conn *c);

void conn_send(conn *c, cd_ws_opcode opcode, bool fin, cd_str payload);
void conn_send_close(conn *c, uint16_t code, const char *reason);
/* Bytes as they are, which the codec would not write. */
void conn_send_raw(conn *c, const void *bytes, size_t len);

typedef enum conn_got { CONN_EVENT = 1, CONN_ENDED, CONN_BROKEN } conn_got;
/* The next event; CONN_ENDED when the peer has closed the stream; CONN_BROKEN when the decoder has
 * refused what it sent. */
conn_got conn_next(conn *c, cd_ws_event *ret_event);

#endif
