/* A ceiling on how often something may happen in a second. */
#ifndef AGENT_RATE_H
#define AGENT_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise it. */
typedef struct agent_rate {
  uint64_t window_ms; /* monotonic; when this second began */
  unsigned count;
  unsigned dropped; /* refused since the last one that was let through */
} agent_rate;

/* Counts one; false above the ceiling. */
bool agent_rate_ok(agent_rate *r, unsigned max_per_second);
/* How many were refused since the last call, for the line that says so. */
unsigned agent_rate_dropped(agent_rate *r);

#endif
