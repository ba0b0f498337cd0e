/* The databases of rpm that the device has, and their packages. */
#include "rpm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "read.h"
#include "rpm_older.h"

#define OLDER_MAX (256 * COL_MIB)

enum { STEPS = 10000 }; /* of the database engine between two looks at the time */

typedef struct reading {
  col_task *task;
  const char *source;
  col_rpm_fn *fn;
  void *data;
  bool whole;
  col_rpm_older older; /* as far as it is one */
} reading;

static int on_steps(void *data)
{
  return col_stop(data) ? 1 : 0;
}

static void lose(reading *r, const char *why)
{
  r->whole = false;
  if (!col_stop(r->task))
    col_mark(r->task, COL_PARTIAL, "packages of rpm are missing: %s: %s", r->source, why);
}

static void tell_damaged(reading *r, uint32_t damaged)
{
  char why[96];
  if (damaged == 0)
    return;
  (void)snprintf(why, sizeof(why), "at least %u records could not be read", damaged);
  lose(r, why);
}

static void read_rows(reading *r, sqlite3 *db)
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
    else if (!r->fn(r->data, &rpm, r->source))
      break;
    rc = SQLITE_OK;
  }
  if (rc != SQLITE_DONE && rc != SQLITE_ROW && rc != SQLITE_OK)
    lose(r, sqlite3_errmsg(db));
  tell_damaged(r, damaged);
  (void)sqlite3_finalize(rows);
}

static void note_log(reading *r)
{
  char log[COL_PATH];
  char full[COL_PATH];
  struct stat st;
  (void)snprintf(log, sizeof(log), "%s-wal", r->source);
  col_path(r->task, log, full);
  if (lstat(full, &st) == 0 && st.st_size > 0)
    lose(r, "it has a write-ahead log, which is not read");
}

/* The database is opened by the descriptor that was checked, and as a file that nobody changes:
 * no lock is taken and nothing is written. What is in its write-ahead log only is then not seen. */
static void read_sqlite(reading *r, int fd)
{
  char name[64];
  sqlite3 *db = NULL;
  (void)snprintf(name, sizeof(name), "file:/proc/self/fd/%d?immutable=1", fd);
  if (sqlite3_open_v2(name, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK) {
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, COL_RPM_HEADER_MAX);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_progress_handler(db, STEPS, on_steps, r->task);
    read_rows(r, db);
    note_log(r);
  } else {
    lose(r, db != NULL ? sqlite3_errmsg(db) : "no memory");
  }
  (void)sqlite3_close(db);
}

static bool stop_older(void *data)
{
  const reading *r = data;
  return col_stop(r->task);
}

static bool take_older(void *data, const unsigned char *bytes, size_t len)
{
  reading *r = data;
  col_rpm rpm;
  if (col_rpm_read(bytes, len, &rpm))
    return r->fn(r->data, &rpm, r->source);
  r->older.damaged++;
  return true;
}

static void read_older(reading *r, int fd, const char *(*read)(col_rpm_older *))
{
  struct stat before;
  struct stat after;
  if (fstat(fd, &before) != 0) {
    lose(r, strerror(errno));
    return;
  }
  r->older = (col_rpm_older){.fd = fd,
                             .size = (uint64_t)before.st_size,
                             .header = take_older,
                             .stop = stop_older,
                             .data = r};
  const char *why = read(&r->older);
  if (why != NULL)
    lose(r, why);
  tell_damaged(r, r->older.damaged);
  if (fstat(fd, &after) != 0 || after.st_size != before.st_size ||
      after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
      after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
    lose(r, "it was changed while it was read");
}

static void read_bdb(reading *r, int fd)
{
  read_older(r, fd, col_rpm_bdb);
}

static void read_ndb(reading *r, int fd)
{
  read_older(r, fd, col_rpm_ndb);
}

/* `/var/lib/rpm` leads to the other folder on systems that have both. */
static const struct {
  const char *path;
  const char *copy; /* an older one's name in the package */
  void (*read)(reading *r, int fd);
} databases[] = {{"/usr/lib/sysimage/rpm/rpmdb.sqlite", NULL, read_sqlite},
                 {"/var/lib/rpm/rpmdb.sqlite", NULL, read_sqlite},
                 {"/usr/lib/sysimage/rpm/Packages.db", "Packages.sysimage.db", read_ndb},
                 {"/var/lib/rpm/Packages.db", "Packages.db", read_ndb},
                 {"/usr/lib/sysimage/rpm/Packages", "Packages.sysimage", read_bdb},
                 {"/var/lib/rpm/Packages", "Packages", read_bdb}};

enum { DATABASES = sizeof(databases) / sizeof(databases[0]) };

/* Opens the i-th database. False: it is not there, or is another name of one before it. */
static bool open_new(col_task *t, size_t i, struct stat seen[DATABASES], int *ret_fd, int *ret_rc)
{
  *ret_rc = col_open(t, databases[i].path, ret_fd, &seen[i]);
  if (*ret_rc != 0) {
    seen[i] = (struct stat){0};
    return *ret_rc != ENOENT && *ret_rc != ENOTDIR;
  }
  for (size_t k = 0; k < i; k++) {
    if (seen[k].st_ino == seen[i].st_ino && seen[k].st_dev == seen[i].st_dev) {
      (void)close(*ret_fd);
      return false;
    }
  }
  return true;
}

bool col_each_rpm(col_task *t, col_rpm_fn *fn, void *data)
{
  struct stat seen[DATABASES];
  reading r = {.task = t, .fn = fn, .data = data, .whole = true};
  for (size_t i = 0; i < DATABASES && !col_stop(t); i++) {
    int fd = -1;
    int rc = 0;
    r.source = databases[i].path;
    if (!open_new(t, i, seen, &fd, &rc))
      continue;
    if (rc != 0) {
      lose(&r, col_why(rc));
      continue;
    }
    databases[i].read(&r, fd);
    (void)close(fd);
  }
  return r.whole && !col_stop(t);
}

void col_copy_older_rpm(col_task *t)
{
  struct stat seen[DATABASES];
  for (size_t i = 0; i < DATABASES && !col_stop(t); i++) {
    int fd = -1;
    int rc = 0;
    if (!open_new(t, i, seen, &fd, &rc) || rc != 0)
      continue;
    (void)close(fd);
    if (databases[i].copy != NULL)
      col_copy(t, databases[i].copy, databases[i].path, OLDER_MAX);
  }
}
