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

static bool find(const col_task *t, const struct stat *st, char ret_hex[COL_SHA256_HEX + 1])
{
  bool found = false;
  col_device *d = col_device_of(t);
  col_gate_lock(t->p->gate);
  for (size_t i = 0; i < d->hash_count && !found; i++) {
    found = is_of(&d->hashes[i], st);
    if (found)
      memcpy(ret_hex, d->hashes[i].hex, COL_SHA256_HEX + 1);
  }
  col_gate_unlock(t->p->gate);
  return found;
}

static void keep(const col_task *t, const struct stat *st, const char hex[COL_SHA256_HEX + 1])
{
  col_device *d = col_device_of(t);
  col_gate_lock(t->p->gate);
  if (d->hashes == NULL)
    d->hashes = calloc(HASHES_MAX, sizeof(*d->hashes));
  if (d->hashes != NULL && d->hash_count < HASHES_MAX) {
    struct col_hash *h = &d->hashes[d->hash_count++];
    *h = (struct col_hash){
        .dev = st->st_dev, .inode = st->st_ino, .size = st->st_size, .changed = st->st_ctim};
    memcpy(h->hex, hex, sizeof(h->hex));
  }
  col_gate_unlock(t->p->gate);
}

void col_sha256_program(const col_task *t, int fd, const struct stat *st,
                        char ret_hex[COL_SHA256_HEX + 1])
{
  if (find(t, st, ret_hex))
    return;
  col_sha256_fd(t, fd, PROGRAM_MAX, ret_hex);
  if (!col_stop(t))
    keep(t, st, ret_hex);
}
