/* Small text files of the system, changed whole: a new file with the owner, mode and attributes of
 * the old one takes its place, so that no reader sees half of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

static bool same_state(const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
         a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool is_still(int fd, const struct stat *before)
{
  struct stat st;
  return fstat(fd, &st) == 0 && same_state(&st, before);
}

cordon_status rem_text_read(const char *path, rem_text *ret_text, sup_err *err)
{
  char show[REM_SHOW];
  int fd = -1;
  *ret_text = (rem_text){.way = {.dir = -1}};
  cordon_status status = rem_way_open(path, &ret_text->way, err);
  if (status == CORDON_OK)
    status = rem_way_file(&ret_text->way, &fd, &ret_text->st, err);
  if (status == CORDON_OK && ret_text->st.st_size > TEXT_MAX)
    status = sup_fail(err, CORDON_E_LIMIT, "'%s' has more than %d bytes", rem_show(path, show),
                      TEXT_MAX);
  if (status == CORDON_OK) {
    size_t size = (size_t)ret_text->st.st_size;
    ret_text->bytes = calloc(1, size + 1);
    ssize_t len = ret_text->bytes != NULL ? pread(fd, ret_text->bytes, size, 0) : -1;
    ret_text->len = len > 0 ? (size_t)len : 0;
    if (len < 0 || (size_t)len != size)
      status = sup_fail(err, CORDON_E_IO, "'%s' could not be read whole", rem_show(path, show));
    else if (!is_still(fd, &ret_text->st))
      status = sup_fail(err, CORDON_E_CONFLICT, "'%s' is being changed by somebody else",
                        rem_show(path, show));
  }
  if (fd >= 0)
    (void)close(fd);
  if (status != CORDON_OK)
    rem_text_release(ret_text);
  return status;
}

void rem_text_release(rem_text *t)
{
  if (t->bytes != NULL)
    explicit_bzero(t->bytes, t->len);
  free(t->bytes);
  t->bytes = NULL;
  rem_way_close(&t->way);
}

/* What begins with a dot is read by neither cron nor systemd nor modprobe. Always the same name, so
 * that what was cut short is found again. */
static void beside_name(const rem_way *w, char ret_name[REM_NAME])
{
  (void)snprintf(ret_name, REM_NAME, ".cordon-new-%.200s", w->name);
}

