#include "patient.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "read.h"

struct col_helper {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool busy;
  bool quit;
  bool alone; /* nobody waits for it: it frees itself */
  int fd;
  size_t size;
  int64_t len;
  char *text; /* the helper's while it is busy, and if it is alone */
};

static void helper_free(struct col_helper *h)
{
  (void)pthread_cond_destroy(&h->changed);
  (void)pthread_mutex_destroy(&h->lock);
  free(h->text);
  free(h);
}

static void *help(void *arg)
{
  struct col_helper *h = arg;
  (void)pthread_mutex_lock(&h->lock);
  while (!h->quit && !h->alone) {
    if (!h->busy) {
      (void)pthread_cond_wait(&h->changed, &h->lock);
      continue;
    }
    (void)pthread_mutex_unlock(&h->lock);
    int64_t len = col_read_fd(h->fd, h->text, h->size);
    (void)close(h->fd);
    (void)pthread_mutex_lock(&h->lock);
    h->len = len;
    h->busy = false;
    (void)pthread_cond_broadcast(&h->changed);
  }
  bool alone = h->alone;
  (void)pthread_mutex_unlock(&h->lock);
  if (alone)
    helper_free(h);
  return NULL;
}

static struct col_helper *helper_new(void)
{
  pthread_condattr_t attr;
  struct col_helper *h = calloc(1, sizeof(*h));
  if (h == NULL)
    return NULL;
  (void)pthread_mutex_init(&h->lock, NULL);
  (void)pthread_condattr_init(&attr);
  (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&h->changed, &attr);
  (void)pthread_condattr_destroy(&attr);
  if (pthread_create(&h->thread, NULL, help, h) == 0)
    return h;
  helper_free(h);
  return NULL;
}

/* The lock is held. False: it did not come back in time. */
static bool wait_for(struct col_helper *h)
{
  struct timespec until = {0};
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += COL_PATIENT_MS / 1000;
  until.tv_nsec += COL_PATIENT_MS % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000L;
  }
  while (h->busy) {
    if (pthread_cond_timedwait(&h->changed, &h->lock, &until) == ETIMEDOUT)
      break;
  }
  return !h->busy;
}

/* 0 or an errno. */
static int begin(col_patient *p, size_t size, char **ret_text)
{
  if (p->helper == NULL && p->left >= COL_PATIENT_LEFT)
    return ETIMEDOUT;
  if (p->helper == NULL)
    p->helper = helper_new();
  *ret_text = p->helper != NULL ? malloc(size) : NULL;
  return *ret_text != NULL ? 0 : ENOMEM;
}

/* Nobody waits for it any more. The lock is held. */
static void leave(col_patient *p)
{
  (void)pthread_detach(p->helper->thread);
  p->helper->alone = true;
  p->helper = NULL;
  p->left++;
}

char *col_patient_read(col_patient *p, int fd, size_t size, int64_t *ret_len)
{
  char *text = NULL;
  int error = begin(p, size, &text);
  if (error != 0) {
    (void)close(fd);
    *ret_len = -error;
    return NULL;
  }
  struct col_helper *h = p->helper;
  (void)pthread_mutex_lock(&h->lock);
  h->fd = fd;
  h->size = size;
  h->text = text;
  h->busy = true;
  (void)pthread_cond_broadcast(&h->changed);
  bool back = wait_for(h);
  *ret_len = back ? h->len : -(int64_t)ETIMEDOUT;
  if (back)
    h->text = NULL;
  else
    leave(p);
  (void)pthread_mutex_unlock(&h->lock);
  if (back && *ret_len < 0)
    free(text);
  return *ret_len < 0 ? NULL : text;
}

void col_patient_end(col_patient *p)
{
  struct col_helper *h = p->helper;
  if (h == NULL)
    return;
  (void)pthread_mutex_lock(&h->lock);
  h->quit = true;
  (void)pthread_cond_broadcast(&h->changed);
  (void)pthread_mutex_unlock(&h->lock);
  (void)pthread_join(h->thread, NULL);
  helper_free(h);
  p->helper = NULL;
}
