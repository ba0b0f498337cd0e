/* The envelope of a message: JSON-RPC 2.0 in one WebSocket text message.
 *
 * Stricter than the specification where strictness costs nothing: ids are whole numbers from 1 to
 * 2^53 that the asking side counts up, params and results are objects, batches are refused, members
 * that the specification does not name are refused. */
#ifndef CD_RPC_H
#define CD_RPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"

#define CD_RPC_ID_MAX (UINT64_C(1) << 53)

typedef enum cd_rpc_type {
  CD_RPC_REQUEST = 1,
  CD_RPC_NOTIFICATION, /* a request that wants no answer */
  CD_RPC_RESPONSE,     /* the answer to a request that went well */
  CD_RPC_ERROR         /* the answer to one that did not */
} cd_rpc_type;

/* The codes of JSON-RPC 2.0, section 5.1, and ours. */
#define CD_RPC_PARSE_ERROR (-32700)
#define CD_RPC_INVALID_REQUEST (-32600)
#define CD_RPC_METHOD_NOT_FOUND (-32601)
#define CD_RPC_INVALID_PARAMS (-32602)
#define CD_RPC_INTERNAL_ERROR (-32603)
#define CD_RPC_REFUSED (-32000)     /* understood, and not allowed: a signature, a device, a turn */
#define CD_RPC_UNAVAILABLE (-32001) /* understood, and not possible now: ask again later */

/* One message. cd_rpc_release() frees the document, and with it every view read from it. */
typedef struct cd_rpc {
  cd_rpc_type type;
  uint64_t id;      /* 0: a notification, or an error about something unreadable */
  char method[32];  /* of a request or notification */
  cd_json body;     /* params or result: an object */
  int64_t code;     /* of an error */
  cd_str sentence;  /* of an error */
  cd_json_doc *doc; /* owns the rest */
} cd_rpc;

/* What to answer when cd_rpc_parse() or a reader of a message failed. */
typedef struct cd_rpc_fault {
  bool answer;  /* false: it was no request (a notification, an answer): say nothing */
  uint64_t id;  /* 0: it could not be read, answer with null */
  int64_t code; /* CD_RPC_PARSE_ERROR ... */
} cd_rpc_fault;

/* `text` is one message of at most CD_MESSAGE_MAX bytes. On failure *ret_fault (may be NULL) says
 * how to answer, with the sentence of `err`. */
CD_MUST_USE cd_code cd_rpc_parse(cd_str text, cd_rpc *ret_rpc, cd_rpc_fault *ret_fault,
                                 cd_err *err);
void cd_rpc_release(cd_rpc *m); /* harmless on a zeroed or released one */

/* Writing one message into an empty buffer: begin, write the members of params or result, end. `id`
 * 0 makes a notification. */
typedef struct cd_rpc_writer {
  cd_jw w; /* the members of params or result go here */
  cd_buf *out;
} cd_rpc_writer;

void cd_rpc_begin_request(cd_rpc_writer *w, cd_buf *out, uint64_t id, const char *method);
void cd_rpc_begin_response(cd_rpc_writer *w, cd_buf *out, uint64_t id);
/* CD_OK, or why the message could not be written: the buffer is empty again then. */
CD_MUST_USE cd_code cd_rpc_end(cd_rpc_writer *w, const char *what, cd_err *err);
/* A whole error answer; `id` 0 writes null. */
CD_MUST_USE cd_code cd_rpc_write_error(cd_buf *out, uint64_t id, int64_t code, cd_str sentence,
                                       cd_err *err);

#endif
