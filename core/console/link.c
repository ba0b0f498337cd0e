/* Turns, hello, mark; everything else is handed on. */
#include "link.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "ca.h"
#include "hub.h"
#include "protocol/base64.h"
#include "protocol/mark.h"
#include "protocol/ws.h"

#include "base/banned.h"

static bool read_key(cd_str text, cd_public_key *ret_key, cd_err *err)
{
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  if (!cd_base64url_decode(text, der, sizeof(der), &len))
    return false;
  return cd_public_key_from_der((cd_str){(const char *)der, len}, ret_key, err) == CD_OK;
}

con_link *con_link_new(con_server *s, const con_device *d, const con_wire *wire, void *object)
{
  cd_err err = {0};
  con_link *l = calloc(1, sizeof(*l));
  if (l == NULL)
    return NULL;
  l->server = s;
  l->wire = wire;
  l->wire_object = object;
  l->references = 1;
  l->phase = CON_LINK_HELLO;
  l->since_ms = cd_mono_ms();
  l->heard_ms = l->since_ms;
  l->pinged_ms = l->since_ms;
  if (!cd_str_copy(l->device, sizeof(l->device), d->id) ||
      !read_key(d->device_key, &l->key, &err)) {
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%.*s: its key cannot be read: %s",
           CD_STR_ARG(d->id), err.text);
    free(l);
    return NULL;
  }
  /* The row could have been edited; the statement is signed. */
  if (!con_ca_states(s->keys.ca, d->statement, d->id, &l->key)) {
    s->counters.access_refused++;
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR,
           "device=%s: refused: the device CA does not state the key that the database has for it",
           l->device);
    free(l);
    return NULL;
  }
  return l;
}

void con_link_retain(con_link *l)
{
  l->references++;
}

void con_link_drop(con_link *l)
{
  if (--l->references > 0)
    return;
  free(l->orders);
  free(l->policy_note);
  free(l->note);
  free(l);
}

const char *con_link_note(const char *note)
{
  return note != NULL ? note : "";
}

bool con_link_set_note(char **note, cd_str text)
{
  if (cd_str_eq_cstr(text, con_link_note(*note)))
    return false;
  free(*note);
  *note = text.len > 0 ? cd_str_dup(text) : NULL;
  return true;
}

void con_link_lost(con_link *l)
{
  l->wire_object = NULL;
  l->phase = CON_LINK_GONE;
  con_link_forget_upload(l);
  con_link_drop(l);
}

void con_link_close(con_link *l, unsigned code, const char *why)
{
  if (l->wire_object == NULL)
    return;
  cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s: connection ends: %s", l->device, why);
  l->wire->close(l->wire_object, code, why);
}

void con_link_heard(con_link *l)
{
  l->heard_ms = cd_mono_ms();
}

/* ---- answers ---- */

void con_link_send(con_link *l, cd_buf *message)
{
  if (l->wire_object != NULL && message->len > 0)
    l->wire->send(l->wire_object, message);
  cd_buf_release(message);
}

void con_link_refuse(con_link *l, uint64_t id, int64_t code, const char *why)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s: refused: %s", l->device, why);
  if (cd_rpc_write_error(&out, id, code, cd_str_from(why), &err) == CD_OK)
    con_link_send(l, &out);
  cd_buf_release(&out);
}

static void answer_fault(con_link *l, const cd_rpc_fault *fault, const cd_err *err)
{
  if (fault->answer)
    con_link_refuse(l, fault->id, fault->code, err->text);
  else
    cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s: a message was not understood: %s", l->device,
           err->text);
}

static void acknowledge(con_link *l, uint64_t id)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  if (cd_ack_write(id, &out, &err) == CD_OK)
    con_link_send(l, &out);
  cd_buf_release(&out);
}

/* ---- hello ---- */

static void send_welcome(con_link *l, const con_signer_reply *reply)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_welcome w = {.version = CD_PROTOCOL_VERSION,
                  .console = CD_STR(CORDON_VERSION),
                  .key = reply->order_key.len > 0 ? reply->order_key
                                                  : cd_str_from(l->server->keys.order_key),
                  .mark = reply->mark};
  memcpy(w.nonce, l->nonce, sizeof(w.nonce));
  if (cd_welcome_write(&w, l->hello_id, &out, &err) == CD_OK) {
    con_link_send(l, &out);
    l->phase = CON_LINK_MARK;
  } else {
    con_link_refuse(l, l->hello_id, CD_RPC_INTERNAL_ERROR, err.text);
  }
  cd_buf_release(&out);
}

