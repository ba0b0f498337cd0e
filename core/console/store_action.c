/* Actions: creating and reading them. */
#include "base/clock.h"
#include "base/json.h"
#include "protocol/terms.h"
#include "store_told.h"

#include <stdlib.h>

#include "base/banned.h"

static const size_t text_offsets[] = {
    offsetof(con_action, device),     offsetof(con_action, dns_name),
    offsetof(con_action, type),       offsetof(con_action, scope),
    offsetof(con_action, requestor),  offsetof(con_action, comment),
    offsetof(con_action, ticket),     offsetof(con_action, source),
    offsetof(con_action, parameters), offsetof(con_action, order),
    offsetof(con_action, result),     offsetof(con_action, evidence),
    offsetof(con_action, outcome),    offsetof(con_action, sentence),
    offsetof(con_action, cancel_by),  offsetof(con_action, cancel_comment),
    offsetof(con_action, progress),   offsetof(con_action, related_file),
    offsetof(con_action, altered),
};
/* The last of them is in no row. */
static const store_texts owned = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0])};
static const store_texts texts = {text_offsets, sizeof(text_offsets) / sizeof(text_offsets[0]) - 1};
const int action_mark_column = (int)(sizeof(text_offsets) / sizeof(text_offsets[0])) + 12;

void con_action_release(con_action *a)
{
  free(a->memory);
  *a = (con_action){0};
}

void action_read_row(sqlite3_stmt *stmt, con_action *out)
{
  int at = (int)texts.count;
  *out = (con_action){0};
  store_read_texts(stmt, &texts, out);
  (void)cd_str_copy(out->id, sizeof(out->id), store_text(stmt, at));
  out->number = store_u64(stmt, at + 1);
  out->kind = (cd_order_kind)sqlite3_column_int(stmt, at + 2);
  out->status = (cd_action_status)sqlite3_column_int(stmt, at + 3);
  out->created_ms = sqlite3_column_int64(stmt, at + 4);
  out->updated_ms = sqlite3_column_int64(stmt, at + 5);
  out->expires_ms = sqlite3_column_int64(stmt, at + 6);
  out->generation = store_u64(stmt, at + 7);
  out->audit.sequence = store_u64(stmt, at + 8);
  (void)store_blob(stmt, at + 9, out->audit.digest.bytes, CD_DIGEST_SIZE);
  out->sent_ms = sqlite3_column_int64(stmt, at + 10);
  out->accepted = sqlite3_column_int64(stmt, at + 11) != 0;
  out->cancelled_ms = sqlite3_column_int64(stmt, at + 12);
}

static cd_code take_row(con_store *s, sqlite3_stmt *stmt, bool checked, con_action *ret_action,
                        cd_err *err)
{
  con_action a;
  action_told told = {0};
  cd_code rc = store_row(s, stmt, "read an action", err);
  if (rc == CD_OK)
    action_read_row(stmt, &a);
  if (rc == CD_OK && checked) {
    rc = action_tell(s, &a, &told, err);
    a = told.action;
  }
  if (rc == CD_OK)
    rc = store_own_texts(&owned, &a, &a.memory, err);
  if (rc == CD_OK)
    *ret_action = a;
  action_told_release(&told);
  store_done(stmt);
  return rc;
}

static cd_code get(con_store *s, cd_str id, bool checked, con_action *ret_action, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_GET, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", id);
  rc = take_row(s, stmt, checked, ret_action, err);
  if (rc == CD_E_NOTFOUND)
    (void)cd_fail(err, rc, "there is no action '%.*s'", CD_STR_ARG(id));
  return rc;
}

cd_code con_action_get(con_store *s, cd_str id, con_action *ret_action, cd_err *err)
{
  return get(s, id, false, ret_action, err);
}

cd_code con_action_checked(con_store *s, cd_str id, con_action *ret_action, cd_err *err)
{
  return get(s, id, true, ret_action, err);
}

cd_str con_action_local_type(cd_order_kind kind)
{
  switch (kind) {
  case CD_ORDER_ISOLATE: return CD_STR("Isolate");
  case CD_ORDER_RELEASE: return CD_STR("Unisolate");
  case CD_ORDER_PREFLIGHT: return CD_STR("Preflight");
  case CD_ORDER_COLLECT: return CD_STR("CollectInvestigationPackage");
  case CD_ORDER_SCAN: return CD_STR("RunAntiVirusScan");
  case CD_ORDER_REMEDIATE: return CD_STR("Remediate");
  default: return CD_STR("Cancel");
  }
}

cd_code con_action_active(con_store *s, cd_str device, cd_str type, con_action *ret_action,
                          cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_ACTIVE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ss", device, type);
  return take_row(s, stmt, false, ret_action, err);
}

