/* Opening files and folders that anybody may have made. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "custom.h"
#include "package.h"
#include "read.h"

/* <linux/configfs.h> is the kernel's own. */
#define CONFIGFS_MAGIC 0x62656570

/* <linux/openat2.h> is younger than some kernels' headers. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define STAY_ON_MOUNT 0x01u /* RESOLVE_NO_XDEV */

enum { LINKS_MAX = 16, PART_MAX = 256 };

void col_path(const col_task *t, const char *path, char ret_path[COL_PATH])
{
  (void)snprintf(ret_path, COL_PATH, "%s%s", col_options_of(t)->root, path);
}

static bool add_mount(void *data, const char *line, size_t len)
{
  col_mounts_add(data, line, len);
  return true;
}

void col_read_mounts(const char *root, col_mounts *ret_mounts)
{
  char path[COL_PATH];
  enum { MOUNTS_TEXT = 4 * 1024 * 1024 };
  char *text = malloc(MOUNTS_TEXT);
  (void)snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int64_t len = fd >= 0 && text != NULL ? col_read_fd(fd, text, MOUNTS_TEXT) : -1;
  if (len > 0)
    col_lines_of(text, (size_t)len, add_mount, ret_mounts);
  if (fd >= 0)
    (void)close(fd);
  free(text);
}

bool col_is_far(const col_task *t, const char *path, char ret_why[COL_SENTENCE])
{
  const char *type = col_mounts_far(&col_device_of(t)->mounts, path);
  if (type != NULL && ret_why != NULL)
    (void)snprintf(ret_why, COL_SENTENCE,
                   "it is on a file system of type %.60s, which may hang and is not read", type);
  return type != NULL;
}

bool col_is_kernels(int fd)
{
  static const unsigned long types[] = {
      PROC_SUPER_MAGIC, SYSFS_MAGIC,        DEBUGFS_MAGIC,       TRACEFS_MAGIC,
      SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,
      EFIVARFS_MAGIC,   PSTOREFS_MAGIC,     SELINUX_MAGIC,       SMACK_MAGIC,
      BINFMTFS_MAGIC,   DEVPTS_SUPER_MAGIC, NSFS_MAGIC,          CONFIGFS_MAGIC};
  struct statfs fs;
  if (fstatfs(fd, &fs) != 0)
    return false;
  for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
    if ((unsigned long)fs.f_type == types[i])
      return true;
  }
  return false;
}

/* O_NOATIME is for the owner and for root; for others it is the host's mounts that keep the time of
 * access, where they can. */
static int open_quietly(int dir, const char *name, int flags)
{
  flags |= O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  int fd = openat(dir, name, flags | O_NOATIME);
  return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd;
}

static int take_file(int fd, int *ret_fd, struct stat *ret_st)
{
  if (fd < 0)
    return errno;
  int error = fstat(fd, ret_st) != 0 ? errno : !S_ISREG(ret_st->st_mode) ? COL_E_NOT_PLAIN : 0;
  if (error != 0)
    (void)close(fd);
  else
    *ret_fd = fd;
  return error;
}

static bool is_roots_own(const struct stat *st)
{
  return st->st_uid == 0 && (S_ISLNK(st->st_mode) || (st->st_mode & 022) == 0);
}

/* A way that is gone part by part, each one opened below the one before, so that nobody can put a
 * link into it between a look and an opening. */
typedef struct way {
  const col_task *task;
  int top;             /* the root */
  int dir;             /* where it has come to, */
  char at[COL_PATH];   /* the same as text, without links; "" is the root */
  char rest[COL_PATH]; /* what is still to go */
  int links;
  bool follow; /* links that root made where nobody else may write */
} way;

static void set_dir(way *w, int fd)
{
  if (w->dir != w->top)
    (void)close(w->dir);
  w->dir = fd;
}

