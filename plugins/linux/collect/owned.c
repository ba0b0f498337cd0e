/* The programs that run, and which package each is of: what no package has brought is worth a
 * look. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "parse.h"
#include "proctab.h"
#include "read.h"
#include "rpm.h"

enum { PROGRAMS_MAX = 4096, OWNER = 96 };

/* What the kernel puts behind the path of a program whose file is gone, as after an update. */
#define GONE " (deleted)"

typedef struct program {
  char *path;
  uint32_t processes;
  int64_t pid; /* one that runs it */
  bool owned;
  char owner[OWNER];
} program;

typedef struct looking {
  col_task *task;
  program *items;
  size_t count;
  bool full;
  bool gone;           /* the file of one of them at least */
  const char *package; /* whose list is read */
  size_t lists;
  size_t unlisted; /* packages of which not all files are known */
  bool lost;       /* and others that are not known at all */
} looking;

static int by_path(const void *a, const void *b)
{
  return strcmp(((const program *)a)->path, ((const program *)b)->path);
}

static bool note_program(void *data, int64_t pid, int dir)
{
  looking *l = data;
  char path[COL_PATH];
  ssize_t len = readlinkat(dir, "exe", path, sizeof(path) - 1);
  if (len <= 0)
    return true;
  path[len] = '\0';
  for (size_t i = 0; i < l->count; i++) {
    if (strcmp(l->items[i].path, path) == 0) {
      l->items[i].processes++;
      return true;
    }
  }
  if (l->count == PROGRAMS_MAX) {
    l->full = true;
    return true;
  }
  program *p = &l->items[l->count];
  *p = (program){.path = strdup(path), .processes = 1, .pid = pid};
  l->count += p->path != NULL ? 1 : 0;
  l->gone = l->gone || strstr(path, GONE) != NULL;
  return true;
}

static program *find(const looking *l, char *path)
{
  program key = {.path = path};
  return l->count > 0 ? bsearch(&key, l->items, l->count, sizeof(*l->items), by_path) : NULL;
}

static bool is_before_merge(const char *path)
{
  return strncmp(path, "/bin/", 5) == 0 || strncmp(path, "/sbin/", 6) == 0 ||
         strncmp(path, "/lib", 4) == 0;
}

/* By a name that "/usr" was put in front of: packages of before the merge of /bin into /usr/bin
 * name the old places. */
static program *find_named(const looking *l, char *with_usr)
{
  char *name = with_usr + 4;
  program *p = find(l, name);
  return p == NULL && is_before_merge(name) ? find(l, with_usr) : p;
}

static void note_package(const looking *l, program *p, bool owned)
{
  if (p == NULL)
    return;
  p->owned = p->owned || owned;
  (void)snprintf(p->owner, sizeof(p->owner), "%s", l->package);
}

/* A device has a million of such lines. */
static bool note_owner(void *data, const char *line, size_t len)
{
  static const char usr[] = "/usr";
  looking *l = data;
  char path[COL_PATH];
  if (len == 0 || len > sizeof(path) - sizeof(usr) - sizeof(GONE))
    return true;
  memcpy(path, usr, 4);
  memcpy(path + 4, line, len);
  path[4 + len] = '\0';
  note_package(l, find_named(l, path), true);
  if (l->gone) {
    memcpy(path + 4 + len, GONE, sizeof(GONE));
    note_package(l, find_named(l, path), false);
  }
  return true;
}

static bool read_list(void *data, int dir, const char *name)
{
  looking *l = data;
  char package[OWNER];
  size_t len = strlen(name);
  struct stat st;
  if (len < 6 || strcmp(name + len - 5, ".list") != 0)
    return true;
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    (void)snprintf(package, sizeof(package), "%.*s", (int)(len - 5), name);
    l->package = package;
    l->lists++;
    (void)col_lines_fd(l->task, fd, 64 * COL_MIB, note_owner, l);
  }
  if (fd >= 0)
    (void)close(fd);
  return !col_stop(l->task);
}

/* apk: `F:folder` and then `R:file` for each in it, behind `P:name`. */
typedef struct apk {
  looking *l;
  char package[OWNER];
  char folder[COL_PATH];
} apk;

