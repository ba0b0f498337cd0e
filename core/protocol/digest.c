/* SHA-256 of what lies in memory, and its text form, "sha256:<hex>", as trust lists, orders and
 * evidence carry it. */
#include "protocol/digest.h"

#include <mbedtls/sha256.h>

#include <string.h>

#include "base/banned.h"

static const char digest_prefix[] = "sha256:";
#define DIGEST_PREFIX_LEN (sizeof(digest_prefix) - 1)

_Static_assert(CD_DIGEST_TEXT_MAX == sizeof(digest_prefix) + 2 * CD_DIGEST_SIZE,
               "the text form is the prefix, the hex digits and a NUL");

cd_code cd_digest_of(const void *bytes, size_t len, cd_digest *ret_digest, cd_err *err)
{
  cd_digest d = {0};
  int rc = mbedtls_sha256(bytes, len, d.bytes, 0);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, rc, "mbedTLS could not hash %zu bytes (error -0x%04x)",
                      len, (unsigned)-rc);
  *ret_digest = d;
  return CD_OK;
}

void cd_digest_text(const cd_digest *d, char out[CD_DIGEST_TEXT_MAX])
{
  memcpy(out, digest_prefix, DIGEST_PREFIX_LEN);
  cd_hex(out + DIGEST_PREFIX_LEN, d->bytes, sizeof(d->bytes));
}

bool cd_digest_from_text(cd_str text, cd_digest *ret_digest)
{
  if (!cd_str_starts(text, CD_STR("sha256:")))
    return false;

  cd_digest d = {0};
  cd_str hex = {text.ptr + DIGEST_PREFIX_LEN, text.len - DIGEST_PREFIX_LEN};
  if (!cd_unhex(d.bytes, sizeof(d.bytes), hex))
    return false;
  *ret_digest = d;
  return true;
}

bool cd_digest_equal(const cd_digest *a, const cd_digest *b)
{
  return cd_equal_constant_time(a->bytes, b->bytes, sizeof(a->bytes));
}
