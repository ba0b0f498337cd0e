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

#include "clamav.h"

enum { STEPS = 256, RECENT_DAYS = 7 };
#define PLACE (O_PATH | O_NOFOLLOW | O_CLOEXEC)
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

typedef struct level {
  DIR *dir;
  size_t path_len;
} level;

struct clam_walk {
  const clam_plan *plan;
  bool look;
  uint64_t max_size;
  const clam_walk_events *events;
  clam_seen seen;
  size_t image;
  size_t root;
  bool recent;
  int64_t since_s;
  level levels[CLAM_DEPTH];
  int depth;
  char path[2 * CLAM_PATH];
};

static const char *const reasons[CLAM_REASONS] = {
    [CLAM_TOO_LARGE] = "too_large", [CLAM_PERMISSION] = "permission",
    [CLAM_VANISHED] = "vanished",   [CLAM_CHANGED] = "changed",
    [CLAM_DEPTH_REASON] = "depth",  [CLAM_PATH_LENGTH] = "path_length",
    [CLAM_SPECIAL] = "special",     [CLAM_FILE_SYSTEM] = "file_system",
    [CLAM_TIME] = "time",           [CLAM_CANCELLED] = "cancelled",
    [CLAM_ENGINE] = "engine_error", [CLAM_ENGINE_LIMITS] = "engine_limits",
    [CLAM_MISSING] = "not_found",   [CLAM_IO] = "io"};

const char *clam_reason_name(clam_reason r)
{
  return reasons[r];
}

void clam_file_release(clam_file *f)
{
  if (f->fd >= 0)
    (void)close(f->fd);
  free(f->path);
  *f = (clam_file){.fd = -1};
}

clam_walk *clam_walk_new(const clam_plan *plan, bool look, uint64_t max_size,
                         const clam_walk_events *events)
{
  clam_walk *w = calloc(1, sizeof(*w));
  if (w == NULL)
    return NULL;
  w->plan = plan;
  w->look = look;
  w->max_size = max_size;
  w->events = events;
  w->since_s = (int64_t)time(NULL) - RECENT_DAYS * 24 * 3600;
  return w;
}

static void leave(clam_walk *w)
{
  (void)closedir(w->levels[--w->depth].dir);
  w->path[w->levels[w->depth].path_len] = '\0';
}

void clam_walk_free(clam_walk *w)
{
  if (w == NULL)
    return;
  while (w->depth > 0)
    leave(w);
  clam_seen_release(&w->seen);
  free(w);
}

/* A look counts; what is wrong is said once, by the walk that opens. */
static void miss(const clam_walk *w, const char *path, clam_reason reason, uint64_t size)
{
  if (!w->look)
    w->events->not_scanned(w->events->data, path, reason, size);
}

static void leave_out(const clam_walk *w, const char *path, const char *type)
{
  if (!w->look)
    w->events->left_out(w->events->data, path, type);
}

static clam_reason reason_of(int os_error)
{
  switch (os_error) {
  case ENOENT: return CLAM_VANISHED;
  case EACCES:
  case EPERM: return CLAM_PERMISSION;
  case ELOOP:
  case ENOTDIR: return CLAM_CHANGED;
  case ENAMETOOLONG: return CLAM_PATH_LENGTH;
  case ENXIO:
  case ENODEV: return CLAM_SPECIAL;
  default: return CLAM_IO;
  }
}

/* ---- files ---- */

static bool is_recent(const clam_walk *w, const struct stat *st)
{
  return !w->recent || st->st_mtime >= w->since_s || st->st_ctime >= w->since_s;
}

/* True: it is handed on. */
static bool take_open(clam_walk *w, int fd, const struct stat *before, const char *path,
                      bool deleted, clam_file *ret_file)
{
  struct stat st;
  *ret_file = (clam_file){.fd = -1};
  if (fd < 0) {
    miss(w, path, reason_of(errno), (uint64_t)before->st_size);
    return false;
  }
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_ino != before->st_ino ||
      st.st_dev != before->st_dev) {
    miss(w, path, CLAM_CHANGED, (uint64_t)before->st_size);
    (void)close(fd);
    return false;
  }
  *ret_file = (clam_file){.fd = fd, .st = st, .path = strdup(path), .deleted = deleted};
  if (ret_file->path != NULL)
    return true;
  miss(w, path, CLAM_IO, (uint64_t)st.st_size);
  clam_file_release(ret_file);
  return false;
}

/* A regular file that was looked at: whether it is scanned. */
static bool is_wanted(clam_walk *w, const struct stat *st, const char *path)
{
  if (!is_recent(w, st) || !clam_seen_add(&w->seen, st->st_dev, st->st_ino))
    return false;
  if (w->max_size == 0 || (uint64_t)st->st_size <= w->max_size)
    return true;
  miss(w, path, CLAM_TOO_LARGE, (uint64_t)st->st_size);
  return false;
}

static bool take_file(clam_walk *w, int dir, const char *name, const struct stat *st,
                      clam_file *ret_file)
{
  if (!is_wanted(w, st, w->path))
    return false;
  if (w->look) {
    *ret_file = (clam_file){.fd = -1, .st = *st};
    return true;
  }
  int fd = clam_open_file(openat(dir, name, PLACE), st);
  return take_open(w, fd, st, w->path, false, ret_file);
}

/* Takes over the place. */
static bool take_place(clam_walk *w, int place, const struct stat *st, const char *path,
                       bool deleted, clam_file *ret_file)
{
  bool wanted = is_wanted(w, st, path);
  if (wanted && !w->look)
    return take_open(w, clam_open_file(place, st), st, path, deleted, ret_file);
  *ret_file = (clam_file){.fd = -1, .st = *st};
  (void)close(place);
  return wanted;
}

