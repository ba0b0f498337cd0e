/* libarchive, by the names of its functions: archive_loaded.c loads it, where it is a library of
 * the system's that most hosts have no use for; linked/archive.c has it linked in. */
#ifndef PH_LIBARCHIVE_H
#define PH_LIBARCHIVE_H

#include "base/status.h"
#include "platform/library.h"

CD_MUST_USE cd_code ph_archive_open(cd_err *err);
CD_MUST_USE cd_code ph_archive_function(const char *symbol, pf_function *ret_function, cd_err *err);

#endif
