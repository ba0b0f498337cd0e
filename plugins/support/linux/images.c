/* The programs and libraries that processes run, opened by the kernel's own links: that works also
 * for programs that are deleted, and for what is of containers. To a library that is deleted leads
 * no such link without the right to checkpoint processes, which comes near to being root, and
 * nobody here has: these are in the plan to be told. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "support/files.h"

enum { IMAGES_MAX = 65536, MAPS_TEXT = 1024 * 1024 };
#define MAPS_MARK (UINT64_C(1) << 63) /* of devices as maps names them */

typedef struct looking {
  sup_plan *plan;
  sup_seen seen;
  char *text;
  char program[SUP_PATH]; /* of the process that is looked at */
  uint64_t program_ino;
} looking;

static void add_image(sup_plan *p, const char *open_by, bool below, const char *path,
                      const struct stat *st)
{
  if (p->image_count >= IMAGES_MAX) {
    p->cut = true;
    return;
  }
  if ((p->image_count & (p->image_count - 1)) == 0) {
    void *grown =
        realloc(p->images, (p->image_count == 0 ? 1 : p->image_count * 2) * sizeof(*p->images));
    if (grown == NULL) {
      p->cut = true;
      return;
    }
    p->images = grown;
  }
  sup_image *i = &p->images[p->image_count];
  *i = (sup_image){.open = strdup(open_by),
                   .path = strdup(path),
                   .dev = st->st_dev,
                   .ino = st->st_ino,
                   .below = below};
  if (i->open != NULL && i->path != NULL) {
    p->image_count++;
    return;
  }
  free(i->open);
  free(i->path);
  p->cut = true;
}

/* True: it had the kernel's mark. */
static bool strip_deleted(char *path)
{
  static const char mark[] = " (deleted)";
  size_t len = strlen(path);
  bool has = len > sizeof(mark) - 1 && strcmp(path + len - (sizeof(mark) - 1), mark) == 0;
  if (has)
    path[len - (sizeof(mark) - 1)] = '\0';
  return has;
}

