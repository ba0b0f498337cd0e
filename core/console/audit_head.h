/* The signed head of the audit log: what an export carries, so that whoever has it can see later
 * whether the log was cut or rewritten since.
 *
 *   {"sequence":812,"digest":"sha256:...","at":MS}                typ "cordon-head+1"
 *
 * Signed by the order key, which the root states. With "entries", an array of sequence and digest,
 * it also says of these entries that the log up to that head has them: what a report rests on,
 * since nobody can see that from the head's digest without all entries between. */
#ifndef CON_AUDIT_HEAD_H
#define CON_AUDIT_HEAD_H

#include "audit.h"
#include "protocol/jws.h"
#include "protocol/key.h"

extern const cd_jws_kind con_jws_head;

typedef struct con_head {
  con_audit_ref ref;
  int64_t at_ms; /* the signer's clock */
  size_t entry_count;
  con_audit_ref entries[CON_HEAD_ENTRIES];
} con_head;

CD_MUST_USE cd_code con_head_sign(const con_head *head, const cd_key *key, const cd_random *random,
                                  cd_buf *out, cd_err *err);
CD_MUST_USE cd_code con_head_verify(cd_str jws, const cd_public_key *key, con_head *ret_head,
                                    cd_err *err);

#endif
