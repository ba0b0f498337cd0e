/* Opening a file that code or policy comes from. The walk goes down from the root, one descriptor
 * after the other, and every folder it passes is checked on its descriptor: who cannot write into
 * any of them can swap nothing under the walk. Links in the middle are followed by hand, so that
 * the folders they lead through are checked like the others. */
#include "platform/file.h"

#include "base/limits.h"
#include "posix/posix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define LINKS_MAX 40

typedef struct walk {
  const char *path;       /* as asked for, for sentences */
  int folder;             /* where the walk is */
  int links;              /* followed so far */
  char at[CD_PATH_MAX];   /* the name of that folder without links, "" for the root */
  char rest[CD_PATH_MAX]; /* what is still to go */
} walk;

static cd_code check_owner(const walk *w, const struct stat *st, const char *kind, const char *name,
                           cd_err *err)
{
  const char *slash = name[0] != '\0' || w->at[0] == '\0' ? "/" : "";
  if (st->st_uid != 0 && st->st_uid != geteuid())
    return cd_fail(err, CD_E_DENIED, "'%s' is not trusted: the %s '%s%s%s' belongs to user id %lu",
                   w->path, kind, w->at, slash, name, (unsigned long)st->st_uid);
  if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return cd_fail(err, CD_E_DENIED,
                   "'%s' is not trusted: others may write to the %s '%s%s%s' (mode %04o)", w->path,
                   kind, w->at, slash, name, (unsigned)st->st_mode & 07777u);
  return CD_OK;
}

static cd_code fail_at(const walk *w, const char *name, int why, cd_err *err)
{
  return cd_fail_os(err, cd_code_from_errno(why), why, "'%s' could not be opened: '%s/%s': %s",
                    w->path, w->at, name, strerror(why));
}

/* Keeps `at` in step with the folder that the walk enters. */
static bool note_name(walk *w, const char *name)
{
  if (strcmp(name, ".") == 0)
    return true;
  size_t len = strlen(w->at);
  if (strcmp(name, "..") == 0) {
    char *slash = strrchr(w->at, '/');
    if (slash != NULL)
      *slash = '\0';
    return true;
  }
  int n = snprintf(w->at + len, sizeof(w->at) - len, "/%s", name);
  return n > 0 && (size_t)n < sizeof(w->at) - len;
}

static cd_code enter(walk *w, int fd, cd_err *err)
{
  if (w->folder >= 0)
    (void)close(w->folder);
  w->folder = fd;
  struct stat st;
  if (fstat(fd, &st) != 0)
    return fail_at(w, "", errno, err);
  return check_owner(w, &st, "folder", "", err);
}

static cd_code enter_root(walk *w, cd_err *err)
{
  int fd = open("/", PF_OPEN_FOLDER);
  w->at[0] = '\0';
  if (fd < 0)
    return fail_at(w, "", errno, err);
  return enter(w, fd, err);
}

/* Cuts the next name off the rest; *ret_last is true for the last one. */
static bool next_name(walk *w, char name[CD_PATH_MAX], bool *ret_last)
{
  const char *start = w->rest + strspn(w->rest, "/");
  size_t len = strcspn(start, "/");
  if (len == 0)
    return false;
  memcpy(name, start, len);
  name[len] = '\0';
  const char *after = start + len;
  *ret_last = after[0] == '\0';
  memmove(w->rest, after, strlen(after) + 1);
  return true;
}

/* `name` is a link to `target`: the walk goes on there. */
static cd_code follow(walk *w, const char *name, const char *target, cd_err *err)
{
  char joined[CD_PATH_MAX];
  if (++w->links > LINKS_MAX)
    return fail_at(w, name, ELOOP, err);
  int n = snprintf(joined, sizeof(joined), "%s/%s", target, w->rest);
  if (n < 0 || (size_t)n >= sizeof(joined))
    return fail_at(w, name, ENAMETOOLONG, err);
  memcpy(w->rest, joined, (size_t)n + 1);
  return target[0] == '/' ? enter_root(w, err) : CD_OK;
}

