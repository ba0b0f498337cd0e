/* Which provider serves each capability, or why none does; and what the device is (the facts
 * capability). Asked at start, and again when somebody wants to know and the answer is old. */
#ifndef AGENT_PROBES_H
#define AGENT_PROBES_H

#include "base/json.h"
#include "supervisor.h"

typedef struct agent_probes agent_probes;

#define AGENT_PROBES_OLD_MS 30000

CD_MUST_USE cd_code agent_probes_new(agent_supervisor *sup, agent_probes **ret_probes, cd_err *err);
void agent_probes_free(agent_probes *p); /* NULL is fine; after the supervisor has stopped */
/* Asks again whatever is older than AGENT_PROBES_OLD_MS; returns at once. `busy`: bit per
 * capability whose provider holds a state: it proves every day that it works, and is not disturbed.
 */
void agent_probes_refresh(agent_probes *p, uint32_t busy);
/* The configuration is another one: what is known is asked again at the next refresh. */
void agent_probes_forget(agent_probes *p);
/* The provider of a capability, "" and why there is none in `reason`; the pointer is good until it
 * is asked again. */
const char *agent_probes_provider(const agent_probes *p, agent_capability cap, char *reason,
                                  size_t size);
/* What the facts provider said last: a JSON object, empty if nothing. */
cd_str agent_probes_device(const agent_probes *p);
/* Called whenever it has said something. */
void agent_probes_on_device(agent_probes *p, void (*on_device)(void *owner), void *owner);
/* Members "device" and "capabilities" of docs/ipc.md, as far as they are known. */
void agent_probes_write(const agent_probes *p, cd_jw *w);

#endif
