/* Collection lists, kept like sets of exclusions: the row, and an entry of the audit log that names
 * its digest. */
#include "store_collection.h"

#include "base/clock.h"
#include "base/limits.h"
#include "protocol/collection.h"
#include "store_private.h"

#include <stdlib.h>

#include "base/banned.h"

static const size_t text_offsets[] = {
    offsetof(con_collection, name), offsetof(con_collection, json),
    offsetof(con_collection, updated_by), offsetof(con_collection, comment)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_collection_release(con_collection *x)
{
  free(x->memory);
  *x = (con_collection){0};
}

/* ---- reading ---- */

static void read_row(sqlite3_stmt *stmt, con_collection *x)
{
  *x = (con_collection){0};
  store_read_texts(stmt, &texts, x);
  x->version = store_u64(stmt, 4);
  x->updated_ms = sqlite3_column_int64(stmt, 5);
}

cd_code con_collection_get(con_store *s, cd_str name, con_collection *ret_list, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_collection x = {0};
  cd_code rc = store_take(s, CON_SQL_COLLECTION_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", name);
  rc = store_row(s, stmt, "read a collection list", err);
  if (rc == CD_OK) {
    read_row(stmt, &x);
    rc = store_own_texts(&texts, &x, &x.memory, err);
  }
  store_done(stmt);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there is no collection list '%.*s'", CD_STR_ARG(name));
  if (rc == CD_OK)
    *ret_list = x;
  return rc;
}

cd_code con_collection_each(con_store *s, bool (*each)(void *context, const con_collection *list),
                            void *context, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_COLLECTION_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  for (;;) {
    con_collection x;
    rc = store_row(s, stmt, "read the collection lists", err);
    if (rc != CD_OK)
      break;
    read_row(stmt, &x);
    if (!each(context, &x))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

static backing_row collection_row(const con_collection *x)
{
  return (backing_row){.area = CD_STR("collection."),
                       .set_by = CD_STR("collection.set"),
                       .removed_by = CD_STR("collection.remove"),
                       .name = x->name,
                       .content = x->json,
                       .who = x->updated_by,
                       .comment = x->comment,
                       .revision = x->version};
}

cd_code con_collection_check(con_store *s, const con_collection *list, cd_err *err)
{
  const backing_row row = collection_row(list);
  if (!cd_collection_name_good(list->name))
    return cd_fail(err, CD_E_CONFLICT,
                   "a collection list in the database has a name that none can have");
  return backing_named(s, &row, err);
}

/* ---- changing ---- */

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
    cd_jw_u64(&w, "version", row->revision);
    cd_jw_cstr(&w, "list", text);
    cd_jw_cstr(&w, "row", digest_of_row);
  }
  cd_jw_str(&w, "comment", comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code record(con_store *s, const con_by *by, const con_collection *x, cd_str what,
                      cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  const backing_row row = collection_row(x);
  cd_code rc = write_detail(&row, by->comment, &detail, err);
  const con_audit_entry entry = {.who = by->who, .what = what, .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  cd_buf_release(&detail);
  return rc;
}

/* A version stands for one text. */
static cd_code check_newer(con_store *s, const con_collection *x, cd_err *err)
{
  con_collection kept = {0};
  cd_code rc = con_collection_get(s, x->name, &kept, err);
  if (rc == CD_E_NOTFOUND)
    return CD_OK;
  if (rc == CD_OK && x->version <= kept.version)
    rc = cd_fail(err, CD_E_CONFLICT,
                 "the collection list '%.*s' is kept with version %llu: another one has a higher "
                 "version",
                 CD_STR_ARG(x->name), (unsigned long long)kept.version);
  con_collection_release(&kept);
  return rc;
}

static cd_code put(con_store *s, const con_by *by, const con_collection *x, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = check_newer(s, x, err);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_COLLECTION_SET, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "ssiiss", x->name, x->json, (int64_t)x->version, cd_wall_ms(), x->updated_by,
               x->comment);
    rc = store_run(s, stmt, "keep a collection list", err);
  }
  return rc == CD_OK ? record(s, by, x, CD_STR("collection.set"), err) : rc;
}

/* Of the text that is kept, so that what is checked is what an order carries. */
static cd_code put_text(con_store *s, const con_by *by, cd_str text, cd_err *err)
{
  cd_json_doc *doc = NULL;
  con_collection x = {.json = text, .updated_by = by->who, .comment = by->comment};
  cd_code rc = cd_json_parse(text, CD_COLLECTION_MAX, "the list", &doc, err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    cd_collection_read(&root, &x.name, &x.version);
    rc = cd_json_status(&root, err);
  }
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc == CD_OK)
    rc = store_end(s, put(s, by, &x, err), err);
  cd_json_free(doc);
  return rc;
}

cd_code con_collection_put(con_store *s, const con_by *by, const cd_json *list, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_COLLECTION_MAX);
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK) {
    cd_json_print(list, &text);
    rc = cd_buf_status(&text, "the collection list", err);
  }
  if (rc == CD_OK)
    rc = put_text(s, by, cd_buf_view(&text), err);
  cd_buf_release(&text);
  return rc;
}

static cd_code take_away(con_store *s, const con_by *by, cd_str name, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  const con_collection x = {.name = name};
  cd_code rc = store_take(s, CON_SQL_COLLECTION_REMOVE, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "s", name);
    rc = store_run(s, stmt, "remove a collection list", err);
  }
  if (rc == CD_OK && sqlite3_changes(s->db) == 0)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no collection list '%.*s'", CD_STR_ARG(name));
  return rc == CD_OK ? record(s, by, &x, CD_STR("collection.remove"), err) : rc;
}

cd_code con_collection_remove(con_store *s, const con_by *by, cd_str name, cd_err *err)
{
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  return rc == CD_OK ? store_end(s, take_away(s, by, name, err), err) : rc;
}
