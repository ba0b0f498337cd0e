/* A TLS connection to a server: TCP, CONNECT through a proxy if there is one, TLS. What WebSocket
 * and HTTPS are built upon.
 *
 * The whole opening has one deadline. Events come from the loop, never from inside a call of the
 * owner's. on_closed comes exactly once, last, also for a connection that was never open; the
 * connection frees itself after it. Every failure has one sentence that says what did not work:
 * the proxy's answer, the certificate's fault, the alert by which the peer refused ours. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"
#include "base/str.h"
#include "net/tls_config.h"

#define NET_NO_SOCKET ((uv_os_sock_t)-1)

/* An HTTP proxy; the connection's socket goes to it. Copied, and wiped after use. */
typedef struct net_proxy {
  bool has_credentials; /* Basic */
  cd_str user;
  cd_str password;
} net_proxy;

/* Where to. Everything is copied. */
typedef struct net_endpoint {
  /* A TCP socket that was opened elsewhere, or NET_NO_SOCKET to make one. It must not be in the
   * middle of connecting. Taken over by a call that returns CD_OK, else still the caller's. */
  uv_os_sock_t socket;
  /* Where to connect the socket: the server's address, or the proxy's. NULL: the socket is
   * connected. */
  const struct sockaddr *address;
  const net_proxy *proxy; /* NULL: none */
  cd_str host;            /* the server's name or its bare IP address, which its certificate has */
  uint16_t port;          /* for the proxy and in Host */
} net_endpoint;

typedef struct net_conn net_conn;

typedef struct net_conn_events {
  /* The server is who it should be. It may still refuse this side's certificate: with TLS 1.3 that
   * shows only when reading. */
  void (*on_open)(net_conn *c);
  /* Valid during the call. After net_conn_resume() it comes once with nothing: what the owner held
   * back can go on. */
  void (*on_data)(net_conn *c, cd_str bytes);
  /* Nothing is queued any more. May be NULL. */
  void (*on_drained)(net_conn *c);
  /* CD_OK: ended by net_conn_end() with CD_OK, or by the peer with close_notify. */
  void (*on_closed)(net_conn *c, cd_code code, const char *sentence);
} net_conn_events;

/* `open_ms`: 0 is NET_OPEN_MS. */
CD_MUST_USE cd_code net_conn_open(uv_loop_t *loop, const net_endpoint *to, net_tls_config *tls,
                                  uint32_t open_ms, const net_conn_events *events, void *owner,
                                  net_conn **ret_conn, cd_err *err);
void *net_conn_owner(const net_conn *c);
uv_loop_t *net_conn_loop(const net_conn *c);
/* Encrypts and queues. CD_E_LIMIT, and nothing was queued, if more than NET_QUEUE_MAX bytes would
 * wait; CD_E_UNAVAILABLE if it is not open, or the peer takes nothing more, which on_closed will
 * explain. After any other failure it must be ended. */
CD_MUST_USE cd_code net_conn_write(net_conn *c, cd_str bytes, cd_err *err);
/* Encrypted bytes that the operating system has not taken yet. */
size_t net_conn_queued(const net_conn *c);
/* Makes a fast peer wait: no on_data until net_conn_resume(), and no end is noticed. */
void net_conn_pause(net_conn *c);
void net_conn_resume(net_conn *c);
/* Ends it with that reason: close_notify, what is queued is written within NET_DRAIN_MS, no on_data
 * any more. Before it is open, and for the second time, it closes at once. The first reason
 * counts. */
void net_conn_end(net_conn *c, cd_code code, const char *sentence);
/* At once; what is queued is dropped. */
void net_conn_abort(net_conn *c, cd_code code, const char *sentence);
/* True once it has ended or been ended; nothing can be written then. */
bool net_conn_is_ending(const net_conn *c);
/* What a proxy that refused asked for (Retry-After), else 0. */
uint32_t net_conn_retry_after_s(const net_conn *c);

#endif
