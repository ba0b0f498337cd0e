/* What `cordond --restore` reads before it decides. */
#ifndef AGENT_RESTORE_FACTS_H
#define AGENT_RESTORE_FACTS_H

#include "journal.h"
#include "restore_plan.h"
#include "rule_file.h"

#define RESTORE_JOURNAL_MS 2000 /* for all that is asked of the journal */

/* Owns what it holds: restore_read_release(). */
typedef struct restore_read {
  restore_facts facts;
  agent_rule_file current;
  agent_rule_file previous;
  agent_wanted wanted;                          /* of the journal */
  char holder[AGENT_ID_MAX];                    /* the provider that held it, by the journal */
  agent_endpoint consoles[AGENT_ENDPOINTS_MAX]; /* that could be read anywhere */
  unsigned console_count;
} restore_read;

/* Reads files and journal; what is wrong with them is logged. The consoles of configuration and
 * enrolment are added by restore_read_consoles(), which only a fallback needs. */
void restore_read_all(const char *state_dir, restore_read *r);
void restore_read_consoles(const char *state_dir, const agent_config *config, restore_read *r);
void restore_read_release(restore_read *r);

/* A full isolation that lets through the consoles. */
CD_MUST_USE cd_code restore_builtin_params(const restore_read *r, const agent_config *config,
                                           cd_buf *out, cd_err *err);

#endif
