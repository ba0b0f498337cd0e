/* Takes settings.for_ms (default 60000) at settings.at, whether it is cancelled or not; then does
 * its work. */
#include "zoo.h"

#include <errno.h>
#include <time.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (!zoo_is_at(call))
    return CORDON_OK;
  unsigned long ms = zoo_number("for_ms", 60000);
  struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};
  while (nanosleep(&left, &left) != 0 && errno == EINTR)
    continue;
  return CORDON_OK;
}
