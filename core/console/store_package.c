/* Who was given the way to a package, and what became of one that is not here. */
#include "store_private.h"

#include "base/banned.h"

cd_code con_action_package_shown(con_store *s, const con_by *by, const con_action *a, cd_err *err)
{
  const con_audit_entry entry = {.who = by->who,
                                 .what = CD_STR(CON_WHAT_PACKAGE),
                                 .device = a->device,
                                 .action = cd_str_from(a->id),
                                 .detail = CD_STR("{}")};
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = audit_add(s, &entry, NULL, err);
  return store_end(s, rc, err);
}

cd_code con_package_note_get(con_store *s, cd_str action, con_package_note *ret_note, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_package_note note = {0};
  cd_code rc = store_take(s, CON_SQL_PACKAGE_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", action);
  rc = store_row(s, stmt, "read what became of a package", err);
  if (rc == CD_OK) {
    note.fate = (con_package_fate)store_u64(stmt, 0);
    note.bad = store_u64(stmt, 1);
    note.at_ms = (int64_t)store_u64(stmt, 2);
    (void)cd_str_copy(note.sentence, sizeof(note.sentence), store_text(stmt, 3));
  }
  store_done(stmt);
  if (rc != CD_OK && rc != CD_E_NOTFOUND)
    return rc;
  *ret_note = note;
  return CD_OK;
}

cd_code con_package_note_set(con_store *s, cd_str action, const con_package_note *note, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_PACKAGE_SET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "siiis", action, (int64_t)note->fate, (int64_t)note->bad, note->at_ms,
             cd_str_from(note->sentence));
  return store_run(s, stmt, "record what became of a package", err);
}

cd_code con_package_note_remove(con_store *s, cd_str action, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_PACKAGE_REMOVE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", action);
  return store_run(s, stmt, "forget what became of a package", err);
}
