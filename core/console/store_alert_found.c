/* What devices found, as alerts: merged, limited, and on record. */
#include "store_alert_private.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>

#include "base/banned.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define TOO_MUCH "More was found than this console keeps of one machine in a day"
#define ENTRY_TITLE_MAX 64u /* of a title in the audit log: all of an entry has 64 KiB */

/* An alert that this find touches. */
typedef struct touched {
  alert_place place;
  bool created;
  bool too_much;
  char title[ENTRY_TITLE_MAX + 1];
  uint64_t items; /* that are new */
  uint64_t left_out;
} touched;

typedef struct work {
  con_store *store;
  const con_find *find;
  int64_t now_ms;
  uint64_t made_today;
  uint64_t items_today;
  touched *alerts;
  size_t count;
} work;

static cd_str cut(cd_str s, size_t max)
{
  return (cd_str){s.ptr, cd_str_utf8_cut(s, max)};
}

static touched *find_touched(work *w, const char *id)
{
  for (size_t i = 0; i < w->count; i++) {
    if (cd_str_eq_cstr(cd_str_from(id), w->alerts[i].place.id))
      return &w->alerts[i];
  }
  return NULL;
}

static cd_code make(work *w, const con_found *f, cd_str title, alert_place *place, cd_err *err)
{
  const con_alert a = {.device = w->find->device,
                       .title = title,
                       .recommended = w->find->recommended,
                       .category = f->category,
                       .source = w->find->source,
                       .threat = cut(f->threat, CON_ALERT_TITLE_MAX),
                       .family = cut(f->family, CON_ALERT_TITLE_MAX),
                       .user = cut(f->user, CON_AUDIT_WHO_MAX),
                       .severity = f->severity,
                       .status = CON_ALERT_NEW,
                       .created_ms = w->now_ms,
                       .first_ms = w->find->at_ms,
                       .last_ms = w->find->at_ms,
                       .updated_ms = w->now_ms};
  con_alert with_id = a;
  cd_code rc = alert_id(w->now_ms, place->id, err);
  (void)cd_str_copy(with_id.id, sizeof(with_id.id), cd_str_from(place->id));
  place->severity = f->severity;
  return rc == CD_OK ? alert_add(w->store, &with_id, err) : rc;
}

/* The alert of that title, made if there is none; CD_E_LIMIT without a sentence: there were too
 * many today. */
static cd_code place_at(work *w, const con_found *f, cd_str title, bool too_much,
                        touched **ret_alert, cd_err *err)
{
  touched t = {.too_much = too_much};
  cd_code rc = alert_find_open(w->store, w->find->device, title,
                               too_much ? w->now_ms - DAY_MS : INT64_MAX, &t.place, err);
  if (rc == CD_E_NOTFOUND) {
    if (!too_much && w->made_today >= CON_ALERTS_A_DAY)
      return CD_E_LIMIT;
    rc = make(w, f, title, &t.place, err);
    t.created = true;
    w->made_today++;
  }
  if (rc != CD_OK)
    return rc;
  *ret_alert = find_touched(w, t.place.id);
  if (*ret_alert == NULL) {
    (void)cd_str_copy(t.title, sizeof(t.title), cut(title, ENTRY_TITLE_MAX));
    w->alerts[w->count] = t;
    *ret_alert = &w->alerts[w->count++];
  }
  if ((*ret_alert)->place.severity < f->severity)
    (*ret_alert)->place.severity = f->severity;
  return CD_OK;
}

