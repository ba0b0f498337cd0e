/* The parts of a report, and the steps of its verification. */
#ifndef CTL_FLEET_PROOF_PRIVATE_H
#define CTL_FLEET_PROOF_PRIVATE_H

#include "fleet_proof.h"

/* The report, read; views into it. */
typedef struct fleet_proof_parts {
  cd_json action; /* copies, as the console's API has them */
  cd_json device;
  cd_json evidence;
  cd_json head_copy;
  cd_str action_id;
  cd_str device_id;
  cd_str order;
  cd_str result;
  cd_str root;
  cd_str order_key;
  cd_str head_key;
  cd_str device_ca;
  cd_str device_key;
  cd_str head;
  cd_json audit;
  bool has_device_key; /* `stated_key` is verified */
  cd_public_key stated_key;
} fleet_proof_parts;

/* What failed, in front of why. */
cd_code fleet_proof_wrong(cd_err *err, const char *what);

/* fleet_proof_log.c: one entry whose digest is vouched for. */
CD_MUST_USE cd_code fleet_proof_log_take(fleet_proof_log *log, cd_json *entry,
                                         const cd_digest *digest, cd_err *err);
/* fleet_proof_log.c: the order and the result are those of the log, and neither is missing. */
CD_MUST_USE cd_code fleet_proof_log_judge(fleet_proof *p, cd_str result_digest, cd_err *err);
/* fleet_proof_copies.c: what the report says beside its signed parts. */
CD_MUST_USE cd_code fleet_proof_copies(fleet_proof_parts *parts, const fleet_proof *p, cd_err *err);

#endif
