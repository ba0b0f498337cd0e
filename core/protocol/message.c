/* The messages of cordon.v1: what each carries. */
#include "protocol/message.h"

#include "claims.h"
#include "message_private.h"
#include "protocol/base64.h"
#include "protocol/statement.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

static const struct {
  const char *name;
  cd_side receiver;
  bool answered;        /* a request, else a notification */
  const char *document; /* the parameter that holds the one signed document */
} methods[CD_METHOD_COUNT] = {
    [CD_METHOD_HELLO] = {"hello", CD_SIDE_CONSOLE, true, NULL},
    [CD_METHOD_MARK] = {"mark", CD_SIDE_CONSOLE, true, "mark"},
    [CD_METHOD_ORDER] = {"order", CD_SIDE_AGENT, true, NULL},
    [CD_METHOD_PROGRESS] = {"progress", CD_SIDE_CONSOLE, false, NULL},
    [CD_METHOD_RESULT] = {"result", CD_SIDE_CONSOLE, true, "result"},
    [CD_METHOD_REPORT] = {"report", CD_SIDE_CONSOLE, false, "report"},
    [CD_METHOD_RENEW] = {"renew", CD_SIDE_CONSOLE, true, NULL},
    [CD_METHOD_POLICY] = {"policy", CD_SIDE_AGENT, true, NULL},
    [CD_METHOD_PACKAGE] = {"package", CD_SIDE_CONSOLE, true, NULL},
    [CD_METHOD_KEPT] = {"kept", CD_SIDE_AGENT, false, NULL},
};

const char *cd_method_name(cd_method method)
{
  return (unsigned)method < CD_METHOD_COUNT ? methods[method].name : NULL;
}

static cd_code fault(const cd_rpc *m, int64_t code, cd_rpc_fault *ret_fault, cd_code rc)
{
  if (ret_fault != NULL)
    *ret_fault = (cd_rpc_fault){.answer = m->type == CD_RPC_REQUEST, .id = m->id, .code = code};
  return rc;
}

cd_code cd_message_method(const cd_rpc *m, cd_side side, cd_method *ret_method,
                          cd_rpc_fault *ret_fault, cd_err *err)
{
  for (int i = 1; i < CD_METHOD_COUNT; i++) {
    if (strcmp(m->method, methods[i].name) != 0 || methods[i].receiver != side)
      continue;
    if (methods[i].answered == (m->type == CD_RPC_REQUEST)) {
      *ret_method = (cd_method)i;
      return CD_OK;
    }
    return fault(
        m, CD_RPC_INVALID_REQUEST, ret_fault,
        cd_fail(err, CD_E_NOTFOUND, "the method '%s' is a %s", m->method,
                methods[i].answered ? "request and needs an id" : "notification and takes no id"));
  }
  return fault(m, CD_RPC_METHOD_NOT_FOUND, ret_fault,
               cd_fail(err, CD_E_NOTFOUND, "the method '%s' is not known here", m->method));
}

cd_code cd_message_done(cd_rpc *m, cd_rpc_fault *ret_fault, cd_err *err)
{
  cd_code rc = cd_json_done(&m->body, err);
  return rc == CD_OK ? rc : fault(m, CD_RPC_INVALID_PARAMS, ret_fault, rc);
}

cd_code cd_message_answer(const cd_rpc *m, cd_err *err)
{
  if (m->type != CD_RPC_ERROR)
    return CD_OK;
  return cd_fail(err, m->code == CD_RPC_UNAVAILABLE ? CD_E_UNAVAILABLE : CD_E_DENIED,
                 "the other side answered: %.*s (code %" PRId64 ")", CD_STR_ARG(m->sentence),
                 m->code);
}

static void read_jws(cd_json *obj, const char *key, const cd_jws_kind *kind, cd_str *out)
{
  cd_json_str(obj, key, cd_jws_max(kind), out);
  if (out->ptr != NULL && out->len == 0)
    cd_json_bad(obj, key, "must not be empty");
}

/* ---- hello and welcome ---- */

