/* Laid out, not yet filled: kern.bootsessionuuid, mach_continuous_time. launchd needs no
 * notification. */
#include "platform/system.h"

#include "base/banned.h"

cd_code pf_boot_id(char out[PF_BOOT_ID_MAX], cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "the boot id is not there on macOS yet");
}

cd_code pf_uptime(int64_t *ret_ms, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "the time since the boot is not there on macOS yet");
}

const char *pf_system_name(void)
{
  return "macos";
}

void pf_heap_frugal(void)
{
}

void pf_service_ready(void)
{
}

void pf_service_stopping(void)
{
}
