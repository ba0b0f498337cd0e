/* The journal's memory about states and plugins: holders, undo records, strikes, drift. */
#include "journal.h"

#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "journal_private.h"

#include "base/banned.h"

#define STRIKES_KEPT_MS (24LL * 3600 * 1000)

cd_code agent_journal_holders(agent_journal *j, agent_capability state,
                              agent_holder out[AGENT_HOLDERS_MAX], unsigned *ret_count, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc =
      journal_prepare(j,
                      "SELECT plugin, digest, boot, current FROM holders WHERE state = ? ORDER "
                      "BY current DESC, plugin LIMIT ?",
                      &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "ii", (sqlite3_int64)state, (sqlite3_int64)AGENT_HOLDERS_MAX);
  unsigned count = 0;
  int step;
  while ((step = sqlite3_step(s)) == SQLITE_ROW) {
    agent_holder *h = &out[count++];
    (void)cd_str_copy(h->plugin, sizeof(h->plugin),
                      cd_str_from((const char *)sqlite3_column_text(s, 0)));
    (void)cd_str_copy(h->digest, sizeof(h->digest),
                      cd_str_from((const char *)sqlite3_column_text(s, 1)));
    (void)cd_str_copy(h->boot, sizeof(h->boot),
                      cd_str_from((const char *)sqlite3_column_text(s, 2)));
    h->current = sqlite3_column_int(s, 3) != 0;
  }
  if (step != SQLITE_DONE)
    rc = journal_fail(j, err, "read the holders");
  else
    *ret_count = count;
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_hold(agent_journal *j, agent_capability state, const agent_holder *holder,
                           cd_err *err)
{
  sqlite3_stmt *s = NULL;
  bool asked = holder->digest[0] == '\0';
  cd_code rc = asked ? journal_begin(j, err) : journal_begin_riding(j, err);
  if (rc != CD_OK)
    return rc;
  if (holder->current) {
    rc = journal_prepare(j, "UPDATE holders SET current = 0 WHERE state = ?", &s, err);
    if (rc == CD_OK) {
      journal_bind(s, "i", (sqlite3_int64)state);
      rc = journal_run(j, s, "change the holders", err);
    }
  }
  if (rc == CD_OK)
    rc = journal_prepare(
        j, "REPLACE INTO holders(state, plugin, digest, boot, current) VALUES(?,?,?,?,?)", &s, err);
  if (rc == CD_OK) {
    journal_bind(s, "ittti", (sqlite3_int64)state, holder->plugin, holder->digest, holder->boot,
                 (sqlite3_int64)holder->current);
    rc = journal_run(j, s, "record the holder", err);
  }
  return journal_end(j, rc, err);
}

static cd_code delete_of_plugin(agent_journal *j, const char *sql, agent_capability state,
                                const char *plugin, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, sql, &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "it", (sqlite3_int64)state, plugin);
  return journal_run(j, s, "forget a holder", err);
}

cd_code agent_journal_unhold(agent_journal *j, agent_capability state, const char *plugin,
                             cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc =
      delete_of_plugin(j, "DELETE FROM holders WHERE state = ? AND plugin = ?", state, plugin, err);
  if (rc == CD_OK)
    rc = delete_of_plugin(j, "DELETE FROM undo WHERE state = ? AND plugin = ?", state, plugin, err);
  return journal_end(j, rc, err);
}

/* How many records there are, and their bytes, separators counted. */
static cd_code undo_size(agent_journal *j, agent_capability state, const char *plugin,
                         unsigned *ret_count, uint64_t *ret_bytes, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(
      j,
      "SELECT count(*), coalesce(sum(length(CAST(record AS BLOB)) + 1), 0) FROM undo"
      " WHERE state = ? AND plugin = ?",
      &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "it", (sqlite3_int64)state, plugin);
  if (sqlite3_step(s) == SQLITE_ROW) {
    *ret_count = (unsigned)sqlite3_column_int64(s, 0);
    *ret_bytes = (uint64_t)sqlite3_column_int64(s, 1);
  } else {
    rc = journal_fail(j, err, "count the undo records");
  }
  (void)sqlite3_finalize(s);
  return rc;
}

/* A repair notes again what the first apply noted: once is enough, and many repairs must not fill
 * the list. */
