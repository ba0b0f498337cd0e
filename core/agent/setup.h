/* What an installer has the agent do: `cordond --install` and `--uninstall`. */
#ifndef AGENT_SETUP_H
#define AGENT_SETUP_H

#include <stdbool.h>

#include "base/status.h"

/* The first configuration and the trust list are those that lie beside the program. A configuration
 * that is there already stays, and so do plugins in the trust list that are none of ours. */
CD_MUST_USE cd_code agent_setup(bool start, cd_err *err);
/* Stops the agent and takes its service away; without `keep_state` all that it has written, too. That
 * is refused (CD_E_DENIED), before anything changes, while an isolation is wanted that an
 * administrator of the device may not end. */
CD_MUST_USE cd_code agent_setup_undo(bool keep_state, cd_err *err);

/* The two above, from a command line: true if it was one of them, and *ret_code is what the program
 * ends with. */
bool agent_setup_run(int argc, char **argv, int *ret_code);

#endif
