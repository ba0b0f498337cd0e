/* A group of processes and its end. */
#include "platform/process.h"

#include <signal.h>

#include "base/banned.h"

void pf_process_kill_group(int leader)
{
  /* 0 and -1 would mean our own group and everybody. */
  if (leader > 1)
    (void)kill(-leader, SIGKILL);
}
