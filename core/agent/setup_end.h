/* Whether the agent may be taken off a device. */
#ifndef AGENT_SETUP_END_H
#define AGENT_SETUP_END_H

#include "base/status.h"

/* Of an agent that does not run. CD_E_DENIED while an isolation is wanted that configuration and
 * policy let nobody on the device end; a failure too where that cannot be read: it says nothing in
 * favour of a release. */
CD_MUST_USE cd_code agent_setup_may_end(const char *config_file, const char *state_dir,
                                        cd_err *err);

#endif
