#include "device.h"

#include "base/clock.h"
#include "protocol/base64.h"
#include "protocol/enroll.h"
#include "protocol/mark.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static int fill(void *context, unsigned char *bytes, size_t len)
{
  (void)context;
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

const cd_random *test_random(void)
{
  static const cd_random randomness = {fill, NULL};
  return &randomness;
}

static char *bio_text(BIO *bio)
{
  char *text = NULL;
  long len = BIO_get_mem_data(bio, &text);
  return cd_str_dup((cd_str){text, (size_t)len});
}

void device_make(device *d, const char *name)
{
  cd_err err = {0};
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509_REQ *request = X509_REQ_new();
  BIO *key_out = BIO_new(BIO_s_mem());
  BIO *out = BIO_new(BIO_s_mem());
  *d = (device){.message = CD_BUF_INIT(CD_MESSAGE_MAX)};
  (void)cd_str_copy(d->name, sizeof(d->name), cd_str_from(name));
  ck_assert_int_eq(cd_key_generate(test_random(), &d->key, &err), CD_OK);
  ck_assert(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
                                       (const unsigned char *)"device", -1, -1, 0) == 1 &&
            X509_REQ_set_pubkey(request, key) == 1 &&
            X509_REQ_sign(request, key, EVP_sha256()) > 0 &&
            PEM_write_bio_PKCS8PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL) == 1 &&
            PEM_write_bio_X509_REQ(out, request) == 1);
  d->tls_key = bio_text(key_out);
  d->csr = bio_text(out);
  EVP_PKEY_free(key);
  X509_REQ_free(request);
  BIO_free(key_out);
  BIO_free(out);
}

void device_release(device *d)
{
  device_disconnect(d);
  cd_key_free(d->key);
  free(d->tls_key);
  free(d->csr);
  free(d->certificate);
  cd_buf_release(&d->message);
}

/* ---- enrolment ---- */

void token_new(const place *p, const char *bearer, const char *wish, char out[64])
{
  http_answer a;
  http_ask(p->people, p->ca, "POST", "/api/cordon/tokens", bearer, wish, &a);
  ck_assert_msg(a.status == 201, "%u %s", a.status, cd_buf_cstr(&a.body));
  json_member(cd_buf_cstr(&a.body), "token", out, 64);
  http_release(&a);
}

static void write_request(const device *d, const char *token, cd_buf *out)
{
  cd_err err = {0};
  uint8_t bytes[CD_TOKEN_SIZE];
  cd_enroll_proof proof = {.at_ms = cd_wall_ms()};
  cd_buf jws = CD_BUF_INIT(4096);
  ck_assert_int_eq(cd_enroll_token_decode(cd_str_from(token), bytes, &err), CD_OK);
  ck_assert_int_eq(cd_digest_of(bytes, sizeof(bytes), &proof.token_hash, &err), CD_OK);
  ck_assert_int_eq(cd_digest_of(d->csr, strlen(d->csr), &proof.csr_hash, &err), CD_OK);
  ck_assert_int_eq(cd_enroll_proof_sign(&proof, d->key, test_random(), &jws, &err), CD_OK);
  const cd_enroll_request r = {.token = cd_str_from(token),
                               .csr = cd_str_from(d->csr),
                               .device_key = *cd_key_public(d->key),
                               .proof = cd_buf_view(&jws),
                               .hostname = cd_str_from(d->name),
                               .os = CD_STR("linux"),
                               .agent = CD_STR("0.1.0")};
  ck_assert_msg(cd_enroll_request_write(&r, out, &err) == CD_OK, "%s", err.text);
  cd_buf_release(&jws);
}

unsigned device_enroll(device *d, const place *p, const char *token)
{
  http_answer a;
  cd_err err = {0};
  cd_enroll_answer answer = {0};
  cd_buf request = CD_BUF_INIT(CD_ENROLL_REQUEST_MAX);
  write_request(d, token, &request);
  http_ask(p->people, p->ca, "POST", "/api/cordon/enroll", NULL, cd_buf_cstr(&request), &a);
  unsigned status = a.status;
  if (status == 201) {
    ck_assert_msg(cd_enroll_answer_read(cd_buf_view(&a.body), &answer, &err) == CD_OK, "%s",
                  err.text);
    ck_assert(cd_str_copy(d->id, sizeof(d->id), answer.device));
    free(d->certificate);
    d->certificate = cd_str_dup(answer.certificate);
    cd_enroll_answer_release(&answer);
  }
  http_release(&a);
  cd_buf_release(&request);
  return status;
}

