/* What rows that give rights rest on: applications, enrolment tokens and devices' keys count only
 * as far as sealed entries of the audit log say the same. The rows themselves carry no seal, so
 * whoever writes to the database could make or change one. */
#include "audit_walk.h"
#include "base/json.h"
#include "store_private.h"

#include <stdio.h>

#include "base/banned.h"

/* A row's own content in one digest, which its entry names: what is not in it may change. */
static cd_code row_digest(const cd_str *texts, size_t count, const cd_digest *hash, cd_str numbers,
                          char out[CD_DIGEST_TEXT_MAX], cd_err *err)
{
  char secret[CD_DIGEST_TEXT_MAX];
  cd_digest digest;
  cd_jw w;
  cd_buf text = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_digest_text(hash, secret);
  cd_jw_init(&w, &text);
  cd_jw_arr(&w, NULL);
  for (size_t i = 0; i < count; i++)
    cd_jw_str(&w, NULL, texts[i]);
  cd_jw_cstr(&w, NULL, secret);
  cd_jw_str(&w, NULL, numbers);
  cd_jw_end_arr(&w);
  cd_code rc = cd_jw_done(&w, "a row", err);
  if (rc == CD_OK)
    rc = cd_digest_of(text.ptr, text.len, &digest, err);
  if (rc == CD_OK)
    cd_digest_text(&digest, out);
  cd_buf_release(&text);
  return rc;
}

cd_code backing_app_digest(const con_app *app, const cd_digest *hash, char out[CD_DIGEST_TEXT_MAX],
                           cd_err *err)
{
  const cd_str texts[] = {cd_str_from(app->id), app->name, app->permissions};
  return row_digest(texts, 3, hash, (cd_str){0}, out, err);
}

cd_code backing_token_digest(const con_token *token, uint64_t uses, const cd_digest *hash,
                             char out[CD_DIGEST_TEXT_MAX], cd_err *err)
{
  char numbers[64];
  const cd_str texts[] = {cd_str_from(token->id), token->tags};
  (void)snprintf(numbers, sizeof(numbers), "%llu until %lld", (unsigned long long)uses,
                 (long long)token->expires_ms);
  return row_digest(texts, 2, hash, cd_str_from(numbers), out, err);
}

typedef struct search {
  con_sql which;
  cd_str first;  /* of the statement's parameters */
  cd_str needle; /* an id of ours: no other entry has it but those about it */
  void (*each)(void *context, const con_audit_entry *e, cd_json *root);
  void *context;
} search;

