/* A signer within the console's process, for tests of the console: it signs whatever it is asked,
 * with keys that are made at the start, and answers from the loop as the real one does. Linked
 * instead of core/console/signer_client.c. */
#include "signer_client.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "protocol/base64.h"
#include "protocol/key.h"
#include "protocol/mark.h"
#include "protocol/order.h"
#include "protocol/policy.h"
#include "protocol/statement.h"
#include "store.h"

#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

typedef struct answer {
  struct answer *next;
  con_signer_done done;
  void *context;
  con_signer_reply reply;
  cd_buf text;  /* order, mark, statement, signed head */
  cd_buf chain; /* certificate */
  char serial[CON_SERIAL_TEXT_MAX];
} answer;

struct con_signer {
  uv_loop_t *loop;
  uv_timer_t timer;
  answer *first;
  answer *last;
  cd_key *root;
  cd_key *order;
  cd_key *policy;
  cd_key *ca;
  EVP_PKEY *ca_pkey;
  X509 *ca_certificate;
  cd_buf ca_pem;
  cd_buf order_statement;
  cd_buf policy_statement;
  cd_buf ca_statement;
  char root_text[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  bool was_away; /* for the policy of that name, once */
  void (*closed)(void *context);
  void *closed_context;
};

static int fill(void *context, unsigned char *bytes, size_t len)
{
  (void)context;
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

static const cd_random randomness = {fill, NULL};

static void need(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "fake signer: %s\n", what);
  abort();
}

static void must(cd_code rc, const cd_err *err)
{
  need(rc == CD_OK, err->text);
}

/* ---- certificates ---- */

static void add_extension(X509 *c, X509 *issuer, int nid, const char *value)
{
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
  X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
  need(e != NULL && X509_add_ext(c, e, -1) == 1, "an extension");
  X509_EXTENSION_free(e);
}

static X509 *new_certificate(EVP_PKEY *key, const char *name)
{
  unsigned char serial[12];
  X509 *c = X509_new();
  BIGNUM *number = NULL;
  need(c != NULL && fill(NULL, serial, sizeof(serial)) == 0, "a certificate");
  serial[0] = (serial[0] & 0x7f) | 1;
  number = BN_bin2bn(serial, sizeof(serial), NULL);
  (void)BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c));
  BN_free(number);
  (void)X509_set_version(c, 2);
  (void)X509_gmtime_adj(X509_getm_notBefore(c), -60);
  (void)X509_gmtime_adj(X509_getm_notAfter(c), 30L * 24 * 3600);
  (void)X509_set_pubkey(c, key);
  (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0);
  return c;
}

static void write_certificate(X509 *c, cd_buf *out)
{
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  need(PEM_write_bio_X509(bio, c) == 1, "PEM");
  long len = BIO_get_mem_data(bio, &text);
  cd_buf_add(out, text, (size_t)len);
  BIO_free(bio);
}

static void issue(con_signer *s, cd_str csr, const char *name, const char *usage, const char *names,
                  answer *a)
{
  BIO *in = BIO_new_mem_buf(csr.ptr, (int)csr.len);
  X509_REQ *request = PEM_read_bio_X509_REQ(in, NULL, NULL, NULL);
  need(request != NULL, "a certificate request");
  X509 *c = new_certificate(X509_REQ_get0_pubkey(request), name);
  (void)X509_set_issuer_name(c, X509_get_subject_name(s->ca_certificate));
  add_extension(c, s->ca_certificate, NID_ext_key_usage, usage);
  if (names != NULL)
    add_extension(c, s->ca_certificate, NID_subject_alt_name, names);
  need(X509_sign(c, s->ca_pkey, EVP_sha256()) > 0, "a signature");
  write_certificate(c, &a->chain);
  cd_buf_add_str(&a->chain, cd_buf_view(&s->ca_pem));
  BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(c), NULL);
  char *hex = BN_bn2hex(number);
  for (size_t i = 0; hex[i] != '\0' && i + 1 < sizeof(a->serial); i++)
    a->serial[i] = hex[i] >= 'A' && hex[i] <= 'F' ? (char)(hex[i] - 'A' + 'a') : hex[i];
  OPENSSL_free(hex);
  BN_free(number);
  a->reply.certificate = cd_buf_view(&a->chain);
  a->reply.serial = cd_str_from(a->serial);
  a->reply.not_after_ms = cd_wall_ms() + INT64_C(30) * 24 * 3600 * 1000;
  X509_free(c);
  X509_REQ_free(request);
  BIO_free(in);
}

