/* Which database of rpm the device has, and its packages. */
#include "rpm.h"

#include <stdio.h>
#include <unistd.h>

#include <sqlite3.h>

#include "read.h"
#include "rpm_older.h"

#define OLDER_MAX (256 * COL_MIB)

enum { STEPS = 10000 }; /* of the database engine between two looks at the time */

static int on_steps(void *data)
{
  return col_stop(data) ? 1 : 0;
}

static void tell_damaged(col_task *t, const char *source, uint32_t damaged)
{
  if (damaged > 0 && !col_stop(t))
    col_mark(t, COL_PARTIAL, "%s: %u packages could not be read: it is damaged, or was changed",
             source, damaged);
}

static void read_rows(col_task *t, sqlite3 *db, const char *source, col_rpm_fn *fn, void *data)
{
  sqlite3_stmt *rows = NULL;
  uint32_t damaged = 0;
  int rc = sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &rows, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
    col_rpm rpm;
    const unsigned char *blob = sqlite3_column_blob(rows, 0);
    int len = sqlite3_column_bytes(rows, 0);
    if (blob == NULL || len <= 0 || !col_rpm_read(blob, (size_t)len, &rpm))
      damaged++;
    else if (!fn(data, &rpm, source))
      break;
    rc = SQLITE_OK;
  }
  if (rc != SQLITE_DONE && rc != SQLITE_ROW && rc != SQLITE_OK)
    col_mark(t, COL_PARTIAL, "%s: %s", source, sqlite3_errmsg(db));
  tell_damaged(t, source, damaged);
  (void)sqlite3_finalize(rows);
}

/* The database is opened by the descriptor that was checked, and as a file that nobody changes:
 * no lock is taken and nothing is written. What is in its write-ahead log only is then not seen. */
static void read_database(col_task *t, int fd, const char *source, col_rpm_fn *fn, void *data)
{
  char name[64];
  sqlite3 *db = NULL;
  (void)snprintf(name, sizeof(name), "file:/proc/self/fd/%d?immutable=1", fd);
  if (sqlite3_open_v2(name, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK) {
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, COL_RPM_HEADER_MAX);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_progress_handler(db, STEPS, on_steps, t);
    read_rows(t, db, source, fn, data);
  } else {
    col_mark(t, COL_PARTIAL, "%s: %s", source, db != NULL ? sqlite3_errmsg(db) : "no memory");
  }
  (void)sqlite3_close(db);
}

static void note_log(col_task *t, const char *path)
{
  char log[COL_PATH];
  char full[COL_PATH];
  struct stat st;
  (void)snprintf(log, sizeof(log), "%s-wal", path);
  col_path(t, log, full);
  if (lstat(full, &st) == 0 && st.st_size > 0)
    col_mark(t, COL_PARTIAL, "%s holds changes that are not read", log);
}

typedef struct older_read {
  col_task *task;
  col_rpm_older from;
  const char *source;
  col_rpm_fn *fn;
  void *data;
} older_read;

static bool stop_older(void *data)
{
  const older_read *r = data;
  return col_stop(r->task);
}

static bool take_older(void *data, const unsigned char *bytes, size_t len)
{
  older_read *r = data;
  col_rpm rpm;
  if (col_rpm_read(bytes, len, &rpm))
    return r->fn(r->data, &rpm, r->source);
  r->from.damaged++;
  return true;
}

static const struct older {
  const char *path;
  const char *name;
  const char *(*read)(col_rpm_older *);
} older[] = {{"/usr/lib/sysimage/rpm/Packages.db", "Packages.sysimage.db", col_rpm_ndb},
             {"/var/lib/rpm/Packages.db", "Packages.db", col_rpm_ndb},
             {"/usr/lib/sysimage/rpm/Packages", "Packages.sysimage", col_rpm_bdb},
             {"/var/lib/rpm/Packages", "Packages", col_rpm_bdb}};

static void read_older(col_task *t, const struct older *o, int fd, const struct stat *st,
                       col_rpm_fn *fn, void *data)
{
  older_read r = {.task = t, .source = o->path, .fn = fn, .data = data};
  r.from = (col_rpm_older){.fd = fd,
                           .size = (uint64_t)st->st_size,
                           .header = take_older,
                           .stop = stop_older,
                           .data = &r};
  const char *why = o->read(&r.from);
  if (why != NULL)
    col_mark(t, COL_PARTIAL, "packages of rpm are missing: %s: %s; it is copied beside this file",
             o->path, why);
  tell_damaged(t, o->path, r.from.damaged);
}

void col_each_rpm(col_task *t, col_rpm_fn *fn, void *data)
{
  static const char *const sqlite[] = {"/usr/lib/sysimage/rpm/rpmdb.sqlite",
                                       "/var/lib/rpm/rpmdb.sqlite"};
  struct stat st;
  int fd = -1;
  for (size_t i = 0; i < 2; i++) {
    if (col_open(t, sqlite[i], &fd, &st) != 0)
      continue;
    read_database(t, fd, sqlite[i], fn, data);
    note_log(t, sqlite[i]);
    (void)close(fd);
    return;
  }
  for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++) {
    if (col_open(t, older[i].path, &fd, &st) != 0)
      continue;
    read_older(t, &older[i], fd, &st, fn, data);
    (void)close(fd);
    return;
  }
}

void col_copy_older_rpm(col_task *t)
{
  struct stat st;
  int fd = -1;
  for (size_t i = 0; i < sizeof(older) / sizeof(older[0]) && !col_stop(t); i++) {
    if (col_open(t, older[i].path, &fd, &st) != 0)
      continue;
    (void)close(fd);
    col_copy(t, older[i].name, older[i].path, OLDER_MAX);
  }
}
