/* SHA-256 of what comes piece by piece, where there is no Nettle. */
#include "protocol/digest.h"

#include <mbedtls/sha256.h>

#include <stdlib.h>

#include "base/banned.h"

struct cd_hash {
  mbedtls_sha256_context context;
  int failed;
};

cd_code cd_hash_new(cd_hash **ret_hash, cd_err *err)
{
  cd_hash *h = calloc(1, sizeof(*h));
  if (h == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to hash with");
  mbedtls_sha256_init(&h->context);
  h->failed = mbedtls_sha256_starts(&h->context, 0);
  *ret_hash = h;
  return CD_OK;
}

void cd_hash_add(cd_hash *h, const void *bytes, size_t len)
{
  if (h->failed == 0)
    h->failed = mbedtls_sha256_update(&h->context, bytes, len);
}

cd_code cd_hash_end(cd_hash *h, cd_digest *ret_digest, cd_err *err)
{
  cd_digest d = {0};
  if (h->failed == 0)
    h->failed = mbedtls_sha256_finish(&h->context, d.bytes);
  if (h->failed != 0)
    return cd_fail_os(err, CD_E_INTERNAL, h->failed, "mbedTLS could not hash (error -0x%04x)",
                      (unsigned)-h->failed);
  *ret_digest = d;
  return CD_OK;
}

void cd_hash_free(cd_hash *h)
{
  if (h == NULL)
    return;
  mbedtls_sha256_free(&h->context);
  free(h);
}
