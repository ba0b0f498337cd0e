#include "hands.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

enum { STACK = 512 * 1024 };

struct col_hands {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  void (*work)(void *data); /* NULL: nothing is to be done, or it is done */
  void *data;
  bool quit;
};

static void *second(void *arg)
{
  col_hands *h = arg;
  (void)pthread_mutex_lock(&h->lock);
  while (!h->quit) {
    if (h->work == NULL) {
      (void)pthread_cond_wait(&h->changed, &h->lock);
      continue;
    }
    void (*work)(void *) = h->work;
    void *data = h->data;
    (void)pthread_mutex_unlock(&h->lock);
    work(data);
    (void)pthread_mutex_lock(&h->lock);
    h->work = NULL;
    (void)pthread_cond_broadcast(&h->changed);
  }
  (void)pthread_mutex_unlock(&h->lock);
  return NULL;
}

static bool start(col_hands *h)
{
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0)
    return false;
  (void)pthread_attr_setstacksize(&attr, STACK);
  bool started = pthread_create(&h->thread, &attr, second, h) == 0;
  (void)pthread_attr_destroy(&attr);
  return started;
}

col_hands *col_hands_new(void)
{
  col_hands *h = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? calloc(1, sizeof(*h)) : NULL;
  if (h == NULL)
    return NULL;
  (void)pthread_mutex_init(&h->lock, NULL);
  (void)pthread_cond_init(&h->changed, NULL);
  if (start(h))
    return h;
  (void)pthread_cond_destroy(&h->changed);
  (void)pthread_mutex_destroy(&h->lock);
  free(h);
  return NULL;
}

void col_hands_begin(col_hands *h, void (*work)(void *data), void *data)
{
  if (h == NULL)
    return;
  (void)pthread_mutex_lock(&h->lock);
  h->data = data;
  h->work = work;
  (void)pthread_cond_broadcast(&h->changed);
  (void)pthread_mutex_unlock(&h->lock);
}

void col_hands_wait(col_hands *h)
{
  if (h == NULL)
    return;
  (void)pthread_mutex_lock(&h->lock);
  while (h->work != NULL)
    (void)pthread_cond_wait(&h->changed, &h->lock);
  (void)pthread_mutex_unlock(&h->lock);
}

void col_hands_do(col_hands *h, void (*work)(void *data), void *data)
{
  col_hands_begin(h, work, data);
  work(data);
  col_hands_wait(h);
}

void col_hands_free(col_hands *h)
{
  if (h == NULL)
    return;
  (void)pthread_mutex_lock(&h->lock);
  h->quit = true;
  (void)pthread_cond_broadcast(&h->changed);
  (void)pthread_mutex_unlock(&h->lock);
  (void)pthread_join(h->thread, NULL);
  (void)pthread_cond_destroy(&h->changed);
  (void)pthread_mutex_destroy(&h->lock);
  free(h);
}
