/* Processes and users, as several items look them up. */
#ifndef COLLECT_PROCTAB_H
#define COLLECT_PROCTAB_H

#include <dirent.h>

#include "collect.h"

enum { COL_SOCKETS_MAX = 131072, COL_USERS_MAX = 16384, COL_COMM = 64 };

/* Calls `fn` for each process in /proc, with its folder open. False from `fn` stops. 0 or errno. */
typedef bool col_process_fn(void *data, int64_t pid, int dir);
int col_each_process(const col_task *t, col_process_fn *fn, void *data);

/* The name of a process, escaped; empty if it is gone. */
void col_process_name(const col_task *t, int64_t pid, char ret_name[COL_COMM]);
/* The file a process runs, as the kernel names it; empty if it may not be seen. */
void col_process_program(const col_task *t, int64_t pid, char *ret_path, size_t size);

/* Holds on to the file that a process runs, by its folder in /proc, without touching its file
 * system, and tells its path as the kernel names it now: path and file are of one another whatever
 * the process starts next. -1: there is none, or it may not be seen. */
int col_hold_program(int dir, char *ret_path, size_t size);
/* Opens to read what is held, if it is a plain file that is not far. -1: it is not read. */
int col_open_held(const col_task *t, int dir, int held, const char *path, struct stat *ret_st);

/* Which processes hold which sockets. */
typedef struct col_holder {
  uint64_t inode;
  int32_t pid;
} col_holder;
typedef struct col_holders {
  col_holder *items; /* by inode, then by pid */
  size_t count;
  bool full;
  size_t not_seen; /* processes whose files are not shown to us */
} col_holders;
void col_holders_read(col_task *t, col_holders *ret_holders);
void col_holders_release(col_holders *h);
/* The first holder of a socket, and how many there are. */
const col_holder *col_holders_find(const col_holders *h, uint64_t inode, size_t *ret_count);

/* Users and groups of this device's own lists. */
typedef struct col_user {
  int64_t id, gid;
  char *name, *home, *shell;
} col_user;
typedef struct col_users {
  col_user *items;
  size_t count;
} col_users;
void col_users_read(col_task *t, col_users *ret_users);
void col_groups_read(col_task *t, col_users *ret_groups);
void col_users_release(col_users *u);
/* NULL: no name. */
const char *col_users_name(const col_users *u, int64_t id);

#endif
