/* Actions: what becomes of them. */
#include "base/clock.h"
#include "base/json.h"
#include "protocol/jws.h"
#include "store_private.h"

#include <stdio.h>

#include "base/banned.h"

#define WHO_CONSOLE CD_STR("console")

static cd_code begin_with(con_store *s, cd_str id, con_action *ret_action, cd_err *err)
{
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = con_action_get(s, id, ret_action, err);
  return rc == CD_OK ? CD_OK : store_end(s, rc, err);
}

/* The highest generation that the device may hold when it gets this action. */
static cd_code generation_floor(con_store *s, const con_action *a, uint64_t *ret_floor, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  int64_t state = (int64_t)cd_order_kind_state(a->kind);
  cd_code rc = store_take(s, CON_SQL_ACTION_FLOOR, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sii", a->device, state, (int64_t)a->number);
  rc = store_row(s, stmt, "read a generation", err);
  uint64_t sent = rc == CD_OK ? store_u64(stmt, 0) : 0;
  store_done(stmt);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_WANTED_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "si", a->device, state);
  rc = store_row(s, stmt, "read a generation", err);
  uint64_t mark = rc == CD_OK ? store_u64(stmt, 7) : 0;
  store_done(stmt);
  *ret_floor = sent > mark ? sent : mark;
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

static cd_code give_next(con_store *s, const con_action *a, uint64_t *generation, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_state state = cd_order_kind_state(a->kind);
  cd_code rc = wanted_next(s, a->device, state, generation, err);
  if (rc == CD_OK)
    rc = store_take(s, CON_SQL_ACTION_REFRESH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sii", cd_str_from(a->id), (int64_t)*generation, cd_wall_ms());
  rc = store_run(s, stmt, "give an action its generation", err);
  return rc == CD_OK ? wanted_settle(s, a->device, state, err) : rc;
}

cd_code con_action_refresh(con_store *s, cd_str id, uint64_t *ret_generation, cd_err *err)
{
  con_action a = {0};
  uint64_t lowest = 0;
  cd_code rc = begin_with(s, id, &a, err);
  if (rc != CD_OK)
    return rc;
  uint64_t generation = a.generation;
  if (cd_action_status_final(a.status))
    rc = cd_fail(err, CD_E_CONFLICT, "action '%s' has ended", a.id);
  if (rc == CD_OK && cd_order_kind_state(a.kind) != CD_STATE_NONE && !a.accepted) {
    rc = generation_floor(s, &a, &lowest, err);
    if (rc == CD_OK && generation <= lowest)
      rc = give_next(s, &a, &generation, err);
  }
  rc = store_end(s, rc, err);
  if (rc == CD_OK)
    *ret_generation = generation;
  con_action_release(&a);
  return rc;
}

/* A statement on an action that has not ended; on one that has it does nothing. What is lost of it
 * with the power, that the order was sent or taken, comes again: it is sent again, and the device
 * says that it has it. */
static cd_code touch(con_store *s, con_sql which, const char *kinds, cd_str id, cd_str text,
                     cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_begin_riding(s, err);
  if (rc != CD_OK)
    return rc;
  rc = store_take(s, which, &stmt, err);
  if (rc == CD_OK && kinds[1] == 's')
    store_bind(stmt, "ssi", id, text, cd_wall_ms());
  else if (rc == CD_OK)
    store_bind(stmt, "si", id, cd_wall_ms());
  if (rc == CD_OK)
    rc = store_run(s, stmt, "record what became of an action", err);
  return store_end(s, rc, err);
}

cd_code con_action_sent(con_store *s, cd_str id, cd_str order, cd_err *err)
{
  return touch(s, CON_SQL_ACTION_SENT, "ssi", id, order, err);
}

cd_code con_action_accepted(con_store *s, cd_str id, cd_err *err)
{
  return touch(s, CON_SQL_ACTION_ACCEPTED, "si", id, (cd_str){0}, err);
}

cd_code con_action_progress(con_store *s, cd_str id, cd_str progress, cd_err *err)
{
  if (progress.len > CON_AUDIT_DETAIL_MAX)
    return cd_fail(err, CD_E_LIMIT, "a word about the progress is %zu bytes", progress.len);
  return touch(s, CON_SQL_ACTION_PROGRESS, "ssi", id, progress, err);
}

/* ---- the end ---- */

static cd_code check_outcome(const con_action_outcome *o, cd_err *err)
{
  if (!cd_action_status_final(o->status) || o->outcome.len > CON_WORD_MAX ||
      o->sentence.len > CD_SENTENCE_MAX || o->evidence.len > CD_RESULT_PAYLOAD_MAX ||
      o->result.len > cd_jws_max(&cd_jws_result) || !cd_str_utf8_valid(o->sentence))
    return cd_fail(err, CD_E_INVALID, "the outcome of an action is out of range");
  return CD_OK;
}

/* An end as the audit log has it. */
typedef struct ending {
  const char *what;
  cd_str who;
  cd_str device;
  const char *id;
  const con_action_outcome *outcome;
  const con_action_local *local; /* NULL: of an action that has an entry of its own */
} ending;

static void write_digest(cd_jw *w, const char *key, const cd_digest *digest)
{
  char text[CD_DIGEST_TEXT_MAX];
  cd_digest_text(digest, text);
  cd_jw_cstr(w, key, text);
}

/* What such an order would have for parameters; of a selective one nobody here knows what it lets
 * through. */
static cd_str local_parameters(const con_action_local *l)
{
  return l->kind == CD_ORDER_ISOLATE && cd_str_eq_cstr(l->scope, "Full")
             ? CD_STR("{\"type\":\"full\",\"exclusions\":[]}")
             : CD_STR("{}");
}

static cd_code write_local(const con_action_local *l, cd_jw *w, cd_err *err)
{
  cd_digest digest;
  cd_str parameters = local_parameters(l);
  cd_code rc = cd_digest_of(parameters.ptr, parameters.len, &digest, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_cstr(w, "kind", cd_order_kind_name(l->kind));
  cd_jw_str(w, "scope", l->scope);
  cd_jw_str(w, "requestor", l->requestor);
  write_digest(w, "parameters", &digest);
  return CD_OK;
}

static cd_code write_ending(const ending *e, cd_buf *out, cd_err *err)
{
  const con_action_outcome *o = e->outcome;
  uint64_t generation = e->local != NULL ? e->local->generation : o->generation;
  cd_digest digest;
  cd_jw w;
  cd_code rc = CD_OK;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (e->local != NULL)
    rc = write_local(e->local, &w, err);
  if (generation > 0)
    cd_jw_u64(&w, "generation", generation);
  cd_jw_cstr(&w, "status", cd_action_status_name(o->status));
  cd_jw_str(&w, "outcome", o->outcome);
  cd_jw_str(&w, "sentence", o->sentence);
  if (o->stands)
    cd_jw_bool(&w, "stands", true);
  if (rc == CD_OK && o->result.len > 0)
    rc = cd_jws_digest(o->result, &digest, err);
  if (rc == CD_OK && o->result.len > 0)
    write_digest(&w, "result", &digest);
  else
    cd_jw_null(&w, "result");
  cd_jw_end_obj(&w);
  cd_code written = cd_jw_done(&w, "the detail of an audit entry", err);
  return rc != CD_OK ? rc : written;
}

static cd_code add_ending(con_store *s, const ending *e, con_audit_ref *ret_ref, cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = write_ending(e, &detail, err);
  const con_audit_entry entry = {.who = e->who,
                                 .what = cd_str_from(e->what),
                                 .device = e->device,
                                 .action = cd_str_from(e->id),
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, ret_ref, err);
  cd_buf_release(&detail);
  return rc;
}

static cd_code write_end(con_store *s, const char *id, const con_action_outcome *o, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_ENDED, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sissssii", cd_str_from(id), (int64_t)o->status, o->outcome, o->sentence,
             o->result, o->evidence, cd_wall_ms(), (int64_t)(o->result.len > 0));
  rc = store_run(s, stmt, "record the end of an action", err);
  if (rc != CD_OK || !o->stands)
    return rc;
  rc = store_take(s, CON_SQL_ACTION_STANDS, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", cd_str_from(id));
  return store_run(s, stmt, "record that an action stands", err);
}

static cd_code end_it(con_store *s, const con_action *a, const con_action_outcome *o, cd_err *err)
{
  cd_state state = cd_order_kind_state(a->kind);
  if (a->result.len > 0)
    return cd_str_eq(a->result, o->result)
               ? CD_OK
               : cd_fail(err, CD_E_CONFLICT, "action '%s' has ended with another result", a->id);
  if (cd_action_status_final(a->status) && o->result.len == 0)
    return cd_fail(err, CD_E_CONFLICT, "action '%s' has ended", a->id);
  cd_code rc = write_end(s, a->id, o, err);
  if (rc == CD_OK && state != CD_STATE_NONE)
    rc = wanted_settle(s, a->device, state, err);
  const ending e = {.what = CON_WHAT_RESULT,
                    .who = o->result.len > 0 ? a->device : WHO_CONSOLE,
                    .device = a->device,
                    .id = a->id,
                    .outcome = o};
  return rc == CD_OK ? add_ending(s, &e, NULL, err) : rc;
}

cd_code con_action_ended(con_store *s, cd_str id, const con_action_outcome *outcome, cd_err *err)
{
  con_action a = {0};
  cd_code rc = check_outcome(outcome, err);
  if (rc == CD_OK)
    rc = begin_with(s, id, &a, err);
  if (rc != CD_OK)
    return rc;
  rc = end_it(s, &a, outcome, err);
  rc = store_end(s, rc, err);
  con_action_release(&a);
  return rc;
}

static cd_code add_cancel_entry(con_store *s, const con_by *by, const con_action *a, cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_jw w;
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "comment", by->comment);
  cd_jw_bool(&w, "sent", a->sent_ms > 0);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the detail of an audit entry", err);
  const con_audit_entry entry = {.who = by->who,
                                 .what = CD_STR(CON_WHAT_CANCEL),
                                 .device = a->device,
                                 .action = cd_str_from(a->id),
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, NULL, err);
  cd_buf_release(&detail);
  return rc;
}

static cd_code cancel_it(con_store *s, const con_by *by, const con_action *a, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_state state = cd_order_kind_state(a->kind);
  if (cd_action_status_final(a->status))
    return cd_fail(err, CD_E_CONFLICT, "action '%s' has ended: it is %s", a->id,
                   cd_action_status_name(a->status));
  cd_code rc = store_take(s, CON_SQL_ACTION_CANCEL, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "sssi", cd_str_from(a->id), by->who, by->comment, cd_wall_ms());
  rc = store_run(s, stmt, "cancel an action", err);
  if (rc == CD_OK && state != CD_STATE_NONE)
    rc = wanted_settle(s, a->device, state, err);
  return rc == CD_OK ? add_cancel_entry(s, by, a, err) : rc;
}

cd_code con_action_cancel(con_store *s, const con_by *by, cd_str id, bool *ret_was_sent,
                          cd_err *err)
{
  con_action a = {0};
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = begin_with(s, id, &a, err);
  if (rc != CD_OK)
    return rc;
  rc = cancel_it(s, by, &a, err);
  rc = store_end(s, rc, err);
  if (rc == CD_OK && ret_was_sent != NULL)
    *ret_was_sent = a.sent_ms > 0;
  con_action_release(&a);
  return rc;
}

typedef struct expired {
  char id[CD_ID_SIZE];
  char device[CD_DEVICE_ID_MAX + 1];
  bool started; /* the device has it */
} expired;

/* One that is over; CD_E_NOTFOUND without a sentence when there is none. */
static cd_code find_expired(con_store *s, int64_t now_ms, expired *ret_expired, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_EXPIRED, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ii", now_ms, now_ms - CON_SILENT_MS);
  rc = store_row(s, stmt, "look for actions whose time is over", err);
  expired e = {.started = rc == CD_OK && sqlite3_column_int64(stmt, 2) == CD_ACTION_IN_PROGRESS};
  if (rc == CD_OK && (!cd_str_copy(e.id, sizeof(e.id), store_text(stmt, 0)) ||
                      !cd_str_copy(e.device, sizeof(e.device), store_text(stmt, 1))))
    rc = cd_fail(err, CD_E_IO, "the database has an action that is not ours");
  store_done(stmt);
  if (rc == CD_OK)
    *ret_expired = e;
  return rc;
}

cd_code con_action_expire(con_store *s, int64_t now_ms,
                          void (*each)(void *context, const char *id, cd_str device), void *context,
                          cd_err *err)
{
  for (;;) {
    expired e = {0};
    cd_code rc = find_expired(s, now_ms, &e, err);
    if (rc == CD_E_NOTFOUND)
      return CD_OK;
    const con_action_outcome over = {
        .status = CD_ACTION_TIMED_OUT,
        .outcome = CD_STR("deadline"),
        .sentence = e.started ? CD_STR("the device took it and never said what became of it")
                              : CD_STR("the device was not reached in time")};
    if (rc == CD_OK)
      rc = con_action_ended(s, cd_str_from(e.id), &over, err);
    if (rc != CD_OK)
      return rc;
    if (each != NULL)
      each(context, e.id, cd_str_from(e.device));
  }
}

/* ---- given on the device itself ---- */

static cd_code add_local_row(con_store *s, const con_action_local *l, const con_audit_ref *entry,
                             cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssiisssssssiiiiiib", cd_str_from(l->id), l->device, (int64_t)l->kind,
             (int64_t)cd_order_kind_state(l->kind), l->type, l->scope, l->requestor, l->comment,
             (cd_str){0}, CD_STR("Device"), local_parameters(l), (int64_t)l->outcome.status,
             l->created_ms, l->created_ms, (int64_t)0, (int64_t)l->generation,
             (int64_t)entry->sequence, (cd_str){(const char *)entry->digest.bytes, CD_DIGEST_SIZE});
  return store_run(s, stmt, "add an action of a device", err);
}

static cd_code add_local(con_store *s, const con_action_local *l, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_state state = cd_order_kind_state(l->kind);
  con_audit_ref ref = {0};
  const ending e = {.what = l->adopted ? CON_WHAT_ADOPTED : CON_WHAT_LOCAL,
                    .who = l->device,
                    .device = l->device,
                    .id = l->id,
                    .outcome = &l->outcome,
                    .local = l};
  cd_code rc = add_ending(s, &e, &ref, err);
  if (rc == CD_OK)
    rc = add_local_row(s, l, &ref, err);
  if (rc == CD_OK)
    rc = write_end(s, l->id, &l->outcome, err);
  if (rc == CD_OK && state != CD_STATE_NONE) {
    rc = store_take(s, CON_SQL_WANTED_RAISE, &stmt, err);
    if (rc == CD_OK) {
      store_bind(stmt, "sii", l->device, (int64_t)state, (int64_t)l->generation);
      rc = store_run(s, stmt, "record the generation that a device holds", err);
    }
    if (rc == CD_OK)
      rc = wanted_settle(s, l->device, state, err);
  }
  return rc;
}

cd_code con_action_given_locally(con_store *s, const con_action_local *action, cd_err *err)
{
  con_action known = {0};
  cd_err none = {0};
  cd_code rc = check_outcome(&action->outcome, err);
  if (rc == CD_OK &&
      (action->generation > CD_GENERATION_MAX || !cd_id_valid(cd_str_from(action->id)) ||
       cd_order_kind_name(action->kind) == NULL))
    rc = cd_fail(err, CD_E_INVALID, "an action of a device is out of range");
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = con_action_get(s, cd_str_from(action->id), &known, &none);
  if (rc == CD_E_NOTFOUND)
    rc = add_local(s, action, err);
  else if (rc == CD_OK && !cd_str_eq(known.device, action->device))
    rc = cd_fail(err, CD_E_CONFLICT, "action '%s' is another device's", action->id);
  else if (rc != CD_OK && err != NULL)
    *err = none;
  rc = store_end(s, rc, err);
  con_action_release(&known);
  return rc;
}

cd_code con_action_rolled_back(con_store *s, cd_str device, uint64_t *ret_count, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_ROLLED_BACK, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", device);
  rc = store_row(s, stmt, "count what a device took back", err);
  if (rc == CD_OK)
    *ret_count = store_u64(stmt, 0);
  store_done(stmt);
  return rc;
}
