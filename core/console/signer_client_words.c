/* What is said to the signer and what it answers, as JSON. */
#include "audit_head.h"
#include "base/limits.h"
#include "protocol/base64.h"
#include "protocol/jws.h"
#include "protocol/secret.h"
#include "signer_client_private.h"

#include <stdio.h>

#include "base/banned.h"

#define PEM_MAX (64u * 1024u)

static void begin(cd_jw *w, cd_buf *out, const char *method)
{
  cd_jw_init(w, out);
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "method", method);
  cd_jw_obj(w, "params");
}

static void finish(con_signer *s, cd_jw *w, cd_buf *out, con_signer_done done, void *context)
{
  cd_err why = {0};
  cd_jw_end_obj(w);
  cd_jw_end_obj(w);
  cd_code rc = cd_jw_done(w, "the request to the signer", &why);
  signer_ask(s, out, rc, &why, done, context);
}

static void write_audit(cd_jw *w, const con_audit_ref *ref)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&ref->digest, digest);
  cd_jw_obj(w, "audit");
  cd_jw_u64(w, "sequence", ref->sequence);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_end_obj(w);
}

void con_signer_attach(con_signer *s, const con_seal_key *seal, con_signer_done done, void *context)
{
  char text[CD_BASE64URL_LEN(CON_SEAL_SIZE) + 1];
  cd_buf out = CD_BUF_INIT(1024);
  cd_jw w;
  cd_base64url_text(text, seal->bytes, CON_SEAL_SIZE);
  begin(&w, &out, "attach");
  cd_jw_cstr(&w, "seal", text);
  finish(s, &w, &out, done, context);
  cd_wipe(text, sizeof(text));
}

void con_signer_sign_order(con_signer *s, const con_sign_order *order, con_signer_done done,
                           void *context)
{
  cd_buf out = CD_BUF_INIT(512u * 1024u);
  cd_jw w;
  begin(&w, &out, "sign_order");
  cd_jw_str(&w, "device", order->device);
  cd_jw_str(&w, "action", order->action);
  cd_jw_u64(&w, "generation", order->generation);
  cd_jw_i64(&w, "expires", order->expires_ms);
  cd_jw_str(&w, "parameters", order->parameters);
  write_audit(&w, &order->audit);
  finish(s, &w, &out, done, context);
}

void con_signer_sign_policy(con_signer *s, const con_sign_policy *policy, con_signer_done done,
                            void *context)
{
  cd_buf out = CD_BUF_INIT(64u * 1024u);
  cd_jw w;
  begin(&w, &out, "sign_policy");
  cd_jw_str(&w, "device", policy->device);
  cd_jw_u64(&w, "version", policy->version);
  cd_jw_str(&w, "name", policy->name);
  cd_jw_str(&w, "body", policy->body);
  write_audit(&w, &policy->audit);
  finish(s, &w, &out, done, context);
}

void con_signer_mark(con_signer *s, const con_sign_mark *mark, con_signer_done done, void *context)
{
  char nonce[CD_BASE64URL_LEN(CD_NONCE_SIZE) + 1];
  cd_buf out = CD_BUF_INIT(4096);
  cd_jw w;
  cd_base64url_text(nonce, mark->nonce, CD_NONCE_SIZE);
  begin(&w, &out, "mark");
  cd_jw_str(&w, "device", mark->device);
  cd_jw_cstr(&w, "nonce", nonce);
  cd_jw_arr(&w, "states");
  for (int state = CD_STATE_NONE + 1; state < CD_STATE_COUNT; state++) {
    cd_jw_obj(&w, NULL);
    cd_jw_cstr(&w, "state", cd_state_name((cd_state)state));
    cd_jw_u64(&w, "generation", mark->generations[state]);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  finish(s, &w, &out, done, context);
}

static void issue(con_signer *s, cd_str device, cd_str csr, const con_audit_ref *audit,
                  con_signer_done done, void *context)
{
  cd_buf out = CD_BUF_INIT(64u * 1024u);
  cd_jw w;
  begin(&w, &out, "issue_certificate");
  if (device.len > 0)
    cd_jw_str(&w, "device", device);
  cd_jw_str(&w, "csr", csr);
  write_audit(&w, audit);
  finish(s, &w, &out, done, context);
}

void con_signer_issue_device(con_signer *s, cd_str device, cd_str csr, const con_audit_ref *audit,
                             con_signer_done done, void *context)
{
  issue(s, device, csr, audit, done, context);
}

void con_signer_issue_server(con_signer *s, cd_str csr, const con_audit_ref *audit,
                             con_signer_done done, void *context)
{
  issue(s, (cd_str){0}, csr, audit, done, context);
}

void con_signer_state_device_key(con_signer *s, cd_str device, cd_str device_key,
                                 const con_audit_ref *audit, con_signer_done done, void *context)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_jw w;
  begin(&w, &out, "state_device_key");
  cd_jw_str(&w, "device", device);
  cd_jw_str(&w, "key", device_key);
  write_audit(&w, audit);
  finish(s, &w, &out, done, context);
}

