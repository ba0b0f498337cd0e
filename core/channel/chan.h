/* cordon-channel: the agent's network side. One object made in main; everything hangs on it. It
 * holds the TLS key and no other, opens no socket but for looking up names (and, where none can be
 * handed over, to the console), and decides nothing:
 * what comes from the console goes to cordond, which judges it. */
#ifndef CHAN_CHAN_H
#define CHAN_CHAN_H

#include <uv.h>

#include "certificate.h"
#include "dial.h"
#include "ipc/link.h"
#include "net/https.h"
#include "net/ws.h"
#include "protocol/message.h"
#include "setup.h"

#define CHAN_EXIT_REFUSED 1
#define CHAN_EXIT_BY_HAND 2
#define CHAN_EXIT_LINK 3

#define CHAN_WAIT_MIN_MS 1000u
#define CHAN_WAIT_MAX_MS 300000u
#define CHAN_ASKED_MAX 32u  /* requests of the agent that the console has not answered */
#define CHAN_ORDERS_MAX 32u /* orders that the agent has not answered */

typedef struct chan_asked {
  uint64_t id;
  cd_method method;
} chan_asked;

typedef struct chan {
  uv_loop_t loop;
  ipc_link link;
  uv_timer_t timer; /* until the next attempt */
  bool ready;       /* SETUP came, and the confinement is on */
  bool leaving;
  int exit_code;
  chan_setup setup;
  chan_certificate certificate; /* what this device shows */
  net_tls_config *tls;
  chan_dial dial;
  unsigned console;          /* the one that is tried through a proxy, or enrolled at */
  unsigned failures;         /* attempts in a row that came to nothing */
  char why[CD_ERR_TEXT_MAX]; /* the first reason of this round */

  /* connect */
  net_ws *ws;
  chan_candidate target; /* where ws goes */
  uint64_t connection;   /* counts up */
  bool greeted;          /* the agent's HELLO of this connection came */
  bool marked;           /* the console has the device's mark */
  bool dropping;
  uint32_t retry_after_s;
  chan_asked asked[CHAN_ASKED_MAX];
  unsigned asked_count;
  uint64_t orders[CHAN_ORDERS_MAX];
  unsigned order_count;
  char csr[CD_CSR_MAX + 1]; /* of the renewal that was asked for last */

  /* enroll */
  net_https *https;
} chan;

/* link.c: the agent. */
CD_MUST_USE cd_code chan_link_open(chan *c, uv_file control, cd_err *err);
void chan_send(chan *c, uint8_t type, uint64_t op, cd_str payload);
/* {"sentence":TEXT, "wait_ms":N} */
void chan_tell_lost(chan *c, const char *sentence, uint32_t wait_ms);
/* Ends this process when what was said is written. */
void chan_leave(chan *c, int exit_code);

/* session.c: connecting and the WebSocket. */
void chan_connect(chan *c);
void chan_session_frame(chan *c, const ipc_frame *frame);

/* session_console.c: what the console says. */
void chan_console_message(chan *c, cd_str text);
/* Remembers a request of the agent's; false if there are too many. */
bool chan_ask(chan *c, uint64_t id, cd_method method);
void chan_console_say(chan *c, cd_buf *text, cd_err *err);

/* enroll.c */
void chan_enroll(chan *c);

#endif
