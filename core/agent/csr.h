/* The X.509 that cordond itself does: it writes requests, and reads the CA certificate that the
 * administrator gave. What comes from the network is read in the channel. */
#ifndef AGENT_CSR_H
#define AGENT_CSR_H

#include "base/buf.h"
#include "protocol/key.h"

/* A new TLS key, and a request (PKCS#10 in PEM) for a certificate of it, with `name` as CN.
 * cd_key_free(). */
CD_MUST_USE cd_code agent_csr_make(const char *name, cd_key **ret_key, cd_buf *out, cd_err *err);
/* The public key of a certificate in PEM. */
CD_MUST_USE cd_code agent_certificate_key(cd_str pem, cd_public_key *ret_key, cd_err *err);

#endif
