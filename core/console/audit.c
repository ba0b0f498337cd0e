/* Appending to the audit log and reading it. */
#include "audit.h"

#include "base/clock.h"
#include "base/json.h"
#include "store_private.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define DIGEST_PREFIX "cordon-audit-1\n"
/* What is around the detail: names, escaped at worst six times as long, and numbers. */
#define ENTRY_MAX (CON_AUDIT_DETAIL_MAX + 8u * 1024u)

static void write_text_or_null(cd_jw *w, const char *key, cd_str text)
{
  if (text.len > 0)
    cd_jw_str(w, key, text);
  else
    cd_jw_null(w, key);
}

static void write_members(cd_jw *w, const con_audit_entry *e)
{
  cd_jw_u64(w, "sequence", e->sequence);
  cd_jw_i64(w, "at", e->at_ms);
  cd_jw_str(w, "who", e->who);
  cd_jw_str(w, "what", e->what);
  write_text_or_null(w, "device", e->device);
  write_text_or_null(w, "action", e->action);
  cd_jw_raw(w, "detail", e->detail);
}

/* Other bytes than text would come out of the writer as something else, and two entries would have
 * one digest. */
static bool texts_are_good(const con_audit_entry *e)
{
  const cd_str all[] = {e->who, e->what, e->device, e->action, e->detail};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
    if (!cd_str_utf8_valid(all[i]) || (all[i].len > 0 && memchr(all[i].ptr, 0, all[i].len) != NULL))
      return false;
  }
  return e->who.len <= CON_AUDIT_WHO_MAX && e->what.len <= CON_AUDIT_WHAT_MAX &&
         e->detail.len <= CON_AUDIT_DETAIL_MAX && e->detail.len > 0;
}

cd_code con_audit_digest(const con_audit_entry *entry, cd_digest *ret_digest, cd_err *err)
{
  if (!texts_are_good(entry))
    return cd_fail(err, CD_E_INVALID, "entry %llu of the audit log has texts that no entry has",
                   (unsigned long long)entry->sequence);
  cd_buf text = CD_BUF_INIT(ENTRY_MAX);
  cd_jw w;
  cd_buf_add_cstr(&text, DIGEST_PREFIX);
  cd_buf_add(&text, entry->previous.bytes, CD_DIGEST_SIZE);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  write_members(&w, entry);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "an entry of the audit log", err);
  if (rc == CD_OK)
    rc = cd_digest_of(text.ptr, text.len, ret_digest, err);
  cd_buf_release(&text);
  return rc;
}

void con_audit_entry_write(const con_audit_entry *entry, cd_buf *out)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_err ignored = {0};
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  write_members(&w, entry);
  cd_digest_text(&entry->previous, digest);
  cd_jw_cstr(&w, "previous", digest);
  cd_digest_text(&entry->digest, digest);
  cd_jw_cstr(&w, "digest", digest);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "an entry of the audit log", &ignored) != CD_OK)
    cd_buf_fail(out, ignored.code);
}

bool audit_read_row(sqlite3_stmt *stmt, con_audit_entry *out)
{
  *out = (con_audit_entry){.sequence = store_u64(stmt, 0),
                           .at_ms = sqlite3_column_int64(stmt, 1),
                           .who = store_text(stmt, 2),
                           .what = store_text(stmt, 3),
                           .device = store_text(stmt, 4),
                           .action = store_text(stmt, 5),
                           .detail = store_text(stmt, 6)};
  return store_blob(stmt, 7, out->previous.bytes, CD_DIGEST_SIZE) &&
         store_blob(stmt, 8, out->digest.bytes, CD_DIGEST_SIZE) &&
         store_blob(stmt, 9, out->seal, CON_SEAL_SIZE);
}

