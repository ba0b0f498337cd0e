/* The agent's first look at what the last run of the machine and the boot have left: rule files,
 * undo records, and what `cordond --restore` did. */
#ifndef AGENT_ADOPT_H
#define AGENT_ADOPT_H

#include "journal.h"
#include "restored.h"

/* Moves undo records into the journal, makes wanted what a rule file knows and the journal has
 * forgotten, and removes rule files that an order to release has outlived. What is wrong with any
 * of it is logged. */
void agent_adopt(agent_journal *j, const char *state_dir);

#endif
