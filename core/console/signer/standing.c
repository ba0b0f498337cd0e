#include "standing.h"

#include "base/json.h"
#include "base/limits.h"
#include "protocol/limits.h"

#include <sqlite3.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct sig_standing {
  sqlite3 *db;
};

/* One row for each action that may still stand. `status` 0: not ended. */
static const char schema[] =
    "CREATE TABLE act(action TEXT PRIMARY KEY, device TEXT NOT NULL, state INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, local INTEGER NOT NULL, sequence INTEGER NOT NULL,"
    " digest BLOB NOT NULL, wish BLOB NOT NULL, generation INTEGER NOT NULL,"
    " status INTEGER NOT NULL, lease INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX act_device ON act(device, state, sequence);";

/* 4 is Failed, 6 is Cancelled. */
#define COLUMNS "sequence, digest, kind, wish, generation, lease"
static const char newest_asked[] =
    "SELECT " COLUMNS " FROM act WHERE device = ?1 AND state = ?2 AND local = 0 AND action != ?3"
    " AND status NOT IN (4, 6) ORDER BY sequence DESC LIMIT 1";
static const char highest_local[] =
    "SELECT " COLUMNS " FROM act WHERE device = ?1 AND state = ?2 AND local = 1 AND action != ?3"
    " AND status NOT IN (4, 6) ORDER BY generation DESC, sequence DESC LIMIT 1";
_Static_assert(CD_ACTION_FAILED == 4 && CD_ACTION_CANCELLED == 6, "the statements name them");

static cd_code fail(sig_standing *st, cd_err *err)
{
  return cd_fail(err, CD_E_INTERNAL, "what the audit log says cannot be noted: %s",
                 st->db != NULL ? sqlite3_errmsg(st->db) : "no memory");
}

static cd_code execute(sig_standing *st, const char *sql, cd_err *err)
{
  return sqlite3_exec(st->db, sql, NULL, NULL, NULL) == SQLITE_OK ? CD_OK : fail(st, err);
}

/* A letter per parameter: i (int64_t), s (cd_str), d (const cd_digest *). */
static cd_code prepare(sig_standing *st, sqlite3_stmt **ret_stmt, cd_err *err, const char *sql,
                       const char *kinds, ...)
{
  va_list args;
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2(st->db, sql, -1, &stmt, NULL) != SQLITE_OK)
    return fail(st, err);
  va_start(args, kinds);
  for (int i = 0; kinds[i] != '\0'; i++) {
    if (kinds[i] == 'i') {
      (void)sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
    } else if (kinds[i] == 'd') {
      (void)sqlite3_bind_blob(stmt, i + 1, va_arg(args, const cd_digest *)->bytes, CD_DIGEST_SIZE,
                              SQLITE_TRANSIENT);
    } else {
      cd_str text = va_arg(args, cd_str);
      (void)sqlite3_bind_text64(stmt, i + 1, text.len > 0 ? text.ptr : "", text.len,
                                SQLITE_TRANSIENT, SQLITE_UTF8);
    }
  }
  va_end(args);
  *ret_stmt = stmt;
  return CD_OK;
}

static cd_code finish(sig_standing *st, sqlite3_stmt *stmt, cd_err *err)
{
  cd_code rc = sqlite3_step(stmt) == SQLITE_DONE ? CD_OK : fail(st, err);
  (void)sqlite3_finalize(stmt);
  return rc;
}

