/* The certificates of the device CA, as the signer gave them: PEM, the newest first, and behind it
 * those that it took the place of. What any of them vouches for counts until it ends. */
#ifndef CON_CA_H
#define CON_CA_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/str.h"
#include "protocol/key.h"

/* All of them, and nobody else. NULL: there is none, or one cannot be read. */
X509_STORE *con_ca_store(const char *pem);
/* Whether one of them states this key for the device (protocol/statement.h). */
bool con_ca_states(const char *pem, cd_str statement, cd_str device, const cd_public_key *key);

#endif
