/* Processes that are ended together: a plugin host and what its plugin started. */
#ifndef PF_PROCESS_H
#define PF_PROCESS_H

/* Ends at once all processes of the group that `leader` made (pf_confine_self() makes one). Call it
 * before the leader is reaped and again after: while a member is left, the number belongs to no
 * other process. Nothing happens if there is no such group, as before the confinement: end the
 * leader itself as well. */
void pf_process_kill_group(int leader);
/* Ends at once all others of the group that this process leads; none is left when it comes back,
 * unless they are made faster than they are ended. */
void pf_process_end_followers(void);

#endif
