/* One HTTPS request: POST of a JSON document, and its answer. For enrolment, which comes before
 * there is anything to speak WebSocket with. */
#ifndef NET_HTTPS_H
#define NET_HTTPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "net/conn.h"

typedef struct net_https net_https;

/* Everything is copied; the body is wiped after use, for it may hold a token. */
typedef struct net_https_request {
  net_endpoint endpoint;
  net_tls_config *tls;
  cd_str path;          /* begins with '/'; printable ASCII */
  cd_str body;          /* JSON, at most NET_REQUEST_BODY_MAX */
  cd_str agent;         /* User-Agent; may be empty */
  uint32_t deadline_ms; /* for all of it; 0: NET_HTTPS_MS */
} net_https_request;

/* Views are valid during the call. */
typedef struct net_https_answer {
  cd_code code;           /* CD_OK: there is an answer, whatever its status says */
  const char *sentence;   /* why there is none */
  unsigned status;        /* 201 */
  bool is_json;           /* Content-Type is application/json */
  cd_str body;            /* at most NET_BODY_MAX */
  uint32_t retry_after_s; /* Retry-After of the server or of a proxy that refused; else 0 */
} net_https_answer;

/* Comes exactly once, from the loop; the request frees itself after it. */
typedef void (*net_https_done)(void *owner, const net_https_answer *answer);

CD_MUST_USE cd_code net_https_post(uv_loop_t *loop, const net_https_request *request,
                                   net_https_done done, void *owner, net_https **ret_https,
                                   cd_err *err);
/* Ends it; `done` still comes, with CD_E_CANCELLED. */
void net_https_cancel(net_https *h);

#endif
