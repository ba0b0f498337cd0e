/* Opening the database, and the one door to its statements. */
#include "store.h"

#include "base/clock.h"
#include "base/fault.h"
#include "protocol/secret.h"
#include "store_private.h"

#include <uv.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define WAL_PAGES_MAX 1000 /* then it is written back by whoever commits next */
#define WAL_PAGES_MANY 250 /* then it is when there is time */
#define BUSY_MS 5000

cd_code store_fail(con_store *s, cd_err *err, const char *what)
{
  int code = s->db != NULL ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
  cd_code rc = CD_E_IO;
  if ((code & 0xff) == SQLITE_FULL)
    rc = CD_E_LIMIT;
  else if ((code & 0xff) == SQLITE_BUSY)
    rc = CD_E_UNAVAILABLE;
  return cd_fail_os(err, rc, code, "database '%s': cannot %s: %s", s->path, what,
                    s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
}

static cd_code execute(con_store *s, const char *sql, const char *what, cd_err *err)
{
  return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? CD_OK : store_fail(s, err, what);
}

cd_code store_take(con_store *s, con_sql which, sqlite3_stmt **ret_stmt, cd_err *err)
{
  sqlite3_stmt **stmt = &s->statements[which];
  if (*stmt == NULL && sqlite3_prepare_v3(s->db, con_sql_text(which), -1, SQLITE_PREPARE_PERSISTENT,
                                          stmt, NULL) != SQLITE_OK)
    return store_fail(s, err, "prepare a statement");
  (void)sqlite3_reset(*stmt);
  (void)sqlite3_clear_bindings(*stmt);
  *ret_stmt = *stmt;
  return CD_OK;
}

void store_bind(sqlite3_stmt *stmt, const char *kinds, ...)
{
  va_list args;
  va_start(args, kinds);
  for (int i = 0; kinds[i] != '\0'; i++) {
    if (kinds[i] == 'i') {
      (void)sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
      continue;
    }
    cd_str text = va_arg(args, cd_str);
    const char *bytes = text.len > 0 ? text.ptr : "";
    if (kinds[i] == 'b')
      (void)sqlite3_bind_blob64(stmt, i + 1, bytes, text.len, SQLITE_TRANSIENT);
    else
      (void)sqlite3_bind_text64(stmt, i + 1, bytes, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  va_end(args);
}

cd_code store_run(con_store *s, sqlite3_stmt *stmt, const char *what, cd_err *err)
{
  int rc = sqlite3_step(stmt);
  cd_code code = rc == SQLITE_DONE ? CD_OK : store_fail(s, err, what);
  (void)sqlite3_reset(stmt);
  return code;
}

cd_code store_row(con_store *s, sqlite3_stmt *stmt, const char *what, cd_err *err)
{
  int rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    return CD_OK;
  return rc == SQLITE_DONE ? CD_E_NOTFOUND : store_fail(s, err, what);
}

void store_done(sqlite3_stmt *stmt)
{
  if (stmt != NULL)
    (void)sqlite3_reset(stmt);
}

cd_str store_text(sqlite3_stmt *stmt, int column)
{
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  return (cd_str){text, text != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}

uint64_t store_u64(sqlite3_stmt *stmt, int column)
{
  int64_t value = sqlite3_column_int64(stmt, column);
  return value < 0 ? 0 : (uint64_t)value;
}

bool store_blob(sqlite3_stmt *stmt, int column, void *out, size_t size)
{
  const void *bytes = sqlite3_column_blob(stmt, column);
  if (bytes == NULL || (size_t)sqlite3_column_bytes(stmt, column) != size)
    return false;
  memcpy(out, bytes, size);
  return true;
}

static cd_code begin(con_store *s, cd_err *err)
{
  if (s->reader)
    return cd_fail(err, CD_E_DENIED, "database '%s' was opened for reading only", s->path);
  s->next_head = s->head;
  return execute(s, "BEGIN IMMEDIATE", "begin a transaction", err);
}

/* Whatever happens, the next transaction is synced again. */
static cd_code end_riding(con_store *s, cd_code rc, cd_err *err)
{
  if (!s->riding)
    return rc;
  s->riding = false;
  cd_code back = execute(s, "PRAGMA synchronous = FULL", "sync again", rc == CD_OK ? err : NULL);
  return rc == CD_OK ? back : rc;
}

static cd_code end(con_store *s, cd_code rc, cd_err *err)
{
  if (rc == CD_OK && CD_FAULT_FAILS("store.commit"))
    rc = cd_fail(err, CD_E_IO, "database '%s': cannot commit: made to fail", s->path);
  if (rc == CD_OK) {
    CD_FAULT_POINT("store.before_commit");
    rc = execute(s, "COMMIT", "commit", err);
  }
  if (rc != CD_OK) {
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return end_riding(s, rc, err);
  }
  s->head = s->next_head;
  CD_FAULT_POINT("store.committed");
  return end_riding(s, CD_OK, err);
}

/* One of many: undone alone. */
static cd_code end_part(con_store *s, cd_code rc, cd_err *err)
{
  if (rc == CD_OK)
    return execute(s, "RELEASE part", "end a part of a transaction", err);
  s->next_head = s->part_head;
  (void)sqlite3_exec(s->db, "ROLLBACK TO part", NULL, NULL, NULL);
  (void)sqlite3_exec(s->db, "RELEASE part", NULL, NULL, NULL);
  return rc;
}

cd_code store_begin(con_store *s, cd_err *err)
{
  if (!s->many)
    return begin(s, err);
  s->part_head = s->next_head;
  return execute(s, "SAVEPOINT part", "begin a part of a transaction", err);
}

/* Syncing a WAL takes all of it to the disk that was written before (sqlite.org/wal.html). */
cd_code store_begin_riding(con_store *s, cd_err *err)
{
  if (s->many)
    return store_begin(s, err);
  cd_code rc = execute(s, "PRAGMA synchronous = NORMAL", "begin without a sync", err);
  s->riding = rc == CD_OK;
  rc = rc == CD_OK ? begin(s, err) : rc;
  return rc == CD_OK ? CD_OK : end_riding(s, rc, err);
}

cd_code store_end(con_store *s, cd_code rc, cd_err *err)
{
  return s->many ? end_part(s, rc, err) : end(s, rc, err);
}

cd_code con_store_many_begin(con_store *s, cd_err *err)
{
  cd_code rc = begin(s, err);
  s->many = rc == CD_OK;
  return rc;
}

cd_code con_store_many_end(con_store *s, cd_err *err)
{
  s->many = false;
  return end(s, CD_OK, err);
}

void con_store_many_undo(con_store *s)
{
  cd_err ignored = {0};
  s->many = false;
  (void)end(s, CD_E_CANCELLED, &ignored);
}

void store_read_texts(sqlite3_stmt *stmt, const store_texts *texts, void *record)
{
  for (size_t i = 0; i < texts->count; i++) {
    cd_str text = store_text(stmt, (int)i);
    memcpy((char *)record + texts->offsets[i], &text, sizeof(text));
  }
}

cd_code store_own_texts(const store_texts *texts, void *record, char **ret_memory, cd_err *err)
{
  size_t total = 1;
  cd_str text;
  for (size_t i = 0; i < texts->count; i++) {
    memcpy(&text, (char *)record + texts->offsets[i], sizeof(text));
    total += text.len + 1;
  }
  char *memory = calloc(1, total);
  if (memory == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a record of the database");
  char *to = memory;
  for (size_t i = 0; i < texts->count; i++) {
    memcpy(&text, (char *)record + texts->offsets[i], sizeof(text));
    if (text.len > 0)
      memcpy(to, text.ptr, text.len);
    text.ptr = to;
    to += text.len + 1;
    memcpy((char *)record + texts->offsets[i], &text, sizeof(text));
  }
  *ret_memory = memory;
  return CD_OK;
}

cd_code store_random(void *bytes, size_t len, cd_err *err)
{
  int rc = uv_random(NULL, NULL, bytes, len, 0, NULL);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -rc, "no random bytes: %s", uv_strerror(rc));
  return CD_OK;
}

cd_code store_check_by(const con_by *by, cd_err *err)
{
  if (by->who.len == 0 || by->who.len > CON_AUDIT_WHO_MAX)
    return cd_fail(err, CD_E_INVALID, "the name of who asks is %zu bytes, it must be 1 to %u",
                   by->who.len, CON_AUDIT_WHO_MAX);
  if (by->comment.len > CD_COMMENT_MAX)
    return cd_fail(err, CD_E_INVALID, "the comment is %zu bytes, the limit is %u", by->comment.len,
                   CD_COMMENT_MAX);
  if (!cd_str_utf8_valid(by->who) || !cd_str_utf8_valid(by->comment) ||
      memchr(by->who.ptr, 0, by->who.len) != NULL)
    return cd_fail(err, CD_E_INVALID, "a name or a comment is not UTF-8 text");
  return CD_OK;
}

/* The file is made by us, so that its mode does not depend on the umask; SQLite gives the WAL and
 * the shared memory the same. A failure is SQLite's to tell. */
static void make_file(const con_store *s, bool shared)
{
  int mode = shared ? 0640 : 0600;
  uv_fs_t req;
  uv_file file =
      uv_fs_open(NULL, &req, s->path, UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_NOFOLLOW, mode, NULL);
  uv_fs_req_cleanup(&req);
  if (file < 0)
    return;
  (void)uv_fs_fchmod(NULL, &req, file, mode, NULL);
  uv_fs_req_cleanup(&req);
  (void)uv_fs_close(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
}

static int on_wal(void *context, sqlite3 *db, const char *name, int pages)
{
  con_store *s = context;
  (void)name;
  s->wal_pages = pages;
  if (pages >= WAL_PAGES_MAX)
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  return SQLITE_OK;
}

void con_store_write_back(con_store *s)
{
  if (s->wal_pages < WAL_PAGES_MANY)
    return;
  (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  s->wal_pages = 0;
}

static cd_code configure(con_store *s, cd_err *err)
{
  int keep = 1;
  (void)sqlite3_extended_result_codes(s->db, 1);
  (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  (void)sqlite3_busy_timeout(s->db, BUSY_MS);
  if (s->reader)
    return execute(s, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
                   "configure the database", err);
  (void)sqlite3_wal_hook(s->db, on_wal, s);
  /* Kept between runs, so that a reader without the right to write finds it. */
  (void)sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
  return execute(s,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                 "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                 "PRAGMA cell_size_check = ON;",
                 "configure the database", err);
}

/* A view or a trigger by the name of one of our tables would answer in its place. */
static cd_code check_schema(con_store *s, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_SCHEMA_CHECK, &stmt, err);
  if (rc != CD_OK)
    return rc;
  rc = store_row(s, stmt, "look at the tables", err);
  if (rc == CD_OK && sqlite3_column_int64(stmt, 0) != 0)
    rc = cd_fail(err, CD_E_DENIED, "database '%s' has views or triggers, which are not ours",
                 s->path);
  store_done(stmt);
  return rc;
}

static cd_code open_database(con_store *s, const con_store_options *options, cd_err *err)
{
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  flags |= s->reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (!s->reader)
    make_file(s, options->shared);
  if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
    return store_fail(s, err, "open it");
  cd_code rc = configure(s, err);
  for (size_t i = 0; rc == CD_OK && !s->reader && con_schema[i] != NULL; i++)
    rc = execute(s, con_schema[i], "make the tables", err);
  if (rc == CD_OK)
    rc = check_schema(s, err);
  if (rc == CD_OK)
    rc = audit_read_head(s, &s->head, err);
  return rc;
}

void con_store_lend_seal(con_store *reader, const con_seal_key *seal)
{
  reader->seal = *seal;
  reader->has_seal = true;
}

static cd_code open_store(const con_store_options *options, bool reader, con_store **ret_store,
                          cd_err *err)
{
  con_store *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the database");
  s->reader = reader;
  cd_code rc = CD_OK;
  if (!cd_str_copy(s->path, sizeof(s->path), cd_str_from(options->path)))
    rc = cd_fail(err, CD_E_INVALID, "the path of the database is too long");
  if (rc == CD_OK && options->seal != NULL)
    con_store_lend_seal(s, options->seal);
  s->has_code = options->code != NULL;
  if (s->has_code)
    s->code = *options->code;
  if (rc == CD_OK)
    rc = open_database(s, options, err);
  if (rc != CD_OK) {
    con_store_close(s);
    return rc;
  }
  *ret_store = s;
  return CD_OK;
}

cd_code con_store_open(const con_store_options *options, con_store **ret_store, cd_err *err)
{
  if (options->seal == NULL)
    return cd_fail(err, CD_E_INVALID, "a console's database cannot be opened without its seal key");
  return open_store(options, false, ret_store, err);
}

cd_code con_store_open_reader(const char *path, con_store **ret_store, cd_err *err)
{
  const con_store_options options = {.path = path};
  return open_store(&options, true, ret_store, err);
}

void con_store_close(con_store *s)
{
  if (s == NULL)
    return;
  for (int i = 0; i < CON_SQL_COUNT; i++)
    (void)sqlite3_finalize(s->statements[i]);
  (void)sqlite3_close(s->db);
  cd_wipe(&s->seal, sizeof(s->seal));
  cd_wipe(&s->code, sizeof(s->code));
  free(s);
}
