/* From the roots of a plan to its files, one after the other. Each folder is opened below the one
 * before, so that nobody can put a link into the way. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/files.h"

enum { STEPS = 256, RECENT_DAYS = 7 };
#define PLACE (O_PATH | O_NOFOLLOW | O_CLOEXEC)
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

typedef struct level {
  DIR *dir;
  size_t path_len;
} level;

struct sup_walk {
  const sup_plan *plan;
  bool look;
  uint64_t max_size;
  const sup_walk_events *events;
  sup_seen seen;
  size_t image;
  size_t root;
  bool recent;
  int64_t since_s;
  level levels[SUP_DEPTH];
  int depth;
  char path[2 * SUP_PATH];
};

static const char *const reasons[SUP_MISSES] = {
    [SUP_MISS_TOO_LARGE] = "too_large", [SUP_MISS_PERMISSION] = "permission",
    [SUP_MISS_VANISHED] = "vanished",   [SUP_MISS_CHANGED] = "changed",
    [SUP_MISS_DEPTH] = "depth",         [SUP_MISS_PATH_LENGTH] = "path_length",
    [SUP_MISS_SPECIAL] = "special",     [SUP_MISS_FILE_SYSTEM] = "file_system",
    [SUP_MISS_TIME] = "time",           [SUP_MISS_CANCELLED] = "cancelled",
    [SUP_MISS_ENGINE] = "engine_error", [SUP_MISS_ENGINE_LIMITS] = "engine_limits",
    [SUP_MISS_ENCRYPTED] = "encrypted", [SUP_MISS_MISSING] = "not_found",
    [SUP_MISS_DELETED] = "deleted",     [SUP_MISS_IO] = "io"};

const char *sup_miss_name(sup_miss r)
{
  return reasons[r];
}

void sup_file_release(sup_file *f)
{
  if (f->fd >= 0)
    (void)close(f->fd);
  free(f->path);
  *f = (sup_file){.fd = -1};
}

sup_walk *sup_walk_new(const sup_plan *plan, bool look, uint64_t max_size,
                       const sup_walk_events *events)
{
  sup_walk *w = calloc(1, sizeof(*w));
  if (w == NULL)
    return NULL;
  w->plan = plan;
  w->look = look;
  w->max_size = max_size;
  w->events = events;
  w->since_s = (int64_t)time(NULL) - RECENT_DAYS * 24 * 3600;
  return w;
}

static void leave(sup_walk *w)
{
  (void)closedir(w->levels[--w->depth].dir);
  w->path[w->levels[w->depth].path_len] = '\0';
}

void sup_walk_free(sup_walk *w)
{
  if (w == NULL)
    return;
  while (w->depth > 0)
    leave(w);
  sup_seen_release(&w->seen);
  free(w);
}

/* A look counts; what is wrong is said once, by the walk that opens. */
static void miss(const sup_walk *w, const char *path, sup_miss reason, uint64_t size)
{
  if (!w->look)
    w->events->not_scanned(w->events->data, path, reason, size);
}

static void leave_out(const sup_walk *w, const char *path, const char *type)
{
  if (!w->look)
    w->events->left_out(w->events->data, path, type);
}

static sup_miss reason_of(int os_error)
{
  switch (os_error) {
  case ENOENT: return SUP_MISS_VANISHED;
  case EACCES:
  case EPERM: return SUP_MISS_PERMISSION;
  case ELOOP:
  case ENOTDIR: return SUP_MISS_CHANGED;
  case ENAMETOOLONG: return SUP_MISS_PATH_LENGTH;
  case ENXIO:
  case ENODEV: return SUP_MISS_SPECIAL;
  default: return SUP_MISS_IO;
  }
}

/* ---- files ---- */

static bool is_recent(const sup_walk *w, const struct stat *st)
{
  return !w->recent || st->st_mtime >= w->since_s || st->st_ctime >= w->since_s;
}

/* True: it is handed on. */
static bool take_open(sup_walk *w, int fd, const struct stat *before, const char *path,
                      bool deleted, sup_file *ret_file)
{
  struct stat st;
  *ret_file = (sup_file){.fd = -1};
  if (fd < 0) {
    miss(w, path, reason_of(errno), (uint64_t)before->st_size);
    return false;
  }
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_ino != before->st_ino ||
      st.st_dev != before->st_dev) {
    miss(w, path, SUP_MISS_CHANGED, (uint64_t)before->st_size);
    (void)close(fd);
    return false;
  }
  *ret_file = (sup_file){.fd = fd, .st = st, .path = strdup(path), .deleted = deleted};
  if (ret_file->path != NULL)
    return true;
  miss(w, path, SUP_MISS_IO, (uint64_t)st.st_size);
  sup_file_release(ret_file);
  return false;
}

