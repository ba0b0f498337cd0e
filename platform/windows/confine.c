/* Laid out, not yet filled: a restricted token and a job object. */
#include "platform/confine.h"

#include "base/banned.h"

cd_code pf_confine_self(const pf_confine *c, cd_buf *ret_report, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "the confinement of plugin hosts is not there on Windows yet");
}

cd_code pf_confine_cpu(uint32_t seconds, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "limiting processor time to %u s is not there on Windows yet", seconds);
}

cd_code pf_usage_self(pf_usage *ret_usage, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "counting threads and handles is not there on Windows yet");
}

cd_code pf_harden_self(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "the hardening of daemons is not there on Windows yet");
}

cd_code pf_files_raise(uint64_t *ret_files, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "the limit of open handles is not raised on Windows yet");
}
