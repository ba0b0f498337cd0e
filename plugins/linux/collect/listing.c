#include "listing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "read.h"

#define LISTED_MAX (8 * COL_MIB)

bool col_is_content(col_view line)
{
  line = col_trim(line);
  return line.len > 0 && line.ptr[0] != '#' && line.ptr[0] != ';';
}

void col_file_fields(col_task *t, const char *path, const char *user, const struct stat *st,
                     const char *sha256)
{
  col_text(t, path);
  col_text(t, user);
  col_stat(t, st);
  col_text(t, sha256);
}

void col_no_file_fields(col_task *t, const char *path, const char *user)
{
  col_text(t, path);
  col_text(t, user);
  col_stat(t, NULL);
  col_text(t, ""); /* sha256 */
}

typedef struct file {
  col_listing *l;
  const char *path;
  const struct stat *st;
  char sha256[COL_SHA256_HEX + 1];
  int64_t line;
  int64_t told;
  bool in_value; /* of the environment of a job of at */
} file;

static bool put_line(void *data, const char *line, size_t len)
{
  file *f = data;
  col_task *t = f->l->task;
  col_view v = {.ptr = line, .len = len};
  f->line++;
  if (f->l->jobs && col_at_sets(v, &f->in_value))
    return true;
  if (!(f->l->wanted != NULL ? f->l->wanted(v) : col_is_content(v)))
    return true;
  if (++f->told > COL_LISTED_LINES_MAX) {
    col_cap(t, "%s has more than %d lines", f->path, COL_LISTED_LINES_MAX);
    return false;
  }
  col_file_fields(t, f->path, f->l->user, f->st, f->sha256);
  col_num(t, f->line);
  if (f->l->masked)
    col_masked(t, v);
  else
    col_bytes(t, line, len);
  return col_row(t);
}

static void list_fd(col_listing *l, const char *path, int fd, const struct stat *st)
{
  file f = {.l = l, .path = path, .st = st};
  l->files++;
  col_sha256_fd(l->task, fd, 64 * COL_MIB, f.sha256);
  if (lseek(fd, 0, SEEK_SET) == 0 && col_lines_fd(l->task, fd, LISTED_MAX, put_line, &f) == EFBIG)
    col_cap(l->task, "%s: only its first %llu bytes", path, (unsigned long long)LISTED_MAX);
  if (f.told == 0) {
    col_file_fields(l->task, path, l->user, st, f.sha256);
    col_text(l->task, "");
    col_text(l->task, "");
    (void)col_row(l->task);
  }
}

static void note_error(col_listing *l, const char *path, int error)
{
  if (error == ENOENT || error == ENOTDIR)
    return;
  l->files++;
  col_no_file_fields(l->task, path, l->user);
  col_text(l->task, "");
  col_text(l->task, error == ELOOP             ? "(a link, which is not followed)"
                    : error == COL_E_NOT_PLAIN ? "(no plain file, and not read)"
                                               : col_why(error));
  (void)col_row(l->task);
  if (error != ELOOP && error != COL_E_NOT_PLAIN)
    col_mark(l->task, COL_PARTIAL, "%s: %s", path, col_why(error));
}

void col_list_file(col_listing *l, const char *path)
{
  int fd = -1;
  struct stat st;
  int error = col_open(l->task, path, &fd, &st);
  if (error != 0) {
    note_error(l, path, error);
    return;
  }
  list_fd(l, path, fd, &st);
  (void)close(fd);
}

void col_list_below(col_listing *l, const char *home, const char *rel)
{
  char path[COL_PATH];
  int fd = -1;
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/%s", home, rel);
  int error = col_open_below(l->task, home, rel, &fd, &st);
  if (error != 0) {
    note_error(l, path, error);
    return;
  }
  list_fd(l, path, fd, &st);
  (void)close(fd);
}

typedef struct folder {
  col_listing *l;
  const char *path;
} folder;

static bool list_entry(void *data, int dir, const char *name)
{
  const folder *f = data;
  char path[COL_PATH];
  struct stat st;
  if (f->l->name != NULL && !f->l->name(name))
    return true;
  (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
  if (col_stat_at(dir, name, &st, NULL) == 0 && S_ISDIR(st.st_mode))
    return true;
  col_list_file(f->l, path);
  return !col_stop(f->l->task);
}

void col_list_folder(col_listing *l, const char *path)
{
  folder f = {.l = l, .path = path};
  int error = col_each(l->task, path, list_entry, &f);
  if (error != 0)
    note_error(l, path, error);
}

/* ---- homes ---- */

static bool is_home(const char *home)
{
  static const char *const none[] = {"/",        "/nonexistent", "/dev",  "/bin",     "/sbin",
                                     "/usr/bin", "/usr/sbin",    "/proc", "/dev/null"};
  if (home == NULL || home[0] != '/')
    return false;
  for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
    if (strcmp(home, none[i]) == 0)
      return false;
  }
  return true;
}

void col_each_home(col_task *t, col_home_fn *fn, void *data)
{
  col_users users;
  col_users_read(t, &users);
  for (size_t i = 0; i < users.count && !col_stop(t); i++) {
    const col_user *u = &users.items[i];
    bool before = false;
    for (size_t j = 0; j < i && !before; j++)
      before = users.items[j].home != NULL && u->home != NULL &&
               strcmp(users.items[j].home, u->home) == 0;
    if (!before && is_home(u->home))
      fn(data, u->name, u->home);
  }
  col_users_release(&users);
}
