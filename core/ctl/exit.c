/* Which status ends in which exit code. One table: scripts, the man page and the tests read it. */
#include "exit.h"

#include "base/banned.h"

static const ctl_exit_row rows[] = {
    {CTL_EXIT_DONE, "done, and proven where it can be proven; without waiting: accepted"},
    {CTL_EXIT_FAILED, "the action failed, or what was checked is wrong"},
    {CTL_EXIT_USAGE, "the command line makes no sense"},
    {CTL_EXIT_UNREACHABLE,
     "the agent or the console cannot be reached, or what answers there is neither"},
    {CTL_EXIT_DENIED, "you are not allowed to"},
    {CTL_EXIT_REFUSED, "refused before anything changed"},
    {CTL_EXIT_WAITING, "stopped waiting; an action that was accepted goes on"},
    {CTL_EXIT_UNPROVEN, "changed, but only in part or not proven"},
};

const ctl_exit_row *ctl_exit_rows(size_t *ret_count)
{
  *ret_count = sizeof(rows) / sizeof(rows[0]);
  return rows;
}

typedef struct code_row {
  cd_code code;
  ctl_exit error;  /* the agent refused the request with this status */
  ctl_exit failed; /* the action ended Failed with this outcome */
} code_row;

/* DENIED differs: as an error it is about who asks; as an outcome the OS or the product refused the
 * provider. So does DEADLINE: as an error the agent stopped waiting for an action that goes on; as
 * an outcome the action is over. */
static const code_row codes[] = {
    {CD_PARTIAL, CTL_EXIT_UNPROVEN, CTL_EXIT_UNPROVEN},
    {CD_REBOOT, CTL_EXIT_UNPROVEN, CTL_EXIT_UNPROVEN},
    {CD_E_INVALID, CTL_EXIT_REFUSED, CTL_EXIT_REFUSED},
    {CD_E_UNSUPPORTED, CTL_EXIT_REFUSED, CTL_EXIT_REFUSED},
    {CD_E_UNAVAILABLE, CTL_EXIT_REFUSED, CTL_EXIT_REFUSED},
    {CD_E_DENIED, CTL_EXIT_DENIED, CTL_EXIT_FAILED},
    {CD_E_NOTFOUND, CTL_EXIT_REFUSED, CTL_EXIT_FAILED},
    {CD_E_CONFLICT, CTL_EXIT_REFUSED, CTL_EXIT_REFUSED},
    {CD_E_CANCELLED, CTL_EXIT_FAILED, CTL_EXIT_FAILED},
    {CD_E_DEADLINE, CTL_EXIT_WAITING, CTL_EXIT_FAILED},
    {CD_E_LIMIT, CTL_EXIT_REFUSED, CTL_EXIT_FAILED},
    {CD_E_UNVERIFIED, CTL_EXIT_UNPROVEN, CTL_EXIT_UNPROVEN},
};

static const code_row *find(cd_code code)
{
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    if (codes[i].code == code)
      return &codes[i];
  return NULL;
}

ctl_exit ctl_exit_of_error(cd_code code)
{
  const code_row *row = find(code);
  return row != NULL ? row->error : CTL_EXIT_FAILED;
}

ctl_exit ctl_exit_of_failed_action(cd_code outcome)
{
  const code_row *row = find(outcome);
  return row != NULL ? row->failed : CTL_EXIT_FAILED;
}

ctl_exit ctl_exit_of_http(long status)
{
  if (status == 401 || status == 403)
    return CTL_EXIT_DENIED;
  if (status >= 400 && status < 500)
    return CTL_EXIT_REFUSED;
  return status >= 500 ? CTL_EXIT_FAILED : CTL_EXIT_UNREACHABLE;
}
