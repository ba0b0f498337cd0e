/* Laid out, not yet filled: no host runs on macOS, so that it has no followers. */
#include "platform/process.h"

#include "base/banned.h"

void pf_process_end_followers(void)
{
}

cd_code pf_process_start(uint64_t pid, uint64_t *ret_start, cd_err *err)
{
  (void)ret_start;
  return cd_fail(err, CD_E_UNSUPPORTED, "when process %llu was started is not looked up on macOS",
                 (unsigned long long)pid);
}
