/* Alerts: reading them, and what people do with them. What devices find is in store_alert_found.c.
 */
#include "store_alert_private.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static const size_t text_offsets[] = {
    offsetof(con_alert, device),         offsetof(con_alert, dns_name),
    offsetof(con_alert, title),          offsetof(con_alert, description),
    offsetof(con_alert, recommended),    offsetof(con_alert, category),
    offsetof(con_alert, source),         offsetof(con_alert, threat),
    offsetof(con_alert, family),         offsetof(con_alert, user),
    offsetof(con_alert, reference),      offsetof(con_alert, assigned_to),
    offsetof(con_alert, classification), offsetof(con_alert, determination),
    offsetof(con_alert, comments),       offsetof(con_alert, evidence)};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};

void con_alert_release(con_alert *a)
{
  free(a->memory);
  *a = (con_alert){0};
}

/* ---- reading ---- */

static void read_row(sqlite3_stmt *stmt, con_alert *out)
{
  int at = (int)texts.count;
  *out = (con_alert){0};
  store_read_texts(stmt, &texts, out);
  (void)cd_str_copy(out->id, sizeof(out->id), store_text(stmt, at));
  out->number = store_u64(stmt, at + 1);
  out->severity = (con_severity)sqlite3_column_int(stmt, at + 2);
  out->status = (con_alert_status)sqlite3_column_int(stmt, at + 3);
  out->created_ms = sqlite3_column_int64(stmt, at + 4);
  out->first_ms = sqlite3_column_int64(stmt, at + 5);
  out->last_ms = sqlite3_column_int64(stmt, at + 6);
  out->updated_ms = sqlite3_column_int64(stmt, at + 7);
  out->resolved_ms = sqlite3_column_int64(stmt, at + 8);
  out->findings = store_u64(stmt, at + 9);
  out->left_out = store_u64(stmt, at + 10);
}

cd_code con_alert_get(con_store *s, cd_str id, con_alert *ret_alert, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  con_alert a = {0};
  cd_code rc = store_take(s, CON_SQL_ALERT_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "si", id, (int64_t)1);
  rc = store_row(s, stmt, "read an alert", err);
  if (rc == CD_OK) {
    read_row(stmt, &a);
    rc = store_own_texts(&texts, &a, &a.memory, err);
  }
  store_done(stmt);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there is no alert '%.*s'", CD_STR_ARG(id));
  if (rc == CD_OK)
    *ret_alert = a;
  return rc;
}

