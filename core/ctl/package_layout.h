/* Whether a zip is the same to whoever reads its directory and to whoever reads it from its
 * beginning: libarchive takes the names from the entries, other tools from the directory. */
#ifndef CTL_PACKAGE_LAYOUT_H
#define CTL_PACKAGE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Fills `bytes` with the `len` ones from `at` on, which are inside of the file, or fails. */
typedef cd_code (*ctl_layout_read)(void *context, uint64_t at, void *bytes, size_t len,
                                   cd_err *err);

/* The entries stand one behind the other from the first byte on, then comes the directory that has
 * all of them in that order, with the same names, sizes and kinds, and behind its end nothing.
 * `size`: of the file. CD_E_INVALID: it is not so; CD_E_LIMIT. */
CD_MUST_USE cd_code ctl_layout_check(ctl_layout_read read, void *context, uint64_t size,
                                     uint64_t *ret_entries, cd_err *err);

#endif
