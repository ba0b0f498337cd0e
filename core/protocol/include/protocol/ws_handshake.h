/* The opening handshake of a WebSocket client (RFC 6455, section 4.1). */
#ifndef CD_WS_HANDSHAKE_H
#define CD_WS_HANDSHAKE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/http_head.h"

#define CD_WS_KEY_BYTES 16u
#define CD_WS_KEY_MAX 25u    /* its base64 and the NUL */
#define CD_WS_ACCEPT_MAX 29u /* base64 of a SHA-1, and the NUL */

/* Sec-WebSocket-Key from 16 random bytes. */
void cd_ws_key(const uint8_t random[CD_WS_KEY_BYTES], char out[CD_WS_KEY_MAX]);
/* Sec-WebSocket-Accept for that key (section 4.2.2, step 5.4). */
CD_MUST_USE cd_code cd_ws_accept(cd_str key, char out[CD_WS_ACCEPT_MAX], cd_err *err);

typedef struct cd_ws_request {
  cd_str host;     /* a name or a bare address */
  uint16_t port;   /* left out of Host where it is 443 */
  cd_str path;     /* starts with '/'; printable ASCII without spaces */
  cd_str key;      /* of cd_ws_key() */
  cd_str protocol; /* the one subprotocol to offer */
  cd_str agent;    /* User-Agent; printable ASCII; empty: none */
} cd_ws_request;

/* Appends the request. Refuses (CD_E_INVALID) what could smuggle a line into it. */
CD_MUST_USE cd_code cd_ws_request_write(const cd_ws_request *r, cd_buf *out, cd_err *err);

/* CD_OK if the head is a 101 that takes up just what was asked. CD_E_UNAVAILABLE for 429, 502, 503
 * and 504 (cd_http_head_retry_after_s() may say when), CD_E_DENIED for 401, 403 and 407,
 * CD_E_INVALID for the rest. */
CD_MUST_USE cd_code cd_ws_response_check(const cd_http_head *h, const cd_ws_request *r,
                                         cd_err *err);

#endif
