#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "ipc/message.h"
#include "platform/file.h"
#include "protocol/base64.h"
#include "protocol/mark.h"
#include "protocol/message.h"
#include "protocol/secret.h"
#include "remote_order.h"
#include "remote_private.h"

#include "base/banned.h"

#define SETUP_MAX (256u * 1024u)

static void start_channel(agent_remote *r);

static void send_json(agent_remote *r, uint8_t type, uint64_t op, cd_jw *w, cd_buf *text)
{
  cd_err err = {0};
  cd_jw_end_obj(w);
  if (cd_jw_done(w, "a message for the channel", &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s", err.text);
  else if (r->channel != NULL)
    agent_channel_send(r->channel, type, op, cd_buf_view(text));
}

static void send_text(agent_remote *r, uint8_t type, uint64_t op, const char *member,
                      const char *value)
{
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, member, value);
  send_json(r, type, op, &w, &text);
  cd_buf_release(&text);
}

static void no_connection(agent_remote *r, const char *why)
{
  r->connection = (remote_connection){0};
  (void)uv_timer_stop(&r->deadline);
  (void)uv_timer_stop(&r->beat);
  cd_key_free(r->renew_key);
  r->renew_key = NULL;
  (void)snprintf(r->why, sizeof(r->why), "%s", why);
  r->why_ms = cd_wall_ms();
}

void remote_drop(agent_remote *r, const char *why)
{
  cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "the connection to the console is given up: %s", why);
  send_text(r, IPC_CHAN_DROP, r->connection.number, "sentence", why);
  no_connection(r, why);
}

void remote_distrust(agent_remote *r, const char *why)
{
  char text[CD_ERR_TEXT_MAX];
  (void)snprintf(text, sizeof(text), "cordon-channel broke the protocol: %.450s", why);
  agent_channel_end(r->channel, text);
}

static void on_deadline(uv_timer_t *timer)
{
  remote_drop(timer->data, "the console did not answer in time");
}

void remote_wait_answer(agent_remote *r)
{
  (void)uv_timer_start(&r->deadline, on_deadline, REMOTE_ANSWER_MS, 0);
}

void remote_answered(agent_remote *r)
{
  (void)uv_timer_stop(&r->deadline);
}

int64_t remote_now_ms(const agent_remote *r)
{
  const remote_connection *c = &r->connection;
  return c->console_ms + (int64_t)(cd_mono_ms() - c->began_ms);
}

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
  send_json(r, IPC_CHAN_HELLO, c->number, &w, &text);
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
    send_text(r, IPC_CHAN_MARK, REMOTE_OP_MARK, "mark", cd_buf_cstr(&jws));
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
    remote_result_answered(r, code, sentence);
  } else if (c->phase == REMOTE_READY && c->renew_op != 0 && frame->op == c->renew_op) {
    remote_renew_answered(r, (cd_str){0}, sentence);
  }
}

/* ---- orders ---- */

static void answer_order(agent_remote *r, uint64_t op, const agent_verdict *v)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_bool(&w, "accepted", v->accepted);
  cd_jw_cstr(&w, "refusal", v->accepted ? NULL : cd_refusal_name(v->refusal));
  cd_jw_cstr(&w, "sentence", v->accepted ? NULL : v->sentence);
  send_json(r, IPC_CHAN_ORDER_ACK, op, &w, &text);
  cd_buf_release(&text);
}

static void act_on(agent_remote *r, const agent_verdict *v)
{
  agent_action *a = NULL;
  cd_err err = {0};
  if (v->cancelled[0] != '\0') {
    if (agent_journal_action(r->agent->journal, v->cancelled, &a, &err) == CD_OK)
      agent_control_action(r->agent, a);
    agent_action_free(a);
    agent_state_reread(r->agent->isolate);
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
  if (channel_order_read(frame->payload, &doc, &order, &key, err) != CD_OK)
    return;
  agent_state_values(r->agent->isolate, &judge.values[0]);
  agent_judge_order(&judge, order, key, &v);
  cd_json_free(doc);
  if (v.accepted)
    cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "%s action=%s ordered by the console",
           cd_order_kind_name(v.kind), v.action);
  else
    cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "an order is refused (%s)%s%s: %s",
           cd_refusal_name(v.refusal), v.action[0] != '\0' ? " action=" : "", v.action, v.sentence);
  CD_FAULT_POINT("remote.before_ack");
  answer_order(r, frame->op, &v);
  act_on(r, &v);
}

