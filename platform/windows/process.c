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
