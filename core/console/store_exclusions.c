/* Named sets of exclusions, and the isolations that follow them. */
#include "store_exclusions.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store_private.h"
#include "store_terms.h"

#include <stdlib.h>

#include "base/banned.h"

static const size_t text_offsets[] = {
    offsetof(con_exclusion_set, name), offsetof(con_exclusion_set, json),
    offsetof(con_exclusion_set, updated_by), offsetof(con_exclusion_set, comment)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_exclusion_set_release(con_exclusion_set *x)
{
  free(x->memory);
  *x = (con_exclusion_set){0};
}

cd_code con_exclusions_print(const cd_json *list, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_buf_add_cstr(&text, "{\"type\":\"selective\",\"exclusions\":");
  size_t start = text.len;
  cd_json_print(list, &text);
  size_t len = text.len - start;
  cd_buf_add_char(&text, '}');
  cd_code rc = cd_buf_status(&text, "the exclusions", err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), CD_PARAMETERS_MAX, "the set", &doc, err);
  if (rc == CD_OK) {
    cd_json parameters = cd_json_root(doc);
    cd_order_check_parameters(CD_ORDER_ISOLATE, &parameters);
    rc = cd_json_done(&parameters, err);
  }
  if (rc == CD_OK) {
    cd_buf_add(out, text.ptr + start, len);
    rc = cd_buf_status(out, "the exclusions", err);
  }
  cd_json_free(doc);
  cd_buf_release(&text);
  return rc;
}

/* ---- reading ---- */

static void read_row(sqlite3_stmt *stmt, con_exclusion_set *x)
{
  *x = (con_exclusion_set){0};
  store_read_texts(stmt, &texts, x);
  x->revision = store_u64(stmt, 4);
  x->updated_ms = sqlite3_column_int64(stmt, 5);
  x->devices = store_u64(stmt, 6);
}

