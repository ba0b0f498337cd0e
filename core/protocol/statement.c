/* Key statements: written, verified, and judged by what their reader knows. */
#include "protocol/statement.h"

#include "base/clock.h"
#include "claims.h"
#include "payload.h"
#include "protocol/base64.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

static const char *const purpose_names[] = {[CD_PURPOSE_ORDER] = "order",
                                            [CD_PURPOSE_POLICY] = "policy",
                                            [CD_PURPOSE_DEVICE_CA] = "device-ca",
                                            [CD_PURPOSE_DEVICE] = "device"};
#define PURPOSE_COUNT (sizeof(purpose_names) / sizeof(purpose_names[0]))

const char *cd_purpose_name(cd_purpose purpose)
{
  return (size_t)purpose < PURPOSE_COUNT ? purpose_names[purpose] : NULL;
}

static bool purpose_from_name(cd_str name, cd_purpose *ret_purpose)
{
  for (size_t i = 1; i < PURPOSE_COUNT; i++) {
    if (cd_str_eq_cstr(name, purpose_names[i])) {
      *ret_purpose = (cd_purpose)i;
      return true;
    }
  }
  return false;
}

bool cd_device_id_valid(cd_str id)
{
  for (size_t i = 0; i < id.len; i++) {
    char c = id.ptr[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
      return false;
  }
  return id.len > 0 && id.len <= CD_DEVICE_ID_MAX;
}

/* Not while the document is read: what fails here may be want of memory, which is no fault of the
 * document. */
static cd_code take_key(cd_str text, cd_str id, cd_public_key *ret_key, cd_err *err)
{
  cd_public_key key = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  char own_id[CD_KEY_ID_TEXT_MAX];
  if (!cd_base64url_decode(text, der, sizeof(der), &len))
    return cd_fail(err, CD_E_INVALID, "the key statement: key must be base64url");
  cd_code rc = cd_public_key_from_der((cd_str){(const char *)der, len}, &key, err);
  if (rc != CD_OK)
    return cd_err_prefix(err, "the key statement");
  cd_public_key_id(&key, own_id);
  if (!cd_str_eq_cstr(id, own_id))
    return cd_fail(err, CD_E_INVALID,
                   "the key statement: key_id must be the SHA-256 of the key, %s", own_id);
  *ret_key = key;
  return CD_OK;
}

static void read_statement(cd_json *root, cd_statement *out, cd_str *ret_key, cd_str *ret_id)
{
  cd_str text = {0};
  cd_json_str(root, "purpose", CD_WORD_MAX, &text);
  if (text.ptr != NULL && !purpose_from_name(text, &out->purpose))
    cd_json_bad(root, "purpose", "is '%.*s', which is no purpose known here", CD_STR_ARG(text));
  if (cd_json_has(root, "subject"))
    cd_claim_device(root, "subject", out->subject);
  else
    (void)cd_json_opt_str(root, "subject", 0, &text);
  if ((out->purpose == CD_PURPOSE_DEVICE) != (out->subject[0] != '\0'))
    cd_json_bad(root, "subject", "must be a device's id for the purpose device, else null");
  cd_json_str(root, "key", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), ret_key);
  cd_json_str(root, "key_id", CD_KEY_ID_TEXT_MAX - 1, ret_id);
  cd_json_u64(root, "generation", CD_GENERATION_MAX, &out->generation);
  if (out->generation == 0)
    cd_json_bad(root, "generation", "must be at least 1");
  cd_claim_time(root, "not_before", 0, &out->not_before_ms);
  cd_claim_time(root, "not_after", out->not_before_ms, &out->not_after_ms);
  cd_json_no_more(root);
}

static void write_statement(const cd_statement *s, cd_jw *w)
{
  uint8_t der[CD_KEY_DER_SIZE];
  char id[CD_KEY_ID_TEXT_MAX];
  char key[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  cd_public_key_to_der(&s->key, der);
  cd_base64url_text(key, der, sizeof(der));
  cd_public_key_id(&s->key, id);
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "purpose", cd_purpose_name(s->purpose));
  cd_claim_write_opt(w, "subject", s->subject);
  cd_jw_cstr(w, "key", key);
  cd_jw_cstr(w, "key_id", id);
  cd_jw_u64(w, "generation", s->generation);
  cd_jw_i64(w, "not_before", s->not_before_ms);
  cd_jw_i64(w, "not_after", s->not_after_ms);
  cd_jw_end_obj(w);
}

