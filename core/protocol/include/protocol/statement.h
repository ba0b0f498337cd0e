/* Key statements: what an issuer says about a key. The root key says which key signs orders, which
 * one policy and which one states device keys; the device CA key says which key a device signs its
 * results with. Each can be replaced: a statement of a higher generation takes the place of the
 * older one, and whoever has seen it refuses the older one from then on.
 *
 *   {"purpose":"order","subject":null,"key":BASE64URL(SPKI DER),"key_id":HEX,"generation":1,
 *    "not_before":MS,"not_after":MS}                              typ "cordon-key+1" */
#ifndef CD_STATEMENT_H
#define CD_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "protocol/jws.h"
#include "protocol/key.h"
#include "protocol/limits.h"

typedef enum cd_purpose {
  CD_PURPOSE_ORDER = 1, /* signs orders and the console's marks */
  CD_PURPOSE_POLICY,
  CD_PURPOSE_DEVICE_CA, /* issues statements of purpose `device` */
  CD_PURPOSE_DEVICE     /* signs one device's results, reports and marks */
} cd_purpose;

typedef struct cd_statement {
  cd_purpose purpose;
  char subject[CD_DEVICE_ID_MAX + 1]; /* the device's id for CD_PURPOSE_DEVICE, else empty */
  cd_public_key key;
  uint64_t generation; /* per issuer, purpose and subject; at least 1 */
  int64_t not_before_ms;
  int64_t not_after_ms;
} cd_statement;

const char *cd_purpose_name(cd_purpose purpose); /* "order", "policy", "device-ca", "device" */

/* 1 to CD_DEVICE_ID_MAX of a-z, 0-9 and '-'. */
bool cd_device_id_valid(cd_str id);

/* Appends the signed statement to `out`. */
CD_MUST_USE cd_code cd_statement_sign(const cd_statement *s, const cd_key *issuer,
                                      const cd_random *random, cd_buf *out, cd_err *err);
/* Signature, form and purpose; the time and the generation are cd_statement_check()'s. CD_E_LIMIT,
 * CD_E_INVALID and CD_E_DENIED as for cd_jws_verify(); CD_E_DENIED also for another purpose. */
CD_MUST_USE cd_code cd_statement_verify(cd_str jws, const cd_public_key *issuer, cd_purpose purpose,
                                        cd_statement *ret_statement, cd_err *err);

/* What the reader of a statement knows. */
typedef struct cd_statement_known {
  uint64_t generation; /* the highest seen of that issuer, purpose and subject; 0: none */
  bool judge_time;     /* false: the clock is not to be asked */
  int64_t now_ms;
} cd_statement_known;

/* CD_E_CONFLICT: older than one seen; CD_E_DEADLINE: not valid now. */
CD_MUST_USE cd_code cd_statement_check(const cd_statement *s, const cd_statement_known *known,
                                       cd_err *err);

/* A device's key by its way from the root: `ca_jws` states the device CA's key, `device_jws` the
 * device's. Both are checked, against `known_ca` and `known_device`. */
CD_MUST_USE cd_code cd_statement_device_key(cd_str ca_jws, cd_str device_jws,
                                            const cd_public_key *root,
                                            const cd_statement_known *known_ca,
                                            const cd_statement_known *known_device,
                                            cd_statement *ret_device, cd_err *err);

#endif
