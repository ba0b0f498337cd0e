#include "state.h"

#include "base/fault.h"
#include "base/limits.h"
#include "protocol/limits.h"
#include "protocol/secret.h"

#include <sqlite3.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

struct sig_state {
  sqlite3 *db;
  bool riding; /* the open transaction is not synced by itself */
  char path[CD_PATH_MAX];
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS head(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " sequence INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS seal(id INTEGER PRIMARY KEY CHECK(id = 1), key BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE IF NOT EXISTS closed(action TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS device(device TEXT PRIMARY KEY, enrolled INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL, key_id TEXT NOT NULL DEFAULT '',"
    " key_generation INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS signed(number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " at INTEGER NOT NULL, action TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL,"
    " generation INTEGER NOT NULL, audit_sequence INTEGER NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS signed_at ON signed(at);"
    "CREATE INDEX IF NOT EXISTS signed_action ON signed(action);"
    "CREATE TABLE IF NOT EXISTS lost(number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " at INTEGER NOT NULL, sequence INTEGER NOT NULL, digest BLOB NOT NULL,"
    " recorded INTEGER NOT NULL DEFAULT 0) STRICT;"
    "PRAGMA user_version = 1;";

static cd_code fail(sig_state *st, cd_err *err, const char *what)
{
  int code = st->db != NULL ? sqlite3_extended_errcode(st->db) : SQLITE_NOMEM;
  if ((code & 0xff) == SQLITE_BUSY)
    return cd_fail_os(err, CD_E_UNAVAILABLE, code,
                      "'%s' is in use: another cordon-signer is running", st->path);
  return cd_fail_os(err, (code & 0xff) == SQLITE_FULL ? CD_E_LIMIT : CD_E_IO, code,
                    "'%s': cannot %s: %s", st->path, what,
                    st->db != NULL ? sqlite3_errmsg(st->db) : "out of memory");
}

static cd_code execute(sig_state *st, const char *sql, const char *what, cd_err *err)
{
  return sqlite3_exec(st->db, sql, NULL, NULL, NULL) == SQLITE_OK ? CD_OK : fail(st, err, what);
}

/* The one door: prepares, and binds a letter per parameter: i (int64_t), s (cd_str), d (const
 * cd_digest *). */
static cd_code prepare(sig_state *st, sqlite3_stmt **ret_stmt, cd_err *err, const char *sql,
                       const char *kinds, ...)
{
  va_list args;
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2(st->db, sql, -1, &stmt, NULL) != SQLITE_OK)
    return fail(st, err, "prepare a statement");
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

static cd_code finish(sig_state *st, sqlite3_stmt *stmt, const char *what, cd_err *err)
{
  int rc = sqlite3_step(stmt);
  cd_code code = rc == SQLITE_DONE ? CD_OK : fail(st, err, what);
  (void)sqlite3_finalize(stmt);
  return code;
}

/* One number out of a row; 0 when there is none. */
static cd_code number(sig_state *st, sqlite3_stmt *stmt, uint64_t *ret_number, cd_err *err)
{
  int rc = sqlite3_step(stmt);
  cd_code code = rc == SQLITE_ROW || rc == SQLITE_DONE ? CD_OK : fail(st, err, "read a number");
  if (code == CD_OK)
    *ret_number = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
  (void)sqlite3_finalize(stmt);
  return code;
}

/* A place in the log out of a row; zeroes when there is none. */
static cd_code reference(sig_state *st, sqlite3_stmt *stmt, con_audit_ref *ret_ref, cd_err *err)
{
  con_audit_ref ref = {0};
  int rc = sqlite3_step(stmt);
  cd_code code = rc == SQLITE_ROW || rc == SQLITE_DONE ? CD_OK : fail(st, err, "read a head");
  if (rc == SQLITE_ROW) {
    const uint8_t *bytes = sqlite3_column_blob(stmt, 1);
    ref.sequence = (uint64_t)sqlite3_column_int64(stmt, 0);
    if (bytes == NULL || sqlite3_column_bytes(stmt, 1) != CD_DIGEST_SIZE)
      code = cd_fail(err, CD_E_IO, "'%s' is damaged: a digest has another size", st->path);
    for (size_t i = 0; code == CD_OK && i < CD_DIGEST_SIZE; i++)
      ref.digest.bytes[i] = bytes[i];
  }
  if (code == CD_OK)
    *ret_ref = ref;
  (void)sqlite3_finalize(stmt);
  return code;
}

cd_code sig_state_open(const char *folder, sig_state **ret_state, cd_err *err)
{
  sig_state *st = calloc(1, sizeof(*st));
  if (st == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the signer's state");
  cd_code rc = CD_OK;
  if (snprintf(st->path, sizeof(st->path), "%s/signer.db", folder) >= (int)sizeof(st->path))
    rc = cd_fail(err, CD_E_INVALID, "the path '%s' is too long", folder);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (rc == CD_OK &&
      sqlite3_open_v2(st->path, &st->db, flags | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
    rc = fail(st, err, "open it");
  if (rc == CD_OK)
    rc = execute(st,
                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                 "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;",
                 "configure it", err);
  if (rc == CD_OK)
    rc = execute(st, schema, "make the tables", err);
  if (rc != CD_OK) {
    sig_state_close(st);
    return rc;
  }
  *ret_state = st;
  return CD_OK;
}

void sig_state_close(sig_state *st)
{
  if (st == NULL)
    return;
  (void)sqlite3_close(st->db);
  free(st);
}

/* Whatever happens, the next transaction is synced again. */
static cd_code end_riding(sig_state *st, cd_code rc, cd_err *err)
{
  if (!st->riding)
    return rc;
  st->riding = false;
  cd_code back = execute(st, "PRAGMA synchronous = FULL", "sync again", rc == CD_OK ? err : NULL);
  return rc == CD_OK ? back : rc;
}

cd_code sig_state_begin(sig_state *st, cd_err *err)
{
  return execute(st, "BEGIN IMMEDIATE", "begin a transaction", err);
}

cd_code sig_state_begin_riding(sig_state *st, cd_err *err)
{
  cd_code rc = execute(st, "PRAGMA synchronous = NORMAL", "begin without a sync", err);
  st->riding = rc == CD_OK;
  rc = rc == CD_OK ? sig_state_begin(st, err) : rc;
  return rc == CD_OK ? CD_OK : end_riding(st, rc, err);
}

cd_code sig_state_end(sig_state *st, cd_code rc, cd_err *err)
{
  if (rc == CD_OK) {
    CD_FAULT_POINT("signer.before_commit");
    rc = execute(st, "COMMIT", "commit", err);
    CD_FAULT_POINT("signer.committed");
  }
  if (rc != CD_OK)
    (void)sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
  return end_riding(st, rc, err);
}

cd_code sig_state_head(sig_state *st, con_audit_ref *ret_head, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err, "SELECT sequence, digest FROM head", "");
  return rc == CD_OK ? reference(st, stmt, ret_head, err) : rc;
}

cd_code sig_state_set_head(sig_state *st, const con_audit_ref *head, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "INSERT INTO head VALUES(1, ?1, ?2)"
                       " ON CONFLICT DO UPDATE SET sequence = ?1, digest = ?2",
                       "id", (int64_t)head->sequence, &head->digest);
  return rc == CD_OK ? finish(st, stmt, "keep the head", err) : rc;
}

cd_code sig_state_close_action(sig_state *st, cd_str action, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err, "INSERT OR IGNORE INTO closed VALUES(?1)", "s", action);
  return rc == CD_OK ? finish(st, stmt, "keep what has ended", err) : rc;
}

cd_code sig_state_is_closed(sig_state *st, cd_str action, bool *ret_closed, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  uint64_t count = 0;
  cd_code rc =
      prepare(st, &stmt, err, "SELECT count(*) FROM closed WHERE action = ?1", "s", action);
  if (rc == CD_OK)
    rc = number(st, stmt, &count, err);
  if (rc == CD_OK)
    *ret_closed = count > 0;
  return rc;
}

cd_code sig_state_device(sig_state *st, cd_str device, sig_device *ret_device, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  sig_device d = {0};
  cd_code rc =
      prepare(st, &stmt, err, "SELECT enrolled FROM device WHERE device = ?1", "s", device);
  if (rc == CD_OK)
    rc = number(st, stmt, &d.enrolled, err);
  if (rc == CD_OK)
    rc = prepare(st, &stmt, err, "SELECT revoked FROM device WHERE device = ?1", "s", device);
  if (rc == CD_OK)
    rc = number(st, stmt, &d.revoked, err);
  if (rc == CD_OK)
    *ret_device = d;
  return rc;
}

cd_code sig_state_enrolled(sig_state *st, cd_str device, uint64_t sequence, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "INSERT INTO device(device, enrolled, revoked) VALUES(?1, ?2, 0)"
                       " ON CONFLICT DO UPDATE SET enrolled = ?2",
                       "si", device, (int64_t)sequence);
  return rc == CD_OK ? finish(st, stmt, "keep an enrolment", err) : rc;
}

cd_code sig_state_revoked(sig_state *st, cd_str device, uint64_t sequence, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "INSERT INTO device(device, enrolled, revoked) VALUES(?1, 0, ?2)"
                       " ON CONFLICT DO UPDATE SET revoked = ?2",
                       "si", device, (int64_t)sequence);
  return rc == CD_OK ? finish(st, stmt, "keep a revocation", err) : rc;
}

