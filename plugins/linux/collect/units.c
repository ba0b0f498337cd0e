#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listing.h"
#include "read.h"

/* ---- a file ---- */

/* Adds as much as there is room for; the last of it says what is missing. */
static void add_bytes(col_unit *u, char *text, size_t size, col_view v)
{
  size_t at = strlen(text);
  size_t room = size - at > sizeof(COL_CUT) ? size - at - sizeof(COL_CUT) : 0;
  size_t len = v.len < room ? v.len : room;
  bool marked = at >= strlen(COL_CUT) && strcmp(text + at - strlen(COL_CUT), COL_CUT) == 0;
  if (len > 0)
    memcpy(text + at, v.ptr, len);
  text[at + len] = '\0';
  if (len == v.len)
    return;
  u->cut = true;
  if (!marked)
    memcpy(text + at + len, COL_CUT, sizeof(COL_CUT));
}

static void keep(col_unit *u, char *text, size_t size, col_view value)
{
  text[0] = '\0';
  add_bytes(u, text, size, value);
}

static void keep_line(col_unit *u, char *text, size_t size, col_view line)
{
  if (text[0] != '\0')
    add_bytes(u, text, size, col_view_of("\n"));
  add_bytes(u, text, size, line);
}

void col_unit_add(col_unit *u, col_view line)
{
  col_view key;
  col_view value;
  line = col_trim(line);
  if (memchr(line.ptr, '\0', line.len) != NULL || !col_assignment(line, &key, &value))
    return;
  if (col_view_is(key, "Description"))
    keep(u, u->description, sizeof(u->description), value);
  else if (col_view_is(key, "User"))
    keep(u, u->user, sizeof(u->user), value);
  else if (col_view_is(key, "Type"))
    keep(u, u->type, sizeof(u->type), value);
  else if (col_view_is(key, "WantedBy") || col_view_is(key, "RequiredBy"))
    keep(u, u->wanted_by, sizeof(u->wanted_by), value);
  else if (col_view_begins(key, "Exec"))
    keep_line(u, u->run, sizeof(u->run), line);
  else if (col_view_begins(key, "Listen") || col_view_begins(key, "Path"))
    keep_line(u, u->listen, sizeof(u->listen), line);
  else if (col_view_begins(key, "On") || col_view_is(key, "Persistent"))
    keep_line(u, u->timer, sizeof(u->timer), line);
  else if (col_view_is(key, "Unit"))
    keep(u, u->unit, sizeof(u->unit), value);
}

static void end_line(col_unit_lines *l)
{
  l->unit->cut = l->unit->cut || l->cut;
  if (l->cut)
    memcpy(l->text + sizeof(l->text) - sizeof(COL_CUT), COL_CUT, sizeof(COL_CUT));
  l->text[l->len] = '\0';
  col_unit_add(l->unit, (col_view){.ptr = l->text, .len = l->len});
  l->len = 0;
  l->more = false;
  l->cut = false;
}

static void take_line(col_unit_lines *l, col_view v)
{
  col_view content = col_trim(v);
  size_t slashes = 0;
  if (content.len > 0 && (content.ptr[0] == '#' || content.ptr[0] == ';'))
    return;
  while (slashes < v.len && v.ptr[v.len - 1 - slashes] == '\\')
    slashes++;
  l->more = slashes % 2 == 1;
  v.len -= l->more ? 1 : 0;
  size_t room = sizeof(l->text) - 1 - l->len;
  size_t some = v.len < room ? v.len : room;
  l->cut = l->cut || some < v.len;
  if (some > 0)
    memcpy(l->text + l->len, v.ptr, some);
  l->len += some;
  if (l->more && l->len + 1 < sizeof(l->text))
    l->text[l->len++] = ' ';
  if (!l->more)
    end_line(l);
}

bool col_unit_line(void *data, const char *line, size_t len)
{
  for (;;) {
    const char *end = len > 0 ? memchr(line, '\0', len) : NULL;
    size_t part = end != NULL ? (size_t)(end - line) : len;
    take_line(data, (col_view){.ptr = line, .len = part});
    if (end == NULL)
      return true;
    line += part + 1;
    len -= part + 1;
  }
}

void col_unit_end(col_unit_lines *l)
{
  if (l->more)
    end_line(l);
}

bool col_unit_read(col_task *t, const col_unit_file *f, col_unit *ret_unit,
                   char ret_sha256[COL_SHA256_HEX + 1])
{
  int fd = -1;
  struct stat st;
  col_unit_lines lines = {.unit = ret_unit};
  *ret_unit = (col_unit){0};
  if (ret_sha256 != NULL)
    ret_sha256[0] = '\0';
  if (!S_ISREG(f->st->st_mode) || col_open(t, f->path, &fd, &st) != 0)
    return false;
  if (ret_sha256 != NULL) {
    col_sha256_fd(t, fd, COL_MIB, ret_sha256);
    (void)lseek(fd, 0, SEEK_SET);
  }
  int error = col_lines_fd(t, fd, COL_MIB, col_unit_line, &lines);
  (void)close(fd);
  col_unit_end(&lines);
  if (error == EFBIG)
    col_cap(t, "%s: only its first MiB", f->path);
  else if (ret_unit->cut)
    col_cap(t, "%s: what ends with " COL_CUT " did not fit", f->path);
  return true;
}

