/* Applications: client id, hash of the secret, permissions. */
#include "base/clock.h"
#include "base/json.h"
#include "protocol/base64.h"
#include "protocol/secret.h"
#include "store_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PERMISSIONS_MAX 64u

static const size_t text_offsets[] = {offsetof(con_app, name), offsetof(con_app, permissions)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_app_release(con_app *a)
{
  free(a->memory);
  *a = (con_app){0};
}

static void read_row(sqlite3_stmt *stmt, con_app *a)
{
  *a = (con_app){0};
  store_read_texts(stmt, &texts, a);
  (void)cd_str_copy(a->id, sizeof(a->id), store_text(stmt, 2));
  a->created_ms = sqlite3_column_int64(stmt, 3);
  a->revoked = sqlite3_column_int64(stmt, 4) != 0;
}

/* CD_E_NOTFOUND without a sentence; CD_E_CONFLICT: the audit log does not record it like this. */
static cd_code get(con_store *s, cd_str id, con_app *ret_app, cd_digest *ret_hash, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_app a = {0};
  cd_digest hash;
  cd_code rc = store_take(s, CON_SQL_APP_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", id);
  rc = store_row(s, stmt, "read an application", err);
  if (rc == CD_OK && !store_blob(stmt, 5, hash.bytes, CD_DIGEST_SIZE))
    rc = cd_fail(err, CD_E_IO, "the database has an application without a secret");
  if (rc == CD_OK) {
    read_row(stmt, &a);
    rc = store_own_texts(&texts, &a, &a.memory, err);
  }
  store_done(stmt);
  if (rc == CD_OK)
    rc = backing_app(s, &a, &hash, &a.revoked, err);
  if (rc != CD_OK) {
    con_app_release(&a);
    return rc;
  }
  if (ret_hash != NULL)
    *ret_hash = hash;
  *ret_app = a;
  return CD_OK;
}

cd_code con_app_get(con_store *s, cd_str id, con_app *ret_app, cd_err *err)
{
  cd_code rc = get(s, id, ret_app, NULL, err);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there is no application '%.*s'", CD_STR_ARG(id));
  return rc;
}

cd_code con_app_check(con_store *s, cd_str id, cd_str secret, con_app *ret_app, cd_err *err)
{
  con_app a = {0};
  cd_digest stored = {0};
  cd_digest given;
  cd_code rc = cd_digest_of(secret.ptr, secret.len, &given, err);
  if (rc == CD_OK)
    rc = get(s, id, &a, &stored, err);
  if (rc != CD_OK && rc != CD_E_NOTFOUND)
    return rc;
  bool same = cd_digest_equal(&stored, &given);
  if (rc == CD_OK && same && !a.revoked) {
    *ret_app = a;
    return CD_OK;
  }
  con_app_release(&a);
  return cd_fail(err, CD_E_DENIED, "the application or its secret is not known");
}

static cd_code write_permissions(const cd_str *permissions, size_t count, cd_buf *out, cd_err *err)
{
  cd_jw w;
  if (count > PERMISSIONS_MAX)
    return cd_fail(err, CD_E_LIMIT, "an application can have %u permissions at most",
                   PERMISSIONS_MAX);
  cd_jw_init(&w, out);
  cd_jw_arr(&w, NULL);
  for (size_t i = 0; i < count; i++) {
    if (permissions[i].len == 0 || permissions[i].len > CON_WORD_MAX)
      return cd_fail(err, CD_E_INVALID, "a permission is %zu bytes", permissions[i].len);
    cd_jw_str(&w, NULL, permissions[i]);
  }
  cd_jw_end_arr(&w);
  return cd_jw_done(&w, "the permissions", err);
}

/* `hash` is NULL where the application goes. */
static cd_code write_detail(const con_by *by, const con_app *app, const cd_digest *hash,
                            cd_buf *out, cd_err *err)
{
  char row[CD_DIGEST_TEXT_MAX];
  cd_jw w;
  cd_code rc = hash != NULL ? backing_app_digest(app, hash, row, err) : CD_OK;
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "app", app->id);
  if (hash != NULL) {
    cd_jw_str(&w, "name", app->name);
    cd_jw_raw(&w, "permissions", app->permissions);
    cd_jw_cstr(&w, "row", row);
  }
  cd_jw_str(&w, "comment", by->comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

/* Runs a statement that is bound already, and appends its entry. */
static cd_code change(con_store *s, sqlite3_stmt *stmt, const con_by *by, const char *what,
                      cd_str id, cd_str detail, cd_err *err)
{
  const con_audit_entry entry = {.who = by->who, .what = cd_str_from(what), .detail = detail};
  cd_code rc = store_run(s, stmt, "change an application", err);
  if (rc == CD_OK && sqlite3_changes(s->db) == 0)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no application '%.*s'", CD_STR_ARG(id));
  return rc == CD_OK ? audit_add(s, &entry, NULL, err) : rc;
}

static cd_code add(con_store *s, const con_by *by, const con_app *app, const cd_digest *hash,
                   cd_err *err)
{
  cd_str id = cd_str_from(app->id);
  sqlite3_stmt *stmt = NULL;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = write_detail(by, app, hash, &detail, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = store_take(s, CON_SQL_APP_ADD, &stmt, err);
    if (rc == CD_OK) {
      store_bind(stmt, "ssbsi", id, app->name,
                 (cd_str){(const char *)hash->bytes, sizeof(hash->bytes)}, app->permissions,
                 cd_wall_ms());
      rc = change(s, stmt, by, "app.create", id, cd_buf_view(&detail), err);
    }
    rc = store_end(s, rc, err);
  }
  cd_buf_release(&detail);
  return rc;
}

/* The text form of a new secret, and the hash of that text. */
static cd_code make_secret(char ret_secret[CON_APP_SECRET_TEXT], cd_digest *ret_hash, cd_err *err)
{
  uint8_t bytes[CON_SECRET_SIZE];
  cd_code rc = store_random(bytes, sizeof(bytes), err);
  if (rc == CD_OK) {
    cd_base64url_text(ret_secret, bytes, sizeof(bytes));
    rc = cd_digest_of(ret_secret, CON_APP_SECRET_TEXT - 1, ret_hash, err);
  }
  cd_wipe(bytes, sizeof(bytes));
  return rc;
}

cd_code con_app_create(con_store *s, const con_by *by, cd_str name, const cd_str *permissions,
                       size_t permission_count, char ret_id[CD_ID_SIZE],
                       char ret_secret[CON_APP_SECRET_TEXT], cd_err *err)
{
  con_app app = {.name = name};
  char secret[CON_APP_SECRET_TEXT];
  cd_digest hash;
  cd_buf list = CD_BUF_INIT(16u * 1024u);
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK && (name.len == 0 || name.len > CON_NOTE_MAX || !cd_str_utf8_valid(name)))
    rc = cd_fail(err, CD_E_INVALID, "the name of an application is 1 to %u bytes", CON_NOTE_MAX);
  if (rc == CD_OK)
    rc = write_permissions(permissions, permission_count, &list, err);
  if (rc == CD_OK)
    rc = cd_id_make(app.id, err);
  if (rc == CD_OK)
    rc = make_secret(secret, &hash, err);
  app.permissions = cd_buf_view(&list);
  if (rc == CD_OK)
    rc = add(s, by, &app, &hash, err);
  if (rc == CD_OK) {
    memcpy(ret_id, app.id, sizeof(app.id));
    memcpy(ret_secret, secret, sizeof(secret));
  }
  cd_wipe(secret, sizeof(secret));
  cd_buf_release(&list);
  return rc;
}

cd_code con_app_each(con_store *s, bool (*each)(void *context, const con_app *app), void *context,
                     cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_APP_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  for (;;) {
    con_app a;
    rc = store_row(s, stmt, "read the applications", err);
    if (rc != CD_OK)
      break;
    read_row(stmt, &a);
    if (!each(context, &a))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code con_app_revoke(con_store *s, const con_by *by, cd_str id, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  con_app app = {0};
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK && !cd_str_copy(app.id, sizeof(app.id), id))
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no such application");
  if (rc == CD_OK)
    rc = write_detail(by, &app, NULL, &detail, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = store_take(s, CON_SQL_APP_REVOKE, &stmt, err);
    if (rc == CD_OK) {
      store_bind(stmt, "s", id);
      rc = change(s, stmt, by, "app.revoke", id, cd_buf_view(&detail), err);
    }
    rc = store_end(s, rc, err);
  }
  cd_buf_release(&detail);
  return rc;
}
