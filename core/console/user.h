/* Accounts of this machine. */
#ifndef CON_USER_H
#define CON_USER_H

#include <stdint.h>

#include "base/status.h"

/* CD_E_NOTFOUND: there is no such account. */
CD_MUST_USE cd_code con_user_id(const char *name, uint64_t *ret_id, cd_err *err);

#endif
