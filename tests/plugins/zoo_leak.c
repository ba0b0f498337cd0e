/* Leaves three threads and five descriptors behind, at settings.at; then does its work. */
#include "zoo.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static void *linger(void *arg)
{
  for (;;)
    (void)pause();
  return NULL;
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (!zoo_is_at(call))
    return CORDON_OK;
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, linger, NULL) == 0)
      (void)pthread_detach(thread);
  }
  for (int i = 0; i < 5; i++)
    (void)open(ZOO_NOTHING, O_RDONLY | O_CLOEXEC);
  return CORDON_OK;
}
