/* Whether the audit log is what the console wrote: numbers, digests, chain and seals, and if not,
 * what was done to it. */
#include "audit.h"
#include "audit_walk.h"

#include "store_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

/* How far from its place an entry is looked for that stands in another's. */
#define REORDER_WINDOW 1024u

const char *con_audit_fault_name(con_audit_fault fault)
{
  static const char *const names[] = {"intact", "cut", "edited", "reordered", "inserted"};
  return (size_t)fault < sizeof(names) / sizeof(names[0]) ? names[fault] : "unknown";
}

static void find(con_audit_report *r, con_audit_fault fault, uint64_t sequence, const char *fmt,
                 ...) CD_PRINTF(4, 5);

static void find(con_audit_report *r, con_audit_fault fault, uint64_t sequence, const char *fmt,
                 ...)
{
  va_list args;
  va_start(args, fmt);
  r->fault = fault;
  r->sequence = sequence;
  (void)vsnprintf(r->sentence, sizeof(r->sentence), fmt, args);
  va_end(args);
}

static bool digest_is_right(const con_audit_entry *e)
{
  cd_digest digest;
  cd_err ignored = {0};
  return con_audit_digest(e, &digest, &ignored) == CD_OK && cd_digest_equal(&digest, &e->digest);
}

static bool seal_is_right(const con_seal_key *key, const con_audit_entry *e)
{
  uint8_t seal[CON_SEAL_SIZE];
  cd_err ignored = {0};
  return key == NULL || (con_audit_seal(key, &e->digest, seal, &ignored) == CD_OK &&
                         cd_equal_constant_time(seal, e->seal, sizeof(seal)));
}

bool con_audit_is_ours(const con_audit_entry *e, const con_seal_key *seal)
{
  return digest_is_right(e) && seal_is_right(seal, e);
}

/* The number that the entry was made with, 0 if none near fits. */
static uint64_t made_as(const con_audit_entry *e)
{
  con_audit_entry other = *e;
  uint64_t lowest = e->sequence > REORDER_WINDOW ? e->sequence - REORDER_WINDOW : 1;
  for (uint64_t n = lowest; n <= e->sequence + REORDER_WINDOW; n++) {
    other.sequence = n;
    if (digest_is_right(&other))
      return n;
  }
  return 0;
}

static void judge_content(con_audit_report *r, const con_audit_entry *e)
{
  unsigned long long at = (unsigned long long)e->sequence;
  uint64_t made = made_as(e);
  if (made != 0)
    find(r, CON_AUDIT_REORDERED, e->sequence,
         "the audit log was reordered: at place %llu stands the entry that was made as %llu", at,
         (unsigned long long)made);
  else
    find(r, CON_AUDIT_EDITED, e->sequence,
         "the audit log was edited: entry %llu is not what its digest says", at);
}

/* `head` is the entry before. */
static void judge(con_audit_report *r, const con_seal_key *seal, const con_audit_entry *e)
{
  unsigned long long at = (unsigned long long)e->sequence;
  uint64_t expected = r->head.sequence + 1;
  if (!digest_is_right(e))
    judge_content(r, e);
  else if (!seal_is_right(seal, e))
    find(r, CON_AUDIT_INSERTED, e->sequence,
         "entry %llu was inserted into the audit log by someone who is not the console", at);
  else if (e->sequence > expected)
    find(r, CON_AUDIT_CUT, expected, "the audit log was cut: after entry %llu comes entry %llu",
         (unsigned long long)r->head.sequence, at);
  else if (!cd_digest_equal(&e->previous, &r->head.digest))
    find(r, CON_AUDIT_EDITED, r->head.sequence > 0 ? r->head.sequence : 1,
         "the audit log was edited: entry %llu does not follow the entry that is before it", at);
}

static void judge_known(con_audit_report *r, const con_audit_ref *known, const con_audit_entry *e)
{
  if (known != NULL && e->sequence == known->sequence &&
      !cd_digest_equal(&e->digest, &known->digest))
    find(r, CON_AUDIT_EDITED, e->sequence,
         "the audit log was rewritten: entry %llu is another than the one that is known",
         (unsigned long long)e->sequence);
}

/* The entry from which we go on must be there, as it was. */
static cd_code start(con_store *s, const con_audit_walk *w, con_audit_report *r, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_audit_entry e = {0};
  if (w->from == NULL || w->from->sequence == 0)
    return CD_OK;
  cd_code rc = store_take(s, CON_SQL_AUDIT_AT, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "i", (int64_t)w->from->sequence);
  rc = store_row(s, stmt, "read the audit log", err);
  if (rc == CD_OK && (!audit_read_row(stmt, &e) || !digest_is_right(&e) ||
                      !cd_digest_equal(&e.digest, &w->from->digest)))
    find(r, CON_AUDIT_EDITED, w->from->sequence,
         "the audit log was edited: entry %llu is another than the one that is known",
         (unsigned long long)w->from->sequence);
  store_done(stmt);
  if (rc == CD_E_NOTFOUND) {
    con_audit_ref end = {0};
    rc = audit_read_head(s, &end, err);
    find(
        r, CON_AUDIT_CUT, w->from->sequence,
        "the audit log was cut, or is an older one: it ends at entry %llu, and entry %llu is known",
        (unsigned long long)end.sequence, (unsigned long long)w->from->sequence);
    return rc;
  }
  if (rc == CD_OK && r->fault == CON_AUDIT_INTACT)
    r->head = *w->from;
  return rc;
}

