/* One-time release codes: making, showing, reading and hashing them. */
#include "protocol/release_code.h"

#include "base/id.h"
#include "protocol/base64.h"
#include "protocol/limits.h"
#include "protocol/secret.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define CHECK_AT (CD_RELEASE_CODE_SYMBOLS - 1u)
#define DEVICE_SYMBOLS 2u
#define GROUP 5u
#define ENCODING_MAX 256u

_Static_assert(DEVICE_SYMBOLS + CD_RELEASE_CODE_RANDOM + 1u == CD_RELEASE_CODE_SYMBOLS,
               "a code is the device, chance and the check symbol");
_Static_assert(CD_RELEASE_CODE_TEXT ==
                   CD_RELEASE_CODE_SYMBOLS + CD_RELEASE_CODE_SYMBOLS / GROUP - 1u + 1u,
               "the text is the symbols, a dash between groups and the NUL");

/* Crockford's: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* ---- the check symbol ---- */

/* Times x in GF(2^5), by x^5 + x^2 + 1; x generates all 31 of its other elements. */
static unsigned times_x(unsigned value)
{
  unsigned twice = value << 1;
  return (twice & 32u) != 0 ? (twice ^ 37u) & 31u : twice;
}

/* The sum of value[i] * x^(i+1): one wrong symbol always shows, and so do two that changed places,
 * since no two of the weights are the same. */
static unsigned check_of(const uint8_t values[CHECK_AT])
{
  unsigned sum = 0;
  for (unsigned i = CHECK_AT; i-- > 0;)
    sum = times_x(sum ^ values[i]);
  return sum;
}

/* ---- the device's symbols ---- */

static cd_code device_values(cd_str device, uint8_t out[DEVICE_SYMBOLS], cd_err *err)
{
  static const char prefix[] = "cordon-release-device-1\n";
  char text[sizeof(prefix) + CD_DEVICE_ID_MAX];
  cd_digest digest;
  if (device.len == 0 || device.len > CD_DEVICE_ID_MAX)
    return cd_fail(err, CD_E_INVALID, "a device's id of %zu bytes", device.len);
  memcpy(text, prefix, sizeof(prefix) - 1);
  memcpy(text + sizeof(prefix) - 1, device.ptr, device.len);
  cd_code rc = cd_digest_of(text, sizeof(prefix) - 1 + device.len, &digest, err);
  if (rc != CD_OK)
    return rc;
  for (unsigned i = 0; i < DEVICE_SYMBOLS; i++)
    out[i] = digest.bytes[i] & 31u;
  return CD_OK;
}

cd_code cd_release_code_make(cd_str device, const uint8_t random[CD_RELEASE_CODE_RANDOM],
                             cd_release_code *ret_code, cd_err *err)
{
  uint8_t values[CHECK_AT] = {0};
  cd_code rc = device_values(device, values, err);
  if (rc != CD_OK)
    return rc;
  for (unsigned i = 0; i < CD_RELEASE_CODE_RANDOM; i++)
    values[DEVICE_SYMBOLS + i] = random[i] & 31u;
  for (unsigned i = 0; i < CHECK_AT; i++)
    ret_code->symbols[i] = alphabet[values[i]];
  ret_code->symbols[CHECK_AT] = alphabet[check_of(values)];
  ret_code->symbols[CD_RELEASE_CODE_SYMBOLS] = '\0';
  cd_wipe(values, sizeof(values));
  return CD_OK;
}

void cd_release_code_format(const cd_release_code *code, char out[CD_RELEASE_CODE_TEXT])
{
  for (unsigned i = 0; i < CD_RELEASE_CODE_SYMBOLS; i++) {
    if (i > 0 && i % GROUP == 0)
      *out++ = '-';
    *out++ = code->symbols[i];
  }
  *out = '\0';
}

/* ---- reading ---- */

/* 0 to 31, or -1 for a character that is none. */
static int value_of(char c)
{
  if (c >= 'a' && c <= 'z')
    c = (char)(c - 'a' + 'A');
  if (c == 'O')
    c = '0';
  if (c == 'I' || c == 'L')
    c = '1';
  const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
  return at != NULL ? (int)(at - alphabet) : -1;
}

