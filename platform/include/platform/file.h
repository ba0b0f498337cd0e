/* Files with the care that an agent running as root needs. */
#ifndef PF_FILE_H
#define PF_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* Reads a regular file of at most `max` bytes into `out` (appended). */
CD_MUST_USE cd_code pf_file_read(const char *path, size_t max, cd_buf *out, cd_err *err);
/* The same from an open file; the offset does not matter and does not move. A file that is larger
 * is refused (CD_E_LIMIT), never cut. */
CD_MUST_USE cd_code pf_file_read_open(uv_os_fd_t file, const char *name, size_t max, cd_buf *out,
                                      cd_err *err);
/* Replaces the file by rename: content and folder are synced before it returns; readers see the old
 * or the new file, whole. `mode` is a POSIX mode, 0600 for anything that is not public. */
CD_MUST_USE cd_code pf_file_replace(const char *path, cd_str content, unsigned mode, cd_err *err);

/* Removes the file and syncs its folder: it does not come back with a power cut. One that is not
 * there is fine. */
CD_MUST_USE cd_code pf_file_remove(const char *path, cd_err *err);
/* Syncs the folder that the file is in: the name that it was given stays after a power cut. */
CD_MUST_USE cd_code pf_file_sync_name(const char *path, cd_err *err);

/* Opens a file that code or policy is read from, for reading. Refused unless it is a regular file,
 * and it and all its parent folders up to the root belong to root or to the effective user of this
 * process and nobody else may write to them (a sticky folder that others may write to is refused
 * too). Symbolic links are refused in the last component; in parents they are followed and what
 * they lead to is checked. The check is made on the descriptor that is returned; the caller closes
 * it. */
CD_MUST_USE cd_code pf_file_open_trusted(const char *path, uv_os_fd_t *ret_file, cd_err *err);
/* CD_E_DENIED if others than its owner and administrators may read the file. */
CD_MUST_USE cd_code pf_file_private(uv_os_fd_t file, const char *path, cd_err *err);
void pf_file_close(uv_os_fd_t file); /* a negative or invalid handle is fine */
/* The same for a file that is known by libuv's number. */
void pf_number_close(uv_file number);

/* How many bytes the file system that the open file is on has left for those who are no
 * administrators. */
CD_MUST_USE cd_code pf_file_room(uv_os_fd_t file, uint64_t *ret_bytes, cd_err *err);
/* Sets room aside for `len` bytes from `offset` on; the file's size stays, and cutting it to its
 * size or removing it gives back what was not written. CD_E_LIMIT: there is no such room;
 * CD_E_UNSUPPORTED: the file system or this OS cannot. */
CD_MUST_USE cd_code pf_file_reserve(uv_os_fd_t file, uint64_t offset, uint64_t len, cd_err *err);

/* Makes the folder (its parent must exist) with exactly this mode and owner, or checks that it is
 * one already: a folder of another owner or one that more people may write to, a link or another
 * kind of file is refused. owner NULL: the effective user. */
CD_MUST_USE cd_code pf_dir_ensure(const char *path, unsigned mode, const char *owner, cd_err *err);
/* Calls `each` with every name in the folder ending in `suffix`, in the order of the bytes; at most
 * `max` names. Stops at the first failing code and returns it. */
CD_MUST_USE cd_code pf_dir_list(const char *path, const char *suffix, size_t max,
                                cd_code (*each)(void *context, const char *name, cd_err *err),
                                void *context, cd_err *err);

/* A lock that this process holds until it ends: one agent per state folder. CD_E_CONFLICT names the
 * holder's process id if known. */
CD_MUST_USE cd_code pf_file_lock(const char *path, cd_err *err);

#endif