static cd_code has_item(work *w, const char *alert, const cd_digest *key, bool *ret_has,
                        cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(w->store, CON_SQL_EVIDENCE_KNOWN, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sb", cd_str_from(alert), (cd_str){(const char *)key->bytes, CD_DIGEST_SIZE});
  rc = store_row(w->store, stmt, "look for an item of evidence", err);
  store_done(stmt);
  *ret_has = rc == CD_OK;
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

static cd_code add_item(work *w, const con_found *f, touched *t, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  uint64_t count = 0;
  bool known = false;
  const alert_key key = {.text = cd_str_from(t->place.id)};
  cd_code rc = has_item(w, t->place.id, &f->key, &known, err);
  if (rc == CD_OK && !known)
    rc = alert_number(w->store, CON_SQL_EVIDENCE_COUNT, &key, &count, err);
  if (rc != CD_OK || known)
    return rc;
  if (f->item.len == 0)
    return CD_OK; /* a word about the result */
  if (count >= CON_EVIDENCE_MAX || w->items_today >= CON_EVIDENCE_A_DAY) {
    t->left_out++;
    return CD_OK;
  }
  rc = store_take(w->store, CON_SQL_EVIDENCE_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sisibss", cd_str_from(t->place.id), (int64_t)count + 1, w->find->device,
             w->now_ms, (cd_str){(const char *)f->key.bytes, CD_DIGEST_SIZE}, f->item, f->finding);
  w->items_today++;
  t->items++;
  return store_run(w->store, stmt, "add an item of evidence", err);
}

static cd_code take(work *w, const con_found *f, cd_err *err)
{
  touched *t = NULL;
  const con_found much = {.category = CD_STR("SuspiciousActivity"), .severity = CON_SEVERITY_HIGH};
  cd_str title = cut(f->title, CON_ALERT_TITLE_MAX);
  cd_code rc = place_at(w, f, title, false, &t, err);
  if (rc == CD_OK)
    return add_item(w, f, t, err);
  if (rc != CD_E_LIMIT)
    return rc;
  rc = place_at(w, &much, CD_STR(TOO_MUCH), true, &t, err);
  if (rc == CD_OK)
    t->left_out++;
  return rc;
}

/* ---- the end ---- */

static cd_code settle(work *w, const touched *t, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_buf text = CD_BUF_INIT(CON_ALERT_TEXT_MAX);
  cd_buf_add_str(&text, cut(w->find->about, CON_ALERT_TEXT_MAX / 2));
  if (t->too_much)
    cd_buf_addf(&text,
                " This machine had %u new alerts within 24 hours; %llu findings of its last scan "
                "have none of their own. What they are is in the result of that action.",
                CON_ALERTS_A_DAY, (unsigned long long)t->left_out);
  else if (t->left_out > 0)
    cd_buf_addf(&text,
                " %llu findings of that scan are not listed here: an alert lists %u, and %u "
                "of one machine in 24 hours.",
                (unsigned long long)t->left_out, CON_EVIDENCE_MAX, CON_EVIDENCE_A_DAY);
  cd_code rc = cd_buf_status(&text, "the description of an alert", err);
  if (rc == CD_OK)
    rc = store_take(w->store, CON_SQL_ALERT_SETTLE, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "sisiii", cd_str_from(t->place.id), (int64_t)t->place.severity,
               cd_buf_view(&text), w->find->at_ms, w->now_ms, (int64_t)t->left_out);
    rc = store_run(w->store, stmt, "change an alert", err);
  }
  if (rc == CD_OK)
    rc = store_take(w->store, CON_SQL_ALERT_ACTION_ADD, &stmt, err);
  if (rc == CD_OK) {
    store_bind(stmt, "ss", w->find->action, cd_str_from(t->place.id));
    rc = store_run(w->store, stmt, "record what found an alert", err);
  }
  cd_buf_release(&text);
  return rc;
}

/* At most 101 alerts with a title and 200 without: 56 KiB where every character is escaped. */
static cd_code record(work *w, cd_err *err)
{
  cd_jw j;
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_jw_init(&j, &detail);
  cd_jw_obj(&j, NULL);
  cd_jw_str(&j, "action", w->find->action);
  cd_jw_u64(&j, "findings", w->find->count);
  cd_jw_u64(&j, "unnamed", w->find->unnamed);
  cd_jw_arr(&j, "alerts");
  for (size_t i = 0; i < w->count; i++) {
    const touched *t = &w->alerts[i];
    cd_jw_obj(&j, NULL);
    cd_jw_cstr(&j, "alert", t->place.id);
    cd_jw_bool(&j, "new", t->created);
    if (t->created)
      cd_jw_cstr(&j, "title", t->title);
    cd_jw_u64(&j, "items", t->items);
    cd_jw_u64(&j, "leftOut", t->left_out);
    cd_jw_end_obj(&j);
  }
  cd_jw_end_arr(&j);
  cd_jw_end_obj(&j);
  cd_code rc = cd_jw_done(&j, "the detail of an audit entry", err);
  const con_audit_entry entry = {.who = w->find->device,
                                 .what = CD_STR("alert.found"),
                                 .device = w->find->device,
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(w->store, &entry, NULL, err);
  cd_buf_release(&detail);
  return rc;
}

static cd_code take_all(work *w, con_find_result *out, cd_err *err)
{
  const alert_key today = {.text = w->find->device, .since_ms = w->now_ms - DAY_MS};
  uint64_t made = 0;
  uint64_t items = 0;
  cd_code rc = alert_number(w->store, CON_SQL_ALERT_MADE, &today, &made, err);
  if (rc == CD_OK)
    rc = alert_number(w->store, CON_SQL_EVIDENCE_MADE, &today, &items, err);
  w->made_today = made;
  w->items_today = items;
  for (size_t i = 0; i < w->find->count && rc == CD_OK; i++)
    rc = take(w, &w->find->found[i], err);
  for (size_t i = 0; i < w->count && rc == CD_OK; i++) {
    rc = settle(w, &w->alerts[i], err);
    out->created += w->alerts[i].created ? 1 : 0;
    out->merged += w->alerts[i].created ? 0 : 1;
    out->left_out += w->alerts[i].left_out;
  }
  out->left_out += w->find->unnamed;
  return rc == CD_OK ? record(w, err) : rc;
}

cd_code con_alert_found(con_store *s, const con_find *find, con_find_result *ret_result,
                        cd_err *err)
{
  con_find_result result = {0};
  touched *alerts = calloc(find->count + 1, sizeof(*alerts));
  if (alerts == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for what was found");
  work w = {.store = s, .find = find, .now_ms = cd_wall_ms(), .alerts = alerts};
  cd_code rc = store_begin(s, err);
  if (rc == CD_OK) {
    rc = take_all(&w, &result, err);
    rc = store_end(s, rc, err);
  }
  free(alerts);
  if (rc == CD_OK)
    *ret_result = result;
  return rc;
}
