/* Prints to standard output and error: lines, a line of 100,000 characters, bytes that are no text,
 * a line that looks like the agent's own, and an end without a newline. Then does its work. */
#include "zoo.h"

#include <stdio.h>
#include <unistd.h>

static void shout(int fd)
{
  static const char binary[] = "binary: \0\x01\x7f\xff\xfe\x1b[31m\n";
  static const char forged[] = "2026-01-01T00:00:00.000Z error agent: forged\n";
  static const char open_end[] = "no newline at the end";
  for (int i = 0; i < 10000; i++)
    (void)!write(fd, "0123456789", 10);
  (void)!write(fd, "\n", 1);
  (void)!write(fd, binary, sizeof(binary) - 1);
  (void)!write(fd, forged, sizeof(forged) - 1);
  (void)!write(fd, open_end, sizeof(open_end) - 1);
}

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  if (!zoo_is_at(call))
    return CORDON_OK;
  (void)printf("printed with printf\n");
  (void)fprintf(stderr, "printed to standard error\n");
  shout(STDOUT_FILENO);
  shout(STDERR_FILENO);
  return CORDON_OK;
}
