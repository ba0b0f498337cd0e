#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listing.h"
#include "read.h"

/* ---- a file ---- */

static void keep(char *text, size_t size, col_view value)
{
  (void)snprintf(text, size, "%.*s", (int)(value.len < size ? value.len : size - 1), value.ptr);
}

static void keep_line(char *text, size_t size, col_view line)
{
  size_t at = strlen(text);
  if (at + line.len + 2 > size)
    return;
  if (at > 0)
    text[at++] = '\n';
  memcpy(text + at, line.ptr, line.len);
  text[at + line.len] = '\0';
}

void col_unit_add(col_unit *u, col_view line)
{
  col_view key;
  col_view value;
  line = col_trim(line);
  if (memchr(line.ptr, '\0', line.len) != NULL || !col_assignment(line, &key, &value))
    return;
  if (col_view_is(key, "Description"))
    keep(u->description, sizeof(u->description), value);
  else if (col_view_is(key, "User"))
    keep(u->user, sizeof(u->user), value);
  else if (col_view_is(key, "Type"))
    keep(u->type, sizeof(u->type), value);
  else if (col_view_is(key, "WantedBy") || col_view_is(key, "RequiredBy"))
    keep(u->wanted_by, sizeof(u->wanted_by), value);
  else if (col_view_begins(key, "Exec"))
    keep_line(u->run, sizeof(u->run), line);
  else if (col_view_begins(key, "Listen") || col_view_begins(key, "Path"))
    keep_line(u->listen, sizeof(u->listen), line);
  else if (col_view_begins(key, "On") || col_view_is(key, "Persistent"))
    keep_line(u->timer, sizeof(u->timer), line);
  else if (col_view_is(key, "Unit"))
    keep(u->unit, sizeof(u->unit), value);
}

/* Lines that end with a backslash go on in the next one. */
typedef struct joining {
  col_unit *unit;
  size_t len;
  char text[COL_UNIT_TEXT];
} joining;

static bool add_line(void *data, const char *line, size_t len)
{
  joining *j = data;
  bool more = len > 0 && line[len - 1] == '\\';
  size_t some = more ? len - 1 : len;
  if (some > sizeof(j->text) - j->len - 1)
    some = sizeof(j->text) - j->len - 1;
  memcpy(j->text + j->len, line, some);
  j->len += some;
  if (more && j->len + 1 < sizeof(j->text))
    j->text[j->len++] = ' ';
  if (more)
    return true;
  j->text[j->len] = '\0';
  col_unit_add(j->unit, (col_view){.ptr = j->text, .len = j->len});
  j->len = 0;
  return true;
}

bool col_unit_read(col_task *t, const col_unit_file *f, col_unit *ret_unit,
                   char ret_sha256[COL_SHA256_HEX + 1])
{
  int fd = -1;
  struct stat st;
  joining j = {.unit = ret_unit};
  *ret_unit = (col_unit){0};
  if (ret_sha256 != NULL)
    ret_sha256[0] = '\0';
  if (!S_ISREG(f->st->st_mode) || col_open(t, f->path, &fd, &st) != 0)
    return false;
  if (ret_sha256 != NULL) {
    col_sha256_fd(t, fd, COL_MIB, ret_sha256);
    (void)lseek(fd, 0, SEEK_SET);
  }
  (void)col_lines_fd(t, fd, COL_MIB, add_line, &j);
  (void)close(fd);
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
  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
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
  if (n->count >= COL_NAMES_MAX)
    return;
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
