/* The head of an HTTP/1.x answer (RFC 9112): status line and fields, read to the letter. Only what
 * a WebSocket client and a proxy's client need: no bodies. */
#ifndef CD_HTTP_HEAD_H
#define CD_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/limits.h"

typedef struct cd_http_field {
  cd_str name;
  cd_str value; /* without the white space around it */
} cd_http_field;

/* Lives in the object that uses it; views are valid until it is released. */
typedef struct cd_http_head {
  cd_buf text;
  unsigned matched; /* bytes of the empty line at the end that were seen */
  cd_code failed;
  bool complete;
  unsigned minor; /* HTTP/1.minor */
  unsigned status;
  cd_str reason;
  unsigned field_count;
  cd_http_field fields[CD_HTTP_FIELDS_MAX];
} cd_http_head;

void cd_http_head_init(cd_http_head *h);
void cd_http_head_release(cd_http_head *h);
/* Reads from the front of *input up to the end of the head and not beyond: what is left belongs to
 * what comes next. CD_OK: complete. CD_E_NOTFOUND (no sentence): more is needed. CD_E_INVALID or
 * CD_E_LIMIT, and from then on always. `who` is for the sentence: "the proxy". */
CD_MUST_USE cd_code cd_http_head_take(cd_http_head *h, const char *who, cd_str *input, cd_err *err);

/* How many fields have that name (in any case), and the value of the first. */
size_t cd_http_head_find(const cd_http_head *h, const char *name, cd_str *ret_value);
/* True if the comma-separated lists of all fields of that name hold the token (in any case). */
bool cd_http_head_has_token(const cd_http_head *h, const char *name, const char *token);
/* True if one of the challenges in fields of that name (WWW-Authenticate, Proxy-Authenticate) is of
 * the scheme (in any case). Commas within quotes are taken for the border of two challenges: good
 * enough for a sentence. */
bool cd_http_head_has_scheme(const cd_http_head *h, const char *name, const char *scheme);
/* Retry-After in seconds, at most CD_RETRY_AFTER_MAX_S; 0 if there is none, or a date. */
uint32_t cd_http_head_retry_after_s(const cd_http_head *h);

/* "503 Service Unavailable", from the status line, fit for a sentence: what is not printable ASCII
 * is replaced. */
#define CD_HTTP_STATUS_TEXT_MAX 80
void cd_http_head_status_text(const cd_http_head *h, char out[CD_HTTP_STATUS_TEXT_MAX]);

/* A host name or address as it may stand in a request: letters, digits, '.', '-', '_', or an IPv6
 * address (bare, without brackets and zone). */
bool cd_http_host_valid(cd_str host);
/* "name:443", "[2001:db8::1]:443". `host` is valid. */
void cd_http_authority_add(cd_buf *out, cd_str host, uint16_t port);

#endif
