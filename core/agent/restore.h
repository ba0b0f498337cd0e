/* `cordond --restore`: puts an isolation that is wanted back in force before the network comes up.
 * A step of the boot, which ends; the agent takes it from there. It needs the state folder, the
 * configuration, and the provider's plugin. */
#ifndef AGENT_RESTORE_H
#define AGENT_RESTORE_H

#include "agent.h"
#include "restore_facts.h"

#define RESTORE_WORK_MS 15000   /* then what is left untried is given up; */
#define RESTORE_ATTEMPT_MS 5000 /* so is one attempt of apply or query */
/* The processes of the plugins end within AGENT_CANCEL_GRACE_MS and AGENT_HOST_QUIT_MS, so that the
 * whole step takes 20 seconds at most. */

enum {
  RESTORE_EXIT_GOOD = 0,    /* nothing to do, or in force as it was */
  RESTORE_EXIT_FAILED = 1,  /* wanted, and not in force */
  RESTORE_EXIT_FALLBACK = 3 /* in force, by less than what was last shown to hold */
};

/* Does all of it; the exit code. Logs what it did. */
int agent_restore(const agent_options *options);

#endif
