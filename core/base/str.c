/* Text as pointer and length: comparing, cutting, UTF-8, hex. */
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

cd_str cd_str_from(const char *s)
{
  return s != NULL ? (cd_str){s, strlen(s)} : (cd_str){"", 0};
}

bool cd_str_eq(cd_str a, cd_str b)
{
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool cd_str_eq_cstr(cd_str a, const char *b)
{
  return cd_str_eq(a, cd_str_from(b));
}

bool cd_str_starts(cd_str s, cd_str prefix)
{
  return s.len >= prefix.len && cd_str_eq((cd_str){s.ptr, prefix.len}, prefix);
}

bool cd_str_ends(cd_str s, cd_str suffix)
{
  if (suffix.len == 0)
    return true;
  return s.len >= suffix.len && cd_str_eq((cd_str){s.ptr + s.len - suffix.len, suffix.len}, suffix);
}

cd_str cd_str_cut(cd_str *rest, char sep)
{
  const char *at = rest->len > 0 ? memchr(rest->ptr, sep, rest->len) : NULL;
  if (at == NULL) {
    cd_str whole = *rest;
    *rest = (cd_str){"", 0};
    return whole;
  }
  cd_str before = {rest->ptr, (size_t)(at - rest->ptr)};
  *rest = (cd_str){at + 1, rest->len - before.len - 1};
  return before;
}

char *cd_str_dup(cd_str s)
{
  if (s.len == SIZE_MAX)
    return NULL;
  char *copy = malloc(s.len + 1);
  if (copy == NULL)
    return NULL;
  if (s.len > 0)
    memcpy(copy, s.ptr, s.len);
  copy[s.len] = '\0';
  return copy;
}

bool cd_str_copy(char *out, size_t out_size, cd_str s)
{
  if (out_size == 0)
    return false;
  out[0] = '\0';
  if (s.len >= out_size || (s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL))
    return false;
  if (s.len > 0)
    memcpy(out, s.ptr, s.len);
  out[s.len] = '\0';
  return true;
}

bool cd_str_to_u64(cd_str s, uint64_t max, uint64_t *ret_value)
{
  if (s.len == 0)
    return false;
  uint64_t value = 0;
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] < '0' || s.ptr[i] > '9')
      return false;
    uint64_t digit = (uint64_t)(s.ptr[i] - '0');
    if (value > (UINT64_MAX - digit) / 10)
      return false;
    value = value * 10 + digit;
  }
  if (value > max)
    return false;
  *ret_value = value;
  return true;
}

/* What a lead byte promises: how many bytes, and the range of the second one, which is where
 * overlong forms, surrogates and numbers above U+10FFFF show. */
static size_t utf8_lead(unsigned char c, unsigned char *ret_low, unsigned char *ret_high)
{
  *ret_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  *ret_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  if (c < 0x80)
    return 1;
  if (c >= 0xc2 && c <= 0xdf)
    return 2;
  if (c >= 0xe0 && c <= 0xef)
    return 3;
  if (c >= 0xf0 && c <= 0xf4)
    return 4;
  return 0;
}

size_t cd_str_utf8_next(cd_str s)
{
  if (s.len == 0)
    return 0;
  unsigned char low = 0;
  unsigned char high = 0;
  size_t need = utf8_lead((unsigned char)s.ptr[0], &low, &high);
  if (need == 0 || need > s.len)
    return 0;
  for (size_t i = 1; i < need; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (c < low || c > high)
      return 0;
    low = 0x80;
    high = 0xbf;
  }
  return need;
}

bool cd_str_utf8_valid(cd_str s)
{
  while (s.len > 0) {
    size_t n = cd_str_utf8_next(s);
    if (n == 0)
      return false;
    s = (cd_str){s.ptr + n, s.len - n};
  }
  return true;
}

size_t cd_str_utf8_cut(cd_str s, size_t max)
{
  size_t len = s.len < max ? s.len : max;
  for (size_t back = 1; back <= 3 && back <= len; back++) {
    unsigned char c = (unsigned char)s.ptr[len - back];
    if ((c & 0xc0) == 0x80)
      continue;
    unsigned char low = 0;
    unsigned char high = 0;
    return utf8_lead(c, &low, &high) > back ? len - back : len;
  }
  return len;
}

void cd_hex(char *out, const void *bytes, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  const unsigned char *in = bytes;
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[in[i] >> 4];
    out[2 * i + 1] = digits[in[i] & 0x0f];
  }
  out[2 * len] = '\0';
}

/* 16 for what is no digit. */
static unsigned hex_digit(char c)
{
  if (c >= '0' && c <= '9')
    return (unsigned)(c - '0');
  if (c >= 'a' && c <= 'f')
    return (unsigned)(c - 'a') + 10;
  if (c >= 'A' && c <= 'F')
    return (unsigned)(c - 'A') + 10;
  return 16;
}

bool cd_unhex(void *out, size_t len, cd_str hex)
{
  if (hex.len / 2 != len || hex.len % 2 != 0)
    return false;
  for (size_t i = 0; i < hex.len; i++)
    if (hex_digit(hex.ptr[i]) > 15)
      return false;
  unsigned char *bytes = out;
  for (size_t i = 0; i < len; i++)
    bytes[i] = (unsigned char)((hex_digit(hex.ptr[2 * i]) << 4) | hex_digit(hex.ptr[2 * i + 1]));
  return true;
}

bool cd_equal_constant_time(const void *a, const void *b, size_t len)
{
  const volatile unsigned char *x = a;
  const volatile unsigned char *y = b;
  unsigned char differ = 0;
  for (size_t i = 0; i < len; i++)
    differ |= (unsigned char)(x[i] ^ y[i]);
  return differ == 0;
}
