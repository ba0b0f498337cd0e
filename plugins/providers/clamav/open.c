/* Opening what others may swap in the meantime. Each part of the way is looked at before the next,
 * so that no link is followed; and nothing but regular files and folders is opened to be read: to
 * some devices being opened is an order already. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clamav.h"

#define PLACE (O_PATH | O_NOFOLLOW | O_CLOEXEC)

static void close_quietly(int fd)
{
  int os_error = errno;
  if (fd >= 0)
    (void)close(fd);
  errno = os_error;
}

static int step(int at, const char *part, size_t len)
{
  char name[NAME_MAX + 1];
  struct stat st;
  if (len >= sizeof(name)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(name, part, len);
  name[len] = '\0';
  int next = strcmp(name, "..") != 0 ? openat(at, name, PLACE) : -1;
  bool link =
      strcmp(name, "..") == 0 || (next >= 0 && fstat(next, &st) == 0 && S_ISLNK(st.st_mode));
  if (!link)
    return next;
  close_quietly(next);
  errno = ELOOP;
  return -1;
}

int clam_place(int from, const char *path)
{
  int at = openat(from, from == AT_FDCWD ? "/" : ".", PLACE);
  for (path += strspn(path, "/"); at >= 0 && *path != '\0'; path += strspn(path, "/")) {
    size_t len = strcspn(path, "/");
    int next = step(at, path, len);
    close_quietly(at);
    at = next;
    path += len;
  }
  return at;
}

static int reopen(int place, int flags)
{
  char path[32];
  (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
  return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags);
}

int clam_open_file(int place, const struct stat *planned)
{
  struct stat st;
  int fd = -1;
  if (place < 0)
    return -1;
  if (fstat(place, &st) == 0) {
    bool same = planned == NULL || (st.st_dev == planned->st_dev && st.st_ino == planned->st_ino);
    errno = ELOOP;
    if (same && S_ISREG(st.st_mode))
      fd = reopen(place, 0);
  }
  close_quietly(place);
  return fd;
}

int clam_open_folder(int place)
{
  int fd = place >= 0 ? reopen(place, O_DIRECTORY) : -1;
  close_quietly(place);
  return fd;
}

/* The time of the last change alone can be set back; that of the inode cannot. */
clam_reason clam_file_after(const clam_file *f, uint64_t max_size)
{
  struct stat st;
  const struct stat *was = &f->st;
  if (fstat(f->fd, &st) != 0)
    return CLAM_IO;
  if (max_size > 0 && (uint64_t)st.st_size > max_size)
    return CLAM_TOO_LARGE;
  bool same = st.st_size == was->st_size && st.st_mtim.tv_sec == was->st_mtim.tv_sec &&
              st.st_mtim.tv_nsec == was->st_mtim.tv_nsec &&
              st.st_ctim.tv_sec == was->st_ctim.tv_sec &&
              st.st_ctim.tv_nsec == was->st_ctim.tv_nsec;
  return same ? CLAM_REASONS : CLAM_CHANGED;
}
