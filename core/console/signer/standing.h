/* What stands of a device's state: the last that was asked of it, or that it did by itself, and
 * that neither gave way, because it failed, nor was cancelled. By the audit log alone, noted as it
 * is verified and kept in memory, so that what is done to the console's database afterwards changes
 * nothing.
 *
 * What the console asked for stands in the order of its creation. What the device did by itself
 * stands above it if the log heard of it later and its generation is not below. */
#ifndef SIG_STANDING_H
#define SIG_STANDING_H

#include <stdint.h>

#include "audit.h"
#include "base/status.h"
#include "protocol/digest.h"
#include "protocol/kind.h"

typedef struct sig_standing sig_standing;

CD_MUST_USE cd_code sig_standing_open(sig_standing **ret_standing, cd_err *err);
void sig_standing_close(sig_standing *st); /* NULL is fine */
/* Forgets everything: the log is read from its beginning. */
CD_MUST_USE cd_code sig_standing_clear(sig_standing *st, cd_err *err);
/* An entry that was verified; one about no action changes nothing. */
CD_MUST_USE cd_code sig_standing_note(sig_standing *st, const con_audit_entry *e, cd_err *err);
/* The console was given an order for this action with this generation. */
CD_MUST_USE cd_code sig_standing_signed(sig_standing *st, cd_str action, uint64_t generation,
                                        cd_err *err);

typedef struct sig_stands {
  con_audit_ref entry; /* sequence 0: nothing was ever asked */
  cd_order_kind kind;
  cd_digest wish;   /* cd_wish_of() its parameters */
  int64_t lease_ms; /* when that ends by itself; 0: never */
} sig_stands;
/* As if `except` were not there. */
CD_MUST_USE cd_code sig_standing_of(sig_standing *st, cd_str device, cd_state state, cd_str except,
                                    sig_stands *ret_stands, cd_err *err);

#endif
