#include "watchers.h"

#include <stdint.h>
#include <unistd.h>

static void wake_up(int wake)
{
  /* An eventfd that is full is awake already. */
  uint64_t one = 1;
  ssize_t written = write(wake, &one, sizeof(one));
  (void)written;
}

bool iso_watchers_add(iso_watchers *w, cordon_op op, int wake)
{
  bool added = false;
  (void)pthread_mutex_lock(&w->lock);
  for (size_t i = 0; i < ISO_WATCHERS_MAX && !added; i++) {
    if (w->items[i].used)
      continue;
    w->items[i].op = op;
    w->items[i].wake = wake;
    w->items[i].used = true;
    added = true;
  }
  (void)pthread_mutex_unlock(&w->lock);
  return added;
}

void iso_watchers_remove(iso_watchers *w, cordon_op op)
{
  (void)pthread_mutex_lock(&w->lock);
  for (size_t i = 0; i < ISO_WATCHERS_MAX; i++) {
    if (w->items[i].used && w->items[i].op == op)
      w->items[i].used = false;
  }
  (void)pthread_mutex_unlock(&w->lock);
}

void iso_watchers_wake(iso_watchers *w, cordon_op op)
{
  (void)pthread_mutex_lock(&w->lock);
  for (size_t i = 0; i < ISO_WATCHERS_MAX; i++) {
    if (w->items[i].used && w->items[i].op == op)
      wake_up(w->items[i].wake);
  }
  (void)pthread_mutex_unlock(&w->lock);
}

void iso_watchers_wake_all(iso_watchers *w)
{
  (void)pthread_mutex_lock(&w->lock);
  for (size_t i = 0; i < ISO_WATCHERS_MAX; i++) {
    if (w->items[i].used)
      wake_up(w->items[i].wake);
  }
  (void)pthread_mutex_unlock(&w->lock);
}
