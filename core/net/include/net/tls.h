/* The client's end of TLS over a stream that belongs to somebody else (see net/conn.h for the whole
 * stack).
 *
 * From net_tls_start() until the owner closes the stream, reading it and stream->data are the TLS
 * end's. The owner closes the stream and frees the TLS end in the stream's close callback, not
 * before: writes may be under way. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <uv.h>

#include "base/status.h"
#include "base/str.h"
#include "net/tls_config.h"

typedef struct net_tls net_tls;

typedef struct net_tls_events {
  void (*on_open)(void *owner);
  void (*on_data)(void *owner, cd_str bytes);
  void (*on_drained)(void *owner);
  /* Once; nothing comes after it. CD_OK: the peer said close_notify. The owner closes the stream.
   */
  void (*on_end)(void *owner, cd_code code, const char *sentence);
} net_tls_events;

/* `host`: the name or bare IP address that the server's certificate must have. */
CD_MUST_USE cd_code net_tls_new(net_tls_config *config, uv_stream_t *stream, cd_str host,
                                const net_tls_events *events, void *owner, net_tls **ret_tls,
                                cd_err *err);
/* Begins the handshake on the connected stream. */
CD_MUST_USE cd_code net_tls_start(net_tls *t, cd_err *err);
/* Encrypts and queues; CD_E_LIMIT, and nothing was queued, above NET_QUEUE_MAX. */
CD_MUST_USE cd_code net_tls_write(net_tls *t, cd_str bytes, cd_err *err);
size_t net_tls_queued(const net_tls *t);
void net_tls_pause(net_tls *t);
/* The one call that events come from: what was held back is handed out within it. */
void net_tls_resume(net_tls *t);
/* Queues close_notify, and reads no more. on_drained comes when all is written (also if nothing had
 * to be), on_end if that fails. */
void net_tls_shutdown(net_tls *t);
/* After the stream was closed. NULL is fine. */
void net_tls_free(net_tls *t);

#endif
