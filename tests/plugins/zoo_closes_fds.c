/* Writes garbage to the descriptors 3 and 4, then closes 0 to 63, at settings.at; then does its
 * work. */
#include "zoo.h"

#include <unistd.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  static const char garbage[] = "this is no frame at all";
  if (!zoo_is_at(call))
    return CORDON_OK;
  (void)!write(3, garbage, sizeof(garbage));
  (void)!write(4, garbage, sizeof(garbage));
  for (int fd = 0; fd < 64; fd++)
    (void)close(fd);
  return CORDON_OK;
}