cd_code con_exclusion_set_get(con_store *s, cd_str name, con_exclusion_set *ret_set, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_exclusion_set x = {0};
  cd_code rc = store_take(s, CON_SQL_SET_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", name);
  rc = store_row(s, stmt, "read a set of exclusions", err);
  if (rc == CD_OK) {
    read_row(stmt, &x);
    rc = store_own_texts(&texts, &x, &x.memory, err);
  }
  store_done(stmt);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there are no exclusions '%.*s'", CD_STR_ARG(name));
  if (rc == CD_OK)
    *ret_set = x;
  return rc;
}

cd_code con_exclusion_set_each(con_store *s,
                               bool (*each)(void *context, const con_exclusion_set *set),
                               void *context, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_SET_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  for (;;) {
    con_exclusion_set x;
    rc = store_row(s, stmt, "read the sets of exclusions", err);
    if (rc != CD_OK)
      break;
    read_row(stmt, &x);
    if (!each(context, &x))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

/* ---- changing ---- */

static cd_code check_name(cd_str name, cd_err *err)
{
  bool good = name.len > 0 && name.len <= CON_EXCLUSION_SET_MAX && cd_str_utf8_valid(name);
  for (size_t i = 0; good && i < name.len; i++)
    good = (unsigned char)name.ptr[i] > 0x20 && name.ptr[i] != 0x7f && name.ptr[i] != '/';
  if (!good)
    return cd_fail(err, CD_E_INVALID,
                   "the name of a set of exclusions is 1 to %u bytes without spaces and slashes",
                   CON_EXCLUSION_SET_MAX);
  return CD_OK;
}

static cd_code read_count(con_store *s, con_sql which, cd_str name, uint64_t *ret_count,
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, which, &stmt, err);
  if (rc != CD_OK)
    return rc;
  if (name.len > 0)
    store_bind(stmt, "s", name);
  rc = store_row(s, stmt, "read about exclusions", err);
  if (rc == CD_OK)
    *ret_count = store_u64(stmt, 0);
  store_done(stmt);
  return rc;
}

static backing_row exclusions_row(const con_exclusion_set *x)
{
  return (backing_row){.area = CD_STR("exclusions."),
                       .set_by = CD_STR("exclusions.set"),
                       .removed_by = CD_STR("exclusions.remove"),
                       .name = x->name,
                       .content = x->json,
                       .who = x->updated_by,
                       .comment = x->comment,
                       .revision = x->revision};
}

cd_code con_exclusion_set_check(con_store *s, const con_exclusion_set *set, cd_err *err)
{
  const backing_row row = exclusions_row(set);
  if (check_name(set->name, NULL) != CD_OK)
    return cd_fail(err, CD_E_CONFLICT,
                   "a set of exclusions in the database has a name that none can have");
  return backing_named(s, &row, err);
}

/* The list itself may be larger than an entry; digests name it. */
static cd_code write_detail(const backing_row *row, cd_str comment, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_digest digest;
  char text[CD_DIGEST_TEXT_MAX];
  char digest_of_row[CD_DIGEST_TEXT_MAX];
  cd_code rc = cd_digest_of(row->content.ptr, row->content.len, &digest, err);
  if (rc == CD_OK)
    rc = backing_named_digest(row, digest_of_row, err);
  if (rc != CD_OK)
    return rc;
  cd_digest_text(&digest, text);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "name", row->name);
  if (row->revision > 0) {
    cd_jw_u64(&w, "revision", row->revision);
    cd_jw_cstr(&w, "exclusions", text);
    cd_jw_cstr(&w, "row", digest_of_row);
  }
  cd_jw_str(&w, "comment", comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code put(con_store *s, const con_by *by, cd_str name, cd_str json, uint64_t revision,
                   cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  const con_exclusion_set x = {.name = name,
                               .json = json,
                               .updated_by = by->who,
                               .comment = by->comment,
                               .revision = revision};
  const backing_row row = exclusions_row(&x);
  cd_code rc = write_detail(&row, by->comment, &detail, err);
  const con_audit_entry entry = {
      .who = by->who, .what = row.set_by, .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_SET_SET, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "ssiiss", name, json, (int64_t)revision, cd_wall_ms(), by->who, by->comment);
    rc = store_run(s, stmt, "keep a set of exclusions", err);
  }
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  cd_buf_release(&detail);
  return rc;
}

cd_code con_exclusion_set_put(con_store *s, const con_by *by, cd_str name, cd_str json,
                              uint64_t *ret_revision, cd_err *err)
{
  uint64_t revision = 0;
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = check_name(name, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = read_count(s, CON_SQL_SET_REVISION, (cd_str){0}, &revision, err);
  if (rc == CD_OK)
    rc = put(s, by, name, json, revision, err);
  rc = store_end(s, rc, err);
  if (rc == CD_OK)
    *ret_revision = revision;
  return rc;
}

static cd_code take_away(con_store *s, const con_by *by, cd_str name, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  uint64_t used = 0;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  const con_exclusion_set x = {.name = name};
  const backing_row row = exclusions_row(&x);
  cd_code rc = write_detail(&row, by->comment, &detail, err);
  const con_audit_entry entry = {
      .who = by->who, .what = row.removed_by, .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = read_count(s, CON_SQL_SET_USED, name, &used, err);
  if (rc == CD_OK && used > 0)
    rc = cd_fail(err, CD_E_CONFLICT, "%llu devices are isolated with the exclusions '%.*s'",
                 (unsigned long long)used, CD_STR_ARG(name));
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_SET_REMOVE, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "s", name);
    rc = store_run(s, stmt, "remove a set of exclusions", err);
  }
  if (rc == CD_OK && sqlite3_changes(s->db) == 0)
    rc = cd_fail(err, CD_E_NOTFOUND, "there are no exclusions '%.*s'", CD_STR_ARG(name));
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  cd_buf_release(&detail);
  return rc;
}

cd_code con_exclusion_set_remove(con_store *s, const con_by *by, cd_str name, cd_err *err)
{
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  return rc == CD_OK ? store_end(s, take_away(s, by, name, err), err) : rc;
}

/* ---- isolations ---- */

cd_code isolation_set_add(con_store *s, const char *action, cd_str name, uint64_t revision,
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ISOLATION_SET_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssi", cd_str_from(action), name, (int64_t)revision);
  return store_run(s, stmt, "record the exclusions of an isolation", err);
}

cd_code con_isolation_set(con_store *s, cd_str action, char ret_name[CON_EXCLUSION_SET_MAX + 1],
                          uint64_t *ret_revision, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ISOLATION_SET_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", action);
  rc = store_row(s, stmt, "read the exclusions of an isolation", err);
  if (rc == CD_OK) {
    (void)cd_str_copy(ret_name, CON_EXCLUSION_SET_MAX + 1, store_text(stmt, 0));
    *ret_revision = store_u64(stmt, 1);
  }
  store_done(stmt);
  return rc;
}

/* The parameters that it has, with the exclusions of now: its terms stay what they are. */
static cd_code change_exclusions(cd_str parameters, cd_str exclusions, cd_buf *out, cd_err *err)
{
  cd_json_doc *under = NULL;
  cd_json_doc *over = NULL;
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_buf_addf(&text, "{\"exclusions\":%.*s}", CD_STR_ARG(exclusions));
  cd_code rc = cd_buf_status(&text, "the exclusions", err);
  if (rc == CD_OK)
    rc = cd_json_parse(parameters, CD_PARAMETERS_MAX, "the parameters", &under, err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), CD_PARAMETERS_MAX, "the exclusions", &over, err);
  if (rc == CD_OK) {
    cd_json u = cd_json_any(under);
    cd_json o = cd_json_any(over);
    cd_json_overlay(&u, &o, out);
    rc = cd_buf_status(out, "the parameters", err);
  }
  cd_json_free(under);
  cd_json_free(over);
  cd_buf_release(&text);
  return rc;
}

/* What is to be ordered anew. Owns its texts. */
typedef struct stale {
  char device[CON_DEVICE_TEXT];
  char name[CON_EXCLUSION_SET_MAX + 1];
  char by[CON_AUDIT_WHO_MAX + 1];
  uint64_t revision;
  cd_buf parameters;
  cd_buf comment;
} stale;

static cd_code take_stale(sqlite3_stmt *stmt, stale *x, cd_err *err)
{
  cd_str comment = store_text(stmt, 6);
  (void)cd_str_copy(x->device, sizeof(x->device), store_text(stmt, 0));
  (void)cd_str_copy(x->name, sizeof(x->name), store_text(stmt, 2));
  x->revision = store_u64(stmt, 4);
  (void)cd_str_copy(x->by, sizeof(x->by), store_text(stmt, 5));
  cd_buf_addf(&x->comment, "The exclusions '%s' were changed: ", x->name);
  cd_buf_add_str(&x->comment, (cd_str){comment.ptr, cd_str_utf8_cut(comment, 800)});
  return change_exclusions(store_text(stmt, 1), store_text(stmt, 3), &x->parameters, err);
}

/* Rows come by the names of their sets, so each set is looked at once. */
typedef struct stale_check {
  bool looked;
  char set[CON_EXCLUSION_SET_MAX + 1];
  cd_code good;
  con_audit_ref entry; /* that asked for the isolation which is to follow */
} stale_check;

/* Both the set and the isolation that is to follow it count only as the log records them. */
static cd_code check_stale(con_store *s, sqlite3_stmt *stmt, stale_check *c, cd_err *err)
{
  const con_exclusion_set x = {.name = store_text(stmt, 2),
                               .json = store_text(stmt, 3),
                               .updated_by = store_text(stmt, 5),
                               .comment = store_text(stmt, 6),
                               .revision = store_u64(stmt, 4)};
  const backing_isolation isolation = {.device = store_text(stmt, 0),
                                       .action = store_text(stmt, 7),
                                       .parameters = store_text(stmt, 1),
                                       .set = x.name};
  if (!c->looked || !cd_str_eq_cstr(x.name, c->set)) {
    c->looked = cd_str_copy(c->set, sizeof(c->set), x.name);
    c->good = con_exclusion_set_check(s, &x, err);
  }
  return c->good == CD_OK ? backing_wish(s, &isolation, &c->entry, err) : c->good;
}

/* The first that is to be ordered anew. Those that are not as the log records them are passed over:
 * they do not hold up the others, and are the failure if there is no other. */
static cd_code find_stale(con_store *s, stale *x, con_audit_ref *ret_entry, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  stale_check check = {.good = CD_OK};
  cd_err why = {0};
  cd_code rc = store_take(s, CON_SQL_ISOLATION_SET_STALE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  do
    rc = store_row(s, stmt, "look for isolations with older exclusions", err);
  while (rc == CD_OK && check_stale(s, stmt, &check, &why) != CD_OK);
  if (rc == CD_OK)
    rc = take_stale(stmt, x, err);
  if (rc == CD_OK)
    *ret_entry = check.entry;
  store_done(stmt);
  if (rc == CD_E_NOTFOUND && !cd_code_ok(why.code))
    rc = cd_fail(err, why.code, "%s", why.text);
  return rc;
}

cd_code con_isolation_set_follow(con_store *s, int64_t expires_ms, char ret_device[CON_DEVICE_TEXT],
                                 con_action_made *ret_made, cd_err *err)
{
  stale x = {.parameters = CD_BUF_INIT(CD_PARAMETERS_MAX), .comment = CD_BUF_INIT(CD_COMMENT_MAX)};
  con_audit_ref entry = {0};
  cd_code rc = find_stale(s, &x, &entry, err);
  if (rc == CD_OK) {
    const con_by by = {.who = cd_str_from(x.by), .comment = cd_buf_view(&x.comment)};
    const con_action_new action = {
        .device = cd_str_from(x.device),
        .kind = CD_ORDER_ISOLATE,
        .type = CD_STR("Isolate"),
        .scope = CD_STR("Selective"),
        .source = CD_STR(CON_SOURCE_EXCLUSIONS),
        .parameters = cd_buf_view(&x.parameters),
        .exclusions_set = cd_str_from(x.name),
        .exclusions_revision = x.revision,
        .expires_ms = con_parameters_expiry(cd_buf_view(&x.parameters), expires_ms),
        .repeats = &entry};
    rc = con_action_create(s, &by, &action, ret_made, err);
  }
  if (rc == CD_OK)
    (void)cd_str_copy(ret_device, CON_DEVICE_TEXT, cd_str_from(x.device));
  cd_buf_release(&x.parameters);
  cd_buf_release(&x.comment);
  return rc;
}
