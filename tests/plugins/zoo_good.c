/* The faithful one: misbehaves nowhere. */
#include "zoo.h"

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  return CORDON_OK;
}
