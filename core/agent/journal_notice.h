/* What the people at the device were told last, so that a restart tells them neither twice nor
 * never. */
#ifndef AGENT_JOURNAL_NOTICE_H
#define AGENT_JOURNAL_NOTICE_H

#include "journal.h"

#define AGENT_EVENT_MAX 16

typedef struct agent_noticed {
  char event[AGENT_EVENT_MAX]; /* "isolated", "released"; empty: they were told nothing yet */
  int64_t at_ms;
} agent_noticed;

CD_MUST_USE cd_code agent_journal_noticed(agent_journal *j, agent_capability state,
                                          agent_noticed *ret_noticed, cd_err *err);
CD_MUST_USE cd_code agent_journal_notice(agent_journal *j, agent_capability state,
                                         const agent_noticed *noticed, cd_err *err);

#endif
