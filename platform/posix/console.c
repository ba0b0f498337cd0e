/* Everything is bytes already. */
#include "platform/console.h"

#include <uv.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

void pf_console_begin(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  /* An agent that goes away, or a reader such as head, is an error to report, not a death. */
  (void)signal(SIGPIPE, SIG_IGN);
}

bool pf_console_moves(int descriptor)
{
  const char *term = getenv("TERM");
  return uv_guess_handle(descriptor) == UV_TTY && (term == NULL || strcmp(term, "dumb") != 0);
}
