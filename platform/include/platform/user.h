/* Accounts, and becoming one: for daemons that an administrator starts. */
#ifndef PF_USER_H
#define PF_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Whether this process may do everything: root, or LocalSystem and administrators. */
bool pf_user_is_administrator(void);
/* The number of an account; CD_E_NOTFOUND if there is none of that name. May block on a directory
 * service: not on a loop's thread. */
CD_MUST_USE cd_code pf_user_id(const char *name, uint64_t *ret_id, cd_err *err);
/* Becomes that account with its groups, for good. Call it while the process has one thread. */
CD_MUST_USE cd_code pf_user_become(const char *name, cd_err *err);

#endif
