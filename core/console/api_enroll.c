/* Enrolment: a device with a token comes to its id, its certificate and the statement of its key.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/log.h"
#include "csr.h"
#include "protocol/base64.h"
#include "protocol/enroll.h"
#include "protocol/secret.h"

#include "base/banned.h"

#define ENROL_WHAT (UINT32_MAX - 1)

/* Many devices may sit behind one address, and a rollout is no attack. */
static const con_limit tries = {.per_minute = 600, .per_hour = 20000};

/* Between the questions to the signer. */
typedef struct enrolling {
  con_call *call;
  con_enrolled enrolled;
  char key[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  char *certificate;
  char serial[CON_SERIAL_TEXT_MAX];
  int64_t not_after_ms;
} enrolling;

/* The peer hears no more than that; the log says why. */
static void refuse(con_call *c, const char *why)
{
  c->server->counters.enrol_refused++;
  cd_log(CD_AREA_API, CD_LOG_WARN, "peer=%s: an enrolment was refused: %s", c->peer, why);
  con_reply_error(&c->reply, CON_FORBIDDEN, "The enrolment was refused.");
}

static void finish(enrolling *e)
{
  con_call *c = e->call;
  free(e->certificate);
  free(e);
  con_call_done(c);
}

static void trouble(enrolling *e, const char *why)
{
  cd_log(CD_AREA_API, CD_LOG_ERROR, "device=%s: enrolment did not end: %s", e->enrolled.device,
         why);
  con_reply_error(&e->call->reply, CON_UNAVAILABLE,
                  "The enrolment could not be completed; try "
                  "again");
  e->call->reply.retry_after_s = 5;
  finish(e);
}

static cd_code write_answer(enrolling *e, cd_str statement, cd_err *err)
{
  con_server *s = e->call->server;
  cd_enroll_answer a = {.device = cd_str_from(e->enrolled.device),
                        .certificate = cd_str_from(e->certificate),
                        .statement = statement,
                        .order_key = cd_str_from(s->keys.order_key),
                        .agent_count = (unsigned)s->config.agents_at_count};
  for (size_t i = 0; i < s->config.agents_at_count; i++)
    a.agents[i] = s->config.agents_at[i];
  return cd_enroll_answer_write(&a, &e->call->reply.body, err);
}

static void on_stated(void *context, const con_signer_reply *reply)
{
  enrolling *e = context;
  con_server *s = e->call->server;
  cd_err err = {0};
  if (reply->code != CD_OK) {
    trouble(e, reply->sentence);
    return;
  }
  cd_code rc =
      con_device_certified(s->store, cd_str_from(e->enrolled.device), cd_str_from(e->serial),
                           e->not_after_ms, reply->statement, &err);
  if (rc == CD_OK)
    rc = write_answer(e, reply->statement, &err);
  if (rc != CD_OK) {
    trouble(e, err.text);
    return;
  }
  s->counters.enrolled++;
  cd_log(CD_AREA_API, CD_LOG_INFO, "device=%s peer=%s: %s", e->enrolled.device, e->call->peer,
         e->enrolled.known_before ? "enrolled again" : "enrolled");
  e->call->reply.status = 201;
  finish(e);
}

static void on_issued(void *context, const con_signer_reply *reply)
{
  enrolling *e = context;
  if (reply->code != CD_OK) {
    trouble(e, reply->sentence);
    return;
  }
  e->certificate = cd_str_dup(reply->certificate);
  e->not_after_ms = reply->not_after_ms;
  if (e->certificate == NULL || !cd_str_copy(e->serial, sizeof(e->serial), reply->serial)) {
    trouble(e, "no memory");
    return;
  }
  con_signer_state_device_key(e->call->server->signer, cd_str_from(e->enrolled.device),
                              cd_str_from(e->key), &e->enrolled.audit, on_stated, e);
}

/* The token is in the proof, so nobody's request serves with another token or another key. */
static cd_code check_proof(const cd_enroll_request *r, const uint8_t token[CD_TOKEN_SIZE],
                           cd_err *err)
{
  cd_enroll_proof proof = {0};
  cd_digest token_hash = {0};
  cd_digest csr_hash = {0};
  cd_code rc = cd_enroll_proof_verify(r->proof, &r->device_key, &proof, err);
  if (rc == CD_OK)
    rc = cd_digest_of(token, CD_TOKEN_SIZE, &token_hash, err);
  if (rc == CD_OK)
    rc = cd_digest_of(r->csr.ptr, r->csr.len, &csr_hash, err);
  if (rc == CD_OK && (!cd_digest_equal(&token_hash, &proof.token_hash) ||
                      !cd_digest_equal(&csr_hash, &proof.csr_hash)))
    rc = cd_fail(err, CD_E_DENIED, "the proof is for another token or certificate request");
  return rc;
}

static cd_code judge(con_call *c, const cd_enroll_request *r, enrolling *e, cd_err *err)
{
  con_enrolment enrolment = {.dns_name = r->hostname,
                             .os_platform = con_platform_word(r->os, (cd_str){0}),
                             .agent_version = r->agent,
                             .peer = cd_str_from(c->peer),
                             .tags = r->tags,
                             .tag_count = r->tag_count};
  cd_public_key tls_key = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  char key_id[CD_KEY_ID_TEXT_MAX];
  cd_public_key_to_der(&r->device_key, der);
  cd_base64url_text(e->key, der, sizeof(der));
  cd_public_key_id(&r->device_key, key_id);
  enrolment.device_key = cd_str_from(e->key);
  enrolment.key_id = cd_str_from(key_id);
  cd_code rc = cd_enroll_token_decode(r->token, enrolment.token, err);
  if (rc == CD_OK)
    rc = check_proof(r, enrolment.token, err);
  if (rc == CD_OK)
    rc = con_csr_key(r->csr, &tls_key, err);
  enrolment.tls_key = tls_key.id;
  if (rc == CD_OK && cd_public_key_equal(&tls_key, &r->device_key))
    rc = cd_fail(err, CD_E_INVALID, "the TLS key is the device key");
  if (rc == CD_OK)
    rc = con_device_enroll(c->server->store, &enrolment, &e->enrolled, err);
  cd_wipe(enrolment.token, sizeof(enrolment.token));
  return rc;
}

static void enroll(con_call *c, const cd_enroll_request *r)
{
  cd_err err = {0};
  enrolling *e = calloc(1, sizeof(*e));
  if (e == NULL) {
    con_reply_trouble(&c->reply);
    return;
  }
  e->call = c;
  cd_code rc = judge(c, r, e, &err);
  if (rc != CD_OK) {
    free(e);
    if (rc == CD_E_CONFLICT)
      c->server->counters.access_refused++;
    if (rc == CD_E_IO || rc == CD_E_INTERNAL || rc == CD_E_UNAVAILABLE)
      con_call_trouble(c, &err);
    else
      refuse(c, err.text);
    return;
  }
  c->later = true;
  con_signer_issue_device(c->server->signer, cd_str_from(e->enrolled.device), r->csr,
                          &e->enrolled.audit, on_issued, e);
}

void con_api_enroll(con_call *c)
{
  cd_enroll_request r = {0};
  cd_err err = {0};
  unsigned wait_s = 0;
  if (!con_limit_take(&c->server->limits, &tries, cd_str_from(c->peer), ENROL_WHAT, cd_mono_ms(),
                      &wait_s)) {
    con_reply_error(&c->reply, CON_TOO_MANY, "Too many requests");
    c->reply.retry_after_s = wait_s;
    return;
  }
  /* A use of the token is not to be spent for nothing. */
  if (!c->server->attached) {
    con_reply_error(&c->reply, CON_UNAVAILABLE, "The signer is not there; try again");
    c->reply.retry_after_s = 5;
    return;
  }
  if (cd_enroll_request_read(cd_buf_view(&c->body), &r, &err) != CD_OK) {
    con_reply_error(&c->reply, CON_INVALID_BODY, "%s", err.text);
    return;
  }
  enroll(c, &r);
  cd_enroll_request_release(&r);
}
