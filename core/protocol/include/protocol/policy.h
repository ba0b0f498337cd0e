/* Policies: what the administrators of the fleet decide for one device, over what its own
 * configuration says.
 *
 *   {"device":ID,"version":7,"name":"servers","issued":MS,
 *    "audit":{"sequence":812,"digest":"sha256:..."},"body":{...}}  typ "cordon-policy+1"
 *
 * Signed by the policy key, which the root states for the purpose `policy`; the statement travels
 * with it. A policy is no order: it never isolates and never releases, it has no expiry, and the
 * version is all that tells a newer one from an older one. */
#ifndef CD_POLICY_H
#define CD_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "protocol/digest.h"
#include "protocol/jws.h"
#include "protocol/key.h"
#include "protocol/limits.h"
#include "protocol/order.h"

typedef struct cd_policy {
  char device[CD_DEVICE_ID_MAX + 1];
  uint64_t version;                  /* of this device, at least 1, growing */
  char name[CD_POLICY_NAME_MAX + 1]; /* empty: no policy is for the device any more */
  int64_t issued_ms;
  uint64_t audit_sequence; /* the entry of the audit log that records it, at least 1 */
  cd_digest audit_digest;
  cd_str body;  /* a JSON object, compact when it was read */
  char *memory; /* what the view points into when it was read, else NULL */
} cd_policy;

void cd_policy_release(cd_policy *p);

/* 1 to CD_POLICY_NAME_MAX of a-z, 0-9, '-', '_' and '.'. */
bool cd_policy_name_valid(cd_str name);
/* Reads a body whole; what is wrong or not known sticks to the document. Its members have the names
 * and the meaning that they have in cordond.json. */
void cd_policy_check_body(cd_json *body);

CD_MUST_USE cd_code cd_policy_sign(const cd_policy *p, const cd_key *key, const cd_random *random,
                                   cd_buf *out, cd_err *err);
/* Signature, form and body. On success the caller releases *ret_policy; *ret_refusal (may be NULL)
 * is set on failure. */
CD_MUST_USE cd_code cd_policy_verify(cd_str jws, const cd_public_key *key, cd_policy *ret_policy,
                                     cd_refusal *ret_refusal, cd_err *err);

/* What a device knows when a policy comes in. */
typedef struct cd_policy_known {
  cd_str device;
  uint64_t key_generation; /* the highest of a policy key that it took; 0: none */
  uint64_t version;        /* the highest that it took, whatever became of it; 0: none */
  int64_t now_ms;
  bool clock_trusted; /* false: the key's time is not judged */
} cd_policy_known;

/* A policy that may be put in force. */
typedef struct cd_policy_accepted {
  cd_policy policy; /* cd_policy_release() */
  uint64_t key_generation;
} cd_policy_accepted;

/* Pinned root key -> policy key -> policy -> this device. CD_REFUSAL_OLD_GENERATION is a lower
 * version than the device took, CD_REFUSAL_REPLAYED the same. */
CD_MUST_USE cd_code cd_policy_accept(cd_str statement_jws, cd_str policy_jws,
                                     const cd_public_key *root, const cd_policy_known *known,
                                     cd_policy_accepted *ret_accepted, cd_refusal *ret_refusal,
                                     cd_err *err);

#endif
