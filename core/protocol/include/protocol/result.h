/* Results and reports: what a device says, signed with its own key.
 *
 * A result is the end of one action, kept by the device until the console has acknowledged it. An
 * action that was given on the device itself has a result too, with `order` null: so the console
 * learns of a local release and of the generation that it took.
 * A report is how things stand; the newest one is the one that counts. */
#ifndef CD_RESULT_H
#define CD_RESULT_H

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
#include "protocol/values.h"

/*   {"device":ID,"action":UUID,"kind":"isolate","state":"isolate","generation":7,
 *    "order":"sha256:...","status":"Succeeded","outcome":"ok","sentence":null,"requestor":TEXT,
 *    "comment":TEXT,"provider":ID,"created":MS,"started":MS,"ended":MS,"states":[...],
 *    "result":{...}}                                             typ "cordon-result+1" */
typedef struct cd_result {
  char device[CD_DEVICE_ID_MAX + 1];
  char action[CD_ID_SIZE];
  cd_order_kind kind;
  uint64_t generation;
  bool has_order;          /* false: given on the device itself */
  cd_digest order;         /* cd_jws_digest() of the order it answers */
  cd_action_status status; /* a final one */
  cd_code outcome;
  char sentence[CD_SENTENCE_MAX + 1]; /* may be empty */
  char requestor[CD_REQUESTOR_MAX + 1];
  cd_str comment;
  char provider[CD_PROVIDER_ID_MAX + 1]; /* empty: none was chosen */
  int64_t created_ms;                    /* the device's wall clock */
  int64_t started_ms;                    /* 0: it never began */
  int64_t ended_ms;
  unsigned state_count;
  cd_values states[CD_STATE_COUNT]; /* as they were when it ended */
  cd_str result;                    /* a JSON object: what was measured; empty: nothing was */
  char *memory;                     /* what the views point into when it was read, else NULL */
} cd_result;

void cd_result_release(cd_result *r);
/* Appends the signed result. The caller keeps what the views point to. */
CD_MUST_USE cd_code cd_result_sign(const cd_result *r, const cd_key *device_key,
                                   const cd_random *random, cd_buf *out, cd_err *err);
/* `device` is whose key that is: a result that names another device is refused (CD_E_DENIED), as is
 * a forged one. On success the caller releases *ret_result. */
CD_MUST_USE cd_code cd_result_verify(cd_str jws, const cd_public_key *device_key, cd_str device,
                                     cd_result *ret_result, cd_err *err);

/* As cd_jws_open(): a result that was verified when it came, by the digest that was noted then. */
CD_MUST_USE cd_code cd_result_open(cd_str jws, const cd_digest *digest, cd_result *ret_result,
                                   cd_err *err);

/* How the device stands with policy. Plain value. */
typedef struct cd_policy_standing {
  bool known;                         /* false: its agent does not say so, and takes no policy */
  uint64_t version;                   /* in force; 0: none */
  char name[CD_POLICY_NAME_MAX + 1];  /* of what is in force; may be empty */
  bool trial;                         /* the console has still to be reached with it */
  uint64_t highest;                   /* that it took, whatever became of it */
  uint64_t refused;                   /* the last that it refused or put back; 0: none */
  char sentence[CD_SENTENCE_MAX + 1]; /* why; empty: nothing was refused */
} cd_policy_standing;

/*   {"device":ID,"nonce":BASE64URL,"number":1,"at":MS,"states":[...],"facts":{...},
 *    "policy":{"version":7,"name":"servers","trial":false,"highest":7,"refused":0,
 *              "sentence":null}}                                 typ "cordon-report+1" */
typedef struct cd_report {
  char device[CD_DEVICE_ID_MAX + 1];
  uint8_t nonce[CD_NONCE_SIZE]; /* the console's of this connection: no older report passes */
  uint64_t number;              /* counts from 1 in a connection; a gap means reports were lost */
  int64_t at_ms;
  unsigned state_count;
  cd_values states[CD_STATE_COUNT];
  cd_str facts; /* the facts provider's JSON object; empty: as before */
  cd_policy_standing policy;
  char *memory;
} cd_report;

void cd_report_release(cd_report *r);
CD_MUST_USE cd_code cd_report_sign(const cd_report *r, const cd_key *device_key,
                                   const cd_random *random, cd_buf *out, cd_err *err);
/* Also refuses (CD_E_CONFLICT) a report of another connection and a `number` that is not above
 * `last_number`. */
CD_MUST_USE cd_code cd_report_verify(cd_str jws, const cd_public_key *device_key, cd_str device,
                                     const uint8_t nonce[CD_NONCE_SIZE], uint64_t last_number,
                                     cd_report *ret_report, cd_err *err);

#endif