static bool is_gap(char c)
{
  return c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n';
}

/* The values, as many as there are; only the first of them are kept. */
static cd_code read_values(cd_str text, uint8_t values[CD_RELEASE_CODE_SYMBOLS], size_t *ret_count,
                           cd_err *err)
{
  size_t count = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (is_gap(text.ptr[i]))
      continue;
    int value = value_of(text.ptr[i]);
    if (value < 0)
      return cd_fail(err, CD_E_INVALID,
                     "the release code is mistyped: its character %zu is none that a code has, "
                     "which are digits and letters without U",
                     count + 1);
    if (count < CD_RELEASE_CODE_SYMBOLS)
      values[count] = (uint8_t)value;
    count++;
  }
  *ret_count = count;
  return CD_OK;
}

cd_code cd_release_code_parse(cd_str text, cd_release_code *ret_code, cd_err *err)
{
  uint8_t values[CD_RELEASE_CODE_SYMBOLS] = {0};
  size_t count = 0;
  if (text.len > CD_RELEASE_CODE_INPUT_MAX)
    return cd_fail(err, CD_E_INVALID,
                   "the release code is %zu bytes long, a code has %u characters", text.len,
                   CD_RELEASE_CODE_SYMBOLS);
  cd_code rc = read_values(text, values, &count, err);
  if (rc == CD_OK && count != CD_RELEASE_CODE_SYMBOLS)
    rc = cd_fail(err, CD_E_INVALID,
                 "the release code is mistyped: it has %zu characters and a code has %u", count,
                 CD_RELEASE_CODE_SYMBOLS);
  if (rc == CD_OK && check_of(values) != values[CHECK_AT])
    rc = cd_fail(err, CD_E_INVALID,
                 "the release code is mistyped: its last character checks the others and does not "
                 "fit them; have it read out once more");
  if (rc == CD_OK) {
    for (unsigned i = 0; i < CD_RELEASE_CODE_SYMBOLS; i++)
      ret_code->symbols[i] = alphabet[values[i]];
    ret_code->symbols[CD_RELEASE_CODE_SYMBOLS] = '\0';
  }
  cd_wipe(values, sizeof(values));
  return rc;
}

cd_code cd_release_code_is_of(const cd_release_code *code, cd_str device, bool *ret_is_of,
                              cd_err *err)
{
  uint8_t values[DEVICE_SYMBOLS];
  bool same = true;
  cd_code rc = device_values(device, values, err);
  if (rc != CD_OK)
    return rc;
  for (unsigned i = 0; i < DEVICE_SYMBOLS; i++)
    same = same && code->symbols[i] == alphabet[values[i]];
  *ret_is_of = same;
  return CD_OK;
}

cd_code cd_release_code_digest(const cd_release_code *code, cd_str device, cd_str action,
                               const uint8_t salt[CD_CODE_SALT_SIZE], cd_digest *ret_digest,
                               cd_err *err)
{
  char text[ENCODING_MAX];
  char salt_text[CD_BASE64URL_LEN(CD_CODE_SALT_SIZE) + 1];
  if (device.len == 0 || device.len > CD_DEVICE_ID_MAX || action.len == 0 ||
      action.len >= CD_ID_SIZE)
    return cd_fail(err, CD_E_INVALID, "a device's or action's id that is none");
  cd_base64url_text(salt_text, salt, CD_CODE_SALT_SIZE);
  int len = snprintf(text, sizeof(text), "cordon-release-code-1\n%.*s\n%.*s\n%s\n%s",
                     CD_STR_ARG(device), CD_STR_ARG(action), salt_text, code->symbols);
  cd_code rc = len > 0 && (size_t)len < sizeof(text)
                   ? cd_digest_of(text, (size_t)len, ret_digest, err)
                   : cd_fail(err, CD_E_INTERNAL, "a release code's encoding does not fit");
  cd_wipe(text, sizeof(text));
  return rc;
}
