/* Whoever writes to the database can make an action's row say anything. What is shown of it is
 * therefore held against what he cannot make: the sealed entries of the audit log about it, and the
 * device's result, whose digest the entry of its end names. Where the row differs, they count, and
 * `altered` says what differed.
 *
 * Not held against anything: the number, the device's name, the generation, when the order was
 * sent, whether it was taken, and the progress of what has not ended. */
#include "store_told.h"

#include "audit_walk.h"
#include "base/clock.h"
#include "base/json.h"
#include "protocol/base64.h"
#include "protocol/jws.h"
#include "protocol/secret.h"

#include <mbedtls/md.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define MARK_PREFIX "cordon-row-1\n"
/* Between the row's time and the entry's, which one transaction wrote. */
#define NEAR_MS 60000

static cd_str keep(action_told *t, cd_str text)
{
  char *copy = NULL;
  if (text.len == 0)
    return (cd_str){0};
  if (t->text_count < TOLD_TEXTS_MAX)
    copy = cd_str_dup(text);
  if (copy == NULL) {
    t->no_memory = true;
    return (cd_str){0};
  }
  t->texts[t->text_count++] = copy;
  return (cd_str){copy, text.len};
}

void action_told_release(action_told *t)
{
  for (size_t i = 0; i < t->text_count; i++)
    free(t->texts[i]);
  cd_result_release(&t->result);
  *t = (action_told){0};
}

/* ---- the entries ---- */

static cd_str text_of(cd_json *root, const char *key)
{
  cd_str text = {0};
  (void)cd_json_opt_str(root, key, CON_AUDIT_DETAIL_MAX, &text);
  return text;
}

static cd_str said(action_told *t, cd_json *root, const char *key)
{
  return keep(t, text_of(root, key));
}

static bool digest_of(cd_json *root, const char *key, cd_digest *ret_digest)
{
  cd_str text = text_of(root, key);
  return text.len > 0 && cd_digest_from_text(text, ret_digest);
}

static void take_order(action_told *t, const con_audit_entry *e, cd_json *root)
{
  con_action *a = &t->action;
  t->asked = cd_order_kind_from_name(text_of(root, "kind"), &a->kind) &&
             digest_of(root, "parameters", &t->parameters);
  a->device = keep(t, e->device);
  a->requestor = t->local ? said(t, root, "requestor") : keep(t, e->who);
  a->scope = said(t, root, "scope");
  a->audit = (con_audit_ref){.sequence = e->sequence, .digest = e->digest};
  if (t->local) {
    a->type = con_action_local_type(a->kind);
    a->source = CD_STR("Device");
    return;
  }
  a->created_ms = e->at_ms;
  a->type = said(t, root, "type");
  a->comment = said(t, root, "comment");
  a->ticket = said(t, root, "ticket");
  a->source = said(t, root, "source");
  (void)cd_json_opt_i64(root, "expires", 0, CD_WALL_MS_MAX, &a->expires_ms);
}

static void take_end(action_told *t, const con_audit_entry *e, cd_json *root)
{
  t->ended = cd_action_status_from_name(text_of(root, "status"), &t->action.status);
  t->action.outcome = said(t, root, "outcome");
  t->action.sentence = said(t, root, "sentence");
  t->has_result = digest_of(root, "result", &t->result_digest);
  t->ended_ms = e->at_ms;
}

static void take_cancel(action_told *t, const con_audit_entry *e, cd_json *root)
{
  t->ended = true;
  t->ended_ms = e->at_ms;
  t->action.status = CD_ACTION_CANCELLED;
  t->action.cancel_by = keep(t, e->who);
  t->action.cancel_comment = said(t, root, "comment");
  t->action.cancelled_ms = e->at_ms;
}

static void take(action_told *t, const con_audit_entry *e, cd_json *root)
{
  bool created = cd_str_eq_cstr(e->what, CON_WHAT_CREATE);
  bool ended = cd_str_eq_cstr(e->what, CON_WHAT_RESULT);
  bool cancelled = cd_str_eq_cstr(e->what, CON_WHAT_CANCEL);
  if (cancelled) {
    take_cancel(t, e, root);
    return;
  }
  t->local = t->local || !(created || ended);
  if (!ended && !t->asked)
    take_order(t, e, root);
  if (!created)
    take_end(t, e, root);
}

