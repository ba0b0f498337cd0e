/* Files that nobody but their user and an administrator may open: secrets, and what came out of a
 * device. */
#ifndef PF_PRIVATE_H
#define PF_PRIVATE_H

#include <uv.h>

#include "base/status.h"

/* Whether the open file is a regular one of this user's or an administrator's that nobody else may
 * read or write; CD_E_DENIED says who may, and how to close it. */
CD_MUST_USE cd_code pf_private_check(uv_file file, const char *path, cd_err *err);
/* Makes a file that was not there, to be read and written, for this user alone; it may be renamed
 * while it is open. A link in its place is refused, wherever it leads. CD_E_CONFLICT: something has
 * that name. `name` is for the sentence. */
CD_MUST_USE cd_code pf_private_make(const char *path, const char *name, uv_file *ret_file,
                                    cd_err *err);
/* The same for a folder, and for what will be made in it. */
CD_MUST_USE cd_code pf_private_folder(const char *path, cd_err *err);

#endif