static cd_code step(walk *w, const char *name, cd_err *err)
{
  char target[CD_PATH_MAX];
  ssize_t n = readlinkat(w->folder, name, target, sizeof(target) - 1);
  if (n >= 0) {
    target[n] = '\0';
    return follow(w, name, target, err);
  }
  if (errno != EINVAL)
    return fail_at(w, name, errno, err);
  int fd = openat(w->folder, name, PF_OPEN_FOLDER);
  if (fd < 0)
    return fail_at(w, name, errno, err);
  if (!note_name(w, name)) {
    (void)close(fd);
    return fail_at(w, name, ENAMETOOLONG, err);
  }
  return enter(w, fd, err);
}

static cd_code open_last(const walk *w, const char *name, int *ret_fd, cd_err *err)
{
  /* Not blocking, because the name may turn out to be a FIFO. */
  int fd = openat(w->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0 && errno == ELOOP)
    return cd_fail_os(err, CD_E_DENIED, ELOOP, "'%s' is not trusted: it is a symbolic link",
                      w->path);
  if (fd < 0 && errno == ENXIO)
    return cd_fail_os(err, CD_E_DENIED, ENXIO, "'%s' is not trusted: it is not a regular file",
                      w->path);
  if (fd < 0)
    return fail_at(w, name, errno, err);
  struct stat st;
  cd_code rc = CD_OK;
  if (fstat(fd, &st) != 0)
    rc = fail_at(w, name, errno, err);
  else if (!S_ISREG(st.st_mode))
    rc = cd_fail(err, CD_E_DENIED, "'%s' is not trusted: it is not a regular file", w->path);
  else
    rc = check_owner(w, &st, "file", name, err);
  if (rc != CD_OK) {
    (void)close(fd);
    return rc;
  }
  *ret_fd = fd;
  return CD_OK;
}

/* The path to walk: as it is, or below the present folder. */
static cd_code set_path(walk *w, cd_err *err)
{
  size_t len = 0;
  if (w->path[0] != '/') {
    if (getcwd(w->rest, sizeof(w->rest)) == NULL)
      return fail_at(w, "", errno, err);
    len = strlen(w->rest);
  }
  int n = snprintf(w->rest + len, sizeof(w->rest) - len, "/%s", w->path);
  if (n < 0 || (size_t)n >= sizeof(w->rest) - len)
    return cd_fail(err, CD_E_INVALID, "the path '%.64s...' is longer than %zu bytes", w->path,
                   sizeof(w->rest) - 1);
  return CD_OK;
}

cd_code pf_file_open_trusted(const char *path, uv_os_fd_t *ret_file, cd_err *err)
{
  char name[CD_PATH_MAX];
  walk w = {.path = path, .folder = -1};
  bool last = false;
  cd_code rc = set_path(&w, err);
  if (rc == CD_OK)
    rc = enter_root(&w, err);
  while (rc == CD_OK && !last) {
    if (!next_name(&w, name, &last))
      rc = cd_fail(err, CD_E_DENIED, "'%s' is not trusted: it is not a regular file", path);
    else if (!last)
      rc = step(&w, name, err);
  }
  if (rc == CD_OK)
    rc = open_last(&w, name, ret_file, err);
  if (w.folder >= 0)
    (void)close(w.folder);
  return rc;
}

cd_code pf_file_private(uv_os_fd_t file, const char *path, cd_err *err)
{
  struct stat st;
  if (fstat(file, &st) != 0)
    return cd_fail_os(err, CD_E_IO, errno, "'%s' could not be examined: %s", path, strerror(errno));
  if ((st.st_mode & 077) != 0)
    return cd_fail(err, CD_E_DENIED, "'%s' is not trusted: others may read it (mode %04o)", path,
                   (unsigned)st.st_mode & 0777u);
  return CD_OK;
}