static bool read_apk(void *data, const char *line, size_t len)
{
  apk *a = data;
  char path[2 * COL_PATH];
  if (len < 2 || line[1] != ':')
    return true;
  int rest = (int)len - 2;
  if (line[0] == 'P') {
    (void)snprintf(a->package, sizeof(a->package), "%.*s", rest, line + 2);
  } else if (line[0] == 'F') {
    (void)snprintf(a->folder, sizeof(a->folder), "%.*s", rest, line + 2);
  } else if (line[0] == 'R') {
    int made = snprintf(path, sizeof(path), "/%s/%.*s", a->folder, rest, line + 2);
    a->l->package = a->package;
    (void)note_owner(a->l, path, made > 0 ? (size_t)made : 0);
  }
  return !col_stop(a->l->task);
}

static bool note_rpm_file(void *data, const char *path, size_t len)
{
  looking *l = data;
  return note_owner(l, path, len) && !col_stop(l->task);
}

static bool read_rpm(void *data, const col_rpm *rpm, const char *source)
{
  looking *l = data;
  (void)source;
  l->package = rpm->name;
  l->lists++;
  l->unlisted += col_rpm_files(rpm, note_rpm_file, l) ? 0 : 1;
  return !col_stop(l->task);
}

static void read_rpms(looking *l)
{
  l->lost = !col_each_rpm(l->task, read_rpm, l);
  if (l->unlisted > 0)
    col_mark(l->task, COL_PARTIAL, "the files of %zu packages of rpm are not all known",
             l->unlisted);
}

/* No package has it only where all packages are known. Of a file that is gone a package may have
 * the name: whether it was this file is not known. */
static const char *whose(const looking *l, const program *p)
{
  if (p->owned)
    return "yes";
  return p->owner[0] != '\0' || l->lists == 0 || l->lost || l->unlisted > 0 ? "not known" : "no";
}

/* The process may have ended since, or run another program: then the file is not this one's. */
static void read_program(col_task *t, const program *p, struct stat *ret_st,
                         char ret_sha256[COL_SHA256_HEX + 1])
{
  char name[64];
  char path[COL_PATH];
  int dir = -1;
  struct stat st;
  (void)snprintf(name, sizeof(name), "/proc/%lld", (long long)p->pid);
  if (col_open_folder(t, name, &dir) != 0) {
    (void)snprintf(ret_sha256, COL_SHA256_HEX + 1, "(ended)");
    return;
  }
  int held = col_hold_program(dir, path, sizeof(path));
  if (strcmp(path, p->path) != 0)
    (void)snprintf(ret_sha256, COL_SHA256_HEX + 1, held < 0 ? "(ended)" : "(changed)");
  int fd = ret_sha256[0] == '\0' ? col_open_held(t, dir, held, path, &st) : -1;
  if (fd >= 0) {
    *ret_st = st;
    col_sha256_program(t, fd, &st, ret_sha256);
    (void)close(fd);
  }
  if (held >= 0)
    (void)close(held);
  (void)close(dir);
}

static void put_program(looking *l, const program *p)
{
  col_task *t = l->task;
  char sha256[COL_SHA256_HEX + 1] = "";
  struct stat st = {0};
  read_program(t, p, &st, sha256);
  col_text(t, p->path);
  col_num(t, p->processes);
  col_num(t, p->pid);
  col_text(t, whose(l, p));
  col_text(t, p->owner);
  col_stat(t, &st);
  col_flag(t, (st.st_mode & S_ISUID) != 0);
  col_text(t, sha256);
  (void)col_row(t);
}

void col_programs(col_task *t)
{
  looking l = {.task = t, .items = calloc(PROGRAMS_MAX, sizeof(program))};
  if (l.items == NULL) {
    col_mark(t, COL_ERROR, "there is no memory to look at the programs");
    return;
  }
  (void)col_each_process(t, note_program, &l);
  qsort(l.items, l.count, sizeof(*l.items), by_path);
  (void)col_each(t, "/var/lib/dpkg/info", read_list, &l);
  apk a = {.l = &l};
  if (col_lines(t, "/lib/apk/db/installed", 256 * COL_MIB, read_apk, &a) == 0)
    l.lists++;
  read_rpms(&l);
  col_head(t, "path,processes,pid,in_package,package," COL_STAT_COLUMNS ",setuid,sha256");
  if (l.full)
    col_cap(t, "there are more than %d programs", PROGRAMS_MAX);
  for (size_t i = 0; i < l.count && !col_stop(t); i++)
    put_program(&l, &l.items[i]);
  for (size_t i = 0; i < l.count; i++)
    free(l.items[i].path);
  free(l.items);
}
