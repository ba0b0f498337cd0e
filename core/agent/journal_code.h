/* What the journal knows of release codes: how often wrong ones were tried, and which was used. */
#ifndef AGENT_JOURNAL_CODE_H
#define AGENT_JOURNAL_CODE_H

#include "journal.h"

/* Of the code of one isolation. */
typedef struct agent_code_record {
  unsigned attempts;
  uint64_t last_ms;          /* monotonic, of that run of the machine */
  char boot[PF_BOOT_ID_MAX]; /* empty: none was made */
  int64_t used_ms;           /* wall clock; 0: it was not used */
} agent_code_record;

/* All zero where nothing was tried. */
CD_MUST_USE cd_code agent_journal_code(agent_journal *j, const char *action,
                                       agent_code_record *ret_record, cd_err *err);
/* One more attempt; synced on return. */
CD_MUST_USE cd_code agent_journal_code_attempt(agent_journal *j, const char *action,
                                               const char *boot, uint64_t mono_ms, cd_err *err);
CD_MUST_USE cd_code agent_journal_code_used(agent_journal *j, const char *action, int64_t wall_ms,
                                            cd_err *err);
/* Isolations that the console ordered, newest first, with their terms; until `each` is false. */
CD_MUST_USE cd_code agent_journal_code_owners(agent_journal *j, unsigned limit,
                                              bool (*each)(void *context, const char *action,
                                                           cd_str terms),
                                              void *context, cd_err *err);
/* A local order that was refused: an action that ends as it is made, and changes nothing. */
CD_MUST_USE cd_code agent_journal_refused(agent_journal *j, const agent_action *a, cd_err *err);

#endif
