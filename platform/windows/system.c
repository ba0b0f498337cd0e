/* This run of the machine. */
#include "platform/system.h"

#include "windows/windows.h"

#include <stdio.h>

#include "base/banned.h"

#define BOOT_KEY                                                                                   \
  L"SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\\PrefetchParameters"

/* Windows counts its boots. Where the count is missing it is the time of the boot, which a step of
 * the clock changes: then a state counts as from an earlier boot, which is the careful side. */
cd_code pf_boot_id(char out[PF_BOOT_ID_MAX], cd_err *err)
{
  DWORD count = 0;
  DWORD size = sizeof(count);
  if (RegGetValueW(HKEY_LOCAL_MACHINE, BOOT_KEY, L"BootId", RRF_RT_REG_DWORD, NULL, &count,
                   &size) == ERROR_SUCCESS) {
    (void)snprintf(out, PF_BOOT_ID_MAX, "boot-%lu", (unsigned long)count);
    return CD_OK;
  }
  FILETIME now;
  GetSystemTimePreciseAsFileTime(&now);
  uint64_t now_s = (((uint64_t)now.dwHighDateTime << 32) | now.dwLowDateTime) / 10000000u;
  uint64_t up_s = GetTickCount64() / 1000u;
  /* To ten seconds, so that two looks in one boot agree. */
  (void)snprintf(out, PF_BOOT_ID_MAX, "boot-at-%llu",
                 (unsigned long long)((now_s - up_s + 5) / 10));
  return CD_OK;
}

cd_code pf_uptime(int64_t *ret_ms, cd_err *err)
{
  (void)err;
  /* The time asleep counts here. */
  *ret_ms = (int64_t)GetTickCount64();
  return CD_OK;
}

const char *pf_system_name(void)
{
  return "windows";
}

void pf_heap_frugal(void)
{
}
