/* cordon: the command line. Finds out what it talks to, then runs the command. */
#include "command.h"

#include <uv.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* A terminal whose cursor can be moved and whose colours can be changed. */
static bool is_terminal(int fd)
{
  const char *term = getenv("TERM");
  return uv_guess_handle(fd) == UV_TTY && (term == NULL || strcmp(term, "dumb") != 0);
}

/* https://no-color.org: set and not empty. */
static bool wants_no_colour(void)
{
  const char *value = getenv("NO_COLOR");
  return value != NULL && value[0] != '\0';
}

int main(int argc, char **argv)
{
#ifdef SIGPIPE
  /* An agent that goes away, or a reader such as head, is an error to report, not a death. */
  (void)signal(SIGPIPE, SIG_IGN);
#endif
  ctl_context ctx = {
      .out = stdout,
      .err = stderr,
      .style = {.colour = is_terminal(1) && !wants_no_colour()},
      .live = is_terminal(2),
      .shown = uv_guess_handle(1) == UV_TTY,
  };
  return (int)ctl_run(&ctx, argc > 0 ? argc - 1 : 0,
                      (const char *const *)(argv + (argc > 0 ? 1 : 0)));
}
