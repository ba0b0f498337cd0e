/* Opening files and folders that anybody may have made. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "package.h"
#include "read.h"

enum { LINKS_MAX = 8, PART_MAX = 256 };

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
  const char *type = col_mounts_far(&t->p->mounts, path);
  if (type != NULL && ret_why != NULL)
    (void)snprintf(ret_why, COL_SENTENCE,
                   "it is on a file system of type %.60s, which may hang and is not read", type);
  return type != NULL;
}

/* O_NOATIME is for the owner and for root; others get the time of access changed. */
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
  int error = fstat(fd, ret_st) != 0 ? errno : !S_ISREG(ret_st->st_mode) ? EINVAL : 0;
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

/* Where a link leads, if root made it. */
static bool follow(const col_task *t, const char *path, char ret_path[COL_PATH])
{
  char full[COL_PATH];
  char target[COL_PATH];
  struct stat st;
  col_path(t, path, full);
  if (lstat(full, &st) != 0 || !S_ISLNK(st.st_mode) || !is_roots_own(&st))
    return false;
  ssize_t len = readlink(full, target, sizeof(target) - 1);
  char *slash = strrchr(full, '/');
  if (len <= 0 || slash == NULL)
    return false;
  target[len] = '\0';
  slash[slash == full ? 1 : 0] = '\0';
  if (stat(full, &st) != 0 || !is_roots_own(&st))
    return false;
  const char *last = strrchr(path, '/');
  int made = target[0] == '/'
                 ? snprintf(ret_path, COL_PATH, "%s", target)
                 : snprintf(ret_path, COL_PATH, "%.*s/%s", (int)(last - path), path, target);
  return made > 0 && made < COL_PATH;
}

int col_open(const col_task *t, const char *path, int *ret_fd, struct stat *ret_st)
{
  char at[COL_PATH];
  char full[COL_PATH];
  (void)snprintf(at, sizeof(at), "%s", path);
  for (int links = 0; links < LINKS_MAX; links++) {
    char next[COL_PATH];
    if (col_is_far(t, at, NULL))
      return EREMOTE;
    col_path(t, at, full);
    int fd = open_quietly(AT_FDCWD, full, 0);
    if (fd >= 0 || errno != ELOOP)
      return take_file(fd, ret_fd, ret_st);
    if (!follow(t, at, next))
      return ELOOP;
    memcpy(at, next, sizeof(at));
  }
  return ELOOP;
}

int col_open_folder(const col_task *t, const char *path, int *ret_fd)
{
  char at[COL_PATH];
  char full[COL_PATH];
  (void)snprintf(at, sizeof(at), "%s", path);
  for (int links = 0; links < LINKS_MAX; links++) {
    char next[COL_PATH];
    if (col_is_far(t, at, NULL))
      return EREMOTE;
    col_path(t, at, full);
    int fd = open_quietly(AT_FDCWD, full, O_DIRECTORY);
    int error = errno;
    if (fd >= 0) {
      *ret_fd = fd;
      return 0;
    }
    /* The kernel says ENOTDIR of a link that must be a folder. */
    if ((error != ELOOP && error != ENOTDIR) || !follow(t, at, next))
      return error;
    memcpy(at, next, sizeof(at));
  }
  return ELOOP;
}

int col_open_below(const col_task *t, const char *base, const char *rel, int *ret_fd,
                   struct stat *ret_st)
{
  char part[PART_MAX];
  char whole[COL_PATH];
  int dir = -1;
  (void)snprintf(whole, sizeof(whole), "%s/%s", base, rel);
  if (col_is_far(t, whole, NULL))
    return EREMOTE;
  int error = col_open_folder(t, base, &dir);
  if (error != 0)
    return error;
  for (;;) {
    size_t len = strcspn(rel, "/");
    bool last = rel[len] == '\0';
    if (len == 0 || len >= sizeof(part)) {
      error = ENAMETOOLONG;
      break;
    }
    memcpy(part, rel, len);
    part[len] = '\0';
    int next = open_quietly(dir, part, last ? 0 : O_DIRECTORY);
    error = next < 0 ? errno : 0;
    (void)close(dir);
    if (error != 0)
      return error;
    if (last)
      return take_file(next, ret_fd, ret_st);
    dir = next;
    rel += len + 1;
  }
  (void)close(dir);
  return error;
}
