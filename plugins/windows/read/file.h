/* Reading files that anybody may have made: links, devices, files that are elsewhere, endless
 * ones. */
#ifndef READ_FILE_H
#define READ_FILE_H

#include "read.h"

typedef struct win_file {
  HANDLE handle;
  uint64_t bytes;
  uint64_t modified; /* 100 ns since 1601 */
} win_file;

/* The path with `\\?\` in front, which lifts the limit of 260 units and takes it as it is: no `..`,
 * no `/`. False: it does not fit. */
bool win_long_path(const wchar_t *path, wchar_t ret_path[WIN_PATH]);

/* Opens a plain file of a local disk to read, whatever its rights where the process may back up
 * files. `path` is absolute; no part of it may be a link, a mount point, or a file that would be
 * fetched from elsewhere. 0, or an error: ERROR_CANT_ACCESS_FILE for those. */
DWORD win_open(const wchar_t *path, win_file *ret_file);
void win_close(win_file *f);

/* Up to `max` bytes; how many. */
size_t win_read(const win_file *f, void *ret_bytes, size_t max);

/* The whole of a small file, which the caller frees, with two NUL bytes behind it. */
DWORD win_read_all(const wchar_t *path, size_t max, char **ret_bytes, size_t *ret_len);

/* Of a path of any length, links not followed; INVALID_FILE_ATTRIBUTES with the reason in
 * GetLastError(). */
DWORD win_attributes(const wchar_t *path);

/* Copies a file into the package as a file of its own; of one that is longer than `max` the last
 * bytes. */
void win_copy(col_task *t, const char *name, const wchar_t *path, uint64_t max);
/* The same into the file that is begun. */
void win_copy_into(col_task *t, const wchar_t *path, uint64_t max);

/* SHA-256 of a file up to `max` bytes, as hex; empty if it is longer or cannot be read. 0 or an
 * error. */
DWORD win_sha256(const col_task *t, const wchar_t *path, uint64_t max,
                 char ret_hex[COL_SHA256_HEX + 1]);

/* Calls `fn` for each entry of a folder but `.` and `..`. 0 or an error; the folder must be no
 * link. */
typedef bool win_entry_fn(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *entry);
DWORD win_each(const col_task *t, const wchar_t *folder, win_entry_fn *fn, void *data);

/* An empty folder that only the system and administrators may enter, for copies that a call of the
 * system wants as files. 0 or an error. */
DWORD win_private_folder(wchar_t ret_path[WIN_PATH]);
void win_remove_folder(const wchar_t *path);

#endif
