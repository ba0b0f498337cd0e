#include "press.h"

#include "base/entry_name.h"
#include "base/str.h"
#include "zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* The ring is what reading may be ahead, and memory that every package costs. */
#define SLOTS 8u
#define SLOT_BYTES (64u * 1024u)

typedef struct slot {
  bool begins;
  bool ends;
  bool store;
  int64_t mtime_s;
  uint64_t bound; /* of what it adds to the file */
  size_t len;
  char name[CD_ENTRY_NAME_MAX + 1];
  char bytes[SLOT_BYTES];
} slot;

struct ph_press {
  ph_zip *zip; /* the thread's while there are slots */
  uv_thread_t thread;
  uv_mutex_t lock;
  uv_cond_t changed;
  /* Under the lock. The slot behind the last one is being filled, by the caller alone. */
  unsigned first;
  unsigned count;
  uint64_t size;    /* of the file */
  uint64_t pending; /* the bounds of the slots, with the one that is being filled */
  bool quit;
  cd_err broken; /* code CD_OK: it is not */
  slot slots[SLOTS];
};

static cd_code press_slot(ph_press *p, const slot *s, cd_err *err)
{
  cd_code rc = CD_OK;
  if (s->begins)
    rc = ph_zip_begin(p->zip, s->name, s->mtime_s, s->store, err);
  if (rc == CD_OK && s->len > 0)
    rc = ph_zip_add(p->zip, s->bytes, s->len, err);
  if (rc == CD_OK && s->ends)
    rc = ph_zip_end(p->zip, err);
  return rc;
}

/* With the lock held, which is let go while it works. After a failure the slots are only emptied.
 */
static void work_on(ph_press *p)
{
  slot *s = &p->slots[p->first];
  if (p->broken.code == CD_OK) {
    cd_err why = {0};
    uv_mutex_unlock(&p->lock);
    cd_code rc = press_slot(p, s, &why);
    uv_mutex_lock(&p->lock);
    p->size = ph_zip_size(p->zip);
    if (rc != CD_OK)
      p->broken = why;
  }
  p->first = (p->first + 1) % SLOTS;
  p->count--;
  p->pending -= s->bound;
  s->bound = 0;
}

static void press(void *arg)
{
  ph_press *p = arg;
  uv_mutex_lock(&p->lock);
  while (!p->quit) {
    if (p->count == 0) {
      uv_cond_wait(&p->changed, &p->lock);
      continue;
    }
    work_on(p);
    uv_cond_broadcast(&p->changed);
  }
  uv_mutex_unlock(&p->lock);
}

/* 0 or an error of libuv. */
static int start_thread(ph_press *p)
{
  int uv = uv_mutex_init(&p->lock);
  if (uv != 0)
    return uv;
  uv = uv_cond_init(&p->changed);
  if (uv == 0) {
    uv = uv_thread_create(&p->thread, press, p);
    if (uv == 0)
      return 0;
    uv_cond_destroy(&p->changed);
  }
  uv_mutex_destroy(&p->lock);
  return uv;
}

