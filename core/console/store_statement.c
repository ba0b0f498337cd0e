/* The root's statements about keys that were used here, for reports of what was signed by a key
 * that another has taken the place of. They are signed, so a row that was edited only fails to
 * verify. */
#include "base/clock.h"
#include "store_private.h"

#include "base/banned.h"

cd_code con_statement_keep(con_store *s, cd_purpose purpose, cd_str statement, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, CON_SQL_STATEMENT_ADD, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "ssi", statement, cd_str_from(cd_purpose_name(purpose)), cd_wall_ms());
    rc = store_run(s, stmt, "keep a key's statement", err);
  }
  return store_end(s, rc, err);
}

cd_code con_statement_each(con_store *s, cd_purpose purpose,
                           bool (*each)(void *context, cd_str statement), void *context,
                           cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_STATEMENT_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", cd_str_from(cd_purpose_name(purpose)));
  do {
    rc = store_row(s, stmt, "read the keys' statements", err);
  } while (rc == CD_OK && each(context, store_text(stmt, 0)));
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}
