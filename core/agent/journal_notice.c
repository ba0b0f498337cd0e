#include "journal_notice.h"

#include "journal_private.h"

#include "base/banned.h"

cd_code agent_journal_noticed(agent_journal *j, agent_capability state, agent_noticed *ret_noticed,
                              cd_err *err)
{
  sqlite3_stmt *s = NULL;
  agent_noticed n = {0};
  cd_code rc = journal_prepare(j, "SELECT event, at FROM notices WHERE state = ?", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)state);
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW) {
    (void)cd_str_copy(n.event, sizeof(n.event),
                      cd_str_from((const char *)sqlite3_column_text(s, 0)));
    n.at_ms = sqlite3_column_int64(s, 1);
  } else if (step != SQLITE_DONE) {
    rc = journal_fail(j, err, "read what people were told");
  }
  (void)sqlite3_finalize(s);
  if (rc == CD_OK)
    *ret_noticed = n;
  return rc;
}

cd_code agent_journal_notice(agent_journal *j, agent_capability state, const agent_noticed *noticed,
                             cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "REPLACE INTO notices(state, event, at) VALUES(?,?,?)", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "iti", (sqlite3_int64)state, noticed->event, (sqlite3_int64)noticed->at_ms);
  return journal_run(j, s, "record what people were told", err);
}
