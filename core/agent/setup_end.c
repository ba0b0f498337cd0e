#include "setup_end.h"

#include "policy_over.h"
#include "restore_facts.h"

#include "base/banned.h"

cd_code agent_setup_may_end(const char *config_file, const char *state_dir, cd_err *err)
{
  restore_read found;
  agent_config config;
  restore_read_all(state_dir, &found);
  bool isolated = found.facts.journal == RESTORE_BAD || found.facts.isolated;
  restore_read_release(&found);
  if (!isolated)
    return CD_OK;
  agent_config_init(&config);
  cd_code rc = agent_policy_over_kept(config_file, state_dir, &config, err);
  if (rc != CD_OK)
    (void)cd_err_prefix(err, "the agent stays, since the device is to be isolated");
  else if (config.local_release == AGENT_WHO_CODE || config.local_release == AGENT_WHO_NOBODY)
    rc = cd_fail(
        err, CD_E_DENIED,
        "the agent stays: the device is to be isolated, and the policy lets nobody here end "
        "that; have its console release it first");
  agent_config_release(&config);
  return rc;
}
