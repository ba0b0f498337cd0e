#include "proctab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "read.h"
#include "support/csv.h"

enum { LIST_MAX = 8 * 1024 * 1024, SMALL = 4096 };

int col_each_process(const col_task *t, col_process_fn *fn, void *data)
{
  int fd = -1;
  int error = col_open_folder(t, "/proc", &fd);
  DIR *dir = error == 0 ? fdopendir(fd) : NULL;
  const struct dirent *e = NULL;
  if (dir == NULL)
    return error != 0 ? error : ENOMEM;
  bool go_on = true;
  while (go_on && !col_stop(t) && (e = readdir(dir)) != NULL) {
    int64_t pid = col_view_number(col_view_of(e->d_name));
    if (pid <= 0)
      continue;
    int at = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (at < 0)
      continue;
    go_on = fn(data, pid, at);
    (void)close(at);
  }
  (void)closedir(dir);
  return 0;
}

static void read_of_process(const col_task *t, int64_t pid, const char *file, char *ret_text,
                            size_t size)
{
  char path[64];
  (void)snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, file);
  col_read_line(t, path, ret_text, size);
}

void col_process_name(const col_task *t, int64_t pid, char ret_name[COL_COMM])
{
  char text[SMALL];
  read_of_process(t, pid, "comm", text, sizeof(text));
  sup_csv_escape(text, strlen(text), ret_name, COL_COMM);
}

void col_process_program(const col_task *t, int64_t pid, char *ret_path, size_t size)
{
  char path[COL_PATH];
  char name[64];
  (void)snprintf(name, sizeof(name), "/proc/%lld/exe", (long long)pid);
  col_path(t, name, path);
  ssize_t len = readlink(path, ret_path, size - 1);
  ret_path[len > 0 ? len : 0] = '\0';
}

int col_hold_program(int dir, char *ret_path, size_t size)
{
  char name[64];
  ret_path[0] = '\0';
  int held = openat(dir, "exe", O_PATH | O_CLOEXEC);
  if (held < 0)
    return -1;
  (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", held);
  ssize_t len = readlink(name, ret_path, size - 1);
  ret_path[len > 0 ? len : 0] = '\0';
  return held;
}

/* The same file by its path, which is gone through this process's own mounts: these may be such as
 * keep the time of access, which tells when a program was last read. */
static int open_by_path(const col_task *t, int held, const char *path, struct stat *ret_st)
{
  int fd = -1;
  struct stat st;
  if (fstat(held, &st) != 0 || col_open(t, path, &fd, ret_st) != 0)
    return -1;
  if (ret_st->st_dev == st.st_dev && ret_st->st_ino == st.st_ino)
    return fd;
  (void)close(fd);
  return -1;
}

int col_open_held(const col_task *t, int dir, int held, const char *path, struct stat *ret_st)
{
  char name[64];
  struct stat st;
  if (held < 0 || path[0] == '\0' || col_judge(t, held, dir, &st) != 0 || !S_ISREG(st.st_mode))
    return -1;
  int fd = open_by_path(t, held, path, ret_st);
  if (fd >= 0)
    return fd;
  (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", held);
  fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0 && (fstat(fd, ret_st) != 0 || !S_ISREG(ret_st->st_mode))) {
    (void)close(fd);
    return -1;
  }
  return fd;
}

/* ---- holders ---- */

typedef struct reading {
  col_task *task;
  col_holders *holders;
  size_t room;
} reading;

static bool add_holder(reading *r, uint64_t inode, int64_t pid)
{
  col_holders *h = r->holders;
  if (h->count == COL_SOCKETS_MAX) {
    h->full = true;
    return false;
  }
  if (h->count == r->room) {
    size_t room = r->room == 0 ? 1024 : r->room * 2;
    col_holder *grown = realloc(h->items, room * sizeof(*grown));
    if (grown == NULL) {
      h->full = true;
      return false;
    }
    h->items = grown;
    r->room = room;
  }
  h->items[h->count++] = (col_holder){.inode = inode, .pid = (int32_t)pid};
  return true;
}

static bool read_holder(void *data, int64_t pid, int at)
{
  reading *r = data;
  int fd = openat(at, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    r->holders->not_seen += errno == EACCES || errno == EPERM ? 1 : 0;
    return true;
  }
  DIR *dir = fdopendir(fd);
  const struct dirent *e = NULL;
  bool go_on = true;
  if (dir == NULL) {
    (void)close(fd);
    return true;
  }
  while (go_on && !col_stop(r->task) && (e = readdir(dir)) != NULL) {
    char target[64] = "";
    ssize_t len = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
    if (len > 8 && strncmp(target, "socket:[", 8) == 0)
      go_on = add_holder(r, (uint64_t)col_view_number(col_view_of(target + 8)), pid);
  }
  (void)closedir(dir);
  return go_on;
}

static int by_inode(const void *a, const void *b)
{
  const col_holder *x = a;
  const col_holder *y = b;
  if (x->inode != y->inode)
    return x->inode < y->inode ? -1 : 1;
  return x->pid < y->pid ? -1 : x->pid > y->pid;
}

void col_holders_read(col_task *t, col_holders *ret_holders)
{
  reading r = {.task = t, .holders = ret_holders};
  *ret_holders = (col_holders){0};
  (void)col_each_process(t, read_holder, &r);
  if (ret_holders->count > 0)
    qsort(ret_holders->items, ret_holders->count, sizeof(*ret_holders->items), by_inode);
}

void col_holders_release(col_holders *h)
{
  free(h->items);
  *h = (col_holders){0};
}

const col_holder *col_holders_find(const col_holders *h, uint64_t inode, size_t *ret_count)
{
  size_t low = 0;
  size_t high = h->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (h->items[middle].inode < inode)
      low = middle + 1;
    else
      high = middle;
  }
  *ret_count = 0;
  if (inode == 0 || low == h->count || h->items[low].inode != inode)
    return NULL;
  while (low + *ret_count < h->count && h->items[low + *ret_count].inode == inode)
    (*ret_count)++;
  return &h->items[low];
}

