/* Uses a whole processor and does not care about being cancelled, at settings.at. */
#include "zoo.h"

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  static volatile unsigned long turns;
  if (zoo_is_at(call)) {
    for (;;)
      turns = turns + 1;
  }
  return CORDON_OK;
}
