/* Through an HTTP proxy: CONNECT (RFC 9110, section 9.3.6) with Basic credentials (RFC 7617). */
#ifndef CD_PROXY_H
#define CD_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/http_head.h"

typedef struct cd_proxy_request {
  cd_str host; /* of the console: a name, which the proxy resolves, or a bare address */
  uint16_t port;
  bool has_credentials;
  cd_str user; /* no colon, no control characters */
  cd_str password;
  cd_str agent; /* User-Agent; empty: none */
} cd_proxy_request;

/* Appends the request. With credentials `out` holds a secret: it is put there in one append, is
 * never logged, and is wiped with cd_buf_wipe() when it has been sent. No sentence shows it. */
CD_MUST_USE cd_code cd_proxy_request_write(const cd_proxy_request *r, cd_buf *out, cd_err *err);

/* CD_OK for any 2xx: what follows the head is the tunnel. CD_E_DENIED for 401, 403 and 407, with
 * sentences of their own for a proxy that asks for credentials and for one that refuses those it
 * got; CD_E_UNAVAILABLE for 429 and 5xx; CD_E_INVALID for the rest. */
CD_MUST_USE cd_code cd_proxy_response_check(const cd_http_head *h, const cd_proxy_request *r,
                                            cd_err *err);

#endif
