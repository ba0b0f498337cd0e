/* One HTTPS request and its answer, over libcurl. TLS 1.2 or later, chain and name always verified;
 * no other scheme, no redirects, ceilings on time and size. */
#ifndef CTL_FLEET_HTTP_H
#define CTL_FLEET_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define FLEET_ANSWER_MAX (8u * 1024u * 1024u) /* a page of 500 machines is 1 MB */
#define FLEET_BEARER_MAX 8192u

typedef struct fleet_http fleet_http; /* keeps the connection for the next request */

/* `interrupted` is asked several times a second while a request runs; true gives it up. */
typedef bool (*fleet_interrupted_fn)(void *context);
/* `ca`: a file of PEM certificates instead of the system's; NULL or empty: the system's. */
CD_MUST_USE cd_code fleet_http_open(const char *ca, fleet_interrupted_fn interrupted, void *context,
                                    fleet_http **ret_http, cd_err *err);
void fleet_http_close(fleet_http *h); /* NULL is fine */

typedef struct fleet_request {
  const char *method; /* GET, POST, DELETE */
  const char *url;
  cd_str bearer;         /* empty: none */
  cd_str body;           /* empty: none */
  const char *body_type; /* NULL without a body */
  const char *range;     /* "0-99": that part of it; NULL: all */
  uint64_t timeout_ms;   /* for all of it */
} fleet_request;

typedef struct fleet_answer {
  long status;            /* of HTTP */
  uint64_t retry_after_s; /* 0: the header was not there */
  cd_buf body;
} fleet_answer;

/* CD_OK with any answer of HTTP. Else a sentence; *ret_sent (may be NULL) tells whether the request
 * went out, so that it may have been carried out. CD_E_CANCELLED: interrupted. CD_E_UNVERIFIED:
 * whoever answered is not the console. */
CD_MUST_USE cd_code fleet_http_do(fleet_http *h, const fleet_request *request,
                                  fleet_answer *ret_answer, bool *ret_sent, cd_err *err);

#endif
