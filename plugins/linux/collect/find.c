/* Which files a path of a list stands for. Every folder is opened by the rules of col_open_folder()
 * and nothing that is a link is gone into for a pattern. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "custom.h"
#include "read.h"

enum { LOOKED_MAX = 200000 };

typedef struct finding {
  const col_task *task;
  const col_list_item *item;
  col_found *found;
} finding;

/* A folder of the way, and the part of the path that is looked for in it. */
typedef struct place {
  finding *f;
  const char *folder;
  const char *part;
  size_t part_len;
  const char *rest; /* behind it; empty: it is the last */
  unsigned depth;   /* of ** */
} place;

static void expand(finding *f, const char *folder, const char *path, unsigned depth);

static void note_trouble(finding *f, int error, const char *folder)
{
  if (error == ENOENT || error == ENOTDIR)
    return;
  f->found->unfinished = true;
  if (f->found->trouble[0] == '\0')
    (void)snprintf(f->found->trouble, COL_SENTENCE, "%.150s: %.80s", folder,
                   error == ELOOP     ? "a link, which is not followed"
                   : error == EREMOTE ? "it is on a file system that may hang"
                                      : strerror(error));
}

static bool is_over(const finding *f)
{
  return f->found->more || f->found->looked >= LOOKED_MAX || col_stop(f->task);
}

static bool no_memory(finding *f)
{
  f->found->unfinished = true;
  (void)snprintf(f->found->trouble, COL_SENTENCE, "there was no memory for more paths");
  return false;
}

static bool add_path(finding *f, const char *path)
{
  col_found *r = f->found;
  if (r->count >= f->item->max_files) {
    r->more = true;
    return false;
  }
  if ((r->count & (r->count - 1)) == 0) {
    char **grown = realloc(r->paths, (r->count == 0 ? 1 : r->count * 2) * sizeof(*grown));
    if (grown == NULL)
      return no_memory(f);
    r->paths = grown;
  }
  r->paths[r->count] = strdup(path);
  if (r->paths[r->count] == NULL)
    return no_memory(f);
  r->count++;
  return true;
}

static bool join(finding *f, char ret[COL_PATH], const char *folder, const char *name, size_t len)
{
  int made = snprintf(ret, COL_PATH, "%s/%.*s", folder, (int)len, name);
  bool fits = made > 0 && made < COL_PATH;
  if (!fits)
    note_trouble(f, ENAMETOOLONG, folder);
  return fits;
}

static bool is_folder(int dir, const char *name)
{
  struct stat st;
  int64_t born = 0;
  return col_stat_at(dir, name, &st, &born) == 0 && S_ISDIR(st.st_mode);
}

static bool match_entry(void *data, int dir, const char *name)
{
  const place *p = data;
  finding *f = p->f;
  char path[COL_PATH];
  f->found->looked++;
  if (col_glob_part(p->part, p->part_len, name) && join(f, path, p->folder, name, strlen(name))) {
    bool folder = is_folder(dir, name);
    if (p->rest[0] == '\0' && !folder)
      (void)add_path(f, path);
    else if (p->rest[0] != '\0' && folder)
      expand(f, path, p->rest, p->depth);
  }
  return !is_over(f);
}

/* Of a part that is **: every folder below, down to the item's depth. */
static bool go_deeper(void *data, int dir, const char *name)
{
  const place *p = data;
  finding *f = p->f;
  char path[COL_PATH];
  f->found->looked++;
  if (is_folder(dir, name)) {
    f->found->deeper = f->found->deeper || p->depth >= f->item->max_depth;
    if (p->depth < f->item->max_depth && join(f, path, p->folder, name, strlen(name)))
      expand(f, path, p->part, p->depth + 1);
  }
  return !is_over(f) && !(f->found->deeper && p->depth >= f->item->max_depth);
}

static void each(place *p, col_entry_fn *fn)
{
  int error = col_each(p->f->task, p->folder[0] != '\0' ? p->folder : "/", fn, p);
  if (error != 0)
    note_trouble(p->f, error, p->folder);
}

static bool is_pattern(const char *text, size_t len)
{
  return memchr(text, '*', len) != NULL || memchr(text, '?', len) != NULL;
}

/* Behind a pattern a name is one of many that may be there; without one it is what was asked for,
 * and the package says that it is not there. */
static bool is_there(finding *f, const char *folder, const place *p)
{
  char name[NAME_MAX + 1];
  struct stat st;
  int64_t born = 0;
  int dir = -1;
  if (!is_pattern(f->item->path, (size_t)(p->part - f->item->path)))
    return true;
  if (p->part_len >= sizeof(name))
    return false;
  int error = col_open_folder(f->task, folder, &dir);
  if (error != 0) {
    note_trouble(f, error, folder);
    return false;
  }
  memcpy(name, p->part, p->part_len);
  name[p->part_len] = '\0';
  bool there = col_stat_at(dir, name, &st, &born) == 0;
  (void)close(dir);
  return there;
}

/* `path` is what is still to go, beginning behind a slash. */
static void expand(finding *f, const char *folder, const char *path, unsigned depth)
{
  char next[COL_PATH];
  size_t len = strcspn(path, "/");
  place p = {.f = f, .folder = folder, .part = path, .part_len = len, .depth = depth};
  p.rest = path[len] == '/' ? path + len + 1 : path + len;
  if (is_over(f))
    return;
  if (len == 2 && memcmp(path, "**", 2) == 0) {
    expand(f, folder, p.rest, depth);
    each(&p, go_deeper);
  } else if (is_pattern(path, len)) {
    each(&p, match_entry);
  } else if (!join(f, next, folder, path, len)) {
    return;
  } else if (p.rest[0] == '\0') {
    if (is_there(f, folder[0] != '\0' ? folder : "/", &p))
      (void)add_path(f, next);
  } else {
    expand(f, next, p.rest, depth);
  }
}

void col_find(const col_task *t, const col_list_item *item, col_found *ret_found)
{
  finding f = {.task = t, .item = item, .found = ret_found};
  *ret_found = (col_found){0};
  expand(&f, "", item->path + 1, 0);
  if (ret_found->looked >= LOOKED_MAX) {
    ret_found->unfinished = true;
    (void)snprintf(ret_found->trouble, COL_SENTENCE, "more than %d names were looked at",
                   LOOKED_MAX);
  }
}

void col_found_release(col_found *f)
{
  for (size_t i = 0; i < f->count; i++)
    free(f->paths[i]);
  free(f->paths);
  *f = (col_found){0};
}
