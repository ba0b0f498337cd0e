/* SHA-256 of what comes piece by piece, which are packages of many megabytes: by Nettle, which uses
 * the processor's own instructions. mbedTLS does not on x86, and takes seven times as long. */
#include "protocol/digest.h"

#include <nettle/sha2.h>

#include <stdlib.h>

#include "base/banned.h"

_Static_assert(SHA256_DIGEST_SIZE == CD_DIGEST_SIZE, "a digest is what SHA-256 makes");

struct cd_hash {
  struct sha256_ctx context;
};

cd_code cd_hash_new(cd_hash **ret_hash, cd_err *err)
{
  cd_hash *h = calloc(1, sizeof(*h));
  if (h == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to hash with");
  sha256_init(&h->context);
  *ret_hash = h;
  return CD_OK;
}

void cd_hash_add(cd_hash *h, const void *bytes, size_t len)
{
  sha256_update(&h->context, len, bytes);
}

cd_code cd_hash_end(cd_hash *h, cd_digest *ret_digest, cd_err *err)
{
  (void)err;
  sha256_digest(&h->context, sizeof(ret_digest->bytes), ret_digest->bytes);
  return CD_OK;
}

void cd_hash_free(cd_hash *h)
{
  free(h);
}
