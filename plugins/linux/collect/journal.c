/* The journal: its newest files, each whole, as a part of one cannot be read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "items.h"
#include "read.h"

/* journald begins another file at 128 MiB at the latest, unless it is told to go on. */
#define JOURNALS_TOTAL (256 * COL_MIB)

enum { LISTED_MAX = 4096 };

typedef struct journal_file {
  char *path;
  struct timespec written;
  uint64_t size;
} journal_file;

typedef struct journal {
  col_task *task;
  const char *folder;
  bool inside;
  journal_file *files;
  size_t count;
  size_t copied;
  size_t left_out;
  bool too_many;
} journal;

/* False: no more are listed. */
static bool list_file(journal *j, const char *path, const struct stat *st)
{
  journal_file *f = &j->files[j->count];
  if (j->count == LISTED_MAX) {
    j->too_many = true;
    return false;
  }
  f->path = strdup(path);
  f->written = st->st_mtim;
  f->size = (uint64_t)st->st_size;
  j->count += f->path != NULL ? 1 : 0;
  return true;
}

static bool list_entry(void *data, int dir, const char *name)
{
  journal *j = data;
  char path[COL_PATH];
  struct stat st;
  int made = snprintf(path, sizeof(path), "%s/%s", j->folder, name);
  if (made >= COL_PATH || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return true;
  if (S_ISREG(st.st_mode))
    return strstr(name, ".journal") == NULL || list_file(j, path, &st);
  /* A folder for each machine, one deep. */
  if (S_ISDIR(st.st_mode) && !j->inside) {
    const char *outer = j->folder;
    j->folder = path;
    j->inside = true;
    (void)col_each(j->task, path, list_entry, j);
    j->folder = outer;
    j->inside = false;
  }
  return !j->too_many && !col_stop(j->task);
}

/* 0 or an errno. */
static int list_folder(journal *j, const char *folder)
{
  j->folder = folder;
  return col_each(j->task, folder, list_entry, j);
}

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

/* The newest, as many as fit: what is older and smaller goes beside what was too large. */
static void copy_newest(journal *j)
{
  uint64_t room = JOURNALS_TOTAL;
  uint64_t most = col_options_of(j->task)->max_file;
  qsort(j->files, j->count, sizeof(*j->files), by_newest);
  for (size_t i = 0; i < j->count && !col_over(j->task); i++) {
    const journal_file *f = &j->files[i];
    if (f->size > room || f->size > most) {
      j->left_out++;
      continue;
    }
    room -= f->size;
    j->copied++;
    /* It may have grown meanwhile. */
    col_copy(j->task, strrchr(f->path, '/') + 1, f->path, most);
  }
}

/* The file that says what there is of it. `error`: an errno, nothing was there. */
static void tell(const journal *j, int error)
{
  col_begin(j->task, "journal.txt", "/var/log/journal, /run/log/journal");
  if (error != 0)
    col_mark_os(j->task, error, "there is no journal");
  else
    (void)col_printf(j->task,
                     "%zu files of the journal were copied; read them with journalctl --file.\n",
                     j->copied);
  if (j->too_many)
    col_cap(j->task, "there are more than %d files, and only these were looked at", LISTED_MAX);
  if (j->left_out > 0)
    col_cap(j->task,
            "%zu files were left out: the newest are taken, whole, as long as all of them are not "
            "larger than %llu MiB",
            j->left_out, (unsigned long long)(JOURNALS_TOTAL / COL_MIB));
}

void col_journal(col_task *t)
{
  journal j = {.task = t, .files = calloc(LISTED_MAX, sizeof(*j.files))};
  if (j.files == NULL) {
    col_begin(t, "journal.txt", "/var/log/journal, /run/log/journal");
    col_mark(t, COL_ERROR, "there is no memory to list the journal");
    return;
  }
  int error = list_folder(&j, "/var/log/journal");
  if (list_folder(&j, "/run/log/journal") == 0)
    error = 0;
  copy_newest(&j);
  tell(&j, error);
  for (size_t i = 0; i < j.count; i++)
    free(j.files[i].path);
  free(j.files);
}
