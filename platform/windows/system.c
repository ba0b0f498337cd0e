/* Laid out, not yet filled: the boot's identifier, QueryInterruptTimePrecise and the service
 * control manager. */
#include "platform/system.h"
#include "platform/user.h"

#include "base/banned.h"

cd_code pf_boot_id(char out[PF_BOOT_ID_MAX], cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "the boot id is not there on Windows yet");
}

cd_code pf_uptime(int64_t *ret_ms, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "the time since the boot is not there on Windows yet");
}

const char *pf_system_name(void)
{
  return "windows";
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

bool pf_user_is_administrator(void)
{
  return false;
}

cd_code pf_user_id(const char *name, uint64_t *ret_id, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "accounts are not looked up on Windows yet");
}

cd_code pf_user_become(const char *name, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "a process does not become '%s' on Windows yet", name);
}
