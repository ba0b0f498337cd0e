/* Lays hands on another plugin, at settings.at apply: kills, stops and limits the process
 * settings.victim, and makes and changes files in the folder settings.folder. The result's details:
 * the error number of each, 0 if it worked. */
#include "zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int error_of(long rc)
{
  return rc < 0 ? errno : 0;
}

static int open_in(const char *folder, const char *name, int flags)
{
  char path[2 * ZOO_TEXT_MAX];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  int fd = open(path, flags | O_CLOEXEC, 0600);
  int error = error_of(fd);
  if (fd >= 0)
    (void)close(fd);
  return error;
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  const struct rlimit low = {.rlim_cur = 1, .rlim_max = 1};
  char folder[ZOO_TEXT_MAX];
  char details[2 * ZOO_TEXT_MAX];
  pid_t victim = (pid_t)zoo_number("victim", 0);
  if (!zoo_is_at(call) || strcmp(call, "apply") != 0 || victim <= 1 ||
      !zoo_setting("folder", folder))
    return CORDON_OK;
  int limit = error_of(prlimit(victim, RLIMIT_NOFILE, &low, NULL));
  int mode = error_of(chmod(folder, 0777));
  int stop = error_of(kill(victim, SIGSTOP));
  int end = error_of(kill(victim, SIGKILL));
  (void)snprintf(details, sizeof(details),
                 "{\"limit\":%d,\"mode\":%d,\"stop\":%d,\"kill\":%d,\"make\":%d,\"change\":%d}",
                 limit, mode, stop, end, open_in(folder, "made", O_WRONLY | O_CREAT),
                 open_in(folder, "state", O_WRONLY | O_TRUNC));
  *ret_done = true;
  return zoo_apply_with(req, details);
}