static cordon_status make_beside(const rem_way *w, char ret_name[REM_NAME], int *ret_fd,
                                 sup_err *err)
{
  char show[REM_SHOW];
  beside_name(w, ret_name);
  (void)unlinkat(w->dir, ret_name, 0);
  *ret_fd = openat(w->dir, ret_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (*ret_fd < 0)
    return sup_fail_os(err, errno, "no file beside '%s' could be made", rem_show(w->path, show));
  return CORDON_OK;
}

void rem_text_tidy(const char *path)
{
  char name[REM_NAME];
  sup_err ignored = {0};
  rem_way w;
  if (rem_way_open(path, &w, &ignored) != CORDON_OK)
    return;
  beside_name(&w, name);
  (void)unlinkat(w.dir, name, 0);
  rem_way_close(&w);
}

static cordon_status write_out(int fd, const char *bytes, size_t len, sup_err *err)
{
  while (len > 0) {
    ssize_t put = write(fd, bytes, len);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return sup_fail_os(err, errno, "the new text could not be written");
    bytes += put;
    len -= (size_t)put;
  }
  return CORDON_OK;
}

static cordon_status copy_attrs(const rem_text *t, int to, sup_err *err)
{
  struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
  rem_attrs a = {0};
  struct stat st;
  int fd = -1;
  cordon_status status = rem_way_file(&t->way, &fd, &st, err);
  if (status == CORDON_OK)
    status = rem_attrs_read(fd, &a, err);
  if (status == CORDON_OK)
    status = rem_attrs_apply(to, &a, false, err);
  if (status == CORDON_OK && futimens(to, now) != 0)
    status = sup_fail_os(err, errno, "the time of the new text cannot be set");
  if (fd >= 0)
    (void)close(fd);
  rem_attrs_release(&a);
  return status;
}

static bool unchanged(const rem_text *t)
{
  struct stat st;
  return fstatat(t->way.dir, t->way.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && same_state(&st, &t->st);
}

/* Whether what is beside is the file that was read, and still has the bytes that were. */
static bool is_read(const rem_text *t, const char *name)
{
  struct stat st;
  int fd = openat(t->way.dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  char *bytes = malloc(t->len + 1);
  bool is = fd >= 0 && bytes != NULL && fstat(fd, &st) == 0 && st.st_dev == t->st.st_dev &&
            st.st_ino == t->st.st_ino && pread(fd, bytes, t->len + 1, 0) == (ssize_t)t->len &&
            memcmp(bytes, t->bytes, t->len) == 0;
  if (bytes != NULL)
    explicit_bzero(bytes, t->len + 1);
  free(bytes);
  if (fd >= 0)
    (void)close(fd);
  return is;
}

/* The two files change places, and what was at the place is looked at afterwards: whatever was
 * changed until that moment is found, and goes back. */
static cordon_status change_places(const rem_text *t, const char *name, sup_err *err)
{
  char show[REM_SHOW];
  int dir = t->way.dir;
  if (renameat2(dir, name, dir, t->way.name, RENAME_EXCHANGE) != 0) {
    /* There are file systems that cannot. */
    if ((errno != EINVAL && errno != ENOSYS) || renameat(dir, name, dir, t->way.name) != 0)
      return sup_fail_os(err, errno, "'%s' could not be replaced", rem_show(t->way.path, show));
    return CORDON_OK;
  }
  SUP_FAULT_POINT("remediate.swapped");
  if (!is_read(t, name)) {
    if (renameat2(dir, name, dir, t->way.name, RENAME_EXCHANGE) != 0)
      return sup_fail_os(err, errno, "'%s' was changed meanwhile, and what it was is beside it",
                         rem_show(t->way.path, show));
    return sup_fail(err, CORDON_E_CONFLICT, "'%s' was changed by somebody else meanwhile",
                    rem_show(t->way.path, show));
  }
  (void)unlinkat(dir, name, 0);
  return CORDON_OK;
}

static bool is_still_ours(const rem_way *w, const char *name, int fd)
{
  struct stat made;
  struct stat st;
  return fstat(fd, &made) == 0 && fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         st.st_dev == made.st_dev && st.st_ino == made.st_ino;
}

cordon_status rem_text_replace(const rem_text *t, const char *bytes, size_t len, sup_err *err)
{
  char name[REM_NAME];
  char show[REM_SHOW];
  int fd = -1;
  cordon_status status = make_beside(&t->way, name, &fd, err);
  if (status != CORDON_OK)
    return status;
  status = write_out(fd, bytes, len, err);
  if (status == CORDON_OK)
    status = copy_attrs(t, fd, err);
  if (status == CORDON_OK && fsync(fd) != 0)
    status = sup_fail_os(err, errno, "the new text could not be put on the disk");
  SUP_FAULT_POINT("remediate.text");
  if (status == CORDON_OK && !unchanged(t))
    status = sup_fail(err, CORDON_E_CONFLICT, "'%s' was changed by somebody else meanwhile",
                      rem_show(t->way.path, show));
  SUP_FAULT_POINT("remediate.looked");
  if (status == CORDON_OK)
    status = change_places(t, name, err);
  /* What could not go back stays. */
  if (status != CORDON_OK && is_still_ours(&t->way, name, fd))
    (void)unlinkat(t->way.dir, name, 0);
  (void)close(fd);
  SUP_FAULT_POINT("remediate.replaced");
  return status == CORDON_OK ? rem_sync_folder(t->way.path, t->way.dir, err) : status;
}

cordon_status rem_file_make(const rem_way *w, const char *bytes, unsigned mode, sup_err *err)
{
  char name[REM_NAME];
  char show[REM_SHOW];
  int fd = -1;
  cordon_status status = make_beside(w, name, &fd, err);
  if (status != CORDON_OK)
    return status;
  status = write_out(fd, bytes, strlen(bytes), err);
  if (status == CORDON_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
    status = sup_fail_os(err, errno, "'%s' could not be put on the disk", rem_show(w->path, show));
  SUP_FAULT_POINT("remediate.made");
  if (status == CORDON_OK && renameat2(w->dir, name, w->dir, w->name, RENAME_NOREPLACE) != 0)
    status =
        errno == EEXIST
            ? sup_fail(err, CORDON_E_CONFLICT, "'%s' is there already", rem_show(w->path, show))
            : sup_fail_os(err, errno, "'%s' could not be made", rem_show(w->path, show));
  if (status != CORDON_OK)
    (void)unlinkat(w->dir, name, 0);
  (void)close(fd);
  return status == CORDON_OK ? rem_sync_folder(w->path, w->dir, err) : status;
}

char *rem_splice(const char *bytes, size_t len, size_t at, size_t cut, const char *put,
                 size_t *ret_len)
{
  size_t put_len = strlen(put);
  char *made = malloc(len - cut + put_len + 1);
  if (made == NULL)
    return NULL;
  memcpy(made, bytes, at);
  memcpy(made + at, put, put_len);
  memcpy(made + at + put_len, bytes + at + cut, len - at - cut);
  *ret_len = len - cut + put_len;
  made[*ret_len] = '\0';
  return made;
}
