/* The profile custom: what the portable part (package/list.h) asks of Linux. */
#include "custom.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "package.h"
#include "read.h"

/* ---- finding ---- */

static bool root_of(const char *path, size_t *ret_len)
{
  *ret_len = 0;
  return path[0] == '/';
}

typedef struct listing {
  const char *pattern;
  size_t len;
  col_list_entry_fn *fn;
  void *data;
  unsigned *looked;
} listing;

static bool is_folder(int dir, const char *name)
{
  struct stat st;
  int64_t born = 0;
  return col_stat_at(dir, name, &st, &born) == 0 && S_ISDIR(st.st_mode);
}

static bool list_entry(void *data, int dir, const char *name)
{
  const listing *l = data;
  ++*l->looked;
  if (!col_glob_part(l->pattern, l->len, name))
    return *l->looked < COL_LIST_LOOKED;
  return l->fn(l->data, name, is_folder(dir, name));
}

/* Every folder is opened by the rules of col_open_folder(). */
static int each(const col_task *t, const char *folder, const char *pattern, size_t len,
                col_list_entry_fn *fn, void *data, unsigned *looked)
{
  listing l = {.pattern = pattern, .len = len, .fn = fn, .data = data, .looked = looked};
  return col_each(t, folder[0] != '\0' ? folder : "/", list_entry, &l);
}

static int look(const col_task *t, const char *folder, const char *name, bool *ret_there)
{
  struct stat st;
  int64_t born = 0;
  int dir = -1;
  int error = col_open_folder(t, folder[0] != '\0' ? folder : "/", &dir);
  if (error != 0)
    return error;
  *ret_there = strlen(name) <= NAME_MAX && col_stat_at(dir, name, &st, &born) == 0;
  (void)close(dir);
  return 0;
}

static bool is_absent(int error)
{
  return error == ENOENT || error == ENOTDIR;
}

static void tell(int error, char *ret_text, size_t size)
{
  if (col_is_refusal(error))
    (void)snprintf(ret_text, size, "%s", col_why(error));
  else
    sup_os_text(error, ret_text, size);
}

static char *real_folder(const char *folder)
{
  return realpath(folder, NULL);
}

/* ---- taking ---- */

typedef struct facts {
  struct stat st;
  bool opened;
} facts;

static int64_t read_some(void *data, void *ret_bytes, size_t max)
{
  const int *fd = data;
  ssize_t got = -1;
  do
    got = read(*fd, ret_bytes, max);
  while (got < 0 && errno == EINTR);
  return got;
}

static void seek_to(void *data, uint64_t from)
{
  const int *fd = data;
  (void)lseek(*fd, (off_t)from, SEEK_SET);
}

static void tell_read(void *data, col_task *t)
{
  (void)data;
  col_mark_os(t, errno, "reading it failed");
}

static void say_not_opened(col_task *t, int error, const char *path)
{
  if (col_is_refusal(error))
    col_mark(t, COL_DENIED, "%s", col_why(error));
  else
    col_mark_os(t, error, path);
}

static void take_opened(col_task *t, const col_list *l, const col_list_item *i, int fd,
                        const struct stat *st)
{
  char real[COL_PATH];
  col_stream from = {.data = &fd,
                     .read = read_some,
                     .seek = seek_to,
                     .tell = tell_read,
                     .size = (uint64_t)st->st_size};
  const char *what = col_secret_opened(t, l, fd, st, real);
  if (what != NULL) {
    col_say_secret(t, what);
  } else if (col_is_kernels(fd)) {
    col_mark(t, COL_DENIED, "it is on a file system of the kernel's, which is no file of a disk");
  } else {
    if (st->st_mtim.tv_sec > 0)
      col_set_mtime(t, st->st_mtim.tv_sec);
    col_copy_scrubbed(t, &from, i->max_bytes);
  }
}

static void take(col_task *t, const col_list *l, const col_list_item *i, const char *path,
                 void *ret_facts)
{
  facts *f = ret_facts;
  int fd = -1;
  const char *what = col_secret_named(path);
  int error = what == NULL ? col_open(t, path, &fd, &f->st) : 0;
  if (what != NULL) {
    col_say_secret(t, what);
  } else if (error != 0) {
    say_not_opened(t, error, path);
  } else {
    f->opened = true;
    take_opened(t, l, i, fd, &f->st);
    (void)close(fd);
  }
}

static void put_facts(col_task *t, const void *data)
{
  const facts *f = data;
  col_stat(t, f->opened ? &f->st : NULL);
}

static const col_list_os linux_files = {.root_of = root_of,
                                        .separator = '/',
                                        .each = each,
                                        .look = look,
                                        .is_absent = is_absent,
                                        .tell = tell,
                                        .real_folder = real_folder,
                                        .take = take,
                                        .columns = COL_STAT_COLUMNS,
                                        .put_facts = put_facts,
                                        .facts_size = sizeof(facts)};

cordon_status col_list_read(const cJSON *list, const cJSON *keep_out, col_list **ret_list,
                            sup_err *err)
{
  return col_list_read_for(&linux_files, list, keep_out, ret_list, err);
}