/* ---- the connection ---- */

unsigned device_connect(device *d, const place *p)
{
  device_disconnect(d);
  d->connected = true;
  d->last_id = 0;
  d->report_number = 0;
  return ws_connect(&d->ws, p->agents, p->ca, d->certificate, d->tls_key, "/agent/v1",
                    CD_PROTOCOL_NAME);
}

void device_disconnect(device *d)
{
  if (d->connected)
    ws_close(&d->ws);
  d->connected = false;
}

void device_send(device *d, cd_buf *message)
{
  ck_assert(ws_send(&d->ws, CD_WS_TEXT, cd_buf_view(message)));
  cd_buf_release(message);
}

bool device_next(device *d, cd_rpc *ret_rpc)
{
  cd_ws_event event = {0};
  cd_err err = {0};
  if (!ws_next(&d->ws, &event) || event.type == CD_WS_CLOSE)
    return false;
  cd_buf_reset(&d->message);
  cd_buf_add_str(&d->message, event.payload);
  ck_assert_msg(cd_rpc_parse(cd_buf_view(&d->message), ret_rpc, NULL, &err) == CD_OK, "%s",
                err.text);
  return true;
}

static void say_hello(device *d)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  cd_rpc m = {0};
  cd_welcome w = {0};
  const cd_hello h = {.version_count = 1,
                      .versions = {CD_PROTOCOL_VERSION},
                      .agent = CD_STR("0.1.0"),
                      .device = cd_str_from(d->id),
                      .nonce = {1}};
  ck_assert_int_eq(cd_hello_write(&h, ++d->last_id, &out, &err), CD_OK);
  device_send(d, &out);
  ck_assert(device_next(d, &m));
  ck_assert_msg(cd_welcome_read(&m, &w, &err) == CD_OK, "%s", err.text);
  memcpy(d->nonce, w.nonce, sizeof(d->nonce));
  cd_rpc_release(&m);
}

static void send_mark(device *d)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  cd_rpc m = {0};
  cd_mark mark = {.from = CD_MARK_FROM_DEVICE, .at_ms = cd_wall_ms(), .key_generation = 1};
  mark.generations[CD_STATE_ISOLATE] = d->generation;
  memcpy(mark.nonce, d->nonce, sizeof(mark.nonce));
  (void)cd_str_copy(mark.device, sizeof(mark.device), cd_str_from(d->id));
  ck_assert_int_eq(cd_mark_sign(&mark, d->key, test_random(), &jws, &err), CD_OK);
  ck_assert_int_eq(cd_signed_write(CD_METHOD_MARK, cd_buf_view(&jws), ++d->last_id, &out, &err),
                   CD_OK);
  cd_buf_release(&jws);
  device_send(d, &out);
  ck_assert(device_next(d, &m));
  ck_assert_msg(cd_ack_read(&m, &err) == CD_OK, "%s", err.text);
  cd_rpc_release(&m);
}

void device_ready(device *d, const place *p)
{
  ck_assert_uint_eq(device_connect(d, p), 101);
  say_hello(d);
  send_mark(d);
}

static cd_values values_of(const device *d, cd_wanted_value wanted, uint64_t generation)
{
  bool isolated = wanted == CD_WANTED_ISOLATED;
  cd_values v = {.state = CD_STATE_ISOLATE,
                 .wanted = wanted,
                 .wanted_generation = generation,
                 .wanted_since_ms = cd_wall_ms(),
                 .enforced = isolated ? CD_ENFORCED_ISOLATED : CD_ENFORCED_RELEASED,
                 .enforced_at_ms = cd_wall_ms(),
                 .proven = isolated ? CD_PROVEN_HOLDS : CD_PROVEN_RELEASED,
                 .proven_at_ms = cd_wall_ms()};
  (void)d;
  if (isolated)
    (void)cd_str_copy(v.wanted_type, sizeof(v.wanted_type), CD_STR("full"));
  return v;
}

