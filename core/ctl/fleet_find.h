/* Which device is meant. */
#ifndef CTL_FLEET_FIND_H
#define CTL_FLEET_FIND_H

#include "fleet_read.h"
#include "fleet_session.h"

#define FLEET_NAME_MAX 253u /* a DNS name */

typedef struct fleet_device {
  char id[FLEET_ID_MAX + 1];
  char name[FLEET_NAME_MAX + 1];
} fleet_device;

/* By id, by name (letters in either case), or by the first label of a name. When several fit, one
 * by its whole name and one by its first label included, they are listed, on standard error or with
 * --json in the error, and the command is refused. Whatever fails is reported here: the caller just
 * ends. */
CD_MUST_USE ctl_exit fleet_find(const ctl_context *ctx, fleet_session *s, const char *wanted,
                                fleet_device *ret_device);

/* Pure: whether a device of this name is meant. */
bool fleet_name_fit(cd_str wanted, cd_str name);

#endif
