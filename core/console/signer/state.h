/* What the signer must not forget, in a database of its own (signer.db): up to where it has
 * verified the console's audit log, what the log says was cancelled, ended, enrolled and revoked,
 * what it signed, and whether an older log was accepted. Synced on each commit. */
#ifndef SIG_STATE_H
#define SIG_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit.h"
#include "base/status.h"

typedef struct sig_state sig_state;

/* Only one process has it open: CD_E_UNAVAILABLE while another one does. */
CD_MUST_USE cd_code sig_state_open(const char *folder, sig_state **ret_state, cd_err *err);
void sig_state_close(sig_state *st); /* NULL is fine */

CD_MUST_USE cd_code sig_state_begin(sig_state *st, cd_err *err);
/* What the next synced transaction takes to the disk with it; a loss of power before that loses it.
 */
CD_MUST_USE cd_code sig_state_begin_riding(sig_state *st, cd_err *err);
/* Commits if rc is CD_OK, else rolls back; returns the final code. */
CD_MUST_USE cd_code sig_state_end(sig_state *st, cd_code rc, cd_err *err);

/* The verified head; sequence 0: none yet. */
CD_MUST_USE cd_code sig_state_head(sig_state *st, con_audit_ref *ret_head, cd_err *err);
CD_MUST_USE cd_code sig_state_set_head(sig_state *st, const con_audit_ref *head, cd_err *err);

/* The key that seals the console's log; *ret_known is false before a console came. */
CD_MUST_USE cd_code sig_state_seal(sig_state *st, con_seal_key *ret_key, bool *ret_known,
                                   cd_err *err);
CD_MUST_USE cd_code sig_state_keep_seal(sig_state *st, const con_seal_key *key, cd_err *err);
CD_MUST_USE cd_code sig_state_forget_seal(sig_state *st, cd_err *err);

/* An action that is not signed any more. */
CD_MUST_USE cd_code sig_state_close_action(sig_state *st, cd_str action, cd_err *err);
CD_MUST_USE cd_code sig_state_is_closed(sig_state *st, cd_str action, bool *ret_closed,
                                        cd_err *err);

/* When a device was last enrolled and revoked, by the entries' numbers; 0: never. */
typedef struct sig_device {
  uint64_t enrolled;
  uint64_t revoked;
} sig_device;
CD_MUST_USE cd_code sig_state_device(sig_state *st, cd_str device, sig_device *ret_device,
                                     cd_err *err);
CD_MUST_USE cd_code sig_state_enrolled(sig_state *st, cd_str device, uint64_t sequence,
                                       cd_err *err);
CD_MUST_USE cd_code sig_state_revoked(sig_state *st, cd_str device, uint64_t sequence, cd_err *err);

/* The generation of the statement about this key of the device: a new key has the next one. */
CD_MUST_USE cd_code sig_state_device_key_generation(sig_state *st, cd_str device, cd_str key_id,
                                                    uint64_t *ret_generation, cd_err *err);

/* What was signed since then: orders, and other devices that had one of that kind. */
CD_MUST_USE cd_code sig_state_count_orders(sig_state *st, int64_t since_ms, uint64_t *ret_count,
                                           cd_err *err);
CD_MUST_USE cd_code sig_state_count_devices(sig_state *st, int64_t since_ms, cd_str except,
                                            cd_str kind, uint64_t *ret_count, cd_err *err);
/* The highest generation that was signed for an action; 0: none. */
CD_MUST_USE cd_code sig_state_signed_generation(sig_state *st, cd_str action,
                                                uint64_t *ret_generation, cd_err *err);
CD_MUST_USE cd_code sig_state_signed(sig_state *st, int64_t at_ms, cd_str action, cd_str device,
                                     cd_str kind, uint64_t generation, uint64_t audit_sequence,
                                     cd_err *err);

/* The head that was given up when an older log was accepted and that the log has not named yet;
 * sequence 0: none. */
CD_MUST_USE cd_code sig_state_lost(sig_state *st, con_audit_ref *ret_lost, cd_err *err);
/* Gives up the present head for `head`. */
CD_MUST_USE cd_code sig_state_accept(sig_state *st, int64_t at_ms, const con_audit_ref *head,
                                     cd_err *err);
/* The log names it now. */
CD_MUST_USE cd_code sig_state_loss_recorded(sig_state *st, uint64_t sequence, cd_err *err);

#endif
