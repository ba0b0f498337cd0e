/* Which files a path of a list stands for. Nothing that is a link is gone into for a pattern. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package/list.h"

enum { NAME_MAX_BYTES = 1024 };

typedef struct finding {
  const col_task *task;
  const col_list_os *os;
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

static void set_trouble(finding *f, const char *folder, const char *why)
{
  f->found->unfinished = true;
  if (f->found->trouble[0] == '\0')
    (void)snprintf(f->found->trouble, COL_SENTENCE, "%.150s: %.80s", folder, why);
}

static void note_trouble(finding *f, int error, const char *folder)
{
  char why[COL_SENTENCE];
  if (f->os->is_absent(error))
    return;
  f->os->tell(error, why, sizeof(why));
  set_trouble(f, folder, why);
}

static bool is_over(const finding *f)
{
  return f->found->more || f->found->looked >= COL_LIST_LOOKED || col_stop(f->task);
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

static bool join(finding *f, char ret[COL_LIST_FOUND], const char *folder, const char *name,
                 size_t len)
{
  int made = snprintf(ret, COL_LIST_FOUND, "%s%c%.*s", folder, f->os->separator, (int)len, name);
  bool fits = made > 0 && made < COL_LIST_FOUND;
  if (!fits)
    set_trouble(f, folder, "a path in it is too long");
  return fits;
}

static bool match_entry(void *data, const char *name, bool folder)
{
  const place *p = data;
  finding *f = p->f;
  char path[COL_LIST_FOUND];
  if (join(f, path, p->folder, name, strlen(name))) {
    if (p->rest[0] == '\0' && !folder)
      (void)add_path(f, path);
    else if (p->rest[0] != '\0' && folder)
      expand(f, path, p->rest, p->depth);
  }
  return !is_over(f);
}

/* Of a part that is **: every folder below, down to the item's depth. */
static bool go_deeper(void *data, const char *name, bool folder)
{
  const place *p = data;
  finding *f = p->f;
  char path[COL_LIST_FOUND];
  if (folder) {
    f->found->deeper = f->found->deeper || p->depth >= f->item->max_depth;
    if (p->depth < f->item->max_depth && join(f, path, p->folder, name, strlen(name)))
      expand(f, path, p->part, p->depth + 1);
  }
  return !is_over(f) && !(f->found->deeper && p->depth >= f->item->max_depth);
}

static void each(place *p, const char *pattern, size_t len, col_list_entry_fn *fn)
{
  int error = p->f->os->each(p->f->task, p->folder, pattern, len, fn, p, &p->f->found->looked);
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
  char name[NAME_MAX_BYTES];
  bool there = false;
  if (!is_pattern(f->item->path, (size_t)(p->part - f->item->path)))
    return true;
  if (p->part_len >= sizeof(name))
    return false;
  memcpy(name, p->part, p->part_len);
  name[p->part_len] = '\0';
  int error = f->os->look(f->task, folder, name, &there);
  if (error != 0)
    note_trouble(f, error, folder);
  return error == 0 && there;
}

/* `path` is what is still to go, beginning behind a slash. */
static void expand(finding *f, const char *folder, const char *path, unsigned depth)
{
  char next[COL_LIST_FOUND];
  const char separator[] = {f->os->separator, '\0'};
  size_t len = strcspn(path, separator);
  place p = {.f = f, .folder = folder, .part = path, .part_len = len, .depth = depth};
  p.rest = path[len] == f->os->separator ? path + len + 1 : path + len;
  if (is_over(f))
    return;
  if (len == 2 && memcmp(path, "**", 2) == 0) {
    expand(f, folder, p.rest, depth);
    each(&p, "*", 1, go_deeper);
  } else if (is_pattern(path, len)) {
    each(&p, path, len, match_entry);
  } else if (!join(f, next, folder, path, len)) {
    return;
  } else if (p.rest[0] == '\0') {
    if (is_there(f, folder, &p))
      (void)add_path(f, next);
  } else {
    expand(f, next, p.rest, depth);
  }
}

void col_find(const col_task *t, const col_list_os *os, const col_list_item *item,
              col_found *ret_found)
{
  finding f = {.task = t, .os = os, .item = item, .found = ret_found};
  char root[COL_LIST_PATH + 1] = "";
  size_t len = 0;
  *ret_found = (col_found){0};
  if (!os->root_of(item->path, &len) || len >= sizeof(root))
    return;
  memcpy(root, item->path, len);
  expand(&f, root, item->path + len + 1, 0);
  if (ret_found->looked >= COL_LIST_LOOKED) {
    ret_found->unfinished = true;
    (void)snprintf(ret_found->trouble, COL_SENTENCE, "more than %d names were looked at",
                   COL_LIST_LOOKED);
  }
}

void col_found_release(col_found *f)
{
  for (size_t i = 0; i < f->count; i++)
    free(f->paths[i]);
  free(f->paths);
  *f = (col_found){0};
}
