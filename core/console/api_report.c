/* What is taken away to be verified elsewhere: the proof of one action, the audit log, its head. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/log.h"
#include "protocol/base64.h"
#include "protocol/order.h"

#include "base/banned.h"

#define AUDIT_PAGE 1000u

/* ---- audit entries ---- */

typedef struct audit_page {
  cd_buf *out;
  uint64_t count;
  uint64_t last;
} audit_page;

static bool each_entry(void *context, const con_audit_entry *e)
{
  audit_page *page = context;
  if (page->count++ > 0)
    cd_buf_add_char(page->out, ',');
  con_audit_entry_write(e, page->out);
  page->last = e->sequence;
  return page->out->failed == CD_OK;
}

static bool read_number(con_call *c, const char *name, uint64_t *ret_number)
{
  cd_str text = {0};
  if (!con_call_param(c, name, &text) || cd_str_to_u64(text, INT64_MAX, ret_number))
    return true;
  con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input %s", name);
  return false;
}

/* From `from` on, at most a thousand; `next` is where to go on. */
void con_api_audit(con_call *c)
{
  con_audit_query query = {.first = 1, .limit = AUDIT_PAGE};
  audit_page page = {.out = &c->reply.body};
  cd_err err = {0};
  if (!read_number(c, "from", &query.first) || !read_number(c, "limit", &query.limit))
    return;
  if (query.first == 0 || query.limit == 0 || query.limit > AUDIT_PAGE) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input: from is at least 1, limit at "
                    "least 1 and at most %u",
                    AUDIT_PAGE);
    return;
  }
  cd_buf_add_cstr(page.out, "{\"value\":[");
  cd_code rc = con_audit_list(c->reader, &query, each_entry, &page, &err);
  if (rc == CD_OK && page.count == query.limit)
    cd_buf_addf(page.out, "],\"next\":%llu}", (unsigned long long)page.last + 1);
  else
    cd_buf_add_cstr(page.out, "],\"next\":null}");
  if (rc == CD_OK)
    rc = cd_buf_status(page.out, "the audit log", &err);
  if (rc == CD_OK)
    c->reply.status = 200;
  else
    con_call_trouble(c, &err);
}

/* ---- the signed head ---- */

static void no_signer(con_call *c, const con_signer_reply *reply)
{
  cd_log(CD_AREA_API, CD_LOG_WARN, "no signed head: %s", reply->sentence);
  con_reply_error(&c->reply, reply->code == CD_E_CONFLICT ? CON_INTERNAL : CON_UNAVAILABLE, "%s",
                  reply->sentence);
}

static void write_head(cd_jw *w, const char *key, const con_signer_reply *reply)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&reply->head.digest, digest);
  cd_jw_obj(w, key);
  cd_jw_u64(w, "sequence", reply->head.sequence);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_str(w, "signed", reply->signed_head);
  cd_jw_end_obj(w);
}

static void on_head(void *context, const con_signer_reply *reply)
{
  con_call *c = context;
  cd_jw w;
  if (reply->code == CD_OK) {
    cd_jw_init(&w, &c->reply.body);
    cd_jw_obj(&w, NULL);
    write_head(&w, "head", reply);
    cd_jw_cstr(&w, "orderKey", c->server->keys.order_key);
    cd_jw_cstr(&w, "root", c->server->keys.root);
    cd_jw_end_obj(&w);
    con_call_written(c, 200, &w);
  } else {
    no_signer(c, reply);
  }
  con_call_done(c);
}

void con_api_head(con_call *c)
{
  c->later = true;
  con_signer_head(c->server->signer, NULL, 0, on_head, c);
}

/* ---- the proof of an action ---- */

static void optional(cd_jw *w, const char *key, cd_str text)
{
  if (text.len > 0)
    cd_jw_str(w, key, text);
  else
    cd_jw_null(w, key);
}

/* Looks for the key that made a signature: it may have been replaced since. */
typedef struct key_search {
  const cd_public_key *root;
  cd_purpose purpose;
  cd_str order;  /* JWS by the order key, or empty */
  cd_str device; /* the device CA's statement, or empty */
  char *found;
} key_search;

static bool has_signed(const key_search *k, const cd_public_key *key)
{
  cd_err ignored = {0};
  cd_order order = {0};
  cd_statement said = {0};
  if (k->purpose == CD_PURPOSE_DEVICE_CA)
    return cd_statement_verify(k->device, key, CD_PURPOSE_DEVICE, &said, &ignored) == CD_OK;
  bool good = cd_order_verify(k->order, key, &order, NULL, &ignored) == CD_OK;
  cd_order_release(&order);
  return good;
}

static bool each_statement(void *context, cd_str statement)
{
  key_search *k = context;
  cd_err ignored = {0};
  cd_statement said = {0};
  if (cd_statement_verify(statement, k->root, k->purpose, &said, &ignored) != CD_OK ||
      !has_signed(k, &said.key))
    return true;
  k->found = cd_str_dup(statement);
  return false;
}

/* NULL where none is known; the caller frees it. */
static char *find_key(con_server *s, cd_purpose purpose, cd_str order, cd_str device)
{
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  cd_public_key root = {0};
  cd_err err = {0};
  key_search k = {.root = &root, .purpose = purpose, .order = order, .device = device};
  if (!cd_base64url_decode(cd_str_from(s->keys.root), der, sizeof(der), &len) ||
      cd_public_key_from_der((cd_str){(const char *)der, len}, &root, &err) != CD_OK ||
      con_statement_each(s->store, purpose, each_statement, &k, &err) != CD_OK)
    return NULL;
  return k.found;
}