static void on_mark_signed(void *context, const con_signer_reply *reply)
{
  con_link *l = context;
  if (l->phase == CON_LINK_WELCOME && reply->code == CD_OK) {
    send_welcome(l, reply);
  } else if (l->phase == CON_LINK_WELCOME) {
    con_link_refuse(l, l->hello_id, CD_RPC_UNAVAILABLE, reply->sentence);
    con_link_close(l, CD_WS_CLOSE_TRY_LATER, "the signer gave no mark");
  }
  con_link_drop(l);
}

static void ask_for_mark(con_link *l, const cd_hello *h)
{
  con_sign_mark m = {.device = cd_str_from(l->device)};
  cd_err err = {0};
  memcpy(m.nonce, h->nonce, sizeof(m.nonce));
  cd_code rc = con_random_fill(l->nonce, sizeof(l->nonce), &err);
  for (int state = CD_STATE_NONE + 1; state < CD_STATE_COUNT && rc == CD_OK; state++) {
    con_wanted wanted = {0};
    rc = con_wanted_get(l->server->store, m.device, (cd_state)state, &wanted, &err);
    m.generations[state] = wanted.generation;
    con_wanted_release(&wanted);
  }
  if (rc != CD_OK) {
    con_link_refuse(l, l->hello_id, CD_RPC_UNAVAILABLE, err.text);
    return;
  }
  l->phase = CON_LINK_WELCOME;
  con_link_retain(l);
  con_signer_mark(l->server->signer, &m, on_mark_signed, l);
}

static void take_hello(con_link *l, cd_rpc *m)
{
  cd_hello h = {0};
  cd_rpc_fault fault = {0};
  cd_err err = {0};
  if (cd_hello_read(m, &h, &fault, &err) != CD_OK) {
    answer_fault(l, &fault, &err);
    return;
  }
  if (!cd_str_eq_cstr(h.device, l->device)) {
    con_link_refuse(l, m->id, CD_RPC_REFUSED, "hello names another device than the certificate");
    return;
  }
  if (cd_hello_version(&h) == 0) {
    con_link_refuse(l, m->id, CD_RPC_REFUSED, "none of the versions is spoken here");
    return;
  }
  l->hello_id = m->id;
  (void)cd_str_copy(l->agent, sizeof(l->agent), h.agent);
  if (con_device_seen(l->server->store, cd_str_from(l->device), cd_wall_ms(), h.agent,
                      cd_str_from(l->peer), &err) != CD_OK)
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: %s", l->device, err.text);
  ask_for_mark(l, &h);
}

/* ---- mark ---- */

static cd_code raise_generations(con_link *l, const cd_mark *mark, cd_err *err)
{
  cd_code rc = CD_OK;
  for (int state = CD_STATE_NONE + 1; state < CD_STATE_COUNT && rc == CD_OK; state++) {
    if (mark->generations[state] > 0)
      rc = con_wanted_raise(l->server->store, cd_str_from(l->device), (cd_state)state,
                            mark->generations[state], err);
  }
  return rc;
}

static void take_mark(con_link *l, cd_rpc *m)
{
  cd_str jws = {0};
  cd_mark mark = {0};
  cd_rpc_fault fault = {0};
  cd_err err = {0};
  if (cd_signed_read(m, CD_METHOD_MARK, &jws, &fault, &err) != CD_OK) {
    answer_fault(l, &fault, &err);
    return;
  }
  if (cd_mark_verify(jws, &l->key, CD_MARK_FROM_DEVICE, cd_str_from(l->device), l->nonce, &mark,
                     &err) != CD_OK) {
    con_link_refuse(l, m->id, CD_RPC_REFUSED, err.text);
    return;
  }
  if (raise_generations(l, &mark, &err) != CD_OK) {
    con_link_refuse(l, m->id, CD_RPC_UNAVAILABLE, err.text);
    return;
  }
  CD_FAULT_POINT("console.mark_kept");
  acknowledge(l, m->id);
  l->phase = CON_LINK_READY;
  l->server->counters.connections++;
  cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s peer=%s: connected, agent %s", l->device, l->peer,
         l->agent);
  con_link_pump(l);
}

/* ---- turns ---- */

