/* The messages of `cordon.v1`.
 *
 *   agent                                   console
 *   hello {versions, agent, device, nonce, capabilities}   ->
 *                         <- its response: {version, console, nonce, key, mark}
 *   mark {mark}                             ->           <- {}
 *                                           <- order {order, key}
 *   its response: {accepted, refusal, sentence}          ->
 *                                           <- policy {policy, key}
 *   its response: {accepted, refusal, sentence}          ->
 *   progress {action, status, step, ...}    ->           (a notification)
 *   result {result}                         ->           <- {}
 *   report {report}                         ->           (a notification)
 *   renew {csr}                             ->           <- {certificate}
 *   package {action}                        ->           <- {stream, offset}
 *   chunks of that stream (chunk.h)         ->
 *                                           <- kept {stream, offset, done, sentence}
 *                                                        (a notification)
 *
 * The responses to order and result are the acknowledgements: the sender keeps what it sent until
 * it has them, and sends it again in the next connection. Orders, results, reports, marks and keys
 * are JWS in strings (order.h, result.h, mark.h, statement.h); everything else is unsigned: for
 * display and for pacing, never for a decision about a device. A cancel is an order of kind
 * `cancel`: if it were unsigned, whoever holds the channel could keep a device from being isolated.
 *
 * Views in these structs point into the cd_rpc that they were read from. The reader of a request
 * fails with the JSON-RPC answer in *ret_fault (may be NULL), as cd_rpc_parse() does. The reader of
 * a response also takes an error: CD_E_DENIED or CD_E_UNAVAILABLE with the other side's sentence.
 */
#ifndef CD_MESSAGE_H
#define CD_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/kind.h"
#include "protocol/limits.h"
#include "protocol/order.h"
#include "protocol/rpc.h"

#define CD_PROTOCOL_NAME "cordon.v1" /* the WebSocket subprotocol */
#define CD_PROTOCOL_VERSION 1u       /* of the messages within it; hello and welcome agree on one */
#define CD_PROTOCOL_VERSIONS_MAX 8u

typedef enum cd_method {
  CD_METHOD_HELLO = 1,
  CD_METHOD_MARK,
  CD_METHOD_ORDER,
  CD_METHOD_PROGRESS,
  CD_METHOD_RESULT,
  CD_METHOD_REPORT,
  CD_METHOD_RENEW,
  CD_METHOD_POLICY,
  CD_METHOD_PACKAGE,
  CD_METHOD_KEPT,
  CD_METHOD_COUNT
} cd_method;

/* Which side receives. */
typedef enum cd_side { CD_SIDE_AGENT = 1, CD_SIDE_CONSOLE } cd_side;

const char *cd_method_name(cd_method method);
/* The method of a request or notification that `side` received. CD_E_NOTFOUND for one that is
 * unknown, goes the other way, or is a request where a notification belongs or the reverse. */
CD_MUST_USE cd_code cd_message_method(const cd_rpc *m, cd_side side, cd_method *ret_method,
                                      cd_rpc_fault *ret_fault, cd_err *err);

typedef struct cd_capability_report {
  cd_str capability; /* "isolate" */
  cd_str provider;   /* a plugin's id; empty: there is none */
  cd_str reason;     /* why there is none, and what to install */
} cd_capability_report;

