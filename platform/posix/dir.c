/* Folders: made with an exact mode and owner, and listed in a stable order. */
#include "platform/file.h"

#include "base/limits.h"
#include "posix/posix.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* The folder that was there before us: its owner must be right, and nobody may have been able to
 * put things into it. */
static cd_code check_existing(const char *path, const struct stat *st, unsigned mode, uid_t owner,
                              cd_err *err)
{
  if (st->st_uid != owner)
    return cd_fail(err, CD_E_DENIED, "the folder '%s' belongs to user id %lu instead of %lu", path,
                   (unsigned long)st->st_uid, (unsigned long)owner);
  unsigned more = (unsigned)st->st_mode & 0022u & ~mode;
  if (more != 0)
    return cd_fail(err, CD_E_DENIED, "the folder '%s' has mode %04o: others could write into it",
                   path, (unsigned)st->st_mode & 07777u);
  return CD_OK;
}

/* Owner and mode of the folder behind the descriptor; `made`: it is ours to give away. */
static cd_code settle(int fd, const char *path, bool made, unsigned mode, const pf_account *owner,
                      cd_err *err)
{
  struct stat st;
  if (fstat(fd, &st) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the folder '%s' could not be examined: %s", path, strerror(errno));
  if (!made) {
    cd_code rc = check_existing(path, &st, mode, owner->uid, err);
    if (rc != CD_OK)
      return rc;
  } else if (st.st_uid != owner->uid && fchown(fd, owner->uid, owner->gid) != 0) {
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the folder '%s' could not be given to '%s': %s", path, owner->name,
                      strerror(errno));
  }
  if (((unsigned)st.st_mode & 07777u) != mode && fchmod(fd, (mode_t)mode) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the mode of the folder '%s' could not be set: %s", path, strerror(errno));
  return CD_OK;
}

cd_code pf_dir_ensure(const char *path, unsigned mode, const char *owner, cd_err *err)
{
  pf_account account = {.uid = geteuid(), .gid = getegid()};
  if (owner != NULL) {
    cd_code found = pf_account_by_name(owner, &account, err);
    if (found != CD_OK)
      return found;
  }
  bool made = mkdir(path, 0700) == 0;
  if (!made && errno != EEXIST)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the folder '%s' could not be made: %s", path, strerror(errno));
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    int why = errno;
    bool not_one = why == ENOTDIR || why == ELOOP;
    return cd_fail_os(err, not_one ? CD_E_DENIED : cd_code_from_errno(why), why, "'%s' %s: %s",
                      path, not_one ? "is not a folder" : "could not be opened", strerror(why));
  }
  cd_code rc = settle(fd, path, made, mode, &account, err);
  (void)close(fd);
  if (rc != CD_OK && made)
    (void)rmdir(path);
  return rc;
}

typedef struct name_list {
  char **names;
  size_t count;
} name_list;

static void list_release(name_list *l)
{
  for (size_t i = 0; i < l->count; i++)
    free(l->names[i]);
  free(l->names);
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static cd_code collect(DIR *dir, const char *path, const char *suffix, size_t max, name_list *l,
                       cd_err *err)
{
  for (;;) {
    errno = 0;
    const struct dirent *e = readdir(dir);
    if (e == NULL && errno != 0)
      return cd_fail_os(err, cd_code_from_errno(errno), errno,
                        "the folder '%s' could not be listed: %s", path, strerror(errno));
    if (e == NULL)
      return CD_OK;
    cd_str name = cd_str_from(e->d_name);
    if (cd_str_eq_cstr(name, ".") || cd_str_eq_cstr(name, "..") ||
        !cd_str_ends(name, cd_str_from(suffix)))
      continue;
    if (l->count == max)
      return cd_fail(err, CD_E_LIMIT, "the folder '%s' holds more than %zu names ending in '%s'",
                     path, max, suffix);
    char *copy = cd_str_dup(name);
    if (copy == NULL)
      return cd_fail(err, CD_E_INTERNAL, "no memory to list the folder '%s'", path);
    l->names[l->count++] = copy;
  }
}

cd_code pf_dir_list(const char *path, const char *suffix, size_t max,
                    cd_code (*each)(void *context, const char *name, cd_err *err), void *context,
                    cd_err *err)
{
  name_list list = {0};
  DIR *dir = opendir(path);
  if (dir == NULL)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the folder '%s' could not be opened: %s", path, strerror(errno));
  cd_code rc = CD_OK;
  list.names = calloc(max > 0 ? max : 1, sizeof(*list.names));
  if (list.names == NULL)
    rc = cd_fail(err, CD_E_INTERNAL, "no memory to list the folder '%s'", path);
  else
    rc = collect(dir, path, suffix, max, &list, err);
  (void)closedir(dir);
  if (rc == CD_OK && list.count > 0)
    qsort(list.names, list.count, sizeof(*list.names), compare_names);
  for (size_t i = 0; rc == CD_OK && i < list.count; i++)
    rc = each(context, list.names[i], err);
  list_release(&list);
  return rc;
}
