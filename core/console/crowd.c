#include "crowd.h"

#include <stddef.h>

#include "base/banned.h"

/* FNV-1a. Somebody with addresses that collide shares the places of one. */
static uint64_t key_of(cd_str address)
{
  uint64_t h = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < address.len; i++)
    h = (h ^ (unsigned char)address.ptr[i]) * UINT64_C(1099511628211);
  return h;
}

bool con_crowd_room(const con_crowd *c, cd_str address)
{
  uint64_t key = key_of(address);
  unsigned all = 0;
  unsigned same = 0;
  for (unsigned i = 0; i < CON_CROWD_MAX; i++) {
    all += c->ones[i].connection != NULL ? 1 : 0;
    same += c->ones[i].connection != NULL && c->ones[i].address == key ? 1 : 0;
  }
  return all < CON_CROWD_MAX && same < CON_CROWD_ADDRESS;
}

void con_crowd_add(con_crowd *c, const void *connection, cd_str address)
{
  for (unsigned i = 0; i < CON_CROWD_MAX; i++) {
    if (c->ones[i].connection != NULL)
      continue;
    c->ones[i] = (con_crowd_one){connection, key_of(address)};
    return;
  }
}

void con_crowd_remove(con_crowd *c, const void *connection)
{
  for (unsigned i = 0; i < CON_CROWD_MAX; i++) {
    if (c->ones[i].connection == connection)
      c->ones[i] = (con_crowd_one){0};
  }
}
