/* The profile custom on Linux: how files are found, opened and judged. */
#ifndef COLLECT_CUSTOM_H
#define COLLECT_CUSTOM_H

#include "collect.h"
#include "package/list.h"

/* col_list_read_for() this system. */
cordon_status col_list_read(const cJSON *list, const cJSON *keep_out, col_list **ret_list,
                            sup_err *err);

/* Which secret a file of this path holds, by its name: a few words, or NULL. Pure. */
const char *col_secret_named(const char *path);
/* Whether an open file is another name of one of the best known secrets, as a hard link is: words,
 * or NULL. `path`: what it was asked for as. */
const char *col_secret_other_name(const col_task *t, const char *path, const struct stat *st);
/* The same of an open file: by where it really is and by what it is another name of. */
const char *col_secret_opened(const col_task *t, const col_list *l, int fd, const struct stat *st,
                              char ret_real[COL_PATH]);

#endif
