/* By CNG, whose pseudo-handle of the algorithm needs Windows 10. */
#include "package/sha256.h"

#include <stdint.h>
#include <stdlib.h>

#include <windows.h>

#include <bcrypt.h>

enum { DIGEST = 32, PIECE = 1 << 20 };

struct col_sha256 {
  BCRYPT_HASH_HANDLE hash;
  bool failed;
};

/* Opened once and kept, as long as the process is: older systems have no pseudo-handle. */
static BCRYPT_ALG_HANDLE algorithm(void)
{
  static BCRYPT_ALG_HANDLE volatile kept;
  BCRYPT_ALG_HANDLE mine = kept;
  if (mine != NULL)
    return mine;
  if (BCryptOpenAlgorithmProvider(&mine, BCRYPT_SHA256_ALGORITHM, NULL, 0) != 0)
    return NULL;
  BCRYPT_ALG_HANDLE first = InterlockedCompareExchangePointer((void *volatile *)&kept, mine, NULL);
  if (first == NULL)
    return mine;
  (void)BCryptCloseAlgorithmProvider(mine, 0);
  return first;
}

static bool begin(col_sha256 *s)
{
  BCRYPT_ALG_HANDLE a = algorithm();
  s->hash = NULL;
  s->failed = a == NULL || BCryptCreateHash(a, &s->hash, NULL, 0, NULL, 0, 0) != 0;
  return !s->failed;
}

static void end(col_sha256 *s)
{
  if (s->hash != NULL)
    (void)BCryptDestroyHash(s->hash);
  s->hash = NULL;
}

col_sha256 *col_sha256_new(void)
{
  col_sha256 *s = calloc(1, sizeof(*s));
  if (s != NULL && !begin(s)) {
    free(s);
    return NULL;
  }
  return s;
}

col_sha256 *col_sha256_copy(const col_sha256 *s)
{
  col_sha256 *c = s != NULL ? calloc(1, sizeof(*c)) : NULL;
  if (c == NULL)
    return NULL;
  c->failed = s->failed || BCryptDuplicateHash(s->hash, &c->hash, NULL, 0, 0) != 0;
  return c;
}

void col_sha256_free(col_sha256 *s)
{
  if (s == NULL)
    return;
  end(s);
  free(s);
}

void col_sha256_reset(col_sha256 *s)
{
  end(s);
  (void)begin(s);
}

void col_sha256_add(col_sha256 *s, const void *bytes, size_t len)
{
  const unsigned char *at = bytes;
  while (len > 0 && !s->failed) {
    ULONG some = len < PIECE ? (ULONG)len : PIECE;
    s->failed = BCryptHashData(s->hash, (PUCHAR)(uintptr_t)at, some, 0) != 0;
    at += some;
    len -= some;
  }
}

bool col_sha256_end(col_sha256 *s, char ret_hex[COL_SHA256_HEX + 1])
{
  static const char digits[] = "0123456789abcdef";
  unsigned char digest[DIGEST];
  ret_hex[0] = '\0';
  if (s->failed || BCryptFinishHash(s->hash, digest, sizeof(digest), 0) != 0)
    return false;
  for (size_t i = 0; i < sizeof(digest); i++) {
    ret_hex[2 * i] = digits[digest[i] >> 4];
    ret_hex[2 * i + 1] = digits[digest[i] & 15];
  }
  ret_hex[COL_SHA256_HEX] = '\0';
  return true;
}
