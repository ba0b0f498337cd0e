/* cordon: the command line. Finds out what it talks to, then runs the command. */
#include "command.h"

#include "platform/console.h"

#include <uv.h>

#include <stdlib.h>

#include "base/banned.h"

/* https://no-color.org: set and not empty. */
static bool wants_no_colour(void)
{
  const char *value = getenv("NO_COLOR");
  return value != NULL && value[0] != '\0';
}

int main(int argc, char **argv)
{
  pf_console_begin(&argc, &argv);
  ctl_context ctx = {
      .out = stdout,
      .err = stderr,
      .style = {.colour = pf_console_moves(1) && !wants_no_colour()},
      .live = pf_console_moves(2),
      .shown = uv_guess_handle(1) == UV_TTY,
  };
  return (int)ctl_run(&ctx, argc > 0 ? argc - 1 : 0,
                      (const char *const *)(argv + (argc > 0 ? 1 : 0)));
}