/* ---- the rest of what the channel says ---- */

static bool is_remembered(agent_remote *r, const char *host, uint16_t port,
                          const char (*addresses)[AGENT_ADDRESS_MAX], unsigned count)
{
  agent_endpoint known[AGENT_CONSOLE_ADDRESSES_MAX];
  unsigned known_count = 0;
  unsigned same = 0;
  cd_err err = {0};
  if (agent_journal_console(r->agent->journal, host, port, known, AGENT_CONSOLE_ADDRESSES_MAX,
                            &known_count, &err) != CD_OK)
    return false;
  for (unsigned i = 0; i < count; i++) {
    for (unsigned k = 0; k < known_count; k++)
      same += cd_str_eq_cstr(cd_str_from(addresses[i]), known[k].address) ? 1 : 0;
  }
  return same == count && known_count == count;
}

/* Each write is synced, and every attempt to connect looks the names up again. */
static void remember(agent_remote *r, const char *host, uint16_t port,
                     const char (*addresses)[AGENT_ADDRESS_MAX], unsigned count)
{
  cd_err err = {0};
  if (is_remembered(r, host, port, addresses, count))
    return;
  if (agent_journal_console_set(r->agent->journal, host, port, addresses, count, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on", err.text);
}

/* An address needs no looking up, but an isolation has to let it through all the same. */
static void remember_literal(agent_remote *r, const char *host, uint16_t port)
{
  char address[1][AGENT_ADDRESS_MAX];
  unsigned char bytes[16];
  if (cd_str_copy(address[0], sizeof(address[0]), cd_str_from(host)) &&
      (uv_inet_pton(AF_INET, host, bytes) == 0 || uv_inet_pton(AF_INET6, host, bytes) == 0))
    remember(r, host, port, (const char(*)[AGENT_ADDRESS_MAX])address, 1);
}

/* Only of the consoles that this device was told, and of the proxy, so that a lying channel cannot
 * add to the rules what is neither. */
static void on_addresses(agent_remote *r, const ipc_frame *frame, cd_err *err)
{
  channel_addresses x;
  cd_err why = {0};
  if (channel_addresses_read(frame->payload, &x, err) != CD_OK || x.count == 0)
    return;
  bool known = r->proxy_port == x.port && cd_str_eq_cstr(cd_str_from(x.host), r->proxy_host);
  for (unsigned i = 0; i < r->enrolment->agent_count && !known; i++) {
    char host[CD_HTTP_HOST_MAX + 1];
    uint16_t port = 0;
    known = cd_endpoint_parse(cd_str_from(r->enrolment->agents[i]), host, &port, &why) == CD_OK &&
            port == x.port && cd_str_eq_cstr(cd_str_from(host), x.host);
  }
  if (known)
    remember(r, x.host, x.port, (const char(*)[AGENT_ADDRESS_MAX])x.addresses, x.count);
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
  no_connection(r, lost.sentence);
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

static void on_frame(void *owner, const ipc_frame *frame)
{
  agent_remote *r = owner;
  cd_err err = {0};
  switch (frame->type) {
  case IPC_CHAN_OPEN: on_open(r, frame, &err); break;
  case IPC_CHAN_WELCOME: on_welcome(r, frame, &err); break;
  case IPC_CHAN_ACK: on_ack(r, frame, &err); break;
  case IPC_CHAN_ORDER: on_order(r, frame, &err); break;
  case IPC_CHAN_ADDRESSES: on_addresses(r, frame, &err); break;
  case IPC_CHAN_LOST: on_lost(r, frame, &err); break;
  case IPC_CHAN_CERTIFICATE: on_certificate(r, frame, &err); break;
  default: (void)cd_fail(&err, CD_E_INVALID, "a message of type %u", frame->type);
  }
  if (err.code != CD_OK && r->channel != NULL)
    remote_distrust(r, err.text);
}

/* ---- the process ---- */

static void on_restart(uv_timer_t *timer)
{
  start_channel(timer->data);
}

static void restart_later(agent_remote *r)
{
  uint32_t wait = REMOTE_RESTART_MIN_MS;
  uint16_t jitter = 0;
  for (unsigned i = 0; i < r->failures && wait < REMOTE_RESTART_MAX_MS; i++)
    wait *= 2;
  if (wait > REMOTE_RESTART_MAX_MS)
    wait = REMOTE_RESTART_MAX_MS;
  (void)agent_random.fill(NULL, (unsigned char *)&jitter, sizeof(jitter));
  wait += jitter % (wait / 2 + 1);
  if (r->fresh)
    wait = 0;
  r->fresh = false;
  r->failures++;
  (void)uv_timer_start(&r->restart, on_restart, wait, 0);
}

static void on_ended(void *owner, const char *sentence)
{
  agent_remote *r = owner;
  r->channel = NULL;
  if (r->stopping)
    return;
  cd_log(CD_AREA_REMOTE, r->fresh ? CD_LOG_INFO : CD_LOG_WARN, "%s; starting another", sentence);
  no_connection(r, sentence);
  restart_later(r);
}

static const agent_channel_events channel_events = {.on_frame = on_frame, .on_ended = on_ended};

void remote_write_console(const agent_remote *r, cd_jw *w, const char *host, uint16_t port)
{
  agent_endpoint known[AGENT_CONSOLE_ADDRESSES_MAX];
  unsigned count = 0;
  cd_err err = {0};
  if (agent_journal_console(r->agent->journal, host, port, known, AGENT_CONSOLE_ADDRESSES_MAX,
                            &count, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on", err.text);
  cd_jw_cstr(w, "host", host);
  cd_jw_u64(w, "port", port);
  cd_jw_arr(w, "addresses");
  for (unsigned i = 0; i < count; i++)
    cd_jw_cstr(w, NULL, known[i].address);
  cd_jw_end_arr(w);
}

static void write_proxy(agent_remote *r, cd_jw *w)
{
  agent_proxy proxy = {0};
  cd_err err = {0};
  const char *file = r->agent->config.proxy_file;
  if (file[0] == '\0') {
    cd_jw_null(w, "proxy");
    return;
  }
  if (agent_proxy_load(file, &proxy, &err) != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on without a proxy", err.text);
    cd_jw_null(w, "proxy");
    return;
  }
  (void)cd_str_copy(r->proxy_host, sizeof(r->proxy_host), cd_str_from(proxy.host));
  r->proxy_port = proxy.port;
  remember_literal(r, proxy.host, proxy.port);
  cd_jw_obj(w, "proxy");
  remote_write_console(r, w, proxy.host, proxy.port);
  cd_jw_cstr(w, "user", proxy.has_credentials ? proxy.user : NULL);
  cd_jw_cstr(w, "password", proxy.has_credentials ? proxy.password : NULL);
  cd_jw_end_obj(w);
  cd_wipe(&proxy, sizeof(proxy));
}

void remote_write_setup(agent_remote *r, cd_jw *w, const char *mode, const char *path)
{
  const char *user = r->agent->config.channel_user;
  cd_jw_u64(w, "protocol", IPC_PROTOCOL);
  cd_jw_cstr(w, "mode", mode);
  cd_jw_cstr(w, "user", user[0] != '\0' ? user : NULL);
  cd_jw_u64(w, "parent", (uint64_t)uv_os_getpid());
  cd_jw_cstr(w, "agent", "cordon/" CORDON_VERSION);
  cd_jw_cstr(w, "path", path);
  write_proxy(r, w);
}

static cd_code write_setup(agent_remote *r, cd_buf *out, cd_err *err)
{
  cd_jw w;
  const agent_enrolment *e = r->enrolment;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  remote_write_setup(r, &w, "connect", "/agent/v1");
  cd_jw_arr(&w, "consoles");
  for (unsigned i = 0; i < e->agent_count; i++) {
    char host[CD_HTTP_HOST_MAX + 1];
    uint16_t port = 0;
    cd_err why = {0};
    if (cd_endpoint_parse(cd_str_from(e->agents[i]), host, &port, &why) != CD_OK)
      continue;
    remember_literal(r, host, port);
    cd_jw_obj(&w, NULL);
    remote_write_console(r, &w, host, port);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  cd_jw_obj(&w, "tls");
  cd_jw_cstr(&w, "ca", e->ca);
  cd_jw_cstr(&w, "certificate", e->certificate);
  cd_jw_cstr(&w, "key", e->tls_key);
  cd_jw_cstr(&w, "device_ca", e->ca);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "SETUP", err);
}

static void start_channel(agent_remote *r)
{
  cd_buf setup = CD_BUF_INIT(SETUP_MAX);
  cd_err err = {0};
  if (r->stopping || r->channel != NULL || r->enrolment == NULL)
    return;
  cd_code rc = write_setup(r, &setup, &err);
  if (rc == CD_OK) {
    agent_channel_options options = {.loop = r->agent->loop,
                                     .program = r->agent->options.channel,
                                     .mark = r->agent->config.mark,
                                     .setup = cd_buf_view(&setup),
                                     .events = &channel_events,
                                     .owner = r};
    rc = agent_channel_start(&options, &r->channel, &err);
  }
  cd_buf_wipe(&setup);
  if (rc != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "no channel to the console: %s; trying again later",
           err.text);
    no_connection(r, err.text);
    restart_later(r);
  }
}

void remote_restart(agent_remote *r, const char *why)
{
  r->fresh = true;
  r->failures = 0;
  no_connection(r, why);
  if (r->channel != NULL)
    agent_channel_end(r->channel, why);
  else
    restart_later(r);
}

/* ---- life ---- */

cd_code agent_remote_new(agent *a, agent_remote **ret_remote, cd_err *err)
{
  cd_err why = {0};
  agent_remote *r = calloc(1, sizeof(*r));
  if (r == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the console");
  r->agent = a;
  if (agent_enrolment_load(a->options.state_dir, &r->enrolment, &why) != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR,
           "the enrolment cannot be used: %s; going on without a "
           "console",
           why.text);
    (void)snprintf(r->why, sizeof(r->why), "%s", why.text);
  }
  agent_journal_reporting(a->journal, r->enrolment != NULL);
  (void)uv_timer_init(a->loop, &r->restart);
  (void)uv_timer_init(a->loop, &r->deadline);
  (void)uv_timer_init(a->loop, &r->beat);
  r->restart.data = r;
  r->deadline.data = r;
  r->beat.data = r;
  *ret_remote = r;
  return CD_OK;
}

void agent_remote_start(agent_remote *r)
{
  start_channel(r);
}

void agent_remote_stop(agent_remote *r)
{
  if (r == NULL || r->stopping)
    return;
  r->stopping = true;
  remote_enrol_stop(r);
  if (r->channel != NULL)
    agent_channel_end(r->channel, "the agent stops");
  uv_close((uv_handle_t *)&r->restart, NULL);
  uv_close((uv_handle_t *)&r->deadline, NULL);
  uv_close((uv_handle_t *)&r->beat, NULL);
}

void agent_remote_free(agent_remote *r)
{
  if (r == NULL)
    return;
  agent_enrolment_free(r->enrolment);
  cd_key_free(r->renew_key);
  free(r);
}

/* ---- words ---- */

static const char *connection_word(const agent_remote *r)
{
  if (r->enrolment == NULL)
    return "none";
  if (r->connection.phase == REMOTE_READY)
    return "connected";
  return r->connection.phase != REMOTE_OFF || r->why[0] == '\0' ? "connecting" : "waiting";
}

void agent_remote_write(const agent_remote *r, cd_jw *w)
{
  const agent_enrolment *e = r->enrolment;
  const remote_connection *c = &r->connection;
  unsigned waiting = 0;
  cd_err err = {0};
  if (agent_journal_outbox_count(r->agent->journal, &waiting, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s", err.text);
  bool ready = c->phase == REMOTE_READY;
  cd_jw_obj(w, "console");
  cd_jw_bool(w, "enrolled", e != NULL);
  cd_jw_cstr(w, "device", e != NULL ? e->device : NULL);
  cd_jw_cstr(w, "root", e != NULL ? e->root_id : NULL);
  cd_jw_cstr(w, "connection", connection_word(r));
  if (ready)
    cd_jw_strf(w, "address", "%s port %u", c->at.host, c->at.port);
  else
    cd_jw_null(w, "address");
  cd_jw_time(w, "since", ready ? c->since_ms : r->why[0] != '\0' ? r->why_ms : 0);
  cd_jw_cstr(w, "sentence", !ready && r->why[0] != '\0' ? r->why : NULL);
  cd_jw_time(w, "certificate_expires", ready ? c->at.expires_ms : 0);
  cd_jw_u64(w, "results_waiting", waiting);
  cd_jw_end_obj(w);
}