cd_code cd_statement_read(cd_str payload, cd_statement *ret_statement, cd_err *err)
{
  cd_statement x = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_STATEMENT_PAYLOAD_MAX, cd_jws_statement.noun, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_str key = {0};
  cd_str id = {0};
  cd_json root = cd_json_root(doc);
  read_statement(&root, &x, &key, &id);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK)
    rc = take_key(key, id, &x.key, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_statement = x;
  return rc;
}

cd_code cd_statement_sign(const cd_statement *s, const cd_key *issuer, const cd_random *random,
                          cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_statement back;
  cd_buf payload = CD_BUF_INIT(CD_STATEMENT_PAYLOAD_MAX);
  cd_jw_init(&w, &payload);
  write_statement(s, &w);
  cd_code rc = cd_jw_done(&w, cd_jws_statement.noun, err);
  if (rc == CD_OK)
    rc = cd_statement_read(cd_buf_view(&payload), &back, err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&cd_jws_statement, cd_buf_view(&payload), issuer, random, out, err);
  cd_buf_release(&payload);
  return rc;
}

cd_code cd_statement_verify(cd_str jws, const cd_public_key *issuer, cd_purpose purpose,
                            cd_statement *ret_statement, cd_err *err)
{
  cd_statement s = {0};
  cd_buf payload = CD_BUF_INIT(CD_STATEMENT_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&cd_jws_statement, jws, issuer, &payload, err);
  if (rc == CD_OK)
    rc = cd_statement_read(cd_buf_view(&payload), &s, err);
  cd_buf_release(&payload);
  if (rc == CD_OK && s.purpose != purpose)
    rc = cd_fail(err, CD_E_DENIED, "the key statement is for the purpose %s, not for %s",
                 cd_purpose_name(s.purpose), cd_purpose_name(purpose));
  if (rc == CD_OK)
    *ret_statement = s;
  return rc;
}

cd_code cd_statement_check(const cd_statement *s, const cd_statement_known *known, cd_err *err)
{
  const char *purpose = cd_purpose_name(s->purpose);
  char limit[CD_TIME_TEXT_MAX];
  char now[CD_TIME_TEXT_MAX];
  if (s->generation < known->generation)
    return cd_fail(err, CD_E_CONFLICT,
                   "the %s key was replaced: its statement has generation %" PRIu64 ", and %" PRIu64
                   " was seen",
                   purpose, s->generation, known->generation);
  if (!known->judge_time)
    return CD_OK;
  cd_time_text(known->now_ms, now);
  if (s->not_before_ms - CD_CLOCK_SKEW_MS > known->now_ms) {
    cd_time_text(s->not_before_ms, limit);
    return cd_fail(err, CD_E_DEADLINE, "the %s key is not valid before %s, and now it is %s",
                   purpose, limit, now);
  }
  if (s->not_after_ms < known->now_ms) {
    cd_time_text(s->not_after_ms, limit);
    return cd_fail(err, CD_E_DEADLINE, "the %s key was valid until %s, and now it is %s", purpose,
                   limit, now);
  }
  return CD_OK;
}

cd_code cd_statement_device_key(cd_str ca_jws, cd_str device_jws, const cd_public_key *root,
                                const cd_statement_known *known_ca,
                                const cd_statement_known *known_device, cd_statement *ret_device,
                                cd_err *err)
{
  cd_statement ca;
  cd_statement device;
  cd_code rc = cd_statement_verify(ca_jws, root, CD_PURPOSE_DEVICE_CA, &ca, err);
  if (rc == CD_OK)
    rc = cd_statement_check(&ca, known_ca, err);
  if (rc == CD_OK)
    rc = cd_statement_verify(device_jws, &ca.key, CD_PURPOSE_DEVICE, &device, err);
  if (rc == CD_OK)
    rc = cd_statement_check(&device, known_device, err);
  if (rc == CD_OK)
    *ret_device = device;
  return rc;
}