/* One of a list. */
static cd_code hand_over(con_store *s, sqlite3_stmt *stmt, cd_buf *scratch,
                         bool (*each)(void *context, const con_action *action), void *context,
                         bool *ret_more, cd_err *err)
{
  con_action a;
  action_told told = {0};
  cd_code rc = CD_OK;
  action_read_row(stmt, &a);
  if (s->has_seal && action_is_marked(s, stmt, &a, scratch)) {
    a.evidence = (cd_str){0};
    a.order = (cd_str){0};
    a.result = (cd_str){0};
  } else if (s->has_seal) {
    rc = action_tell(s, &a, &told, err);
    a = told.action;
  }
  *ret_more = rc == CD_OK && each(context, &a);
  action_told_release(&told);
  return rc;
}

cd_code con_action_each(con_store *s, const con_action_query *query,
                        bool (*each)(void *context, const con_action *action), void *context,
                        cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  bool more = true;
  cd_buf scratch = CD_BUF_INIT(CON_ACTION_ROW_MAX);
  cd_code rc = store_take(s, CON_SQL_ACTION_EACH, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "isiii", query->before > 0 ? (int64_t)query->before : INT64_MAX, query->device,
             (int64_t)query->status, (int64_t)query->cancels,
             query->limit > 0 ? (int64_t)query->limit : (int64_t)-1);
  while (rc == CD_OK && more) {
    rc = store_row(s, stmt, "read the actions", err);
    if (rc == CD_OK)
      rc = hand_over(s, stmt, &scratch, each, context, &more, err);
  }
  store_done(stmt);
  cd_buf_release(&scratch);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

cd_code con_action_due(con_store *s, cd_str device,
                       bool (*each)(void *context, const con_action *action), void *context,
                       cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  bool busy[CD_STATE_COUNT] = {false};
  cd_code rc = store_take(s, CON_SQL_ACTION_DUE, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", device);
  for (;;) {
    con_action a;
    rc = store_row(s, stmt, "read what a device is due", err);
    if (rc != CD_OK)
      break;
    action_read_row(stmt, &a);
    cd_state state = cd_order_kind_state(a.kind);
    if (state != CD_STATE_NONE && busy[state])
      continue;
    busy[state] = true;
    if (!each(context, &a))
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

/* ---- creating ---- */

static cd_code check_new(const con_action_new *n, cd_err *err)
{
  if (cd_order_kind_name(n->kind) == NULL || n->type.len == 0 || n->type.len > CON_WORD_MAX ||
      n->scope.len > CON_WORD_MAX || n->ticket.len > CON_AUDIT_WHO_MAX ||
      n->source.len > CON_WORD_MAX || n->parameters.len == 0 ||
      n->parameters.len > CD_PARAMETERS_MAX || n->expires_ms <= 0 || n->expires_ms > CD_WALL_MS_MAX)
    return cd_fail(err, CD_E_INVALID, "an action has a member that is out of range");
  if (!cd_str_utf8_valid(n->ticket) || !cd_str_utf8_valid(n->scope) || !cd_str_utf8_valid(n->type))
    return cd_fail(err, CD_E_INVALID, "an action has a member that is no UTF-8 text");
  return CD_OK;
}

static cd_code check_device(con_store *s, const con_action_new *n, cd_err *err)
{
  con_device d = {0};
  cd_code rc = con_device_get(s, n->device, &d, err);
  if (rc == CD_OK && d.revoked)
    rc = cd_fail(err, CD_E_DENIED, "device '%.*s' is revoked", CD_STR_ARG(n->device));
  con_device_release(&d);
  return rc;
}

static cd_code check_alone(con_store *s, const con_action_new *n, cd_err *err)
{
  con_action active = {0};
  if (!n->one_at_a_time)
    return CD_OK;
  cd_code rc = con_action_active(s, n->device, n->type, &active, err);
  if (rc == CD_E_NOTFOUND)
    return CD_OK;
  if (rc == CD_OK)
    rc = cd_fail(err, CD_E_CONFLICT, "action '%s' of this kind is already in progress", active.id);
  con_action_release(&active);
  return rc;
}

static void write_ref(cd_jw *w, const char *key, const con_audit_ref *ref)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&ref->digest, digest);
  cd_jw_obj(w, key);
  cd_jw_u64(w, "sequence", ref->sequence);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_end_obj(w);
}

static cd_code write_detail(const con_by *by, const con_action_new *n, uint64_t generation,
                            cd_buf *out, cd_err *err)
{
  cd_digest digest;
  cd_digest asked;
  int64_t lease_ms = 0;
  char parameters[CD_DIGEST_TEXT_MAX];
  char wish[CD_DIGEST_TEXT_MAX];
  cd_jw w;
  cd_code rc = cd_digest_of(n->parameters.ptr, n->parameters.len, &digest, err);
  if (rc == CD_OK)
    rc = cd_wish_of(n->parameters, &asked, &lease_ms, err);
  if (rc != CD_OK)
    return rc;
  cd_digest_text(&digest, parameters);
  cd_digest_text(&asked, wish);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "kind", cd_order_kind_name(n->kind));
  cd_jw_str(&w, "type", n->type);
  cd_jw_str(&w, "scope", n->scope);
  cd_jw_u64(&w, "generation", generation);
  cd_jw_i64(&w, "expires", n->expires_ms);
  cd_jw_cstr(&w, "parameters", parameters);
  cd_jw_cstr(&w, "wish", wish);
  if (lease_ms != 0)
    cd_jw_i64(&w, "lease", lease_ms);
  cd_jw_str(&w, "comment", by->comment);
  cd_jw_str(&w, "ticket", n->ticket);
  cd_jw_str(&w, "source", n->source);
  if (n->exclusions_set.len > 0)
    cd_jw_str(&w, "set", n->exclusions_set);
  if (n->collection.len > 0)
    cd_jw_str(&w, "list", n->collection);
  if (n->repeats != NULL)
    write_ref(&w, "repeats", n->repeats);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the detail of an audit entry", err);
}

static cd_code add_entry(con_store *s, const con_by *by, const con_action_new *n,
                         con_action_made *made, cd_err *err)
{
  cd_buf detail = CD_BUF_INIT(CON_AUDIT_DETAIL_MAX);
  cd_code rc = write_detail(by, n, made->generation, &detail, err);
  const con_audit_entry entry = {.at_ms = made->created_ms,
                                 .who = by->who,
                                 .what = CD_STR(CON_WHAT_CREATE),
                                 .device = n->device,
                                 .action = cd_str_from(made->id),
                                 .detail = cd_buf_view(&detail)};
  if (rc == CD_OK)
    rc = audit_add(s, &entry, &made->audit, err);
  cd_buf_release(&detail);
  return rc;
}

static cd_code add_row(con_store *s, const con_by *by, const con_action_new *n,
                       const con_action_made *made, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_ACTION_ADD, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ssiisssssssiiiiiib", cd_str_from(made->id), n->device, (int64_t)n->kind,
             (int64_t)cd_order_kind_state(n->kind), n->type, n->scope, by->who, by->comment,
             n->ticket, n->source, n->parameters, (int64_t)CD_ACTION_PENDING, made->created_ms,
             made->created_ms, n->expires_ms, (int64_t)made->generation,
             (int64_t)made->audit.sequence,
             (cd_str){(const char *)made->audit.digest.bytes, CD_DIGEST_SIZE});
  return store_run(s, stmt, "add an action", err);
}