static cd_code read_entry(const con_store *s, action_told *t, sqlite3_stmt *stmt)
{
  con_audit_entry e;
  cd_json_doc *doc = NULL;
  cd_err ignored = {0};
  /* One that is not ours says nothing. */
  if (!audit_read_row(stmt, &e) || !con_audit_is_ours(&e, &s->seal) ||
      cd_json_parse(e.detail, CON_AUDIT_DETAIL_MAX, "the entry", &doc, &ignored) != CD_OK)
    return CD_OK;
  cd_json root = cd_json_root(doc);
  take(t, &e, &root);
  cd_json_free(doc);
  return CD_OK;
}

static cd_code read_entries(con_store *s, const con_action *row, action_told *t, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  cd_code rc = store_take(s, CON_SQL_AUDIT_OF_ACTION, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "s", cd_str_from(row->id));
  while (rc == CD_OK) {
    rc = store_row(s, stmt, "look at the audit log", err);
    if (rc == CD_OK)
      rc = read_entry(s, t, stmt);
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

/* ---- what the entries only name by its digest ---- */

static bool is_digest_of(cd_str text, const cd_digest *digest)
{
  cd_digest own;
  cd_err ignored = {0};
  return cd_digest_of(text.ptr, text.len, &own, &ignored) == CD_OK && cd_digest_equal(&own, digest);
}

/* The row's parameters, else those of the order that it keeps, if they are what was asked. */
static void find_parameters(action_told *t, const con_action *row)
{
  cd_buf payload = CD_BUF_INIT(CD_ORDER_PAYLOAD_MAX);
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_json_doc *doc = NULL;
  cd_json parameters = {0};
  cd_err ignored = {0};
  t->action.parameters = row->parameters;
  t->action.related_file = row->related_file;
  if (is_digest_of(row->parameters, &t->parameters))
    return;
  t->action.parameters = (cd_str){0};
  t->action.related_file = (cd_str){0};
  if (row->order.len > 0 && cd_jws_peek(&cd_jws_order, row->order, &payload, &ignored) == CD_OK &&
      cd_json_parse(cd_buf_view(&payload), payload.max, "the order", &doc, &ignored) == CD_OK) {
    cd_json root = cd_json_root(doc);
    if (cd_json_opt_obj(&root, "parameters", &parameters))
      cd_json_print(&parameters, &text);
    if (text.len > 0 && is_digest_of(cd_buf_view(&text), &t->parameters))
      t->action.parameters = keep(t, cd_buf_view(&text));
  }
  cd_json_free(doc);
  cd_buf_release(&text);
  cd_buf_release(&payload);
}

/* False: the row has another result than the one whose digest was noted, or none. */
static bool find_result(action_told *t, const con_action *row)
{
  cd_err ignored = {0};
  if (!t->has_result)
    return row->result.len == 0;
  if (cd_result_open(row->result, &t->result_digest, &t->result, &ignored) != CD_OK)
    return false;
  t->action.result = row->result;
  t->action.evidence = t->result.result;
  if (t->local) {
    t->action.comment = t->result.comment;
    t->action.created_ms = t->result.created_ms;
  }
  return true;
}

/* ---- the comparison ---- */

typedef struct names {
  cd_buf text;
  unsigned count;
} names;

static void name(names *n, bool same, const char *what)
{
  if (same)
    return;
  cd_buf_addf(&n->text, "%s%s", n->count > 0 ? ", " : "", what);
  n->count++;
}

static bool near(int64_t a, int64_t b)
{
  int64_t apart = a > b ? a - b : b - a;
  return apart <= NEAR_MS;
}

static void compare_order(names *n, const action_told *t, const con_action *row)
{
  const con_action *a = &t->action;
  name(n, cd_str_eq(a->device, row->device), "the device");
  name(n, a->kind == row->kind && cd_str_eq(a->type, row->type) && cd_str_eq(a->scope, row->scope),
       "what was ordered");
  name(n, cd_str_eq(a->parameters, row->parameters), "the parameters");
  name(n, cd_str_eq(a->requestor, row->requestor), "the requestor");
  name(n, cd_str_eq(a->comment, row->comment), "the comment");
  name(n, cd_str_eq(a->ticket, row->ticket) && cd_str_eq(a->source, row->source), "the reference");
  name(n, a->created_ms == row->created_ms && a->expires_ms == row->expires_ms, "the times");
  name(n,
       a->audit.sequence == row->audit.sequence &&
           cd_digest_equal(&a->audit.digest, &row->audit.digest),
       "its entry of the audit log");
}

static void compare_end(names *n, const action_told *t, const con_action *row, bool same_result)
{
  const con_action *a = &t->action;
  name(n, a->status == row->status, "the status");
  name(n, cd_str_eq(a->outcome, row->outcome) && cd_str_eq(a->sentence, row->sentence),
       "the outcome");
  name(n, same_result, "the signed result");
  name(n, cd_str_eq(a->evidence, row->evidence), "the evidence");
  name(n, !t->ended || near(t->ended_ms, row->updated_ms), "the time of the end");
  name(n,
       cd_str_eq(a->cancel_by, row->cancel_by) &&
           cd_str_eq(a->cancel_comment, row->cancel_comment) &&
           near(a->cancelled_ms, row->cancelled_ms),
       "the cancellation");
}

/* What is not in the log and not checked. */
static void copy_rest(action_told *t, const con_action *row)
{
  con_action *a = &t->action;
  memcpy(a->id, row->id, sizeof(a->id));
  a->number = row->number;
  a->dns_name = row->dns_name;
  a->generation = row->generation;
  a->sent_ms = row->sent_ms;
  a->accepted = row->accepted;
  a->order = row->order;
  a->progress = row->progress;
  a->updated_ms = row->updated_ms;
  if (t->ended && !near(t->ended_ms, row->updated_ms))
    a->updated_ms = t->ended_ms;
  if (a->cancelled_ms != 0 && near(a->cancelled_ms, row->cancelled_ms))
    a->cancelled_ms = row->cancelled_ms;
}

/* Not in the log at all: somebody put the row there, or took the entry away. */
static void tell_unknown(action_told *t, const con_action *row)
{
  con_action *a = &t->action;
  action_told_release(t);
  copy_rest(t, row);
  a->device = row->device;
  a->kind = row->kind;
  a->type = row->type;
  a->status = CD_ACTION_FAILED;
  a->created_ms = row->created_ms;
  a->audit = row->audit;
  a->outcome = CD_STR("conflict");
  (void)snprintf(t->altered, sizeof(t->altered),
                 "the audit log does not record this action: it was written into the database");
  a->sentence = cd_str_from(t->altered);
}

static cd_code judge(action_told *t, const con_action *row, cd_err *err)
{
  names n = {.text = CD_BUF_INIT(sizeof(t->altered))};
  if (!t->ended) {
    bool open = row->status == CD_ACTION_PENDING || row->status == CD_ACTION_IN_PROGRESS;
    t->action.status = open            ? row->status
                       : row->accepted ? CD_ACTION_IN_PROGRESS
                                       : CD_ACTION_PENDING;
  }
  find_parameters(t, row);
  bool same_result = find_result(t, row);
  if (t->no_memory)
    return cd_fail(err, CD_E_INTERNAL, "no memory to look at an action");
  compare_order(&n, t, row);
  compare_end(&n, t, row, same_result);
  copy_rest(t, row);
  if (n.count > 0)
    (void)snprintf(t->altered, sizeof(t->altered),
                   "this action was changed in the database (%s); what is shown is what the audit "
                   "log and the signed result say",
                   cd_buf_cstr(&n.text));
  cd_buf_release(&n.text);
  return CD_OK;
}

cd_code action_tell(con_store *s, const con_action *row, action_told *ret_told, cd_err *err)
{
  action_told *t = ret_told;
  *t = (action_told){0};
  cd_code rc = read_entries(s, row, t, err);
  if (rc == CD_OK && !t->asked)
    tell_unknown(t, row);
  else if (rc == CD_OK)
    rc = judge(t, row, err);
  t->action.altered = cd_str_from(t->altered);
  if (rc != CD_OK)
    action_told_release(t);
  return rc;
}

/* ---- marks ---- */

static void add_number(cd_buf *out, uint64_t number)
{
  uint8_t bytes[8];
  for (size_t i = 0; i < sizeof(bytes); i++)
    bytes[i] = (uint8_t)(number >> (8 * i));
  cd_buf_add(out, bytes, sizeof(bytes));
}

static void add_text(cd_buf *out, cd_str text)
{
  add_number(out, text.len);
  cd_buf_add_str(out, text);
}

cd_code action_mark(const con_store *s, const con_action *a, cd_buf *scratch,
                    uint8_t ret_mark[ACTION_MARK_SIZE], cd_err *err)
{
  const cd_str texts[] = {cd_str_from(a->id), a->device,      a->type,     a->scope,
                          a->requestor,       a->comment,     a->ticket,   a->source,
                          a->parameters,      a->outcome,     a->sentence, a->cancel_by,
                          a->cancel_comment,  a->related_file};
  const uint64_t numbers[] = {a->number,
                              (uint64_t)a->kind,
                              (uint64_t)a->status,
                              (uint64_t)a->created_ms,
                              (uint64_t)a->updated_ms,
                              (uint64_t)a->expires_ms,
                              (uint64_t)a->cancelled_ms};
  cd_buf_reset(scratch);
  cd_buf_add_cstr(scratch, MARK_PREFIX);
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    add_text(scratch, texts[i]);
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
    add_number(scratch, numbers[i]);
  cd_code rc = cd_buf_status(scratch, "the row of an action", err);
  if (rc != CD_OK)
    return rc;
  int md =
      mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), s->seal.bytes,
                      sizeof(s->seal.bytes), (const uint8_t *)scratch->ptr, scratch->len, ret_mark);
  return md == 0 ? CD_OK : cd_fail_os(err, CD_E_INTERNAL, md, "an action could not be marked");
}

