/* CONNECT through an HTTP proxy over a stream that belongs to somebody else.
 *
 * While it runs, reading the stream and stream->data are the tunnel's. When on_done comes with
 * CD_OK both are free again, nothing more of it is under way, and the next byte is the server's.
 * Otherwise the owner closes the stream. The owner frees the tunnel once its write is done or the
 * stream was closed: in on_done with CD_OK, else in the stream's close callback. */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include <uv.h>

#include "base/status.h"
#include "protocol/proxy.h"

typedef struct net_tunnel net_tunnel;

/* `retry_after_s`: what a proxy that refused asked for, else 0. */
typedef void (*net_tunnel_done)(void *owner, cd_code code, const char *sentence,
                                uint32_t retry_after_s);

/* The request with its credentials is copied, and wiped when it was sent. */
CD_MUST_USE cd_code net_tunnel_start(uv_stream_t *stream, const cd_proxy_request *request,
                                     net_tunnel_done done, void *owner, net_tunnel **ret_tunnel,
                                     cd_err *err);
/* NULL is fine. */
void net_tunnel_free(net_tunnel *t);

#endif
