/* Returns a number that is no status, at settings.at. settings.status: another number, such as -2;
 * settings.only: only if the parameters hold this text. */
#include "zoo.h"

#include <string.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  char only[ZOO_TEXT_MAX];
  bool picky = zoo_setting("only", only);
  *ret_done = zoo_is_at(call) && (!picky || (req != NULL && strstr(req->params, only) != NULL));
  return *ret_done ? (cordon_status)zoo_number("status", 77) : CORDON_OK;
}