/* ---- users ---- */

typedef struct listing {
  col_users *users;
  bool groups;
  bool full;
} listing;

static char *copy_field(col_view v)
{
  return strndup(v.ptr, v.len);
}

static bool add_user(void *data, const char *line, size_t len)
{
  listing *l = data;
  col_view fields[7];
  size_t count = col_split((col_view){.ptr = line, .len = len}, ':', fields, 7);
  if (count < (l->groups ? 3u : 7u) || fields[0].len == 0)
    return true;
  col_users *u = l->users;
  if (u->count == COL_USERS_MAX) {
    l->full = true;
    return false;
  }
  if ((u->count & (u->count - 1)) == 0) {
    col_user *grown = realloc(u->items, (u->count == 0 ? 1 : u->count * 2) * sizeof(*grown));
    if (grown == NULL)
      return false;
    u->items = grown;
  }
  u->items[u->count] = (col_user){.id = col_view_number(fields[2]),
                                  .gid = l->groups ? 0 : col_view_number(fields[3]),
                                  .name = copy_field(fields[0]),
                                  .home = l->groups ? NULL : copy_field(fields[5]),
                                  .shell = l->groups ? NULL : copy_field(fields[6])};
  return u->items[u->count++].name != NULL;
}

static void read_list(col_task *t, const char *path, listing *l)
{
  if (col_lines(t, path, LIST_MAX, add_user, l) == EFBIG || l->full)
    col_cap(t, "%s: only its first %d entries or %d bytes", path, COL_USERS_MAX, LIST_MAX);
}

void col_users_read(col_task *t, col_users *ret_users)
{
  listing l = {.users = ret_users};
  *ret_users = (col_users){0};
  read_list(t, "/etc/passwd", &l);
}

void col_groups_read(col_task *t, col_users *ret_groups)
{
  listing l = {.users = ret_groups, .groups = true};
  *ret_groups = (col_users){0};
  read_list(t, "/etc/group", &l);
}

void col_users_release(col_users *u)
{
  for (size_t i = 0; i < u->count; i++) {
    free(u->items[i].name);
    free(u->items[i].home);
    free(u->items[i].shell);
  }
  free(u->items);
  *u = (col_users){0};
}

const char *col_users_name(const col_users *u, int64_t id)
{
  for (size_t i = 0; i < u->count; i++) {
    if (u->items[i].id == id)
      return u->items[i].name;
  }
  return NULL;
}
