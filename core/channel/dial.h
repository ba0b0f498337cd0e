/* From a list of consoles to one connected socket: names are looked up, all addresses are tried in
 * their order, the next one a moment after the last has begun, until one is there. The sockets
 * come from the agent, marked. */
#ifndef CHAN_DIAL_H
#define CHAN_DIAL_H

#include <uv.h>

#include "setup.h"

#define CHAN_CANDIDATES_MAX 32u
#define CHAN_STAGGER_MS 250u
#define CHAN_CONNECT_MS 10000u
#define CHAN_RESOLVE_MS 8000u       /* names that are not known at all */
#define CHAN_RESOLVE_KNOWN_MS 1500u /* when there are addresses of before to try */

typedef struct chan chan;
typedef struct chan_socket chan_socket;

typedef enum chan_candidate_state {
  CHAN_UNTRIED = 0,
  CHAN_ASKED,      /* the agent was asked for a socket */
  CHAN_CONNECTING, /* it is on its way */
  CHAN_FAILED
} chan_candidate_state;

typedef struct chan_candidate {
  unsigned console; /* index into the list */
  struct sockaddr_storage address;
  char text[CHAN_ADDRESS_MAX];
  uint16_t port;
  chan_candidate_state state;
  uint64_t op;       /* of the question to the agent */
  uint64_t began_ms; /* monotonic */
  chan_socket *socket;
} chan_candidate;

typedef struct chan_lookup {
  uv_getaddrinfo_t req;
  chan *chan;
  unsigned console;
  bool running; /* the pool is at it: it cannot be called back */
  bool done;
} chan_lookup;

typedef struct chan_dial {
  chan_console *consoles; /* where their names lead is kept in them for the next round */
  unsigned console_count;
  bool resolving;
  bool running;
  chan_lookup lookups[CHAN_CONSOLES_MAX];
  uint64_t resolve_until_ms;
  unsigned candidate_count;
  chan_candidate candidates[CHAN_CANDIDATES_MAX];
  uint64_t next_op;
  uint64_t next_ms; /* when the next candidate may begin */
  uv_timer_t timer;
  chan_socket *arrived;      /* sockets that came and whose frame did not */
  char why[CD_ERR_TEXT_MAX]; /* the first failure */
  /* A connected socket, the receiver's to close, or CD_E_UNAVAILABLE when nothing is left. */
  void (*on_done)(chan *c, cd_code code, uv_os_sock_t socket, const chan_candidate *target);
} chan_dial;

void chan_dial_init(chan *c);
/* Begins a round; the list must stay. */
void chan_dial_start(chan *c, chan_console *consoles, unsigned count,
                     void (*on_done)(chan *c, cd_code code, uv_os_sock_t socket,
                                     const chan_candidate *target));
/* The target led to nothing after all: goes on with those that are left. */
void chan_dial_next(chan *c, const char *why);
void chan_dial_stop(chan *c);

/* From the agent: the handle, and the frame that carried it. */
void chan_dial_handle(chan *c);
void chan_dial_frame(chan *c, uint64_t op, cd_code code, const char *sentence);

#endif
