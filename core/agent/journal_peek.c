/* A look into the journal by somebody who is not the agent, and what the agent puts into a journal
 * that has forgotten. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/fault.h"
#include "journal_private.h"

#include "base/banned.h"

#define STEPS_BETWEEN_LOOKS 2000

static int is_late(void *context)
{
  const agent_journal *j = context;
  return cd_mono_ms() > j->late_ms;
}

static cd_code open_quietly(agent_journal *j, unsigned budget_ms, cd_err *err)
{
  int keep = 1;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  if (sqlite3_open_v2(j->path, &j->db, flags, NULL) != SQLITE_OK)
    return journal_fail(j, err, "open the database");
  j->late_ms = cd_mono_ms() + budget_ms;
  (void)sqlite3_extended_result_codes(j->db, 1);
  (void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  /* It is left as it is found, with the WAL that the agent reads at its start. */
  (void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  (void)sqlite3_file_control(j->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
  sqlite3_progress_handler(j->db, STEPS_BETWEEN_LOOKS, is_late, j);
  /* Exclusive, so that the WAL needs no shared-memory file. */
  return journal_exec(
      j, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;",
      "look into the database", err);
}

cd_code agent_journal_peek(const char *folder, unsigned budget_ms, agent_journal **ret_journal,
                           cd_err *err)
{
  uv_fs_t req;
  agent_journal *j = calloc(1, sizeof(*j));
  if (j == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the journal");
  (void)snprintf(j->path, sizeof(j->path), "%s/journal.db", folder);
  int there = uv_fs_lstat(NULL, &req, j->path, NULL);
  uv_fs_req_cleanup(&req);
  cd_code rc = there == UV_ENOENT ? cd_fail(err, CD_E_NOTFOUND, "there is no journal '%s'", j->path)
                                  : open_quietly(j, budget_ms, err);
  if (rc != CD_OK) {
    agent_journal_close(j);
    return rc;
  }
  *ret_journal = j;
  return CD_OK;
}

cd_code agent_journal_sound(agent_journal *j, cd_err *err)
{
  return journal_check(j, err);
}

cd_code agent_journal_adopt(agent_journal *j, agent_capability state, const agent_wanted *wanted,
                            const agent_holder *holder, cd_err *err)
{
  cd_code rc = agent_journal_hold(j, state, holder, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_put_state(j, state, wanted, err);
  return journal_end(j, rc, err);
}
