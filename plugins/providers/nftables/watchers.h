/* The watches that run, and how to wake them: each sleeps in poll() with an eventfd, so that an
 * idle one costs nothing. */
#ifndef ISO_WATCHERS_H
#define ISO_WATCHERS_H

#include <pthread.h>
#include <stdbool.h>

#include "cordon/plugin.h"

enum { ISO_WATCHERS_MAX = 8 };

typedef struct iso_watchers {
  pthread_mutex_t lock;
  struct {
    cordon_op op;
    int wake; /* an eventfd, owned by the watch */
    bool used;
  } items[ISO_WATCHERS_MAX];
} iso_watchers;

/* False if too many watch. The eventfd must stay open until it is removed. */
bool iso_watchers_add(iso_watchers *w, cordon_op op, int wake);
void iso_watchers_remove(iso_watchers *w, cordon_op op);

/* Wakes the watch of this operation, if it is one. Any thread. */
void iso_watchers_wake(iso_watchers *w, cordon_op op);
void iso_watchers_wake_all(iso_watchers *w);

#endif
