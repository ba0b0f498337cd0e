/* The journal's memory about policy. */
#include "journal_policy.h"

#include <stdlib.h>

#include "base/fault.h"
#include "journal_private.h"

#include "base/banned.h"

void agent_policy_record_release(agent_policy_record *r)
{
  free(r->body);
  *r = (agent_policy_record){0};
}

/* Prepares, binds and runs a statement that returns no rows. */
#define RUN(j, sql, what, err, kinds, ...)                                                         \
  do {                                                                                             \
    sqlite3_stmt *s_ = NULL;                                                                       \
    cd_code rc_ = journal_prepare(j, sql, &s_, err);                                               \
    if (rc_ != CD_OK)                                                                              \
      return rc_;                                                                                  \
    journal_bind(s_, kinds, __VA_ARGS__);                                                          \
    return journal_run(j, s_, what, err);                                                          \
  } while (0)

/* ---- reading ---- */

static cd_str column(sqlite3_stmt *s, int i)
{
  return cd_str_from((const char *)sqlite3_column_text(s, i));
}

static cd_code read_record(agent_journal *j, const char *root, const char *slot,
                           agent_policy_record *ret, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(
      j, "SELECT version, name, body, taken, trial FROM policy WHERE slot = ? AND root = ?", &s,
      err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "tt", slot, root);
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW) {
    ret->version = (uint64_t)sqlite3_column_int64(s, 0);
    (void)cd_str_copy(ret->name, sizeof(ret->name), column(s, 1));
    ret->taken_ms = sqlite3_column_int64(s, 3);
    ret->trial = sqlite3_column_int(s, 4) != 0;
    if (!agent_text_set(&ret->body, column(s, 2)))
      rc = cd_fail(err, CD_E_INTERNAL, "no memory for a policy");
  } else if (step != SQLITE_DONE) {
    rc = journal_fail(j, err, "read the policy");
  }
  (void)sqlite3_finalize(s);
  return rc;
}

static cd_code read_seen(agent_journal *j, const char *root, agent_policy_seen *ret, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(
      j, "SELECT version, key_generation, refused, sentence FROM policy_seen WHERE root = ?", &s,
      err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "t", root);
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW) {
    ret->version = (uint64_t)sqlite3_column_int64(s, 0);
    ret->key_generation = (uint64_t)sqlite3_column_int64(s, 1);
    ret->refused = (uint64_t)sqlite3_column_int64(s, 2);
    (void)cd_str_copy(ret->sentence, sizeof(ret->sentence), column(s, 3));
  } else if (step != SQLITE_DONE) {
    rc = journal_fail(j, err, "read about policies");
  }
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_policy(agent_journal *j, const char *root, agent_policy_record *ret_now,
                             agent_policy_record *ret_before, agent_policy_seen *ret_seen,
                             cd_err *err)
{
  agent_policy_record now = {0};
  agent_policy_record before = {0};
  agent_policy_seen seen = {0};
  cd_code rc = read_record(j, root, "now", &now, err);
  if (rc == CD_OK)
    rc = read_record(j, root, "before", &before, err);
  if (rc == CD_OK)
    rc = read_seen(j, root, &seen, err);
  if (rc != CD_OK) {
    agent_policy_record_release(&now);
    agent_policy_record_release(&before);
    return rc;
  }
  *ret_now = now;
  *ret_before = before;
  *ret_seen = seen;
  return CD_OK;
}

/* ---- writing ---- */

static cd_code put_record(agent_journal *j, const char *root, const agent_policy_record *r,
                          cd_err *err)
{
  RUN(j,
      "REPLACE INTO policy(slot, root, version, name, body, taken, trial) "
      "VALUES('now',?,?,?,?,?,?)",
      "keep the policy", err, "tittii", root, (sqlite3_int64)r->version, r->name, r->body,
      (sqlite3_int64)r->taken_ms, (sqlite3_int64)r->trial);
}

static cd_code put_seen(agent_journal *j, const char *root, uint64_t version,
                        uint64_t key_generation, cd_err *err)
{
  RUN(j,
      "INSERT INTO policy_seen(root, version, key_generation, refused, sentence) "
      "VALUES(?1,?2,?3,0,'') ON CONFLICT(root) DO UPDATE SET "
      "version = max(version, excluded.version), "
      "key_generation = max(key_generation, excluded.key_generation), refused = 0, sentence = ''",
      "record the version of the policy", err, "tii", root, (sqlite3_int64)version,
      (sqlite3_int64)key_generation);
}

static cd_code put_refused(agent_journal *j, const char *root, uint64_t version,
                           const char *sentence, cd_err *err)
{
  RUN(j,
      "INSERT INTO policy_seen(root, version, key_generation, refused, sentence) "
      "VALUES(?1,0,0,?2,?3) ON CONFLICT(root) DO UPDATE SET "
      "refused = excluded.refused, sentence = excluded.sentence",
      "record that a policy was refused", err, "tit", root, (sqlite3_int64)version, sentence);
}

/* Only what was proven is worth going back to. */
static const char push_sql[] =
    "DELETE FROM policy WHERE slot = 'before' AND NOT EXISTS"
    " (SELECT 1 FROM policy WHERE slot = 'now' AND trial = 1);"
    "UPDATE policy SET slot = 'before' WHERE slot = 'now' AND trial = 0;";

cd_code agent_journal_policy_take(agent_journal *j, const char *root,
                                  const agent_policy_record *record, uint64_t key_generation,
                                  cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_exec(j, push_sql, "keep the policy before", err);
  if (rc == CD_OK)
    rc = put_record(j, root, record, err);
  if (rc == CD_OK)
    rc = put_seen(j, root, record->version, key_generation, err);
  CD_FAULT_POINT("remote.policy_before_commit");
  return journal_end(j, rc, err);
}

cd_code agent_journal_policy_proven(agent_journal *j, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc == CD_OK)
    rc = journal_end(j,
                     journal_exec(j, "UPDATE policy SET trial = 0 WHERE slot = 'now'",
                                  "record that the policy led to the console", err),
                     err);
  return rc;
}

cd_code agent_journal_policy_back(agent_journal *j, const char *root, uint64_t refused,
                                  const char *sentence, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_exec(j,
                    "DELETE FROM policy WHERE slot = 'now';"
                    "UPDATE policy SET slot = 'now', trial = 0 WHERE slot = 'before';",
                    "put the policy before back", err);
  if (rc == CD_OK)
    rc = put_refused(j, root, refused, sentence, err);
  return journal_end(j, rc, err);
}

cd_code agent_journal_policy_refuse(agent_journal *j, const char *root, uint64_t version,
                                    const char *sentence, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc == CD_OK)
    rc = journal_end(j, put_refused(j, root, version, sentence, err), err);
  return rc;
}

static cd_code forget_others(agent_journal *j, const char *root, cd_err *err)
{
  RUN(j, "DELETE FROM policy WHERE root != ?", "forget another fleet's policy", err, "t", root);
}

cd_code agent_journal_policy_forget(agent_journal *j, const char *root, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc == CD_OK)
    rc = journal_end(j, forget_others(j, root, err), err);
  return rc;
}