static void make_ca(con_signer *s)
{
  cd_err err = {0};
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  must(cd_key_to_pem(s->ca, &pem, &err), &err);
  BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
  s->ca_pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
  need(s->ca_pkey != NULL, "the CA's key");
  s->ca_certificate = new_certificate(s->ca_pkey, "Cordon device CA");
  (void)X509_set_issuer_name(s->ca_certificate, X509_get_subject_name(s->ca_certificate));
  add_extension(s->ca_certificate, s->ca_certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(s->ca_certificate, s->ca_certificate, NID_key_usage, "critical,keyCertSign");
  need(X509_sign(s->ca_certificate, s->ca_pkey, EVP_sha256()) > 0, "a signature");
  write_certificate(s->ca_certificate, &s->ca_pem);
  BIO_free(in);
  cd_buf_release(&pem);
}

/* ---- answers ---- */

static void on_timer(uv_timer_t *timer)
{
  con_signer *s = timer->data;
  while (s->first != NULL) {
    answer *a = s->first;
    s->first = a->next;
    if (s->first == NULL)
      s->last = NULL;
    a->done(a->context, &a->reply);
    cd_buf_release(&a->text);
    cd_buf_release(&a->chain);
    free(a);
  }
  (void)uv_timer_stop(timer);
}

static answer *new_answer(con_signer *s, con_signer_done done, void *context)
{
  answer *a = calloc(1, sizeof(*a));
  need(a != NULL, "memory");
  a->done = done;
  a->context = context;
  a->reply.sentence = "";
  a->reply.order_key = cd_buf_view(&s->order_statement);
  a->reply.policy_key = cd_buf_view(&s->policy_statement);
  cd_buf_init(&a->text, 1024 * 1024);
  cd_buf_init(&a->chain, 1024 * 1024);
  if (s->last != NULL)
    s->last->next = a;
  else
    s->first = a;
  s->last = a;
  (void)uv_timer_start(&s->timer, on_timer, 1, 1);
  return a;
}

static void state_key(con_signer *s, cd_purpose purpose, const char *subject,
                      const cd_public_key *key, const cd_key *issuer, cd_buf *out)
{
  cd_statement statement = {.purpose = purpose,
                            .key = *key,
                            .generation = 1,
                            .not_before_ms = cd_wall_ms() - 60000,
                            .not_after_ms = cd_wall_ms() + YEAR_MS};
  cd_err err = {0};
  (void)s;
  (void)cd_str_copy(statement.subject, sizeof(statement.subject), cd_str_from(subject));
  must(cd_statement_sign(&statement, issuer, &randomness, out, &err), &err);
}

cd_code con_signer_open(uv_loop_t *loop, const con_signer_options *options, con_signer **ret_signer,
                        cd_err *err)
{
  uint8_t der[CD_KEY_DER_SIZE];
  con_signer *s = calloc(1, sizeof(*s));
  (void)options;
  need(s != NULL, "memory");
  s->loop = loop;
  cd_buf_init(&s->ca_pem, 65536);
  cd_buf_init(&s->order_statement, 65536);
  cd_buf_init(&s->ca_statement, 65536);
  cd_buf_init(&s->policy_statement, 65536);
  must(cd_key_generate(&randomness, &s->root, err), err);
  must(cd_key_generate(&randomness, &s->order, err), err);
  must(cd_key_generate(&randomness, &s->ca, err), err);
  must(cd_key_generate(&randomness, &s->policy, err), err);
  cd_public_key_to_der(cd_key_public(s->root), der);
  cd_base64url_text(s->root_text, der, sizeof(der));
  state_key(s, CD_PURPOSE_ORDER, "", cd_key_public(s->order), s->root, &s->order_statement);
  state_key(s, CD_PURPOSE_POLICY, "", cd_key_public(s->policy), s->root, &s->policy_statement);
  state_key(s, CD_PURPOSE_DEVICE_CA, "", cd_key_public(s->ca), s->root, &s->ca_statement);
  make_ca(s);
  (void)uv_timer_init(loop, &s->timer);
  s->timer.data = s;
  *ret_signer = s;
  return CD_OK;
}

static void on_closed(uv_handle_t *handle)
{
  con_signer *s = handle->data;
  cd_key_free(s->root);
  cd_key_free(s->order);
  cd_key_free(s->ca);
  cd_key_free(s->policy);
  EVP_PKEY_free(s->ca_pkey);
  X509_free(s->ca_certificate);
  cd_buf_release(&s->ca_pem);
  cd_buf_release(&s->order_statement);
  cd_buf_release(&s->ca_statement);
  cd_buf_release(&s->policy_statement);
  s->closed(s->closed_context);
  free(s);
}

void con_signer_close(con_signer *s, void (*closed)(void *context), void *context)
{
  s->closed = closed;
  s->closed_context = context;
  for (answer *a = s->first; a != NULL; a = a->next) {
    a->reply.code = CD_E_CANCELLED;
    a->reply.sentence = "the console stops";
  }
  on_timer(&s->timer);
  uv_close((uv_handle_t *)&s->timer, on_closed);
}

void con_signer_attach(con_signer *s, const con_seal_key *seal, con_signer_done done, void *context)
{
  answer *a = new_answer(s, done, context);
  (void)seal;
  a->reply.root = cd_str_from(s->root_text);
  a->reply.ca = cd_buf_view(&s->ca_pem);
  a->reply.device_ca_key = cd_buf_view(&s->ca_statement);
  a->reply.key_generation = 1;
}

void con_signer_sign_order(con_signer *s, const con_sign_order *order, con_signer_done done,
                           void *context)
{
  answer *a = new_answer(s, done, context);
  cd_err err = {0};
  cd_order o = {.generation = order->generation,
                .issued_ms = cd_wall_ms(),
                .expires_ms = order->expires_ms,
                .audit_sequence = order->audit.sequence,
                .audit_digest = order->audit.digest,
                .parameters = order->parameters,
                .comment = CD_STR("signed by a test")};
  /* The real one reads the kind in the audit log. */
  bool isolate = order->parameters.len > 7 && memcmp(order->parameters.ptr, "{\"type\"", 7) == 0;
  o.kind = isolate ? order->generation > 0 ? CD_ORDER_ISOLATE : CD_ORDER_PREFLIGHT
           : order->parameters.len == 2 ? CD_ORDER_RELEASE
                                        : CD_ORDER_CANCEL;
  (void)cd_str_copy(o.device, sizeof(o.device), order->device);
  (void)cd_str_copy(o.action, sizeof(o.action), order->action);
  (void)cd_str_copy(o.requestor, sizeof(o.requestor), CD_STR("test"));
  a->reply.code = cd_order_sign(&o, s->order, &randomness, &a->text, &err);
  need(a->reply.code == CD_OK, err.text);
  a->reply.order = cd_buf_view(&a->text);
}

void con_signer_sign_policy(con_signer *s, const con_sign_policy *policy, con_signer_done done,
                            void *context)
{
  answer *a = new_answer(s, done, context);
  cd_err err = {0};
  cd_policy p = {.version = policy->version,
                 .issued_ms = cd_wall_ms(),
                 .audit_sequence = policy->audit.sequence,
                 .audit_digest = policy->audit.digest,
                 .body = policy->body};
  (void)cd_str_copy(p.device, sizeof(p.device), policy->device);
  (void)cd_str_copy(p.name, sizeof(p.name), policy->name);
  a->reply.code = cd_policy_sign(&p, s->policy, &randomness, &a->text, &err);
  need(a->reply.code == CD_OK, err.text);
  a->reply.policy = cd_buf_view(&a->text);
  if (!s->was_away && cd_str_eq_cstr(policy->name, "signer-away")) {
    s->was_away = true;
    a->reply.code = CD_E_UNAVAILABLE;
    a->reply.sentence = "the signer closed the connection";
  }
}

void con_signer_mark(con_signer *s, const con_sign_mark *mark, con_signer_done done, void *context)
{
  answer *a = new_answer(s, done, context);
  cd_err err = {0};
  cd_mark m = {.from = CD_MARK_FROM_CONSOLE, .at_ms = cd_wall_ms(), .key_generation = 1};
  (void)cd_str_copy(m.device, sizeof(m.device), mark->device);
  memcpy(m.nonce, mark->nonce, sizeof(m.nonce));
  memcpy(m.generations, mark->generations, sizeof(m.generations));
  must(cd_mark_sign(&m, s->order, &randomness, &a->text, &err), &err);
  a->reply.mark = cd_buf_view(&a->text);
}

void con_signer_issue_device(con_signer *s, cd_str device, cd_str csr, const con_audit_ref *audit,
                             con_signer_done done, void *context)
{
  answer *a = new_answer(s, done, context);
  char name[CD_DEVICE_ID_MAX + 1];
  (void)audit;
  (void)cd_str_copy(name, sizeof(name), device);
  issue(s, csr, name, "clientAuth", NULL, a);
}

/* The real one reads the names in the audit log. */
void con_signer_issue_server(con_signer *s, cd_str csr, const con_audit_ref *audit,
                             con_signer_done done, void *context)
{
  answer *a = new_answer(s, done, context);
  (void)audit;
  issue(s, csr, "cordon-console", "serverAuth", "IP:127.0.0.1,DNS:localhost", a);
}

void con_signer_state_device_key(con_signer *s, cd_str device, cd_str device_key,
                                 const con_audit_ref *audit, con_signer_done done, void *context)
{
  answer *a = new_answer(s, done, context);
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  cd_public_key key = {0};
  cd_err err = {0};
  char subject[CD_DEVICE_ID_MAX + 1];
  (void)audit;
  (void)cd_str_copy(subject, sizeof(subject), device);
  need(cd_base64url_decode(device_key, der, sizeof(der), &len), "a device key");
  must(cd_public_key_from_der((cd_str){(const char *)der, len}, &key, &err), &err);
  state_key(s, CD_PURPOSE_DEVICE, subject, &key, s->ca, &a->text);
  a->reply.statement = cd_buf_view(&a->text);
  a->reply.device_ca_key = cd_buf_view(&s->ca_statement);
}

void con_signer_head(con_signer *s, const con_audit_ref *entries, size_t count,
                     con_signer_done done, void *context)
{
  answer *a = new_answer(s, done, context);
  cd_buf_add_cstr(&a->text, "head");
  a->reply.head.sequence = 1;
  a->reply.signed_head = cd_buf_view(&a->text);
}
