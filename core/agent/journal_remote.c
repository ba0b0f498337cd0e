/* The journal's memory about the console. */
#include "journal_remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "journal_private.h"

#include "base/banned.h"

static const char schema_2[] =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE actions ADD COLUMN order_digest TEXT;"
    "CREATE TABLE seen(seq INTEGER PRIMARY KEY, action TEXT NOT NULL UNIQUE, at INTEGER NOT NULL) "
    "STRICT;"
    "CREATE TABLE order_keys(root TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT;"
    "CREATE TABLE outbox("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL UNIQUE, jws TEXT) STRICT;"
    "CREATE TABLE consoles("
    " host TEXT NOT NULL, port INTEGER NOT NULL, address TEXT NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(host, port, address)) STRICT;"
    "PRAGMA user_version = 2;"
    "COMMIT;";

static const char schema_3[] = "BEGIN IMMEDIATE;"
                               "ALTER TABLE actions ADD COLUMN terms TEXT;"
                               "ALTER TABLE wanted ADD COLUMN terms TEXT;"
                               "ALTER TABLE settled ADD COLUMN terms TEXT;"
                               "PRAGMA user_version = 3;"
                               "COMMIT;";

/* What leads from version 1 to the next, and so on. */
static const char *const migrations[] = {schema_2, schema_3};
#define JOURNAL_VERSION (1 + (int)(sizeof(migrations) / sizeof(migrations[0])))

static cd_code read_version(agent_journal *j, int *ret_version, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "PRAGMA user_version", &s, err);
  if (rc != CD_OK)
    return rc;
  if (sqlite3_step(s) == SQLITE_ROW)
    *ret_version = sqlite3_column_int(s, 0);
  else
    rc = journal_fail(j, err, "read its version");
  (void)sqlite3_finalize(s);
  return rc;
}

/* A new file has version 0 and the tables of version 1. One of a newer version is used as it is:
 * what this version knows is in it, and a device must be able to be released after a downgrade. */
cd_code journal_migrate(agent_journal *j, cd_err *err)
{
  int version = 0;
  cd_code rc = read_version(j, &version, err);
  if (version < 1)
    version = 1;
  for (; rc == CD_OK && version < JOURNAL_VERSION; version++) {
    CD_FAULT_POINT("journal.before_migration");
    rc = journal_exec(j, migrations[version - 1], "bring the tables up to date", err);
    if (rc != CD_OK)
      (void)sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
  }
  return rc;
}

void agent_journal_reporting(agent_journal *j, bool on)
{
  j->reporting = on;
}

/* Prepares, binds and runs a statement that returns no rows. */
#define RUN(j, sql, what, err, kinds, ...)                                                         \
  do {                                                                                             \
    sqlite3_stmt *s_ = NULL;                                                                       \
    cd_code rc_ = journal_prepare(j, sql, &s_, err);                                               \
    if (rc_ != CD_OK)                                                                              \
      return rc_;                                                                                  \
    journal_bind(s_, kinds, __VA_ARGS__);                                                          \
    return journal_run(j, s_, what, err);                                                          \
  } while (0)

/* ---- orders ---- */

static cd_code read_number(agent_journal *j, const char *sql, const char *text, int64_t *ret_number,
                           cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, sql, &s, err);
  if (rc != CD_OK)
    return rc;
  if (text != NULL)
    journal_bind(s, "t", text);
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW)
    *ret_number = sqlite3_column_int64(s, 0);
  else
    rc = journal_fail(j, err, "read about the console");
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_seen(agent_journal *j, const char *action, bool *ret_seen, cd_err *err)
{
  int64_t count = 0;
  cd_code rc = read_number(j,
                           "SELECT (SELECT count(*) FROM seen WHERE action = ?1) + "
                           "(SELECT count(*) FROM actions WHERE id = ?1)",
                           action, &count, err);
  if (rc == CD_OK)
    *ret_seen = count > 0;
  return rc;
}

cd_code agent_journal_key_generation(agent_journal *j, const char *root, uint64_t *ret_generation,
                                     cd_err *err)
{
  int64_t generation = 0;
  cd_code rc = read_number(j, "SELECT coalesce(max(generation), 0) FROM order_keys WHERE root = ?",
                           root, &generation, err);
  if (rc == CD_OK)
    *ret_generation = (uint64_t)generation;
  return rc;
}

static cd_code put_seen(agent_journal *j, const char *action, cd_err *err)
{
  RUN(j, "INSERT INTO seen(action, at) VALUES(?,?)", "record that an order was seen", err, "ti",
      action, (sqlite3_int64)cd_wall_ms());
}

