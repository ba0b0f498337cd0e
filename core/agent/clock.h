/* The clock that leases and waits are measured with: it counts the time that passes, whether the
 * device is awake, asleep or off, and knows the console's time where the console told it.
 *
 * Within one boot it follows the time since the boot, which nobody can set: a wall clock that is
 * stepped changes nothing. From one boot to the next it is told by how far the wall clock went
 * forward, and by no less than the time since the boot. Pure functions over times that the caller
 * reads: agent_now_read(). */
#ifndef AGENT_CLOCK_H
#define AGENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "platform/system.h"

/* What the machine's own clocks say. */
typedef struct agent_now {
  char boot[PF_BOOT_ID_MAX];
  int64_t uptime_ms; /* since that boot, time asleep included */
  int64_t wall_ms;
} agent_now;

CD_MUST_USE cd_code agent_now_read(agent_now *ret_now, cd_err *err);

typedef struct agent_clock {
  agent_now last;     /* when it was advanced; an empty boot: it never was */
  int64_t elapsed_ms; /* counted so far; never goes back */
  int64_t offset_ms;  /* the console's time is elapsed_ms + offset_ms */
} agent_clock;

/* Counts up to now. The first time it begins with the wall clock as the console's time. */
void agent_clock_advance(agent_clock *c, const agent_now *now);
/* The console's time is this now (its clock was advanced just before). */
void agent_clock_correct(agent_clock *c, int64_t console_ms);
int64_t agent_clock_console_ms(const agent_clock *c);
/* Whether `saved` would no longer serve after a loss of power: another boot, the wall clock was
 * stepped, or more than `most_ms` have passed. */
bool agent_clock_stale(const agent_clock *saved, const agent_clock *c, int64_t most_ms);

#endif
