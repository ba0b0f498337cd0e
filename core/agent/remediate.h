/* Remediations: one change of the device each, and how it is taken back. The plugin notes its undo
 * records before each change; they are kept under the action until it is taken back, for as long as
 * there is a journal, so that a later `undo` of the action finds them, after an upgrade too. */
#ifndef AGENT_REMEDIATE_H
#define AGENT_REMEDIATE_H

#include "job.h"

typedef struct agent_remediate agent_remediate;

/* Everything given must outlive it. */
CD_MUST_USE cd_code agent_remediate_new(agent_jobs *jobs, agent_journal *journal,
                                        agent_remediate **ret_remediate, cd_err *err);
void agent_remediate_free(agent_remediate *r); /* NULL is fine; after the loop is empty */

#endif
