/* The profile `extended`: a time line of files, hashes of programs, open files, memory maps. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "parse.h"
#include "patient.h"
#include "proctab.h"
#include "read.h"
#include "support/csv.h"

enum { DEPTH = 48, FILES_MAX = 5000000, OPEN_MAX = 500000, MAPS_MAX = 1000000 };

/* ---- a walk over everything local ---- */

typedef struct walking walking;
struct walking {
  col_task *task;
  void (*put)(walking *w, int dir, const char *path, const char *name, const struct stat *st);
  int64_t born; /* of the one that is put */
  uint64_t count;
};

/* What the kernel makes up is no file. */
static bool is_left_out(const char *path)
{
  static const char *const out[] = {"/proc", "/sys", "/dev"};
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(path, out[i]) == 0)
      return true;
  }
  return false;
}

static bool walk(walking *w, int fd, const char *path, int depth);

/* Opens what may be a folder, whatever is mounted there by now, and tells of it. -1: it is none, or
 * is not entered; false: it is not to be touched. */
static bool look(walking *w, int dir, const char *folder, const struct dirent *d, int *ret_fd,
                 struct stat *ret_st)
{
  int error = ENOTDIR;
  *ret_fd = -1;
  if (d->d_type == DT_DIR || d->d_type == DT_UNKNOWN)
    error = col_cross_entry(w->task, dir, folder, d->d_name, O_RDONLY | O_DIRECTORY, ret_fd);
  if (error == EREMOTE || error == ENOENT) {
    if (error == EREMOTE)
      col_mark(w->task, COL_PARTIAL,
               "%.100s/%.80s: it is on a file system that may hang, and is not read", folder,
               d->d_name);
    return false;
  }
  if (error != 0 && d->d_type == DT_DIR)
    col_mark(w->task, COL_PARTIAL, "%.100s/%.100s: %s", folder, d->d_name, col_why(error));
  return *ret_fd >= 0 ? col_stat_fd(*ret_fd, ret_st, &w->born) == 0
                      : col_stat_at(dir, d->d_name, ret_st, &w->born) == 0;
}

static bool put_entry(walking *w, int dir, const char *path, const char *name,
                      const struct stat *st)
{
  if (++w->count > FILES_MAX) {
    col_cap(w->task, "there are more than %d files", FILES_MAX);
    return false;
  }
  w->put(w, dir, path, name, st);
  return !col_stop(w->task);
}

static bool walk_entry(walking *w, int dir, const char *folder, const struct dirent *d, int depth)
{
  char path[COL_PATH];
  struct stat st;
  int fd = -1;
  const char *front = strcmp(folder, "/") == 0 ? "" : folder;
  int len = snprintf(path, sizeof(path), "%s/%s", front, d->d_name);
  if (len < 0 || (size_t)len >= sizeof(path)) {
    col_mark(w->task, COL_PARTIAL, "%.200s: names in it are too long to be told", folder);
    return true;
  }
  if (is_left_out(path) || !look(w, dir, front, d, &fd, &st)) {
    if (fd >= 0)
      (void)close(fd);
    return true;
  }
  bool go_on = put_entry(w, dir, path, d->d_name, &st);
  if (fd >= 0 && go_on && depth < DEPTH)
    return walk(w, fd, path, depth + 1);
  if (fd >= 0 && depth >= DEPTH)
    col_cap(w->task, "folders deeper than %d are not entered", DEPTH);
  if (fd >= 0)
    (void)close(fd);
  return go_on;
}

/* Closes `fd`. */
static bool walk(walking *w, int fd, const char *path, int depth)
{
  DIR *dir = fdopendir(fd);
  const struct dirent *e = NULL;
  bool go_on = true;
  if (dir == NULL) {
    (void)close(fd);
    return true;
  }
  while (go_on && !col_stop(w->task) && (e = readdir(dir)) != NULL) {
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      go_on = walk_entry(w, dirfd(dir), path, e, depth);
  }
  (void)closedir(dir);
  return go_on;
}

static void walk_all(walking *w)
{
  int fd = -1;
  int error = col_open_folder(w->task, "/", &fd);
  if (error != 0)
    col_mark_os(w->task, error, "/");
  else
    (void)walk(w, fd, "/", 0);
  if (col_left_ms(w->task) == 0)
    col_cap(w->task, "the item's time was over, so files are missing");
}