bool action_is_marked(const con_store *s, sqlite3_stmt *stmt, const con_action *row,
                      cd_buf *scratch)
{
  uint8_t stored[ACTION_MARK_SIZE];
  uint8_t own[ACTION_MARK_SIZE];
  cd_err ignored = {0};
  return cd_action_status_final(row->status) &&
         store_blob(stmt, action_mark_column, stored, sizeof(stored)) &&
         action_mark(s, row, scratch, own, &ignored) == CD_OK &&
         cd_equal_constant_time(stored, own, sizeof(own));
}

/* ---- looking at all of them, some at a time ---- */

typedef struct marking {
  uint64_t number;
  uint8_t mark[ACTION_MARK_SIZE];
} marking;

typedef struct sweep {
  const con_sweep *how;
  cd_buf scratch;
  marking list[CON_SWEEP_MAX];
  size_t count;
  uint64_t last; /* that was looked at */
  bool end;
} sweep;

static cd_code look(con_store *s, sweep *w, sqlite3_stmt *stmt, cd_err *err)
{
  con_action row;
  action_told t;
  action_read_row(stmt, &row);
  cd_code rc = action_tell(s, &row, &t, err);
  if (rc != CD_OK)
    return rc;
  marking *m = &w->list[w->count];
  w->last = row.number;
  if (t.altered[0] != '\0')
    w->how->altered(w->how->context, &t.action);
  else if (cd_action_status_final(row.status) && !action_is_marked(s, stmt, &row, &w->scratch)) {
    m->number = row.number;
    rc = action_mark(s, &row, &w->scratch, m->mark, err);
    w->count++;
  }
  action_told_release(&t);
  return rc;
}