typedef struct cd_hello {
  unsigned version_count;
  uint64_t versions[CD_PROTOCOL_VERSIONS_MAX];
  cd_str agent; /* its version */
  cd_str device;
  uint8_t nonce[CD_NONCE_SIZE]; /* the agent's, fresh for each connection */
  unsigned capability_count;
  cd_capability_report capabilities[CD_CAPABILITIES_MAX];
} cd_hello;
CD_MUST_USE cd_code cd_hello_write(const cd_hello *h, uint64_t id, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_hello_read(cd_rpc *m, cd_hello *ret_hello, cd_rpc_fault *ret_fault,
                                  cd_err *err);
/* The highest version that both speak; 0: none. */
unsigned cd_hello_version(const cd_hello *h);

typedef struct cd_welcome {
  uint64_t version;
  cd_str console;               /* its version */
  uint8_t nonce[CD_NONCE_SIZE]; /* the console's, fresh for each connection */
  cd_str key;                   /* the statement about the order key */
  cd_str mark;                  /* the console's, over the agent's nonce */
} cd_welcome;
CD_MUST_USE cd_code cd_welcome_write(const cd_welcome *w, uint64_t id, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_welcome_read(cd_rpc *m, cd_welcome *ret_welcome, cd_err *err);

/* mark, result, report: one signed document as the only parameter, of the method's name. */
CD_MUST_USE cd_code cd_signed_write(cd_method method, cd_str jws, uint64_t id, cd_buf *out,
                                    cd_err *err);
CD_MUST_USE cd_code cd_signed_read(cd_rpc *m, cd_method method, cd_str *ret_jws,
                                   cd_rpc_fault *ret_fault, cd_err *err);
/* Their acknowledgement: an empty response. */
CD_MUST_USE cd_code cd_ack_write(uint64_t id, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_ack_read(cd_rpc *m, cd_err *err);

typedef struct cd_order_message {
  cd_str order; /* the JWS */
  cd_str key;   /* the statement about the key that signed it */
} cd_order_message;
CD_MUST_USE cd_code cd_order_message_write(const cd_order_message *o, uint64_t id, cd_buf *out,
                                           cd_err *err);
CD_MUST_USE cd_code cd_order_message_read(cd_rpc *m, cd_order_message *ret_order,
                                          cd_rpc_fault *ret_fault, cd_err *err);

/* A policy travels like an order, and is answered like one. */
typedef struct cd_policy_message {
  cd_str policy; /* the JWS */
  cd_str key;    /* the statement about the key that signed it */
} cd_policy_message;
CD_MUST_USE cd_code cd_policy_message_write(const cd_policy_message *p, uint64_t id, cd_buf *out,
                                            cd_err *err);
CD_MUST_USE cd_code cd_policy_message_read(cd_rpc *m, cd_policy_message *ret_policy,
                                           cd_rpc_fault *ret_fault, cd_err *err);

/* The answer to an order, once it is in the device's journal or refused. Unsigned: the console
 * stops sending in this connection, and believes only a signed result. */
typedef struct cd_order_ack {
  bool accepted;
  cd_refusal refusal; /* CD_REFUSAL_NONE if accepted */
  cd_str sentence;    /* empty if accepted */
} cd_order_ack;
CD_MUST_USE cd_code cd_order_ack_write(const cd_order_ack *a, uint64_t id, cd_buf *out,
                                       cd_err *err);
CD_MUST_USE cd_code cd_order_ack_read(cd_rpc *m, cd_order_ack *ret_ack, cd_err *err);

/* How far an action is, for who watches it. */
typedef struct cd_progress {
  char action[CD_ID_SIZE];
  cd_action_status status; /* Pending or InProgress */
  cd_str step;             /* of docs/ipc.md; empty: none */
  uint64_t done;
  uint64_t total; /* 0: unknown */
  cd_str what;    /* may be empty */
} cd_progress;
CD_MUST_USE cd_code cd_progress_write(const cd_progress *p, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_progress_read(cd_rpc *m, cd_progress *ret_progress, cd_err *err);

/* A new certificate before the old one ends: the request is PKCS#10 in PEM, of a key that may be a
 * new one; the answer a chain in PEM. */
CD_MUST_USE cd_code cd_renew_write(cd_str csr, uint64_t id, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_renew_read(cd_rpc *m, cd_str *ret_csr, cd_rpc_fault *ret_fault, cd_err *err);
CD_MUST_USE cd_code cd_renewed_write(cd_str certificate, uint64_t id, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_renewed_read(cd_rpc *m, cd_str *ret_certificate, cd_err *err);

/* A package on its way home: which action made it; the answer says in which stream it is to come,
 * and how much of it is kept already. What it should be, the signed result has said before. */
CD_MUST_USE cd_code cd_package_write(const char *action, uint64_t id, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_package_read(cd_rpc *m, char ret_action[CD_ID_SIZE], cd_rpc_fault *ret_fault,
                                    cd_err *err);
typedef struct cd_package_answer {
  uint64_t stream; /* at least 1 */
  uint64_t offset;
} cd_package_answer;
CD_MUST_USE cd_code cd_package_answer_write(const cd_package_answer *a, uint64_t id, cd_buf *out,
                                            cd_err *err);
CD_MUST_USE cd_code cd_package_answer_read(cd_rpc *m, cd_package_answer *ret_answer, cd_err *err);
/* So much of a stream is kept: the sender goes on. Once, at its end: `done`, or a sentence that
 * says why what came is of no use. */
typedef struct cd_kept {
  uint64_t stream;
  uint64_t offset;
  bool done;
  cd_str sentence; /* empty: nothing is wrong */
} cd_kept;
CD_MUST_USE cd_code cd_kept_write(const cd_kept *k, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_kept_read(cd_rpc *m, cd_kept *ret_kept, cd_err *err);

#endif