static cd_code undo_known(agent_journal *j, agent_capability state, const char *plugin,
                          cd_str record, bool *ret_known, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(
      j, "SELECT count(*) FROM undo WHERE state = ? AND plugin = ? AND record = ?", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "it", (sqlite3_int64)state, plugin);
  (void)sqlite3_bind_text(s, 3, record.ptr, (int)record.len, SQLITE_TRANSIENT);
  if (sqlite3_step(s) == SQLITE_ROW)
    *ret_known = sqlite3_column_int64(s, 0) > 0;
  else
    rc = journal_fail(j, err, "look for an undo record");
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_undo_add(agent_journal *j, agent_capability state, const char *plugin,
                               cd_str record, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  unsigned count = 0;
  uint64_t bytes = 0;
  bool known = false;
  if (record.len > CD_UNDO_RECORD_MAX)
    return cd_fail(err, CD_E_LIMIT, "an undo record of plugin '%s' has %zu bytes, the limit is %u",
                   plugin, record.len, CD_UNDO_RECORD_MAX);
  cd_code rc = undo_known(j, state, plugin, record, &known, err);
  if (rc != CD_OK || known)
    return rc;
  rc = undo_size(j, state, plugin, &count, &bytes, err);
  if (rc != CD_OK)
    return rc;
  if (count >= CD_UNDO_RECORDS_MAX)
    return cd_fail(err, CD_E_LIMIT, "plugin '%s' has noted %u undo records, the limit is %u",
                   plugin, count, CD_UNDO_RECORDS_MAX);
  if (bytes + record.len + 2 > CD_UNDO_BYTES_MAX)
    return cd_fail(err, CD_E_LIMIT,
                   "plugin '%s' would have %llu bytes of undo records, the limit is %u", plugin,
                   (unsigned long long)(bytes + record.len), CD_UNDO_BYTES_MAX);
  rc = journal_prepare(j, "INSERT INTO undo(state, plugin, record) VALUES(?,?,?)", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "it", (sqlite3_int64)state, plugin);
  (void)sqlite3_bind_text(s, 3, record.ptr, (int)record.len, SQLITE_TRANSIENT);
  rc = journal_run(j, s, "note an undo record", err);
  CD_FAULT_POINT("journal.undo_synced");
  return rc;
}

cd_code agent_journal_undo_list(agent_journal *j, agent_capability state, const char *plugin,
                                cd_buf *out, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(
      j, "SELECT record FROM undo WHERE state = ? AND plugin = ? ORDER BY seq DESC", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "it", (sqlite3_int64)state, plugin);
  bool first = true;
  int step;
  while ((step = sqlite3_step(s)) == SQLITE_ROW) {
    cd_buf_add_char(out, first ? '[' : ',');
    cd_buf_add(out, sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0));
    first = false;
  }
  if (!first)
    cd_buf_add_char(out, ']');
  if (step != SQLITE_DONE)
    rc = journal_fail(j, err, "read the undo records");
  (void)sqlite3_finalize(s);
  return rc != CD_OK ? rc : cd_buf_status(out, "the list of undo records", err);
}

static cd_code forget_old_strikes(agent_journal *j, int64_t wall_ms, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "DELETE FROM strikes WHERE at < ?", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)(wall_ms - STRIKES_KEPT_MS));
  return journal_run(j, s, "forget old strikes", err);
}

cd_code agent_journal_strike(agent_journal *j, const char *digest, agent_capability cap,
                             int64_t wall_ms, const char *reason, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = forget_old_strikes(j, wall_ms, err);
  if (rc == CD_OK)
    rc = journal_prepare(j, "INSERT INTO strikes(digest, capability, at, reason) VALUES(?,?,?,?)",
                         &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "tiit", digest, (sqlite3_int64)cap, (sqlite3_int64)wall_ms, reason);
  return journal_run(j, s, "record a strike", err);
}