static cd_code put_key(agent_journal *j, const agent_order_source *source, cd_err *err)
{
  RUN(j,
      "INSERT INTO order_keys(root, generation) VALUES(?,?) ON CONFLICT(root) DO UPDATE SET "
      "generation = max(generation, excluded.generation)",
      "record the generation of the order key", err, "ti", source->root,
      (sqlite3_int64)source->key_generation);
}

cd_code journal_put_outbox(agent_journal *j, const char *action, const char *jws, cd_err *err)
{
  RUN(j, "INSERT OR IGNORE INTO outbox(action, jws) VALUES(?,?)", "record that a result is to go",
      err, "tt", action, jws);
}

static cd_code check_generation(agent_journal *j, const agent_action *a, cd_err *err)
{
  agent_wanted now = {0};
  cd_code rc = agent_journal_wanted(j, a->state, &now, err);
  bool lost = a->generation == now.generation && strcmp(a->id, now.action) == 0;
  if (rc == CD_OK && a->generation <= now.generation && !lost)
    rc = cd_fail(err, CD_E_CONFLICT, "generation %llu was taken, the order has %llu",
                 (unsigned long long)now.generation, (unsigned long long)a->generation);
  agent_wanted_release(&now);
  return rc;
}

cd_code agent_journal_order_taken(agent_journal *j, const agent_action *a,
                                  const agent_wanted *wanted, const agent_order_source *source,
                                  cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = wanted != NULL ? check_generation(j, a, err) : CD_OK;
  if (rc == CD_OK)
    rc = put_seen(j, a->id, err);
  if (rc == CD_OK)
    rc = put_key(j, source, err);
  if (rc == CD_OK)
    rc = journal_put_order(j, a, wanted, err);
  CD_FAULT_POINT("remote.order_before_commit");
  rc = journal_end(j, rc, err);
  if (rc == CD_OK)
    journal_prune(j);
  return rc;
}

cd_code agent_journal_order_answered(agent_journal *j, const char *action, const char *result_jws,
                                     const agent_action *ended, const agent_wanted *wanted,
                                     const agent_order_source *source, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = put_seen(j, action, err);
  if (rc == CD_OK && source != NULL)
    rc = put_key(j, source, err);
  if (rc == CD_OK && ended != NULL)
    rc = journal_put_ended(j, ended, NULL, wanted, err);
  if (rc == CD_OK)
    rc = journal_put_outbox(j, action, result_jws, err);
  CD_FAULT_POINT("remote.answer_before_commit");
  rc = journal_end(j, rc, err);
  if (rc == CD_OK)
    journal_prune(j);
  return rc;
}

/* ---- the outbox ---- */

void agent_outgoing_release(agent_outgoing *o)
{
  free(o->jws);
  *o = (agent_outgoing){0};
}

static cd_code read_outgoing(sqlite3_stmt *s, agent_outgoing *ret_outgoing, cd_err *err)
{
  agent_outgoing o = {.seq = sqlite3_column_int64(s, 0)};
  const char *jws = (const char *)sqlite3_column_text(s, 2);
  (void)cd_str_copy(o.action, sizeof(o.action),
                    cd_str_from((const char *)sqlite3_column_text(s, 1)));
  if (jws != NULL && !agent_text_set(&o.jws, cd_str_from(jws)))
    return cd_fail(err, CD_E_INTERNAL, "no memory for a result");
  *ret_outgoing = o;
  return CD_OK;
}

cd_code agent_journal_outbox_next(agent_journal *j, int64_t after, agent_outgoing *ret_outgoing,
                                  cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(
      j, "SELECT seq, action, jws FROM outbox WHERE seq > ? ORDER BY seq LIMIT 1", &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "i", (sqlite3_int64)after);
  int step = sqlite3_step(s);
  if (step == SQLITE_ROW)
    rc = read_outgoing(s, ret_outgoing, err);
  else if (step == SQLITE_DONE)
    rc = CD_E_NOTFOUND;
  else
    rc = journal_fail(j, err, "read the outbox");
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_outbox_seal(agent_journal *j, int64_t seq, const char *jws, cd_err *err)
{
  RUN(j, "UPDATE outbox SET jws = ? WHERE seq = ? AND jws IS NULL", "keep a signed result", err,
      "ti", jws, (sqlite3_int64)seq);
}

/* The action is over and told: there is time. */
cd_code agent_journal_outbox_done(agent_journal *j, int64_t seq, cd_err *err)
{
  journal_write_back(j);
  RUN(j, "DELETE FROM outbox WHERE seq = ?", "forget a result that has arrived", err, "i",
      (sqlite3_int64)seq);
}

cd_code agent_journal_outbox_count(agent_journal *j, unsigned *ret_count, cd_err *err)
{
  int64_t count = 0;
  cd_code rc = read_number(j, "SELECT count(*) FROM outbox", NULL, &count, err);
  if (rc == CD_OK)
    *ret_count = (unsigned)count;
  return rc;
}

/* ---- consoles ---- */

static cd_code forget_console(agent_journal *j, const char *host, uint16_t port, cd_err *err)
{
  RUN(j, "DELETE FROM consoles WHERE host = ? AND port = ?", "forget a console", err, "ti", host,
      (sqlite3_int64)port);
}

static cd_code put_console(agent_journal *j, const char *host, uint16_t port, const char *address,
                           cd_err *err)
{
  RUN(j, "REPLACE INTO consoles(host, port, address, at) VALUES(?,?,?,?)",
      "remember where a console is", err, "titi", host, (sqlite3_int64)port, address,
      (sqlite3_int64)cd_wall_ms());
}

cd_code agent_journal_console_set(agent_journal *j, const char *host, uint16_t port,
                                  const char (*addresses)[AGENT_ADDRESS_MAX], unsigned count,
                                  cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc != CD_OK)
    return rc;
  rc = forget_console(j, host, port, err);
  for (unsigned i = 0; i < count && i < AGENT_CONSOLE_ADDRESSES_MAX && rc == CD_OK; i++)
    rc = put_console(j, host, port, addresses[i], err);
  return journal_end(j, rc, err);
}

