/* Enrolment tokens: only the SHA-256 of each secret is stored. */
#include "base/clock.h"
#include "base/json.h"
#include "protocol/secret.h"
#include "store_private.h"

#include <string.h>

#include "base/banned.h"

#define TOKEN_USES_MAX 1000000u

static const size_t text_offsets[] = {offsetof(con_token, created_by), offsetof(con_token, tags),
                                      offsetof(con_token, note)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

static void read_row(sqlite3_stmt *stmt, con_token *t)
{
  *t = (con_token){0};
  store_read_texts(stmt, &texts, t);
  (void)cd_str_copy(t->id, sizeof(t->id), store_text(stmt, 3));
  t->uses_left = store_u64(stmt, 4);
  t->uses_made = store_u64(stmt, 5);
  t->created_ms = sqlite3_column_int64(stmt, 6);
  t->expires_ms = sqlite3_column_int64(stmt, 7);
  t->revoked = sqlite3_column_int64(stmt, 8) != 0;
  t->choices = store_text(stmt, 9);
}

static cd_code judge(const con_token *t, cd_err *err)
{
  if (t->revoked)
    return cd_fail(err, CD_E_DENIED, "enrolment token '%s' is revoked", t->id);
  if (t->expires_ms <= cd_wall_ms())
    return cd_fail(err, CD_E_DENIED, "enrolment token '%s' is expired", t->id);
  return CD_OK;
}

/* A device that enrolled with it and comes again, because the answer did not reach it, takes no
 * other use. */
static cd_code judge_backing(con_store *s, const con_token *t, const cd_digest *hash, cd_str device,
                             cd_err *err)
{
  token_backing backing = {0};
  bool again = false;
  cd_code rc = backing_token(s, t, hash, &backing, err);
  if (rc == CD_OK && backing.revoked)
    rc = cd_fail(err, CD_E_DENIED, "enrolment token '%s' is revoked", t->id);
  if (rc == CD_OK && device.len > 0)
    rc = backing_enrolled_with(s, device, cd_str_from(t->id), &again, err);
  if (rc == CD_OK && !again && (t->uses_left == 0 || backing.used_up))
    rc = cd_fail(err, CD_E_DENIED, "enrolment token '%s' is used up", t->id);
  return rc;
}

/* On success the statement stands on the token. */
static cd_code find(con_store *s, const uint8_t secret[CON_SECRET_SIZE], cd_str device,
                    sqlite3_stmt **ret_stmt, con_token *ret_token, cd_err *err)
{
  cd_digest hash;
  cd_code rc = cd_digest_of(secret, CON_SECRET_SIZE, &hash, err);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_TOKEN_BY_SECRET, ret_stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(*ret_stmt, "b", (cd_str){(const char *)hash.bytes, sizeof(hash.bytes)});
  rc = store_row(s, *ret_stmt, "look for an enrolment token", err);
  if (rc == CD_E_NOTFOUND)
    return cd_fail(err, CD_E_DENIED, "the enrolment token is not known");
  if (rc == CD_OK) {
    read_row(*ret_stmt, ret_token);
    rc = judge(ret_token, err);
  }
  if (rc == CD_OK)
    rc = judge_backing(s, ret_token, &hash, device, err);
  return rc;
}

cd_code con_token_check(con_store *s, const uint8_t secret[CON_SECRET_SIZE], cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_token t;
  cd_code rc = find(s, secret, (cd_str){0}, &stmt, &t, err);
  store_done(stmt);
  return rc;
}

cd_code token_use(con_store *s, const con_enrolment *e, cd_str device, char ret_id[CD_ID_SIZE],
                  cd_buf *ret_tags, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_token t = {0};
  bool again = false;
  cd_code rc = find(s, e->token, device, &stmt, &t, err);
  if (rc == CD_OK)
    rc = tags_choose(t.tags, t.choices, e->tags, e->tag_count, ret_tags, err);
  store_done(stmt);
  if (rc == CD_OK && device.len > 0)
    rc = backing_enrolled_with(s, device, cd_str_from(t.id), &again, err);
  if (rc != CD_OK)
    return rc;
  memcpy(ret_id, t.id, CD_ID_SIZE);
  if (again)
    return CD_OK;
  rc = store_take(s, CON_SQL_TOKEN_USE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", cd_str_from(ret_id));
  return store_run(s, stmt, "use an enrolment token", err);
}

/* `hash` is NULL where the token goes. */
static cd_code write_detail(const con_by *by, const con_token *t, const cd_digest *hash,
                            cd_buf *out, cd_err *err)
{
  char row[CD_DIGEST_TEXT_MAX];
  cd_jw w;
  cd_code rc = hash != NULL ? backing_token_digest(t, t->uses_left, hash, row, err) : CD_OK;
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "token", t->id);
  if (hash != NULL) {
    cd_jw_u64(&w, "uses", t->uses_left);
    cd_jw_i64(&w, "expires", t->expires_ms);
    cd_jw_raw(&w, "tags", t->tags);
    cd_jw_raw(&w, "choices", t->choices);
    cd_jw_str(&w, "note", t->note);
    cd_jw_cstr(&w, "row", row);
  }
  cd_jw_str(&w, "comment", by->comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code add_choices(con_store *s, const con_token *t, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  if (t->choices.len <= CD_STR("[]").len)
    return CD_OK;
  cd_code rc = store_take(s, CON_SQL_TOKEN_CHOICES, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ss", cd_str_from(t->id), t->choices);
  return store_run(s, stmt, "add an enrolment token", err);
}

/* `t` has its id, uses, end, tags, choices and note. */
static cd_code add(con_store *s, const con_by *by, const con_token *t, const cd_digest *hash,
                   cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = write_detail(by, t, hash, &detail, err);
  const con_audit_entry entry = {
      .who = by->who, .what = CD_STR("token.create"), .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = store_take(s, CON_SQL_TOKEN_ADD, &stmt, err);
    if (rc == CD_OK) {
      store_bind(stmt, "sbiiisss", cd_str_from(t->id),
                 (cd_str){(const char *)hash->bytes, sizeof(hash->bytes)}, (int64_t)t->uses_left,
                 cd_wall_ms(), t->expires_ms, by->who, t->tags, t->note);
      rc = store_run(s, stmt, "add an enrolment token", err);
    }
    if (rc == CD_OK)
      rc = add_choices(s, t, err);
    if (rc == CD_OK)
      rc = audit_add(s, &entry, NULL, err);
    rc = store_end(s, rc, err);
  }
  cd_buf_release(&detail);
  return rc;
}

static cd_code check_new(const con_token_new *n, cd_err *err)
{
  if (n->uses == 0 || n->uses > TOKEN_USES_MAX || n->expires_ms <= cd_wall_ms() ||
      n->expires_ms > CD_WALL_MS_MAX || n->note.len > CON_NOTE_MAX || !cd_str_utf8_valid(n->note))
    return cd_fail(err, CD_E_INVALID,
                   "an enrolment token has 1 to %u uses, an end in the future, and a note of at "
                   "most %u bytes",
                   TOKEN_USES_MAX, CON_NOTE_MAX);
  return CD_OK;
}

cd_code con_token_make(con_store *s, const con_by *by, const con_token_new *token,
                       char ret_id[CD_ID_SIZE], uint8_t ret_secret[CON_SECRET_SIZE], cd_err *err)
{
  con_token t = {.uses_left = token->uses, .expires_ms = token->expires_ms, .note = token->note};
  uint8_t secret[CON_SECRET_SIZE];
  cd_digest hash;
  cd_buf tags = CD_BUF_INIT(64u * 1024u);
  cd_buf choices = CD_BUF_INIT(64u * 1024u);
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = check_new(token, err);
  if (rc == CD_OK)
    rc = tags_write(token->tags, token->tag_count, &tags, err);
  if (rc == CD_OK)
    rc = tags_write(token->choices, token->choice_count, &choices, err);
  t.tags = cd_buf_view(&tags);
  t.choices = cd_buf_view(&choices);
  if (rc == CD_OK)
    rc = cd_id_make(t.id, err);
  if (rc == CD_OK)
    rc = store_random(secret, sizeof(secret), err);
  if (rc == CD_OK)
    rc = cd_digest_of(secret, sizeof(secret), &hash, err);
  if (rc == CD_OK)
    rc = add(s, by, &t, &hash, err);
  if (rc == CD_OK) {
    memcpy(ret_id, t.id, CD_ID_SIZE);
    memcpy(ret_secret, secret, CON_SECRET_SIZE);
  }
  cd_wipe(secret, sizeof(secret));
  cd_buf_release(&tags);
  cd_buf_release(&choices);
  return rc;
}

cd_code con_token_each(con_store *s, bool (*each)(void *context, const con_token *t), void *context,
                       cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_TOKEN_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  for (;;) {
    con_token t;
    rc = store_row(s, stmt, "read the enrolment tokens", err);
    if (rc != CD_OK)
      break;
    read_row(stmt, &t);
    if (!each(context, &t))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

static cd_code revoke(con_store *s, const con_by *by, cd_str id, cd_str detail, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  const con_audit_entry entry = {.who = by->who, .what = CD_STR("token.revoke"), .detail = detail};
  cd_code rc = store_take(s, CON_SQL_TOKEN_REVOKE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", id);
  rc = store_run(s, stmt, "revoke an enrolment token", err);
  if (rc == CD_OK && sqlite3_changes(s->db) == 0)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no enrolment token '%.*s'", CD_STR_ARG(id));
  return rc == CD_OK ? audit_add(s, &entry, NULL, err) : rc;
}

cd_code con_token_revoke(con_store *s, const con_by *by, cd_str id, cd_err *err)
{
  con_token t = {0};
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK && !cd_str_copy(t.id, sizeof(t.id), id))
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no such enrolment token");
  if (rc == CD_OK)
    rc = write_detail(by, &t, NULL, &detail, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = revoke(s, by, id, cd_buf_view(&detail), err);
    rc = store_end(s, rc, err);
  }
  cd_buf_release(&detail);
  return rc;
}
