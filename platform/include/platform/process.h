/* Processes that are ended together: a plugin host and what its plugin started. */
#ifndef PF_PROCESS_H
#define PF_PROCESS_H

#include <stdint.h>

#include "base/status.h"

/* When a process was started, in the ticks that its system counts from its boot: with its number
 * and the boot it is the process, and no other that gets the number later. CD_E_NOTFOUND: there is
 * none; CD_E_UNSUPPORTED on some systems. */
CD_MUST_USE cd_code pf_process_start(uint64_t pid, uint64_t *ret_start, cd_err *err);

/* Ends at once all processes of the group that `leader` made (pf_confine_self() makes one). Call it
 * before the leader is reaped and again after: while a member is left, the number belongs to no
 * other process. Nothing happens if there is no such group, as before the confinement: end the
 * leader itself as well. */
void pf_process_kill_group(int leader);
/* Ends at once all others of the group that this process leads; none is left when it comes back,
 * unless they are made faster than they are ended. */
void pf_process_end_followers(void);

#endif
