/* What an installer has the agent do: `cordond --install` and `--uninstall`. */
#ifndef AGENT_SETUP_H
#define AGENT_SETUP_H

#include <stdbool.h>

#include "base/status.h"

/* The first configuration and the trust list are those that lie beside the program. A configuration
 * that is there already stays, and so do plugins in the trust list that are none of ours. */
CD_MUST_USE cd_code agent_setup(bool start, cd_err *err);
typedef enum agent_setup_keep {
  AGENT_SETUP_KEEP_NOTHING = 0,
  AGENT_SETUP_KEEP_STATE,   /* what the agent has written */
  AGENT_SETUP_KEEP_SERVICE, /* and its service, stopped: another version takes it over */
} agent_setup_keep;

/* Stops the agent and takes away what is not to be kept. To keep nothing is refused (CD_E_DENIED),
 * and the agent runs on, while an isolation is wanted that an administrator of the device may not
 * end. */
CD_MUST_USE cd_code agent_setup_undo(agent_setup_keep keep, cd_err *err);

/* The two above, from a command line: true if it was one of them, and *ret_code is what the program
 * ends with. */
bool agent_setup_run(int argc, char **argv, int *ret_code);

#endif
