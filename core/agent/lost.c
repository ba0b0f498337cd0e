#include "lost.h"

#include <string.h>
#include <uv.h>

#include "base/banned.h"

static int64_t seconds(uint32_t s)
{
  return (int64_t)s * 1000;
}

int64_t agent_lease_ends_ms(const cd_terms *t, const agent_lease_record *r, bool by_console)
{
  if (t->lease_until_ms == 0)
    return AGENT_NEVER_MS;
  return t->lease_until_ms - (by_console ? r->clock.offset_ms : r->offset_ms);
}

int64_t agent_lost_due_ms(const cd_terms *t, const agent_lease_record *r, int64_t began_ms)
{
  if (t->lost_after_s == 0)
    return AGENT_NEVER_MS;
  int64_t wait = seconds(t->lost_after_s);
  int64_t due = (r->heard_ms > r->since_ms ? r->heard_ms : r->since_ms) + wait;
  int64_t tried = began_ms + (wait < AGENT_LOST_TRY_MS ? wait : AGENT_LOST_TRY_MS);
  return due > tried ? due : tried;
}

int64_t agent_unreachable_due_ms(const cd_terms *t, const agent_lease_record *r,
                                 int64_t in_force_ms)
{
  if (t->unreachable_after_s == 0 || r->reached || in_force_ms < 0)
    return AGENT_NEVER_MS;
  return in_force_ms + seconds(t->unreachable_after_s);
}

static bool leads_away(const uv_interface_address_t *i)
{
  if (i->is_internal)
    return false;
  return i->address.address4.sin_family != AF_INET6 ||
         !IN6_IS_ADDR_LINKLOCAL(&i->address.address6.sin6_addr);
}

bool agent_link_is_up(void)
{
  uv_interface_address_t *all = NULL;
  int count = 0;
  bool up = false;
  if (uv_interface_addresses(&all, &count) != 0)
    return false;
  for (int i = 0; i < count && !up; i++)
    up = leads_away(&all[i]);
  uv_free_interface_addresses(all, count);
  return up;
}
