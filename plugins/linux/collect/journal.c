/* The files of the journal. A part of one cannot be read, so each is taken whole or not at all, and
 * of many the newest: first all are listed, then those are copied that were written last. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "read.h"

/* journald begins another file at 128 MiB, unless it is told to go on, so this is some of them. Its
 * smallest has 512 KiB, of which there is room for so many as are kept. */
#define JOURNALS_TOTAL (256 * COL_MIB)
enum { KEPT = 512 };

typedef struct journal_file {
  char *path;
  struct timespec written;
} journal_file;

typedef struct journal {
  col_task *task;
  const char *folder;
  bool inside;
  journal_file files[2 * KEPT];
  size_t count;
  unsigned copied;
  unsigned left_out;       /* there was no room for them, */
  char left[COL_SENTENCE]; /* and one of these */
  unsigned refused;        /* what could not be looked at or read, */
  char why[COL_SENTENCE];  /* and of the first one the reason */
} journal;

static void refuse(journal *j, const char *path, int error)
{
  if (j->refused++ == 0)
    (void)snprintf(j->why, sizeof(j->why), "%.150s: %s", path, col_why(error));
}

static void leave_out(journal *j, const char *path)
{
  if (j->left_out++ == 0)
    (void)snprintf(j->left, sizeof(j->left), "%.150s", path);
}

/* ---- what there is ---- */

static int by_newest(const void *a, const void *b)
{
  const journal_file *one = a;
  const journal_file *other = b;
  if (one->written.tv_sec != other->written.tv_sec)
    return one->written.tv_sec > other->written.tv_sec ? -1 : 1;
  if (one->written.tv_nsec != other->written.tv_nsec)
    return one->written.tv_nsec > other->written.tv_nsec ? -1 : 1;
  return strcmp(one->path, other->path);
}

/* Forgets all but the newest ones, however many are there. */
static void keep_newest(journal *j)
{
  qsort(j->files, j->count, sizeof(j->files[0]), by_newest);
  for (size_t i = KEPT; i < j->count; i++) {
    leave_out(j, j->files[i].path);
    free(j->files[i].path);
  }
  j->count = j->count < KEPT ? j->count : KEPT;
}

static void list_file(journal *j, const char *path, const struct stat *st)
{
  if (j->count == 2 * KEPT)
    keep_newest(j);
  journal_file *f = &j->files[j->count];
  f->path = strdup(path);
  f->written = st->st_mtim;
  if (f->path == NULL)
    refuse(j, path, ENOMEM);
  else
    j->count++;
}

/* One that is archived, is written to, or was found damaged: `.journal~`. */
static bool is_journal(const char *name)
{
  static const char end[] = ".journal";
  size_t len = strlen(name);
  len -= len > 0 && name[len - 1] == '~' ? 1 : 0;
  return len >= sizeof(end) - 1 &&
         memcmp(name + len - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

static bool list_entry(void *data, int dir, const char *name);

static void list_folder_in(journal *j, const char *path)
{
  const char *outer = j->folder;
  j->folder = path;
  j->inside = true;
  int error = col_each(j->task, path, list_entry, j);
  j->folder = outer;
  j->inside = false;
  if (error != 0)
    refuse(j, path, error);
}

static bool list_entry(void *data, int dir, const char *name)
{
  journal *j = data;
  char path[COL_PATH];
  struct stat st;
  int made = snprintf(path, sizeof(path), "%s/%s", j->folder, name);
  int error = made < COL_PATH ? col_stat_at(dir, name, &st, NULL) : ENAMETOOLONG;
  if (error != 0 && error != ENOENT)
    refuse(j, path, error);
  if (error != 0)
    return true;
  if (S_ISREG(st.st_mode) && is_journal(name))
    list_file(j, path, &st);
  else if (!S_ISDIR(st.st_mode) && is_journal(name))
    refuse(j, path, S_ISLNK(st.st_mode) ? ELOOP : COL_E_NOT_PLAIN);
  /* A folder for each machine, one deep. */
  if (S_ISDIR(st.st_mode) && !j->inside)
    list_folder_in(j, path);
  return !col_stop(j->task);
}

/* ---- what is taken ---- */

/* It fits, or is left out. Of one that grows meanwhile what it had is taken, as journald makes its
 * files longer before it writes there. */
static void copy_open(journal *j, const char *path, int fd, const struct stat *st, uint64_t *room)
{
  uint64_t size = (uint64_t)st->st_size;
  if (size > *room || size > col_options_of(j->task)->max_file) {
    leave_out(j, path);
    return;
  }
  *room -= size;
  col_begin(j->task, strrchr(path, '/') + 1, path);
  col_copy_fd(j->task, fd, st, size);
  if (!col_is_marked(j->task))
    j->copied++;
  col_end(j->task);
}

static void copy_newest(journal *j)
{
  uint64_t room = JOURNALS_TOTAL;
  keep_newest(j);
  for (size_t i = 0; i < j->count && !col_over(j->task); i++) {
    const char *path = j->files[i].path;
    int fd = -1;
    struct stat st;
    int error = col_open(j->task, path, &fd, &st);
    if (error != 0)
      refuse(j, path, error);
    if (error != 0)
      continue;
    copy_open(j, path, fd, &st, &room);
    (void)close(fd);
  }
}

/* The file that says what there is of it. `error`: an errno, neither folder is there. */
static void tell(const journal *j, int error)
{
  col_task *t = j->task;
  col_begin(t, "journal.txt", "/var/log/journal, /run/log/journal");
  if (error != 0) {
    col_mark_os(t, error, "there is no journal");
    return;
  }
  (void)col_printf(t,
                   "files of the journal that were copied, the newest first: %u; read them with "
                   "journalctl --file\n",
                   j->copied);
  if (j->refused > 0)
    col_mark(t, COL_PARTIAL, "%u files or folders were not read: %s", j->refused, j->why);
  if (j->left_out > 0)
    col_cap(t,
            "left out, as at most %d are taken, each of at most %llu MiB and whole, together %llu "
            "MiB: %u, one is %s",
            KEPT, (unsigned long long)(col_options_of(t)->max_file / COL_MIB),
            (unsigned long long)(JOURNALS_TOTAL / COL_MIB), j->left_out, j->left);
}

/* 0 or the errno that it is not there with; what else is wrong is kept. */
static int list_folder(journal *j, const char *folder)
{
  j->folder = folder;
  int error = col_each(j->task, folder, list_entry, j);
  if (error == 0 || error == ENOENT || error == ENOTDIR)
    return error;
  refuse(j, folder, error);
  return 0;
}

void col_journal(col_task *t)
{
  journal *j = calloc(1, sizeof(*j));
  if (j == NULL) {
    col_begin(t, "journal.txt", "/var/log/journal, /run/log/journal");
    col_mark(t, COL_ERROR, "there is no memory to list the journal");
    return;
  }
  j->task = t;
  int kept = list_folder(j, "/var/log/journal");
  int volatile_one = list_folder(j, "/run/log/journal");
  copy_newest(j);
  tell(j, kept != 0 ? volatile_one : 0);
  for (size_t i = 0; i < j->count; i++)
    free(j->files[i].path);
  free(j);
}
