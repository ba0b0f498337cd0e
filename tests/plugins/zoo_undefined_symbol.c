/* Needs a symbol that nobody has, and so cannot be loaded. */
#include "zoo.h"

int zoo_nobody_has_this(void);

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  return zoo_is_at(call) && zoo_nobody_has_this() != 0 ? CORDON_E_INTERNAL : CORDON_OK;
}
