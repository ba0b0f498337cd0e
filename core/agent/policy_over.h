/* What is in force on this device: what its administrator wrote, and the policy of the fleet laid
 * over it. */
#ifndef AGENT_POLICY_OVER_H
#define AGENT_POLICY_OVER_H

#include "config.h"
#include "journal_policy.h"

/* The record laid over the file; version 0: the file alone. Replaces *config on success only. */
CD_MUST_USE cd_code agent_policy_over(const agent_config *file, const agent_policy_record *record,
                                      agent_config *config, cd_err *err);
/* The same for an agent that does not run, by what its journal keeps. A policy that cannot be read
 * is a failure. */
CD_MUST_USE cd_code agent_policy_over_kept(const char *config_file, const char *state_dir,
                                           agent_config *config, cd_err *err);

#endif
