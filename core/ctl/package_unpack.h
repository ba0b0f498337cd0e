/* Unpacks a package into a folder that is made for it: what was there before is neither followed
 * nor changed. */
#ifndef CTL_PACKAGE_UNPACK_H
#define CTL_PACKAGE_UNPACK_H

#include "package_read.h"

#include "base/limits.h"

/* Where it goes: `given`, or the package's own name without ".zip". */
CD_MUST_USE cd_code ctl_unpack_folder(const char *path, const char *given, char out[CD_PATH_MAX],
                                      cd_err *err);
/* The folder must not be there. What was unpacked before a failure stays, to be looked at. */
CD_MUST_USE cd_code ctl_unpack(const char *path, const char *folder, ctl_package *ret_package,
                               cd_err *err);

#endif
