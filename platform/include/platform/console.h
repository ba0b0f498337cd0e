/* What a program for people starts with: its arguments and its two streams, as UTF-8. */
#ifndef PF_CONSOLE_H
#define PF_CONSOLE_H

#include <stdbool.h>

/* Call it first in main(), once. *argv becomes the arguments in UTF-8, whatever the system's
 * encoding is; it stays until the process ends, and so does what was there if that fails. The
 * standard streams carry bytes as they are. */
void pf_console_begin(int *argc, char ***argv);
/* Whether the descriptor is a terminal whose cursor can be moved and whose colours can be changed by
 * escape sequences. */
bool pf_console_moves(int descriptor);

#endif
