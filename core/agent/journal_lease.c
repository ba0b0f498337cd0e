#include "journal_lease.h"

#include "journal_private.h"

#include "base/banned.h"

const char journal_lease_schema[] =
    "CREATE TABLE IF NOT EXISTS lease("
    " id INTEGER PRIMARY KEY CHECK(id = 1), boot TEXT NOT NULL, uptime INTEGER NOT NULL,"
    " wall INTEGER NOT NULL, elapsed INTEGER NOT NULL, clock_offset INTEGER NOT NULL,"
    " heard INTEGER NOT NULL, connected INTEGER NOT NULL, action TEXT NOT NULL,"
    " since INTEGER NOT NULL, offset_then INTEGER NOT NULL, reached INTEGER NOT NULL,"
    " rollbacks INTEGER NOT NULL) STRICT;";

static void read_row(sqlite3_stmt *s, agent_lease_record *out)
{
  agent_lease_record r = {0};
  (void)cd_str_copy(r.clock.last.boot, sizeof(r.clock.last.boot),
                    cd_str_from((const char *)sqlite3_column_text(s, 0)));
  r.clock.last.uptime_ms = sqlite3_column_int64(s, 1);
  r.clock.last.wall_ms = sqlite3_column_int64(s, 2);
  r.clock.elapsed_ms = sqlite3_column_int64(s, 3);
  r.clock.offset_ms = sqlite3_column_int64(s, 4);
  r.heard_ms = sqlite3_column_int64(s, 5);
  r.connected = sqlite3_column_int(s, 6) != 0;
  (void)cd_str_copy(r.action, sizeof(r.action),
                    cd_str_from((const char *)sqlite3_column_text(s, 7)));
  r.since_ms = sqlite3_column_int64(s, 8);
  r.offset_ms = sqlite3_column_int64(s, 9);
  r.reached = sqlite3_column_int(s, 10) != 0;
  r.rollbacks = (uint32_t)sqlite3_column_int64(s, 11);
  *out = r;
}

cd_code agent_journal_lease(agent_journal *j, agent_lease_record *ret_record, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  agent_lease_record r = {0};
  cd_code rc = journal_prepare(j,
                               "SELECT boot, uptime, wall, elapsed, clock_offset, heard, connected,"
                               " action, since, offset_then, reached, rollbacks FROM lease",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW)
    read_row(s, &r);
  else if (step != SQLITE_DONE)
    rc = journal_fail(j, err, "read how long the isolation has lasted");
  (void)sqlite3_finalize(s);
  if (rc == CD_OK)
    *ret_record = r;
  return rc;
}

cd_code agent_journal_lease_set(agent_journal *j, const agent_lease_record *r, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j,
                               "REPLACE INTO lease(id, boot, uptime, wall, elapsed, clock_offset,"
                               " heard, connected, action, since, offset_then, reached, rollbacks)"
                               " VALUES(1,?,?,?,?,?,?,?,?,?,?,?,?)",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "tiiiiiitiiii", r->clock.last.boot, (sqlite3_int64)r->clock.last.uptime_ms,
               (sqlite3_int64)r->clock.last.wall_ms, (sqlite3_int64)r->clock.elapsed_ms,
               (sqlite3_int64)r->clock.offset_ms, (sqlite3_int64)r->heard_ms,
               (sqlite3_int64)r->connected, r->action, (sqlite3_int64)r->since_ms,
               (sqlite3_int64)r->offset_ms, (sqlite3_int64)r->reached, (sqlite3_int64)r->rollbacks);
  return journal_run(j, s, "record how long the isolation has lasted", err);
}

cd_code agent_journal_lease_begin(agent_journal *j, const agent_lease_record *r, cd_err *err)
{
  cd_code rc = journal_begin_riding(j, err);
  return rc == CD_OK ? journal_end(j, agent_journal_lease_set(j, r, err), err) : rc;
}
