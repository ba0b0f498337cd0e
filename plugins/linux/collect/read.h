/* Reading files that anybody may have made: links, special files, endless ones, and file systems
 * that hang. */
#ifndef COLLECT_READ_H
#define COLLECT_READ_H

#include "collect.h"
#include "mounts.h"

/* The far file systems, from /proc/self/mountinfo below `root`. */
void col_read_mounts(const char *root, col_mounts *ret_mounts);

/* `path` below the root of the options. */
void col_path(const col_task *t, const char *path, char ret_path[COL_PATH]);

/* Whether a path, as this device sees it, is on a file system that may hang; then with a sentence
 * in `ret_why`. */
bool col_is_far(const col_task *t, const char *path, char ret_why[COL_SENTENCE]);

/* Type, mode and owner of an opened file (O_PATH is enough), without waiting for its file system.
 * 0, an errno, or EREMOTE: the mount that it was opened through may hang, or nothing is known of
 * it. `process`: the folder of the process that it is of, whose mounts may be others; or -1. */
int col_judge(const col_task *t, int fd, int process, struct stat *ret_st);

/* Whether an open file is on a file system of the kernel's own, as /proc and /sys are: its files
 * may do something when they are read. */
bool col_is_kernels(int fd);

/* What this plugin refuses, as errnos that the files it reads do not give: what is never taken, as
 * a link leads to it or it is another name of it; and what is no plain file. */
#define COL_E_SECRET EKEYREJECTED
#define COL_E_NOT_PLAIN ENOTBLK

/* Why a file was not opened, in words: of ELOOP, EREMOTE and these two what they mean here,
 * of another errno what the system says. The text is static or of the thread. */
const char *col_why(int os_error);
/* One of those four: it was not opened because this plugin does not. */
bool col_is_refusal(int os_error);

/* Opens a plain file to read, part by part of its path. Links, in any part, are followed only where
 * the link and its folder belong to root and nobody else may write there. 0, or an errno: ELOOP for
 * a link, COL_E_NOT_PLAIN, EREMOTE for a far file system, COL_E_SECRET. */
int col_open(const col_task *t, const char *path, int *ret_fd, struct stat *ret_st);

/* The same for `rel` below the folder `base`, of which no component may be a link: for what is in
 * the home of a user, who may put a link wherever they like. */
int col_open_below(const col_task *t, const char *base, const char *rel, int *ret_fd,
                   struct stat *ret_st);

/* Opens a folder by the same rules. */
int col_open_folder(const col_task *t, const char *path, int *ret_fd);

/* Opens an entry of the open folder `dir`, which `folder` names, links not followed, with the flags
 * O_RDONLY, O_RDONLY | O_DIRECTORY or O_PATH. 0, or an errno: EXDEV where something is mounted over
 * it, whenever that was; EREMOTE if that is known to be far. What is mounted is not touched. */
int col_open_entry(const col_task *t, int dir, const char *folder, const char *name, int flags,
                   int *ret_fd);
/* The same, and opens what is mounted there unless that is far. */
int col_cross_entry(const col_task *t, int dir, const char *folder, const char *name, int flags,
                    int *ret_fd);

/* The first `size` - 1 bytes of a file, with a NUL behind them; how many, or -errno. */
int64_t col_read(const col_task *t, const char *path, char *ret_text, size_t size);
int64_t col_read_fd(int fd, char *ret_text, size_t size);
int64_t col_read_at(int dir, const char *name, char *ret_text, size_t size);

/* The first line of a small file; empty if it cannot be read. */
void col_read_line(const col_task *t, const char *path, char *ret_text, size_t size);

/* Calls `fn` for each line of a file, without its end; a line longer than 64 KiB comes in parts.
 * Stops where `fn` says false, and at `max` bytes. 0 or an errno. */
typedef bool col_line_fn(void *data, const char *line, size_t len);
int col_lines_fd(const col_task *t, int fd, uint64_t max, col_line_fn *fn, void *data);
int col_lines(const col_task *t, const char *path, uint64_t max, col_line_fn *fn, void *data);
/* The same of what the device has mounted, as the agent sees it. */
int col_agents_mounts(const col_task *t, col_line_fn *fn, void *data);
/* The same of the last `max` bytes, from the first line that begins within: what is newest in a
 * log. `ret_cut`: there was more in front of it. */
int col_last_lines_fd(const col_task *t, int fd, uint64_t max, col_line_fn *fn, void *data,
                      bool *ret_cut);
/* The same over a text. Pure. */
void col_lines_of(const char *text, size_t len, col_line_fn *fn, void *data);

/* Copies a file into the package as a file of its own; of one that is longer than `max` the last
 * bytes. */
void col_copy(col_task *t, const char *name, const char *path, uint64_t max);
/* A file that says why what is in the folder `where` is not told, if there is such a folder. */
void col_say_untold(col_task *t, const char *name, const char *where, const char *why);
/* Copies a file of settings line by line, without what may be a password. */
void col_copy_masked(col_task *t, const char *name, const char *path);
/* The bytes of an open file into the file that is begun. */
void col_copy_fd(col_task *t, int fd, const struct stat *st, uint64_t max);

/* Calls `fn` for each entry of a folder but `.` and `..`, sorted by name where there are at most
 * 20,000. 0 or an errno. */
typedef bool col_entry_fn(void *data, int dir, const char *name);
int col_each(const col_task *t, const char *path, col_entry_fn *fn, void *data);

/* SHA-256 of an open file up to `max` bytes, as hex; empty if it is longer or cannot be read. */
void col_sha256_fd(const col_task *t, int fd, uint64_t max, char ret_hex[COL_SHA256_HEX + 1]);
/* The same of a program, of which `st` is what fstat says: each is read once for a package, while
 * it is not changed. */
void col_sha256_program(const col_task *t, int fd, const struct stat *st,
                        char ret_hex[COL_SHA256_HEX + 1]);
void col_sha256_of(const void *bytes, size_t len, char ret_hex[COL_SHA256_HEX + 1]);

/* What stat tells of an entry of a folder, links not followed, and when it was made (0: not told),
 * unless `ret_born` is NULL. What is mounted over it is not waited for. 0 or an errno. */
int col_stat_at(int dir, const char *name, struct stat *ret_st, int64_t *ret_born);
/* The same of what is open. */
int col_stat_fd(int fd, struct stat *ret_st, int64_t *ret_born);

#endif
