#include "limit.h"

#include "base/banned.h"

#define MINUTE_MS 60000u
#define HOUR_MS 3600000u

/* FNV-1a, 64 bits. Somebody who makes keys collide shares a limit with himself. */
static uint64_t key_of(cd_str who, uint32_t what)
{
  uint64_t h = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < who.len; i++)
    h = (h ^ (unsigned char)who.ptr[i]) * UINT64_C(1099511628211);
  for (unsigned i = 0; i < 4; i++)
    h = (h ^ (what >> (8 * i) & 0xff)) * UINT64_C(1099511628211);
  return h == 0 ? 1 : h;
}

static con_limit_entry *entry_of(con_limits *l, uint64_t key, uint64_t now_ms)
{
  con_limit_entry *first = &l->entries[key % (CON_LIMIT_KEYS / CON_LIMIT_WAYS) * CON_LIMIT_WAYS];
  con_limit_entry *oldest = first;
  for (unsigned i = 0; i < CON_LIMIT_WAYS; i++) {
    if (first[i].key == key)
      return &first[i];
    if (first[i].used_ms < oldest->used_ms)
      oldest = &first[i];
  }
  *oldest = (con_limit_entry){.key = key, .minute_ms = now_ms, .hour_ms = now_ms};
  return oldest;
}

bool con_limit_take(con_limits *l, const con_limit *limit, cd_str who, uint32_t what,
                    uint64_t now_ms, unsigned *ret_wait_s)
{
  con_limit_entry *e = entry_of(l, key_of(who, what), now_ms);
  e->used_ms = now_ms;
  if (now_ms - e->minute_ms >= MINUTE_MS) {
    e->minute_ms = now_ms;
    e->in_minute = 0;
  }
  if (now_ms - e->hour_ms >= HOUR_MS) {
    e->hour_ms = now_ms;
    e->in_hour = 0;
  }
  if (e->in_hour >= limit->per_hour) {
    *ret_wait_s = (unsigned)((HOUR_MS - (now_ms - e->hour_ms) + 999) / 1000);
    return false;
  }
  if (e->in_minute >= limit->per_minute) {
    *ret_wait_s = (unsigned)((MINUTE_MS - (now_ms - e->minute_ms) + 999) / 1000);
    return false;
  }
  e->in_minute++;
  e->in_hour++;
  return true;
}
