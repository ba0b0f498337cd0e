#include "support/utf16.h"

#include <stdint.h>

static uint32_t unit_at(const void *from, size_t i)
{
  const unsigned char *at = (const unsigned char *)from + 2 * i;
  return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static bool is_high(uint32_t unit)
{
  return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
  return unit >= 0xdc00 && unit < 0xe000;
}

static size_t encode(uint32_t c, unsigned char ret_bytes[4])
{
  if (c < 0x80) {
    ret_bytes[0] = (unsigned char)c;
    return 1;
  }
  size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--, c >>= 6)
    ret_bytes[i] = (unsigned char)(0x80 | (c & 0x3f));
  static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
  ret_bytes[0] = (unsigned char)(first[len] | c);
  return len;
}

size_t sup_utf16_length(const void *from, size_t units)
{
  size_t len = 0;
  while (len < units && unit_at(from, len) != 0)
    len++;
  return len;
}

size_t sup_utf16_bytes(const void *from, size_t units, char *ret_text, size_t size, bool *ret_cut)
{
  size_t used = 0;
  size_t i = 0;
  while (i < units) {
    unsigned char bytes[4];
    uint32_t c = unit_at(from, i);
    size_t took = 1;
    if (is_high(c) && i + 1 < units && is_low(unit_at(from, i + 1))) {
      c = 0x10000 + ((c - 0xd800) << 10) + (unit_at(from, i + 1) - 0xdc00);
      took = 2;
    }
    size_t len = encode(c, bytes);
    if (len >= size - used)
      break;
    for (size_t b = 0; b < len; b++)
      ret_text[used++] = (char)bytes[b];
    i += took;
  }
  ret_text[used] = '\0';
  if (ret_cut != NULL)
    *ret_cut = i < units;
  return used;
}

size_t sup_utf16_text(const void *from, size_t units, char *ret_text, size_t size, bool *ret_cut)
{
  return sup_utf16_bytes(from, sup_utf16_length(from, units), ret_text, size, ret_cut);
}
