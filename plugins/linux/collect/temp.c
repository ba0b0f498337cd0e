/* Folders for temporary files, where much of what should not be on a device begins. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/xattr.h>

#include "items.h"
#include "parse.h"
#include "proctab.h"
#include "read.h"

enum { DEPTH = 32, ROWS_MAX = 300000, ATTRIBUTES = 1024, HEAD = 4096 };

#define HASHED_FILE (50 * COL_MIB)
#define HASHED_ALL (1024 * COL_MIB)

typedef struct walking {
  col_task *task;
  col_users users;
  uint64_t hashed;
  uint64_t rows;
  dev_t device; /* of the folder that is walked: other file systems are not entered */
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

/* The names of its extended attributes. */
static void put_attributes(col_task *t, int fd)
{
  char names[ATTRIBUTES];
  ssize_t len = fd >= 0 ? flistxattr(fd, names, sizeof(names)) : 0;
  for (ssize_t i = 0; i + 1 < len; i++)
    names[i] = names[i] == '\0' ? ' ' : names[i];
  col_bytes(t, names, len > 1 ? (size_t)len - 1 : 0);
}

static void put_content(walking *w, int dir, const char *name, const struct stat *st)
{
  col_task *t = w->task;
  unsigned char head[HEAD];
  char sha256[COL_SHA256_HEX + 1] = "";
  const char *kind = "";
  int fd = -1;
  struct stat now;
  if (S_ISREG(st->st_mode))
    fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  /* It may be another one by now. */
  if (fd >= 0 && (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode))) {
    (void)close(fd);
    fd = -1;
  }
  if (fd >= 0) {
    ssize_t len = pread(fd, head, sizeof(head), 0);
    kind = col_file_kind(head, len > 0 ? (size_t)len : 0);
    uint64_t size = (uint64_t)now.st_size;
    if (len >= 0 && (uint64_t)len == size && size < sizeof(head)) {
      col_sha256_of(head, size, sha256);
    } else if (size <= HASHED_FILE && w->hashed + size <= HASHED_ALL) {
      col_sha256_fd(t, fd, HASHED_FILE, sha256);
      w->hashed += size;
    } else if (w->hashed + size > HASHED_ALL) {
      col_cap(t, "files beyond the first %llu MiB are not hashed",
              (unsigned long long)(HASHED_ALL / COL_MIB));
    }
  }
  col_text(t, kind);
  col_text(t, sha256);
  put_attributes(t, fd);
  if (fd >= 0)
    (void)close(fd);
}

static bool put_entry(walking *w, int dir, const char *path, const char *name,
                      const struct stat *st, int64_t born)
{
  col_task *t = w->task;
  char target[COL_PATH];
  ssize_t len = S_ISLNK(st->st_mode) ? readlinkat(dir, name, target, sizeof(target)) : 0;
  if (++w->rows > ROWS_MAX) {
    col_cap(t, "there are more than %d files", ROWS_MAX);
    return false;
  }
  col_text(t, path);
  col_text(t, type_of(st->st_mode));
  col_stat(t, st);
  col_text(t, col_users_name(&w->users, st->st_uid));
  col_time(t, born);
  col_unum(t, st->st_ino);
  col_unum(t, st->st_nlink);
  col_flag(t, S_ISREG(st->st_mode) && (st->st_mode & S_ISUID) != 0);
  col_flag(t, S_ISREG(st->st_mode) && (st->st_mode & S_ISGID) != 0);
  put_content(w, dir, name, st);
  col_bytes(t, target, len > 0 ? (size_t)len : 0);
  return col_row(t);
}

static bool walk(walking *w, int fd, const char *path, int depth);

static bool walk_into(walking *w, int dir, const char *path, const char *name, int depth)
{
  if (depth >= DEPTH) {
    col_cap(w->task, "folders deeper than %d are not entered", DEPTH);
    return true;
  }
  int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    col_mark(w->task, COL_PARTIAL, "%s: %s", path, strerror(errno));
    return true;
  }
  return walk(w, fd, path, depth + 1);
}

static bool walk_entry(walking *w, int dir, const char *folder, const char *name, int depth)
{
  char path[COL_PATH];
  char why[COL_SENTENCE];
  struct stat st;
  int64_t born = 0;
  int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
  if (len < 0 || (size_t)len >= sizeof(path))
    return true;
  if (col_is_far(w->task, path, why)) {
    col_mark(w->task, COL_PARTIAL, "%s: %s", path, why);
    return true;
  }
  /* What vanished meanwhile is not there. */
  if (col_stat_at(dir, name, &st, &born) != 0)
    return true;
  if (!put_entry(w, dir, path, name, &st, born))
    return false;
  if (!S_ISDIR(st.st_mode) || st.st_dev != w->device)
    return true;
  return walk_into(w, dir, path, name, depth);
}

/* Closes `fd`. */
static bool walk(walking *w, int fd, const char *path, int depth)
{
  DIR *dir = fdopendir(fd);
  const struct dirent *e = NULL;
  bool go_on = true;
  if (dir == NULL) {
    (void)close(fd);
    return true;
  }
  while (go_on && !col_stop(w->task) && (e = readdir(dir)) != NULL) {
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      go_on = walk_entry(w, dirfd(dir), path, e->d_name, depth);
  }
  (void)closedir(dir);
  return go_on && !col_stop(w->task);
}

static void walk_folder(walking *w, const char *name, const char *path)
{
  col_task *t = w->task;
  struct stat st;
  int fd = -1;
  col_begin(t, name, path);
  int error = col_open_folder(t, path, &fd);
  if (error != 0) {
    col_mark_os(t, error, path);
    col_end(t);
    return;
  }
  w->rows = 0;
  w->device = fstat(fd, &st) == 0 ? st.st_dev : 0;
  col_head(t, TEMP_COLUMNS);
  if (!walk(w, fd, path, 0) && col_left_ms(t) == 0)
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
  if (w == NULL)
    return;
  w->task = t;
  col_users_read(t, &w->users);
  walk_folder(w, "dev_shm.csv", "/dev/shm");
  walk_folder(w, "tmp.csv", "/tmp");
  walk_folder(w, "var_tmp.csv", "/var/tmp");
  (void)col_each(t, "/run/user", walk_run_user, w);
  col_users_release(&w->users);
  free(w);
}
