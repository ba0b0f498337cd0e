/* Folders for temporary files, where much of what should not be on a device begins. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/xattr.h>

#include "hands.h"
#include "items.h"
#include "parse.h"
#include "proctab.h"
#include "read.h"
#include "walk.h"

enum { ROWS_MAX = 300000, ATTRIBUTES = 1024, HEAD = 4096 };

#define HASHED_FILE (50 * COL_MIB)
#define HASHED_ALL (1024 * COL_MIB)

typedef struct walking {
  col_task *task;
  col_hands *hands;
  col_users users;
  atomic_uint_fast64_t hashed;
  uint64_t rows;
} walking;

#define TEMP_COLUMNS                                                                               \
  "path,type," COL_STAT_COLUMNS ",user,born,inode,links,setuid,setgid,kind,sha256,attributes,"     \
  "link_target"

static const char *type_of(mode_t mode)
{
  return S_ISREG(mode)    ? "file"
         : S_ISDIR(mode)  ? "folder"
         : S_ISLNK(mode)  ? "link"
         : S_ISFIFO(mode) ? "fifo"
         : S_ISSOCK(mode) ? "socket"
         : S_ISCHR(mode)  ? "character device"
         : S_ISBLK(mode)  ? "block device"
                          : "unknown";
}

/* ---- what is there: on both threads ---- */

/* The names of its extended attributes. */
static char *attributes_of(int fd)
{
  char names[ATTRIBUTES];
  ssize_t len = flistxattr(fd, names, sizeof(names));
  if (len <= 1)
    return NULL;
  for (ssize_t i = 0; i + 1 < len; i++)
    names[i] = names[i] == '\0' ? ' ' : names[i];
  return strndup(names, (size_t)len - 1);
}

/* Of a link that is held. */
static char *target_of(int fd)
{
  char target[COL_PATH];
  ssize_t len = readlinkat(fd, "", target, sizeof(target));
  return len > 0 ? strndup(target, (size_t)len) : NULL;
}

static void look_into(walking *w, col_entry *e, int fd)
{
  unsigned char head[HEAD];
  uint64_t size = (uint64_t)e->st.st_size;
  ssize_t len = pread(fd, head, sizeof(head), 0);
  e->kind = col_file_kind(head, len > 0 ? (size_t)len : 0);
  e->attributes = attributes_of(fd);
  if (len >= 0 && (uint64_t)len == size && size < sizeof(head)) {
    col_sha256_of(head, size, e->sha256);
  } else if (atomic_fetch_add(&w->hashed, size) + size > HASHED_ALL) {
    e->not_hashed = true;
    (void)atomic_fetch_sub(&w->hashed, size);
  } else if (size <= HASHED_FILE) {
    col_sha256_fd(w->task, fd, HASHED_FILE, e->sha256);
  } else {
    (void)atomic_fetch_sub(&w->hashed, size);
  }
}

static int open_as(const walking *w, int dir, const char *folder, col_entry *e, int flags,
                   int *ret_fd)
{
  int error = col_open_entry(w->task, dir, folder, e->name, flags, ret_fd);
  e->mounted = e->mounted || error == EXDEV;
  return error == EXDEV ? col_cross_entry(w->task, dir, folder, e->name, flags, ret_fd) : error;
}

/* 0 or an errno; what cannot be read is held, and not read. */
static int open_one(const walking *w, int dir, const char *folder, col_entry *e, int *ret_fd,
                    bool *ret_reads)
{
  int error = ENOENT;
  *ret_reads = e->type == DT_REG;
  if (*ret_reads)
    error = open_as(w, dir, folder, e, O_RDONLY, ret_fd);
  if (error == 0 || error == EREMOTE)
    return error;
  *ret_reads = false;
  return open_as(w, dir, folder, e, O_PATH, ret_fd);
}

/* It is opened first, so that all is said of the one that is read, and its name is looked up once.
 * What vanished meanwhile is not there. */
static void look_at(void *data, int dir, const char *folder, col_entry *e)
{
  walking *w = data;
  int fd = -1;
  bool reads = false;
  int error = open_one(w, dir, folder, e, &fd, &reads);
  e->far = error == EREMOTE;
  e->error = error != ENOENT && error != EREMOTE ? error : 0;
  if (error != 0)
    return;
  e->there = col_stat_fd(fd, &e->st, &e->born) == 0;
  /* It may be another one by now. */
  if (e->there && reads && S_ISREG(e->st.st_mode))
    look_into(w, e, fd);
  if (e->there && S_ISLNK(e->st.st_mode))
    e->target = target_of(fd);
  (void)close(fd);
}

/* ---- rows ---- */

static void put_word(col_task *t, const char *word)
{
  col_plain(t, word, strlen(word));
}

static bool put_entry(void *data, const col_entry *e, const char *path)
{
  walking *w = data;
  col_task *t = w->task;
  const struct stat *st = &e->st;
  if (++w->rows > ROWS_MAX) {
    col_cap(t, "there are more than %d files", ROWS_MAX);
    return false;
  }
  if (e->not_hashed)
    col_cap(t, "files beyond the first %llu MiB are not hashed",
            (unsigned long long)(HASHED_ALL / COL_MIB));
  col_text(t, path);
  put_word(t, type_of(st->st_mode));
  col_stat(t, st);
  col_text(t, col_users_name(&w->users, st->st_uid));
  col_time(t, e->born);
  col_unum(t, st->st_ino);
  col_unum(t, st->st_nlink);
  col_flag(t, S_ISREG(st->st_mode) && (st->st_mode & S_ISUID) != 0);
  col_flag(t, S_ISREG(st->st_mode) && (st->st_mode & S_ISGID) != 0);
  put_word(t, e->kind);
  put_word(t, e->sha256);
  col_text(t, e->attributes);
  col_text(t, e->target);
  return col_row(t);
}

static void walk_folder(walking *w, const char *name, const char *path)
{
  col_task *t = w->task;
  const col_walk_calls calls = {.data = w, .look = look_at, .put = put_entry};
  int fd = -1;
  col_begin(t, name, path);
  int error = col_open_folder(t, path, &fd);
  if (error != 0) {
    col_mark_os(t, error, path);
    col_end(t);
    return;
  }
  w->rows = 0;
  col_head(t, TEMP_COLUMNS);
  if (!col_walk(t, w->hands, fd, path, &calls) && col_left_ms(t) == 0)
    col_cap(t, "the item's time was over, so files are missing");
  col_end(t);
}

static bool walk_run_user(void *data, int dir, const char *name)
{
  walking *w = data;
  char path[COL_PATH];
  char file[COL_NAME];
  (void)dir;
  (void)snprintf(path, sizeof(path), "/run/user/%s", name);
  (void)snprintf(file, sizeof(file), "run_user_%.100s.csv", name);
  walk_folder(w, file, path);
  return col_left_ms(w->task) > 0;
}

void col_temp(col_task *t)
{
  walking *w = calloc(1, sizeof(*w));
  if (w == NULL) {
    col_begin(t, "tmp.csv", "/tmp");
    col_mark(t, COL_ERROR, "there is no memory to look at temporary files");
    return;
  }
  w->task = t;
  w->hands = col_hands_new();
  col_users_read(t, &w->users);
  walk_folder(w, "dev_shm.csv", "/dev/shm");
  walk_folder(w, "tmp.csv", "/tmp");
  walk_folder(w, "var_tmp.csv", "/var/tmp");
  (void)col_each(t, "/run/user", walk_run_user, w);
  col_hands_free(w->hands);
  col_users_release(&w->users);
  free(w);
}
