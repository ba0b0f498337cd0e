/* Tries to start another process, at settings.at. settings.how: fork (default), exec or spawn. What
 * came of it is in the result's details: {"tried":HOW,"started":BOOL,"os_error":N}. */
#include "zoo.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[] = "/bin/true";
static char *const no_arguments[] = {program, NULL};
static char *const no_environment[] = {NULL};

/* The error number, 0 if a process was started. */
static int try_it(const char *how)
{
  pid_t pid = -1;
  int rc = 0;
  if (strcmp(how, "exec") == 0) {
    (void)execve(program, no_arguments, no_environment);
    return errno;
  }
  if (strcmp(how, "spawn") == 0) {
    rc = posix_spawn(&pid, program, NULL, NULL, no_arguments, no_environment);
  } else {
    pid = fork();
    rc = pid < 0 ? errno : 0;
    if (pid == 0)
      _exit(0);
  }
  if (rc == 0)
    (void)waitpid(pid, NULL, 0);
  return rc;
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  char how[ZOO_TEXT_MAX];
  char details[2 * ZOO_TEXT_MAX];
  if (!zoo_is_at(call) || strcmp(call, "apply") != 0)
    return CORDON_OK;
  if (!zoo_setting("how", how))
    (void)snprintf(how, sizeof(how), "fork");
  int rc = try_it(how);
  (void)snprintf(details, sizeof(details), "{\"tried\":\"%s\",\"started\":%s,\"os_error\":%d}", how,
                 rc == 0 ? "true" : "false", rc);
  *ret_done = true;
  return zoo_apply_with(req, details);
}
