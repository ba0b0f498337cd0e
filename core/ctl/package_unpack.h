/* Unpacks a package into a folder that is made for it: what was there before is neither followed
 * nor changed. */
#ifndef CTL_PACKAGE_UNPACK_H
#define CTL_PACKAGE_UNPACK_H

#include "package_read.h"

#include "base/limits.h"

/* Where it goes: `given`, or the package's own name without ".zip". */
CD_MUST_USE cd_code ctl_unpack_folder(const char *path, const char *given, char out[CD_PATH_MAX],
                                      cd_err *err);
/* The folder must not be there, and is not there after a failure: it can be tried again. */
CD_MUST_USE cd_code ctl_unpack(const char *path, const char *folder, ctl_package *ret_package,
                               cd_err *err);

/* Takes the folder away again, with what was unpacked and nothing else. */
void ctl_unpack_remove(const char *folder, const ctl_package *p);

#endif
