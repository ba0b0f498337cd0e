#include "mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_TEXT = 4096 };

bool col_mount_is_far(const char *type)
{
  static const char *const far[] = {"nfs",  "nfs4", "cifs",  "smb3",   "smbfs",     "9p",
                                    "ceph", "afs",  "ncpfs", "autofs", "glusterfs", "lustre",
                                    "coda", "gfs2", "ocfs2", "davfs",  "virtiofs"};
  if (strncmp(type, "fuse", 4) == 0)
    return strcmp(type, "fusectl") != 0;
  for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
    if (strcmp(type, far[i]) == 0)
      return true;
  }
  return false;
}

static bool is_octal(char c)
{
  return c >= '0' && c <= '7';
}

/* The next word of a line, with the octal escapes of the kernel undone. */
static bool take_word(const char **line, size_t *len, char *ret_word, size_t size)
{
  size_t at = 0;
  while (*len > 0 && **line == ' ') {
    (*line)++;
    (*len)--;
  }
  if (*len == 0)
    return false;
  while (*len > 0 && **line != ' ') {
    const char *s = *line;
    size_t used = 1;
    char c = *s;
    if (c == '\\' && *len >= 4 && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])) {
      c = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
      used = 4;
    }
    if (at + 1 < size)
      ret_word[at++] = c;
    *line += used;
    *len -= used;
  }
  ret_word[at] = '\0';
  return true;
}

static bool take_number(const char **line, size_t *len, unsigned *ret_number)
{
  char word[32];
  char *end = NULL;
  if (!take_word(line, len, word, sizeof(word)))
    return false;
  unsigned long number = strtoul(word, &end, 10);
  *ret_number = (unsigned)number;
  return end != word;
}

bool col_mount_read(const char *line, size_t len, col_mount *ret_mount)
{
  col_mount *m = ret_mount;
  char word[COL_MOUNT_TEXT];
  char *end = NULL;
  *m = (col_mount){0};
  if (!take_number(&line, &len, &m->id) || !take_number(&line, &len, &m->parent) ||
      !take_word(&line, &len, word, sizeof(word)))
    return false;
  m->major = (unsigned)strtoul(word, &end, 10);
  if (*end != ':')
    return false;
  m->minor = (unsigned)strtoul(end + 1, NULL, 10);
  if (!take_word(&line, &len, m->root, sizeof(m->root)) ||
      !take_word(&line, &len, m->point, sizeof(m->point)) ||
      !take_word(&line, &len, m->options, sizeof(m->options)))
    return false;
  do {
    if (!take_word(&line, &len, word, sizeof(word)))
      return false;
  } while (strcmp(word, "-") != 0);
  if (!take_word(&line, &len, m->type, sizeof(m->type)))
    return false;
  (void)take_word(&line, &len, m->source, sizeof(m->source));
  (void)take_word(&line, &len, m->super_options, sizeof(m->super_options));
  return true;
}

struct col_mount_place {
  unsigned id;
  unsigned parent;
  unsigned major;
  unsigned minor;
  char *point; /* whole */
  bool far;
  bool top; /* its parent is none of these */
  char type[64];
};

/* The fifth word, at its whole length. */
static bool take_point(const char *line, size_t len, char ret_point[PATH_TEXT])
{
  for (int i = 0; i < 5; i++) {
    if (!take_word(&line, &len, ret_point, PATH_TEXT))
      return false;
  }
  return true;
}

static bool make_room(col_mounts *m)
{
  if ((m->count & (m->count - 1)) != 0)
    return true;
  void *grown = realloc(m->items, (m->count == 0 ? 1 : m->count * 2) * sizeof(*m->items));
  if (grown != NULL)
    m->items = grown;
  return grown != NULL;
}

void col_mounts_add(col_mounts *m, const char *line, size_t len)
{
  col_mount mount;
  char point[PATH_TEXT];
  if (m->count >= COL_MOUNTS_MAX || !col_mount_read(line, len, &mount) ||
      !take_point(line, len, point) || !make_room(m))
    return;
  struct col_mount_place *p = &m->items[m->count];
  *p = (struct col_mount_place){.id = mount.id,
                                .parent = mount.parent,
                                .major = mount.major,
                                .minor = mount.minor,
                                .far = col_mount_is_far(mount.type),
                                .top = true};
  memcpy(p->type, mount.type, sizeof(p->type));
  p->point = strdup(point);
  if (p->point == NULL)
    return;
  m->count++;
  for (size_t i = 0; i < m->count; i++) {
    struct col_mount_place *other = &m->items[i];
    if (other != p && other->parent == p->id)
      other->top = false;
    if (other != p && p->parent == other->id)
      p->top = false;
  }
}

void col_mounts_release(col_mounts *m)
{
  for (size_t i = 0; i < m->count; i++)
    free(m->items[i].point);
  free(m->items);
  *m = (col_mounts){0};
}

bool col_mounts_far_by_id(const col_mounts *m, unsigned id, bool *ret_far)
{
  for (size_t i = 0; i < m->count; i++) {
    if (m->items[i].id == id) {
      *ret_far = m->items[i].far;
      return true;
    }
  }
  return false;
}

bool col_mounts_far_by_device(const col_mounts *m, unsigned major, unsigned minor, bool *ret_far)
{
  for (size_t i = 0; i < m->count; i++) {
    if (m->items[i].major == major && m->items[i].minor == minor) {
      *ret_far = m->items[i].far;
      return true;
    }
  }
  return false;
}

static bool is_root(const struct col_mount_place *p)
{
  return p->point[0] == '/' && p->point[1] == '\0';
}

static bool is_at_or_above(const struct col_mount_place *p, const char *path)
{
  size_t len = strlen(p->point);
  return is_root(p) ||
         (strncmp(path, p->point, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

/* The mount that the way to `path` meets first below `from`, or first of all: of two of one parent
 * the shorter hides the other, and of equals the last one does. */
static const struct col_mount_place *next_on_way(const col_mounts *m,
                                                 const struct col_mount_place *from,
                                                 const char *path)
{
  const struct col_mount_place *best = NULL;
  for (size_t i = 0; i < m->count; i++) {
    const struct col_mount_place *p = &m->items[i];
    if (p == from || (from == NULL ? !p->top : p->parent != from->id) || !is_at_or_above(p, path))
      continue;
    if (best == NULL || strlen(p->point) <= strlen(best->point))
      best = p;
  }
  return best;
}

static bool may_be_far(const col_mounts *m, const char *path)
{
  for (size_t i = 0; i < m->count; i++) {
    if (m->items[i].far && is_at_or_above(&m->items[i], path))
      return true;
  }
  return false;
}

const char *col_mounts_far(const col_mounts *m, const char *path)
{
  const struct col_mount_place *on = NULL;
  if (!may_be_far(m, path))
    return NULL;
  /* Numbers that go round in a circle end, too. */
  for (size_t i = 0; i <= m->count; i++) {
    const struct col_mount_place *next = next_on_way(m, on, path);
    if (next == NULL)
      break;
    on = next;
  }
  return on != NULL && on->far && !is_root(on) ? on->type : NULL;
}
