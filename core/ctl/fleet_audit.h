/* The chain of the console's audit log, computed anew.
 *
 * An entry's digest is the SHA-256 over "cordon-audit-1\n", the 32 bytes of the digest before it
 * (of the first entry: zeroes) and the entry as compact JSON, its members in this order: sequence,
 * at, who, what, device, action, detail. */
#ifndef CTL_FLEET_AUDIT_H
#define CTL_FLEET_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "protocol/digest.h"

/* A place in the log: "812:sha256:<64 hex digits>", or without the "sha256:". */
typedef struct fleet_audit_head {
  uint64_t sequence;
  cd_digest digest;
} fleet_audit_head;
bool fleet_audit_head_read(cd_str text, fleet_audit_head *ret_head);

/* An entry that the log must contain. */
typedef struct fleet_audit_known {
  fleet_audit_head head; /* sequence 0: nothing is known */
  bool met;
} fleet_audit_known;

#define FLEET_AUDIT_KNOWN                                                                          \
  2 /* what the caller knows from before, and what the console states now                          \
     */

typedef struct fleet_audit {
  fleet_audit_head head; /* the last entry that was taken; sequence 0: none */
  fleet_audit_known known[FLEET_AUDIT_KNOWN];
} fleet_audit;

/* {"head":{"sequence","digest"}}; of an empty log the sequence is 0. */
CD_MUST_USE cd_code fleet_audit_stated(cd_json *answer, fleet_audit_head *ret_head, cd_err *err);
/* Takes one page, {"value":[...]}, behind what was taken before; *ret_count is how many entries it
 * had. CD_E_UNVERIFIED: the log is wrong, and the sentence says from which entry on; CD_E_INVALID:
 * the answer is none. */
CD_MUST_USE cd_code fleet_audit_take(fleet_audit *a, cd_json *page, size_t *ret_count, cd_err *err);
/* One entry by itself: its content is what its digest says (CD_E_UNVERIFIED). */
CD_MUST_USE cd_code fleet_audit_entry(cd_json *entry, fleet_audit_head *ret_place, cd_err *err);
/* When all pages were taken: every known entry was met. */
CD_MUST_USE cd_code fleet_audit_finish(const fleet_audit *a, cd_err *err);

#endif
