#include "console.h"

#include "console_tls.h"
#include "protocol/base64.h"
#include "protocol/enroll.h"
#include "protocol/mark.h"
#include "protocol/random.h"
#include "protocol/statement.h"
#include "protocol/ws.h"
#include "protocol/ws_handshake.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "3f2a9c0d1b4e5f60718293a4b5c6d7e8f9012345"
#define YEAR_MS (365LL * 24 * 3600 * 1000)
#define POLL_MS 20
#define ORDERS_MAX 16

struct console {
  pthread_t thread;
  pthread_mutex_t lock;
  bool stop;
  bool hang_up;
  int listener;
  bool v6;
  char agents[4][64];
  unsigned agent_count;
  uint16_t port;
  ctls *tls;
  cd_key *root;
  cd_key *order;
  cd_key *policy;
  cd_policy_standing standing;
  cd_key *other;
  cd_key *ca;
  char token[CD_BASE64URL_LEN(CD_TOKEN_SIZE) + 1];
  bool has_device;
  cd_public_key device;
  console_twist twist;
  bool silent_about_results;
  bool impostor;
  unsigned life_s;
  unsigned connections;
  unsigned reports;
  unsigned enrolments;
  unsigned renewals;
  unsigned forgeries;
  uint64_t generation;
  cd_wanted_value wanted;
  console_seen results[CONSOLE_RESULTS_MAX];
  unsigned result_count;
  struct {
    bool accepted;
    cd_refusal refusal;
  } acks[CONSOLE_ACKS_MAX];
  unsigned ack_count;
  char *orders[ORDERS_MAX];
  bool policies[ORDERS_MAX]; /* it is one, and no order */
  unsigned order_count;
};

