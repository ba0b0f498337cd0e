#include "journal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "journal_private.h"

#include "base/banned.h"

/* Room that is taken in advance: the WAL keeps its size between checkpoints (WAL_PAGES_MAX), the
 * database keeps free pages. */
#define RESERVE_BYTES (2 * 1024 * 1024)
#define RESERVE_PAGES_LOW 256
#define WAL_PAGES_MAX 256 /* then it is written back by whoever commits next */
#define WAL_PAGES_MANY 64 /* then it is when there is time */
#define ACTIONS_KEPT 2000 /* and as many results that nobody has acknowledged */
#define SEEN_KEPT 100000  /* ids of orders: 60 bytes each */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS actions("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state INTEGER NOT "
    "NULL, status TEXT NOT NULL,"
    " generation INTEGER NOT NULL, user TEXT NOT NULL, user_id INTEGER NOT NULL, pid INTEGER NOT "
    "NULL, created INTEGER NOT NULL,"
    " started INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0, outcome INTEGER NOT "
    "NULL DEFAULT 0,"
    " comment TEXT, params TEXT NOT NULL, provider TEXT, sentence TEXT, result TEXT) STRICT;"
    "CREATE INDEX IF NOT EXISTS actions_open ON actions(state, seq) WHERE ended = 0;"
    "CREATE TABLE IF NOT EXISTS wanted("
    " state INTEGER PRIMARY KEY, isolated INTEGER NOT NULL, generation INTEGER NOT NULL, action "
    "TEXT NOT NULL,"
    " since INTEGER NOT NULL, params TEXT) STRICT;"
    "CREATE TABLE IF NOT EXISTS settled("
    " state INTEGER PRIMARY KEY, isolated INTEGER NOT NULL, generation INTEGER NOT NULL, action "
    "TEXT NOT NULL,"
    " since INTEGER NOT NULL, params TEXT) STRICT;"
    "CREATE TABLE IF NOT EXISTS holders("
    " state INTEGER NOT NULL, plugin TEXT NOT NULL, digest TEXT NOT NULL, boot TEXT NOT NULL, "
    "current INTEGER NOT NULL,"
    " PRIMARY KEY(state, plugin)) STRICT;"
    "CREATE TABLE IF NOT EXISTS undo("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, plugin TEXT NOT NULL, record "
    "TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS strikes("
    " digest TEXT NOT NULL, capability INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT "
    "NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS quarantine("
    " digest TEXT NOT NULL, capability INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(digest, "
    "capability)) STRICT;"
    "CREATE TABLE IF NOT EXISTS drift("
    " state INTEGER PRIMARY KEY, count INTEGER NOT NULL, last INTEGER NOT NULL, note TEXT NOT "
    "NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS policy("
    " slot TEXT PRIMARY KEY, root TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL,"
    " body TEXT NOT NULL, taken INTEGER NOT NULL, trial INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS policy_seen("
    " root TEXT PRIMARY KEY, version INTEGER NOT NULL, key_generation INTEGER NOT NULL,"
    " refused INTEGER NOT NULL, sentence TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS forced(action TEXT PRIMARY KEY) STRICT;"
    "CREATE TABLE IF NOT EXISTS codes("
    " action TEXT PRIMARY KEY, attempts INTEGER NOT NULL, last INTEGER NOT NULL, boot TEXT NOT "
    "NULL, used INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS notices("
    " state INTEGER PRIMARY KEY, event TEXT NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS reserve(filler BLOB) STRICT;";

cd_code journal_fail(agent_journal *j, cd_err *err, const char *what)
{
  int code = j->db != NULL ? sqlite3_extended_errcode(j->db) : SQLITE_NOMEM;
  cd_code rc = (code & 0xff) == SQLITE_FULL ? CD_E_LIMIT : CD_E_IO;
  return cd_fail_os(err, rc, code, "journal '%s': cannot %s: %s", j->path, what,
                    j->db != NULL ? sqlite3_errmsg(j->db) : "out of memory");
}

