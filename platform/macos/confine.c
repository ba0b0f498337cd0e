/* Laid out, not yet filled: macOS will confine with a sandbox profile and resource limits. */
#include "platform/confine.h"

#include "posix/posix.h"

#include "base/banned.h"

cd_code pf_os_undumpable(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "protection from debuggers is not there on macOS yet");
}

cd_code pf_os_close_on_exec(int first, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "closing descriptors from %d on at exec is not there on macOS yet", first);
}

cd_code pf_confine_self(const pf_confine *c, cd_buf *ret_report, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "the confinement of plugin hosts is not there on macOS yet");
}

cd_code pf_usage_self(pf_usage *ret_usage, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "counting threads and descriptors is not there on macOS yet");
}