void device_report(device *d, cd_wanted_value wanted, uint64_t generation)
{
  const device_holds holds = {.wanted = wanted,
                              .type = wanted == CD_WANTED_ISOLATED ? "full" : "",
                              .action = "",
                              .generation = generation};
  device_report_as(d, &holds);
}

void device_report_as(device *d, const device_holds *holds)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  cd_report r = {.number = ++d->report_number, .at_ms = cd_wall_ms(), .state_count = 1};
  r.states[0] = values_of(d, holds->wanted, holds->generation);
  ck_assert(cd_str_copy(r.states[0].wanted_type, sizeof(r.states[0].wanted_type),
                        cd_str_from(holds->type)) &&
            cd_str_copy(r.states[0].wanted_action, sizeof(r.states[0].wanted_action),
                        cd_str_from(holds->action)));
  r.facts = CD_STR("{\"host_name\":\"desk-1.example\",\"os\":{\"system\":\"linux\",\"id\":"
                   "\"debian\",\"name\":\"Debian\",\"version\":\"12\"},\"kernel\":\"6.1\","
                   "\"architecture\":\"x86_64\",\"boot_id\":\"b\",\"interfaces\":[{\"name\":"
                   "\"eth0\",\"mac\":\"02:00:5e:10:00:01\",\"up\":true,\"addresses\":[\"198.51.100."
                   "7/24\"]}]}");
  r.policy = d->policy;
  memcpy(r.nonce, d->nonce, sizeof(r.nonce));
  (void)cd_str_copy(r.device, sizeof(r.device), cd_str_from(d->id));
  ck_assert_int_eq(cd_report_sign(&r, d->key, test_random(), &jws, &err), CD_OK);
  ck_assert_int_eq(cd_signed_write(CD_METHOD_REPORT, cd_buf_view(&jws), 0, &out, &err), CD_OK);
  cd_buf_release(&jws);
  device_send(d, &out);
}

/* ---- orders ---- */

/* The payload without a check of its signature: whether a device takes it is the agent's to test.
 */
static void read_order(device *d, cd_str jws, cd_order *ret_order, cd_digest *ret_digest)
{
  cd_json parameters = {0};
  cd_buf printed = CD_BUF_INIT(65536);
  char payload[65536];
  size_t len = 0;
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str text = {0};
  cd_str kind = {0};
  *ret_order = (cd_order){0};
  ck_assert_int_eq(cd_jws_digest(jws, ret_digest, &err), CD_OK);
  (void)cd_str_cut(&jws, '.');
  ck_assert(cd_base64url_decode(cd_str_cut(&jws, '.'), payload, sizeof(payload), &len));
  ck_assert_int_eq(cd_json_parse((cd_str){payload, len}, sizeof(payload), "order", &doc, &err),
                   CD_OK);
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "action", CD_ID_SIZE - 1, &text);
  cd_json_str(&root, "kind", 20, &kind);
  cd_json_u64(&root, "generation", CD_GENERATION_MAX, &ret_order->generation);
  cd_json_value(&root, "parameters", &parameters);
  cd_json_print(&parameters, &printed);
  (void)cd_str_copy(d->parameters, sizeof(d->parameters), cd_buf_view(&printed));
  cd_buf_release(&printed);
  ck_assert(cd_json_status(&root, &err) == CD_OK &&
            cd_order_kind_from_name(kind, &ret_order->kind) &&
            cd_str_copy(ret_order->action, sizeof(ret_order->action), text));
  cd_json_free(doc);
}

