/* The exit codes of `cordon`: a contract with scripts, documented in cordon(1) and `cordon help
 * exit-codes`. */
#ifndef CTL_EXIT_H
#define CTL_EXIT_H

#include <stddef.h>

#include "base/status.h"

typedef enum ctl_exit {
  CTL_EXIT_DONE = 0,
  CTL_EXIT_FAILED = 1,
  CTL_EXIT_USAGE = 2,
  CTL_EXIT_UNREACHABLE = 3,
  CTL_EXIT_DENIED = 4,
  CTL_EXIT_REFUSED = 5,
  CTL_EXIT_WAITING = 6,
  CTL_EXIT_UNPROVEN = 7
} ctl_exit;

typedef struct ctl_exit_row {
  ctl_exit code;
  const char *meaning;
} ctl_exit_row;

/* Every exit code with its meaning, in order; *ret_count rows. */
const ctl_exit_row *ctl_exit_rows(size_t *ret_count);

/* The exit code for a request that the agent answered with an error. */
ctl_exit ctl_exit_of_error(cd_code code);
/* The exit code for an action that ended Failed with this outcome. */
ctl_exit ctl_exit_of_failed_action(cd_code outcome);
/* The exit code for an answer of the console that is no success, by its HTTP status. One that is no
 * error either, such as a redirect, does not come from the console. */
ctl_exit ctl_exit_of_http(long status);

#endif