static int fill(void *context, unsigned char *bytes, size_t len)
{
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

static const cd_random entropy = {.fill = fill};

static int64_t now_ms(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void must(cd_code rc, const cd_err *err)
{
  if (rc == CD_OK)
    return;
  (void)fprintf(stderr, "console: %s\n", err->text);
  abort();
}

/* ---- statements ---- */

static void state_key(const cd_key *issuer, cd_purpose purpose, const char *subject,
                      const cd_public_key *key, cd_buf *out)
{
  cd_err err = {0};
  cd_statement s = {.purpose = purpose,
                    .key = *key,
                    .generation = 1,
                    .not_before_ms = now_ms() - 60000,
                    .not_after_ms = now_ms() + YEAR_MS};
  (void)cd_str_copy(s.subject, sizeof(s.subject), cd_str_from(subject));
  must(cd_statement_sign(&s, issuer, &entropy, out, &err), &err);
}

/* ---- enrolment ---- */

static void answer_enrolment(console *c, const cd_enroll_request *r, cd_buf *out)
{
  cd_err err = {0};
  char pem[8192];
  cd_buf statement = CD_BUF_INIT(4096);
  cd_buf order_key = CD_BUF_INIT(4096);
  ctls_issue(c->tls, r->csr, DEVICE, c->life_s, c->twist == CONSOLE_OTHER_KEY, pem, sizeof(pem));
  state_key(c->twist == CONSOLE_OTHER_STATEMENT ? c->other : c->ca, CD_PURPOSE_DEVICE, DEVICE,
            &r->device_key, &statement);
  state_key(c->twist == CONSOLE_OTHER_ORDER_KEY ? c->other : c->root, CD_PURPOSE_ORDER, "",
            cd_key_public(c->order), &order_key);
  cd_enroll_answer a = {.device = CD_STR(DEVICE),
                        .certificate = cd_str_from(pem),
                        .statement = cd_buf_view(&statement),
                        .order_key = cd_buf_view(&order_key),
                        .agent_count = c->agent_count};
  for (unsigned i = 0; i < c->agent_count; i++)
    a.agents[i] = cd_str_from(c->agents[i]);
  must(cd_enroll_answer_write(&a, out, &err), &err);
  cd_buf_release(&statement);
  cd_buf_release(&order_key);
}

static const char *enrol(console *c, cd_str body, cd_buf *out)
{
  cd_err err = {0};
  cd_enroll_request r = {0};
  cd_enroll_proof proof = {0};
  cd_digest csr = {0};
  const char *status = "201 Created";
  must(cd_enroll_request_read(body, &r, &err), &err);
  must(cd_enroll_proof_verify(r.proof, &r.device_key, &proof, &err), &err);
  must(cd_digest_of(r.csr.ptr, r.csr.len, &csr, &err), &err);
  if (!cd_digest_equal(&csr, &proof.csr_hash) || !cd_str_eq_cstr(r.token, c->token))
    abort();
  (void)pthread_mutex_lock(&c->lock);
  c->enrolments++;
  if (c->twist == CONSOLE_REFUSES) {
    cd_buf_add_cstr(out, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"the token is used "
                         "up\"}}");
    status = "403 Forbidden";
  } else if (c->twist == CONSOLE_GARBAGE) {
    cd_buf_add_cstr(out, "{\"device\":17}");
  } else {
    answer_enrolment(c, &r, out);
    c->device = r.device_key;
    c->has_device = true;
  }
  (void)pthread_mutex_unlock(&c->lock);
  cd_enroll_request_release(&r);
  return status;
}

static void serve_enrolment(console *c, ctls_conn *conn, const char *request)
{
  cd_buf body = CD_BUF_INIT(64 * 1024);
  cd_buf out = CD_BUF_INIT(64 * 1024);
  const char *length = strcasestr(request, "content-length:");
  size_t need = length != NULL ? strtoul(length + 15, NULL, 10) : 0;
  while (body.len < need) {
    char chunk[4096];
    int n = ctls_read(conn, chunk, sizeof(chunk));
    if (n <= 0)
      break;
    cd_buf_add(&body, chunk, (size_t)n);
  }
  if (body.len == need && c->twist != CONSOLE_SILENT) {
    char head[256];
    const char *status = enrol(c, cd_buf_view(&body), &out);
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: "
                   "%zu\r\nConnection: close\r\n\r\n",
                   status, out.len);
    ctls_write(conn, head, strlen(head));
    ctls_write(conn, out.ptr, out.len);
  }
  cd_buf_release(&body);
  cd_buf_release(&out);
}

/* ---- the WebSocket ---- */

typedef struct talk {
  console *c;
  ctls_conn *conn;
  cd_ws_decoder decoder;
  uint8_t nonce[CD_NONCE_SIZE];
  bool marked;
  bool over;
  uint64_t reports;
  uint64_t next_id;
  unsigned sent; /* orders, of those queued */
} talk;

static void say(talk *t, cd_buf *text)
{
  cd_err err = {0};
  cd_buf frame = CD_BUF_INIT(CD_MESSAGE_MAX + 64);
  must(cd_ws_frame_add(&frame, CD_WS_TEXT, true, cd_buf_view(text), NULL, &err), &err);
  ctls_write(t->conn, frame.ptr, frame.len);
  cd_buf_release(&frame);
  cd_buf_reset(text);
}

static void on_hello(talk *t, cd_rpc *m, cd_buf *out)
{
  console *c = t->c;
  cd_err err = {0};
  cd_hello hello = {0};
  cd_buf key = CD_BUF_INIT(4096);
  cd_buf jws = CD_BUF_INIT(4096);
  must(cd_hello_read(m, &hello, NULL, &err), &err);
  cd_mark mark = {.from = CD_MARK_FROM_CONSOLE, .at_ms = now_ms(), .key_generation = 1};
  (void)cd_str_copy(mark.device, sizeof(mark.device), hello.device);
  memcpy(mark.nonce, hello.nonce, CD_NONCE_SIZE);
  must(cd_mark_sign(&mark, c->impostor ? c->other : c->order, &entropy, &jws, &err), &err);
  state_key(c->root, CD_PURPOSE_ORDER, "", cd_key_public(c->order), &key);
  (void)fill(NULL, t->nonce, sizeof(t->nonce));
  cd_welcome welcome = {
      .version = 1, .console = CD_STR("test"), .key = cd_buf_view(&key), .mark = cd_buf_view(&jws)};
  memcpy(welcome.nonce, t->nonce, CD_NONCE_SIZE);
  must(cd_welcome_write(&welcome, m->id, out, &err), &err);
  say(t, out);
  cd_buf_release(&key);
  cd_buf_release(&jws);
}

static void on_mark(talk *t, cd_rpc *m, cd_buf *out)
{
  console *c = t->c;
  cd_err err = {0};
  cd_str jws = {0};
  cd_mark mark = {0};
  must(cd_signed_read(m, CD_METHOD_MARK, &jws, NULL, &err), &err);
  if (cd_mark_verify(jws, &c->device, CD_MARK_FROM_DEVICE, CD_STR(DEVICE), t->nonce, &mark, &err) !=
      CD_OK) {
    c->forgeries++;
    must(cd_rpc_write_error(out, m->id, CD_RPC_REFUSED, cd_str_from(err.text), &err), &err);
    say(t, out);
    return;
  }
  c->generation = mark.generations[CD_STATE_ISOLATE];
  c->connections++;
  t->marked = true;
  must(cd_ack_write(m->id, out, &err), &err);
  say(t, out);
}

static void keep_result(console *c, const cd_result *r)
{
  for (unsigned i = 0; i < c->result_count; i++) {
    if (strcmp(c->results[i].action, r->action) == 0) {
      c->results[i].count++;
      return;
    }
  }
  if (c->result_count == CONSOLE_RESULTS_MAX)
    return;
  console_seen *s = &c->results[c->result_count++];
  *s = (console_seen){.status = r->status,
                      .outcome = r->outcome,
                      .has_order = r->has_order,
                      .generation = r->generation,
                      .count = 1};
  if (r->state_count > 0)
    (void)cd_str_copy(s->wanted_action, sizeof(s->wanted_action),
                      cd_str_from(r->states[0].wanted_action));
  (void)cd_str_copy(s->action, sizeof(s->action), cd_str_from(r->action));
  (void)cd_str_copy(s->sentence, sizeof(s->sentence), cd_str_from(r->sentence));
  (void)cd_str_copy(s->requestor, sizeof(s->requestor), cd_str_from(r->requestor));
}

static void on_result(talk *t, cd_rpc *m, cd_buf *out)
{
  console *c = t->c;
  cd_err err = {0};
  cd_str jws = {0};
  cd_result r = {0};
  must(cd_signed_read(m, CD_METHOD_RESULT, &jws, NULL, &err), &err);
  if (cd_result_verify(jws, &c->device, CD_STR(DEVICE), &r, &err) != CD_OK) {
    c->forgeries++;
    must(cd_rpc_write_error(out, m->id, CD_RPC_REFUSED, cd_str_from(err.text), &err), &err);
    say(t, out);
    return;
  }
  keep_result(c, &r);
  cd_result_release(&r);
  if (c->silent_about_results)
    return;
  must(cd_ack_write(m->id, out, &err), &err);
  say(t, out);
}

static void on_report(talk *t, cd_rpc *m)
{
  console *c = t->c;
  cd_err err = {0};
  cd_str jws = {0};
  cd_report r = {0};
  must(cd_signed_read(m, CD_METHOD_REPORT, &jws, NULL, &err), &err);
  if (cd_report_verify(jws, &c->device, CD_STR(DEVICE), t->nonce, t->reports, &r, &err) != CD_OK) {
    c->forgeries++;
    return;
  }
  t->reports = r.number;
  c->reports++;
  c->standing = r.policy;
  if (r.state_count > 0)
    c->wanted = r.states[0].wanted;
  cd_report_release(&r);
}

static void on_renew(talk *t, cd_rpc *m, cd_buf *out)
{
  console *c = t->c;
  cd_err err = {0};
  cd_str csr = {0};
  char pem[8192];
  must(cd_renew_read(m, &csr, NULL, &err), &err);
  c->renewals++;
  c->life_s = 3600;
  ctls_issue(c->tls, csr, DEVICE, c->life_s, false, pem, sizeof(pem));
  must(cd_renewed_write(cd_str_from(pem), m->id, out, &err), &err);
  say(t, out);
}

static void on_message(talk *t, cd_str text)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_method method = (cd_method)0;
  cd_order_ack ack = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  console *c = t->c;
  must(cd_rpc_parse(text, &m, NULL, &err), &err);
  if (m.type == CD_RPC_RESPONSE || m.type == CD_RPC_ERROR) {
    if (cd_order_ack_read(&m, &ack, &err) == CD_OK && c->ack_count < CONSOLE_ACKS_MAX) {
      c->acks[c->ack_count].accepted = ack.accepted;
      c->acks[c->ack_count++].refusal = ack.refusal;
    }
  } else {
    must(cd_message_method(&m, CD_SIDE_CONSOLE, &method, NULL, &err), &err);
    switch (method) {
    case CD_METHOD_HELLO: on_hello(t, &m, &out); break;
    case CD_METHOD_MARK: on_mark(t, &m, &out); break;
    case CD_METHOD_RESULT: on_result(t, &m, &out); break;
    case CD_METHOD_REPORT: on_report(t, &m); break;
    case CD_METHOD_RENEW: on_renew(t, &m, &out); break;
    default: break;
    }
  }
  cd_buf_release(&out);
  cd_rpc_release(&m);
}

