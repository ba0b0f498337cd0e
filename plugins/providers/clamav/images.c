/* The programs and libraries that processes run, opened by the kernel's own links: that works also
 * for files that are deleted, and for those of containers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clamav.h"

enum { IMAGES_MAX = 65536, MAPS_TEXT = 1024 * 1024 };
#define MAPS_MARK (UINT64_C(1) << 63) /* of devices as maps names them */

typedef struct looking {
  clam_plan *plan;
  clam_seen seen;
  char *text;
} looking;

static void add_image(clam_plan *p, const char *open_by, bool below, const char *path,
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
  clam_image *i = &p->images[p->image_count];
  *i = (clam_image){.open = strdup(open_by),
                    .path = strdup(path),
                    .dev = st->st_dev,
                    .ino = st->st_ino,
                    .below = below,
                    .deleted = !below && st->st_nlink == 0};
  if (i->open != NULL && i->path != NULL) {
    p->image_count++;
    return;
  }
  free(i->open);
  free(i->path);
  p->cut = true;
}

static void strip_deleted(char *path)
{
  static const char mark[] = " (deleted)";
  size_t len = strlen(path);
  if (len > sizeof(mark) - 1 && strcmp(path + len - (sizeof(mark) - 1), mark) == 0)
    path[len - (sizeof(mark) - 1)] = '\0';
}

static void look_at_program(looking *l, const char *pid)
{
  char link[64];
  char path[CLAM_PATH];
  struct stat st;
  (void)snprintf(link, sizeof(link), "/proc/%.20s/exe", pid);
  ssize_t len = readlink(link, path, sizeof(path) - 1);
  if (len <= 0 || stat(link, &st) != 0 || !S_ISREG(st.st_mode) ||
      !clam_seen_add(&l->seen, st.st_dev, st.st_ino))
    return;
  path[len] = '\0';
  if (st.st_nlink == 0)
    strip_deleted(path);
  add_image(l->plan, link, false, path, &st);
}

/* 7f00-7f01 r-xp 00000000 fd:01 1234  /usr/lib/x.so */
bool clam_map_read(char *line, uint64_t *ret_dev, uint64_t *ret_ino, char **ret_path)
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
  int place = dir >= 0 ? clam_place(dir, path) : -1;
  bool got = place >= 0 && fstat(place, ret_st) == 0;
  if (place >= 0)
    (void)close(place);
  if (dir >= 0)
    (void)close(dir);
  return got;
}

static void look_at_line(looking *l, const char *pid, char *line)
{
  char root[64];
  char *path = NULL;
  uint64_t dev = 0;
  uint64_t ino = 0;
  struct stat st;
  if (!clam_map_read(line, &dev, &ino, &path) || !clam_seen_add(&l->seen, dev | MAPS_MARK, ino))
    return;
  strip_deleted(path);
  (void)snprintf(root, sizeof(root), "/proc/%.20s/root", pid);
  if (!stat_below(root, path, &st) || !S_ISREG(st.st_mode) || st.st_ino != ino ||
      !clam_seen_add(&l->seen, st.st_dev, st.st_ino))
    return;
  add_image(l->plan, root, true, path, &st);
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

void clam_plan_images(clam_plan *p, const sup_call *call)
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
  clam_seen_release(&l.seen);
  free(l.text);
}
