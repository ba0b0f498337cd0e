/* Hashes of programs: a device runs few of them, often, and several items ask. */
#include <stdlib.h>
#include <string.h>

#include "package.h"
#include "read.h"

enum { HASHES_MAX = 1024 };

#define PROGRAM_MAX (256 * COL_MIB)

struct col_hash {
  dev_t dev;
  ino_t inode;
  off_t size;
  struct timespec changed;
  char hex[COL_SHA256_HEX + 1];
};

static bool is_of(const struct col_hash *h, const struct stat *st)
{
  return h->dev == st->st_dev && h->inode == st->st_ino && h->size == st->st_size &&
         h->changed.tv_sec == st->st_ctim.tv_sec && h->changed.tv_nsec == st->st_ctim.tv_nsec;
}

static bool find(col_package *p, const struct stat *st, char ret_hex[COL_SHA256_HEX + 1])
{
  bool found = false;
  (void)pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < p->hash_count && !found; i++) {
    found = is_of(&p->hashes[i], st);
    if (found)
      memcpy(ret_hex, p->hashes[i].hex, COL_SHA256_HEX + 1);
  }
  (void)pthread_mutex_unlock(&p->lock);
  return found;
}

static void keep(col_package *p, const struct stat *st, const char hex[COL_SHA256_HEX + 1])
{
  (void)pthread_mutex_lock(&p->lock);
  if (p->hashes == NULL)
    p->hashes = calloc(HASHES_MAX, sizeof(*p->hashes));
  if (p->hashes != NULL && p->hash_count < HASHES_MAX) {
    struct col_hash *h = &p->hashes[p->hash_count++];
    *h = (struct col_hash){
        .dev = st->st_dev, .inode = st->st_ino, .size = st->st_size, .changed = st->st_ctim};
    memcpy(h->hex, hex, sizeof(h->hex));
  }
  (void)pthread_mutex_unlock(&p->lock);
}

void col_sha256_program(const col_task *t, int fd, const struct stat *st,
                        char ret_hex[COL_SHA256_HEX + 1])
{
  if (find(t->p, st, ret_hex))
    return;
  col_sha256_fd(t, fd, PROGRAM_MAX, ret_hex);
  if (!col_stop(t))
    keep(t->p, st, ret_hex);
}
