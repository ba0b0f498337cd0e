/* What the agent must not forget about time: how long the isolation that is wanted has lasted, and
 * when a console was heard last. One row, in the same file as the rest of the journal. */
#ifndef AGENT_JOURNAL_LEASE_H
#define AGENT_JOURNAL_LEASE_H

#include "clock.h"
#include "journal.h"

/* Times are elapsed_ms of the clock. */
typedef struct agent_lease_record {
  agent_clock clock;
  int64_t heard_ms;        /* a console was heard last */
  bool connected;          /* there was one when this was saved: it may have been heard later */
  char action[CD_ID_SIZE]; /* the isolation that the rest is about; empty: none */
  int64_t since_ms;        /* it became wanted */
  int64_t offset_ms;       /* of the clock then: what a lease given on this device is measured by */
  bool reached;            /* a console was, through its rules */
  uint32_t rollbacks;      /* of isolations in a row through which none was */
} agent_lease_record;

/* Zeroes where nothing was ever saved. */
CD_MUST_USE cd_code agent_journal_lease(agent_journal *j, agent_lease_record *ret_record,
                                        cd_err *err);
CD_MUST_USE cd_code agent_journal_lease_set(agent_journal *j, const agent_lease_record *record,
                                            cd_err *err);
/* The same for an isolation that nobody was asked for yet: it goes to the disk with the provider
 * that is (agent_journal_hold()). */
CD_MUST_USE cd_code agent_journal_lease_begin(agent_journal *j, const agent_lease_record *record,
                                              cd_err *err);

#endif
