/* Opening the signer, and answering one request. */
#include "signer.h"

#include "audit_head.h"
#include "base/clock.h"
#include "base/log.h"
#include "protocol/base64.h"
#include "protocol/secret.h"
#include "random.h"

#include <string.h>

#include "base/banned.h"

cd_code sig_open(sig_signer *s, const char *folder, const sig_config *config, cd_err *err)
{
  *s = (sig_signer){.config = *config, .now_ms = cd_wall_ms};
  if (!cd_str_copy(s->folder, sizeof(s->folder), cd_str_from(folder)))
    return cd_fail(err, CD_E_INVALID, "the path '%s' is too long", folder);
  s->log.path = s->config.database;
  cd_code rc = sig_keys_load(folder, s->now_ms(), &s->keys, err);
  if (rc == CD_OK)
    rc = sig_state_open(folder, &s->state, err);
  s->log.state = s->state;
  if (rc == CD_OK)
    rc = sig_standing_open(&s->log.standing, err);
  if (rc == CD_OK)
    rc = sig_state_seal(s->state, &s->log.seal, &s->log.sealed, err);
  if (rc != CD_OK)
    sig_close(s);
  return rc;
}

void sig_close(sig_signer *s)
{
  sig_log_close(&s->log);
  sig_state_close(s->state);
  sig_standing_close(s->log.standing);
  sig_keys_free(&s->keys);
  sig_config_release(&s->config);
  cd_wipe(&s->log.seal, sizeof(s->log.seal));
  s->state = NULL;
  s->log.standing = NULL;
}

/* The first console that comes is the one; the socket lets nobody but its user come. */
static cd_code pin_seal(sig_signer *s, const con_seal_key *seal, cd_err *err)
{
  if (s->log.sealed) {
    if (cd_equal_constant_time(s->log.seal.bytes, seal->bytes, CON_SEAL_SIZE))
      return CD_OK;
    return cd_fail(err, CD_E_DENIED,
                   "this is another console than the one this signer knows: its seal key differs "
                   "(to let it in: cordon-signer --forget-console)");
  }
  cd_code rc = sig_state_keep_seal(s->state, seal, err);
  if (rc == CD_OK) {
    s->log.seal = *seal;
    s->log.sealed = true;
    cd_log(CD_AREA_SIGNER, CD_LOG_INFO, "a console introduced itself; its seal key is kept");
  }
  return rc;
}

static void write_ref(cd_jw *w, const char *key, const con_audit_ref *ref)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&ref->digest, digest);
  cd_jw_obj(w, key);
  cd_jw_u64(w, "sequence", ref->sequence);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_end_obj(w);
}

/* Each is the console's, and within the log that was verified. */
static cd_code take_entries(sig_signer *s, const sig_request *r, con_head *head, cd_err *err)
{
  cd_code rc = CD_OK;
  for (size_t i = 0; i < r->entry_count && rc == CD_OK; i++) {
    sig_entry e = {0};
    if (r->entries[i].sequence > head->ref.sequence)
      return cd_fail(err, CD_E_NOTFOUND, "the audit log has no entry %llu",
                     (unsigned long long)r->entries[i].sequence);
    rc = sig_entry_read(&s->log, &r->entries[i], &e, err);
    sig_entry_release(&e);
    head->entries[i] = r->entries[i];
  }
  head->entry_count = r->entry_count;
  return rc;
}

static cd_code write_head(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  con_head head = {.at_ms = s->now_ms()};
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&con_jws_head));
  cd_code rc = sig_log_catch_up(&s->log, &head.ref, err);
  if (rc == CD_OK)
    rc = take_entries(s, r, &head, err);
  if (rc == CD_OK)
    rc = con_head_sign(&head, s->keys.order.key, &sig_random, &jws, err);
  if (rc == CD_OK) {
    write_ref(w, "head", &head.ref);
    cd_jw_str(w, "signed_head", cd_buf_view(&jws));
  }
  cd_buf_release(&jws);
  return rc;
}

