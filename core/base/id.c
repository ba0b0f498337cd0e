/* UUID version 7: 48 bits of Unix milliseconds, a counter of 12 bits, 62 random bits. */
#include "base/id.h"

#include "base/clock.h"

#include <uv.h>

#include <stdatomic.h>
#include <string.h>

#include "base/banned.h"

#define COUNTER_BITS 12u
#define COUNTER_SEED 0x07ffu /* half of the counter's range is left for counting up */

/* Milliseconds and counter in one number. The next id takes the larger of "now" and "one more than
 * the last", so ids of one process are in order whatever the wall clock does; a full counter
 * borrows the next millisecond. */
static uint64_t next_stamp(uint64_t now_ms, unsigned seed)
{
  static _Atomic uint64_t last;
  uint64_t fresh = (now_ms << COUNTER_BITS) | (seed & COUNTER_SEED);
  uint64_t seen = atomic_load(&last);
  for (;;) {
    uint64_t next = fresh > seen ? fresh : seen + 1;
    if (atomic_compare_exchange_weak(&last, &seen, next))
      return next;
  }
}

cd_code cd_id_make(char out[CD_ID_SIZE], cd_err *err)
{
  unsigned char random[10];
  int rc = uv_random(NULL, NULL, random, sizeof(random), 0, NULL);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, rc,
                      "no identifier can be made: the system gave no random bytes: %s",
                      uv_strerror(rc));

  int64_t now_ms = cd_wall_ms();
  uint64_t stamp =
      next_stamp(now_ms > 0 ? (uint64_t)now_ms : 0, ((unsigned)random[0] << 8) | random[1]);
  unsigned char id[16];
  for (size_t i = 0; i < 6; i++)
    id[i] = (unsigned char)(stamp >> (COUNTER_BITS + 40 - 8 * i));
  id[6] = (unsigned char)(0x70 | ((stamp >> 8) & 0x0f));
  id[7] = (unsigned char)(stamp & 0xff);
  id[8] = (unsigned char)(0x80 | (random[2] & 0x3f));
  memcpy(id + 9, random + 3, 7);

  char hex[2 * sizeof(id) + 1];
  cd_hex(hex, id, sizeof(id));
  size_t at = 0;
  for (size_t i = 0; i < 32; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20)
      out[at++] = '-';
    out[at++] = hex[i];
  }
  out[at] = '\0';
  return CD_OK;
}

bool cd_id_valid(cd_str s)
{
  if (s.len != CD_ID_SIZE - 1)
    return false;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex)
      return false;
  }
  return true;
}
