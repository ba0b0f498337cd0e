#include "range.h"

#include "route.h"

#include "base/banned.h"

/* Digits and nothing else; more than fit are the largest number. */
static bool read_number(cd_str text, uint64_t *ret)
{
  uint64_t n = 0;
  if (text.len == 0)
    return false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c < '0' || c > '9')
      return false;
    unsigned digit = (unsigned)(c - '0');
    n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
  }
  *ret = n;
  return true;
}

/* The last so many bytes. */
static con_range_kind read_tail(cd_str text, uint64_t size, uint64_t *ret_offset,
                                uint64_t *ret_length)
{
  uint64_t last = 0;
  if (!read_number(text, &last))
    return CON_RANGE_ALL;
  if (last == 0)
    return CON_RANGE_NONE;
  *ret_length = last < size ? last : size;
  *ret_offset = size - *ret_length;
  return CON_RANGE_PART;
}

con_range_kind con_range_read(cd_str text, uint64_t size, uint64_t *ret_offset,
                              uint64_t *ret_length)
{
  uint64_t first = 0;
  uint64_t last = size - 1;
  cd_str rest = text;
  cd_str unit = cd_str_cut(&rest, '=');
  if (!con_same(unit, CD_STR("bytes")) || unit.len == text.len)
    return CON_RANGE_ALL;
  cd_str after = rest;
  cd_str from = cd_str_cut(&after, '-');
  if (from.len == rest.len)
    return CON_RANGE_ALL; /* without a dash */
  if (from.len == 0)
    return read_tail(after, size, ret_offset, ret_length);
  if (!read_number(from, &first) || (after.len > 0 && !read_number(after, &last)) ||
      (after.len > 0 && last < first))
    return CON_RANGE_ALL;
  if (first >= size)
    return CON_RANGE_NONE;
  if (last >= size)
    last = size - 1;
  *ret_offset = first;
  *ret_length = last - first + 1;
  return CON_RANGE_PART;
}
