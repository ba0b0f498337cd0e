/* X.509 certificates, with mbedTLS. */
#ifndef SIG_CERTIFICATE_H
#define SIG_CERTIFICATE_H

#include "base/buf.h"
#include "base/status.h"
#include "protocol/key.h"

#define SIG_SERIAL_SIZE 16u
#define SIG_SERIAL_TEXT (2u * SIG_SERIAL_SIZE + 1u)
#define SIG_COMMON_NAME_MAX 80u

typedef enum sig_use { SIG_USE_CLIENT = 1, SIG_USE_SERVER } sig_use;

/* The name of a CA key in its certificates. */
void sig_ca_name(const cd_public_key *key, char out[SIG_COMMON_NAME_MAX]);

/* Appends the PEM of a CA certificate for `subject`, signed by `issuer` (the same key for one that
 * stands alone). */
CD_MUST_USE cd_code sig_ca_certificate(const cd_public_key *subject, const cd_key *issuer,
                                       int64_t from_ms, int64_t to_ms, cd_buf *out, cd_err *err);

typedef struct sig_leaf {
  sig_use use;
  const char *common_name;
  const cd_public_key *key;
  const cd_str *names; /* subject alternative names: DNS names and literal addresses */
  size_t name_count;
  int64_t from_ms;
  int64_t to_ms;
} sig_leaf;
/* Appends the PEM of a certificate for no further issuing; the serial number is random. */
CD_MUST_USE cd_code sig_leaf_certificate(const sig_leaf *leaf, const cd_key *issuer, cd_buf *out,
                                         char ret_serial[SIG_SERIAL_TEXT], cd_err *err);

/* The public key of the first certificate in a PEM text. */
CD_MUST_USE cd_code sig_certificate_key(cd_str pem, cd_public_key *ret_key, cd_err *err);

#endif
