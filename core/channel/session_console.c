/* What the console says: read, checked for form and turn, and handed to the agent, which judges it.
 */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "chan.h"
#include "ipc/message.h"
#include "protocol/base64.h"

#include "base/banned.h"

void chan_console_say(chan *c, cd_buf *text, cd_err *err)
{
  if (c->ws == NULL)
    return;
  if (net_ws_send_text(c->ws, cd_buf_view(text), err) != CD_OK) {
    /* It does not read what matters: a new connection begins from what it acknowledged. */
    net_ws_close(c->ws, CD_WS_CLOSE_POLICY, CD_STR("the console does not read"));
  }
}

bool chan_ask(chan *c, uint64_t id, cd_method method)
{
  if (c->asked_count == CHAN_ASKED_MAX)
    return false;
  c->asked[c->asked_count++] = (chan_asked){.id = id, .method = method};
  return true;
}

static bool take_asked(chan *c, uint64_t id, cd_method *ret_method)
{
  for (unsigned i = 0; i < c->asked_count; i++) {
    if (c->asked[i].id != id)
      continue;
    *ret_method = c->asked[i].method;
    c->asked[i] = c->asked[--c->asked_count];
    return true;
  }
  return false;
}

static void send_json(chan *c, uint8_t type, uint64_t op, cd_jw *w, cd_buf *text)
{
  cd_err err = {0};
  cd_jw_end_obj(w);
  if (cd_jw_done(w, "a message for the agent", &err) == CD_OK)
    chan_send(c, type, op, cd_buf_view(text));
  else
    cd_log(CD_AREA_CHANNEL, CD_LOG_ERROR, "%s", err.text);
}

static void tell_ack(chan *c, uint64_t op, cd_code code, const char *sentence)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", cd_code_name(code));
  cd_jw_cstr(&w, "sentence", code == CD_OK ? NULL : sentence);
  send_json(c, IPC_CHAN_ACK, op, &w, &text);
  cd_buf_release(&text);
}

static void tell_welcome(chan *c, const cd_welcome *welcome)
{
  cd_buf text = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_jw w;
  char nonce[CD_BASE64URL_LEN(CD_NONCE_SIZE) + 1];
  cd_base64url_text(nonce, welcome->nonce, CD_NONCE_SIZE);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "console", welcome->console);
  cd_jw_cstr(&w, "nonce", nonce);
  cd_jw_str(&w, "key", welcome->key);
  cd_jw_str(&w, "mark", welcome->mark);
  send_json(c, IPC_CHAN_WELCOME, 0, &w, &text);
  cd_buf_release(&text);
}

/* The agent made the request; only this process knows how to read a certificate. */
static void tell_certificate(chan *c, uint64_t op, cd_str pem)
{
  cd_err err = {0};
  chan_certificate fresh = {0};
  cd_code rc = chan_certificate_check(pem, cd_str_from(c->csr), c->setup.device_ca, &fresh, &err);
  if (rc == CD_OK && !cd_str_eq_cstr(cd_str_from(fresh.device), c->certificate.device))
    rc = cd_fail(&err, CD_E_INVALID, "the new certificate is for the device %s", fresh.device);
  if (rc != CD_OK) {
    tell_ack(c, op, rc, err.text);
    return;
  }
  cd_buf text = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "certificate", pem);
  send_json(c, IPC_CHAN_CERTIFICATE, op, &w, &text);
  cd_buf_release(&text);
}

static void tell_stream(chan *c, uint64_t op, const cd_package_answer *a)
{
  cd_buf text = CD_BUF_INIT(256);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "stream", a->stream);
  cd_jw_u64(&w, "offset", a->offset);
  send_json(c, IPC_CHAN_STREAM, op, &w, &text);
  cd_buf_release(&text);
}

static void on_kept(chan *c, cd_rpc *m)
{
  cd_kept k = {0};
  cd_err err = {0};
  cd_jw w;
  cd_buf text = CD_BUF_INIT(4096);
  if (!c->marked || cd_kept_read(m, &k, &err) != CD_OK) {
    cd_log(CD_AREA_CHANNEL, CD_LOG_WARN, "what is kept of a package was not understood: %s",
           err.text);
    return;
  }
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "stream", k.stream);
  cd_jw_u64(&w, "offset", k.offset);
  cd_jw_bool(&w, "done", k.done);
  if (k.sentence.len > 0)
    cd_jw_str(&w, "sentence", k.sentence);
  else
    cd_jw_null(&w, "sentence");
  send_json(c, IPC_CHAN_KEPT, 0, &w, &text);
  cd_buf_release(&text);
}

