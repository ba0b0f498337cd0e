/* Leaves a child behind, at settings.at, which holds the host's standard output and error and ends
 * only when it is ended. It first tries to leave the group. The result's details of apply:
 * {"child":PID,"left_group":BOOL}. */
#include "zoo.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The child's number; *ret_left: it has a session of its own. */
static int leave(bool *ret_left)
{
  int ends[2];
  char answer = 0;
  if (pipe(ends) != 0)
    return -1;
  pid_t child = fork();
  if (child == 0) {
    answer = setsid() > 0 ? 'y' : 'n';
    (void)!write(ends[1], &answer, 1);
    for (;;)
      (void)pause();
  }
  (void)close(ends[1]);
  if (child > 0)
    (void)!read(ends[0], &answer, 1);
  (void)close(ends[0]);
  *ret_left = answer == 'y';
  return child;
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  char details[ZOO_TEXT_MAX];
  bool left = false;
  if (!zoo_is_at(call))
    return CORDON_OK;
  int child = leave(&left);
  if (zoo_setting_is("then", "exits"))
    _exit(0);
  if (strcmp(call, "apply") != 0)
    return CORDON_OK;
  (void)snprintf(details, sizeof(details), "{\"child\":%d,\"left_group\":%s}", child,
                 left ? "true" : "false");
  *ret_done = true;
  return zoo_apply_with(req, details);
}
