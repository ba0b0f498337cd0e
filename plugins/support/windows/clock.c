#include <windows.h>

#include "support/call.h"

uint64_t sup_now_ms(void)
{
  return GetTickCount64();
}
