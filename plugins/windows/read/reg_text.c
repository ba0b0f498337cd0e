#include "reg_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/utf16.h"

enum { HEX_SHOWN = 512 };

static const char cut_mark[] = "...(cut)";

const char *win_reg_type(uint32_t type, char ret_buffer[16])
{
  static const char *const names[] = {"REG_NONE",
                                      "REG_SZ",
                                      "REG_EXPAND_SZ",
                                      "REG_BINARY",
                                      "REG_DWORD",
                                      "REG_DWORD_BIG_ENDIAN",
                                      "REG_LINK",
                                      "REG_MULTI_SZ",
                                      "REG_RESOURCE_LIST",
                                      "REG_FULL_RESOURCE_DESCRIPTOR",
                                      "REG_RESOURCE_REQUIREMENTS_LIST",
                                      "REG_QWORD"};
  if (type < sizeof(names) / sizeof(names[0]))
    return names[type];
  (void)snprintf(ret_buffer, 16, "0x%x", (unsigned)type);
  return ret_buffer;
}

typedef struct text {
  char *ptr;
  size_t len;
  size_t size; /* without the room for the mark */
  bool cut;
} text;

static void add_bytes(text *t, const char *bytes, size_t len)
{
  if (len >= t->size - t->len) {
    t->cut = true;
    return;
  }
  memcpy(t->ptr + t->len, bytes, len);
  t->len += len;
}

static void add_units(text *t, const unsigned char *bytes, size_t units)
{
  bool cut = false;
  if (t->cut)
    return;
  t->len += sup_utf16_bytes(bytes, units, t->ptr + t->len, t->size - t->len, &cut);
  t->cut = cut;
}

/* NULs at the end are none of the text; what stands behind one is shown, as somebody hides it. */
static void add_string(text *t, const unsigned char *bytes, size_t len)
{
  size_t units = len / 2;
  while (units > 0 && bytes[2 * units - 2] == 0 && bytes[2 * units - 1] == 0)
    units--;
  add_units(t, bytes, units);
}

static void add_strings(text *t, const unsigned char *bytes, size_t len)
{
  size_t units = len / 2;
  bool first = true;
  while (units > 0 && !t->cut) {
    size_t some = sup_utf16_length(bytes, units);
    if (some > 0) {
      if (!first)
        add_bytes(t, " | ", 3);
      add_units(t, bytes, some);
      first = false;
    }
    size_t step = some < units ? some + 1 : some;
    bytes += 2 * step;
    units -= step;
  }
}

static void add_hex(text *t, const unsigned char *bytes, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len && i < HEX_SHOWN && !t->cut; i++) {
    char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    add_bytes(t, pair, 2);
  }
  t->cut = t->cut || len > HEX_SHOWN;
}

static void add_number(text *t, const unsigned char *bytes, size_t len, bool big_endian)
{
  char number[48];
  uint64_t value = 0;
  for (size_t i = 0; i < len; i++)
    value |= (uint64_t)bytes[i] << 8 * (big_endian ? len - 1 - i : i);
  int made = snprintf(number, sizeof(number), "%llu (0x%llx)", (unsigned long long)value,
                      (unsigned long long)value);
  add_bytes(t, number, (size_t)made);
}

size_t win_reg_value_text(uint32_t type, const void *bytes, size_t len, char *ret_text, size_t size)
{
  enum { SZ = 1, EXPAND_SZ = 2, DWORD_LE = 4, DWORD_BE = 5, LINK = 6, MULTI_SZ = 7, QWORD = 11 };
  ret_text[0] = '\0';
  if (size <= sizeof(cut_mark))
    return 0;
  text t = {.ptr = ret_text, .size = size - (sizeof(cut_mark) - 1)};
  if (type == SZ || type == EXPAND_SZ || type == LINK)
    add_string(&t, bytes, len);
  else if (type == MULTI_SZ)
    add_strings(&t, bytes, len);
  else if ((type == DWORD_LE || type == DWORD_BE) && len == 4)
    add_number(&t, bytes, len, type == DWORD_BE);
  else if (type == QWORD && len == 8)
    add_number(&t, bytes, len, false);
  else
    add_hex(&t, bytes, len);
  if (t.cut) {
    memcpy(t.ptr + t.len, cut_mark, sizeof(cut_mark) - 1);
    t.len += sizeof(cut_mark) - 1;
  }
  t.ptr[t.len] = '\0';
  return t.len;
}