cd_code audit_read_head(con_store *s, con_audit_ref *ret_head, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_audit_ref head = {0};
  cd_code rc = store_take(s, CON_SQL_AUDIT_HEAD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  rc = store_row(s, stmt, "read the head of the audit log", err);
  if (rc == CD_OK) {
    head.sequence = store_u64(stmt, 0);
    (void)store_blob(stmt, 1, head.digest.bytes, CD_DIGEST_SIZE);
  }
  store_done(stmt);
  if (rc != CD_OK && rc != CD_E_NOTFOUND)
    return rc;
  *ret_head = head;
  return CD_OK;
}

cd_code con_audit_head(con_store *s, con_audit_ref *ret_head, cd_err *err)
{
  return audit_read_head(s, ret_head, err);
}

static bool same_ref(const con_audit_ref *a, const con_audit_ref *b)
{
  return a->sequence == b->sequence && cd_digest_equal(&a->digest, &b->digest);
}

/* Whoever else has the seal key, a command that the administrator runs, may have appended; anybody
 * else may not. */
static cd_code catch_up(con_store *s, const con_audit_ref *found, cd_err *err)
{
  con_audit_report report;
  cd_code rc = con_audit_verify(s, &s->head, NULL, &s->seal, &report, err);
  if (rc != CD_OK)
    return rc;
  if (report.fault != CON_AUDIT_INTACT || !same_ref(&report.head, found)) {
    s->doubted = true;
    return cd_fail(err, CD_E_CONFLICT,
                   "the audit log was changed behind the console, nothing is recorded any more: %s",
                   report.sentence);
  }
  s->next_head = *found;
  return CD_OK;
}

static cd_code check_head(con_store *s, cd_err *err)
{
  con_audit_ref found = {0};
  if (s->doubted)
    return cd_fail(err, CD_E_CONFLICT,
                   "the audit log was changed behind the console; verify it, then start anew");
  cd_code rc = audit_read_head(s, &found, err);
  if (rc != CD_OK || same_ref(&found, &s->next_head))
    return rc;
  return catch_up(s, &found, err);
}

static cd_code insert(con_store *s, const con_audit_entry *e, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_AUDIT_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "iisssssbbb", (int64_t)e->sequence, e->at_ms, e->who, e->what, e->device,
             e->action, e->detail, (cd_str){(const char *)e->previous.bytes, CD_DIGEST_SIZE},
             (cd_str){(const char *)e->digest.bytes, CD_DIGEST_SIZE},
             (cd_str){(const char *)e->seal, CON_SEAL_SIZE});
  return store_run(s, stmt, "append to the audit log", err);
}

cd_code audit_add(con_store *s, const con_audit_entry *entry, con_audit_ref *ret_ref, cd_err *err)
{
  con_audit_entry e = *entry;
  cd_code rc = check_head(s, err);
  if (rc != CD_OK)
    return rc;
  e.sequence = s->next_head.sequence + 1;
  e.previous = s->next_head.digest;
  if (e.at_ms == 0)
    e.at_ms = cd_wall_ms();
  if (e.detail.len == 0)
    e.detail = CD_STR("{}");
  if (e.who.len == 0 || e.what.len == 0)
    return cd_fail(err, CD_E_INVALID, "an entry of the audit log says who and what");
  rc = con_audit_digest(&e, &e.digest, err);
  if (rc == CD_OK)
    rc = con_audit_seal(&s->seal, &e.digest, e.seal, err);
  if (rc == CD_OK)
    rc = insert(s, &e, err);
  if (rc != CD_OK)
    return rc;
  s->next_head = (con_audit_ref){.sequence = e.sequence, .digest = e.digest};
  if (ret_ref != NULL)
    *ret_ref = s->next_head;
  return CD_OK;
}

cd_code con_audit_append(con_store *s, const con_audit_entry *entry, con_audit_ref *ret_ref,
                         cd_err *err)
{
  con_audit_ref ref = {0};
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = audit_add(s, entry, &ref, err);
  rc = store_end(s, rc, err);
  if (rc == CD_OK && ret_ref != NULL)
    *ret_ref = ref;
  return rc;
}

cd_code con_audit_accept_loss(con_store *s, const con_audit_ref *lost, con_audit_ref *ret_ref,
                              cd_err *err)
{
  char detail[CD_DIGEST_TEXT_MAX + 64];
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&lost->digest, digest);
  (void)snprintf(detail, sizeof(detail), "{\"sequence\":%llu,\"digest\":\"%s\"}",
                 (unsigned long long)lost->sequence, digest);
  const con_audit_entry entry = {.who = CD_STR("console"),
                                 .what = CD_STR(CON_WHAT_HEAD_ACCEPTED),
                                 .detail = cd_str_from(detail)};
  return con_audit_append(s, &entry, ret_ref, err);
}

cd_code con_audit_list(con_store *s, const con_audit_query *query,
                       bool (*each)(void *context, const con_audit_entry *entry), void *context,
                       cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  int64_t first = (int64_t)query->first;
  if (query->newest_first && query->first == 0)
    first = INT64_MAX;
  cd_code rc =
      store_take(s, query->newest_first ? CON_SQL_AUDIT_DOWN : CON_SQL_AUDIT_UP, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "issi", first, query->device, query->action,
             query->limit > INT64_MAX ? INT64_MAX : (int64_t)query->limit);
  for (;;) {
    con_audit_entry entry;
    rc = store_row(s, stmt, "read the audit log", err);
    if (rc != CD_OK)
      break;
    (void)audit_read_row(stmt, &entry);
    if (!each(context, &entry))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}
