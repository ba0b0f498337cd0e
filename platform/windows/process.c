/* Laid out, not yet filled: a job object ends with its last handle, so that there is nothing to do
 * here. */
#include "platform/process.h"

#include "base/banned.h"

void pf_process_kill_group(int leader)
{
}

void pf_process_end_followers(void)
{
}

cd_code pf_process_start(uint64_t pid, uint64_t *ret_start, cd_err *err)
{
  (void)ret_start;
  return cd_fail(err, CD_E_UNSUPPORTED, "when process %llu was started is not looked up on Windows",
                 (unsigned long long)pid);
}