static cd_code look_at_some(con_store *s, sweep *w, uint64_t after, cd_err *err)
{
  sqlite3_stmt *stmt = NULL;
  uint64_t start_ms = cd_mono_ms();
  cd_code rc = store_take(s, CON_SQL_ACTION_SOME, &stmt, err);
  if (rc != CD_OK)
    return rc;
  store_bind(stmt, "ii", (int64_t)after, (int64_t)CON_SWEEP_MAX);
  for (unsigned i = 0; rc == CD_OK && i < CON_SWEEP_MAX; i++) {
    rc = store_row(s, stmt, "look at the actions", err);
    w->end = rc == CD_E_NOTFOUND;
    if (rc == CD_OK)
      rc = look(s, w, stmt, err);
    if (cd_mono_ms() - start_ms >= w->how->budget_ms)
      break;
  }
  store_done(stmt);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

/* What is lost of them with the power is made again. */
static cd_code write_marks(con_store *s, const sweep *w, cd_err *err)
{
  cd_code rc = w->count > 0 ? store_begin_riding(s, err) : CD_OK;
  if (rc != CD_OK || w->count == 0)
    return rc;
  for (size_t i = 0; i < w->count && rc == CD_OK; i++) {
    sqlite3_stmt *stmt = NULL;
    rc = store_take(s, CON_SQL_ACTION_MARK, &stmt, err);
    if (rc != CD_OK)
      break;
    store_bind(stmt, "ib", (int64_t)w->list[i].number,
               (cd_str){(const char *)w->list[i].mark, ACTION_MARK_SIZE});
    rc = store_run(s, stmt, "mark an action", err);
  }
  return store_end(s, rc, err);
}

cd_code con_actions_sweep(con_store *s, const con_sweep *how, uint64_t *after, cd_err *err)
{
  sweep w = {.how = how, .scratch = CD_BUF_INIT(CON_ACTION_ROW_MAX), .last = *after};
  cd_code rc = look_at_some(s, &w, *after, err);
  if (rc == CD_OK)
    rc = write_marks(s, &w, err);
  if (rc == CD_OK)
    *after = w.end ? 0 : w.last;
  cd_buf_release(&w.scratch);
  return rc;
}
