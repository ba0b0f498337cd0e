/* lab-serve: what a lab machine serves, so that others can find out whether they reach it.
 *
 * Every socket is bound to one address, never to all: an answer must come from the address that was
 * asked, also where a machine has several. */
#ifndef LAB_SERVE_H
#define LAB_SERVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#define SERVE_CONNECTIONS_MAX 1024

typedef struct serve {
  uv_loop_t loop;
  const char *name;       /* of this machine, told over HTTP */
  struct in_addr answer4; /* what DNS says every name is */
  struct in6_addr answer6;
  unsigned connections;
} serve;

typedef enum serve_kind { SERVE_NONE = 0, SERVE_ECHO, SERVE_HTTP, SERVE_DNS } serve_kind;

typedef struct serve_listener {
  serve *owner;
  serve_kind kind;
  union {
    uv_handle_t handle;
    uv_tcp_t tcp;
    uv_udp_t udp;
  } u;
} serve_listener;

/* Takes the waiting connection of a listener and serves it until it ends. */
void serve_accept(uv_stream_t *server, int status);

/* Answers a DNS query about any name with the machine's addresses. Returns the answer's length, or
 * 0 if the query is none that deserves an answer. */
size_t serve_dns_answer(const serve *s, const unsigned char *query, size_t len, unsigned char *out,
                        size_t max);

#endif