static void on_answer(chan *c, cd_rpc *m)
{
  cd_package_answer stream = {0};
  cd_method method = (cd_method)0;
  cd_err err = {0};
  cd_welcome welcome = {0};
  cd_str pem = {0};
  if (!take_asked(c, m->id, &method))
    return;
  if (method == CD_METHOD_HELLO && cd_welcome_read(m, &welcome, &err) == CD_OK) {
    CD_FAULT_POINT("channel.welcomed");
    tell_welcome(c, &welcome);
    return;
  }
  if (method == CD_METHOD_RENEW && cd_renewed_read(m, &pem, &err) == CD_OK) {
    tell_certificate(c, m->id, pem);
    return;
  }
  if (method == CD_METHOD_PACKAGE && cd_package_answer_read(m, &stream, &err) == CD_OK) {
    tell_stream(c, m->id, &stream);
    return;
  }
  bool more = method == CD_METHOD_HELLO || method == CD_METHOD_RENEW || method == CD_METHOD_PACKAGE;
  cd_code rc = more ? err.code : cd_ack_read(m, &err);
  if (method == CD_METHOD_RESULT)
    CD_FAULT_POINT("channel.result_acked");
  if (method == CD_METHOD_MARK && rc == CD_OK) {
    c->marked = true;
    c->failures = 0;
  }
  tell_ack(c, m->id, rc, err.text);
}

static void answer_fault(chan *c, const cd_rpc_fault *fault, const char *sentence)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  if (fault->answer &&
      cd_rpc_write_error(&out, fault->id, fault->code, cd_str_from(sentence), &err) == CD_OK)
    chan_console_say(c, &out, &err);
  cd_buf_release(&out);
}

static cd_code check_turn(const chan *c, const cd_rpc *m, cd_rpc_fault *ret_fault, cd_err *err)
{
  *ret_fault = (cd_rpc_fault){.answer = true, .id = m->id, .code = CD_RPC_REFUSED};
  if (!c->marked)
    return cd_fail(err, CD_E_DENIED, "orders and policies come after the device's mark");
  ret_fault->code = CD_RPC_UNAVAILABLE;
  if (c->order_count == CHAN_ORDERS_MAX)
    return cd_fail(err, CD_E_LIMIT, "%u orders wait for their answers already", c->order_count);
  return CD_OK;
}

/* A signed document and the statement about its key, for the agent to judge. */
static void hand_over(chan *c, uint8_t type, uint64_t id, const char *member, cd_str jws,
                      cd_str key)
{
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  c->orders[c->order_count++] = id;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, member, jws);
  cd_jw_str(&w, "key", key);
  send_json(c, type, id, &w, &text);
  cd_buf_release(&text);
}

static cd_code on_order(chan *c, cd_rpc *m, cd_rpc_fault *ret_fault, cd_err *err)
{
  cd_order_message order = {0};
  cd_code rc = check_turn(c, m, ret_fault, err);
  if (rc == CD_OK)
    rc = cd_order_message_read(m, &order, ret_fault, err);
  if (rc != CD_OK)
    return rc;
  CD_FAULT_POINT("channel.order");
  hand_over(c, IPC_CHAN_ORDER, m->id, "order", order.order, order.key);
  CD_FAULT_POINT("channel.order_passed");
  return CD_OK;
}

static cd_code on_policy(chan *c, cd_rpc *m, cd_rpc_fault *ret_fault, cd_err *err)
{
  cd_policy_message policy = {0};
  cd_code rc = check_turn(c, m, ret_fault, err);
  if (rc == CD_OK)
    rc = cd_policy_message_read(m, &policy, ret_fault, err);
  if (rc == CD_OK)
    hand_over(c, IPC_CHAN_POLICY, m->id, "policy", policy.policy, policy.key);
  return rc;
}

static void on_request(chan *c, cd_rpc *m)
{
  cd_err err = {0};
  cd_rpc_fault fault = {0};
  cd_method method = (cd_method)0;
  cd_code rc = cd_message_method(m, CD_SIDE_AGENT, &method, &fault, &err);
  if (rc == CD_OK && method == CD_METHOD_KEPT) {
    on_kept(c, m);
    return;
  }
  if (rc == CD_OK)
    rc = method == CD_METHOD_POLICY ? on_policy(c, m, &fault, &err) : on_order(c, m, &fault, &err);
  if (rc != CD_OK)
    answer_fault(c, &fault, err.text);
}

void chan_console_message(chan *c, cd_str text)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_rpc_fault fault = {0};
  if (!c->greeted) {
    net_ws_close(c->ws, CD_WS_CLOSE_POLICY, CD_STR("the agent speaks first"));
    return;
  }
  if (cd_rpc_parse(text, &m, &fault, &err) != CD_OK) {
    answer_fault(c, &fault, err.text);
    return;
  }
  if (m.type == CD_RPC_REQUEST || m.type == CD_RPC_NOTIFICATION)
    on_request(c, &m);
  else
    on_answer(c, &m);
  cd_rpc_release(&m);
}
