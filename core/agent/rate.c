#include "rate.h"

#include "base/clock.h"

bool agent_rate_ok(agent_rate *r, unsigned max_per_second)
{
  uint64_t now = cd_mono_ms();
  if (now - r->window_ms >= 1000) {
    r->window_ms = now;
    r->count = 0;
  }
  if (++r->count <= max_per_second)
    return true;
  r->dropped++;
  return false;
}

unsigned agent_rate_dropped(agent_rate *r)
{
  unsigned n = r->dropped;
  r->dropped = 0;
  return n;
}
