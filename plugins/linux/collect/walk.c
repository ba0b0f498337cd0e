#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "read.h"

/* Looking may be so many batches ahead of the rows. */
enum { DEPTH = 32, BATCH = 128, BATCHES = 8 };

/* A folder that is read. Of the walk's own thread only. */
typedef struct folder {
  DIR *dir;
  unsigned holders; /* the one who reads it, and batches */
  size_t len;
  char path[];
} folder;

/* Entries of one folder, which one thread looks at. */
typedef struct batch {
  folder *at;
  size_t count;
  bool done; /* under the lock */
  col_entry items[BATCH];
} batch;

typedef struct walk {
  col_task *task;
  const col_walk_calls *calls;
  bool go_on;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  /* Under the lock. From `first` on there are `count` batches, of which `taken` are, or were,
   * looked at. The one behind them is being filled. */
  unsigned first;
  unsigned count;
  unsigned taken;
  bool over;
  batch batches[BATCHES];
} walk;

/* ---- both threads ---- */

/* With the lock held, which is let go meanwhile. False: there is nothing to look at. */
static bool look_at_one(walk *w)
{
  if (w->taken == w->count)
    return false;
  batch *b = &w->batches[(w->first + w->taken++) % BATCHES];
  (void)pthread_mutex_unlock(&w->lock);
  for (size_t i = 0; i < b->count && !col_stop(w->task); i++)
    w->calls->look(w->calls->data, dirfd(b->at->dir), b->at->path, &b->items[i]);
  (void)pthread_mutex_lock(&w->lock);
  b->done = true;
  return true;
}

/* The second thread. */
static void help(void *data)
{
  walk *w = data;
  (void)pthread_mutex_lock(&w->lock);
  while (!w->over) {
    if (look_at_one(w))
      (void)pthread_cond_broadcast(&w->changed);
    else
      (void)pthread_cond_wait(&w->changed, &w->lock);
  }
  (void)pthread_mutex_unlock(&w->lock);
}

/* ---- rows ---- */

static void drop(folder *f)
{
  if (--f->holders > 0)
    return;
  (void)closedir(f->dir);
  free(f);
}

/* False: it is too long to be told. */
static bool join(const folder *f, const char *name, char path[COL_PATH])
{
  size_t len = strlen(name);
  if (f->len + 1 + len >= COL_PATH)
    return false;
  memcpy(path, f->path, f->len);
  path[f->len] = '/';
  memcpy(path + f->len + 1, name, len + 1);
  return true;
}

/* What of it is missing. */
static void mark(const walk *w, const col_entry *e, const char *path)
{
  char why[COL_SENTENCE];
  if (e->far && !col_is_far(w->task, path, why))
    (void)snprintf(why, sizeof(why), "it is on a file system that may hang, and is not read");
  if (e->error != 0)
    col_mark(w->task, COL_PARTIAL, "%.150s: %s", path, col_why(e->error));
  else if (e->far)
    col_mark(w->task, COL_PARTIAL, "%.150s: %s", path, why);
  else if (e->mounted && S_ISDIR(e->st.st_mode))
    col_mark(w->task, COL_PARTIAL,
             "%.150s: another file system is mounted there, which is not entered", path);
}

static bool put_one(const walk *w, const folder *f, const col_entry *e)
{
  char path[COL_PATH];
  bool is_marked = e->far || e->mounted || e->error != 0;
  if ((!e->there && !is_marked) || !join(f, e->name, path))
    return true;
  if (is_marked)
    mark(w, e, path);
  return !e->there || w->calls->put(w->calls->data, e, path);
}

/* Hands over the first batch, when it is looked at. What hangs there is waited for: the runner
 * leaves the item behind. */
static void put_first(walk *w)
{
  (void)pthread_mutex_lock(&w->lock);
  batch *b = &w->batches[w->first];
  while (!b->done) {
    if (!look_at_one(w))
      (void)pthread_cond_wait(&w->changed, &w->lock);
  }
  w->first = (w->first + 1) % BATCHES;
  w->count--;
  w->taken--;
  (void)pthread_mutex_unlock(&w->lock);
  for (size_t i = 0; i < b->count; i++) {
    w->go_on = w->go_on && !col_stop(w->task) && put_one(w, b->at, &b->items[i]);
    free(b->items[i].attributes);
    free(b->items[i].target);
  }
  drop(b->at);
}

/* ---- names ---- */

/* The batch that is filled; always there is a free one. */
static batch *filling(walk *w)
{
  return &w->batches[(w->first + w->count) % BATCHES];
}

