/* One connection to a console: the device introduces itself, verifies who is there, and takes what
 * comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "ipc/message.h"
#include "lease.h"
#include "protocol/base64.h"
#include "protocol/mark.h"
#include "protocol/message.h"
#include "remote_order.h"
#include "remote_private.h"

#include "base/banned.h"

/* ---- HELLO ---- */

static void write_capabilities(const agent_remote *r, cd_jw *w)
{
  cd_jw_arr(w, "capabilities");
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
    char reason[CD_SENTENCE_MAX + 1];
    const char *provider =
        agent_probes_provider(r->agent->probes, (agent_capability)cap, reason, sizeof(reason));
    cd_jw_obj(w, NULL);
    cd_jw_cstr(w, "capability", agent_capability_name((agent_capability)cap));
    cd_jw_cstr(w, "provider", provider[0] != '\0' ? provider : NULL);
    cd_jw_cstr(w, "reason", reason);
    cd_jw_end_obj(w);
  }
  cd_jw_end_arr(w);
}

static void greet(agent_remote *r)
{
  remote_connection *c = &r->connection;
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  char nonce[CD_BASE64URL_LEN(CD_NONCE_SIZE) + 1];
  cd_base64url_text(nonce, c->nonce, CD_NONCE_SIZE);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "agent", CORDON_VERSION);
  cd_jw_cstr(&w, "device", r->enrolment->device);
  cd_jw_cstr(&w, "nonce", nonce);
  write_capabilities(r, &w);
  remote_send_json(r, IPC_CHAN_HELLO, c->number, &w, &text);
  cd_buf_release(&text);
  remote_wait_answer(r);
}

static void on_open(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  remote_connection *c = &r->connection;
  channel_open at;
  if (channel_open_read(frame->payload, &at, err) != CD_OK)
    return;
  *c = (remote_connection){
      .number = frame->op, .phase = REMOTE_GREETING, .at = at, .next_op = REMOTE_OP_MARK + 1};
  c->began_ms = cd_mono_ms();
  if (agent_random.fill(NULL, c->nonce, sizeof(c->nonce)) != 0) {
    remote_drop(r, "there are no random bytes to be had");
    return;
  }
  greet(r);
}

/* ---- the console is who it should be ---- */

static cd_code check_welcome(agent_remote *r, const channel_welcome *welcome, cd_err *err)
{
  remote_connection *c = &r->connection;
  cd_statement statement;
  cd_statement_known known = {.judge_time = true};
  cd_mark mark;
  cd_code rc =
      cd_statement_verify(welcome->key, &r->enrolment->root, CD_PURPOSE_ORDER, &statement, err);
  if (rc == CD_OK)
    rc = cd_mark_verify(welcome->mark, &statement.key, CD_MARK_FROM_CONSOLE,
                        cd_str_from(r->enrolment->device), c->nonce, &mark, err);
  if (rc == CD_OK)
    rc = agent_journal_key_generation(r->agent->journal, r->enrolment->root_id, &known.generation,
                                      err);
  if (rc != CD_OK)
    return rc;
  known.now_ms = mark.at_ms;
  rc = cd_statement_check(&statement, &known, err);
  if (rc != CD_OK)
    return rc;
  c->console_ms = mark.at_ms;
  agent_lease_mark(r->agent->lease, mark.at_ms);
  memcpy(c->console_nonce, welcome->nonce, CD_NONCE_SIZE);
  agent_wanted wanted = {0};
  if (agent_journal_wanted(r->agent->journal, AGENT_CAP_ISOLATE, &wanted, err) == CD_OK &&
      mark.generations[CD_STATE_ISOLATE] > wanted.generation)
    cd_log(
        CD_AREA_REMOTE, CD_LOG_INFO,
        "the console knows generation %llu of isolate, this device has %llu: a newer order is on "
        "its way, or is withheld",
        (unsigned long long)mark.generations[CD_STATE_ISOLATE],
        (unsigned long long)wanted.generation);
  agent_wanted_release(&wanted);
  return CD_OK;
}

static cd_code send_mark(agent_remote *r, cd_err *err)
{
  remote_connection *c = &r->connection;
  agent_wanted wanted = {0};
  cd_buf jws = CD_BUF_INIT(8 * 1024);
  cd_mark mark = {.from = CD_MARK_FROM_DEVICE, .at_ms = cd_wall_ms()};
  (void)cd_str_copy(mark.device, sizeof(mark.device), cd_str_from(r->enrolment->device));
  memcpy(mark.nonce, c->console_nonce, CD_NONCE_SIZE);
  cd_code rc = agent_journal_key_generation(r->agent->journal, r->enrolment->root_id,
                                            &mark.key_generation, err);
  if (rc == CD_OK)
    rc = agent_journal_wanted(r->agent->journal, AGENT_CAP_ISOLATE, &wanted, err);
  mark.generations[CD_STATE_ISOLATE] = wanted.generation;
  if (rc == CD_OK)
    rc = cd_mark_sign(&mark, r->enrolment->device_key, &agent_random, &jws, err);
  if (rc == CD_OK)
    remote_send_text(r, IPC_CHAN_MARK, REMOTE_OP_MARK, "mark", cd_buf_cstr(&jws));
  agent_wanted_release(&wanted);
  cd_buf_release(&jws);
  return rc;
}

