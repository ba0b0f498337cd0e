/* Walking the audit log with every check, for those who note something about each entry on the way:
 * con_audit_verify() notes nothing, the signer what must not be signed any more. */
#ifndef CON_AUDIT_WALK_H
#define CON_AUDIT_WALK_H

#include "audit.h"

typedef struct con_audit_walk {
  const con_audit_ref *from;  /* as for con_audit_verify() */
  const con_audit_ref *known; /* likewise */
  const con_seal_key *seal;   /* likewise */
  /* Each entry that is right, in order; may be NULL. A failing code ends the walk. */
  cd_code (*each)(void *context, const con_audit_entry *entry, cd_err *err);
  void *context;
} con_audit_walk;

CD_MUST_USE cd_code con_audit_walk_log(con_store *s, const con_audit_walk *walk,
                                       con_audit_report *ret_report, cd_err *err);

/* Content, digest and seal are right; its place in the chain is not looked at. */
bool con_audit_is_ours(const con_audit_entry *e, const con_seal_key *seal);

/* Reads one entry and checks it by itself: content, digest and seal; not its place in the chain.
 * CD_E_NOTFOUND: there is none; CD_E_CONFLICT: it is not what the console wrote. `each` gets it. */
CD_MUST_USE cd_code con_audit_look_at(con_store *s, const con_audit_ref *ref,
                                      const con_seal_key *seal,
                                      cd_code (*each)(void *context, const con_audit_entry *entry,
                                                      cd_err *err),
                                      void *context, cd_err *err);

#endif
