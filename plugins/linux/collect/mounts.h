/* What is mounted, and which of it may hang: file systems of the network and of other programs are
 * not touched. */
#ifndef COLLECT_MOUNTS_H
#define COLLECT_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

enum { COL_MOUNTS_MAX = 16384, COL_MOUNT_TEXT = 512 };

/* One line of mountinfo. Texts are unescaped and cut at their size. */
typedef struct col_mount {
  unsigned id;
  unsigned parent;
  unsigned major;
  unsigned minor;
  char root[COL_MOUNT_TEXT];
  char point[COL_MOUNT_TEXT];
  char options[COL_MOUNT_TEXT];
  char type[64];
  char source[COL_MOUNT_TEXT];
  char super_options[COL_MOUNT_TEXT];
} col_mount;

/* Takes a line of /proc/PID/mountinfo apart. False: it is none. Pure. */
bool col_mount_read(const char *line, size_t len, col_mount *ret_mount);

/* Whether reading there waits for a network or for another program. Pure. */
bool col_mount_is_far(const char *type);

/* All that is mounted, to tell which of it a path is on. */
typedef struct col_mounts {
  struct col_mount_place *items;
  size_t count;
} col_mounts;

void col_mounts_add(col_mounts *m, const char *line, size_t len);
/* Whether the mount of this number, or one of this device, is far. False: there is none. Pure. */
bool col_mounts_far_by_id(const col_mounts *m, unsigned id, bool *ret_far);
bool col_mounts_far_by_device(const col_mounts *m, unsigned major, unsigned minor, bool *ret_far);
void col_mounts_release(col_mounts *m);
/* The type of the far file system that an absolute path is on, or NULL. Pure. */
const char *col_mounts_far(const col_mounts *m, const char *path);

#endif