static cd_code step(const con_audit_walk *w, sqlite3_stmt *stmt, con_audit_report *r, cd_err *err)
{
  con_audit_entry e;
  bool whole = audit_read_row(stmt, &e);
  if (!whole)
    find(r, CON_AUDIT_EDITED, e.sequence,
         "the audit log was edited: entry %llu has a digest or seal of another size",
         (unsigned long long)e.sequence);
  else if (e.sequence <= r->head.sequence)
    find(r, CON_AUDIT_INSERTED, e.sequence, "the audit log has an entry below its first number");
  else
    judge(r, w->seal, &e);
  if (r->fault == CON_AUDIT_INTACT)
    judge_known(r, w->known, &e);
  if (r->fault != CON_AUDIT_INTACT)
    return CD_OK;
  r->head = (con_audit_ref){.sequence = e.sequence, .digest = e.digest};
  return w->each != NULL ? w->each(w->context, &e, err) : CD_OK;
}

static void finish(const con_audit_walk *w, con_audit_report *r)
{
  if (r->fault != CON_AUDIT_INTACT)
    return;
  if (w->known != NULL && r->head.sequence < w->known->sequence)
    find(
        r, CON_AUDIT_CUT, r->head.sequence + 1,
        "the audit log was cut, or is an older one: it ends at entry %llu, and entry %llu is known",
        (unsigned long long)r->head.sequence, (unsigned long long)w->known->sequence);
  else
    (void)snprintf(r->sentence, sizeof(r->sentence), "the audit log is intact up to entry %llu",
                   (unsigned long long)r->head.sequence);
}

cd_code con_audit_walk_log(con_store *s, const con_audit_walk *walk, con_audit_report *ret_report,
                           cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_audit_report r = {0};
  bool whole = walk->from == NULL || walk->from->sequence == 0;
  cd_code rc = start(s, walk, &r, err);
  if (rc == CD_OK)
    rc = store_take(s, whole ? CON_SQL_AUDIT_ALL : CON_SQL_AUDIT_AFTER, &stmt, err);
  if (rc == CD_OK && !whole)
    store_bind(stmt, "i", (int64_t)walk->from->sequence);
  while (rc == CD_OK && r.fault == CON_AUDIT_INTACT) {
    rc = store_row(s, stmt, "read the audit log", err);
    if (rc == CD_OK)
      rc = step(walk, stmt, &r, err);
    else if (rc == CD_E_NOTFOUND)
      break;
  }
  store_done(stmt);
  if (rc != CD_OK && rc != CD_E_NOTFOUND)
    return rc;
  finish(walk, &r);
  *ret_report = r;
  return CD_OK;
}

cd_code con_audit_verify(con_store *s, const con_audit_ref *from, const con_audit_ref *known,
                         const con_seal_key *seal, con_audit_report *ret_report, cd_err *err)
{
  const con_audit_walk walk = {.from = from, .known = known, .seal = seal};
  return con_audit_walk_log(s, &walk, ret_report, err);
}

static cd_code judge_alone(sqlite3_stmt *stmt, const con_audit_ref *ref, const con_seal_key *seal,
                           con_audit_entry *e, cd_err *err)
{
  unsigned long long at = (unsigned long long)ref->sequence;
  if (!audit_read_row(stmt, e) || !digest_is_right(e))
    return cd_fail(err, CD_E_CONFLICT, "entry %llu of the audit log was edited", at);
  if (!cd_digest_equal(&e->digest, &ref->digest))
    return cd_fail(err, CD_E_CONFLICT, "entry %llu of the audit log is not the one that was named",
                   at);
  if (!seal_is_right(seal, e))
    return cd_fail(err, CD_E_CONFLICT, "entry %llu of the audit log was not made by the console",
                   at);
  return CD_OK;
}

cd_code con_audit_look_at(con_store *s, const con_audit_ref *ref, const con_seal_key *seal,
                          cd_code (*each)(void *context, const con_audit_entry *entry, cd_err *err),
                          void *context, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_audit_entry e;
  cd_code rc = store_take(s, CON_SQL_AUDIT_AT, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "i", (int64_t)ref->sequence);
  rc = store_row(s, stmt, "read the audit log", err);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "the audit log has no entry %llu", (unsigned long long)ref->sequence);
  if (rc == CD_OK)
    rc = judge_alone(stmt, ref, seal, &e, err);
  if (rc == CD_OK)
    rc = each(context, &e, err);
  store_done(stmt);
  return rc;
}
