/* The investigation package of a Linux device. Nothing is run: everything is read from the kernel
 * and from files. */
#ifndef COLLECT_H
#define COLLECT_H

#include <sys/stat.h>

#include "package/item.h"

enum { COL_PATH = 4096 };

/* Every item of this plugin, in order of volatility. */
const col_item *col_items(size_t *ret_count);

/* col_package_run() with what these items share. Takes the list of the options. */
cordon_status col_run(const col_options *o, const col_item *items, size_t count,
                      col_totals *ret_totals, col_cap_fn *on_cap, void *data, sup_err *err);

/* col_mark() from an errno, or what col_why() has words for: absent, denied or error. */
void col_mark_os(col_task *t, int os_error, const char *what);

void col_octal(col_task *t, uint32_t mode);
/* The rest of what stat tells of a file; NULL: nothing is known, and the fields are empty. */
#define COL_STAT_COLUMNS "mode,uid,gid,size,mtime,ctime,atime"
enum { COL_STAT_FIELDS = 7 };
void col_stat(col_task *t, const struct stat *st);

#endif