cd_code journal_exec(agent_journal *j, const char *sql, const char *what, cd_err *err)
{
  if (sqlite3_exec(j->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    return journal_fail(j, err, what);
  return CD_OK;
}

cd_code journal_prepare(agent_journal *j, const char *sql, sqlite3_stmt **ret_stmt, cd_err *err)
{
  if (sqlite3_prepare_v2(j->db, sql, -1, ret_stmt, NULL) != SQLITE_OK)
    return journal_fail(j, err, "prepare a statement");
  return CD_OK;
}

void journal_bind(sqlite3_stmt *s, const char *kinds, ...)
{
  va_list args;
  va_start(args, kinds);
  for (int i = 0; kinds[i] != '\0'; i++) {
    if (kinds[i] == 'i') {
      (void)sqlite3_bind_int64(s, i + 1, va_arg(args, sqlite3_int64));
      continue;
    }
    const char *text = va_arg(args, const char *);
    if (text == NULL)
      (void)sqlite3_bind_null(s, i + 1);
    else
      (void)sqlite3_bind_text(s, i + 1, text, -1, SQLITE_TRANSIENT);
  }
  va_end(args);
}

cd_code journal_run(agent_journal *j, sqlite3_stmt *s, const char *what, cd_err *err)
{
  int rc = sqlite3_step(s);
  cd_code code = rc == SQLITE_DONE ? CD_OK : journal_fail(j, err, what);
  (void)sqlite3_finalize(s);
  return code;
}

/* Whatever happens, the next transaction is synced again. */
static cd_code end_riding(agent_journal *j, cd_code rc, cd_err *err)
{
  if (!j->riding)
    return rc;
  j->riding = false;
  cd_code back =
      journal_exec(j, "PRAGMA synchronous = FULL", "sync again", rc == CD_OK ? err : NULL);
  return rc == CD_OK ? back : rc;
}

cd_code journal_begin(agent_journal *j, cd_err *err)
{
  return journal_exec(j, "BEGIN IMMEDIATE", "begin a transaction", err);
}

/* Syncing a WAL takes all of it to the disk that was written before (sqlite.org/wal.html). */
cd_code journal_begin_riding(agent_journal *j, cd_err *err)
{
  cd_code rc =
      journal_exec(j, "PRAGMA synchronous = NORMAL", "begin a transaction without a sync", err);
  j->riding = rc == CD_OK;
  rc = rc == CD_OK ? journal_begin(j, err) : rc;
  return rc == CD_OK ? CD_OK : end_riding(j, rc, err);
}

cd_code journal_end(agent_journal *j, cd_code rc, cd_err *err)
{
  if (rc == CD_OK && CD_FAULT_FAILS("journal.commit"))
    rc = cd_fail(err, CD_E_IO, "journal '%s': cannot commit: made to fail", j->path);
  if (rc == CD_OK)
    rc = journal_exec(j, "COMMIT", "commit", err);
  if (rc != CD_OK)
    (void)sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
  return end_riding(j, rc, err);
}

/* Reads one integer; `fallback` when the statement fails. */
static int64_t read_int(agent_journal *j, const char *sql, int64_t fallback)
{
  sqlite3_stmt *s = NULL;
  int64_t v = fallback;
  if (sqlite3_prepare_v2(j->db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
    v = sqlite3_column_int64(s, 0);
  (void)sqlite3_finalize(s);
  return v;
}

static bool wal_is_reserved(agent_journal *j)
{
  uv_fs_t req;
  char wal[sizeof(j->path) + 8];
  (void)snprintf(wal, sizeof(wal), "%s-wal", j->path);
  bool enough = uv_fs_stat(NULL, &req, wal, NULL) == 0 && req.statbuf.st_size >= RESERVE_BYTES;
  uv_fs_req_cleanup(&req);
  return enough;
}

void journal_reserve(agent_journal *j)
{
  if (wal_is_reserved(j) && read_int(j, "PRAGMA freelist_count", 0) >= RESERVE_PAGES_LOW)
    return;
  char sql[160];
  (void)snprintf(
      sql, sizeof(sql),
      "BEGIN IMMEDIATE; INSERT INTO reserve VALUES(randomblob(%d)); DELETE FROM reserve; COMMIT;",
      RESERVE_BYTES + RESERVE_BYTES / 4);
  if (sqlite3_exec(j->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
    cd_log(CD_AREA_JOURNAL, CD_LOG_WARN,
           "cannot take room in advance: %s; a full disk may refuse the next order, going on",
           sqlite3_errmsg(j->db));
    (void)sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
  }
  (void)sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int on_wal(void *context, sqlite3 *db, const char *name, int pages)
{
  agent_journal *j = context;
  (void)name;
  j->wal_pages = (unsigned)pages;
  if (pages >= WAL_PAGES_MAX)
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  return SQLITE_OK;
}

void journal_write_back(agent_journal *j)
{
  if (j->wal_pages < WAL_PAGES_MANY)
    return;
  (void)sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  j->wal_pages = 0;
}

static cd_code configure(agent_journal *j, cd_err *err)
{
  int keep = 1;
  (void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  (void)sqlite3_file_control(j->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
  (void)sqlite3_busy_timeout(j->db, 2000);
  (void)sqlite3_wal_hook(j->db, on_wal, j);
  /* Exclusive before the first access: then the WAL needs no shared-memory file. */
  return journal_exec(
      j,
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
      "PRAGMA cell_size_check = ON;",
      "configure the database", err);
}

cd_code journal_check(agent_journal *j, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "PRAGMA quick_check(1)", &s, err);
  if (rc != CD_OK)
    return rc;
  const char *answer =
      sqlite3_step(s) == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
  if (answer == NULL)
    rc = journal_fail(j, err, "check the database");
  else if (!cd_str_eq(cd_str_from(answer), CD_STR("ok")))
    rc = cd_fail_os(err, CD_E_IO, SQLITE_CORRUPT, "journal '%s' is damaged: %s", j->path, answer);
  (void)sqlite3_finalize(s);
  return rc;
}

/* The file is made by us, so that nobody else can read it whatever the umask is; SQLite gives its
 * WAL the same mode. A failure is SQLite's to tell. */
static void make_private(const agent_journal *j)
{
  uv_fs_t req;
  uv_file file =
      uv_fs_open(NULL, &req, j->path, UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_NOFOLLOW, 0600, NULL);
  uv_fs_req_cleanup(&req);
  if (file < 0)
    return;
  (void)uv_fs_close(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
}

static cd_code open_file(agent_journal *j, cd_err *err)
{
  int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  make_private(j);
  if (sqlite3_open_v2(j->path, &j->db, flags, NULL) != SQLITE_OK)
    return journal_fail(j, err, "open the database");
  (void)sqlite3_extended_result_codes(j->db, 1);
  cd_code rc = configure(j, err);
  if (rc == CD_OK)
    rc = journal_check(j, err);
  /* The WAL that the last run left is written back, so that this run begins at its front, in the
   * room that it has: behind its end there may be none. */
  if (rc == CD_OK)
    (void)sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (rc == CD_OK)
    rc = journal_exec(j, schema, "make the tables", err);
  if (rc == CD_OK)
    rc = journal_exec(j, journal_lease_schema, "make the tables", err);
  if (rc == CD_OK)
    rc = journal_migrate(j, err);
  return rc;
}

/* Only what SQLite calls damage: a read error or no memory now may be gone at the next start, and
 * orders that were set aside would be forgotten. */
static bool is_damage(const agent_journal *j, const cd_err *err)
{
  int code = (int)(err->os_error & 0xff);
  return j->db != NULL && (code == SQLITE_CORRUPT || code == SQLITE_NOTADB);
}

static int rename_file(const char *from, const char *to)
{
  uv_fs_t req;
  int rc = uv_fs_rename(NULL, &req, from, to, NULL);
  uv_fs_req_cleanup(&req);
  return rc;
}

/* The database and its WAL, which may hold orders that the database does not, stay for whoever can
 * still read them. */
static cd_code set_aside(agent_journal *j, cd_err *err)
{
  char to[sizeof(j->path) + 64];
  char wal[sizeof(j->path) + 8];
  char wal_to[sizeof(to) + 8];
  (void)sqlite3_close(j->db);
  j->db = NULL;
  (void)snprintf(to, sizeof(to), "%s.damaged-%lld", j->path, (long long)cd_wall_ms());
  (void)snprintf(wal, sizeof(wal), "%s-wal", j->path);
  (void)snprintf(wal_to, sizeof(wal_to), "%s-wal", to);
  int rc = rename_file(wal, wal_to);
  if (rc == 0 || rc == UV_ENOENT)
    rc = rename_file(j->path, to);
  if (rc != 0)
    return cd_fail_os(err, CD_E_IO, -rc, "journal '%s' is damaged and cannot be set aside: %s",
                      j->path, uv_strerror(rc));
  cd_log(CD_AREA_JOURNAL, CD_LOG_ERROR,
         "the journal was damaged and is set aside as '%s'; beginning a new one", to);
  return CD_OK;
}

cd_code agent_journal_open(const char *folder, agent_journal **ret_journal, bool *ret_damaged,
                           cd_err *err)
{
  cd_err why = {0};
  bool damaged = false;
  agent_journal *j = calloc(1, sizeof(*j));
  if (j == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the journal");
  (void)snprintf(j->path, sizeof(j->path), "%s/journal.db", folder);
  cd_code rc = open_file(j, &why);
  if (rc != CD_OK && is_damage(j, &why)) {
    cd_log(CD_AREA_JOURNAL, CD_LOG_ERROR, "%s", why.text);
    damaged = true;
    rc = set_aside(j, &why);
    if (rc == CD_OK)
      rc = open_file(j, &why);
  }
  if (rc != CD_OK) {
    agent_journal_close(j);
    if (err != NULL)
      *err = why;
    return rc;
  }
  journal_reserve(j);
  *ret_journal = j;
  *ret_damaged = damaged;
  return CD_OK;
}

void agent_journal_close(agent_journal *j)
{
  if (j == NULL)
    return;
  (void)sqlite3_close(j->db);
  free(j);
}

/* Old, ended actions make room; what is open or is what a state stands on stays. */
void journal_prune(agent_journal *j)
{
  if (++j->orders % 64 != 0)
    return;
  char sql[768];
  (void)snprintf(sql, sizeof(sql),
                 "DELETE FROM outbox WHERE seq <= (SELECT max(seq) FROM outbox) - %d;"
                 "DELETE FROM seen WHERE seq <= (SELECT max(seq) FROM seen) - %d;"
                 "DELETE FROM actions WHERE ended != 0 AND id NOT IN (SELECT action FROM wanted "
                 "UNION SELECT action FROM settled UNION SELECT action FROM outbox)"
                 " AND seq <= (SELECT max(seq) FROM actions) - %d;"
                 "DELETE FROM forced WHERE action NOT IN (SELECT id FROM actions);"
                 "DELETE FROM codes WHERE action NOT IN (SELECT id FROM actions)",
                 ACTIONS_KEPT, SEEN_KEPT, ACTIONS_KEPT);
  if (sqlite3_exec(j->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    cd_log(CD_AREA_JOURNAL, CD_LOG_WARN, "cannot forget old actions: %s; going on",
           sqlite3_errmsg(j->db));
  journal_reserve(j);
}
