/* What watch looks for of the services that an isolation lets through: their control groups come
 * as folders, which inotify tells of. */
#ifndef ISO_WATCH_GROUPS_H
#define ISO_WATCH_GROUPS_H

#include <pthread.h>
#include <stdbool.h>

#include "params.h"

/* Which services: the operations say it, watch asks. */
typedef struct iso_names {
  pthread_mutex_t lock;
  char items[ISO_GROUPS_MAX][ISO_GROUP_NAME];
  size_t count;
} iso_names;

/* True if they were others before. `p`: NULL for none. */
bool iso_names_set(iso_names *n, const iso_params *p);
bool iso_names_any(iso_names *n);

/* -1: this kernel has no inotify to spare, and only the timer looks. */
int iso_group_watch_open(void);
/* Watches the top of the hierarchy and all slices; again for what is new. False: nothing could be
 * watched. */
bool iso_group_watch_add(int fd);
/* Reads what there is without waiting. True if one of these services may have started. */
bool iso_group_watch_read(int fd, iso_names *n);

#endif