cd_code con_alert_each(con_store *s, const con_alert_query *query,
                       bool (*each)(void *context, const con_alert *alert), void *context,
                       cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ALERT_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "si", query->device, (int64_t)query->evidence);
  for (;;) {
    con_alert a;
    rc = store_row(s, stmt, "read the alerts", err);
    if (rc != CD_OK)
      break;
    read_row(stmt, &a);
    if (!each(context, &a))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code con_alert_findings(con_store *s, cd_str id, bool (*each)(void *context, cd_str finding),
                           void *context, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_EVIDENCE_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", id);
  do {
    rc = store_row(s, stmt, "read what an alert rests on", err);
  } while (rc == CD_OK && each(context, store_text(stmt, 0)));
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code con_alert_actions(con_store *s, cd_str id, cd_buf *out, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ALERT_ACTIONS, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", id);
  rc = store_row(s, stmt, "read which actions found something", err);
  if (rc == CD_OK)
    cd_buf_add_str(out, store_text(stmt, 0));
  store_done(stmt);
  return rc == CD_OK ? cd_buf_status(out, "the actions of an alert", err) : rc;
}

cd_code alert_number(con_store *s, con_sql which, const alert_key *key, uint64_t *ret_number,
                     cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, which, &stmt, err);
  if (rc != CD_OK)
    return rc;
  if (key->text.len > 0 && key->since_ms != 0)
    store_bind(stmt, "si", key->text, key->since_ms);
  else if (key->text.len > 0)
    store_bind(stmt, "s", key->text);
  rc = store_row(s, stmt, "count alerts", err);
  if (rc == CD_OK)
    *ret_number = store_u64(stmt, 0);
  store_done(stmt);
  return rc;
}

cd_code con_alert_open_count(con_store *s, uint64_t *ret_count, cd_err *err)
{
  const alert_key all = {0};
  return alert_number(s, CON_SQL_ALERT_OPEN_COUNT, &all, ret_count, err);
}

/* ---- making ---- */

/* The form of the public API: ticks of 100 ns since the year 1, and some number. */
cd_code alert_id(int64_t now_ms, char ret_id[CON_ALERT_ID_SIZE], cd_err *err)
{
  int32_t chance = 0;
  cd_code rc = store_random(&chance, sizeof(chance), err);
  unsigned long long ticks = ((unsigned long long)now_ms + 62135596800000ULL) * 10000ULL;
  if (rc == CD_OK)
    (void)snprintf(ret_id, CON_ALERT_ID_SIZE, "da%018llu_%d", ticks, (int)chance);
  return rc;
}

cd_code alert_add(con_store *s, const con_alert *a, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ALERT_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssssssssssiiiiii", cd_str_from(a->id), a->device, a->title, a->description,
             a->recommended, a->category, a->source, a->threat, a->family, a->user,
             (int64_t)a->severity, (int64_t)a->status, a->created_ms, a->first_ms, a->last_ms,
             a->updated_ms);
  rc = store_run(s, stmt, "add an alert", err);
  if (rc != CD_OK || a->reference.len == 0)
    return rc;
  rc = store_take(s, CON_SQL_ALERT_REFERENCE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ss", cd_str_from(a->id), a->reference);
  return store_run(s, stmt, "add the reference of an alert", err);
}

cd_code alert_find_open(con_store *s, cd_str device, cd_str title, int64_t since_ms,
                        alert_place *ret_place, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ALERT_BY_TITLE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssi", device, title, since_ms);
  rc = store_row(s, stmt, "look for an alert", err);
  if (rc == CD_OK) {
    (void)cd_str_copy(ret_place->id, sizeof(ret_place->id), store_text(stmt, 0));
    ret_place->severity = (con_severity)sqlite3_column_int(stmt, 1);
  }
  store_done(stmt);
  return rc;
}

/* ---- by people ---- */

static cd_code write_created(const con_alert_new *n, const char *id, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "alert", id);
  cd_jw_str(&w, "title", n->title);
  cd_jw_str(&w, "category", n->category);
  cd_jw_cstr(&w, "severity", con_severity_name(n->severity));
  cd_jw_str(&w, "reference", n->reference);
  cd_jw_time(&w, "event", n->event_ms);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code merge(con_store *s, const alert_place *place, const con_alert_new *n, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ALERT_AGAIN, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "siii", cd_str_from(place->id), (int64_t)n->severity, n->event_ms, cd_wall_ms());
  return store_run(s, stmt, "take up what an alert is told again", err);
}