/* A regular file that was looked at: whether it is scanned. */
static bool is_wanted(sup_walk *w, const struct stat *st, const char *path)
{
  if (!is_recent(w, st) || !sup_seen_add(&w->seen, st->st_dev, st->st_ino))
    return false;
  if (w->max_size == 0 || (uint64_t)st->st_size <= w->max_size)
    return true;
  miss(w, path, SUP_MISS_TOO_LARGE, (uint64_t)st->st_size);
  return false;
}

static bool take_file(sup_walk *w, int dir, const char *name, const struct stat *st,
                      sup_file *ret_file)
{
  if (!is_wanted(w, st, w->path))
    return false;
  if (w->look) {
    *ret_file = (sup_file){.fd = -1, .st = *st};
    return true;
  }
  int fd = sup_open_file(openat(dir, name, PLACE), st);
  return take_open(w, fd, st, w->path, false, ret_file);
}

/* Takes over the place. */
static bool take_place(sup_walk *w, int place, const struct stat *st, const char *path,
                       bool deleted, sup_file *ret_file)
{
  bool wanted = is_wanted(w, st, path);
  if (wanted && !w->look)
    return take_open(w, sup_open_file(place, st), st, path, deleted, ret_file);
  *ret_file = (sup_file){.fd = -1, .st = *st};
  (void)close(place);
  return wanted;
}

/* ---- folders ---- */

static void enter(sup_walk *w, int fd, size_t path_len)
{
  struct stat st;
  if (fd < 0) {
    miss(w, w->path, reason_of(errno), 0);
    return;
  }
  /* A folder that is reached by two ways (a bind mount) is walked once. */
  bool fresh = fstat(fd, &st) == 0 && (w->recent || sup_seen_add(&w->seen, st.st_dev, st.st_ino));
  DIR *dir = fresh ? fdopendir(fd) : NULL;
  if (dir == NULL) {
    if (fresh)
      miss(w, w->path, SUP_MISS_IO, 0);
    (void)close(fd);
    return;
  }
  w->levels[w->depth++] = (level){.dir = dir, .path_len = path_len};
}

static bool may_enter(sup_walk *w)
{
  const sup_mount *m = sup_mounts_at(&w->plan->mounts, w->path);
  if (m == NULL || (m->fs == SUP_FS_LOCAL && w->plan->cross))
    return true;
  if (m->fs == SUP_FS_FAR)
    leave_out(w, w->path, m->type);
  return false;
}

static void enter_below(sup_walk *w, int dir, const char *name, size_t path_len)
{
  if (w->depth >= SUP_DEPTH) {
    miss(w, w->path, SUP_MISS_DEPTH, 0);
    return;
  }
  enter(w, openat(dir, name, OPEN_FOLDER), path_len);
}

/* Between the folder's list and a look at it. */
static bool became_another(const struct dirent *e, const struct stat *st)
{
  return e->d_type != DT_UNKNOWN && (mode_t)DTTOIF(e->d_type) != (st->st_mode & S_IFMT);
}

static int take_entry(sup_walk *w, const struct dirent *e, sup_file *ret_file)
{
  struct stat st;
  level *at = &w->levels[w->depth - 1];
  int dir = dirfd(at->dir);
  size_t before = strlen(w->path);
  size_t len = strlen(e->d_name);
  int given = 0;
  bool slash = before == 0 || w->path[before - 1] != '/';
  if (before + 1 + len >= SUP_PATH) {
    miss(w, w->path, SUP_MISS_PATH_LENGTH, 0);
    return 0;
  }
  (void)snprintf(w->path + before, sizeof(w->path) - before, "%s%s", slash ? "/" : "", e->d_name);
  int depth = w->depth;
  bool folder = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
  if (folder && !may_enter(w))
    ;
  else if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    miss(w, w->path, reason_of(errno), 0);
  else if (became_another(e, &st))
    miss(w, w->path, SUP_MISS_CHANGED, 0);
  else if (S_ISDIR(st.st_mode))
    enter_below(w, dir, e->d_name, before);
  else if (S_ISREG(st.st_mode))
    given = take_file(w, dir, e->d_name, &st, ret_file) ? 1 : 0;
  else if (!S_ISLNK(st.st_mode))
    leave_out(w, w->path, NULL);
  if (w->depth == depth)
    w->path[before] = '\0';
  return given;
}

