/* When an isolation gives way: its lease has ended, no console was heard for too long, or none was
 * reached through its rules. Pure functions, in the time of the lease's clock. */
#ifndef AGENT_LOST_H
#define AGENT_LOST_H

#include "journal_lease.h"
#include "protocol/terms.h"

#define AGENT_NEVER_MS INT64_MAX
/* A device that was off first tries to reach its console for so long, or for as long as its rule
 * says where that is less. */
#define AGENT_LOST_TRY_MS INT64_C(120000)

/* When the lease ends. `by_console`: the console gave it, so its time counts as it is known now;
 * else the time of this device when the isolation began. */
int64_t agent_lease_ends_ms(const cd_terms *t, const agent_lease_record *r, bool by_console);
/* When the rule for a lost console acts, if none is heard until then. `began_ms`: this run of the
 * agent did. */
int64_t agent_lost_due_ms(const cd_terms *t, const agent_lease_record *r, int64_t began_ms);
/* When it is to be asked whether the rules keep the consoles away. `in_force_ms`: since when they
 * are known to be in force; negative: they are not. */
int64_t agent_unreachable_due_ms(const cd_terms *t, const agent_lease_record *r,
                                 int64_t in_force_ms);
/* An interface other than loopback is up and has an address beyond its link. */
bool agent_link_is_up(void);

#endif
