/* Laid out, not yet filled: no host runs on macOS, so that it has no followers. */
#include "platform/process.h"

#include "base/banned.h"

void pf_process_end_followers(void)
{
}
