/* The rule files of the state folder: restore/current.json, of the isolation that was last proven,
 * and restore/previous.json, of the one before it, as long as neither was ordered to be released.
 */
#ifndef AGENT_RULES_H
#define AGENT_RULES_H

#include "rule_file.h"

typedef struct agent_rules {
  char folder[CD_PATH_MAX];
  bool looked;             /* `current` is what the disk has */
  agent_rule_file current; /* generation 0 and no provider: there is none that can be read */
} agent_rules;

CD_MUST_USE cd_code agent_rules_init(agent_rules *r, const char *state_dir, cd_err *err);
void agent_rules_release(agent_rules *r);
/* The file was proven: makes it the current one, unless that says the same already; where other
 * rules come of it the one that was current becomes the previous. Synced; at every moment there is
 * a current one, once there was. */
CD_MUST_USE cd_code agent_rules_keep(agent_rules *r, const agent_rule_file *f, cd_err *err);
/* There is an order to release: no restart may bring it back. */
CD_MUST_USE cd_code agent_rules_forget(agent_rules *r, cd_err *err);

/* Reads one of them; CD_E_NOTFOUND if it is not there. One that others may read or write, or that
 * lies where others may write, is refused like one that makes no sense. `out_text` (may be NULL)
 * gets whatever could be read of it. */
CD_MUST_USE cd_code agent_rules_load(const char *state_dir, bool previous, agent_rule_file *ret,
                                     cd_buf *out_text, cd_err *err);

#endif
