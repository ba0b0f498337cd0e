/* SHA-256 (FIPS 180-4), by mbedTLS. */
#ifndef CD_DIGEST_H
#define CD_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define CD_DIGEST_SIZE 32
#define CD_DIGEST_TEXT_MAX (7 + 64 + 1) /* "sha256:" and hex */

typedef struct cd_digest {
  uint8_t bytes[CD_DIGEST_SIZE];
} cd_digest;

CD_MUST_USE cd_code cd_digest_of(const void *bytes, size_t len, cd_digest *ret_digest, cd_err *err);
/* "sha256:<64 lower-case hex digits>" */
void cd_digest_text(const cd_digest *d, char out[CD_DIGEST_TEXT_MAX]);
/* The inverse; either case of hex. */
bool cd_digest_from_text(cd_str text, cd_digest *ret_digest);
/* Compares in constant time. */
bool cd_digest_equal(const cd_digest *a, const cd_digest *b);

/* The same piece by piece, for what does not fit into memory. */
typedef struct cd_hash cd_hash;
CD_MUST_USE cd_code cd_hash_new(cd_hash **ret_hash, cd_err *err);
/* A failure sticks until the end. */
void cd_hash_add(cd_hash *h, const void *bytes, size_t len);
CD_MUST_USE cd_code cd_hash_end(cd_hash *h, cd_digest *ret_digest, cd_err *err);
void cd_hash_free(cd_hash *h); /* NULL is fine */

#endif
