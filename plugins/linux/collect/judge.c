/* What an opened file is on, by the mount that it was opened through. A path may be hidden by
 * another mount, or mean another file in another namespace; a descriptor is what it is. Nothing
 * here asks the file system itself, which may not answer: O_PATH opens without it, and statx is
 * told not to wait for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "package.h"
#include "read.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000u
#endif

enum { MOUNTS_TEXT = 4 * 1024 * 1024 };

/* 0 or an errno. */
static int look(int fd, struct statx *ret)
{
  return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
               STATX_TYPE | STATX_MODE | STATX_UID | STATX_MNT_ID, ret) == 0
             ? 0
             : errno;
}

/* Files in memory are on a mount that no list has; another one is on the same device. */
static bool is_memory(const struct statx *x)
{
  struct stat st;
  int fd = memfd_create("cordon", MFD_CLOEXEC);
  bool same = fd >= 0 && fstat(fd, &st) == 0 && major(st.st_dev) == x->stx_dev_major &&
              minor(st.st_dev) == x->stx_dev_minor;
  if (fd >= 0)
    (void)close(fd);
  return same;
}

typedef struct mount_search {
  unsigned id;
  bool found;
  bool far;
} mount_search;

static bool is_mount(void *data, const char *line, size_t len)
{
  mount_search *s = data;
  col_mount m;
  if (!col_mount_read(line, len, &m) || m.id != s->id)
    return true;
  s->found = true;
  s->far = col_mount_is_far(m.type);
  return false;
}

/* Of a list that the kernel makes: that of a process, or this one's as it is now. */
static void search_list(int dir, const char *name, mount_search *s)
{
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  char *text = fd >= 0 ? malloc(MOUNTS_TEXT) : NULL;
  int64_t len = text != NULL ? col_read_fd(fd, text, MOUNTS_TEXT) : -1;
  if (len > 0)
    col_lines_of(text, (size_t)len, is_mount, s);
  if (fd >= 0)
    (void)close(fd);
  free(text);
}

static bool is_far(const col_mounts *m, const struct statx *x, int process)
{
  mount_search s = {.id = (unsigned)x->stx_mnt_id};
  bool far = false;
  if (col_mounts_far_by_id(m, s.id, &far))
    return far;
  /* What has a device of its own is no network's. */
  if (x->stx_dev_major != 0 || is_memory(x))
    return false;
  if (col_mounts_far_by_device(m, x->stx_dev_major, x->stx_dev_minor, &far))
    return far;
  if (process >= 0)
    search_list(process, "mountinfo", &s);
  if (!s.found)
    search_list(AT_FDCWD, "/proc/self/mountinfo", &s);
  return !s.found || s.far;
}

int col_judge(const col_task *t, int fd, int process, struct stat *ret_st)
{
  struct statx x;
  int error = look(fd, &x);
  if (error != 0)
    return error;
  *ret_st = (struct stat){.st_mode = x.stx_mode, .st_uid = x.stx_uid};
  /* Below the root of a test its own list of mounts counts. */
  bool judged = col_options_of(t)->root[0] == '\0' && (x.stx_mask & STATX_MNT_ID) != 0;
  return judged && is_far(&col_device_of(t)->mounts, &x, process) ? EREMOTE : 0;
}