/* Mode as ls writes it. */
static void mode_text(mode_t mode, char ret_text[11])
{
  static const char bits[] = "rwxrwxrwx";
  char type = S_ISDIR(mode)    ? 'd'
              : S_ISLNK(mode)  ? 'l'
              : S_ISCHR(mode)  ? 'c'
              : S_ISBLK(mode)  ? 'b'
              : S_ISFIFO(mode) ? 'p'
              : S_ISSOCK(mode) ? 's'
                               : '-';
  ret_text[0] = type;
  for (int i = 0; i < 9; i++)
    ret_text[i + 1] = (char)((mode >> (8 - i) & 1) != 0 ? bits[i] : '-');
  if ((mode & S_ISUID) != 0)
    ret_text[3] = (mode & S_IXUSR) != 0 ? 's' : 'S';
  if ((mode & S_ISGID) != 0)
    ret_text[6] = (mode & S_IXGRP) != 0 ? 's' : 'S';
  if ((mode & S_ISVTX) != 0)
    ret_text[9] = (mode & S_IXOTH) != 0 ? 't' : 'T';
  ret_text[10] = '\0';
}

/* As in the tables, and what would end a field or a line besides. */
static void put_name(col_task *t, const char *path)
{
  char text[2 * COL_PATH];
  sup_csv_escape(path, strlen(path), text, sizeof(text));
  for (const char *c = text; *c != '\0'; c += strcspn(c, "|\r\n")) {
    if (*c == '|' || *c == '\r' || *c == '\n')
      (void)col_printf(t, "\\x%02x", (unsigned char)*c++);
    (void)col_put(t, c, strcspn(c, "|\r\n"));
  }
}

/* The format of The Sleuth Kit: MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime. */
static void put_body(walking *w, int dir, const char *path, const char *name, const struct stat *st)
{
  char mode[11];
  mode_text(st->st_mode, mode);
  (void)col_put(w->task, "0|", 2);
  put_name(w->task, path);
  (void)col_printf(w->task, "|%llu|%s|%u|%u|%lld|%lld|%lld|%lld|%lld\n",
                   (unsigned long long)st->st_ino, mode, (unsigned)st->st_uid, (unsigned)st->st_gid,
                   (long long)st->st_size, (long long)st->st_atim.tv_sec,
                   (long long)st->st_mtim.tv_sec, (long long)st->st_ctim.tv_sec,
                   (long long)w->born);
}

void col_timeline(col_task *t)
{
  walking w = {.task = t, .put = put_body};
  walk_all(&w);
}

static void put_hash(walking *w, int dir, const char *path, const char *name, const struct stat *st)
{
  col_task *t = w->task;
  char sha256[COL_SHA256_HEX + 1] = "";
  char folder[COL_PATH];
  struct stat now;
  if (!S_ISREG(st->st_mode) || (st->st_mode & 0111) == 0)
    return;
  int fd = -1;
  (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strlen(path) - strlen(name) - 1), path);
  (void)col_cross_entry(t, dir, folder, name, O_RDONLY, &fd);
  if (fd >= 0 && fstat(fd, &now) == 0 && S_ISREG(now.st_mode))
    col_sha256_fd(t, fd, 1024 * COL_MIB, sha256);
  if (fd >= 0)
    (void)close(fd);
  col_text(t, path);
  col_stat(t, st);
  col_text(t, sha256);
  (void)col_row(t);
}

void col_executable_hashes(col_task *t)
{
  walking w = {.task = t, .put = put_hash};
  col_head(t, "path," COL_STAT_COLUMNS ",sha256");
  walk_all(&w);
}

/* ---- of processes ---- */

enum { MAPS_PART = 64 * 1024, MAPS_TEXT = 64 * 1024 * 1024, NAMED_MAX = 8 };

typedef struct processes {
  col_task *task;
  int64_t rows;
  int64_t pid;
  col_patient patient;
  unsigned silent;                 /* processes that did not answer, */
  int64_t silent_pids[NAMED_MAX];  /* the first of them, */
  char line[MAPS_PART + COL_PATH]; /* and what is still to be completed of one's maps */
  size_t line_len;
} processes;

static bool put_open_file(processes *p, int dir, const char *name)
{
  col_task *t = p->task;
  char target[COL_PATH];
  ssize_t len = readlinkat(dir, name, target, sizeof(target));
  if (len < 0)
    return true;
  if (++p->rows > OPEN_MAX) {
    col_cap(t, "there are more than %d open files", OPEN_MAX);
    return false;
  }
  col_num(t, p->pid);
  col_text(t, name);
  col_bytes(t, target, (size_t)len);
  return col_row(t);
}

static bool put_open_files(void *data, int64_t pid, int dir)
{
  processes *p = data;
  bool go_on = true;
  int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *files = fd >= 0 ? fdopendir(fd) : NULL;
  const struct dirent *e = NULL;
  p->pid = pid;
  if (files == NULL) {
    if (errno == EACCES || errno == EPERM)
      col_mark(p->task, COL_PARTIAL, "the files of process %lld may not be seen", (long long)pid);
    if (fd >= 0)
      (void)close(fd);
    return true;
  }
  while (go_on && (e = readdir(files)) != NULL) {
    if (e->d_name[0] != '.')
      go_on = put_open_file(p, dirfd(files), e->d_name);
  }
  (void)closedir(files);
  return go_on;
}

