/* Writes through a null pointer, at settings.at. Built with ZOO_AT_LOAD, while it is being loaded.
 */
#include "zoo.h"

static int *volatile nowhere;

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (zoo_is_at(call))
    *nowhere = 1;
  return CORDON_OK;
}

#ifdef ZOO_AT_LOAD
__attribute__((constructor)) static void at_load(void)
{
  *nowhere = 1;
}
#endif