cd_code sig_state_device_key_generation(sig_state *st, cd_str device, cd_str key_id,
                                        uint64_t *ret_generation, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "UPDATE device SET key_id = ?2, key_generation = key_generation + 1"
                       " WHERE device = ?1 AND key_id != ?2",
                       "ss", device, key_id);
  if (rc == CD_OK)
    rc = finish(st, stmt, "keep a device's key", err);
  if (rc == CD_OK)
    rc =
        prepare(st, &stmt, err, "SELECT key_generation FROM device WHERE device = ?1", "s", device);
  return rc == CD_OK ? number(st, stmt, ret_generation, err) : rc;
}

cd_code sig_state_count_orders(sig_state *st, int64_t since_ms, uint64_t *ret_count, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err, "SELECT count(*) FROM signed WHERE at > ?1", "i", since_ms);
  return rc == CD_OK ? number(st, stmt, ret_count, err) : rc;
}

cd_code sig_state_count_devices(sig_state *st, int64_t since_ms, cd_str except, cd_str kind,
                                uint64_t *ret_count, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "SELECT count(DISTINCT device) FROM signed WHERE at > ?1 AND device != ?2"
                       " AND kind = ?3",
                       "iss", since_ms, except, kind);
  return rc == CD_OK ? number(st, stmt, ret_count, err) : rc;
}