cd_code sig_standing_open(sig_standing **ret_standing, cd_err *err)
{
  sig_standing *st = calloc(1, sizeof(*st));
  if (st == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for what stands");
  cd_code rc = sqlite3_open(":memory:", &st->db) == SQLITE_OK ? CD_OK : fail(st, err);
  if (rc == CD_OK)
    rc = execute(st, schema, err);
  if (rc != CD_OK) {
    sig_standing_close(st);
    return rc;
  }
  *ret_standing = st;
  return CD_OK;
}

void sig_standing_close(sig_standing *st)
{
  if (st == NULL)
    return;
  (void)sqlite3_close(st->db);
  free(st);
}

cd_code sig_standing_clear(sig_standing *st, cd_err *err)
{
  return execute(st, "DELETE FROM act", err);
}

/* ---- noting ---- */

/* What the detail of an entry says of an action. */
typedef struct said {
  cd_order_kind kind; /* of creations and of what a device did by itself */
  cd_digest wish;
  uint64_t generation; /* 0: it says none */
  int64_t status;      /* of ends */
  int64_t lease_ms;    /* 0: none */
  bool rolled_back;    /* the device's own release, which changes nothing of what is wanted */
} said;

/* Entries of older versions lack a member or other; what is not said does not count. */
static said read_detail(const con_audit_entry *e)
{
  said s = {0};
  cd_json_doc *doc = NULL;
  cd_err ignored = {0};
  cd_str kind = {0};
  cd_str wish = {0};
  cd_str status = {0};
  cd_str requestor = {0};
  cd_action_status ended = 0;
  bool stands = false;
  if (cd_json_parse(e->detail, CON_AUDIT_DETAIL_MAX, "the entry", &doc, &ignored) != CD_OK)
    return s;
  cd_json root = cd_json_root(doc);
  (void)cd_json_opt_str(&root, "kind", CD_WORD_MAX, &kind);
  /* What a device did by itself has no release code, so its parameters are the wish. */
  if (!cd_json_opt_str(&root, "wish", CD_DIGEST_TEXT_MAX, &wish))
    (void)cd_json_opt_str(&root, "parameters", CD_DIGEST_TEXT_MAX, &wish);
  (void)cd_json_opt_i64(&root, "lease", 0, CD_WALL_MS_MAX, &s.lease_ms);
  (void)cd_json_opt_str(&root, "status", CD_WORD_MAX, &status);
  (void)cd_json_opt_str(&root, "requestor", CD_REQUESTOR_MAX, &requestor);
  (void)cd_json_opt_u64(&root, "generation", CD_GENERATION_MAX, &s.generation);
  if (!cd_order_kind_from_name(kind, &s.kind) || !cd_digest_from_text(wish, &s.wish))
    s.kind = 0;
  s.rolled_back =
      s.kind == CD_ORDER_RELEASE && cd_str_eq_cstr(requestor, CON_REQUESTOR_ROLLED_BACK);
  (void)cd_json_opt_bool(&root, "stands", &stands);
  s.status = cd_action_status_from_name(status, &ended) ? (int64_t)ended : 0;
  if (s.status == CD_ACTION_FAILED && stands)
    s.status = CD_ACTION_SUCCEEDED; /* the device goes on with it: it was taken for good */
  cd_json_free(doc);
  return s;
}

static cd_code add(sig_standing *st, const con_audit_entry *e, const said *s, bool local,
                   cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_state state = s->kind != 0 ? cd_order_kind_state(s->kind) : CD_STATE_NONE;
  if (state == CD_STATE_NONE || e->device.len == 0 || e->action.len == 0)
    return CD_OK;
  cd_code rc =
      prepare(st, &stmt, err,
              "INSERT OR IGNORE INTO act VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
              "ssiiiiddiii", e->action, e->device, (int64_t)state, (int64_t)s->kind, (int64_t)local,
              (int64_t)e->sequence, &e->digest, &s->wish, (int64_t)s->generation,
              local ? s->status : (int64_t)0, s->lease_ms);
  return rc == CD_OK ? finish(st, stmt, err) : rc;
}

/* What was taken for good leaves nothing of before it that could stand again. */
static cd_code forget_older(sig_standing *st, cd_str action, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "DELETE FROM act WHERE status != 0 AND EXISTS(SELECT 1 FROM act a WHERE"
                       " a.action = ?1 AND a.device = act.device AND a.state = act.state AND"
                       " a.sequence > act.sequence AND (a.local = 0 OR"
                       " (act.local = 1 AND act.generation <= a.generation)))",
                       "s", action);
  return rc == CD_OK ? finish(st, stmt, err) : rc;
}