static void on_welcome(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  cd_json_doc *doc = NULL;
  channel_welcome welcome = {0};
  cd_err why = {0};
  if (r->connection.phase != REMOTE_GREETING) {
    (void)cd_fail(err, CD_E_INVALID, "a welcome out of turn");
    return;
  }
  if (channel_welcome_read(frame->payload, &doc, &welcome, err) != CD_OK)
    return;
  cd_code rc = check_welcome(r, &welcome, &why);
  if (rc == CD_OK)
    rc = send_mark(r, &why);
  cd_json_free(doc);
  if (rc != CD_OK) {
    remote_drop(r, why.text);
    return;
  }
  r->connection.phase = REMOTE_MARKING;
  remote_wait_answer(r);
}

static void on_beat(uv_timer_t *timer)
{
  agent_remote *r = timer->data;
  remote_upload_look(r);
  remote_report(r, false);
  if (r->channel != NULL)
    agent_channel_check(r->channel);
  remote_renew(r);
}

static void become_ready(agent_remote *r)
{
  remote_connection *c = &r->connection;
  c->phase = REMOTE_READY;
  c->since_ms = cd_wall_ms();
  r->failures = 0;
  r->why[0] = '\0';
  cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "connected to the console at %s port %u (%s) as device %s",
         c->at.host, c->at.port, c->at.address, r->enrolment->device);
  CD_FAULT_POINT("remote.ready");
  agent_policy_reached(r->agent->policy);
  agent_lease_connected(r->agent->lease, true);
  agent_probes_refresh(r->agent->probes,
                       agent_state_in_force(r->agent->isolate) ? 1u << AGENT_CAP_ISOLATE : 0);
  remote_report(r, false);
  remote_pump(r);
  remote_renew(r);
  (void)uv_timer_start(&r->beat, on_beat, REMOTE_REPORT_MS, REMOTE_REPORT_MS);
}

static void on_ack(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  remote_connection *c = &r->connection;
  cd_code code = CD_E_INTERNAL;
  char sentence[CD_ERR_TEXT_MAX] = "";
  if (channel_ack_read(frame->payload, &code, sentence, err) != CD_OK)
    return;
  if (c->phase == REMOTE_GREETING || (c->phase == REMOTE_MARKING && code != CD_OK)) {
    remote_drop(r, sentence[0] != '\0' ? sentence : "the console did not say what it should");
  } else if (c->phase == REMOTE_MARKING && frame->op == REMOTE_OP_MARK) {
    remote_answered(r);
    become_ready(r);
  } else if (c->phase == REMOTE_READY && c->outbox_op != 0 && frame->op == c->outbox_op) {
    remote_answered(r);
    agent_lease_heard(r->agent->lease);
    remote_result_answered(r, code, sentence);
  } else if (c->phase == REMOTE_READY && c->upload.op != 0 && frame->op == c->upload.op) {
    remote_upload_refused(r, sentence);
  } else if (c->phase == REMOTE_READY && c->renew_op != 0 && frame->op == c->renew_op) {
    remote_renew_answered(r, (cd_str){0}, sentence);
  }
}

/* ---- orders ---- */

static void answer(agent_remote *r, uint8_t type, uint64_t op, bool accepted, cd_refusal refusal,
                   const char *sentence)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_bool(&w, "accepted", accepted);
  cd_jw_cstr(&w, "refusal", accepted ? NULL : cd_refusal_name(refusal));
  cd_jw_cstr(&w, "sentence", accepted ? NULL : sentence);
  remote_send_json(r, type, op, &w, &text);
  cd_buf_release(&text);
}

static void act_on(agent_remote *r, const agent_verdict *v)
{
  agent_action *a = NULL;
  cd_err err = {0};
  if (v->stopped[0] != '\0') {
    if (agent_jobs_cancel(r->agent->jobs, v->stopped, &err) != CD_OK)
      cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "%s", err.text);
  } else if (v->cancelled[0] != '\0') {
    if (agent_journal_action(r->agent->journal, v->cancelled, &a, &err) == CD_OK)
      agent_control_action(r->agent, a);
    agent_action_free(a);
    agent_state_reread(r->agent->isolate);
  } else if (v->accepted && agent_kind_is_job(agent_kind_of_order(v->kind))) {
    agent_jobs_kick(r->agent->jobs, agent_order_capability(v->kind));
  } else if (v->accepted) {
    agent_state_kick(r->agent->isolate);
  }
  if (v->answered)
    remote_pump(r);
}