cd_code agent_journal_console(agent_journal *j, const char *host, uint16_t port,
                              agent_endpoint *out, unsigned max, unsigned *ret_count, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  unsigned count = 0;
  cd_code rc = journal_prepare(j,
                               "SELECT DISTINCT address, port FROM consoles WHERE ?1 IS NULL OR "
                               "(host = ?1 AND port = ?2) ORDER BY rowid LIMIT ?3",
                               &s, err);
  if (rc != CD_OK)
    return rc;
  journal_bind(s, "tii", host, (sqlite3_int64)port, (sqlite3_int64)max);
  int step;
  while ((step = sqlite3_step(s)) == SQLITE_ROW) {
    (void)cd_str_copy(out[count].address, sizeof(out[count].address),
                      cd_str_from((const char *)sqlite3_column_text(s, 0)));
    out[count++].port = (uint16_t)sqlite3_column_int(s, 1);
  }
  if (step != SQLITE_DONE)
    rc = journal_fail(j, err, "read where the consoles are");
  else
    *ret_count = count;
  (void)sqlite3_finalize(s);
  return rc;
}

#define CONSOLES_LOOKED_AT 128 /* names that a device may have had in its life, at a time */

typedef struct known_console {
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port;
} known_console;

static cd_code list_consoles(agent_journal *j, known_console *out, unsigned *ret_count, cd_err *err)
{
  sqlite3_stmt *s = NULL;
  cd_code rc = journal_prepare(j, "SELECT DISTINCT host, port FROM consoles LIMIT ?", &s, err);
  if (rc != CD_OK)
    return rc;
  unsigned count = 0;
  int step;
  journal_bind(s, "i", (sqlite3_int64)CONSOLES_LOOKED_AT);
  while ((step = sqlite3_step(s)) == SQLITE_ROW) {
    (void)cd_str_copy(out[count].host, sizeof(out[count].host),
                      cd_str_from((const char *)sqlite3_column_text(s, 0)));
    out[count++].port = (uint16_t)sqlite3_column_int(s, 1);
  }
  if (step != SQLITE_DONE)
    rc = journal_fail(j, err, "read which consoles there are");
  else
    *ret_count = count;
  (void)sqlite3_finalize(s);
  return rc;
}

cd_code agent_journal_consoles_keep(agent_journal *j,
                                    bool (*keep)(void *context, const char *host, uint16_t port),
                                    void *context, cd_err *err)
{
  unsigned count = 0;
  known_console *known = calloc(CONSOLES_LOOKED_AT, sizeof(*known));
  if (known == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the consoles");
  cd_code rc = list_consoles(j, known, &count, err);
  if (rc == CD_OK)
    rc = journal_begin(j, err);
  if (rc == CD_OK) {
    for (unsigned i = 0; i < count && rc == CD_OK; i++) {
      if (!keep(context, known[i].host, known[i].port))
        rc = forget_console(j, known[i].host, known[i].port, err);
    }
    rc = journal_end(j, rc, err);
  }
  free(known);
  return rc;
}

cd_code agent_journal_consoles_forget(agent_journal *j, cd_err *err)
{
  cd_code rc = journal_begin(j, err);
  if (rc == CD_OK)
    rc = journal_end(
        j, journal_exec(j, "DELETE FROM consoles; DELETE FROM outbox", "forget the console", err),
        err);
  return rc;
}
