/* Scans: the jobs that look for malware (job.h). */
#ifndef AGENT_SCAN_H
#define AGENT_SCAN_H

#include "job.h"

typedef struct agent_scan agent_scan;

#define AGENT_SCAN_GRACE_S 30u /* beyond the budget that the plugin knows, to say what it has */

/* Everything given must outlive it. */
CD_MUST_USE cd_code agent_scan_new(agent_jobs *jobs, const agent_config *config,
                                   agent_scan **ret_scan, cd_err *err);
void agent_scan_free(agent_scan *s); /* NULL is fine; after the jobs */

/* Whether a provider's result is one, and what it says is whole. */
CD_MUST_USE cd_code agent_scan_result_check(cd_str result, bool *ret_complete, cd_err *err);

#endif