cd_code ph_press_new(uv_file file, ph_press **ret_press, cd_err *err)
{
  ph_press *p = calloc(1, sizeof(*p));
  if (p == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a package");
  cd_code rc = ph_zip_new(file, &p->zip, err);
  if (rc != CD_OK) {
    free(p);
    return rc;
  }
  int uv = start_thread(p);
  if (uv != 0) {
    ph_zip_free(p->zip);
    free(p);
    return cd_fail_os(err, CD_E_INTERNAL, -uv, "a package's thread could not be started: %s",
                      uv_strerror(uv));
  }
  *ret_press = p;
  return CD_OK;
}

/* With the lock held. */
static cd_code outcome(const ph_press *p, cd_err *err)
{
  if (p->broken.code == CD_OK)
    return CD_OK;
  return cd_fail_os(err, p->broken.code, p->broken.os_error, "%s", p->broken.text);
}

static slot *filling(ph_press *p)
{
  return &p->slots[(p->first + p->count) % SLOTS];
}

/* With the lock held: hands the slot that is being filled to the thread, and waits until there is
 * an empty one to fill. Compressing always goes on, as long as the disk does, and whoever waits for
 * that has a deadline of its own. */
static slot *submit(ph_press *p)
{
  p->count++;
  uv_cond_broadcast(&p->changed);
  while (p->count == SLOTS)
    uv_cond_wait(&p->changed, &p->lock);
  slot *s = filling(p);
  s->begins = false;
  s->ends = false;
  s->len = 0;
  return s;
}

static void add_bound(ph_press *p, slot *s, uint64_t bound)
{
  s->bound += bound;
  p->pending += bound;
}

cd_code ph_press_begin(ph_press *p, const char *name, int64_t mtime_s, bool store, cd_err *err)
{
  uv_mutex_lock(&p->lock);
  slot *s = filling(p);
  s->begins = true;
  s->store = store;
  s->mtime_s = mtime_s;
  (void)cd_str_copy(s->name, sizeof(s->name), cd_str_from(name));
  /* In front of the content, and behind it. */
  add_bound(p, s, 2 * ph_zip_directory(strlen(name)));
  cd_code rc = outcome(p, err);
  uv_mutex_unlock(&p->lock);
  return rc;
}

cd_code ph_press_add(ph_press *p, const void *bytes, size_t len, cd_err *err)
{
  const char *from = bytes;
  uv_mutex_lock(&p->lock);
  slot *s = filling(p);
  while (len > 0) {
    if (s->len == SLOT_BYTES)
      s = submit(p);
    size_t some = SLOT_BYTES - s->len < len ? SLOT_BYTES - s->len : len;
    add_bound(p, s, some + some / 1024 + 1);
    uv_mutex_unlock(&p->lock);
    memcpy(s->bytes + s->len, from, some);
    uv_mutex_lock(&p->lock);
    s->len += some;
    from += some;
    len -= some;
  }
  cd_code rc = outcome(p, err);
  uv_mutex_unlock(&p->lock);
  return rc;
}

cd_code ph_press_end(ph_press *p, cd_err *err)
{
  uv_mutex_lock(&p->lock);
  filling(p)->ends = true;
  (void)submit(p);
  cd_code rc = outcome(p, err);
  uv_mutex_unlock(&p->lock);
  return rc;
}

/* With the lock held. */
static void wait_empty(ph_press *p)
{
  while (p->count > 0)
    uv_cond_wait(&p->changed, &p->lock);
}

bool ph_press_settle(ph_press *p)
{
  uv_mutex_lock(&p->lock);
  bool lay = p->pending > 0;
  if (filling(p)->bound > 0)
    (void)submit(p);
  wait_empty(p);
  uv_mutex_unlock(&p->lock);
  return lay;
}

cd_code ph_press_finish(ph_press *p, cd_err *err)
{
  uv_mutex_lock(&p->lock);
  wait_empty(p);
  cd_code rc = outcome(p, err);
  uv_mutex_unlock(&p->lock);
  /* The thread has nothing left to touch it for. */
  if (rc == CD_OK)
    rc = ph_zip_finish(p->zip, err);
  uv_mutex_lock(&p->lock);
  p->size = ph_zip_size(p->zip);
  p->pending -= filling(p)->bound;
  filling(p)->bound = 0;
  uv_mutex_unlock(&p->lock);
  return rc;
}

uint64_t ph_press_size(ph_press *p)
{
  uv_mutex_lock(&p->lock);
  uint64_t size = p->size + p->pending;
  uv_mutex_unlock(&p->lock);
  return size;
}

void ph_press_free(ph_press *p)
{
  if (p == NULL)
    return;
  uv_mutex_lock(&p->lock);
  p->quit = true;
  uv_cond_broadcast(&p->changed);
  uv_mutex_unlock(&p->lock);
  (void)uv_thread_join(&p->thread);
  uv_cond_destroy(&p->changed);
  uv_mutex_destroy(&p->lock);
  ph_zip_free(p->zip);
  free(p);
}
