/* Opening what others may swap in the meantime. Each part of the way is looked at before the next,
 * so that no link is followed; and nothing but regular files and folders is opened to be read: to
 * some devices being opened is an order already. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"

enum { LINKS_MAX = 40 };

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

int sup_place(int from, const char *path)
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

/* ---- links of root's ---- */

typedef struct way {
  char path[SUP_PATH]; /* as far as it is gone, without links; empty: the top */
  char rest[2 * SUP_PATH];
  int at;
  int links;
} way;

/* Takes the first part off the rest. False: there is none. */
static bool take_part(way *w, char ret_part[NAME_MAX + 1])
{
  const char *begin = w->rest + strspn(w->rest, "/");
  size_t len = strcspn(begin, "/");
  if (len == 0 || len > NAME_MAX)
    return false;
  memcpy(ret_part, begin, len);
  ret_part[len] = '\0';
  memmove(w->rest, begin + len, strlen(begin + len) + 1);
  return true;
}

/* Nobody but root can have put it there, or can put another there. */
static bool is_roots(int dir, const struct stat *link)
{
  struct stat st;
  return link->st_uid == 0 && fstat(dir, &st) == 0 && st.st_uid == 0 && (st.st_mode & 022) == 0;
}

static int begin_again(way *w)
{
  close_quietly(w->at);
  w->at = open("/", PLACE);
  w->path[0] = '\0';
  return w->at >= 0 ? 0 : -1;
}

/* The way goes on where the link leads. */
static int follow(way *w, int link)
{
  char whole[2 * SUP_PATH];
  char target[SUP_PATH];
  ssize_t got = readlinkat(link, "", target, sizeof(target) - 1);
  if (got <= 0)
    return -1;
  target[got] = '\0';
  int len =
      snprintf(whole, sizeof(whole), "%s/%s/%s", target[0] == '/' ? "" : w->path, target, w->rest);
  if (++w->links > LINKS_MAX || len >= (int)sizeof(whole)) {
    errno = ELOOP;
    return -1;
  }
  memcpy(w->rest, whole, (size_t)len + 1);
  return begin_again(w);
}

/* The way so far has no links, so that the part before is the folder above. */
static int go_up(way *w)
{
  char back[sizeof(w->rest) + SUP_PATH];
  char *slash = strrchr(w->path, '/');
  if (slash != NULL)
    *slash = '\0';
  int len = snprintf(back, sizeof(back), "%s/%s", w->path, w->rest);
  if (len >= (int)sizeof(w->rest)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(w->rest, back, (size_t)len + 1);
  return begin_again(w);
}

static int go_on(way *w, const char *part)
{
  struct stat st;
  size_t len = strlen(w->path);
  if (strcmp(part, ".") == 0)
    return 0;
  if (strcmp(part, "..") == 0)
    return go_up(w);
  int next = openat(w->at, part, PLACE);
  if (next < 0 || fstat(next, &st) != 0)
    return -1;
  if (S_ISLNK(st.st_mode)) {
    errno = ELOOP;
    int got = is_roots(w->at, &st) ? follow(w, next) : -1;
    close_quietly(next);
    return got;
  }
  close_quietly(w->at);
  w->at = next;
  if (len + 1 + strlen(part) >= sizeof(w->path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  (void)snprintf(w->path + len, sizeof(w->path) - len, "/%s", part);
  return 0;
}

int sup_place_trusted(const char *path, char ret_path[SUP_PATH])
{
  char part[NAME_MAX + 1];
  way w = {.at = -1};
  if (snprintf(w.rest, sizeof(w.rest), "%s", path) >= SUP_PATH) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int got = begin_again(&w);
  while (got == 0 && take_part(&w, part))
    got = go_on(&w, part);
  if (got == 0 && w.rest[strspn(w.rest, "/")] != '\0') {
    errno = ENAMETOOLONG;
    got = -1;
  }
  if (got != 0) {
    close_quietly(w.at);
    return -1;
  }
  (void)snprintf(ret_path, SUP_PATH, "%s", w.path[0] != '\0' ? w.path : "/");
  return w.at;
}

/* ---- opening ---- */

static int reopen(int place, int flags)
{
  char path[32];
  (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
  return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags);
}

/* Only its owner, and who may do as such, can leave the time of access alone. */
static int reopen_quietly(int place)
{
  int fd = reopen(place, O_NOATIME);
  return fd < 0 && errno == EPERM ? reopen(place, 0) : fd;
}

int sup_open_file(int place, const struct stat *planned)
{
  struct stat st;
  int fd = -1;
  if (place < 0)
    return -1;
  if (fstat(place, &st) == 0) {
    bool same = planned == NULL || (st.st_dev == planned->st_dev && st.st_ino == planned->st_ino);
    errno = ELOOP;
    if (same && S_ISREG(st.st_mode))
      fd = reopen_quietly(place);
  }
  close_quietly(place);
  return fd;
}

int sup_open_folder(int place)
{
  int fd = place >= 0 ? reopen(place, O_DIRECTORY) : -1;
  close_quietly(place);
  return fd;
}

/* The time of the last change alone can be set back; that of the inode cannot. */
sup_miss sup_file_after(const sup_file *f, uint64_t max_size)
{
  struct stat st;
  const struct stat *was = &f->st;
  if (fstat(f->fd, &st) != 0)
    return SUP_MISS_IO;
  if (max_size > 0 && (uint64_t)st.st_size > max_size)
    return SUP_MISS_TOO_LARGE;
  bool same = st.st_size == was->st_size && st.st_mtim.tv_sec == was->st_mtim.tv_sec &&
              st.st_mtim.tv_nsec == was->st_mtim.tv_nsec &&
              st.st_ctim.tv_sec == was->st_ctim.tv_sec &&
              st.st_ctim.tv_nsec == was->st_ctim.tv_nsec;
  return same ? SUP_MISSES : SUP_MISS_CHANGED;
}
