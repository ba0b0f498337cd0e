/* Telling the people at the device, through the capability notify: once when it is isolated, and
 * once when it is released. What is told is what is enforced and wanted, so that a drift and its
 * repair are no news. Telling never holds up or fails an order. */
#ifndef AGENT_NOTICE_H
#define AGENT_NOTICE_H

#include "base/json.h"
#include "config.h"
#include "journal.h"
#include "protocol/values.h"
#include "supervisor.h"

typedef struct agent_notice agent_notice;

/* Everything given must outlive it. */
CD_MUST_USE cd_code agent_notice_new(agent_supervisor *sup, agent_journal *journal,
                                     const agent_config *config, agent_notice **ret_notice,
                                     cd_err *err);
/* What runs must have ended: after the supervisor's stop. NULL is fine. */
void agent_notice_free(agent_notice *n);
/* The values of the state isolate may be others. */
void agent_notice_values(agent_notice *n, const cd_values *values);
/* Member "notice" of the status, as docs/ipc.md gives it. */
void agent_notice_write(const agent_notice *n, cd_jw *w);

#endif
