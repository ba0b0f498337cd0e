/* What the agent must not forget about policy: the one in force, the one before it, and the highest
 * version of them that it took. In the same file and transactions as the rest of the journal. */
#ifndef AGENT_JOURNAL_POLICY_H
#define AGENT_JOURNAL_POLICY_H

#include "journal.h"
#include "protocol/limits.h"

/* One policy. Owns its text: agent_policy_record_release(). */
typedef struct agent_policy_record {
  uint64_t version; /* 0: there is none */
  char name[CD_POLICY_NAME_MAX + 1];
  char *body; /* JSON object */
  int64_t taken_ms;
  bool trial; /* the console has still to be reached with it */
} agent_policy_record;

void agent_policy_record_release(agent_policy_record *r);

/* What is remembered of one root's policies. */
typedef struct agent_policy_seen {
  uint64_t version; /* the highest that was taken */
  uint64_t key_generation;
  uint64_t refused; /* the last that was refused or put back; 0: none */
  char sentence[CD_ERR_TEXT_MAX];
} agent_policy_seen;

/* All zeroes where there is nothing. */
CD_MUST_USE cd_code agent_journal_policy(agent_journal *j, const char *root,
                                         agent_policy_record *ret_now,
                                         agent_policy_record *ret_before,
                                         agent_policy_seen *ret_seen, cd_err *err);
/* In force from now on. What was in force becomes the one to go back to, unless it was on trial
 * itself: then that stays. */
CD_MUST_USE cd_code agent_journal_policy_take(agent_journal *j, const char *root,
                                              const agent_policy_record *record,
                                              uint64_t key_generation, cd_err *err);
/* Its trial is over. */
CD_MUST_USE cd_code agent_journal_policy_proven(agent_journal *j, cd_err *err);
/* Back to the one before, or to none; `refused` is the version that was in force. */
CD_MUST_USE cd_code agent_journal_policy_back(agent_journal *j, const char *root, uint64_t refused,
                                              const char *sentence, cd_err *err);
/* One that is the device's and cannot be taken. */
CD_MUST_USE cd_code agent_journal_policy_refuse(agent_journal *j, const char *root,
                                                uint64_t version, const char *sentence,
                                                cd_err *err);
/* Policies of other roots: the device belongs to another fleet now. */
CD_MUST_USE cd_code agent_journal_policy_forget(agent_journal *j, const char *root, cd_err *err);

#endif