/* ---- folders ---- */

static void enter(clam_walk *w, int fd, size_t path_len)
{
  struct stat st;
  if (fd < 0) {
    miss(w, w->path, reason_of(errno), 0);
    return;
  }
  /* A folder that is reached by two ways (a bind mount) is walked once. */
  bool fresh = fstat(fd, &st) == 0 && (w->recent || clam_seen_add(&w->seen, st.st_dev, st.st_ino));
  DIR *dir = fresh ? fdopendir(fd) : NULL;
  if (dir == NULL) {
    if (fresh)
      miss(w, w->path, CLAM_IO, 0);
    (void)close(fd);
    return;
  }
  w->levels[w->depth++] = (level){.dir = dir, .path_len = path_len};
}

static bool may_enter(clam_walk *w)
{
  const clam_mount *m = clam_mounts_at(&w->plan->mounts, w->path);
  if (m == NULL || (m->fs == CLAM_FS_LOCAL && w->plan->cross))
    return true;
  if (m->fs == CLAM_FS_FAR)
    leave_out(w, w->path, m->type);
  return false;
}

static void enter_below(clam_walk *w, int dir, const char *name, size_t path_len)
{
  if (w->depth >= CLAM_DEPTH) {
    miss(w, w->path, CLAM_DEPTH_REASON, 0);
    return;
  }
  enter(w, openat(dir, name, OPEN_FOLDER), path_len);
}

static int take_entry(clam_walk *w, const struct dirent *e, clam_file *ret_file)
{
  struct stat st;
  level *at = &w->levels[w->depth - 1];
  int dir = dirfd(at->dir);
  size_t before = strlen(w->path);
  size_t len = strlen(e->d_name);
  int given = 0;
  bool slash = before == 0 || w->path[before - 1] != '/';
  if (before + 1 + len >= CLAM_PATH) {
    miss(w, w->path, CLAM_PATH_LENGTH, 0);
    return 0;
  }
  (void)snprintf(w->path + before, sizeof(w->path) - before, "%s%s", slash ? "/" : "", e->d_name);
  int depth = w->depth;
  bool folder = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
  if (folder && !may_enter(w))
    ;
  else if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    miss(w, w->path, reason_of(errno), 0);
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

/* The way to a root may have links, which whoever named it means; nothing below is followed. */
static bool resolve(clam_walk *w, const clam_root *r)
{
  char real[CLAM_PATH + 1];
  const clam_mount *m = clam_mounts_of(&w->plan->mounts, r->path);
  bool far = m != NULL && m->fs == CLAM_FS_FAR;
  if (!far && realpath(r->path, real) == NULL) {
    if (r->asked)
      miss(w, r->path, errno == ENOENT ? CLAM_MISSING : reason_of(errno), 0);
    else if (errno != ENOENT && errno != ENOTDIR)
      miss(w, r->path, reason_of(errno), 0);
    return false;
  }
  if (!far) {
    m = clam_mounts_of(&w->plan->mounts, real);
    (void)snprintf(w->path, sizeof(w->path), "%s", real);
  }
  if (m == NULL || m->fs == CLAM_FS_LOCAL)
    return true;
  if (r->asked)
    miss(w, r->path, CLAM_FILE_SYSTEM, 0);
  else
    leave_out(w, r->path, m->type);
  return false;
}

static void miss_root(const clam_walk *w, const clam_root *r, int os_error)
{
  if (r->asked || (os_error != ENOENT && os_error != ENOTDIR))
    miss(w, w->path, reason_of(os_error), 0);
}

static int begin_root(clam_walk *w, const clam_root *r, clam_file *ret_file)
{
  struct stat st;
  w->recent = r->recent;
  w->path[0] = '\0';
  if (!resolve(w, r))
    return 0;
  int place = clam_place(AT_FDCWD, w->path);
  if (place < 0 || fstat(place, &st) != 0) {
    miss_root(w, r, errno);
  } else if (S_ISDIR(st.st_mode)) {
    enter(w, clam_open_folder(place), 0);
    return 0;
  } else if (S_ISREG(st.st_mode)) {
    return take_place(w, place, &st, w->path, false, ret_file) ? 1 : 0;
  } else if (r->asked) {
    miss(w, w->path, CLAM_SPECIAL, 0);
  }
  if (place >= 0)
    (void)close(place);
  return 0;
}

static int if_planned(int place, const clam_image *i, struct stat *ret_st)
{
  if (place >= 0 && fstat(place, ret_st) == 0 && S_ISREG(ret_st->st_mode) &&
      ret_st->st_ino == i->ino && ret_st->st_dev == i->dev)
    return place;
  if (place >= 0)
    (void)close(place);
  return -1;
}

/* The process may have ended: then its file is looked for by its name. */
static int place_of_image(const clam_image *i, struct stat *ret_st)
{
  int place = open(i->open, O_PATH | O_CLOEXEC | (i->below ? O_DIRECTORY : 0));
  if (i->below && place >= 0) {
    int root = place;
    place = clam_place(root, i->path);
    (void)close(root);
  }
  place = if_planned(place, i, ret_st);
  if (place < 0 && !i->deleted)
    place = if_planned(clam_place(AT_FDCWD, i->path), i, ret_st);
  return place;
}

static int take_image(clam_walk *w, const clam_image *i, clam_file *ret_file)
{
  struct stat st;
  w->recent = false;
  int place = place_of_image(i, &st);
  /* Nothing runs it any more, and there is no file. */
  if (place < 0)
    return 0;
  return take_place(w, place, &st, i->path, i->deleted, ret_file) ? 1 : 0;
}

int clam_walk_next(clam_walk *w, clam_file *ret_file)
{
  *ret_file = (clam_file){.fd = -1};
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
