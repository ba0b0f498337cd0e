/* Policies and their tags. What devices are given is in store_policy_device.c. */
#include "store_policy.h"

#include "base/clock.h"
#include "base/json.h"
#include "protocol/policy.h"
#include "store_private.h"

#include <stdlib.h>

#include "base/banned.h"

static const size_t text_offsets[] = {offsetof(con_policy, name), offsetof(con_policy, body),
                                      offsetof(con_policy, updated_by),
                                      offsetof(con_policy, comment), offsetof(con_policy, tags)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_policy_release(con_policy *p)
{
  free(p->memory);
  *p = (con_policy){0};
}

/* ---- reading ---- */

static void read_row(sqlite3_stmt *stmt, con_policy *p)
{
  *p = (con_policy){0};
  store_read_texts(stmt, &texts, p);
  p->revision = store_u64(stmt, 5);
  p->updated_ms = sqlite3_column_int64(stmt, 6);
  p->devices = store_u64(stmt, 7);
}

cd_code con_policy_get(con_store *s, cd_str name, con_policy *ret_policy, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_policy p = {0};
  cd_code rc = store_take(s, CON_SQL_POLICY_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", name);
  rc = store_row(s, stmt, "read a policy", err);
  if (rc == CD_OK) {
    read_row(stmt, &p);
    rc = store_own_texts(&texts, &p, &p.memory, err);
  }
  store_done(stmt);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there is no policy '%.*s'", CD_STR_ARG(name));
  if (rc == CD_OK)
    *ret_policy = p;
  return rc;
}

cd_code con_policy_each(con_store *s, bool (*each)(void *context, const con_policy *policy),
                        void *context, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_POLICY_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  for (;;) {
    con_policy p;
    rc = store_row(s, stmt, "read the policies", err);
    if (rc != CD_OK)
      break;
    read_row(stmt, &p);
    if (!each(context, &p))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

/* ---- changing ---- */

static cd_code check_name(cd_str name, cd_err *err)
{
  if (!cd_policy_name_valid(name))
    return cd_fail(err, CD_E_INVALID,
                   "the name of a policy is 1 to %u of a-z, 0-9, '-', '_' and '.'",
                   CD_POLICY_NAME_MAX);
  return CD_OK;
}

static cd_code check_body(cd_str body, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(body, CD_POLICY_BODY_MAX, "the policy", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_policy_check_body(&root);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  return rc;
}

/* The row that one statement is about; CD_E_NOTFOUND where it changed nothing. */
static cd_code change(con_store *s, sqlite3_stmt *stmt, const con_audit_entry *entry, cd_str name,
                      cd_err *err)
{
  cd_code rc = store_run(s, stmt, "change a policy", err);
  if (rc == CD_OK && sqlite3_changes(s->db) == 0)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no such policy '%.*s'", CD_STR_ARG(name));
  return rc == CD_OK ? audit_add(s, entry, NULL, err) : rc;
}

static cd_code next_revision(con_store *s, uint64_t *ret_revision, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_POLICY_REVISION, &stmt, err);
  if (rc == CD_OK)
    rc = store_row(s, stmt, "read the revisions of policies", err);
  if (rc == CD_OK)
    *ret_revision = store_u64(stmt, 0);
  store_done(stmt);
  return rc;
}

backing_row policy_row(cd_str name, cd_str body, uint64_t revision)
{
  return (backing_row){.area = CD_STR("policy."),
                       .set_by = CD_STR("policy.set"),
                       .removed_by = CD_STR("policy.remove"),
                       .name = name,
                       .content = body,
                       .revision = revision};
}

static cd_code write_set(const backing_row *row, cd_str comment, cd_buf *out, cd_err *err)
{
  cd_jw w;
  char digest[CD_DIGEST_TEXT_MAX];
  cd_code rc = backing_named_digest(row, digest, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "name", row->name);
  cd_jw_u64(&w, "revision", row->revision);
  cd_jw_raw(&w, "body", row->content);
  cd_jw_cstr(&w, "row", digest);
  cd_jw_str(&w, "comment", comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code put(con_store *s, const con_by *by, cd_str name, cd_str body, uint64_t revision,
                   cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  const backing_row row = policy_row(name, body, revision);
  cd_code rc = write_set(&row, by->comment, &detail, err);
  const con_audit_entry entry = {
      .who = by->who, .what = CD_STR("policy.set"), .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_POLICY_SET, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "ssiiss", name, body, (int64_t)revision, cd_wall_ms(), by->who, by->comment);
    rc = change(s, stmt, &entry, name, err);
  }
  cd_buf_release(&detail);
  return rc;
}

cd_code con_policy_set(con_store *s, const con_by *by, cd_str name, cd_str body,
                       uint64_t *ret_revision, cd_err *err)
{
  uint64_t revision = 0;
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = check_name(name, err);
  if (rc == CD_OK)
    rc = check_body(body, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = next_revision(s, &revision, err);
  if (rc == CD_OK)
    rc = put(s, by, name, body, revision, err);
  rc = store_end(s, rc, err);
  if (rc == CD_OK)
    *ret_revision = revision;
  return rc;
}

/* One statement with an entry that names the policy, and a tag and its rank where there are. */
typedef struct small_change {
  con_sql which;
  cd_str what;
  cd_str name;
  cd_str tag;    /* empty: none */
  uint64_t rank; /* UINT64_MAX: none */
} small_change;

static cd_code write_small(const small_change *c, cd_str comment, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "name", c->name);
  if (c->tag.len > 0)
    cd_jw_str(&w, "tag", c->tag);
  if (c->rank != UINT64_MAX)
    cd_jw_u64(&w, "rank", c->rank);
  cd_jw_str(&w, "comment", comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code run_small(con_store *s, const con_by *by, const small_change *c, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = write_small(c, by->comment, &detail, err);
  const con_audit_entry entry = {.who = by->who, .what = c->what, .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = store_take(s, c->which, &stmt, err);
    if (rc == CD_OK && c->rank != UINT64_MAX)
      store_bind(stmt, "ssi", c->tag, c->name, (int64_t)c->rank);
    else if (rc == CD_OK && c->tag.len > 0)
      store_bind(stmt, "ss", c->tag, c->name);
    else if (rc == CD_OK)
      store_bind(stmt, "s", c->name);
    if (rc == CD_OK)
      rc = change(s, stmt, &entry, c->name, err);
    rc = store_end(s, rc, err);
  }
  cd_buf_release(&detail);
  return rc;
}

cd_code con_policy_remove(con_store *s, const con_by *by, cd_str name, cd_err *err)
{
  con_policy p = {0};
  const small_change c = {.which = CON_SQL_POLICY_REMOVE,
                          .what = CD_STR("policy.remove"),
                          .name = name,
                          .rank = UINT64_MAX};
  cd_code rc = con_policy_get(s, name, &p, err);
  if (rc == CD_OK && p.tags.len > 2)
    rc = cd_fail(err, CD_E_CONFLICT, "policy '%.*s' is assigned to tags: take it from them first",
                 CD_STR_ARG(name));
  con_policy_release(&p);
  return rc == CD_OK ? run_small(s, by, &c, err) : rc;
}

cd_code con_policy_assign(con_store *s, const con_by *by, cd_str name, cd_str tag, uint64_t rank,
                          cd_err *err)
{
  con_policy p = {0};
  const small_change c = {.which = CON_SQL_POLICY_ASSIGN,
                          .what = CD_STR("policy.assign"),
                          .name = name,
                          .tag = tag,
                          .rank = rank};
  if (tag.len == 0 || tag.len > CON_TAG_MAX || rank > CON_RANK_MAX || !cd_str_utf8_valid(tag))
    return cd_fail(err, CD_E_INVALID, "a policy is for a tag of 1 to %u bytes, with a rank to %u",
                   CON_TAG_MAX, CON_RANK_MAX);
  cd_code rc = con_policy_get(s, name, &p, err);
  con_policy_release(&p);
  return rc == CD_OK ? run_small(s, by, &c, err) : rc;
}

cd_code con_policy_unassign(con_store *s, const con_by *by, cd_str name, cd_str tag, cd_err *err)
{
  const small_change c = {.which = CON_SQL_POLICY_UNASSIGN,
                          .what = CD_STR("policy.unassign"),
                          .name = name,
                          .tag = tag,
                          .rank = UINT64_MAX};
  if (tag.len == 0)
    return cd_fail(err, CD_E_INVALID, "the tag is empty");
  return run_small(s, by, &c, err);
}