static int way_begin(way *w, const col_task *t, const char *path)
{
  const char *root = col_options_of(t)->root;
  w->task = t;
  w->at[0] = '\0';
  w->links = 0;
  w->follow = true;
  if (snprintf(w->rest, sizeof(w->rest), "%s", path) >= COL_PATH)
    return ENAMETOOLONG;
  w->top = open(root[0] != '\0' ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  w->dir = w->top;
  return w->top < 0 ? errno : 0;
}

static void way_end(way *w)
{
  set_dir(w, w->top);
  (void)close(w->top);
}

/* The next part; empty at the end. */
static int take_part(way *w, char ret_part[PART_MAX])
{
  const char *from = w->rest + strspn(w->rest, "/");
  size_t len = strcspn(from, "/");
  if (len >= PART_MAX)
    return ENAMETOOLONG;
  memcpy(ret_part, from, len);
  ret_part[len] = '\0';
  from += len;
  from += strspn(from, "/");
  memmove(w->rest, from, strlen(from) + 1);
  return 0;
}

static int ask_far(const way *w, const char *part, char ret_path[COL_PATH])
{
  int made = snprintf(ret_path, COL_PATH, "%s/%s", w->at, part);
  if (made < 0 || made >= COL_PATH)
    return ENAMETOOLONG;
  return col_is_far(w->task, ret_path, NULL) ? EREMOTE : 0;
}

/* Puts where a link leads in front of the rest. */
static int follow(way *w, int link, const struct stat *st)
{
  char target[COL_PATH];
  char rest[COL_PATH];
  struct stat folder;
  if (!w->follow || ++w->links > LINKS_MAX || !is_roots_own(st) || fstat(w->dir, &folder) != 0 ||
      !is_roots_own(&folder))
    return ELOOP;
  ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);
  if (len <= 0)
    return len < 0 ? errno : ENOENT;
  target[len] = '\0';
  memcpy(rest, w->rest, sizeof(rest));
  int made = snprintf(w->rest, sizeof(w->rest), "%s/%s", target, rest);
  if (made < 0 || made >= COL_PATH)
    return ENAMETOOLONG;
  if (target[0] == '/') {
    set_dir(w, w->top);
    w->at[0] = '\0';
  }
  return 0;
}

