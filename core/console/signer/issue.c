/* Certificates, and statements about devices' keys: only for keys that an audit entry names. */
#include "signer.h"

#include "certificate.h"
#include "csr.h"
#include "protocol/http_head.h"
#include "random.h"
#include "signer_client.h"

#include <string.h>

#include "base/banned.h"

#define DAY_MS INT64_C(86400000)
#define CLIENT_DAYS 30
#define SERVER_DAYS 397
#define STATEMENT_DAYS 3650
/* A clock that is a little slow must not refuse a new certificate. */
#define EARLIER_MS CD_CLOCK_SKEW_MS
/* An entry is used at once; one of last year is no reason to issue something today. */
#define ENTRY_AGE_MS INT64_C(3600000)

static cd_code read_entry(sig_signer *s, const sig_request *r, int64_t now_ms, sig_entry *e,
                          cd_err *err)
{
  cd_code rc = sig_log_catch_up(&s->log, NULL, err);
  if (rc == CD_OK)
    rc = sig_entry_read(&s->log, &r->audit, e, err);
  if (rc != CD_OK)
    return rc;
  if (!cd_str_eq_cstr(cd_str_from(e->device), r->device))
    return cd_fail(err, CD_E_DENIED, "entry %llu of the audit log is about another device",
                   (unsigned long long)r->audit.sequence);
  if (e->at_ms < now_ms - ENTRY_AGE_MS || e->at_ms > now_ms + ENTRY_AGE_MS)
    return cd_fail(err, CD_E_DEADLINE, "entry %llu of the audit log is too old to issue upon",
                   (unsigned long long)r->audit.sequence);
  return CD_OK;
}

/* The entry names the key. */
static cd_code match_key(const sig_entry *e, const char *member, const cd_public_key *key,
                         cd_err *err)
{
  cd_digest named;
  cd_str text = {0};
  cd_json root = cd_json_root(e->detail);
  cd_json_str(&root, member, CD_DIGEST_TEXT_MAX, &text);
  cd_code rc = cd_json_status(&root, err);
  if (rc == CD_OK && (!cd_digest_from_text(text, &named) || !cd_digest_equal(&named, &key->id)))
    rc = cd_fail(err, CD_E_DENIED, "the audit log records another key");
  return rc;
}

/* It is enrolled, and nothing revoked it since this entry. */
static cd_code check_device(sig_signer *s, const sig_request *r, cd_err *err)
{
  sig_device device = {0};
  cd_code rc = sig_state_device(s->state, cd_str_from(r->device), &device, err);
  if (rc == CD_OK && (device.enrolled == 0 || device.revoked > device.enrolled ||
                      device.revoked > r->audit.sequence))
    rc = cd_fail(err, CD_E_DENIED, "device '%s' is %s", r->device,
                 device.enrolled == 0 ? "not enrolled" : "revoked");
  return rc;
}

static bool is(const sig_entry *e, const char *what)
{
  return cd_str_eq_cstr(cd_str_from(e->what), what);
}

static cd_code check_client(sig_signer *s, const sig_request *r, const sig_entry *e, cd_err *err)
{
  if (!is(e, CON_WHAT_ENROLL) && !is(e, CON_WHAT_RENEW))
    return cd_fail(err, CD_E_DENIED,
                   "entry %llu of the audit log records neither an enrolment nor a renewal",
                   (unsigned long long)r->audit.sequence);
  return check_device(s, r, err);
}

/* The names are the entry's. */
static cd_code read_names(const sig_request *r, const sig_entry *e, cd_str *names,
                          size_t *ret_count, cd_err *err)
{
  cd_json list = {0};
  cd_json root = cd_json_root(e->detail);
  if (!is(e, CON_WHAT_SERVER_KEY))
    return cd_fail(err, CD_E_DENIED, "entry %llu of the audit log records no key of the console",
                   (unsigned long long)r->audit.sequence);
  cd_json_arr(&root, "names", CON_SERVER_NAMES_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json_at_str(&list, i, CD_HTTP_HOST_MAX, &names[i]);
    if (names[i].len == 0)
      cd_json_bad(&list, NULL, "has a name that is empty");
  }
  if (list.node != NULL && cd_json_len(&list) == 0)
    cd_json_bad(&root, "names", "must not be empty");
  *ret_count = cd_json_len(&list);
  return cd_json_status(&root, err);
}