/* ---- folders ---- */

typedef struct walking {
  col_task *task;
  col_unit_fn *fn;
  void *data;
  const char *folder;
  const char *user;
  const char *kind; /* of what is in a folder of a unit; NULL in a folder of units */
  const char *unit; /* whose folder it is */
} walking;

static bool ends_with(const char *text, const char *end)
{
  size_t len = strlen(text);
  size_t end_len = strlen(end);
  return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool is_unit(const char *name)
{
  static const char *const ends[] = {".service",   ".timer", ".socket", ".path",
                                     ".target",    ".mount", ".device", ".slice",
                                     ".automount", ".swap",  ".scope"};
  for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
    if (ends_with(name, ends[i]))
      return true;
  }
  return false;
}

static bool walk_entry(void *data, int dir, const char *name);

static void walk_folder_of(const walking *w, const char *path, const char *name)
{
  static const struct {
    const char *end;
    const char *kind;
  } kinds[] = {{".wants", "wants"}, {".requires", "requires"}, {".d", "drop-in"}};
  for (size_t i = 0; w->kind == NULL && i < 3; i++) {
    if (!ends_with(name, kinds[i].end))
      continue;
    char unit[COL_UNIT_NAME];
    (void)snprintf(unit, sizeof(unit), "%.*s", (int)(strlen(name) - strlen(kinds[i].end)), name);
    walking inside = *w;
    inside.folder = path;
    inside.kind = kinds[i].kind;
    inside.unit = unit;
    (void)col_each(w->task, path, walk_entry, &inside);
  }
}

static bool walk_entry(void *data, int dir, const char *name)
{
  const walking *w = data;
  char path[COL_PATH];
  char target[COL_PATH] = "";
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/%s", w->folder, name);
  if (col_stat_at(dir, name, &st, NULL) != 0)
    return true;
  if (S_ISDIR(st.st_mode)) {
    walk_folder_of(w, path, name);
    return !col_stop(w->task);
  }
  if (S_ISLNK(st.st_mode)) {
    ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);
    target[len > 0 ? len : 0] = '\0';
  }
  bool drop_in = w->kind != NULL && strcmp(w->kind, "drop-in") == 0;
  if (drop_in ? !ends_with(name, ".conf") : !is_unit(name))
    return true;
  col_unit_file f = {.path = path,
                     .name = drop_in ? w->unit : name,
                     .kind = w->kind != NULL                    ? w->kind
                             : strcmp(target, "/dev/null") == 0 ? "masked"
                             : target[0] != '\0'                ? "alias"
                                                                : "unit",
                     .target = w->kind != NULL && !drop_in ? w->unit : target,
                     .user = w->user,
                     .st = &st};
  w->fn(w->data, &f);
  return !col_stop(w->task);
}

static void walk_home(void *data, const char *user, const char *home)
{
  static const char *const folders[] = {".config/systemd/user", ".local/share/systemd/user"};
  walking w = *(const walking *)data;
  for (size_t i = 0; i < 2; i++) {
    char path[COL_PATH];
    (void)snprintf(path, sizeof(path), "%s/%s", home, folders[i]);
    w.folder = path;
    w.user = user;
    (void)col_each(w.task, path, walk_entry, &w);
  }
}

void col_each_unit(col_task *t, bool users, col_unit_fn *fn, void *data)
{
  /* /lib is a link to /usr/lib where they were merged, and read once. */
  static const char *const folders[] = {
      "/etc/systemd/system",     "/run/systemd/system",         "/usr/local/lib/systemd/system",
      "/usr/lib/systemd/system", "/run/systemd/generator",      "/run/systemd/transient",
      "/etc/systemd/user",       "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
      "/run/systemd/user"};
  walking w = {.task = t, .fn = fn, .data = data, .user = ""};
  char path[COL_PATH];
  struct stat st;
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !col_stop(t); i++) {
    if (!users && ends_with(folders[i], "/user"))
      continue;
    w.folder = folders[i];
    (void)col_each(t, folders[i], walk_entry, &w);
  }
  col_path(t, "/lib", path);
  if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
    w.folder = "/lib/systemd/system";
    (void)col_each(t, w.folder, walk_entry, &w);
  }
  if (users)
    col_each_home(t, walk_home, &w);
}

/* ---- names ---- */

void col_names_add(col_names *n, const char *name)
{
  if (n->count >= COL_NAMES_MAX) {
    n->full = true;
    return;
  }
  if ((n->count & (n->count - 1)) == 0) {
    char **grown = realloc(n->items, (n->count == 0 ? 1 : n->count * 2) * sizeof(*grown));
    if (grown == NULL)
      return;
    n->items = grown;
  }
  n->items[n->count] = strdup(name);
  if (n->items[n->count] != NULL)
    n->count++;
}

bool col_names_has(const col_names *n, const char *name)
{
  for (size_t i = 0; i < n->count; i++) {
    if (strcmp(n->items[i], name) == 0)
      return true;
  }
  return false;
}

void col_names_release(col_names *n)
{
  for (size_t i = 0; i < n->count; i++)
    free(n->items[i]);
  free(n->items);
  *n = (col_names){0};
}
