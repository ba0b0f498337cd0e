/* What journal.c, journal_actions.c and journal_state.c share; nobody else includes it. */
#ifndef AGENT_JOURNAL_PRIVATE_H
#define AGENT_JOURNAL_PRIVATE_H

#include <sqlite3.h>

#include "base/limits.h"
#include "journal.h"

struct agent_journal {
  sqlite3 *db;
  unsigned orders;    /* since the agent started; paces the pruning */
  bool reporting;     /* the end of an action leaves a place in the outbox */
  bool riding;        /* the transaction is not synced by itself */
  unsigned wal_pages; /* that wait to be written back */
  uint64_t late_ms;   /* of a peek: monotonic; its statements end */
  char path[CD_PATH_MAX];
};

/* A sentence with SQLite's own reason. */
cd_code journal_fail(agent_journal *j, cd_err *err, const char *what);
cd_code journal_exec(agent_journal *j, const char *sql, const char *what, cd_err *err);
cd_code journal_prepare(agent_journal *j, const char *sql, sqlite3_stmt **ret_stmt, cd_err *err);
/* `kinds`: a letter per parameter: i (sqlite3_int64) or t (const char *, NULL allowed; copied). */
void journal_bind(sqlite3_stmt *s, const char *kinds, ...);
/* Steps a statement that returns no rows, and finalises it. */
cd_code journal_run(agent_journal *j, sqlite3_stmt *s, const char *what, cd_err *err);
cd_code journal_begin(agent_journal *j, cd_err *err);
/* What the next synced transaction takes to the disk with it. A killed agent loses nothing by that;
 * a machine that loses its power may find its journal as it was before. */
cd_code journal_begin_riding(agent_journal *j, cd_err *err);
/* CD_OK, or what the database itself finds wrong with it. */
cd_code journal_check(agent_journal *j, cd_err *err);
/* Commits if rc is CD_OK, else rolls back; returns the final code. */
cd_code journal_end(agent_journal *j, cd_code rc, cd_err *err);
void journal_reserve(agent_journal *j);
/* Writes back what waits, if it is much: where nobody waits for the next order to be on the disk.
 */
void journal_write_back(agent_journal *j);
void journal_prune(agent_journal *j);
/* The tables of the remote side, and what older versions of this file lack (journal_remote.c). */
cd_code journal_migrate(agent_journal *j, cd_err *err);
/* The table of journal_lease.c. */
extern const char journal_lease_schema[];
/* Inside a transaction: the action alone. */
cd_code journal_put_action(agent_journal *j, const agent_action *a, cd_err *err);
/* Inside a transaction: the action and what it makes wanted, with the generation that they have;
 * the end of an action; its place in the outbox. */
cd_code journal_put_order(agent_journal *j, const agent_action *a, const agent_wanted *wanted,
                          cd_err *err);
cd_code journal_put_ended(agent_journal *j, const agent_action *a, const agent_wanted *settled,
                          const agent_wanted *wanted, cd_err *err);
/* What is wanted, and that it is settled. */
cd_code journal_put_state(agent_journal *j, agent_capability state, const agent_wanted *wanted,
                          cd_err *err);
cd_code journal_put_outbox(agent_journal *j, const char *action, const char *jws, cd_err *err);

#endif
