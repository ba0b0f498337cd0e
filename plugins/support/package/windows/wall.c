#include "package/item.h"

#include <windows.h>

/* FILETIME counts 100 ns since 1601. */
int64_t col_wall_ms(void)
{
  FILETIME now = {0};
  GetSystemTimeAsFileTime(&now);
  uint64_t ticks = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
  return (int64_t)(ticks / 10000) - 11644473600000;
}
