/* Files that hold a secret. */
#ifndef CTL_FLEET_FILE_H
#define CTL_FLEET_FILE_H

#include "base/buf.h"
#include "base/status.h"

#define FLEET_PRIVATE_MAX 16384u /* a configuration; secrets are shorter */

/* Reads a regular file of at most `max` bytes (and FLEET_PRIVATE_MAX) that belongs to this user or
 * to an administrator and that nobody else may read or write: CD_E_DENIED for any other. Links are
 * followed; what counts is the file that was opened. Wipe the buffer. */
CD_MUST_USE cd_code fleet_file_read_private(const char *path, size_t max, cd_buf *out, cd_err *err);

#endif
