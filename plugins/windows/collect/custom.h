/* The profile custom on Windows: how files are found, opened and judged. */
#ifndef COLLECT_CUSTOM_H
#define COLLECT_CUSTOM_H

#include "package/list.h"
#include "read.h"

/* col_list_read_for() this system. */
cordon_status win_list_read(const cJSON *list, const cJSON *keep_out, col_list **ret_list,
                            sup_err *err);

/* Which secret a file of this path holds, by its name: a few words, or NULL. */
const char *win_secret_named(const char *path);
/* The same of an open file: by where it really is and by each of its names. */
const char *win_secret_opened(const col_list *l, HANDLE file, DWORD links);

#endif