/* ---- roots and images ---- */

/* Whether that file system is walked. */
static bool is_walked(const sup_walk *w, const sup_root *r, const char *path)
{
  const sup_mount *m = sup_mounts_of(&w->plan->mounts, path);
  if (m == NULL || m->fs == SUP_FS_LOCAL)
    return true;
  if (r->asked)
    miss(w, r->path, SUP_MISS_FILE_SYSTEM, 0);
  else
    leave_out(w, r->path, m->type);
  return false;
}

static void miss_root(const sup_walk *w, const sup_root *r, int os_error)
{
  if (r->asked)
    miss(w, r->path, os_error == ENOENT ? SUP_MISS_MISSING : reason_of(os_error), 0);
  else if (os_error == ELOOP)
    leave_out(w, r->path, "link");
  else if (os_error != ENOENT && os_error != ENOTDIR)
    miss(w, r->path, reason_of(os_error), 0);
}

/* The way to a root that somebody named may have links, which he means. On the way to one of a set
 * those of root alone are followed; nothing below a root is. */
static int place_of_root(sup_walk *w, const sup_root *r)
{
  char real[SUP_PATH + 1];
  int place = -1;
  if (!is_walked(w, r, r->path))
    return -1;
  if (!r->asked)
    place = sup_place_trusted(r->path, w->path);
  else if (realpath(r->path, real) != NULL && snprintf(w->path, SUP_PATH, "%s", real) < SUP_PATH)
    place = sup_place(AT_FDCWD, w->path);
  if (place < 0) {
    miss_root(w, r, errno);
  } else if (!is_walked(w, r, w->path)) {
    (void)close(place);
    return -1;
  }
  return place;
}

static int begin_root(sup_walk *w, const sup_root *r, sup_file *ret_file)
{
  struct stat st;
  w->recent = r->recent;
  w->path[0] = '\0';
  int place = place_of_root(w, r);
  if (place < 0)
    return 0;
  if (fstat(place, &st) != 0) {
    miss_root(w, r, errno);
  } else if (S_ISDIR(st.st_mode)) {
    enter(w, sup_open_folder(place), 0);
    return 0;
  } else if (S_ISREG(st.st_mode)) {
    return take_place(w, place, &st, w->path, false, ret_file) ? 1 : 0;
  } else if (r->asked) {
    miss(w, w->path, SUP_MISS_SPECIAL, 0);
  }
  (void)close(place);
  return 0;
}

static int if_planned(int place, const sup_image *i, struct stat *ret_st)
{
  if (place >= 0 && fstat(place, ret_st) == 0 && S_ISREG(ret_st->st_mode) &&
      ret_st->st_ino == i->ino && ret_st->st_dev == i->dev)
    return place;
  if (place >= 0)
    (void)close(place);
  return -1;
}

/* The process may have ended: then its file is looked for by its name. */
static int place_of_image(const sup_image *i, struct stat *ret_st)
{
  int place = open(i->open, O_PATH | O_CLOEXEC | (i->below ? O_DIRECTORY : 0));
  if (i->below && place >= 0) {
    int root = place;
    place = sup_place(root, i->path);
    (void)close(root);
  }
  place = if_planned(place, i, ret_st);
  if (place < 0 && !i->deleted)
    place = if_planned(sup_place(AT_FDCWD, i->path), i, ret_st);
  return place;
}

static int take_image(sup_walk *w, const sup_image *i, sup_file *ret_file)
{
  struct stat st;
  w->recent = false;
  if (i->gone) {
    miss(w, i->path, SUP_MISS_DELETED, 0);
    return 0;
  }
  int place = place_of_image(i, &st);
  /* Nothing runs it any more, and there is no file. */
  if (place < 0)
    return 0;
  return take_place(w, place, &st, i->path, i->deleted, ret_file) ? 1 : 0;
}

int sup_walk_next(sup_walk *w, sup_file *ret_file)
{
  *ret_file = (sup_file){.fd = -1};
  for (int i = 0; i < STEPS; i++) {
    int given = 0;
    if (w->depth > 0) {
      const struct dirent *e = readdir(w->levels[w->depth - 1].dir);
      if (e == NULL)
        leave(w);
      else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
        given = take_entry(w, e, ret_file);
    } else if (w->image < w->plan->image_count) {
      given = take_image(w, &w->plan->images[w->image++], ret_file);
    } else if (w->root < w->plan->root_count) {
      given = begin_root(w, &w->plan->roots[w->root++], ret_file);
    } else {
      return -1;
    }
    if (given != 0)
      return given;
  }
  return 0;
}
