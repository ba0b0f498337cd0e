#include "package/thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct col_gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
};

struct col_thread {
  pthread_t thread;
};

/* The thread's own, so that its handle may go first. */
typedef struct begin {
  void (*run)(void *data);
  void *data;
} begin;

col_gate *col_gate_new(void)
{
  pthread_condattr_t attr;
  col_gate *g = calloc(1, sizeof(*g));
  if (g == NULL)
    return NULL;
  (void)pthread_mutex_init(&g->lock, NULL);
  (void)pthread_condattr_init(&attr);
  (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&g->changed, &attr);
  (void)pthread_condattr_destroy(&attr);
  return g;
}

void col_gate_free(col_gate *g)
{
  if (g == NULL)
    return;
  (void)pthread_cond_destroy(&g->changed);
  (void)pthread_mutex_destroy(&g->lock);
  free(g);
}

void col_gate_lock(col_gate *g)
{
  (void)pthread_mutex_lock(&g->lock);
}

void col_gate_unlock(col_gate *g)
{
  (void)pthread_mutex_unlock(&g->lock);
}

void col_gate_wait(col_gate *g, uint32_t ms)
{
  struct timespec until = {0};
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000L;
  }
  (void)pthread_cond_timedwait(&g->changed, &g->lock, &until);
}

void col_gate_signal(col_gate *g)
{
  (void)pthread_cond_signal(&g->changed);
}

static void *run_thread(void *arg)
{
  begin b = *(begin *)arg;
  free(arg);
  b.run(b.data);
  return NULL;
}

bool col_thread_start(void (*run)(void *data), void *data, size_t stack, col_thread **ret_thread)
{
  pthread_attr_t attr;
  col_thread *t = calloc(1, sizeof(*t));
  begin *b = calloc(1, sizeof(*b));
  bool started = false;
  if (t != NULL && b != NULL && pthread_attr_init(&attr) == 0) {
    *b = (begin){.run = run, .data = data};
    (void)pthread_attr_setstacksize(&attr, stack);
    started = pthread_create(&t->thread, &attr, run_thread, b) == 0;
    (void)pthread_attr_destroy(&attr);
  }
  if (!started) {
    free(t);
    free(b);
    return false;
  }
  *ret_thread = t;
  return true;
}

void col_thread_join(col_thread *t)
{
  (void)pthread_join(t->thread, NULL);
  free(t);
}

void col_thread_leave(col_thread *t)
{
  (void)pthread_detach(t->thread);
  free(t);
}
