#include "support/utf8.h"

size_t sup_utf8_sequence(const char *bytes, size_t len)
{
  const unsigned char *s = (const unsigned char *)bytes;
  if (len == 0 || s[0] < 0x80)
    return len == 0 ? 0 : 1;
  size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
  if (s[0] < 0xc2 || s[0] > 0xf4 || need > len)
    return 0;
  for (size_t i = 1; i < need; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
  }
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
      (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
    return 0;
  return need;
}
