/* Base64 and base64url, strict. Of our own rather than mbedTLS's, which skips white space and
 * accepts bits that no byte takes. */
#include "protocol/base64.h"

#include "protocol/secret.h"

#include <stdint.h>

#include "base/banned.h"

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four characters for three bytes; `len` is 1, 2 or 3. Returns how many characters stand for
 * something. */
static size_t encode_group(const char *letters, const uint8_t *in, size_t len, char out[4])
{
  uint32_t bits = (uint32_t)in[0] << 16;
  if (len > 1)
    bits |= (uint32_t)in[1] << 8;
  if (len > 2)
    bits |= in[2];
  for (unsigned i = 0; i < 4; i++)
    out[i] = letters[bits >> (18 - 6 * i) & 0x3f];
  return len + 1;
}

static size_t encode(char *out, const char *letters, bool padded, const uint8_t *in, size_t len)
{
  size_t n = 0;
  for (size_t i = 0; i < len; i += 3) {
    char group[4];
    size_t letters_used = encode_group(letters, in + i, len - i < 3 ? len - i : 3, group);
    for (size_t k = 0; k < letters_used; k++)
      out[n++] = group[k];
    for (size_t k = letters_used; padded && k < 4; k++)
      out[n++] = '=';
  }
  out[n] = '\0';
  return n;
}

/* Block by block; each block but the last is a multiple of three, so that no padding falls within.
 */
static void add(cd_buf *out, const char *letters, bool padded, const uint8_t *in, size_t len)
{
  enum { BLOCK = 192 };
  char text[CD_BASE64_LEN(BLOCK) + 1];
  for (size_t i = 0; i < len; i += BLOCK)
    cd_buf_add(out, text, encode(text, letters, padded, in + i, len - i < BLOCK ? len - i : BLOCK));
  cd_wipe(text, sizeof(text)); /* it may have been a password */
}

void cd_base64url_text(char *out, const void *bytes, size_t len)
{
  (void)encode(out, url_alphabet, false, bytes, len);
}

void cd_base64_text(char *out, const void *bytes, size_t len)
{
  (void)encode(out, alphabet, true, bytes, len);
}

void cd_base64url_add(cd_buf *out, const void *bytes, size_t len)
{
  add(out, url_alphabet, false, bytes, len);
}

void cd_base64_add(cd_buf *out, const void *bytes, size_t len)
{
  add(out, alphabet, true, bytes, len);
}

/* 64 for what is no letter. The last two letters are what the alphabets differ in. */
static uint32_t value_of(char c, char letter62, char letter63)
{
  if (c >= 'A' && c <= 'Z')
    return (uint32_t)(c - 'A');
  if (c >= 'a' && c <= 'z')
    return (uint32_t)(c - 'a') + 26;
  if (c >= '0' && c <= '9')
    return (uint32_t)(c - '0') + 52;
  if (c == letter62)
    return 62;
  return c == letter63 ? 63 : 64;
}

static bool decode(cd_str text, char letter62, char letter63, uint8_t *out, size_t out_size,
                   size_t *ret_len)
{
  size_t tail = text.len % 4;
  if (tail == 1)
    return false;
  size_t len = text.len / 4 * 3 + (tail > 0 ? tail - 1 : 0);
  if (len > out_size)
    return false;
  uint32_t bits = 0;
  unsigned held = 0; /* bits that no byte has taken yet */
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint32_t v = value_of(text.ptr[i], letter62, letter63);
    if (v > 63)
      return false;
    bits = bits << 6 | v;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[n++] = (uint8_t)(bits >> held);
    }
  }
  if ((bits & ((1u << held) - 1)) != 0)
    return false;
  *ret_len = len;
  return true;
}

bool cd_base64url_decode(cd_str text, void *out, size_t out_size, size_t *ret_len)
{
  return decode(text, '-', '_', out, out_size, ret_len);
}

bool cd_base64_decode(cd_str text, void *out, size_t out_size, size_t *ret_len)
{
  if (text.len % 4 != 0)
    return false;
  for (unsigned i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++)
    text.len--;
  return decode(text, '+', '/', out, out_size, ret_len);
}
