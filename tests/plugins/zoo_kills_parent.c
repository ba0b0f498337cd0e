/* Tries to kill the agent, at settings.at apply. The result's details:
 * {"killed":BOOL,"os_error":N}. Only for a host that is confined to another user. */
#include "zoo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  char details[ZOO_TEXT_MAX];
  if (!zoo_is_at(call) || strcmp(call, "apply") != 0)
    return CORDON_OK;
  int rc = kill(getppid(), SIGKILL) == 0 ? 0 : errno;
  (void)snprintf(details, sizeof(details), "{\"killed\":%s,\"os_error\":%d}",
                 rc == 0 ? "true" : "false", rc);
  *ret_done = true;
  return zoo_apply_with(req, details);
}
