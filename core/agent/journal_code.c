/* The journal's memory of release codes. */
#include "journal_code.h"

#include "base/fault.h"
#include "journal_private.h"

#include "base/banned.h"

cd_code agent_journal_code(agent_journal *j, const char *action, agent_code_record *ret_record,
                           cd_err *err)
{
  sqlite3_stmt *s = NULL;
  agent_code_record r = {0};
  cd_code rc =
      journal_prepare(j, "SELECT attempts, last, boot, used FROM codes WHERE action = ?", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "t", action);
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW) {
    r.attempts = (unsigned)sqlite3_column_int64(s, 0);
    r.last_ms = (uint64_t)sqlite3_column_int64(s, 1);
    (void)cd_str_copy(r.boot, sizeof(r.boot), cd_str_from((const char *)sqlite3_column_text(s, 2)));
    r.used_ms = sqlite3_column_int64(s, 3);
  } else if (step != SQLITE_DONE) {
    rc = journal_fail(j, err, "read about a release code");
  }
  (void)sqlite3_finalize(s);
  if (rc == CD_OK)
    *ret_record = r;
  return rc;
}

cd_code agent_journal_code_attempt(agent_journal *j, const char *action, const char *boot,
                                   uint64_t mono_ms, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j,
                               "INSERT INTO codes(action, attempts, last, boot, used)"
                               " VALUES(?1, 1, ?2, ?3, 0) ON CONFLICT(action) DO UPDATE SET"
                               " attempts = attempts + 1, last = ?2, boot = ?3",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "tit", action, (sqlite3_int64)mono_ms, boot);
  return journal_run(j, s, "count an attempt with a release code", err);
}

cd_code agent_journal_code_used(agent_journal *j, const char *action, int64_t wall_ms, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "UPDATE codes SET used = ?2 WHERE action = ?1", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "ti", action, (sqlite3_int64)wall_ms);
  return journal_run(j, s, "record that a release code was used", err);
}

cd_code agent_journal_code_owners(agent_journal *j, unsigned limit,
                                  bool (*each)(void *context, const char *action, cd_str terms),
                                  void *context, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j,
                               "SELECT id, terms FROM actions WHERE kind = 'isolate'"
                               " AND order_digest IS NOT NULL AND terms IS NOT NULL"
                               " ORDER BY seq DESC LIMIT ?",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)limit);
  int step;
  while ((step = sqlite3_step(s)) == SQLITE_ROW) {
    if (!each(context, (const char *)sqlite3_column_text(s, 0),
              cd_str_from((const char *)sqlite3_column_text(s, 1))))
      break;
  }
  if (step != SQLITE_ROW && step != SQLITE_DONE)
    rc = journal_fail(j, err, "read the isolations");
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_refused(agent_journal *j, const agent_action *a, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = journal_put_action(j, a, err);
  if (rc == CD_OK)
    rc = journal_put_ended(j, a, NULL, NULL, err);
  CD_FAULT_POINT("code.refused_before_commit");
  rc = journal_end(j, rc, err);
  if (rc == CD_OK)
    journal_prune(j);
  return rc;
}
