/* The signed head of the audit log: what an export carries, so that whoever has it can see later
 * whether the log was cut or rewritten since.
 *
 *   {"sequence":812,"digest":"sha256:...","at":MS}                typ "cordon-head+1"
 *
 * Signed by the order key, which the root states. */
#ifndef CON_AUDIT_HEAD_H
#define CON_AUDIT_HEAD_H

#include "audit.h"
#include "protocol/jws.h"
#include "protocol/key.h"

extern const cd_jws_kind con_jws_head;

typedef struct con_head {
  con_audit_ref ref;
  int64_t at_ms; /* the signer's clock */
} con_head;

CD_MUST_USE cd_code con_head_sign(const con_head *head, const cd_key *key, const cd_random *random,
                                  cd_buf *out, cd_err *err);
CD_MUST_USE cd_code con_head_verify(cd_str jws, const cd_public_key *key, con_head *ret_head,
                                    cd_err *err);

#endif
