/* Uses a whole processor and does not care about being cancelled, at settings.at. */
#include "zoo.h"

#include <stdlib.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  /* Calls into the C library, because ThreadSanitizer hands signals over nowhere else. */
  while (zoo_is_at(call)) {
    void *volatile memory = malloc(64);
    free(memory);
  }
  return CORDON_OK;
}