/* The entry and the row: what the order will say. */
static cd_code record(con_store *s, const con_by *by, const con_action_new *n,
                      con_action_made *made, cd_err *err)
{
  con_action_new with_code = *n;
  cd_buf parameters = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_code rc = CD_OK;
  if (s->has_code && n->kind == CD_ORDER_ISOLATE) {
    rc = code_add(s, n, made->id, &parameters, err);
    with_code.parameters = cd_buf_view(&parameters);
  }
  if (rc == CD_OK)
    rc = add_entry(s, by, &with_code, made, err);
  if (rc == CD_OK)
    rc = add_row(s, by, &with_code, made, err);
  cd_buf_release(&parameters);
  return rc;
}

static cd_code create(con_store *s, const con_by *by, const con_action_new *n,
                      con_action_made *made, cd_err *err)
{
  cd_state state = cd_order_kind_state(n->kind);
  cd_code rc = check_device(s, n, err);
  if (rc == CD_OK)
    rc = check_alone(s, n, err);
  if (rc == CD_OK)
    rc = cd_id_make(made->id, err);
  if (rc == CD_OK && state != CD_STATE_NONE)
    rc = wanted_next(s, n->device, state, &made->generation, err);
  if (rc == CD_OK)
    rc = record(s, by, n, made, err);
  if (rc == CD_OK && n->exclusions_set.len > 0)
    rc = isolation_set_add(s, made->id, n->exclusions_set, n->exclusions_revision, err);
  if (rc == CD_OK && state != CD_STATE_NONE)
    rc = wanted_settle(s, n->device, state, err);
  return rc;
}

cd_code con_action_create(con_store *s, const con_by *by, const con_action_new *action,
                          con_action_made *ret_made, cd_err *err)
{
  con_action_made made = {.created_ms = cd_wall_ms()};
  cd_code rc = store_check_by(by, err);
  if (rc == CD_OK)
    rc = check_new(action, err);
  if (rc == CD_OK)
    rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = create(s, by, action, &made, err);
  rc = store_end(s, rc, err);
  if (rc == CD_OK)
    *ret_made = made;
  return rc;
}
