#include "patient.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "read.h"

/* A thread's usual stack is more than a small device has to give. */
enum { PATIENT_NAME = 32, STACK = 128 * 1024 };

struct col_helper {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool busy;
  bool quit;
  bool alone; /* nobody waits for it: it frees itself */
  bool opens; /* what it is asked: to open `name` in the folder `fd`, or to read `fd` */
  char name[PATIENT_NAME];
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

/* What it was asked; it has closed what it was given. */
static int64_t answer(const struct col_helper *h)
{
  int fd = h->fd;
  if (h->opens) {
    fd = openat(h->fd, h->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int error = errno;
    (void)close(h->fd);
    if (fd < 0 || h->text == NULL)
      return fd < 0 ? -(int64_t)error : fd;
  }
  int64_t len = col_read_fd(fd, h->text, h->size);
  (void)close(fd);
  return len;
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
    int64_t len = answer(h);
    (void)pthread_mutex_lock(&h->lock);
    if (h->alone && h->text == NULL && len >= 0)
      (void)close((int)len);
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

static bool start(struct col_helper *h)
{
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0)
    return false;
  (void)pthread_attr_setstacksize(&attr, STACK);
  bool started = pthread_create(&h->thread, &attr, help, h) == 0;
  (void)pthread_attr_destroy(&attr);
  return started;
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
  if (start(h))
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
static int begin(col_patient *p)
{
  if (p->helper == NULL && p->left >= COL_PATIENT_LEFT)
    return ETIMEDOUT;
  if (p->helper == NULL)
    p->helper = helper_new();
  return p->helper != NULL ? 0 : ENOMEM;
}

/* Nobody waits for it any more. The lock is held. */
static void leave(col_patient *p)
{
  (void)pthread_detach(p->helper->thread);
  p->helper->alone = true;
  p->helper = NULL;
  p->left++;
}

/* Has the helper open `name` in `fd`, unless that is NULL, and read it into `text`, unless that is
 * NULL. Closes `fd`, and takes the text if it does not come back. */
static int64_t ask(col_patient *p, int fd, const char *name, char *text, size_t size)
{
  struct col_helper *h = p->helper;
  (void)pthread_mutex_lock(&h->lock);
  h->opens = name != NULL;
  (void)snprintf(h->name, sizeof(h->name), "%s", name != NULL ? name : "");
  h->fd = fd;
  h->size = size;
  h->text = text;
  h->busy = true;
  (void)pthread_cond_broadcast(&h->changed);
  int64_t result = -(int64_t)ETIMEDOUT;
  if (wait_for(h)) {
    result = h->len;
    h->text = NULL;
    if (result < 0)
      free(text);
  } else {
    leave(p);
  }
  (void)pthread_mutex_unlock(&h->lock);
  return result;
}

/* As ask(), into a text of its own. */
static char *ask_text(col_patient *p, int fd, const char *name, size_t size, int64_t *ret_len)
{
  int error = fd < 0 ? errno : begin(p);
  char *text = error == 0 ? malloc(size) : NULL;
  if (text == NULL) {
    if (fd >= 0)
      (void)close(fd);
    *ret_len = error != 0 ? -error : -ENOMEM;
    return NULL;
  }
  *ret_len = ask(p, fd, name, text, size);
  return *ret_len < 0 ? NULL : text;
}

char *col_patient_read(col_patient *p, int fd, size_t size, int64_t *ret_len)
{
  return ask_text(p, fd, NULL, size, ret_len);
}

char *col_patient_read_at(col_patient *p, int dir, const char *name, size_t size, int64_t *ret_len)
{
  return ask_text(p, fcntl(dir, F_DUPFD_CLOEXEC, 0), name, size, ret_len);
}

int col_patient_open(col_patient *p, int dir, const char *name)
{
  int error = begin(p);
  int own = error == 0 ? fcntl(dir, F_DUPFD_CLOEXEC, 0) : -1;
  if (own < 0)
    return error != 0 ? -error : -errno;
  return (int)ask(p, own, name, NULL, 0);
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