static void look(con_store *s, const search *w, const con_audit_entry *e)
{
  cd_json_doc *doc = NULL;
  cd_err ignored = {0};
  if (!con_audit_is_ours(e, &s->seal) ||
      cd_json_parse(e->detail, CON_AUDIT_DETAIL_MAX, "the entry", &doc, &ignored) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  w->each(w->context, e, &root);
  cd_json_free(doc);
}

/* Entries that the console did not seal are passed over. */
static cd_code each_entry(con_store *s, const search *w, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, w->which, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ss", w->first, w->needle);
  for (;;) {
    con_audit_entry e;
    rc = store_row(s, stmt, "look at the audit log", err);
    if (rc != CD_OK)
      break;
    if (audit_read_row(stmt, &e))
      look(s, w, &e);
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

static bool has(cd_json *root, const char *key, cd_str wanted)
{
  cd_str text = {0};
  return cd_json_opt_str(root, key, CON_AUDIT_DETAIL_MAX, &text) && cd_str_eq(text, wanted);
}

/* ---- applications ---- */

typedef struct app_search {
  const con_app *app;
  const char *row;
  bool created;
  bool revoked;
} app_search;

static void each_app(void *context, const con_audit_entry *e, cd_json *root)
{
  app_search *a = context;
  if (!has(root, "app", cd_str_from(a->app->id)))
    return;
  if (cd_str_eq_cstr(e->what, "app.revoke"))
    a->revoked = true;
  else if (cd_str_eq_cstr(e->what, "app.create"))
    a->created = has(root, "row", cd_str_from(a->row));
}

cd_code backing_app(con_store *s, const con_app *app, const cd_digest *hash, bool *ret_revoked,
                    cd_err *err)
{
  char row[CD_DIGEST_TEXT_MAX];
  app_search a = {.app = app, .row = row};
  const search w = {.which = CON_SQL_AUDIT_ACCESS,
                    .first = CD_STR("app."),
                    .needle = cd_str_from(app->id),
                    .each = each_app,
                    .context = &a};
  cd_code rc = backing_app_digest(app, hash, row, err);
  if (rc == CD_OK)
    rc = each_entry(s, &w, err);
  if (rc == CD_OK && !a.created)
    rc =
        cd_fail(err, CD_E_CONFLICT,
                "application '%s' is in the database as the audit log does not record it", app->id);
  if (rc == CD_OK)
    *ret_revoked = app->revoked || a.revoked;
  return rc;
}

/* ---- enrolment tokens ---- */

typedef struct token_search {
  const con_token *token;
  const cd_digest *hash;
  bool created;
  bool revoked;
  uint64_t uses;
} token_search;

static void each_token(void *context, const con_audit_entry *e, cd_json *root)
{
  token_search *t = context;
  char row[CD_DIGEST_TEXT_MAX];
  cd_err ignored = {0};
  if (!has(root, "token", cd_str_from(t->token->id)))
    return;
  if (cd_str_eq_cstr(e->what, "token.revoke"))
    t->revoked = true;
  else if (cd_str_eq_cstr(e->what, "token.create"))
    t->created = cd_json_opt_u64(root, "uses", CD_GENERATION_MAX, &t->uses) &&
                 backing_token_digest(t->token, t->uses, t->hash, row, &ignored) == CD_OK &&
                 has(root, "row", cd_str_from(row));
}

/* How many devices the log says have enrolled with it. */
static cd_code count_uses(con_store *s, const con_token *t, uint64_t *ret_used, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_AUDIT_TOKEN_USES, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", cd_str_from(t->id));
  rc = store_row(s, stmt, "count the uses of a token", err);
  if (rc == CD_OK)
    *ret_used = store_u64(stmt, 0);
  store_done(stmt);
  return rc;
}

cd_code backing_token(con_store *s, const con_token *token, const cd_digest *hash,
                      token_backing *ret_backing, cd_err *err)
{
  uint64_t used = 0;
  token_search t = {.token = token, .hash = hash};
  const search w = {.which = CON_SQL_AUDIT_ACCESS,
                    .first = CD_STR("token."),
                    .needle = cd_str_from(token->id),
                    .each = each_token,
                    .context = &t};
  cd_code rc = each_entry(s, &w, err);
  if (rc == CD_OK && !t.created)
    rc = cd_fail(err, CD_E_CONFLICT,
                 "enrolment token '%s' is in the database as the audit log does not record it",
                 token->id);
  if (rc == CD_OK)
    rc = count_uses(s, token, &used, err);
  if (rc == CD_OK)
    *ret_backing = (token_backing){.revoked = t.revoked, .used_up = used >= t.uses};
  return rc;
}

/* ---- devices ---- */

typedef struct device_search {
  cd_str device_key; /* its digest's text; empty: any */
  cd_str token;      /* empty: any */
  unsigned others;
  unsigned same;
} device_search;

static void each_enrolment(void *context, const con_audit_entry *e, cd_json *root)
{
  device_search *d = context;
  bool same = (d->device_key.len == 0 || has(root, "device_key", d->device_key)) &&
              (d->token.len == 0 || has(root, "token", d->token));
  d->same += same ? 1 : 0;
  d->others += same ? 0 : 1;
}

cd_code backing_device_key(con_store *s, cd_str device, const cd_digest *key, cd_err *err)
{
  char text[CD_DIGEST_TEXT_MAX];
  cd_digest_text(key, text);
  device_search d = {.device_key = cd_str_from(text)};
  const search w = {
      .which = CON_SQL_AUDIT_ENROLMENTS, .first = device, .each = each_enrolment, .context = &d};
  cd_code rc = each_entry(s, &w, err);
  if (rc == CD_OK && (d.same == 0 || d.others > 0))
    rc = cd_fail(err, CD_E_CONFLICT,
                 "device '%.*s' is in the database with a key that the audit log does not record",
                 CD_STR_ARG(device));
  return rc;
}

cd_code backing_enrolled_with(con_store *s, cd_str device, cd_str token, bool *ret_enrolled,
                              cd_err *err)
{
  device_search d = {.token = token};
  const search w = {.which = CON_SQL_AUDIT_ENROLMENTS,
                    .first = device,
                    .needle = token,
                    .each = each_enrolment,
                    .context = &d};
  cd_code rc = each_entry(s, &w, err);
  if (rc == CD_OK)
    *ret_enrolled = d.same > 0;
  return rc;
}
