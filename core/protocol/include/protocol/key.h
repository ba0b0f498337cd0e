/* Keys on NIST P-256: the root key, the order key, the device keys and their like.
 *
 * A private key is PKCS#8 (RFC 5958) in PEM (RFC 7468), a public key SubjectPublicKeyInfo
 * (RFC 5480) in PEM or DER, always the uncompressed point: the files of
 *   openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
 * A key's id is the SHA-256 of its SubjectPublicKeyInfo in DER, in lower-case hex:
 *   openssl pkey -pubin -in key.pem -outform DER | sha256sum */
#ifndef CD_KEY_H
#define CD_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/digest.h"
#include "protocol/random.h"

#define CD_KEY_POINT_SIZE 65u /* 0x04, x, y: SEC 1, section 2.3.3 */
#define CD_KEY_DER_SIZE 91u   /* SubjectPublicKeyInfo */
#define CD_KEY_ID_TEXT_MAX 65u
#define CD_KEY_PEM_MAX 4096u /* ours have 250 bytes; text in front of the block is allowed */

/* A point on the curve, checked when it was read, and the key's id. Plain value; all zero is no
 * key. */
typedef struct cd_public_key {
  uint8_t point[CD_KEY_POINT_SIZE];
  cd_digest id;
} cd_public_key;

/* A private key. The caller who got it frees it. */
typedef struct cd_key cd_key;

CD_MUST_USE cd_code cd_key_generate(const cd_random *random, cd_key **ret_key, cd_err *err);
/* PKCS#8, also SEC1 ("EC PRIVATE KEY"), without a password. `random` blinds the computation of the
 * public half. `pem` stays the caller's to wipe. */
CD_MUST_USE cd_code cd_key_from_pem(cd_str pem, const cd_random *random, cd_key **ret_key,
                                    cd_err *err);
/* Appends PKCS#8 PEM, in one append: wipe `out` with cd_buf_wipe() once it is written. */
CD_MUST_USE cd_code cd_key_to_pem(const cd_key *key, cd_buf *out, cd_err *err);
/* Valid as long as the key. */
const cd_public_key *cd_key_public(const cd_key *key);
/* Zeroes and frees; NULL is fine. */
void cd_key_free(cd_key *key);

CD_MUST_USE cd_code cd_public_key_from_pem(cd_str pem, cd_public_key *ret_key, cd_err *err);
CD_MUST_USE cd_code cd_public_key_to_pem(const cd_public_key *key, cd_buf *out, cd_err *err);
/* The one DER form above, byte for byte. */
CD_MUST_USE cd_code cd_public_key_from_der(cd_str der, cd_public_key *ret_key, cd_err *err);
void cd_public_key_to_der(const cd_public_key *key, uint8_t out[CD_KEY_DER_SIZE]);
CD_MUST_USE cd_code cd_public_key_from_point(const uint8_t point[CD_KEY_POINT_SIZE],
                                             cd_public_key *ret_key, cd_err *err);
bool cd_public_key_equal(const cd_public_key *a, const cd_public_key *b);
/* The id as text. */
void cd_public_key_id(const cd_public_key *key, char out[CD_KEY_ID_TEXT_MAX]);

#endif