static bool leads_to(const char *path, const struct stat *st)
{
  struct stat now;
  return lstat(path, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

static void look_at_program(looking *l, const char *pid)
{
  char link[64];
  struct stat st;
  l->program_ino = 0;
  (void)snprintf(link, sizeof(link), "/proc/%.20s/exe", pid);
  ssize_t len = readlink(link, l->program, sizeof(l->program) - 1);
  if (len <= 0 || stat(link, &st) != 0 || !S_ISREG(st.st_mode))
    return;
  l->program[len] = '\0';
  l->program_ino = st.st_ino;
  bool deleted = !leads_to(l->program, &st) && strip_deleted(l->program);
  size_t before = l->plan->image_count;
  if (sup_seen_add(&l->seen, st.st_dev, st.st_ino))
    add_image(l->plan, link, false, l->program, &st);
  if (l->plan->image_count > before)
    l->plan->images[before].deleted = deleted;
}

/* 7f00-7f01 r-xp 00000000 fd:01 1234  /usr/lib/x.so */
bool sup_map_read(char *line, uint64_t *ret_dev, uint64_t *ret_ino, char **ret_path)
{
  char *end = NULL;
  char *at = strchr(line, ' ');
  if (at == NULL || strlen(at) < 6 || at[3] != 'x')
    return false;
  at = strchr(at + 1, ' ');
  at = at != NULL ? strchr(at + 1, ' ') : NULL;
  if (at == NULL)
    return false;
  unsigned long major = strtoul(at + 1, &end, 16);
  if (*end != ':')
    return false;
  unsigned long minor = strtoul(end + 1, &end, 16);
  if (*end != ' ')
    return false;
  *ret_dev = makedev((unsigned)major, (unsigned)minor);
  *ret_ino = strtoull(end + 1, &end, 10);
  *ret_path = end + strspn(end, " ");
  return *ret_ino != 0 && **ret_path == '/';
}

/* As the process sees it. What is mapped is named without links. */
static bool stat_below(const char *root, const char *path, struct stat *ret_st)
{
  int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int place = dir >= 0 ? sup_place(dir, path) : -1;
  bool got = place >= 0 && fstat(place, ret_st) == 0;
  if (place >= 0)
    (void)close(place);
  if (dir >= 0)
    (void)close(dir);
  return got;
}

/* What the kernel names so is memory, and never was a file of a file system. */
static bool is_memory(const char *path)
{
  static const char *const names[] = {"/memfd:", "/SYSV",          "/dev/zero", "/anon_hugepage",
                                      "/[aio]",  "/drm mm object", "/i915"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (strncmp(path, names[i], strlen(names[i])) == 0)
      return true;
  }
  return false;
}

static void add_gone(looking *l, const char *path, uint64_t dev, uint64_t ino)
{
  struct stat st = {.st_dev = dev, .st_ino = ino};
  size_t before = l->plan->image_count;
  if (is_memory(path))
    return;
  add_image(l->plan, "", true, path, &st);
  if (l->plan->image_count > before)
    l->plan->images[before].gone = true;
}

typedef struct mapped {
  uint64_t dev;
  uint64_t ino;
  char *path;
  bool exact; /* it has the number that maps says: it is that file */
  const char *root;
  struct stat st;
} mapped;

/* A process in a prison of its own is shown with paths of ours, one of a container with its own.
 * The numbers of maps are not those of stat on every file system, so that the path must do. */
static bool find_mapped(const char *const roots[2], mapped *m)
{
  m->root = NULL;
  for (int i = 0; i < 2 && !m->exact; i++) {
    struct stat st;
    if (!stat_below(roots[i], m->path, &st) || !S_ISREG(st.st_mode))
      continue;
    m->exact = st.st_ino == m->ino;
    if (m->root == NULL || m->exact) {
      m->root = roots[i];
      m->st = st;
    }
  }
  return m->root != NULL;
}

/* A line break is written as its number. */
static bool unescape(char *path)
{
  char *to = path;
  bool had = false;
  for (const char *at = path; *at != '\0'; to++) {
    bool is = strncmp(at, "\\012", 4) == 0;
    had = had || is;
    *to = is ? '\n' : *at;
    at += is ? 4 : 1;
  }
  *to = '\0';
  return had;
}

/* To which the kernel's own link leads. */
static bool is_program(const looking *l, const mapped *m)
{
  return m->ino == l->program_ino && strcmp(m->path, l->program) == 0;
}

static void look_at_line(looking *l, const char *pid, char *line)
{
  char root[64];
  mapped m = {0};
  if (!sup_map_read(line, &m.dev, &m.ino, &m.path) ||
      !sup_seen_add(&l->seen, m.dev | MAPS_MARK, m.ino))
    return;
  (void)snprintf(root, sizeof(root), "/proc/%.20s/root", pid);
  const char *const roots[2] = {root, "/"};
  bool there = find_mapped(roots, &m) || (unescape(m.path) && find_mapped(roots, &m));
  /* With the mark the kernel says that it is another that is there, unless it is called so. */
  bool deleted = !m.exact && strip_deleted(m.path);
  if (there && !deleted) {
    if (sup_seen_add(&l->seen, m.st.st_dev, m.st.st_ino))
      add_image(l->plan, m.root, true, m.path, &m.st);
  } else if (!is_program(l, &m) && access(root, F_OK) == 0) {
    add_gone(l, m.path, m.dev, m.ino);
  }
}

static void look_at_maps(looking *l, const char *pid)
{
  char path[64];
  (void)snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  size_t len = 0;
  ssize_t got = 1;
  while (fd >= 0 && got > 0 && len < MAPS_TEXT - 1) {
    got = read(fd, l->text + len, MAPS_TEXT - 1 - len);
    len += got > 0 ? (size_t)got : 0;
  }
  if (fd >= 0)
    (void)close(fd);
  l->text[len] = '\0';
  for (char *rest = l->text, *line = NULL; (line = strsep(&rest, "\n")) != NULL;)
    look_at_line(l, pid, line);
}

void sup_plan_images(sup_plan *p, const sup_call *call)
{
  looking l = {.plan = p, .text = malloc(MAPS_TEXT)};
  DIR *dir = opendir("/proc");
  const struct dirent *e = NULL;
  while (dir != NULL && l.text != NULL && (e = readdir(dir)) != NULL && !sup_call_cancelled(call)) {
    if (e->d_name[0] < '1' || e->d_name[0] > '9')
      continue;
    look_at_program(&l, e->d_name);
    look_at_maps(&l, e->d_name);
  }
  p->cut = p->cut || dir == NULL || l.text == NULL;
  if (dir != NULL)
    (void)closedir(dir);
  sup_seen_release(&l.seen);
  free(l.text);
}
