/* Private to core/net: the body of an HTTP/1.1 answer (RFC 9112, section 6 and 7), by length, in
 * chunks, or up to the end of the connection, with a ceiling. */
#ifndef NET_HTTP_BODY_H
#define NET_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/http_head.h"

typedef enum net_body_kind {
  NET_BODY_LENGTH = 1,
  NET_BODY_CHUNKED,
  NET_BODY_UNTIL_END
} net_body_kind;
typedef enum net_body_at {
  NET_BODY_AT_SIZE = 1, /* the line with a chunk's size */
  NET_BODY_AT_DATA,
  NET_BODY_AT_DATA_END, /* the line end behind a chunk's data */
  NET_BODY_AT_TRAILER,
  NET_BODY_AT_END
} net_body_at;

#define NET_BODY_LINE_MAX 1024u
#define NET_BODY_TRAILER_MAX 8192u

typedef struct net_body {
  net_body_kind kind;
  net_body_at at;
  uint64_t left; /* bytes of the body or of the chunk to come */
  size_t trailer;
  char line[NET_BODY_LINE_MAX];
  size_t line_len;
  cd_buf bytes;
  cd_code failed;
} net_body;

/* From the complete head of the answer to a POST. */
CD_MUST_USE cd_code net_body_begin(net_body *b, const cd_http_head *head, size_t max, cd_err *err);
/* Reads from the front of *input. CD_OK: the body is whole. CD_E_NOTFOUND (no sentence): more is
 * needed. Else it has failed, for good. */
CD_MUST_USE cd_code net_body_take(net_body *b, cd_str *input, cd_err *err);
/* The connection has ended in order: CD_OK if that is how the body ends. */
CD_MUST_USE cd_code net_body_end(net_body *b, cd_err *err);
/* Wipes what was read. Zeroes are fine. */
void net_body_release(net_body *b);

#endif
