/* The console's audit log as the signer reads it. */
#ifndef SIG_AUDIT_LOG_H
#define SIG_AUDIT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "audit.h"
#include "base/json.h"
#include "standing.h"
#include "state.h"

typedef struct sig_log {
  const char *path; /* the console's database */
  con_store *store; /* NULL: not open */
  uint64_t device;  /* of the file that is open, so that a file put in its place is noticed */
  uint64_t inode;
  bool whole;  /* all of it was verified since it was opened */
  bool sealed; /* the seal key is known */
  con_seal_key seal;
  sig_state *state;
  sig_standing *standing; /* by what was verified since it was opened */
} sig_log;

/* Verifies what is new, or everything when this file has not been verified by this process, and
 * notes in the state what the entries say. CD_E_CONFLICT: the log is not right, in one sentence;
 * nothing was noted. *ret_head (may be NULL) is its end. */
CD_MUST_USE cd_code sig_log_catch_up(sig_log *log, con_audit_ref *ret_head, cd_err *err);
/* The same, before something that is kept in the state, which takes it to the disk: until then
 * nothing may be signed on the strength of it. */
CD_MUST_USE cd_code sig_log_catch_up_riding(sig_log *log, cd_err *err);
/* The same, whatever head is kept: for accepting an older log. Notes nothing. */
CD_MUST_USE cd_code sig_log_look(sig_log *log, con_audit_ref *ret_head, cd_err *err);
void sig_log_close(sig_log *log);

/* One entry, read and checked. */
typedef struct sig_entry {
  int64_t at_ms;
  char who[CON_AUDIT_WHO_MAX + 1];
  char what[CON_AUDIT_WHAT_MAX + 1];
  char device[CD_DEVICE_ID_MAX + 1];
  char action[CD_ID_SIZE];
  cd_json_doc *detail;
} sig_entry;
/* On success the caller releases *ret_entry. */
CD_MUST_USE cd_code sig_entry_read(sig_log *log, const con_audit_ref *ref, sig_entry *ret_entry,
                                   cd_err *err);
void sig_entry_release(sig_entry *e);

#endif