void device_take_order(device *d, cd_order *ret_order, cd_digest *ret_digest)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_method method = 0;
  cd_order_message message = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  const cd_order_ack ack = {.accepted = true};
  ck_assert_msg(device_next(d, &m), "the connection ended instead of an order");
  ck_assert_msg(cd_message_method(&m, CD_SIDE_AGENT, &method, NULL, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(method, CD_METHOD_ORDER);
  ck_assert_int_eq(cd_order_message_read(&m, &message, NULL, &err), CD_OK);
  read_order(d, message.order, ret_order, ret_digest);
  ck_assert_int_eq(cd_order_ack_write(&ack, m.id, &out, &err), CD_OK);
  cd_rpc_release(&m);
  device_send(d, &out);
}

const char *device_parameters(const device *d)
{
  return d->parameters;
}

static void read_policy(cd_str jws, cd_policy *ret_policy, char *body, size_t size)
{
  char payload[65536];
  size_t len = 0;
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_json value = {0};
  cd_str name = {0};
  cd_buf text = CD_BUF_INIT(65536);
  *ret_policy = (cd_policy){0};
  (void)cd_str_cut(&jws, '.');
  ck_assert(cd_base64url_decode(cd_str_cut(&jws, '.'), payload, sizeof(payload), &len));
  ck_assert_int_eq(cd_json_parse((cd_str){payload, len}, sizeof(payload), "policy", &doc, &err),
                   CD_OK);
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "version", CD_GENERATION_MAX, &ret_policy->version);
  (void)cd_json_opt_str(&root, "name", CD_POLICY_NAME_MAX, &name);
  cd_json_obj(&root, "body", &value);
  ck_assert_msg(cd_json_status(&root, &err) == CD_OK, "%s", err.text);
  (void)cd_str_copy(ret_policy->name, sizeof(ret_policy->name), name);
  cd_json_print(&value, &text);
  ck_assert(cd_str_copy(body, size, cd_buf_view(&text)));
  cd_buf_release(&text);
  cd_json_free(doc);
}

void device_take_policy(device *d, cd_policy *ret_policy, char *body, size_t size)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_method method = 0;
  cd_policy_message message = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  const cd_order_ack ack = {.accepted = true};
  ck_assert_msg(device_next(d, &m), "the connection ended instead of a policy");
  ck_assert_msg(cd_message_method(&m, CD_SIDE_AGENT, &method, NULL, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(method, CD_METHOD_POLICY);
  ck_assert_int_eq(cd_policy_message_read(&m, &message, NULL, &err), CD_OK);
  read_policy(message.policy, ret_policy, body, size);
  ck_assert_int_eq(cd_order_ack_write(&ack, m.id, &out, &err), CD_OK);
  cd_rpc_release(&m);
  device_send(d, &out);
}

bool device_result(device *d, const cd_order *order, const cd_digest *digest, const cd_key *key)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  cd_rpc m = {0};
  cd_result r = {.kind = order->kind,
                 .generation = order->generation,
                 .has_order = digest != NULL,
                 .status = CD_ACTION_SUCCEEDED,
                 .outcome = CD_OK,
                 .created_ms = cd_wall_ms(),
                 .started_ms = cd_wall_ms(),
                 .ended_ms = cd_wall_ms(),
                 .state_count = 1,
                 .comment = CD_STR("c"),
                 .result = cd_str_from(d->evidence != NULL ? d->evidence : "{\"probes\":3}")};
  if (digest != NULL)
    r.order = *digest;
  r.states[0] =
      values_of(d, order->kind == CD_ORDER_RELEASE ? CD_WANTED_RELEASED : CD_WANTED_ISOLATED,
                order->generation);
  (void)cd_str_copy(r.device, sizeof(r.device), cd_str_from(d->id));
  (void)cd_str_copy(r.action, sizeof(r.action), cd_str_from(order->action));
  (void)cd_str_copy(r.requestor, sizeof(r.requestor), CD_STR("test"));
  d->generation = order->generation > d->generation ? order->generation : d->generation;
  ck_assert_msg(cd_result_sign(&r, key, test_random(), &jws, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(cd_signed_write(CD_METHOD_RESULT, cd_buf_view(&jws), ++d->last_id, &out, &err),
                   CD_OK);
  cd_buf_release(&jws);
  device_send(d, &out);
  ck_assert(device_next(d, &m));
  bool taken = cd_ack_read(&m, &err) == CD_OK;
  cd_rpc_release(&m);
  return taken;
}

bool device_renew(device *d)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  cd_rpc m = {0};
  cd_str certificate = {0};
  ck_assert_int_eq(cd_renew_write(cd_str_from(d->csr), ++d->last_id, &out, &err), CD_OK);
  device_send(d, &out);
  ck_assert(device_next(d, &m));
  bool given = cd_renewed_read(&m, &certificate, &err) == CD_OK;
  cd_rpc_release(&m);
  return given;
}
