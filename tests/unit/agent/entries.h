/* Actions and orders for the tests of the journal. */
#ifndef AGENT_TEST_ENTRIES_H
#define AGENT_TEST_ENTRIES_H

#include "journal.h"

/* Opens the journal of the test's folder, which must be whole. */
agent_journal *open_journal(void);
/* A pending action with an id of its own. agent_action_free(). */
agent_action *make_action(agent_kind kind);
/* Records an order for the isolate state; the action as it was recorded. */
agent_action *place_order(agent_journal *j, agent_kind kind);
/* Ends the action, well or not; NULL values stay as they are. */
cd_code end_action(agent_journal *j, agent_action *a, cd_code outcome, const agent_wanted *settled,
                   const agent_wanted *wanted);
/* What the order of this action makes wanted. Borrows the action's text. */
agent_wanted wanted_of(const agent_action *a);
/* Fails the test unless the journal's wanted (or settled) value is this; action NULL: any. */
void expect_wanted(agent_journal *j, bool isolated, uint64_t generation, const char *action);
void expect_settled(agent_journal *j, bool isolated, uint64_t generation, const char *action);
unsigned count_open(agent_journal *j);

#endif