void col_open_files(col_task *t)
{
  processes p = {.task = t};
  col_head(t, "pid,descriptor,target");
  (void)col_each_process(t, put_open_files, &p);
}

static bool put_map(void *data, const char *line, size_t len)
{
  processes *p = data;
  col_task *t = p->task;
  col_view rest = {.ptr = line, .len = len};
  col_view f[5];
  for (size_t i = 0; i < 5; i++) {
    if (!col_word(&rest, &f[i]))
      return true;
  }
  rest = col_trim(rest);
  if (++p->rows > MAPS_MAX) {
    col_cap(t, "there are more than %d maps", MAPS_MAX);
    return false;
  }
  col_num(t, p->pid);
  for (size_t i = 0; i < 5; i++)
    col_bytes(t, f[i].ptr, f[i].len);
  col_bytes(t, rest.ptr, rest.len);
  return col_row(t);
}

/* The whole lines of a part, and of what was left of the one before. */
static void put_maps_part(processes *p, const char *text, size_t len, bool end)
{
  size_t some = sizeof(p->line) - p->line_len < len ? sizeof(p->line) - p->line_len : len;
  memcpy(p->line + p->line_len, text, some);
  p->line_len += some;
  size_t whole = p->line_len;
  while (!end && whole > 0 && p->line[whole - 1] != '\n')
    whole--;
  col_lines_of(p->line, whole, put_map, p);
  memmove(p->line, p->line + whole, p->line_len - whole);
  p->line_len -= whole;
}

/* 0 or an errno. Each part is waited for, and no longer than a part may take. */
static int read_maps(processes *p, int fd)
{
  int64_t len = MAPS_PART - 1;
  p->line_len = 0;
  for (size_t total = 0; len == MAPS_PART - 1 && total < MAPS_TEXT && p->rows <= MAPS_MAX;) {
    int part = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (part < 0)
      return errno;
    char *text = col_patient_read(&p->patient, part, MAPS_PART, &len);
    if (text == NULL)
      return (int)-len;
    total += (size_t)len;
    put_maps_part(p, text, (size_t)len, len < MAPS_PART - 1);
    free(text);
    if (total >= MAPS_TEXT)
      col_cap(p->task, "of process %lld only the first %d MiB of its maps", (long long)p->pid,
              MAPS_TEXT / (1024 * 1024));
  }
  return 0;
}

static void note_silent(processes *p, int64_t pid)
{
  col_task *t = p->task;
  if (p->silent < NAMED_MAX)
    p->silent_pids[p->silent] = pid;
  p->silent++;
  col_num(t, pid);
  col_text(t, "(not answered)");
  for (int i = 0; i < 5; i++)
    col_text(t, "");
  (void)col_row(t);
}

static bool put_maps(void *data, int64_t pid, int dir)
{
  processes *p = data;
  p->pid = pid;
  int fd = col_patient_open(&p->patient, dir, "maps");
  int error = fd < 0 ? -fd : read_maps(p, fd);
  if (fd >= 0)
    (void)close(fd);
  if (error == EACCES || error == EPERM)
    col_mark(p->task, COL_PARTIAL, "the maps of process %lld may not be seen", (long long)pid);
  else if (error == ETIMEDOUT)
    note_silent(p, pid);
  return p->rows <= MAPS_MAX;
}

/* Which they were, as far as a sentence goes. */
static void tell_silent(const processes *p)
{
  char pids[NAMED_MAX * 24] = "";
  size_t at = 0;
  for (unsigned i = 0; i < p->silent && i < NAMED_MAX; i++)
    at += (size_t)snprintf(pids + at, sizeof(pids) - at, "%s%lld", i > 0 ? ", " : "",
                           (long long)p->silent_pids[i]);
  if (p->silent > 0)
    col_mark(p->task, COL_PARTIAL, "the maps of %u processes could not be read in time: %s%s",
             p->silent, pids, p->silent > NAMED_MAX ? ", ..." : "");
}

void col_memory_maps(col_task *t)
{
  processes *p = calloc(1, sizeof(*p));
  if (p == NULL) {
    col_mark(t, COL_ERROR, "there is no memory to look at the processes");
    return;
  }
  p->task = t;
  col_head(t, "pid,range,rights,offset,device,inode,file");
  (void)col_each_process(t, put_maps, p);
  col_patient_end(&p->patient);
  tell_silent(p);
  free(p);
}
