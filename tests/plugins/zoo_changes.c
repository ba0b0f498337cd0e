#include "zoo.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

int zoo_changes_open(const char *folder)
{
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd >= 0 && inotify_add_watch(fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) < 0) {
    (void)close(fd);
    return -1;
  }
  return fd;
}

bool zoo_changes_wait(int changes, int ms)
{
  char events[4096];
  struct pollfd ready = {.fd = changes, .events = POLLIN};
  return poll(&ready, 1, ms) > 0 && read(changes, events, sizeof(events)) > 0;
}

void zoo_changes_close(int changes)
{
  (void)close(changes);
}