static cd_code end(sig_standing *st, cd_str action, int64_t status, uint64_t generation,
                   cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "UPDATE act SET status = ?2, generation = max(generation, ?3)"
                       " WHERE action = ?1",
                       "sii", action, status, (int64_t)generation);
  if (rc == CD_OK)
    rc = finish(st, stmt, err);
  return rc == CD_OK && status == CD_ACTION_SUCCEEDED ? forget_older(st, action, err) : rc;
}

cd_code sig_standing_note(sig_standing *st, const con_audit_entry *e, cd_err *err)
{
  bool create = cd_str_eq_cstr(e->what, CON_WHAT_CREATE);
  bool local = cd_str_eq_cstr(e->what, CON_WHAT_LOCAL) || cd_str_eq_cstr(e->what, CON_WHAT_ADOPTED);
  bool result = cd_str_eq_cstr(e->what, CON_WHAT_RESULT);
  if (cd_str_eq_cstr(e->what, CON_WHAT_CANCEL))
    return end(st, e->action, CD_ACTION_CANCELLED, 0, err);
  if (!create && !local && !result)
    return CD_OK;
  said s = read_detail(e);
  if (local && s.rolled_back)
    return CD_OK;
  if (result)
    return end(st, e->action, s.status, s.generation, err);
  cd_code rc = add(st, e, &s, local, err);
  return rc == CD_OK && local && s.status == CD_ACTION_SUCCEEDED ? forget_older(st, e->action, err)
                                                                 : rc;
}

cd_code sig_standing_signed(sig_standing *st, cd_str action, uint64_t generation, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc =
      prepare(st, &stmt, err, "UPDATE act SET generation = max(generation, ?2) WHERE action = ?1",
              "si", action, (int64_t)generation);
  return rc == CD_OK ? finish(st, stmt, err) : rc;
}

/* ---- asking ---- */

typedef struct row {
  sig_stands stands;
  uint64_t generation;
} row;

/* A row of zeroes when there is none. */
static cd_code one(sig_standing *st, const char *sql, cd_str device, cd_state state, cd_str except,
                   row *ret_row, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  row r = {0};
  cd_code rc = prepare(st, &stmt, err, sql, "sis", device, (int64_t)state, except);
  if (rc != CD_OK)
    return rc;
  int stepped = sqlite3_step(stmt);
  if (stepped == SQLITE_ROW) {
    r.stands.entry.sequence = (uint64_t)sqlite3_column_int64(stmt, 0);
    memcpy(r.stands.entry.digest.bytes, sqlite3_column_blob(stmt, 1), CD_DIGEST_SIZE);
    r.stands.kind = (cd_order_kind)sqlite3_column_int(stmt, 2);
    memcpy(r.stands.wish.bytes, sqlite3_column_blob(stmt, 3), CD_DIGEST_SIZE);
    r.generation = (uint64_t)sqlite3_column_int64(stmt, 4);
    r.stands.lease_ms = sqlite3_column_int64(stmt, 5);
  } else if (stepped != SQLITE_DONE) {
    rc = fail(st, err);
  }
  (void)sqlite3_finalize(stmt);
  if (rc == CD_OK)
    *ret_row = r;
  return rc;
}

cd_code sig_standing_of(sig_standing *st, cd_str device, cd_state state, cd_str except,
                        sig_stands *ret_stands, cd_err *err)
{
  row asked = {0};
  row local = {0};
  cd_code rc = one(st, newest_asked, device, state, except, &asked, err);
  if (rc == CD_OK)
    rc = one(st, highest_local, device, state, except, &local, err);
  if (rc != CD_OK)
    return rc;
  bool by_itself = local.stands.entry.sequence > asked.stands.entry.sequence &&
                   local.generation >= asked.generation;
  *ret_stands = by_itself ? local.stands : asked.stands;
  return CD_OK;
}
