/* Unpacks a package into a folder that is made for it: what was there before is neither followed
 * nor changed. */
#ifndef CTL_PACKAGE_UNPACK_H
#define CTL_PACKAGE_UNPACK_H

#include "package_check.h"

#include "base/limits.h"

/* Where it goes: `given`, or the package's own name without ".zip". */
CD_MUST_USE cd_code ctl_unpack_folder(const char *path, const char *given, char out[CD_PATH_MAX],
                                      cd_err *err);
/* The folder must not be there, and is not there after a failure, nor where the report has
 * problems: it can be tried again. The caller releases *ret_package and *ret_report, also on
 * failure. */
CD_MUST_USE cd_code ctl_unpack(const char *path, const char *folder, ctl_package *ret_package,
                               ctl_package_report *ret_report, cd_err *err);

#endif
