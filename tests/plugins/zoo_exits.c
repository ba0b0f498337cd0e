/* Ends the process as if that were a return, at settings.at. settings.code: the exit code, default
 * 0. */
#include "zoo.h"

#include <stdlib.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (zoo_is_at(call))
    exit((int)zoo_number("code", 0));
  return CORDON_OK;
}
