/* How long an isolation lasts: its lease, the rule for a lost console, the rule for a console that
 * its own rules keep away (docs/operator.md). What is due it does by a local order to release, of
 * the user `lease`, `lost-console` or `unreachable`, which is recorded, signed and told like every
 * local order. It keeps the clock for that (clock.h), which is saved rarely. */
#ifndef AGENT_LEASE_H
#define AGENT_LEASE_H

#include "agent.h"

typedef struct agent_lease agent_lease;

CD_MUST_USE cd_code agent_lease_new(agent *a, agent_lease **ret_lease, cd_err *err);
/* Before the state begins: an isolation that has ended meanwhile is released first. */
void agent_lease_start(agent_lease *l);
void agent_lease_stop(agent_lease *l);
void agent_lease_free(
    agent_lease *l); /* NULL is fine; after the loop has run the close callbacks */

/* An order has come, an action or a look has ended. */
void agent_lease_look(agent_lease *l);

/* What is heard of consoles: a mark of one, verified, with its time; that there is a connection, or
 * none any more; anything that only a console can have said. */
void agent_lease_mark(agent_lease *l, int64_t console_ms);
void agent_lease_connected(agent_lease *l, bool connected);
void agent_lease_heard(agent_lease *l);

/* The terms of an isolation that is given on this device: those of the request, `lease_s` from now
 * on (0: without an end). */
CD_MUST_USE cd_code agent_lease_until(agent_lease *l, uint32_t lease_s, int64_t *ret_until_ms,
                                      cd_err *err);

/* Whether the action released because no console was reached through the rules. */
bool agent_lease_rolled_back(const agent_action *a);

/* Members "lease_until", "lost_console" and "unreachable" of what is wanted. */
void agent_terms_write(const agent_wanted *wanted, cd_jw *w);

#endif
