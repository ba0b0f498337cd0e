/* Orders: what the console's signer asks of one device.
 *
 *   {"device":ID,"action":UUID,"kind":"isolate","state":"isolate","generation":7,"issued":MS,
 *    "expires":MS,"audit":{"sequence":812,"digest":"sha256:..."},"requestor":TEXT,"comment":TEXT,
 *    "parameters":{...}}                                          typ "cordon-order+1"
 *
 * On the way it is accompanied by the root key's statement about the key that signed it, so a
 * device that pins the root needs nothing else to judge it. */
#ifndef CD_ORDER_H
#define CD_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"
#include "protocol/digest.h"
#include "protocol/jws.h"
#include "protocol/key.h"
#include "protocol/kind.h"
#include "protocol/limits.h"

typedef struct cd_order {
  char device[CD_DEVICE_ID_MAX + 1];
  char action[CD_ID_SIZE];
  cd_order_kind kind;
  uint64_t generation; /* of the kind's state, at least 1; 0 for a kind without a state */
  int64_t issued_ms;   /* wall clock; for people and for the check of expiry */
  int64_t expires_ms;
  uint64_t audit_sequence; /* the entry of the audit log that records the order, at least 1 */
  cd_digest audit_digest;  /* the head of the log with that entry */
  char requestor[CD_REQUESTOR_MAX + 1];
  cd_str comment;    /* may be empty */
  cd_str parameters; /* a JSON object, compact when it was read */
  char *memory;      /* what the two views point into when it was read, else NULL */
} cd_order;

/* Frees what reading it took; the views are gone then. Harmless on a zeroed or released order. */
void cd_order_release(cd_order *o);

/* Appends the signed order to `out`. Refuses, as cd_order_verify() would, what is out of range. The
 * caller keeps what the views point to. */
CD_MUST_USE cd_code cd_order_sign(const cd_order *o, const cd_key *key, const cd_random *random,
                                  cd_buf *out, cd_err *err);

/* Why an order was not taken; the name goes to the console. */
typedef enum cd_refusal {
  CD_REFUSAL_NONE = 0,
  CD_REFUSAL_TOO_LARGE,      /* "too_large" */
  CD_REFUSAL_MALFORMED,      /* "malformed": no JWS, not the right header, no such claims */
  CD_REFUSAL_FORGED,         /* "forged": a signature is another one's */
  CD_REFUSAL_OLD_KEY,        /* "old_key": the order key was replaced */
  CD_REFUSAL_KEY_TIME,       /* "key_time": the order key is not valid now */
  CD_REFUSAL_WRONG_DEVICE,   /* "wrong_device" */
  CD_REFUSAL_WRONG_KIND,     /* "wrong_kind": unknown here, or of another state */
  CD_REFUSAL_PARAMETERS,     /* "parameters": unknown or wrong ones */
  CD_REFUSAL_REPLAYED,       /* "replayed": this action is known already */
  CD_REFUSAL_OLD_GENERATION, /* "old_generation" */
  CD_REFUSAL_NOT_YET_VALID,  /* "not_yet_valid" */
  CD_REFUSAL_EXPIRED,        /* "expired" */
  CD_REFUSAL_INTERNAL,       /* "internal": nothing is wrong with the order, say no memory */
  CD_REFUSAL_COUNT
} cd_refusal;

const char *cd_refusal_name(cd_refusal refusal);
bool cd_refusal_from_name(cd_str name, cd_refusal *ret_refusal);

/* Signature, form and parameters: everything that needs no knowledge of the device. On success the
 * caller releases *ret_order. *ret_refusal may be NULL; it is set on failure. */
CD_MUST_USE cd_code cd_order_verify(cd_str jws, const cd_public_key *key, cd_order *ret_order,
                                    cd_refusal *ret_refusal, cd_err *err);

/* What an authentic order says, even one that this device cannot carry out: for the signed result
 * of its refusal. Its parameters are not looked at and stay empty. Fails as cd_order_verify() does
 * for what is forged, and for an order whose kind is not known here. The caller releases
 * *ret_order. */
CD_MUST_USE cd_code cd_order_claims(cd_str statement_jws, cd_str order_jws,
                                    const cd_public_key *root, cd_order *ret_order, cd_err *err);

/* What a device knows when an order comes in. */
typedef struct cd_order_known {
  cd_str device;                        /* its own id */
  uint64_t key_generation;              /* the highest of an order key that it took; 0: none */
  uint64_t generations[CD_STATE_COUNT]; /* per state, the highest it took or made itself */
  /* Per state, the action that made that generation: an order for it that is not `seen` was lost
   * here, with a journal, and what it put in force was not. It is taken once more. */
  char held[CD_STATE_COUNT][CD_ID_SIZE];
  /* True if an action of this id is known, whatever became of it. NULL: none is. */
  bool (*seen)(void *context, const char *action);
  void *context;
  int64_t now_ms;
  bool clock_trusted; /* false: nobody vouches for now_ms, so no limit in time is judged */
} cd_order_known;

/* An order that may be carried out. */
typedef struct cd_accepted {
  cd_order order;          /* cd_order_release() */
  cd_digest digest;        /* cd_jws_digest() of it, which the result names */
  uint64_t key_generation; /* to be remembered with the order: no older key is taken after it */
  bool time_judged;        /* false: a release, or no trusted clock */
} cd_accepted;

/* Pinned root key -> order key -> order -> this device, now. CD_OK, or one sentence that says why
 * not; nothing is written but *ret_refusal (may be NULL) then. A device's wrong clock never blocks
 * a release: neither the key's nor the order's time is judged for one. */
CD_MUST_USE cd_code cd_order_accept(cd_str statement_jws, cd_str order_jws,
                                    const cd_public_key *root, const cd_order_known *known,
                                    cd_accepted *ret_accepted, cd_refusal *ret_refusal,
                                    cd_err *err);

#endif
