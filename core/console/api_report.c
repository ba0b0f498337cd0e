/* What is taken away to be verified elsewhere: the proof of one action, the audit log, its head. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/log.h"

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
  con_signer_head(c->server->signer, on_head, c);
}

/* ---- the proof of an action ---- */

static void optional(cd_jw *w, const char *key, cd_str text)
{
  if (text.len > 0)
    cd_jw_str(w, key, text);
  else
    cd_jw_null(w, key);
}

/* Everything that it takes: the order and its key's statement say who ordered what, the result and
 * the device's key what the device did, the audit entries who asked; the head binds them to the
 * log.
 */
static void write_proof(con_call *c, const con_action *a, const con_device *d, cd_str entries,
                        const con_signer_reply *reply, cd_jw *w)
{
  const con_keys *k = &c->server->keys;
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
  cd_jw_obj(w, "keys");
  cd_jw_cstr(w, "root", k->root);
  cd_jw_cstr(w, "order", k->order_key);
  cd_jw_cstr(w, "deviceCa", k->device_ca_key);
  optional(w, "device", d->statement);
  cd_jw_end_obj(w);
  cd_jw_raw(w, "audit", entries);
  write_head(w, "head", reply);
  cd_jw_end_obj(w);
}

static cd_code make_report(con_call *c, const con_signer_reply *reply, cd_err *err)
{
  con_action a = {0};
  con_device d = {0};
  cd_buf entries = CD_BUF_INIT(CON_REPLY_MAX);
  audit_page page = {.out = &entries};
  cd_jw w;
  cd_code rc = con_action_get(c->server->store, c->match.captured[0], &a, err);
  if (rc == CD_OK)
    rc = con_device_get(c->server->store, a.device, &d, err);
  const con_audit_query query = {.first = 1, .limit = AUDIT_PAGE, .action = cd_str_from(a.id)};
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
  con_call *c = context;
  cd_err err = {0};
  if (reply->code != CD_OK)
    no_signer(c, reply);
  else if (make_report(c, reply, &err) != CD_OK)
    con_call_trouble(c, &err);
  con_call_done(c);
}

void con_api_report(con_call *c)
{
  con_action a = {0};
  cd_err err = {0};
  cd_code rc = con_action_get(c->server->store, c->match.captured[0], &a, &err);
  con_action_release(&a);
  if (rc == CD_E_NOTFOUND) {
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                    CD_STR_ARG(c->match.captured[0]));
  } else if (rc != CD_OK) {
    con_call_trouble(c, &err);
  } else {
    c->later = true;
    con_signer_head(c->server->signer, on_report_head, c);
  }
}
