/* The header Range: what it comes to is in the file. Input: two bytes of the size, the header. */
#include "range.h"

#include "fuzz_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint64_t offset = UINT64_MAX;
  uint64_t length = UINT64_MAX;
  if (size < 2)
    return 0;
  uint64_t whole = ((uint64_t)data[0] << 8 | data[1]) + 1;
  cd_str text = {(const char *)data + 2, size - 2};
  con_range_kind kind = con_range_read(text, whole, &offset, &length);
  must(kind >= CON_RANGE_ALL && kind <= CON_RANGE_NONE, "no kind");
  if (kind == CON_RANGE_PART)
    must(length > 0 && offset < whole && length <= whole - offset, "it is not in the file");
  else
    must(offset == UINT64_MAX && length == UINT64_MAX, "it is no part, and has a place");
  return 0;
}
