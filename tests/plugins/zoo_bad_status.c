/* Returns a number that is no status, at settings.at. */
#include "zoo.h"

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  *ret_done = zoo_is_at(call);
  return *ret_done ? 77 : CORDON_OK;
}