static void on_order(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str order = {0};
  cd_str key = {0};
  agent_verdict v;
  agent_judge judge = {.journal = r->agent->journal,
                       .config = &r->agent->config,
                       .enrolment = r->enrolment,
                       .clock_trusted = true,
                       .now_ms = remote_now_ms(r),
                       .value_count = 1};
  if (r->connection.phase != REMOTE_READY || !agent_rate_ok(&r->orders, REMOTE_ORDERS_PER_SECOND)) {
    (void)cd_fail(err, CD_E_INVALID, "an order out of turn, or too many in a second");
    return;
  }
  if (channel_order_read(frame->payload, "order", &doc, &order, &key, err) != CD_OK)
    return;
  agent_state_values(r->agent->isolate, &judge.values[0]);
  agent_judge_order(&judge, order, key, &v);
  cd_json_free(doc);
  if (v.accepted)
    agent_lease_heard(r->agent->lease);
  if (v.accepted)
    cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "%s action=%s ordered by the console",
           cd_order_kind_name(v.kind), v.action);
  else
    cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "an order is refused (%s)%s%s: %s",
           cd_refusal_name(v.refusal), v.action[0] != '\0' ? " action=" : "", v.action, v.sentence);
  CD_FAULT_POINT("remote.before_ack");
  answer(r, IPC_CHAN_ORDER_ACK, frame->op, v.accepted, v.refusal, v.sentence);
  act_on(r, &v);
}

/* ---- policies ---- */

static void on_policy(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str policy = {0};
  cd_str key = {0};
  agent_policy_verdict v = {0};
  if (r->connection.phase != REMOTE_READY || !agent_rate_ok(&r->orders, REMOTE_ORDERS_PER_SECOND)) {
    (void)cd_fail(err, CD_E_INVALID, "a policy out of turn, or too many in a second");
    return;
  }
  if (channel_order_read(frame->payload, "policy", &doc, &policy, &key, err) != CD_OK)
    return;
  agent_policy_take(r->agent->policy, policy, key, remote_now_ms(r), &v);
  cd_json_free(doc);
  if (!v.accepted)
    cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "a policy is refused (%s): %s", cd_refusal_name(v.refusal),
           v.sentence);
  CD_FAULT_POINT("remote.before_policy_ack");
  answer(r, IPC_CHAN_POLICY_ACK, frame->op, v.accepted, v.refusal, v.sentence);
  remote_report(r, true);
}

/* ---- the rest of what the channel says ---- */

/* Only of the consoles that this device was told, and of the proxy, so that a lying channel cannot
 * add to the rules what is neither. */
static void on_addresses(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  channel_addresses x;
  if (channel_addresses_read(frame->payload, &x, err) != CD_OK || x.count == 0)
    return;
  bool known = r->proxy_port == x.port && cd_str_eq_cstr(cd_str_from(x.host), r->proxy_host);
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port = 0;
  for (unsigned i = 0; !known && remote_console(r, i, host, &port); i++)
    known = port == x.port && cd_str_eq_cstr(cd_str_from(host), x.host);
  if (known)
    remote_remember(r, x.host, x.port, (const char(*)[AGENT_ADDRESS_MAX])x.addresses, x.count);
}

static void on_lost(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  channel_lost lost;
  if (channel_lost_read(frame->payload, &lost, err) != CD_OK)
    return;
  bool was_ready = r->connection.phase == REMOTE_READY;
  cd_log(CD_AREA_REMOTE, was_ready ? CD_LOG_WARN : CD_LOG_INFO,
         "no connection to the console: %s; trying again in %llu ms", lost.sentence,
         (unsigned long long)lost.wait_ms);
  remote_no_connection(r, lost.sentence);
}

static void on_certificate(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str pem = {0};
  if (channel_text_read(frame->payload, "certificate", CD_CERTIFICATE_MAX, &doc, &pem, err) !=
      CD_OK)
    return;
  if (r->connection.renew_op != 0 && frame->op == r->connection.renew_op)
    remote_renew_answered(r, pem, NULL);
  cd_json_free(doc);
}

void remote_frame(void *owner, const ipc_frame *frame)
{
  agent_remote *r = owner;
  cd_err err = {0};
  switch (frame->type) {
  case IPC_CHAN_OPEN: on_open(r, frame, &err); break;
  case IPC_CHAN_WELCOME: on_welcome(r, frame, &err); break;
  case IPC_CHAN_ACK: on_ack(r, frame, &err); break;
  case IPC_CHAN_ORDER: on_order(r, frame, &err); break;
  case IPC_CHAN_POLICY: on_policy(r, frame, &err); break;
  case IPC_CHAN_ADDRESSES: on_addresses(r, frame, &err); break;
  case IPC_CHAN_LOST: on_lost(r, frame, &err); break;
  case IPC_CHAN_CERTIFICATE: on_certificate(r, frame, &err); break;
  case IPC_CHAN_STREAM: remote_upload_stream(r, frame, &err); break;
  case IPC_CHAN_KEPT: remote_upload_kept(r, frame, &err); break;
  default: (void)cd_fail(&err, CD_E_INVALID, "a message of type %u", frame->type);
  }
  if (err.code != CD_OK && r->channel != NULL)
    remote_distrust(r, err.text);
}