static int go_up(way *w)
{
  char *slash = strrchr(w->at, '/');
  if (slash == NULL)
    return 0;
  int fd = openat(w->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  *slash = '\0';
  set_dir(w, fd);
  return 0;
}

static bool is_dots(const char *part)
{
  return strcmp(part, ".") == 0 || strcmp(part, "..") == 0;
}

/* Goes into a folder, or to where a link leads. */
static int enter(way *w, const char *part)
{
  char path[COL_PATH];
  struct stat st;
  if (is_dots(part))
    return part[1] == '.' ? go_up(w) : 0;
  int error = ask_far(w, part, path);
  if (error != 0)
    return error;
  int fd = openat(w->dir, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno;
  error = col_judge(w->task, fd, -1, &st);
  if (error == 0 && S_ISLNK(st.st_mode))
    error = follow(w, fd, &st);
  else if (error == 0 && !S_ISDIR(st.st_mode))
    error = ENOTDIR;
  if (error != 0 || S_ISLNK(st.st_mode)) {
    (void)close(fd);
    return error;
  }
  memcpy(w->at, path, sizeof(path));
  set_dir(w, fd);
  return 0;
}

/* What is no plain file is not opened at all: opening a device may do something. */
static int is_wanted(const struct stat *st, int flags)
{
  if ((flags & O_DIRECTORY) != 0)
    return S_ISDIR(st->st_mode) ? 0 : ENOTDIR;
  return S_ISREG(st->st_mode) ? 0 : COL_E_NOT_PLAIN;
}

/* The file that a descriptor stands for, whatever its name is by now. */
static int open_again(int fd, int flags)
{
  char name[64];
  flags |= O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
  int again = open(name, flags | O_NOATIME);
  return again < 0 && errno == EPERM ? open(name, flags) : again;
}

/* Opens the last part. 0 with -1: it was a link, and there is more to go. */
static int open_last(way *w, const char *part, int flags, int *ret_fd)
{
  char path[COL_PATH];
  struct stat st;
  int error = ask_far(w, part, path);
  if (error != 0)
    return error;
  int fd = openat(w->dir, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno;
  error = col_judge(w->task, fd, -1, &st);
  if (error == 0 && S_ISLNK(st.st_mode)) {
    error = follow(w, fd, &st);
  } else if (error == 0) {
    error = is_wanted(&st, flags);
    *ret_fd = error == 0 ? open_again(fd, flags) : -1;
    error = error == 0 && *ret_fd < 0 ? errno : error;
    memcpy(w->at, path, sizeof(path));
  }
  (void)close(fd);
  return error;
}

static int go(way *w, int flags, int *ret_fd)
{
  char part[PART_MAX];
  int fd = -1;
  int error = 0;
  while (error == 0 && fd < 0) {
    error = take_part(w, part);
    if (error != 0)
      break;
    if (part[0] == '\0') {
      fd = open_quietly(w->dir, ".", flags);
      error = fd < 0 ? errno : 0;
    } else if (w->rest[0] == '\0' && !is_dots(part)) {
      error = open_last(w, part, flags, &fd);
    } else {
      error = enter(w, part);
    }
  }
  if (error == 0)
    *ret_fd = fd;
  return error;
}

static int go_to_folder(way *w)
{
  char part[PART_MAX];
  for (;;) {
    int error = take_part(w, part);
    if (error != 0 || part[0] == '\0')
      return error;
    error = enter(w, part);
    if (error != 0)
      return error;
  }
}

/* By the way that led to it. What an item asks for by the name that it has is the item's to mask.
 */
static bool is_secret(const way *w, const char *path, const struct stat *st)
{
  return (w->links > 0 && col_secret_named(w->at) != NULL) ||
         (st->st_nlink > 1 && col_secret_other_name(w->task, path, st) != NULL);
}

int col_open(const col_task *t, const char *path, int *ret_fd, struct stat *ret_st)
{
  way w;
  int fd = -1;
  int error = way_begin(&w, t, path);
  if (error != 0)
    return error;
  error = go(&w, 0, &fd);
  if (error == 0)
    error = take_file(fd, ret_fd, ret_st);
  if (error == 0 && is_secret(&w, path, ret_st)) {
    (void)close(*ret_fd);
    error = COL_E_SECRET;
  }
  way_end(&w);
  return error;
}

int col_open_folder(const col_task *t, const char *path, int *ret_fd)
{
  way w;
  int error = way_begin(&w, t, path);
  if (error != 0)
    return error;
  error = go(&w, O_DIRECTORY, ret_fd);
  way_end(&w);
  return error;
}

int col_open_below(const col_task *t, const char *base, const char *rel, int *ret_fd,
                   struct stat *ret_st)
{
  way w;
  int fd = -1;
  int error = way_begin(&w, t, base);
  if (error != 0)
    return error;
  error = go_to_folder(&w);
  w.follow = false;
  if (error == 0 && snprintf(w.rest, sizeof(w.rest), "%s", rel) >= COL_PATH)
    error = ENAMETOOLONG;
  if (error == 0)
    error = go(&w, 0, &fd);
  way_end(&w);
  return error != 0 ? error : take_file(fd, ret_fd, ret_st);
}

/* ---- entries of an open folder ---- */

/* Where the kernel is older than openat2, 5.6, what was mounted when the package was begun is what
 * is known, and the device. */
static int open_by_list(const col_task *t, int dir, const char *folder, const char *name, int flags,
                        int *ret_fd)
{
  char path[COL_PATH];
  struct stat above = {0};
  struct stat st = {0};
  int made = snprintf(path, sizeof(path), "%s/%s", folder, name);
  if (made < 0 || made >= COL_PATH)
    return ENAMETOOLONG;
  if (col_is_far(t, path, NULL))
    return EREMOTE;
  int fd = openat(dir, name, flags);
  if (fd < 0)
    return errno;
  int error = fstat(dir, &above) != 0 || fstat(fd, &st) != 0 ? errno : 0;
  if (error == 0 && st.st_dev != above.st_dev)
    error = EXDEV;
  if (error != 0)
    (void)close(fd);
  else
    *ret_fd = fd;
  return error;
}

int col_open_entry(const col_task *t, int dir, const char *folder, const char *name, int flags,
                   int *ret_fd)
{
  flags |= O_CLOEXEC | O_NOFOLLOW | ((flags & O_PATH) != 0 ? 0 : O_NONBLOCK | O_NOCTTY);
  const struct {
    uint64_t flags, mode, resolve;
  } how = {.flags = (uint64_t)flags, .resolve = STAY_ON_MOUNT};
  long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
  if (fd >= 0)
    *ret_fd = (int)fd;
  else if (errno == ENOSYS || errno == EPERM)
    return open_by_list(t, dir, folder, name, flags, ret_fd);
  return fd >= 0 ? 0 : errno;
}

int col_cross_entry(const col_task *t, int dir, const char *folder, const char *name, int flags,
                    int *ret_fd)
{
  struct stat st;
  int error = col_open_entry(t, dir, folder, name, flags, ret_fd);
  if (error != EXDEV)
    return error;
  int held = openat(dir, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (held < 0)
    return errno;
  /* A mount that does not even say what it is, as FUSE does to others than its user. */
  error = col_judge(t, held, -1, &st) != 0 ? EREMOTE : 0;
  if (error == 0 && flags == O_PATH) {
    *ret_fd = held;
    return 0;
  }
  if (error == 0)
    error = is_wanted(&st, flags);
  if (error == 0) {
    *ret_fd = open_again(held, flags);
    error = *ret_fd < 0 ? errno : 0;
  }
  (void)close(held);
  return error;
}
