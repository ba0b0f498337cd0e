/* What the store's and the audit log's files share; nobody else includes it. */
#ifndef CON_STORE_PRIVATE_H
#define CON_STORE_PRIVATE_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/limits.h"
#include "store.h"
#include "store_sql.h"

struct con_store {
  sqlite3 *db;
  sqlite3_stmt *statements[CON_SQL_COUNT]; /* prepared when first used */
  con_seal_key seal;
  bool has_seal;
  con_code_key code;
  bool has_code;           /* else isolations get no release code */
  con_audit_ref head;      /* of the log, as this process last read, wrote or verified it */
  con_audit_ref next_head; /* with what the open transaction has appended */
  con_audit_ref part_head; /* `next_head` before the part that is open, among many */
  bool many;               /* parts of one transaction: con_store_many_begin() */
  int wal_pages;           /* that wait to be written back */
  bool riding;             /* the open transaction is not synced by itself */
  bool reader;
  bool doubted; /* the log was changed behind our back: nothing is appended any more */
  char path[CD_PATH_MAX];
};

/* The whole schema, to be executed on a new database and harmless on an old one. */
extern const char *const con_schema[]; /* parts, NULL behind the last */

/* A sentence with SQLite's own reason. */
cd_code store_fail(con_store *s, cd_err *err, const char *what);
/* The one door to every statement: prepared once, reset and without bindings when it is given. */
CD_MUST_USE cd_code store_take(con_store *s, con_sql which, sqlite3_stmt **ret_stmt, cd_err *err);
/* `kinds`, a letter per parameter: i (int64_t), s (cd_str; copied), b (cd_str as a blob; copied).
 */
void store_bind(sqlite3_stmt *stmt, const char *kinds, ...);
/* Steps a statement that gives no rows. */
CD_MUST_USE cd_code store_run(con_store *s, sqlite3_stmt *stmt, const char *what, cd_err *err);
/* Steps to the next row: CD_OK; CD_E_NOTFOUND, without a sentence, when there is none. The caller
 * ends with store_done(). */
CD_MUST_USE cd_code store_row(con_store *s, sqlite3_stmt *stmt, const char *what, cd_err *err);
void store_done(sqlite3_stmt *stmt);
/* Valid until the next step or store_done(). */
cd_str store_text(sqlite3_stmt *stmt, int column);
uint64_t store_u64(sqlite3_stmt *stmt, int column); /* a negative number, which we never write: 0 */
/* False if it has another size. */
bool store_blob(sqlite3_stmt *stmt, int column, void *out, size_t size);

CD_MUST_USE cd_code store_begin(con_store *s, cd_err *err);
/* What the next synced transaction takes to the disk with it: a killed console loses nothing by
 * that, a machine that loses its power may. For what a device tells again, never for an entry of
 * the audit log. */
CD_MUST_USE cd_code store_begin_riding(con_store *s, cd_err *err);
/* Commits if rc is CD_OK, else rolls back; returns the final code. */
CD_MUST_USE cd_code store_end(con_store *s, cd_code rc, cd_err *err);

/* The cd_str members of a record, by their offsets. The first columns of its SELECT are they, in
 * this order. */
typedef struct store_texts {
  const size_t *offsets;
  size_t count;
} store_texts;
void store_read_texts(sqlite3_stmt *stmt, const store_texts *texts, void *record);
/* Copies the texts into one block, so that they outlive the row. */
CD_MUST_USE cd_code store_own_texts(const store_texts *texts, void *record, char **ret_memory,
                                    cd_err *err);

CD_MUST_USE cd_code store_random(void *bytes, size_t len, cd_err *err);
CD_MUST_USE cd_code store_check_by(const con_by *by, cd_err *err);

/* Within a transaction. */
CD_MUST_USE cd_code audit_add(con_store *s, const con_audit_entry *entry, con_audit_ref *ret_ref,
                              cd_err *err);
CD_MUST_USE cd_code audit_read_head(con_store *s, con_audit_ref *ret_head, cd_err *err);
/* Reads the row of one of the SQL_AUDIT_ statements. False: a digest or seal has the wrong size. */
bool audit_read_row(sqlite3_stmt *stmt, con_audit_entry *out);

/* Within a transaction: makes wanted what the device's actions say. */
CD_MUST_USE cd_code wanted_settle(con_store *s, cd_str device, cd_state state, cd_err *err);
/* Within a transaction: the next generation of the state. */
CD_MUST_USE cd_code wanted_next(con_store *s, cd_str device, cd_state state,
                                uint64_t *ret_generation, cd_err *err);

