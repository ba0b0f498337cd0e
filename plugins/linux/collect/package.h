/* What the items of one package share on Linux, besides what every package has. */
#ifndef COLLECT_PACKAGE_H
#define COLLECT_PACKAGE_H

#include <stdatomic.h>

#include "collect.h"
#include "mounts.h"
#include "package/private.h"

typedef struct col_device {
  col_mounts mounts;
  atomic_uint dumps; /* requests to the kernel, each with a number of its own */
  struct col_list *list;
  struct col_hash *hashes; /* of programs; under the gate */
  size_t hash_count;
} col_device;

col_device *col_device_of(const col_task *t);

#endif