static void send_orders(talk *t)
{
  console *c = t->c;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_buf key = CD_BUF_INIT(4096);
  while (t->marked && t->sent < c->order_count) {
    bool policy = c->policies[t->sent];
    cd_str jws = cd_str_from(c->orders[t->sent++]);
    cd_buf_reset(&key);
    state_key(c->root, policy ? CD_PURPOSE_POLICY : CD_PURPOSE_ORDER, "",
              cd_key_public(policy ? c->policy : c->order), &key);
    const cd_policy_message p = {.policy = jws, .key = cd_buf_view(&key)};
    const cd_order_message o = {.order = jws, .key = cd_buf_view(&key)};
    if (policy)
      must(cd_policy_message_write(&p, ++t->next_id, &out, &err), &err);
    else
      must(cd_order_message_write(&o, ++t->next_id, &out, &err), &err);
    say(t, &out);
  }
  cd_buf_release(&out);
  cd_buf_release(&key);
}

static void take_bytes(talk *t, cd_str bytes)
{
  cd_ws_event event;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(1024);
  cd_code rc;
  while ((rc = cd_ws_decoder_next(&t->decoder, &bytes, &event, &err)) == CD_OK) {
    if (event.type == CD_WS_TEXT)
      on_message(t, event.payload);
    if (event.type == CD_WS_CLOSE)
      t->over = true;
    if (event.type == CD_WS_PING) {
      must(cd_ws_frame_add(&out, CD_WS_PONG, true, event.payload, NULL, &err), &err);
      ctls_write(t->conn, out.ptr, out.len);
      cd_buf_reset(&out);
    }
  }
  if (rc != CD_E_NOTFOUND)
    t->over = true;
  cd_buf_release(&out);
}