cd_code cd_hello_write(const cd_hello *h, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, id, cd_method_name(CD_METHOD_HELLO));
  cd_jw_arr(&w.w, "versions");
  for (unsigned i = 0; i < h->version_count; i++)
    cd_jw_u64(&w.w, NULL, h->versions[i]);
  cd_jw_end_arr(&w.w);
  cd_jw_str(&w.w, "agent", h->agent);
  cd_jw_str(&w.w, "device", h->device);
  cd_claim_write_nonce(&w.w, "nonce", h->nonce);
  cd_jw_arr(&w.w, "capabilities");
  for (unsigned i = 0; i < h->capability_count; i++) {
    const cd_capability_report *c = &h->capabilities[i];
    cd_jw_obj(&w.w, NULL);
    cd_jw_str(&w.w, "capability", c->capability);
    if (c->provider.len > 0)
      cd_jw_str(&w.w, "provider", c->provider);
    else
      cd_jw_null(&w.w, "provider");
    cd_jw_str(&w.w, "reason", c->reason);
    cd_jw_end_obj(&w.w);
  }
  cd_jw_end_arr(&w.w);
  return cd_rpc_end(&w, "the hello", err);
}

static void read_versions(cd_json *obj, cd_hello *out)
{
  cd_json list = {0};
  cd_json_arr(obj, "versions", CD_PROTOCOL_VERSIONS_MAX, &list);
  out->version_count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < out->version_count; i++)
    cd_json_at_u64(&list, i, UINT32_MAX, &out->versions[i]);
}

static void read_capabilities(cd_json *obj, cd_hello *out)
{
  cd_json list = {0};
  cd_json_arr(obj, "capabilities", CD_CAPABILITIES_MAX, &list);
  out->capability_count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < out->capability_count; i++) {
    cd_json one = {0};
    cd_capability_report *c = &out->capabilities[i];
    cd_json_at_obj(&list, i, &one);
    cd_json_str(&one, "capability", CD_WORD_MAX, &c->capability);
    (void)cd_json_opt_str(&one, "provider", CD_PROVIDER_ID_MAX, &c->provider);
    cd_json_str(&one, "reason", CD_SENTENCE_MAX, &c->reason);
    cd_json_no_more(&one);
  }
}

cd_code cd_hello_read(cd_rpc *m, cd_hello *ret_hello, cd_rpc_fault *ret_fault, cd_err *err)
{
  cd_hello h = {0};
  read_versions(&m->body, &h);
  cd_json_str(&m->body, "agent", CD_WORD_MAX, &h.agent);
  cd_json_str(&m->body, "device", CD_DEVICE_ID_MAX, &h.device);
  if (h.device.ptr != NULL && !cd_device_id_valid(h.device))
    cd_json_bad(&m->body, "device", "must be the id of a device");
  cd_claim_nonce(&m->body, "nonce", h.nonce);
  read_capabilities(&m->body, &h);
  cd_code rc = cd_message_done(m, ret_fault, err);
  if (rc == CD_OK)
    *ret_hello = h;
  return rc;
}

unsigned cd_hello_version(const cd_hello *h)
{
  for (unsigned i = 0; i < h->version_count; i++)
    if (h->versions[i] == CD_PROTOCOL_VERSION)
      return CD_PROTOCOL_VERSION;
  return 0;
}

cd_code cd_welcome_write(const cd_welcome *welcome, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_response(&w, out, id);
  cd_jw_u64(&w.w, "version", welcome->version);
  cd_jw_str(&w.w, "console", welcome->console);
  cd_claim_write_nonce(&w.w, "nonce", welcome->nonce);
  cd_jw_str(&w.w, "key", welcome->key);
  cd_jw_str(&w.w, "mark", welcome->mark);
  return cd_rpc_end(&w, "the welcome", err);
}

cd_code cd_welcome_read(cd_rpc *m, cd_welcome *ret_welcome, cd_err *err)
{
  cd_welcome w = {0};
  cd_code rc = cd_message_answer(m, err);
  if (rc != CD_OK)
    return rc;
  cd_json_u64(&m->body, "version", UINT32_MAX, &w.version);
  cd_json_str(&m->body, "console", CD_WORD_MAX, &w.console);
  cd_claim_nonce(&m->body, "nonce", w.nonce);
  read_jws(&m->body, "key", &cd_jws_statement, &w.key);
  read_jws(&m->body, "mark", &cd_jws_mark, &w.mark);
  if (w.version != CD_PROTOCOL_VERSION)
    cd_json_bad(&m->body, "version", "is %" PRIu64 ", and this agent speaks %u", w.version,
                CD_PROTOCOL_VERSION);
  rc = cd_message_done(m, NULL, err);
  if (rc == CD_OK)
    *ret_welcome = w;
  return rc;
}

