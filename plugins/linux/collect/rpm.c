#include "rpm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "read.h"

#define OLDER_MAX (256 * COL_MIB)

enum {
  ENTRY = 16,
  HEAD = 8,
  ENTRIES_MAX = 65536,
  HEADER_MAX = 64 * 1024 * 1024,
  STEPS = 10000, /* of the database engine between two looks at the time */
  TYPE_INT32 = 4,
  TYPE_STRING = 6,
  TYPE_I18N = 9
};

static uint32_t be32(const unsigned char *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* What the tags of a header are made of: an index, then a store of values. */
typedef struct header {
  const unsigned char *index;
  uint32_t entries;
  const unsigned char *store;
  uint32_t size;
} header;

static const unsigned char *find(const header *h, uint32_t tag, uint32_t type, uint32_t other,
                                 size_t *ret_left)
{
  for (uint32_t i = 0; i < h->entries; i++) {
    const unsigned char *e = h->index + (size_t)i * ENTRY;
    uint32_t at = be32(e + 8);
    if (be32(e) != tag || (be32(e + 4) != type && be32(e + 4) != other) || at >= h->size)
      continue;
    *ret_left = h->size - at;
    return h->store + at;
  }
  return NULL;
}

static void take_text(const header *h, uint32_t tag, char *ret_text, size_t size)
{
  size_t left = 0;
  const unsigned char *at = find(h, tag, TYPE_STRING, TYPE_I18N, &left);
  size_t len = at != NULL ? strnlen((const char *)at, left) : 0;
  if (len >= size)
    len = size - 1;
  if (len > 0)
    memcpy(ret_text, at, len);
  ret_text[len] = '\0';
}

static int64_t take_number(const header *h, uint32_t tag)
{
  size_t left = 0;
  const unsigned char *at = find(h, tag, TYPE_INT32, TYPE_INT32, &left);
  return at != NULL && left >= 4 ? (int64_t)be32(at) : -1;
}

bool col_rpm_read(const unsigned char *bytes, size_t len, col_rpm *ret_rpm)
{
  char version[200];
  char release[200];
  *ret_rpm = (col_rpm){0};
  if (len < HEAD)
    return false;
  header h = {.index = bytes + HEAD, .entries = be32(bytes), .size = be32(bytes + 4)};
  if (h.entries > ENTRIES_MAX || (uint64_t)h.entries * ENTRY + h.size > len - HEAD)
    return false;
  h.store = h.index + (size_t)h.entries * ENTRY;
  take_text(&h, 1000, ret_rpm->name, sizeof(ret_rpm->name));
  take_text(&h, 1001, version, sizeof(version));
  take_text(&h, 1002, release, sizeof(release));
  int64_t epoch = take_number(&h, 1003);
  if (epoch > 0)
    (void)snprintf(ret_rpm->version, sizeof(ret_rpm->version), "%lld:%s-%s", (long long)epoch,
                   version, release);
  else
    (void)snprintf(ret_rpm->version, sizeof(ret_rpm->version), "%s-%s", version, release);
  take_text(&h, 1022, ret_rpm->arch, sizeof(ret_rpm->arch));
  take_text(&h, 1011, ret_rpm->vendor, sizeof(ret_rpm->vendor));
  take_text(&h, 1004, ret_rpm->summary, sizeof(ret_rpm->summary));
  ret_rpm->installed = take_number(&h, 1008);
  ret_rpm->size = take_number(&h, 1009);
  return ret_rpm->name[0] != '\0';
}

static int on_steps(void *data)
{
  return col_stop(data) ? 1 : 0;
}

static void read_rows(col_task *t, sqlite3 *db, const char *source, col_rpm_fn *fn, void *data)
{
  sqlite3_stmt *rows = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &rows, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
    col_rpm rpm;
    const unsigned char *blob = sqlite3_column_blob(rows, 0);
    int len = sqlite3_column_bytes(rows, 0);
    if (blob != NULL && len > 0 && col_rpm_read(blob, (size_t)len, &rpm) && !fn(data, &rpm, source))
      break;
    rc = SQLITE_OK;
  }
  if (rc != SQLITE_DONE && rc != SQLITE_ROW && rc != SQLITE_OK)
    col_mark(t, COL_PARTIAL, "%s: %s", source, sqlite3_errmsg(db));
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
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, HEADER_MAX);
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

/* From before SQLite. */
static const struct {
  const char *path;
  const char *name;
  const char *form;
} older[] = {{"/var/lib/rpm/Packages", "Packages", "Berkeley DB"},
             {"/var/lib/rpm/Packages.db", "Packages.db", "ndb"},
             {"/usr/lib/sysimage/rpm/Packages", "Packages.sysimage", "Berkeley DB"},
             {"/usr/lib/sysimage/rpm/Packages.db", "Packages.sysimage.db", "ndb"}};

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
    col_mark(t, COL_PARTIAL,
             "packages of rpm are missing: %s is a database of %s, which is not "
             "decoded; it is copied beside this file",
             older[i].path, older[i].form);
    (void)close(fd);
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
