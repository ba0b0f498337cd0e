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

enum {
  DEPTH = 32,
  ROWS_MAX = 300000,
  ATTRIBUTES = 1024,
  HEAD = 4096,
  BATCH = 240,
  ALONE = 8, /* fewer than these are not worth a second thread */
  NAME = 256
};

#define HASHED_FILE (50 * COL_MIB)
#define HASHED_ALL (1024 * COL_MIB)

/* An entry of a folder, and what was seen of it. */
typedef struct entry {
  char name[NAME];
  unsigned char type; /* as the folder says */
  bool far;           /* not to be touched */
  bool there;
  bool not_hashed; /* as there were so many before */
  struct stat st;
  int64_t born;
  const char *kind;
  char *attributes; /* or NULL */
  char *target;     /* or NULL */
  char sha256[COL_SHA256_HEX + 1];
} entry;

typedef struct walking {
  col_task *task;
  col_hands *hands;
  col_users users;
  atomic_uint_fast64_t hashed;
  uint64_t rows;
  dev_t device; /* of the folder that is walked: other file systems are not entered */
} walking;

/* Entries of one folder, at which two threads look. */
typedef struct batch {
  walking *w;
  int dir;
  size_t count;
  atomic_size_t next;
  entry items[BATCH];
} batch;

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

static char *target_of(int dir, const char *name)
{
  char target[COL_PATH];
  ssize_t len = readlinkat(dir, name, target, sizeof(target));
  return len > 0 ? strndup(target, (size_t)len) : NULL;
}

static void look_into(walking *w, entry *e, int fd)
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

/* A plain file is opened first, so that all is said of the one that is read, and its name is looked
 * up once. What vanished meanwhile is not there. */
static void look_at(walking *w, int dir, entry *e)
{
  int fd = -1;
  if (e->type == DT_UNKNOWN && col_stat_at(dir, e->name, &e->st, &e->born) == 0)
    e->type = (unsigned char)IFTODT(e->st.st_mode);
  if (e->type == DT_REG)
    fd = openat(dir, e->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  int error =
      fd >= 0 ? col_stat_fd(fd, &e->st, &e->born) : col_stat_at(dir, e->name, &e->st, &e->born);
  e->there = error == 0;
  /* It may be another one by now. */
  if (e->there && fd >= 0 && S_ISREG(e->st.st_mode))
    look_into(w, e, fd);
  if (e->there && S_ISLNK(e->st.st_mode))
    e->target = target_of(dir, e->name);
  if (fd >= 0)
    (void)close(fd);
}

static void look(void *data)
{
  batch *b = data;
  while (!col_stop(b->w->task)) {
    size_t i = atomic_fetch_add(&b->next, 1);
    if (i >= b->count)
      return;
    if (!b->items[i].far)
      look_at(b->w, b->dir, &b->items[i]);
  }
}

/* ---- rows ---- */

/* False: it is too long to be told. */
static bool join(const char *folder, const char *name, char ret_path[COL_PATH])
{
  size_t len = strlen(folder);
  size_t more = strlen(name);
  if (len + 1 + more >= COL_PATH)
    return false;
  memcpy(ret_path, folder, len);
  ret_path[len] = '/';
  memcpy(ret_path + len + 1, name, more + 1);
  return true;
}

static bool put_entry(walking *w, const entry *e, const char *path)
{
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
  col_text(t, type_of(st->st_mode));
  col_stat(t, st);
  col_text(t, col_users_name(&w->users, st->st_uid));
  col_time(t, e->born);
  col_unum(t, st->st_ino);
  col_unum(t, st->st_nlink);
  col_flag(t, S_ISREG(st->st_mode) && (st->st_mode & S_ISUID) != 0);
  col_flag(t, S_ISREG(st->st_mode) && (st->st_mode & S_ISGID) != 0);
  col_text(t, e->kind);
  col_text(t, e->sha256);
  col_text(t, e->attributes);
  col_text(t, e->target);
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

static bool put_one(walking *w, int dir, const char *folder, const entry *e, int depth)
{
  char path[COL_PATH];
  char why[COL_SENTENCE];
  if (!join(folder, e->name, path))
    return true;
  if (e->far) {
    (void)col_is_far(w->task, path, why);
    col_mark(w->task, COL_PARTIAL, "%s: %s", path, why);
    return true;
  }
  if (!e->there)
    return true;
  if (!put_entry(w, e, path))
    return false;
  if (!S_ISDIR(e->st.st_mode) || e->st.st_dev != w->device)
    return true;
  return walk_into(w, dir, path, e->name, depth);
}

/* ---- folders ---- */

static void take_name(batch *b, const struct dirent *d, const char *folder)
{
  char path[COL_PATH];
  entry *e = &b->items[b->count];
  size_t len = strlen(d->d_name);
  if (len >= sizeof(e->name) || !join(folder, d->d_name, path))
    return;
  memcpy(e->name, d->d_name, len + 1);
  e->type = d->d_type;
  e->far = col_is_far(b->w->task, path, NULL);
  e->there = false;
  e->not_hashed = false;
  e->kind = "";
  e->attributes = NULL;
  e->target = NULL;
  e->sha256[0] = '\0';
  b->count++;
}

/* False: there are no more. */
static bool take_names(batch *b, DIR *dir, const char *folder)
{
  const struct dirent *d = NULL;
  b->count = 0;
  while (b->count < BATCH && !col_stop(b->w->task) && (d = readdir(dir)) != NULL) {
    if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
      take_name(b, d, folder);
  }
  return b->count > 0;
}

static bool put_batch(walking *w, const batch *b, const char *folder, int depth)
{
  bool go_on = true;
  for (size_t i = 0; i < b->count; i++) {
    if (go_on && !col_stop(w->task))
      go_on = put_one(w, b->dir, folder, &b->items[i], depth);
    free(b->items[i].attributes);
    free(b->items[i].target);
  }
  return go_on;
}

/* Closes `fd`. */
static bool walk(walking *w, int fd, const char *path, int depth)
{
  DIR *dir = fdopendir(fd);
  batch *b = malloc(sizeof(*b));
  bool go_on = true;
  if (dir == NULL || b == NULL) {
    col_mark(w->task, COL_PARTIAL, "%s: there is no memory to look into it", path);
    (void)(dir != NULL ? closedir(dir) : close(fd));
    free(b);
    return true;
  }
  b->w = w;
  b->dir = dirfd(dir);
  while (go_on && take_names(b, dir, path)) {
    atomic_init(&b->next, 0);
    col_hands_do(b->count < ALONE ? NULL : w->hands, look, b);
    go_on = put_batch(w, b, path, depth);
  }
  (void)closedir(dir);
  free(b);
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