static bool in_turn(const con_link *l, cd_method method)
{
  switch (method) {
  case CD_METHOD_HELLO: return l->phase == CON_LINK_HELLO;
  case CD_METHOD_MARK: return l->phase == CON_LINK_MARK;
  default: return l->phase == CON_LINK_READY;
  }
}

static void dispatch(con_link *l, cd_rpc *m, cd_method method)
{
  switch (method) {
  case CD_METHOD_HELLO: take_hello(l, m); break;
  case CD_METHOD_MARK: take_mark(l, m); break;
  case CD_METHOD_RESULT: con_link_result(l, m); break;
  case CD_METHOD_REPORT: con_link_report(l, m); break;
  case CD_METHOD_PROGRESS: con_link_progress(l, m); break;
  case CD_METHOD_RENEW: con_link_renew(l, m); break;
  case CD_METHOD_PACKAGE: con_link_package(l, m); break;
  default: break;
  }
}

static void take_request(con_link *l, cd_rpc *m)
{
  cd_method method = 0;
  cd_rpc_fault fault = {0};
  cd_err err = {0};
  if (cd_message_method(m, CD_SIDE_CONSOLE, &method, &fault, &err) != CD_OK) {
    answer_fault(l, &fault, &err);
    return;
  }
  if (in_turn(l, method)) {
    dispatch(l, m, method);
    return;
  }
  if (m->type == CD_RPC_REQUEST)
    con_link_refuse(l, m->id, CD_RPC_REFUSED, "the message is out of turn");
}

/* Each message may cost a commit, or an entry of the audit log that is there for ever. */
void con_link_pay(con_link *l)
{
  int64_t now_ms = (int64_t)cd_mono_ms();
  int64_t lowest_ms = now_ms - (int64_t)CON_LINK_BURST * CON_LINK_EVERY_MS;
  l->paid_ms = (l->paid_ms > lowest_ms ? l->paid_ms : lowest_ms) + CON_LINK_EVERY_MS;
  if (l->paid_ms <= now_ms || l->paused || l->wire_object == NULL)
    return;
  if (!l->slowed)
    cd_log(CD_AREA_DEVICES, CD_LOG_WARN,
           "device=%s: it sends more than %u messages a second, and is read slowly", l->device,
           1000u / CON_LINK_EVERY_MS);
  l->server->counters.slowed += l->slowed ? 0 : 1;
  l->slowed = true;
  l->paused = true;
  l->wire->read(l->wire_object, false);
}

void con_link_text(con_link *l, cd_str message)
{
  cd_rpc m = {0};
  cd_rpc_fault fault = {0};
  cd_err err = {0};
  con_link_retain(l);
  con_link_heard(l);
  if (cd_rpc_parse(message, &m, &fault, &err) != CD_OK)
    answer_fault(l, &fault, &err);
  else if (m.type == CD_RPC_REQUEST || m.type == CD_RPC_NOTIFICATION)
    take_request(l, &m);
  else if (l->phase == CON_LINK_READY)
    con_link_answer(l, &m);
  cd_rpc_release(&m);
  con_link_pay(l);
  con_link_drop(l);
}

void con_link_tick(con_link *l, uint64_t now_ms)
{
  if (l->paused && (int64_t)now_ms >= l->paid_ms) {
    l->paused = false;
    l->heard_ms = now_ms;
    l->wire->read(l->wire_object, true);
  }
  if (l->phase != CON_LINK_READY && now_ms - l->since_ms > CON_LINK_FIRST_MS) {
    con_link_close(l, CD_WS_CLOSE_POLICY, "hello and mark did not come in time");
    return;
  }
  if (now_ms - l->heard_ms > CON_LINK_SILENCE_MS) {
    con_link_close(l, CD_WS_CLOSE_GOING_AWAY, "no sign of life");
    return;
  }
  if (now_ms - l->heard_ms > CON_LINK_PING_MS && now_ms - l->pinged_ms > CON_LINK_PING_MS) {
    l->pinged_ms = now_ms;
    l->wire->ping(l->wire_object);
  }
  if (l->consider_ms != 0 && now_ms >= l->consider_ms)
    con_link_consider(l);
  if (l->policy_retry_ms != 0 && now_ms >= l->policy_retry_ms)
    con_link_policy(l);
  if (l->retry_ms != 0 && now_ms >= l->retry_ms) {
    l->retry_ms = 0;
    con_link_pump(l);
  }
}