void con_signer_head(con_signer *s, const con_audit_ref *entries, size_t count,
                     con_signer_done done, void *context)
{
  cd_buf out = CD_BUF_INIT(16u * 1024u);
  cd_jw w;
  begin(&w, &out, "head");
  cd_jw_arr(&w, "entries");
  for (size_t i = 0; i < count; i++) {
    char digest[CD_DIGEST_TEXT_MAX];
    cd_digest_text(&entries[i].digest, digest);
    cd_jw_obj(&w, NULL);
    cd_jw_u64(&w, "sequence", entries[i].sequence);
    cd_jw_cstr(&w, "digest", digest);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  finish(s, &w, &out, done, context);
}

/* ---- answers ---- */

static void read_ref(cd_json *result, const char *key, con_audit_ref *out)
{
  cd_json ref = {0};
  cd_str digest = {0};
  if (!cd_json_opt_obj(result, key, &ref))
    return;
  cd_json_u64(&ref, "sequence", CD_GENERATION_MAX, &out->sequence);
  cd_json_str(&ref, "digest", CD_DIGEST_TEXT_MAX, &digest);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &out->digest))
    cd_json_bad(&ref, "digest", "must be a digest");
  cd_json_no_more(&ref);
}

static void read_result(cd_json *result, con_signer_reply *r)
{
  size_t statement = cd_jws_max(&cd_jws_statement);
  (void)cd_json_opt_str(result, "order", cd_jws_max(&cd_jws_order), &r->order);
  (void)cd_json_opt_str(result, "mark", cd_jws_max(&cd_jws_mark), &r->mark);
  (void)cd_json_opt_str(result, "policy", cd_jws_max(&cd_jws_policy), &r->policy);
  (void)cd_json_opt_str(result, "statement", statement, &r->statement);
  (void)cd_json_opt_str(result, "certificate", PEM_MAX, &r->certificate);
  (void)cd_json_opt_str(result, "serial", CD_WORD_MAX + 1, &r->serial);
  (void)cd_json_opt_i64(result, "not_after", 0, CD_WALL_MS_MAX, &r->not_after_ms);
  read_ref(result, "head", &r->head);
  read_ref(result, "lost_head", &r->lost_head);
  (void)cd_json_opt_str(result, "signed_head", cd_jws_max(&con_jws_head), &r->signed_head);
  (void)cd_json_opt_str(result, "root", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &r->root);
  (void)cd_json_opt_str(result, "ca", PEM_MAX, &r->ca);
  (void)cd_json_opt_str(result, "order_key", statement, &r->order_key);
  (void)cd_json_opt_str(result, "policy_key", statement, &r->policy_key);
  (void)cd_json_opt_str(result, "device_ca_key", statement, &r->device_ca_key);
  (void)cd_json_opt_u64(result, "key_generation", CD_GENERATION_MAX, &r->key_generation);
  cd_json_no_more(result);
}

static void read_error(cd_json *root, con_signer_reply *r, char sentence[CD_ERR_TEXT_MAX])
{
  cd_json error = {0};
  cd_str status = {0};
  cd_str text = {0};
  char name[CD_WORD_MAX + 1] = "";
  cd_json_obj(root, "error", &error);
  cd_json_str(&error, "status", CD_WORD_MAX, &status);
  cd_json_str(&error, "sentence", CD_SENTENCE_MAX, &text);
  (void)cd_str_copy(name, sizeof(name), status);
  if (!cd_code_from_name(name, &r->code) || cd_code_ok(r->code))
    cd_json_bad(&error, "status", "is no failure");
  (void)cd_str_copy(sentence, CD_ERR_TEXT_MAX, text);
}

void con_signer_read_reply(cd_str payload, cd_json_doc **ret_doc, con_signer_reply *reply,
                           char sentence[CD_ERR_TEXT_MAX])
{
  bool good = false;
  cd_err err = {0};
  cd_json result = {0};
  sentence[0] = '\0';
  *reply = (con_signer_reply){.sentence = sentence};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "the signer's answer", ret_doc, &err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(*ret_doc);
    cd_json_bool(&root, "ok", &good);
    if (good) {
      cd_json_obj(&root, "result", &result);
      read_result(&result, reply);
    } else {
      read_error(&root, reply, sentence);
    }
    rc = cd_json_done(&root, &err);
  }
  if (rc == CD_OK)
    return;
  *reply = (con_signer_reply){.code = rc, .sentence = sentence};
  (void)snprintf(sentence, CD_ERR_TEXT_MAX, "%s", err.text);
}
