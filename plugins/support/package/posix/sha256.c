#include "package/sha256.h"

#include <stdlib.h>

#include <nettle/sha2.h>

struct col_sha256 {
  struct sha256_ctx ctx;
};

col_sha256 *col_sha256_new(void)
{
  col_sha256 *s = calloc(1, sizeof(*s));
  if (s != NULL)
    sha256_init(&s->ctx);
  return s;
}

col_sha256 *col_sha256_copy(const col_sha256 *s)
{
  col_sha256 *c = s != NULL ? malloc(sizeof(*c)) : NULL;
  if (c != NULL)
    *c = *s;
  return c;
}

void col_sha256_free(col_sha256 *s)
{
  free(s);
}

void col_sha256_reset(col_sha256 *s)
{
  sha256_init(&s->ctx);
}

void col_sha256_add(col_sha256 *s, const void *bytes, size_t len)
{
  sha256_update(&s->ctx, len, bytes);
}

bool col_sha256_end(col_sha256 *s, char ret_hex[COL_SHA256_HEX + 1])
{
  static const char digits[] = "0123456789abcdef";
  unsigned char digest[SHA256_DIGEST_SIZE];
  sha256_digest(&s->ctx, sizeof(digest), digest);
  for (size_t i = 0; i < sizeof(digest); i++) {
    ret_hex[2 * i] = digits[digest[i] >> 4];
    ret_hex[2 * i + 1] = digits[digest[i] & 15];
  }
  ret_hex[COL_SHA256_HEX] = '\0';
  return true;
}