static cd_code write_certificate(sig_signer *s, const sig_leaf *leaf, cd_jw *w, cd_err *err)
{
  char serial[SIG_SERIAL_TEXT];
  cd_buf pem = CD_BUF_INIT(64u * 1024u);
  cd_code rc = sig_leaf_certificate(leaf, s->keys.device_ca.key, &pem, serial, err);
  cd_buf_add_cstr(&pem, s->keys.through);
  cd_buf_add_cstr(&pem, s->keys.issuer);
  if (rc == CD_OK)
    rc = cd_buf_status(&pem, "a certificate", err);
  if (rc == CD_OK) {
    cd_jw_str(w, "certificate", cd_buf_view(&pem));
    cd_jw_cstr(w, "serial", serial);
    cd_jw_i64(w, "not_after", leaf->to_ms);
  }
  cd_buf_release(&pem);
  return rc;
}

cd_code sig_issue(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  sig_entry e = {0};
  cd_public_key key = {0};
  cd_str names[CON_SERVER_NAMES_MAX] = {{0}};
  bool client = r->device[0] != '\0';
  int64_t now_ms = s->now_ms();
  sig_leaf leaf = {.use = client ? SIG_USE_CLIENT : SIG_USE_SERVER,
                   .common_name = client ? r->device : "cordon-console",
                   .key = &key,
                   .names = names,
                   .from_ms = now_ms - EARLIER_MS,
                   .to_ms = now_ms + (client ? CLIENT_DAYS : SERVER_DAYS) * DAY_MS};
  cd_code rc = con_csr_key(r->csr, &key, err);
  if (rc == CD_OK)
    rc = read_entry(s, r, now_ms, &e, err);
  if (rc == CD_OK)
    rc = client ? check_client(s, r, &e, err) : read_names(r, &e, names, &leaf.name_count, err);
  if (rc == CD_OK)
    rc = match_key(&e, "tls_key", &key, err);
  if (rc == CD_OK)
    rc = write_certificate(s, &leaf, w, err);
  sig_entry_release(&e);
  return rc;
}

static cd_code write_statement(sig_signer *s, const sig_request *r, int64_t now_ms, cd_jw *w,
                               cd_err *err)
{
  char id[CD_KEY_ID_TEXT_MAX];
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_statement));
  cd_statement said = {.purpose = CD_PURPOSE_DEVICE,
                       .key = r->device_key,
                       .not_before_ms = now_ms,
                       .not_after_ms = now_ms + STATEMENT_DAYS * DAY_MS};
  memcpy(said.subject, r->device, sizeof(said.subject));
  cd_public_key_id(&r->device_key, id);
  cd_code rc = sig_state_device_key_generation(s->state, cd_str_from(r->device), cd_str_from(id),
                                               &said.generation, err);
  if (rc == CD_OK)
    rc = cd_statement_sign(&said, s->keys.device_ca.key, &sig_random, &jws, err);
  if (rc == CD_OK) {
    cd_jw_str(w, "statement", cd_buf_view(&jws));
    cd_jw_cstr(w, "device_ca_key", s->keys.device_ca.statement);
  }
  cd_buf_release(&jws);
  return rc;
}

cd_code sig_state_device_key(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  sig_entry e = {0};
  int64_t now_ms = s->now_ms();
  cd_code rc = read_entry(s, r, now_ms, &e, err);
  if (rc == CD_OK && !is(&e, CON_WHAT_ENROLL))
    rc = cd_fail(err, CD_E_DENIED, "entry %llu of the audit log records no enrolment",
                 (unsigned long long)r->audit.sequence);
  if (rc == CD_OK)
    rc = check_device(s, r, err);
  if (rc == CD_OK)
    rc = match_key(&e, "device_key", &r->device_key, err);
  if (rc == CD_OK)
    rc = write_statement(s, r, now_ms, w, err);
  sig_entry_release(&e);
  return rc;
}