cd_code agent_journal_strikes(agent_journal *j, const char *digest, agent_capability cap,
                              int64_t since_ms, unsigned *ret_strikes, int64_t *ret_quarantined_ms,
                              cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(
      j,
      "SELECT (SELECT count(*) FROM strikes WHERE digest = ?1 AND capability = ?2 AND at BETWEEN "
      "?3 AND ?4),"
      " (SELECT coalesce(max(at), 0) FROM quarantine WHERE digest = ?1 AND capability = ?2)",
      &s, err);
  if (rc != CD_OK)
    return rc;
  /* What lies in the future was counted before the clock was set back. */
  journal_bind(s, "tiii", digest, (sqlite3_int64)cap, (sqlite3_int64)since_ms,
               (sqlite3_int64)cd_wall_ms());
  if (sqlite3_step(s) == SQLITE_ROW) {
    *ret_strikes = (unsigned)sqlite3_column_int64(s, 0);
    *ret_quarantined_ms = sqlite3_column_int64(s, 1);
  } else {
    rc = journal_fail(j, err, "read the strikes");
  }
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_quarantine(agent_journal *j, const char *digest, agent_capability cap,
                                 int64_t wall_ms, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc =
      journal_prepare(j, "REPLACE INTO quarantine(digest, capability, at) VALUES(?,?,?)", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "tii", digest, (sqlite3_int64)cap, (sqlite3_int64)wall_ms);
  return journal_run(j, s, "quarantine a plugin", err);
}

cd_code agent_journal_pardon(agent_journal *j, const char *digest, unsigned *ret_lifted,
                             cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_prepare(j, "DELETE FROM strikes WHERE digest = ?", &s, err);
  if (rc == CD_OK) {
    journal_bind(s, "t", digest);
    rc = journal_run(j, s, "forget strikes", err);
  }
  if (rc == CD_OK)
    rc = journal_prepare(j, "DELETE FROM quarantine WHERE digest = ?", &s, err);
  if (rc == CD_OK) {
    journal_bind(s, "t", digest);
    rc = journal_run(j, s, "lift a quarantine", err);
  }
  unsigned lifted = (unsigned)sqlite3_changes(j->db);
  rc = journal_end(j, rc, err);
  if (rc == CD_OK)
    *ret_lifted = lifted;
  return rc;
}

cd_code agent_journal_drift_add(agent_journal *j, agent_capability state, int64_t wall_ms,
                                const char *note, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc =
      journal_prepare(j,
                      "INSERT INTO drift(state, count, last, note) VALUES(?1, 1, ?2, ?3)"
                      " ON CONFLICT(state) DO UPDATE SET count = count + 1, last = ?2, note = ?3",
                      &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "iit", (sqlite3_int64)state, (sqlite3_int64)wall_ms, note);
  return journal_run(j, s, "record drift", err);
}

cd_code agent_journal_drift(agent_journal *j, agent_capability state, agent_drift *ret_drift,
                            cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "SELECT count, last, note FROM drift WHERE state = ?", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)state);
  agent_drift d = {0};
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW) {
    d.count = (uint64_t)sqlite3_column_int64(s, 0);
    d.last_ms = sqlite3_column_int64(s, 1);
    (void)cd_str_copy(d.note, sizeof(d.note), cd_str_from((const char *)sqlite3_column_text(s, 2)));
  } else if (step != SQLITE_DONE) {
    rc = journal_fail(j, err, "read the drift");
  }
  (void)sqlite3_finalize(s);
  if (rc == CD_OK)
    *ret_drift = d;
  return rc;
}

/* ---- parameters ---- */

static cd_code put_params(agent_journal *j, const char *sql, agent_capability state,
                          const char *params, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, sql, &s, err);
  if (rc != CD_OK)
    return rc;
  if (params != NULL)
    journal_bind(s, "it", (sqlite3_int64)state, params);
  else
    journal_bind(s, "i", (sqlite3_int64)state);
  return journal_run(j, s, "change the parameters", err);
}

cd_code agent_journal_params(agent_journal *j, agent_capability state, const char *params,
                             cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = put_params(j,
                  "UPDATE settled SET params = ?2 WHERE state = ?1 AND isolated = 1 AND action ="
                  " (SELECT action FROM wanted WHERE state = ?1)",
                  state, params, err);
  if (rc == CD_OK)
    rc = put_params(j, "UPDATE wanted SET params = ?2 WHERE state = ?1 AND isolated = 1", state,
                    params, err);
  if (rc == CD_OK)
    rc = put_params(j, "UPDATE holders SET digest = '' WHERE state = ?1", state, NULL, err);
  return journal_end(j, rc, err);
}