/* ---- one signed document ---- */

static const cd_jws_kind *document_kind(cd_method method)
{
  switch (method) {
  case CD_METHOD_MARK: return &cd_jws_mark;
  case CD_METHOD_RESULT: return &cd_jws_result;
  default: return &cd_jws_report;
  }
}

cd_code cd_signed_write(cd_method method, cd_str jws, uint64_t id, cd_buf *out, cd_err *err)
{
  if ((unsigned)method >= CD_METHOD_COUNT || methods[method].document == NULL ||
      methods[method].answered != (id != 0))
    return cd_fail(err, CD_E_INTERNAL, "a message of one signed document was written as another");
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, id, methods[method].name);
  cd_jw_str(&w.w, methods[method].document, jws);
  return cd_rpc_end(&w, document_kind(method)->noun, err);
}

cd_code cd_signed_read(cd_rpc *m, cd_method method, cd_str *ret_jws, cd_rpc_fault *ret_fault,
                       cd_err *err)
{
  cd_str jws = {0};
  if ((unsigned)method >= CD_METHOD_COUNT || methods[method].document == NULL)
    return cd_fail(err, CD_E_INTERNAL, "a message was read as one signed document");
  read_jws(&m->body, methods[method].document, document_kind(method), &jws);
  cd_code rc = cd_message_done(m, ret_fault, err);
  if (rc == CD_OK)
    *ret_jws = jws;
  return rc;
}

cd_code cd_ack_write(uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_response(&w, out, id);
  return cd_rpc_end(&w, "the acknowledgement", err);
}

cd_code cd_ack_read(cd_rpc *m, cd_err *err)
{
  cd_code rc = cd_message_answer(m, err);
  return rc == CD_OK ? cd_message_done(m, NULL, err) : rc;
}

/* ---- orders ---- */

cd_code cd_order_message_write(const cd_order_message *o, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, id, cd_method_name(CD_METHOD_ORDER));
  cd_jw_str(&w.w, "order", o->order);
  cd_jw_str(&w.w, "key", o->key);
  return cd_rpc_end(&w, "the order", err);
}

cd_code cd_order_message_read(cd_rpc *m, cd_order_message *ret_order, cd_rpc_fault *ret_fault,
                              cd_err *err)
{
  cd_order_message o = {0};
  read_jws(&m->body, "order", &cd_jws_order, &o.order);
  read_jws(&m->body, "key", &cd_jws_statement, &o.key);
  cd_code rc = cd_message_done(m, ret_fault, err);
  if (rc == CD_OK)
    *ret_order = o;
  return rc;
}

cd_code cd_policy_message_write(const cd_policy_message *p, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, id, cd_method_name(CD_METHOD_POLICY));
  cd_jw_str(&w.w, "policy", p->policy);
  cd_jw_str(&w.w, "key", p->key);
  return cd_rpc_end(&w, "the policy", err);
}

cd_code cd_policy_message_read(cd_rpc *m, cd_policy_message *ret_policy, cd_rpc_fault *ret_fault,
                               cd_err *err)
{
  cd_policy_message p = {0};
  read_jws(&m->body, "policy", &cd_jws_policy, &p.policy);
  read_jws(&m->body, "key", &cd_jws_statement, &p.key);
  cd_code rc = cd_message_done(m, ret_fault, err);
  if (rc == CD_OK)
    *ret_policy = p;
  return rc;
}

cd_code cd_order_ack_write(const cd_order_ack *a, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_response(&w, out, id);
  cd_jw_bool(&w.w, "accepted", a->accepted);
  cd_jw_cstr(&w.w, "refusal", a->accepted ? NULL : cd_refusal_name(a->refusal));
  if (a->accepted)
    cd_jw_null(&w.w, "sentence");
  else
    cd_jw_str(&w.w, "sentence", a->sentence);
  return cd_rpc_end(&w, "the answer to an order", err);
}

