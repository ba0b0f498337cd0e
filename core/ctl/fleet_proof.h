/* Verifying what `cordon action report` wrote, without the console: every signature on its way from
 * the root, and that the parts are about one action. Pure functions. */
#ifndef CTL_FLEET_PROOF_H
#define CTL_FLEET_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "protocol/key.h"
#include "protocol/order.h"
#include "protocol/result.h"

#define FLEET_PROOF_MAX (4u * 1024u * 1024u) /* a report's file */
#define FLEET_PROOF_ENTRIES 64u

typedef struct fleet_proof {
  char root[CD_KEY_ID_TEXT_MAX];
  char device[CD_DEVICE_ID_MAX + 1];
  char action[CD_ID_SIZE];
  bool has_order;
  cd_order order;
  bool has_result;
  cd_result result;
  bool same_order; /* the result answers just this order, and not an earlier one of the action */
  uint64_t head;   /* the entry of the log up to which the signer vouches for the entries */
  size_t entries;
} fleet_proof;

/* CD_E_UNVERIFIED, in one sentence: something in it is not what it says; CD_E_INVALID: it is no
 * report. On success the caller releases *ret_proof. */
CD_MUST_USE cd_code fleet_proof_check(cd_json *report, fleet_proof *ret_proof, cd_err *err);
void fleet_proof_release(fleet_proof *p);

#endif