static void write_keys(con_call *c, const con_action *a, const con_device *d, cd_jw *w)
{
  const con_keys *k = &c->server->keys;
  char *order =
      a->order.len > 0 ? find_key(c->server, CD_PURPOSE_ORDER, a->order, (cd_str){0}) : NULL;
  char *device_ca = find_key(c->server, CD_PURPOSE_DEVICE_CA, (cd_str){0}, d->statement);
  cd_jw_obj(w, "keys");
  cd_jw_cstr(w, "root", k->root);
  cd_jw_cstr(w, "order", order != NULL ? order : k->order_key);
  cd_jw_cstr(w, "deviceCa", device_ca != NULL ? device_ca : k->device_ca_key);
  cd_jw_cstr(w, "head", k->order_key);
  optional(w, "device", d->statement);
  cd_jw_end_obj(w);
  free(order);
  free(device_ca);
}

/* Everything that it takes: the order and its key's statement say who ordered what, the result and
 * the device's key what the device did, the audit entries who asked; the head says that the log has
 * them. */
static void write_proof(con_call *c, const con_action *a, const con_device *d, cd_str entries,
                        const con_signer_reply *reply, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_u64(w, "cordonReport", 1);
  cd_jw_time(w, "made", cd_wall_ms());
  cd_jw_cstr(w, "console", CORDON_VERSION);
  cd_buf action = CD_BUF_INIT(CON_REPLY_MAX);
  cd_jw aw;
  cd_jw_init(&aw, &action);
  con_shape_write(&con_actions, &aw, NULL, a, (cd_str){0});
  cd_jw_raw(w, "action", cd_buf_view(&action));
  cd_buf_release(&action);
  cd_jw_obj(w, "device");
  cd_jw_str(w, "id", d->id);
  cd_jw_str(w, "computerDnsName", d->dns_name);
  cd_jw_str(w, "key", d->device_key);
  cd_jw_str(w, "keyId", d->key_id);
  cd_jw_end_obj(w);
  optional(w, "order", a->order);
  optional(w, "result", a->result);
  cd_jw_raw(w, "evidence", a->evidence);
  optional(w, "altered", a->altered);
  write_keys(c, a, d, w);
  cd_jw_raw(w, "audit", entries);
  write_head(w, "head", reply);
  cd_jw_end_obj(w);
}

/* The entries that the head speaks for: those that were there when it was asked for. */
typedef struct proof {
  con_call *call;
  size_t count;
  con_audit_ref entries[CON_HEAD_ENTRIES];
} proof;

static cd_code make_report(const proof *p, const con_signer_reply *reply, cd_err *err)
{
  con_call *c = p->call;
  con_action a = {0};
  con_device d = {0};
  cd_buf entries = CD_BUF_INIT(CON_REPLY_MAX);
  audit_page page = {.out = &entries};
  cd_jw w;
  cd_code rc = con_call_action(c, c->match.captured[0], &a, err);
  if (rc == CD_OK)
    rc = con_device_get(c->server->store, a.device, &d, err);
  const con_audit_query query = {.first = 1, .limit = p->count, .action = cd_str_from(a.id)};
  cd_buf_add_char(&entries, '[');
  if (rc == CD_OK)
    rc = con_audit_list(c->server->store, &query, each_entry, &page, err);
  cd_buf_add_char(&entries, ']');
  if (rc == CD_OK)
    rc = cd_buf_status(&entries, "the report", err);
  if (rc == CD_OK) {
    cd_jw_init(&w, &c->reply.body);
    write_proof(c, &a, &d, cd_buf_view(&entries), reply, &w);
    con_call_written(c, 200, &w);
    c->reply.file_name = c->reply.status == 200 ? "cordon-report.json" : NULL;
  }
  cd_buf_release(&entries);
  con_device_release(&d);
  con_action_release(&a);
  return rc;
}

static void on_report_head(void *context, const con_signer_reply *reply)
{
  proof *p = context;
  con_call *c = p->call;
  cd_err err = {0};
  if (reply->code != CD_OK)
    no_signer(c, reply);
  else if (make_report(p, reply, &err) != CD_OK)
    con_call_trouble(c, &err);
  free(p);
  con_call_done(c);
}

static bool each_ref(void *context, const con_audit_entry *e)
{
  proof *p = context;
  p->entries[p->count++] = (con_audit_ref){.sequence = e->sequence, .digest = e->digest};
  return true;
}

static cd_code ask_for_head(con_call *c, const char *action, cd_err *err)
{
  proof *p = calloc(1, sizeof(*p));
  const con_audit_query query = {
      .first = 1, .limit = CON_HEAD_ENTRIES, .action = cd_str_from(action)};
  if (p == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a report");
  p->call = c;
  cd_code rc = con_audit_list(c->server->store, &query, each_ref, p, err);
  if (rc != CD_OK) {
    free(p);
    return rc;
  }
  c->later = true;
  con_signer_head(c->server->signer, p->entries, p->count, on_report_head, p);
  return CD_OK;
}

void con_api_report(con_call *c)
{
  con_action a = {0};
  cd_err err = {0};
  cd_code rc = con_call_action(c, c->match.captured[0], &a, &err);
  if (rc == CD_OK)
    rc = ask_for_head(c, a.id, &err);
  con_action_release(&a);
  if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                    CD_STR_ARG(c->match.captured[0]));
  else if (rc != CD_OK)
    con_call_trouble(c, &err);
}