/* Within a transaction: the set that an isolation is ordered with. */
CD_MUST_USE cd_code isolation_set_add(con_store *s, const char *action, cd_str name,
                                      uint64_t revision, cd_err *err);

/* The parameters of a new isolation with its release code's salt and digest. */
CD_MUST_USE cd_code code_add(con_store *s, const con_action_new *n, const char *id, cd_buf *out,
                             cd_err *err);

/* Within a transaction: judges the token and takes one use of it, unless `device` (may be empty)
 * has enrolled with it before. */
CD_MUST_USE cd_code token_use(con_store *s, const con_enrolment *e, cd_str device,
                              char ret_id[CD_ID_SIZE], cd_buf *ret_tags, cd_err *err);

/* What rows that give rights rest on (store_backing.c). The digest of a row is the member `row` of
 * the entry that made it. */
CD_MUST_USE cd_code backing_app_digest(const con_app *app, const cd_digest *hash,
                                       char out[CD_DIGEST_TEXT_MAX], cd_err *err);
CD_MUST_USE cd_code backing_token_digest(const con_token *token, uint64_t uses,
                                         const cd_digest *hash, char out[CD_DIGEST_TEXT_MAX],
                                         cd_err *err);
/* CD_E_CONFLICT: the audit log does not record the row, or not like this. */
CD_MUST_USE cd_code backing_app(con_store *s, const con_app *app, const cd_digest *hash,
                                bool *ret_revoked, cd_err *err);
typedef struct token_backing {
  bool revoked;
  bool used_up;
} token_backing;
CD_MUST_USE cd_code backing_token(con_store *s, const con_token *token, const cd_digest *hash,
                                  token_backing *ret_backing, cd_err *err);
CD_MUST_USE cd_code backing_device_key(con_store *s, cd_str device, const cd_digest *key,
                                       cd_err *err);
CD_MUST_USE cd_code backing_enrolled_with(con_store *s, cd_str device, cd_str token,
                                          bool *ret_enrolled, cd_err *err);

/* A policy or a set of exclusions. */
typedef struct backing_row {
  cd_str area;   /* what the names of its entries begin with */
  cd_str set_by; /* the names of the entries that make it and take it away */
  cd_str removed_by;
  cd_str name;
  cd_str content;
  cd_str who; /* and what he said: an isolation that follows a set is ordered in his name */
  cd_str comment;
  uint64_t revision;
} backing_row;
CD_MUST_USE cd_code backing_named_digest(const backing_row *row, char out[CD_DIGEST_TEXT_MAX],
                                         cd_err *err);
/* CD_E_CONFLICT: it is not what the last entry about it says. */
CD_MUST_USE cd_code backing_named(con_store *s, const backing_row *row, cd_err *err);
CD_MUST_USE cd_code backing_assigned(con_store *s, cd_str policy, cd_str tag, uint64_t rank,
                                     cd_err *err);
/* An isolation that follows a set. */
typedef struct backing_isolation {
  cd_str device;
  cd_str action;
  cd_str parameters;
  cd_str set;
} backing_isolation;
/* The entry that made the action. CD_E_CONFLICT: none asks for these parameters with that set. */
CD_MUST_USE cd_code backing_wish(con_store *s, const backing_isolation *isolation,
                                 con_audit_ref *ret_entry, cd_err *err);
backing_row policy_row(cd_str name, cd_str body, uint64_t revision);

/* Tags: JSON arrays of texts, sorted, none twice. */
CD_MUST_USE cd_code tags_change(cd_str tags, cd_str tag, bool add, cd_buf *out, bool *ret_changed,
                                cd_err *err);
CD_MUST_USE cd_code tags_join(cd_str a, cd_str b, cd_buf *out, cd_err *err);
/* Those given and those asked for. CD_E_DENIED: one of these is neither given nor among the
 * choices. */
CD_MUST_USE cd_code tags_choose(cd_str given, cd_str choices, const cd_str *asked, size_t count,
                                cd_buf *out, cd_err *err);
CD_MUST_USE cd_code tags_write(const cd_str *tags, size_t count, cd_buf *out, cd_err *err);

#define CON_ACTION_ROW_MAX (CD_PARAMETERS_MAX + 64u * 1024u) /* what a list shows of an action */
/* Reads a row of the SQL_ACTION_ statements; views until the next step. */
void action_read_row(sqlite3_stmt *stmt, con_action *out);

#endif
