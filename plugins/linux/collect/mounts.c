#include "mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void col_mounts_add(col_mounts *m, const char *line, size_t len)
{
  col_mount mount;
  if (m->count >= COL_MOUNTS_MAX || !col_mount_read(line, len, &mount) ||
      !col_mount_is_far(mount.type) || strcmp(mount.point, "/") == 0)
    return;
  void *points = realloc(m->points, (m->count + 1) * sizeof(*m->points));
  if (points == NULL)
    return;
  m->points = points;
  void *types = realloc(m->types, (m->count + 1) * sizeof(*m->types));
  if (types == NULL)
    return;
  m->types = types;
  memcpy(m->points[m->count], mount.point, COL_MOUNT_TEXT);
  memcpy(m->types[m->count], mount.type, sizeof(mount.type));
  m->count++;
}

void col_mounts_release(col_mounts *m)
{
  free(m->points);
  free(m->types);
  *m = (col_mounts){0};
}

const char *col_mounts_far(const col_mounts *m, const char *path)
{
  for (size_t i = 0; i < m->count; i++) {
    size_t len = strlen(m->points[i]);
    if (strncmp(path, m->points[i], len) == 0 && (path[len] == '/' || path[len] == '\0'))
      return m->types[i];
  }
  return NULL;
}