cd_code cd_order_ack_read(cd_rpc *m, cd_order_ack *ret_ack, cd_err *err)
{
  cd_order_ack a = {0};
  cd_str name = {0};
  cd_code rc = cd_message_answer(m, err);
  if (rc != CD_OK)
    return rc;
  cd_json_bool(&m->body, "accepted", &a.accepted);
  bool refused = cd_json_opt_str(&m->body, "refusal", CD_WORD_MAX, &name);
  if (refused && !cd_refusal_from_name(name, &a.refusal))
    cd_json_bad(&m->body, "refusal", "must be the name of a refusal");
  if (refused == a.accepted)
    cd_json_bad(&m->body, "refusal", "must be there if, and only if, the order was not accepted");
  (void)cd_json_opt_str(&m->body, "sentence", CD_SENTENCE_MAX, &a.sentence);
  rc = cd_message_done(m, NULL, err);
  if (rc == CD_OK)
    *ret_ack = a;
  return rc;
}

/* ---- progress ---- */

static void write_opt(cd_jw *w, const char *key, cd_str text)
{
  if (text.len > 0)
    cd_jw_str(w, key, text);
  else
    cd_jw_null(w, key);
}

cd_code cd_progress_write(const cd_progress *p, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, 0, cd_method_name(CD_METHOD_PROGRESS));
  cd_jw_cstr(&w.w, "action", p->action);
  cd_jw_cstr(&w.w, "status", cd_action_status_name(p->status));
  write_opt(&w.w, "step", p->step);
  cd_jw_u64(&w.w, "done", p->done);
  cd_jw_u64(&w.w, "total", p->total);
  write_opt(&w.w, "what", p->what);
  return cd_rpc_end(&w, "the progress", err);
}

cd_code cd_progress_read(cd_rpc *m, cd_progress *ret_progress, cd_err *err)
{
  cd_progress p = {0};
  cd_str name = {0};
  cd_claim_action(&m->body, "action", p.action);
  cd_json_str(&m->body, "status", CD_WORD_MAX, &name);
  if (!cd_action_status_from_name(name, &p.status) || cd_action_status_final(p.status))
    cd_json_bad(&m->body, "status", "must be one of: Pending, InProgress");
  (void)cd_json_opt_str(&m->body, "step", CD_WORD_MAX, &p.step);
  cd_json_u64(&m->body, "done", UINT64_MAX, &p.done);
  cd_json_u64(&m->body, "total", UINT64_MAX, &p.total);
  (void)cd_json_opt_str(&m->body, "what", CD_NOTE_MAX, &p.what);
  cd_code rc = cd_message_done(m, NULL, err);
  if (rc == CD_OK)
    *ret_progress = p;
  return rc;
}

/* ---- renewal ---- */

static void read_pem(cd_json *obj, const char *key, size_t max, cd_str *out)
{
  cd_json_str(obj, key, max, out);
  if (out->ptr != NULL && out->len == 0)
    cd_json_bad(obj, key, "must not be empty");
}

cd_code cd_renew_write(cd_str csr, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, id, cd_method_name(CD_METHOD_RENEW));
  cd_jw_str(&w.w, "csr", csr);
  return cd_rpc_end(&w, "the request for a new certificate", err);
}

cd_code cd_renew_read(cd_rpc *m, cd_str *ret_csr, cd_rpc_fault *ret_fault, cd_err *err)
{
  cd_str csr = {0};
  read_pem(&m->body, "csr", CD_CSR_MAX, &csr);
  cd_code rc = cd_message_done(m, ret_fault, err);
  if (rc == CD_OK)
    *ret_csr = csr;
  return rc;
}

cd_code cd_renewed_write(cd_str certificate, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_response(&w, out, id);
  cd_jw_str(&w.w, "certificate", certificate);
  return cd_rpc_end(&w, "the new certificate", err);
}

cd_code cd_renewed_read(cd_rpc *m, cd_str *ret_certificate, cd_err *err)
{
  cd_str certificate = {0};
  cd_code rc = cd_message_answer(m, err);
  if (rc != CD_OK)
    return rc;
  read_pem(&m->body, "certificate", CD_CERTIFICATE_MAX, &certificate);
  rc = cd_message_done(m, NULL, err);
  if (rc == CD_OK)
    *ret_certificate = certificate;
  return rc;
}