/* Lets the threads have what is filled, and makes room for more. */
static void publish(walk *w, folder *f)
{
  batch *b = filling(w);
  if (b->count == 0)
    return;
  b->at = f;
  b->done = false;
  f->holders++;
  (void)pthread_mutex_lock(&w->lock);
  w->count++;
  (void)pthread_cond_broadcast(&w->changed);
  (void)pthread_mutex_unlock(&w->lock);
  if (w->count == BATCHES)
    put_first(w);
  filling(w)->count = 0;
}

/* False: it is too long to be told. */
static bool add_name(walk *w, const folder *f, const struct dirent *d, unsigned char type)
{
  batch *b = filling(w);
  col_entry *e = &b->items[b->count];
  size_t len = strlen(d->d_name);
  if (len >= sizeof(e->name) || f->len + 1 + len >= COL_PATH) {
    col_mark(w->task, COL_PARTIAL, "%.200s: names in it are too long to be told", f->path);
    return false;
  }
  memcpy(e->name, d->d_name, len + 1);
  e->type = type;
  e->there = false;
  e->far = false;
  e->error = 0;
  e->mounted = false;
  e->not_hashed = false;
  e->kind = "";
  e->attributes = NULL;
  e->target = NULL;
  e->sha256[0] = '\0';
  b->count++;
  return true;
}

static unsigned char type_of(const folder *f, const struct dirent *d)
{
  struct stat st;
  int64_t born = 0;
  if (d->d_type != DT_UNKNOWN || col_stat_at(dirfd(f->dir), d->d_name, &st, &born) != 0)
    return d->d_type;
  return (unsigned char)IFTODT(st.st_mode);
}

static void walk_folder(walk *w, int fd, const char *path, int depth);

static void walk_into(walk *w, const folder *f, const char *name, int depth)
{
  char path[COL_PATH];
  int fd = -1;
  if (!join(f, name, path))
    return;
  if (depth >= DEPTH) {
    col_cap(w->task, "folders deeper than %d are not entered", DEPTH);
    return;
  }
  int error = col_open_entry(w->task, dirfd(f->dir), f->path, name, O_RDONLY | O_DIRECTORY, &fd);
  if (error == 0)
    walk_folder(w, fd, path, depth + 1);
  else if (error != ENOENT && error != EXDEV && error != EREMOTE) /* its entry tells */
    col_mark(w->task, COL_PARTIAL, "%.150s: %s", path, col_why(error));
}

static void read_names(walk *w, folder *f, int depth)
{
  const struct dirent *d = NULL;
  while (w->go_on && !col_stop(w->task) && (d = readdir(f->dir)) != NULL) {
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
      continue;
    unsigned char type = type_of(f, d);
    if (!add_name(w, f, d, type))
      continue;
    if (type == DT_DIR || filling(w)->count == BATCH)
      publish(w, f);
    if (type == DT_DIR && w->go_on)
      walk_into(w, f, d->d_name, depth);
  }
  publish(w, f);
}

/* Closes `fd`. What is in a folder comes behind it. */
static void walk_folder(walk *w, int fd, const char *path, int depth)
{
  size_t len = strlen(path);
  folder *f = malloc(sizeof(*f) + len + 1);
  DIR *dir = f != NULL ? fdopendir(fd) : NULL;
  if (dir == NULL) {
    col_mark(w->task, COL_PARTIAL, "%.150s: there is no memory to look into it", path);
    (void)close(fd);
    free(f);
    return;
  }
  *f = (folder){.dir = dir, .holders = 1, .len = len};
  memcpy(f->path, path, len + 1);
  read_names(w, f, depth);
  drop(f);
}

bool col_walk(col_task *t, col_hands *hands, int fd, const char *path, const col_walk_calls *calls)
{
  walk *w = calloc(1, sizeof(*w));
  if (w == NULL) {
    col_mark(t, COL_PARTIAL, "%.150s: there is no memory to look into it", path);
    (void)close(fd);
    return true;
  }
  w->task = t;
  w->calls = calls;
  w->go_on = true;
  (void)pthread_mutex_init(&w->lock, NULL);
  (void)pthread_cond_init(&w->changed, NULL);
  col_hands_begin(hands, help, w);
  walk_folder(w, fd, path, 0);
  while (w->count > 0)
    put_first(w);
  (void)pthread_mutex_lock(&w->lock);
  w->over = true;
  (void)pthread_cond_broadcast(&w->changed);
  (void)pthread_mutex_unlock(&w->lock);
  col_hands_wait(hands);
  bool whole = w->go_on && !col_stop(t);
  (void)pthread_cond_destroy(&w->changed);
  (void)pthread_mutex_destroy(&w->lock);
  free(w);
  return whole;
}
