/* Never comes back, and does not care about being cancelled, at settings.at. */
#include "zoo.h"

#include <unistd.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  while (zoo_is_at(call))
    (void)pause();
  return CORDON_OK;
}
