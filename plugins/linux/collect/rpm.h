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
} col_rpm;

/* Takes the header of a package apart. False: it is none. Pure. */
bool col_rpm_read(const unsigned char *bytes, size_t len, col_rpm *ret_rpm);

/* Calls `fn` for each package of the database, if there is one. */
typedef bool col_rpm_fn(void *data, const col_rpm *rpm, const char *source);
void col_each_rpm(col_task *t, col_rpm_fn *fn, void *data);
/* Databases of a form that is not decoded, as they are. */
void col_copy_older_rpm(col_task *t);

#endif