static void talk_on(talk *t)
{
  static char chunk[65536];
  while (!t->over) {
    bool readable = ctls_wait(t->conn, POLL_MS);
    int n = readable ? ctls_read(t->conn, chunk, sizeof(chunk)) : 0;
    (void)pthread_mutex_lock(&t->c->lock);
    if (readable && n <= 0)
      t->over = true;
    else if (n > 0)
      take_bytes(t, (cd_str){chunk, (size_t)n});
    if (!t->over)
      send_orders(t);
    if (t->c->stop || t->c->hang_up)
      t->over = true;
    t->c->hang_up = false;
    (void)pthread_mutex_unlock(&t->c->lock);
  }
}

static void serve_websocket(console *c, ctls_conn *conn, const char *request)
{
  static const char field[] = "Sec-WebSocket-Key: ";
  talk t = {.c = c, .conn = conn};
  char accept[CD_WS_ACCEPT_MAX];
  char head[256];
  cd_err err = {0};
  const char *key = strcasestr(request, field);
  if (key == NULL || !ctls_client_is_good(conn))
    return;
  must(cd_ws_accept((cd_str){key + sizeof(field) - 1, 24}, accept, &err), &err);
  (void)snprintf(head, sizeof(head),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: cordon.v1\r\n\r\n",
                 accept);
  ctls_write(conn, head, strlen(head));
  cd_ws_decoder_init(&t.decoder, CD_WS_SERVER, CD_MESSAGE_MAX);
  talk_on(&t);
  cd_ws_decoder_release(&t.decoder);
}

static void serve(console *c, int fd)
{
  char request[8192];
  ctls_conn *conn = ctls_accept(c->tls, fd);
  if (conn == NULL)
    return;
  if (ctls_read_head(conn, request, sizeof(request))) {
    if (strncmp(request, "POST /api/cordon/enroll ", 24) == 0)
      serve_enrolment(c, conn, request);
    else if (strncmp(request, "GET /agent/v1 ", 14) == 0)
      serve_websocket(c, conn, request);
  }
  ctls_close(conn);
}