static cd_code create(con_store *s, const con_by *by, const con_alert_new *n, char *ret_id,
                      cd_err *err)
{
  alert_place place = {0};
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  con_alert a = {.device = n->device,
                 .title = n->title,
                 .description = n->description,
                 .recommended = n->recommended,
                 .category = n->category,
                 .source = CD_STR("CustomDetection"),
                 .reference = n->reference,
                 .severity = n->severity,
                 .status = CON_ALERT_NEW,
                 .created_ms = cd_wall_ms(),
                 .first_ms = n->event_ms,
                 .last_ms = n->event_ms};
  a.updated_ms = a.created_ms;
  cd_code rc = alert_find_open(s, n->device, n->title, INT64_MAX, &place, err);
  bool merged = rc == CD_OK;
  if (rc == CD_E_NOTFOUND)
    rc = alert_id(a.created_ms, place.id, err);
  (void)cd_str_copy(a.id, sizeof(a.id), cd_str_from(place.id));
  if (rc == CD_OK)
    rc = merged ? merge(s, &place, n, err) : alert_add(s, &a, err);
  if (rc == CD_OK)
    rc = write_created(n, a.id, &detail, err);
  const con_audit_entry entry = {.who = by->who,
                                 .what = merged ? CD_STR("alert.merge") : CD_STR("alert.create"),
                                 .device = n->device,
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  (void)cd_str_copy(ret_id, CON_ALERT_ID_SIZE, cd_str_from(a.id));
  cd_buf_release(&detail);
  return rc;
}

cd_code con_alert_create(con_store *s, const con_by *by, const con_alert_new *alert,
                         char ret_id[CON_ALERT_ID_SIZE], cd_err *err)
{
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = create(s, by, alert, ret_id, err);
  return store_end(s, rc, err);
}

static cd_code write_change(const con_alert_change *c, const char *id, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "alert", id);
  if (c->status != 0)
    cd_jw_cstr(&w, "status", con_alert_status_name(c->status));
  if (c->has_assigned)
    cd_jw_str(&w, "assignedTo", c->assigned_to);
  if (c->has_classification)
    cd_jw_str(&w, "classification", c->classification);
  if (c->has_determination)
    cd_jw_str(&w, "determination", c->determination);
  if (c->comment.len > 0)
    cd_jw_str(&w, "comment", c->comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code add_comment(con_store *s, const con_by *by, const con_alert *a, cd_str comment,
                           cd_err *err)
{
  uint64_t count = 0;
  sqlite3_stmt *stmt = NULL;
  const alert_key key = {.text = cd_str_from(a->id)};
  cd_code rc = alert_number(s, CON_SQL_ALERT_COMMENT_COUNT, &key, &count, err);
  if (rc == CD_OK && count >= CON_ALERT_COMMENTS_MAX)
    return cd_fail(err, CD_E_LIMIT, "alert '%s' has %u comments, and takes no more", a->id,
                   CON_ALERT_COMMENTS_MAX);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_ALERT_COMMENT_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "siiss", cd_str_from(a->id), (int64_t)count + 1, cd_wall_ms(), by->who, comment);
  return store_run(s, stmt, "add a comment to an alert", err);
}

static cd_code set(con_store *s, const con_alert *a, const con_alert_change *c, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  int64_t now_ms = cd_wall_ms();
  con_alert_status status = c->status != 0 ? c->status : a->status;
  int64_t resolved_ms = status != CON_ALERT_RESOLVED ? 0
                        : a->resolved_ms != 0        ? a->resolved_ms
                                                     : now_ms;
  cd_code rc = store_take(s, CON_SQL_ALERT_CHANGE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sisssii", cd_str_from(a->id), (int64_t)status,
             c->has_assigned ? c->assigned_to : a->assigned_to,
             c->has_classification ? c->classification : a->classification,
             c->has_determination ? c->determination : a->determination, resolved_ms, now_ms);
  return store_run(s, stmt, "change an alert", err);
}

static cd_code change_one(con_store *s, const con_by *by, cd_str id, const con_alert_change *c,
                          cd_err *err)
{
  con_alert a = {0};
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = con_alert_get(s, id, &a, err);
  if (rc == CD_OK)
    rc = set(s, &a, c, err);
  if (rc == CD_OK && c->comment.len > 0)
    rc = add_comment(s, by, &a, c->comment, err);
  if (rc == CD_OK)
    rc = write_change(c, a.id, &detail, err);
  const con_audit_entry entry = {.who = by->who,
                                 .what = CD_STR("alert.change"),
                                 .device = a.device,
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  cd_buf_release(&detail);
  con_alert_release(&a);
  return rc;
}

cd_code con_alert_change_all(con_store *s, const con_by *by, const cd_str *ids, size_t count,
                             const con_alert_change *change, cd_err *err)
{
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  for (size_t i = 0; i < count && rc == CD_OK; i++)
    rc = change_one(s, by, ids[i], change, err);
  return store_end(s, rc, err);
}

/* ---- their end ---- */

static cd_code remove_old(con_store *s, int64_t before_ms, unsigned most, unsigned *ret_removed,
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ALERT_REMOVE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ii", before_ms, (int64_t)most);
  rc = store_run(s, stmt, "remove old alerts", err);
  *ret_removed = rc == CD_OK ? (unsigned)sqlite3_changes(s->db) : 0;
  return rc;
}

cd_code con_alert_expire(con_store *s, int64_t before_ms, unsigned most, unsigned *ret_removed,
                         cd_err *err)
{
  char detail[100];
  unsigned removed = 0;
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = remove_old(s, before_ms, most, &removed, err);
  (void)snprintf(detail, sizeof(detail), "{\"removed\":%u,\"before\":%lld}", removed,
                 (long long)before_ms);
  const con_audit_entry entry = {
      .who = CD_STR("console"), .what = CD_STR("alert.expire"), .detail = cd_str_from(detail)};
  if (rc == CD_OK && removed > 0)
    rc = audit_add(s, &entry, NULL, err);
  rc = store_end(s, rc, err);
  if (rc == CD_OK)
    *ret_removed = removed;
  return rc;
}
