/* What rows that devices and people go by rest on: applications, enrolment tokens, devices' keys,
 * policies and sets of exclusions count only as far as sealed entries of the audit log say the
 * same. The rows themselves carry no seal, so whoever writes to the database could make or change
 * one. */
#include "audit_walk.h"
#include "base/json.h"
#include "protocol/terms.h"
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
  const cd_str texts[] = {cd_str_from(token->id), token->tags, token->choices};
  (void)snprintf(numbers, sizeof(numbers), "%llu until %lld", (unsigned long long)uses,
                 (long long)token->expires_ms);
  /* Tokens without a choice are as those were that had none. */
  return row_digest(texts, token->choices.len > CD_STR("[]").len ? 3 : 2, hash,
                    cd_str_from(numbers), out, err);
}

typedef struct search {
  con_sql which;
  bool strict;   /* an entry that is not ours is a failure; else it is passed over */
  cd_str first;  /* of the statement's parameters */
  cd_str needle; /* an id of ours: no other entry has it but those about it */
  void (*each)(void *context, const con_audit_entry *e, cd_json *root);
  void *context;
} search;

static cd_code look(con_store *s, const search *w, const con_audit_entry *e, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_err ignored = {0};
  if (!con_audit_is_ours(e, &s->seal) ||
      cd_json_parse(e->detail, CON_AUDIT_DETAIL_MAX, "the entry", &doc, &ignored) != CD_OK)
    return w->strict ? cd_fail(err, CD_E_CONFLICT,
                               "entry %llu of the audit log is not as the console wrote it",
                               (unsigned long long)e->sequence)
                     : CD_OK;
  cd_json root = cd_json_root(doc);
  w->each(w->context, e, &root);
  cd_json_free(doc);
  return CD_OK;
}

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
    if (rc == CD_OK && audit_read_row(stmt, &e))
      rc = look(s, w, &e, err);
    if (rc != CD_OK)
      break;
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

/* ---- what was asked of a device ---- */

typedef struct wish_search {
  cd_str wish;
  cd_str set;
  con_audit_ref entry;
  bool same;
} wish_search;

static void each_created(void *context, const con_audit_entry *e, cd_json *root)
{
  wish_search *w = context;
  w->same = has(root, "wish", w->wish) && has(root, "set", w->set);
  w->entry = (con_audit_ref){.sequence = e->sequence, .digest = e->digest};
}

cd_code backing_wish(con_store *s, const backing_isolation *i, con_audit_ref *ret_entry,
                     cd_err *err)
{
  char text[CD_DIGEST_TEXT_MAX];
  cd_digest digest;
  int64_t lease_ms = 0;
  wish_search w = {.set = i->set};
  const search find = {.which = CON_SQL_AUDIT_CREATED,
                       .strict = true,
                       .first = i->device,
                       .needle = i->action,
                       .each = each_created,
                       .context = &w};
  cd_code rc = cd_wish_of(i->parameters, &digest, &lease_ms, err);
  if (rc != CD_OK)
    return rc;
  cd_digest_text(&digest, text);
  w.wish = cd_str_from(text);
  rc = each_entry(s, &find, err);
  if (rc == CD_OK && !w.same)
    rc = cd_fail(err, CD_E_CONFLICT,
                 "what is wanted of device '%.*s' is in the database as the audit log does not "
                 "record it",
                 CD_STR_ARG(i->device));
  if (rc == CD_OK)
    *ret_entry = w.entry;
  return rc;
}

/* ---- policies, their tags, and sets of exclusions ---- */

/* The content may be larger than an entry: its digest stands for it. */
cd_code backing_named_digest(const backing_row *row, char out[CD_DIGEST_TEXT_MAX], cd_err *err)
{
  char numbers[32];
  char text[CD_DIGEST_TEXT_MAX];
  cd_digest content;
  const cd_digest none = {{0}};
  cd_code rc = cd_digest_of(row->content.ptr, row->content.len, &content, err);
  if (rc != CD_OK)
    return rc;
  cd_digest_text(&content, text);
  const cd_str texts[] = {row->set_by, row->name, cd_str_from(text), row->who, row->comment};
  (void)snprintf(numbers, sizeof(numbers), "revision %llu", (unsigned long long)row->revision);
  return row_digest(texts, 5, &none, cd_str_from(numbers), out, err);
}

/* The last entry that is about the row decides; the statement does not give them in their order. */
typedef struct last_search {
  const backing_row *row;
  cd_str digest;
  uint64_t at;
  bool good;
} last_search;

static void each_set(void *context, const con_audit_entry *e, cd_json *root)
{
  last_search *l = context;
  if (e->sequence < l->at || !has(root, "name", l->row->name) ||
      !(cd_str_eq(e->what, l->row->set_by) || cd_str_eq(e->what, l->row->removed_by)))
    return;
  l->at = e->sequence;
  l->good = cd_str_eq(e->what, l->row->set_by) && has(root, "row", l->digest);
}

cd_code backing_named(con_store *s, const backing_row *row, cd_err *err)
{
  char digest[CD_DIGEST_TEXT_MAX];
  last_search l = {.row = row};
  const search w = {.which = CON_SQL_AUDIT_ACCESS,
                    .strict = true,
                    .first = row->area,
                    .each = each_set,
                    .context = &l};
  cd_code rc = backing_named_digest(row, digest, err);
  l.digest = cd_str_from(digest);
  if (rc == CD_OK)
    rc = each_entry(s, &w, err);
  if (rc == CD_OK && !l.good)
    rc = cd_fail(err, CD_E_CONFLICT,
                 "'%.*s' is in the database as the audit log does not record it (%.*s)",
                 CD_STR_ARG(row->name), CD_STR_ARG(row->set_by));
  return rc;
}

typedef struct tag_search {
  cd_str policy;
  cd_str tag;
  uint64_t rank;
  uint64_t at;
  bool good;
} tag_search;

static void each_assignment(void *context, const con_audit_entry *e, cd_json *root)
{
  tag_search *t = context;
  uint64_t rank = 0;
  if (e->sequence < t->at || !has(root, "tag", t->tag))
    return;
  t->at = e->sequence;
  t->good = cd_str_eq_cstr(e->what, "policy.assign") && has(root, "name", t->policy) &&
            cd_json_opt_u64(root, "rank", CD_GENERATION_MAX, &rank) && rank == t->rank;
}

cd_code backing_assigned(con_store *s, cd_str policy, cd_str tag, uint64_t rank, cd_err *err)
{
  tag_search t = {.policy = policy, .tag = tag, .rank = rank};
  const search w = {.which = CON_SQL_AUDIT_ACCESS,
                    .strict = true,
                    .first = CD_STR("policy."),
                    .each = each_assignment,
                    .context = &t};
  cd_code rc = each_entry(s, &w, err);
  if (rc == CD_OK && !t.good)
    rc = cd_fail(err, CD_E_CONFLICT,
                 "policy '%.*s' has the tag '%.*s' in the database as the audit log does not "
                 "record it",
                 CD_STR_ARG(policy), CD_STR_ARG(tag));
  return rc;
}
