/* Packages of rpm, out of its database. */
#ifndef COLLECT_RPM_H
#define COLLECT_RPM_H

#include "collect.h"

enum { COL_RPM_TEXT = 512 };

typedef struct col_rpm {
  char name[COL_RPM_TEXT];
  char version[COL_RPM_TEXT]; /* epoch:version-release */
  char arch[64];
  char vendor[COL_RPM_TEXT];
  char summary[COL_RPM_TEXT];
  int64_t installed;
  int64_t size;
  const unsigned char *header; /* borrowed: what it was read from */
  size_t header_len;
} col_rpm;

/* Takes the header of a package apart. False: it is none. Pure. */
bool col_rpm_read(const unsigned char *bytes, size_t len, col_rpm *ret_rpm);

/* Calls `fn` for the path of each file that the package names, until it says false; whether it is
 * there and as it was is another matter. A path longer than COL_PATH is left out. False: the list
 * is not whole. Pure. */
typedef bool col_rpm_file_fn(void *data, const char *path, size_t len);
bool col_rpm_files(const col_rpm *rpm, col_rpm_file_fn *fn, void *data);

/* Calls `fn` for each package of each database that there is, until it says false. False: there may
 * be more, and why is marked. */
typedef bool col_rpm_fn(void *data, const col_rpm *rpm, const char *source);
bool col_each_rpm(col_task *t, col_rpm_fn *fn, void *data);
/* Databases from before SQLite, as they are. */
void col_copy_older_rpm(col_task *t);

#endif