static void *run(void *context)
{
  console *c = context;
  for (;;) {
    struct pollfd p = {.fd = c->listener, .events = POLLIN};
    (void)poll(&p, 1, POLL_MS);
    (void)pthread_mutex_lock(&c->lock);
    bool stop = c->stop;
    (void)pthread_mutex_unlock(&c->lock);
    if (stop)
      return NULL;
    if ((p.revents & POLLIN) == 0)
      continue;
    int fd = ctls_accept_socket(c->listener);
    if (fd >= 0)
      serve(c, fd);
  }
}

/* ---- for the tests ---- */

static console *make(bool v6)
{
  cd_err err = {0};
  uint8_t token[CD_TOKEN_SIZE];
  console *c = calloc(1, sizeof(*c));
  ck_assert_ptr_nonnull(c);
  must(cd_key_generate(&entropy, &c->root, &err), &err);
  must(cd_key_generate(&entropy, &c->order, &err), &err);
  must(cd_key_generate(&entropy, &c->policy, &err), &err);
  must(cd_key_generate(&entropy, &c->other, &err), &err);
  c->tls = ctls_new();
  must(cd_key_from_pem(ctls_ca_key(c->tls), &entropy, &c->ca, &err), &err);
  (void)fill(NULL, token, sizeof(token));
  cd_base64url_text(c->token, token, sizeof(token));
  c->life_s = 3600;
  c->v6 = v6;
  c->listener = ctls_listen(v6, &c->port);
  if (c->listener < 0) {
    free(c);
    return NULL;
  }
  console_set_agents(c, (const char *const[]){v6 ? "[::1]:%u" : "127.0.0.1:%u", NULL});
  (void)pthread_mutex_init(&c->lock, NULL);
  ck_assert_int_eq(pthread_create(&c->thread, NULL, run, c), 0);
  return c;
}

console *console_new(void)
{
  return make(false);
}

console *console_new_v6(void)
{
  return make(true);
}

/* Before the thread is started, or while nothing enrols. */
void console_set_agents(console *c, const char *const *agents)
{
  c->agent_count = 0;
  for (size_t i = 0; i < 4 && agents[i] != NULL; i++) {
    char port[16];
    const char *mark = strstr(agents[i], "%u");
    size_t before = mark != NULL ? (size_t)(mark - agents[i]) : strlen(agents[i]);
    (void)snprintf(port, sizeof(port), "%u", c->port);
    (void)snprintf(c->agents[i], sizeof(c->agents[i]), "%.*s%s", (int)before, agents[i],
                   mark != NULL ? port : "");
    c->agent_count++;
  }
}

void console_free(console *c)
{
  (void)pthread_mutex_lock(&c->lock);
  c->stop = true;
  (void)pthread_mutex_unlock(&c->lock);
  (void)pthread_join(c->thread, NULL);
  (void)pthread_mutex_destroy(&c->lock);
  (void)close(c->listener);
  for (unsigned i = 0; i < c->order_count; i++)
    free(c->orders[i]);
  cd_key_free(c->root);
  cd_key_free(c->order);
  cd_key_free(c->policy);
  cd_key_free(c->other);
  cd_key_free(c->ca);
  ctls_free(c->tls);
  free(c);
}

uint16_t console_port(const console *c)
{
  return c->port;
}

char *console_token(console *c)
{
  cd_buf text = CD_BUF_INIT(64 * 1024);
  cd_jw w;
  cd_err err = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  char root[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  cd_public_key_to_der(cd_key_public(c->root), der);
  cd_base64url_text(root, der, sizeof(der));
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "version", 1);
  cd_jw_arr(&w, "enroll");
  cd_jw_strf(&w, NULL, "https://%s:%u", c->v6 ? "[::1]" : "127.0.0.1", c->port);
  cd_jw_end_arr(&w);
  cd_jw_cstr(&w, "token", c->token);
  cd_jw_cstr(&w, "root", root);
  cd_jw_str(&w, "ca", ctls_ca(c->tls));
  cd_jw_str(&w, "tls_ca", ctls_ca(c->tls));
  cd_jw_end_obj(&w);
  must(cd_jw_done(&w, "the token", &err), &err);
  return cd_buf_steal(&text, NULL);
}

