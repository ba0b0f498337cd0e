/* A certificate request (PKCS#10): what the console and its signer take from one, which is the
 * public key and nothing else. */
#ifndef CON_CSR_H
#define CON_CSR_H

#include "base/status.h"
#include "base/str.h"
#include "protocol/digest.h"
#include "protocol/key.h"

/* One PEM block of at most CD_CSR_MAX bytes with a key on P-256, signed by that key with ECDSA and
 * SHA-256. CD_E_INVALID: it is none; CD_E_DENIED: another key signed it. The digest that audit
 * entries name ("tls_key") is the key's id: ret_key->id. */
CD_MUST_USE cd_code con_csr_key(cd_str pem, cd_public_key *ret_key, cd_err *err);

#endif
