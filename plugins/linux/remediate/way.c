/* The way to a file, folder by folder, each opened below the one before and none of them a link: a
 * path that somebody else can change leads nowhere else while it is gone. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "remediate.h"
#include "support/files.h"

static bool next_part(const char **rest, char ret_part[REM_NAME], bool *ret_long)
{
  *rest += strspn(*rest, "/");
  size_t len = strcspn(*rest, "/");
  *ret_long = len >= REM_NAME;
  if (len == 0 || *ret_long)
    return false;
  memcpy(ret_part, *rest, len);
  ret_part[len] = '\0';
  *rest += len;
  return true;
}

/* Why the part could not be entered, as people need it. */
static cordon_status refuse(const rem_way *w, const char *part, int error, sup_err *err)
{
  char show[REM_SHOW];
  char path[REM_PATH + REM_NAME];
  char target[REM_PATH] = "";
  char to[REM_SHOW];
  (void)snprintf(path, sizeof(path), "%s/%s", w->path, part);
  ssize_t len = readlinkat(w->dir, part, target, sizeof(target) - 1);
  if (len > 0) {
    target[len] = '\0';
    return sup_fail(err, CORDON_E_INVALID,
                    "'%s' is a link to '%s', and links are not followed: name the file by its own "
                    "path",
                    rem_show(path, show), rem_show(target, to));
  }
  return sup_fail_os(err, error, "'%s' cannot be entered", rem_show(path, show));
}

static cordon_status enter(rem_way *w, const char *part, sup_err *err)
{
  int fd = openat(w->dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return refuse(w, part, errno, err);
  (void)close(w->dir);
  w->dir = fd;
  size_t at = strlen(w->path);
  (void)snprintf(w->path + at, sizeof(w->path) - at, "/%s", part);
  return CORDON_OK;
}

static cordon_status go(rem_way *w, const char *path, sup_err *err)
{
  char part[REM_NAME];
  bool too_long = false;
  const char *rest = path;
  while (next_part(&rest, part, &too_long)) {
    if (strcmp(part, ".") == 0)
      continue;
    if (strcmp(part, "..") == 0)
      return sup_fail(err, CORDON_E_INVALID, "a path with '..' in it is not taken");
    if (w->name[0] != '\0') {
      cordon_status status = enter(w, w->name, err);
      if (status != CORDON_OK)
        return status;
    }
    (void)snprintf(w->name, sizeof(w->name), "%s", part);
  }
  if (too_long || w->name[0] == '\0')
    return sup_fail(err, CORDON_E_INVALID, "the path %s",
                    too_long ? "has a part that is too long" : "names no file");
  size_t at = strlen(w->path);
  (void)snprintf(w->path + at, sizeof(w->path) - at, "/%s", w->name);
  return CORDON_OK;
}

cordon_status rem_way_open(const char *path, rem_way *ret_way, sup_err *err)
{
  size_t len = strlen(path);
  *ret_way = (rem_way){.dir = -1};
  if (path[0] != '/' || len >= REM_PATH || path[len - 1] == '/')
    return sup_fail(err, CORDON_E_INVALID, "the path is not an absolute one of a file");
  ret_way->dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (ret_way->dir < 0)
    return sup_fail_os(err, errno, "the root folder cannot be opened");
  cordon_status status = go(ret_way, path, err);
  if (status != CORDON_OK)
    rem_way_close(ret_way);
  return status;
}

void rem_way_close(rem_way *w)
{
  if (w->dir >= 0)
    (void)close(w->dir);
  w->dir = -1;
}

static cordon_status on_a_disk(int fd, const char *path, sup_err *err)
{
  static const long unreal[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,   CGROUP_SUPER_MAGIC,
                                CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
                                SECURITYFS_MAGIC,    BPF_FS_MAGIC,  EFIVARFS_MAGIC};
  struct statfs fs;
  char show[REM_SHOW];
  if (fstatfs(fd, &fs) != 0)
    return sup_fail_os(err, errno, "the file system of '%s' is not known", rem_show(path, show));
  for (size_t i = 0; i < sizeof(unreal) / sizeof(unreal[0]); i++)
    if ((long)fs.f_type == unreal[i])
      return sup_fail(err, CORDON_E_INVALID, "'%s' is the kernel's and no file on a disk",
                      rem_show(path, show));
  return CORDON_OK;
}

cordon_status rem_way_file(const rem_way *w, int *ret_fd, struct stat *ret_st, sup_err *err)
{
  char show[REM_SHOW];
  /* Looked at before it is opened, and what was looked at is opened: opening a device may do
   * something. */
  int place = openat(w->dir, w->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (place < 0 || fstat(place, ret_st) != 0) {
    cordon_status bad = sup_fail_os(err, errno, "'%s'", rem_show(w->path, show));
    if (place >= 0)
      (void)close(place);
    return bad;
  }
  if (!S_ISREG(ret_st->st_mode)) {
    (void)close(place);
    return sup_fail(err, CORDON_E_INVALID, "'%s' is %s and no plain file", rem_show(w->path, show),
                    S_ISLNK(ret_st->st_mode)   ? "a link"
                    : S_ISDIR(ret_st->st_mode) ? "a folder"
                                               : "a device, pipe or socket");
  }
  cordon_status status = on_a_disk(place, w->path, err);
  if (status != CORDON_OK) {
    (void)close(place);
    return status;
  }
  *ret_fd = sup_open_file(place, NULL);
  if (*ret_fd < 0)
    return sup_fail_os(err, errno, "'%s' cannot be opened", rem_show(w->path, show));
  return CORDON_OK;
}

cordon_status rem_way_private(const rem_way *w, const char *id, int *ret_fd,
                              char ret_name[REM_NAME], sup_err *err)
{
  char show[REM_SHOW];
  struct stat st;
  (void)snprintf(ret_name, REM_NAME, ".cordon-%s", id);
  if (mkdirat(w->dir, ret_name, 0700) != 0 && errno != EEXIST)
    return sup_fail_os(err, errno, "no private folder beside '%s' could be made",
                       rem_show(w->path, show));
  int fd = openat(w->dir, ret_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return sup_fail_os(err, errno, "the private folder beside '%s' cannot be opened",
                       rem_show(w->path, show));
  /* Somebody else's folder of that name would be theirs to change things in. */
  if (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
    (void)close(fd);
    return sup_fail(err, CORDON_E_CONFLICT, "the folder '%s' beside '%s' is somebody else's",
                    ret_name, rem_show(w->path, show));
  }
  *ret_fd = fd;
  return CORDON_OK;
}

void rem_way_private_end(const rem_way *w, int fd, const char *name)
{
  (void)close(fd);
  (void)unlinkat(w->dir, name, AT_REMOVEDIR);
}

cordon_status rem_sync_folder(const char *path, int dir, sup_err *err)
{
  char show[REM_SHOW];
  int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0)
    (void)close(fd);
  /* Some file systems cannot do it of a folder. */
  if (error != 0 && error != EINVAL)
    return sup_fail_os(err, error, "the folder of '%s' could not be put on the disk",
                       rem_show(path, show));
  return CORDON_OK;
}