#define SET(name, type, field)                                                                     \
  void name(console *c, type value)                                                                \
  {                                                                                                \
    (void)pthread_mutex_lock(&c->lock);                                                            \
    c->field = value;                                                                              \
    (void)pthread_mutex_unlock(&c->lock);                                                          \
  }

SET(console_set_twist, console_twist, twist)
SET(console_set_impostor, bool, impostor)
SET(console_set_life, unsigned, life_s)

void console_set_acks(console *c, bool acks)
{
  (void)pthread_mutex_lock(&c->lock);
  c->silent_about_results = !acks;
  (void)pthread_mutex_unlock(&c->lock);
}

void console_hang_up(console *c)
{
  (void)pthread_mutex_lock(&c->lock);
  c->hang_up = true;
  (void)pthread_mutex_unlock(&c->lock);
}

cd_order console_order(console *c, cd_order_kind kind, uint64_t generation)
{
  cd_err err = {0};
  cd_order o = {.kind = kind,
                .generation = generation,
                .issued_ms = now_ms(),
                .expires_ms = now_ms() + 3600 * 1000,
                .audit_sequence = 1,
                .parameters = kind == CD_ORDER_ISOLATE || kind == CD_ORDER_PREFLIGHT
                                  ? CD_STR("{\"type\":\"full\",\"exclusions\":[]}")
                                  : CD_STR("{}")};
  (void)cd_str_copy(o.device, sizeof(o.device), CD_STR(DEVICE));
  (void)cd_str_copy(o.requestor, sizeof(o.requestor), CD_STR("alice"));
  must(cd_id_make(o.action, &err), &err);
  return o;
}

void console_send(console *c, const cd_order *o, bool forged)
{
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  must(cd_order_sign(o, forged ? c->other : c->order, &entropy, &jws, &err), &err);
  (void)pthread_mutex_lock(&c->lock);
  ck_assert_uint_lt(c->order_count, ORDERS_MAX);
  c->orders[c->order_count++] = cd_buf_steal(&jws, NULL);
  (void)pthread_mutex_unlock(&c->lock);
}

void console_send_policy(console *c, uint64_t version, const char *body, bool forged)
{
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_policy p = {
      .version = version, .issued_ms = now_ms(), .audit_sequence = 1, .body = cd_str_from(body)};
  (void)cd_str_copy(p.device, sizeof(p.device), CD_STR(DEVICE));
  (void)cd_str_copy(p.name, sizeof(p.name), CD_STR("servers"));
  must(cd_policy_sign(&p, forged ? c->other : c->policy, &entropy, &jws, &err), &err);
  (void)pthread_mutex_lock(&c->lock);
  ck_assert_uint_lt(c->order_count, ORDERS_MAX);
  c->policies[c->order_count] = true;
  c->orders[c->order_count++] = cd_buf_steal(&jws, NULL);
  (void)pthread_mutex_unlock(&c->lock);
}

#define GET(name, type, field)                                                                     \
  type name(console *c)                                                                            \
  {                                                                                                \
    (void)pthread_mutex_lock(&c->lock);                                                            \
    type value = c->field;                                                                         \
    (void)pthread_mutex_unlock(&c->lock);                                                          \
    return value;                                                                                  \
  }

GET(console_connections, unsigned, connections)
GET(console_reports, unsigned, reports)
GET(console_enrolments, unsigned, enrolments)
GET(console_renewals, unsigned, renewals)
GET(console_generation, uint64_t, generation)
GET(console_wanted, cd_wanted_value, wanted)
GET(console_forgeries, unsigned, forgeries)
GET(console_policy, cd_policy_standing, standing)

bool console_result(console *c, const char *action, console_seen *ret_seen)
{
  bool found = false;
  (void)pthread_mutex_lock(&c->lock);
  for (unsigned i = 0; i < c->result_count && !found; i++) {
    found = strcmp(c->results[i].action, action) == 0;
    if (found && ret_seen != NULL)
      *ret_seen = c->results[i];
  }
  (void)pthread_mutex_unlock(&c->lock);
  return found;
}

bool console_acked(console *c, unsigned index, bool *ret_accepted, cd_refusal *ret_refusal)
{
  (void)pthread_mutex_lock(&c->lock);
  bool there = index < c->ack_count;
  if (there) {
    *ret_accepted = c->acks[index].accepted;
    *ret_refusal = c->acks[index].refusal;
  }
  (void)pthread_mutex_unlock(&c->lock);
  return there;
}
