/* Clocks. Durations and deadlines use the monotonic clock; the wall clock is only for people and
 * records. */
#ifndef CD_CLOCK_H
#define CD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define CD_TIME_TEXT_MAX 32

uint64_t cd_mono_ms(void); /* milliseconds; never goes back; the origin is arbitrary */
uint64_t cd_mono_us(void);
int64_t cd_wall_ms(void); /* milliseconds since 1970-01-01T00:00:00Z */
/* RFC 3339 in UTC with milliseconds: "2026-11-24T04:08:16.123Z". Always NUL-terminates. */
void cd_time_text(int64_t wall_ms, char out[CD_TIME_TEXT_MAX]);

#endif