static cd_code answer_attach(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  con_audit_ref lost = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  char root[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  cd_code rc = pin_seal(s, &r->seal, err);
  if (rc == CD_OK)
    rc = write_head(s, r, w, err);
  if (rc == CD_OK)
    rc = sig_state_lost(s->state, &lost, err);
  if (rc != CD_OK)
    return rc;
  if (lost.sequence > 0)
    write_ref(w, "lost_head", &lost);
  cd_public_key_to_der(&s->keys.root, der);
  cd_base64url_text(root, der, sizeof(der));
  cd_jw_cstr(w, "root", root);
  cd_jw_cstr(w, "ca", s->keys.ca);
  cd_jw_cstr(w, "order_key", s->keys.order.statement);
  cd_jw_cstr(w, "policy_key", s->keys.policy.statement);
  cd_jw_cstr(w, "device_ca_key", s->keys.device_ca.statement);
  cd_jw_u64(w, "key_generation", s->keys.order.said.generation);
  return CD_OK;
}

/* Until the log itself says that an older copy of it was taken, nothing rests on it. */
static cd_code check_loss(sig_signer *s, sig_method method, cd_err *err)
{
  con_audit_ref lost = {0};
  cd_code rc = method == SIG_SIGN_ORDER ? sig_log_catch_up_riding(&s->log, err)
                                        : sig_log_catch_up(&s->log, NULL, err);
  if (rc == CD_OK)
    rc = sig_state_lost(s->state, &lost, err);
  if (rc == CD_OK && lost.sequence > 0)
    rc = cd_fail(err, CD_E_CONFLICT,
                 "an older audit log was accepted in place of one with %llu entries, and the log "
                 "does not say so yet; start the console anew",
                 (unsigned long long)lost.sequence);
  return rc;
}

static cd_code perform(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  if (r->method == SIG_ATTACH)
    return answer_attach(s, r, w, err);
  if (!s->log.sealed)
    return cd_fail(err, CD_E_UNAVAILABLE, "no console has introduced itself to this signer yet");
  if (r->method == SIG_MARK)
    return sig_sign_mark(s, r, w, err);
  if (r->method == SIG_HEAD)
    return write_head(s, r, w, err);
  cd_code rc = check_loss(s, r->method, err);
  if (rc != CD_OK)
    return rc;
  switch (r->method) {
  case SIG_SIGN_ORDER: return sig_sign_order(s, r, w, err);
  case SIG_SIGN_POLICY: return sig_sign_policy(s, r, w, err);
  case SIG_ISSUE_CERTIFICATE: return sig_issue(s, r, w, err);
  default: return sig_state_device_key(s, r, w, err);
  }
}

static void log_answer(const sig_request *r, cd_code rc, const cd_err *why)
{
  if (rc == CD_OK && (r->method == SIG_MARK || r->method == SIG_HEAD))
    return;
  if (rc == CD_OK)
    cd_log(CD_AREA_SIGNER, CD_LOG_INFO, "%s device=%s action=%s generation=%llu: done",
           sig_method_name(r->method), r->device, r->action, (unsigned long long)r->generation);
  else
    cd_log(CD_AREA_SIGNER, CD_LOG_WARN, "%s device=%s action=%s: refused: %s",
           sig_method_name(r->method), r->device, r->action, why->text);
}

static cd_code write_refusal(cd_code rc, const cd_err *why, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_buf_reset(out);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_bool(&w, "ok", false);
  cd_jw_obj(&w, "error");
  cd_jw_cstr(&w, "status", cd_code_name(rc));
  cd_jw_cstr(&w, "sentence", why->text);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the refusal", err);
}

cd_code sig_answer(sig_signer *s, cd_str payload, cd_buf *out, cd_err *err)
{
  sig_request r = {0};
  cd_err why = {0};
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_bool(&w, "ok", true);
  cd_jw_obj(&w, "result");
  cd_code rc = sig_request_read(payload, &r, &why);
  if (rc == CD_OK)
    rc = perform(s, &r, &w, &why);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  if (rc == CD_OK)
    rc = cd_jw_done(&w, "the answer", &why);
  log_answer(&r, rc, &why);
  sig_request_release(&r);
  return rc == CD_OK ? CD_OK : write_refusal(rc, &why, out, err);
}
