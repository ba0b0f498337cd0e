/* How often somebody may call: so many in a minute and so many in an hour, for each key. Bounded
 * memory: what was not used for longest makes room. */
#ifndef CON_LIMIT_H
#define CON_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define CON_LIMIT_KEYS 1024u
#define CON_LIMIT_WAYS 8u

typedef struct con_limit_entry {
  uint64_t key;
  uint64_t minute_ms; /* when its minute began */
  uint64_t hour_ms;
  uint64_t used_ms;
  uint32_t in_minute;
  uint32_t in_hour;
} con_limit_entry;

/* Zero-initialise it. */
typedef struct con_limits {
  con_limit_entry entries[CON_LIMIT_KEYS];
} con_limits;

typedef struct con_limit {
  uint32_t per_minute;
  uint32_t per_hour;
} con_limit;

/* Counts one call of `who` on `what`. False: too many; *ret_wait_s is when to come back. `now_ms`
 * is monotonic. */
bool con_limit_take(con_limits *l, const con_limit *limit, cd_str who, uint32_t what,
                    uint64_t now_ms, unsigned *ret_wait_s);

#endif