cd_code sig_state_signed_generation(sig_state *st, cd_str action, uint64_t *ret_generation,
                                    cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc =
      prepare(st, &stmt, err, "SELECT max(generation) FROM signed WHERE action = ?1", "s", action);
  return rc == CD_OK ? number(st, stmt, ret_generation, err) : rc;
}

cd_code sig_state_signed(sig_state *st, int64_t at_ms, cd_str action, cd_str device, cd_str kind,
                         uint64_t generation, uint64_t audit_sequence, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc =
      prepare(st, &stmt, err,
              "INSERT INTO signed(at, action, device, kind, generation, audit_sequence)"
              " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
              "isssii", at_ms, action, device, kind, (int64_t)generation, (int64_t)audit_sequence);
  return rc == CD_OK ? finish(st, stmt, "keep what is signed", err) : rc;
}

cd_code sig_state_lost(sig_state *st, con_audit_ref *ret_lost, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err,
                       "SELECT sequence, digest FROM lost WHERE recorded = 0"
                       " ORDER BY number LIMIT 1",
                       "");
  return rc == CD_OK ? reference(st, stmt, ret_lost, err) : rc;
}

cd_code sig_state_accept(sig_state *st, int64_t at_ms, const con_audit_ref *head, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(
      st, &stmt, err,
      "INSERT INTO lost(at, sequence, digest) SELECT ?1, sequence, digest FROM head", "i", at_ms);
  if (rc == CD_OK)
    rc = finish(st, stmt, "keep the head that is given up", err);
  return rc == CD_OK ? sig_state_set_head(st, head, err) : rc;
}

cd_code sig_state_loss_recorded(sig_state *st, uint64_t sequence, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = prepare(st, &stmt, err, "UPDATE lost SET recorded = 1 WHERE sequence = ?1", "i",
                       (int64_t)sequence);
  return rc == CD_OK ? finish(st, stmt, "keep that a loss is on record", err) : rc;
}

/* A key is as long as a digest, so that it travels as one. */
_Static_assert(CON_SEAL_SIZE == CD_DIGEST_SIZE, "a seal key has the size of a digest");

cd_code sig_state_seal(sig_state *st, con_seal_key *ret_key, bool *ret_known, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_audit_ref ref = {0};
  cd_code rc = prepare(st, &stmt, err, "SELECT 1, key FROM seal", "");
  if (rc == CD_OK)
    rc = reference(st, stmt, &ref, err);
  if (rc != CD_OK)
    return rc;
  *ret_known = ref.sequence == 1;
  for (size_t i = 0; *ret_known && i < CON_SEAL_SIZE; i++)
    ret_key->bytes[i] = ref.digest.bytes[i];
  cd_wipe(&ref, sizeof(ref));
  return CD_OK;
}

cd_code sig_state_keep_seal(sig_state *st, const con_seal_key *key, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_digest bytes;
  for (size_t i = 0; i < CON_SEAL_SIZE; i++)
    bytes.bytes[i] = key->bytes[i];
  cd_code rc = prepare(st, &stmt, err, "INSERT INTO seal VALUES(1, ?1)", "d", &bytes);
  cd_wipe(&bytes, sizeof(bytes));
  return rc == CD_OK ? finish(st, stmt, "keep the seal key", err) : rc;
}

cd_code sig_state_forget_seal(sig_state *st, cd_err *err)
{
  return execute(st, "DELETE FROM seal", "forget the seal key", err);
}
