/* Gives a result before its real one, at settings.at. */
#include "zoo.h"

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (zoo_is_at(call))
    (void)zoo_result(req, "{\"state\":\"partial\",\"digest\":\"first\"}");
  return CORDON_OK;
}
