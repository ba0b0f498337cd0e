/* The claims of a policy: written and signed, verified, read and judged. */
#include "protocol/policy.h"

#include "claims.h"
#include "order_private.h"
#include "payload.h"
#include "protocol/statement.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/banned.h"

void cd_policy_release(cd_policy *p)
{
  free(p->memory);
  *p = (cd_policy){0};
}

bool cd_policy_name_valid(cd_str name)
{
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && c != '-' && c != '_' && c != '.')
      return false;
  }
  return name.len > 0 && name.len <= CD_POLICY_NAME_MAX;
}

/* ---- reading ---- */

static void read_claims(cd_json *root, cd_policy *out)
{
  cd_json audit = {0};
  cd_claim_device(root, "device", out->device);
  cd_json_u64(root, "version", CD_GENERATION_MAX, &out->version);
  if (out->version == 0)
    cd_json_bad(root, "version", "must be at least 1");
  cd_claim_opt_text(root, "name", out->name, sizeof(out->name));
  if (out->name[0] != '\0' && !cd_policy_name_valid(cd_str_from(out->name)))
    cd_json_bad(root, "name", "must be 1 to %u of a-z, 0-9, '-', '_' and '.', or null",
                CD_POLICY_NAME_MAX);
  cd_claim_time(root, "issued", 0, &out->issued_ms);
  cd_json_obj(root, "audit", &audit);
  cd_json_u64(&audit, "sequence", CD_GENERATION_MAX, &out->audit_sequence);
  cd_claim_digest(&audit, "digest", &out->audit_digest);
  if (out->audit_sequence == 0)
    cd_json_bad(&audit, "sequence", "must be at least 1");
  cd_json_no_more(&audit);
}

static cd_code keep(cd_policy *p, const cd_json *body, cd_err *err)
{
  cd_str nothing = {0};
  cd_buf text = CD_BUF_INIT(CD_POLICY_PAYLOAD_MAX);
  cd_json_print(body, &text);
  cd_code rc = cd_buf_status(&text, "the body of the policy", err);
  if (rc == CD_OK && text.len > CD_POLICY_BODY_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "the body of the policy has %zu bytes, the limit is %u", text.len,
                 CD_POLICY_BODY_MAX);
  p->body = cd_buf_view(&text);
  if (rc == CD_OK)
    rc = cd_claims_keep(&p->body, &nothing, &p->memory, err);
  cd_buf_release(&text);
  return rc;
}

static cd_code read_policy(cd_json *root, cd_policy *out, cd_refusal *ret_refusal, cd_err *err)
{
  cd_json body = {0};
  read_claims(root, out);
  cd_json_obj(root, "body", &body);
  cd_json_no_more(root);
  cd_code rc = cd_json_status(root, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_MALFORMED, rc);
  cd_policy_check_body(&body);
  rc = cd_json_status(root, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_PARAMETERS, rc);
  rc = keep(out, &body, err);
  return rc == CD_OK ? rc : cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
}

cd_code cd_policy_read(cd_str payload, cd_policy *ret_policy, cd_refusal *ret_refusal, cd_err *err)
{
  cd_policy p = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_POLICY_PAYLOAD_MAX, cd_jws_policy.noun, &doc, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
  cd_json root = cd_json_root(doc);
  rc = read_policy(&root, &p, ret_refusal, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_policy = p;
  return rc;
}

cd_code cd_policy_verify(cd_str jws, const cd_public_key *key, cd_policy *ret_policy,
                         cd_refusal *ret_refusal, cd_err *err)
{
  cd_buf payload = CD_BUF_INIT(CD_POLICY_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&cd_jws_policy, jws, key, &payload, err);
  if (rc == CD_OK)
    rc = cd_policy_read(cd_buf_view(&payload), ret_policy, ret_refusal, err);
  else
    (void)cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
  cd_buf_release(&payload);
  return rc;
}

/* ---- writing ---- */

static void write_policy(const cd_policy *p, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "device", p->device);
  cd_jw_u64(w, "version", p->version);
  cd_claim_write_opt(w, "name", p->name);
  cd_jw_i64(w, "issued", p->issued_ms);
  cd_jw_obj(w, "audit");
  cd_jw_u64(w, "sequence", p->audit_sequence);
  cd_claim_write_digest(w, "digest", &p->audit_digest);
  cd_jw_end_obj(w);
  cd_jw_raw(w, "body", p->body);
  cd_jw_end_obj(w);
}

cd_code cd_policy_sign(const cd_policy *p, const cd_key *key, const cd_random *random, cd_buf *out,
                       cd_err *err)
{
  cd_jw w;
  cd_policy back = {0};
  cd_buf payload = CD_BUF_INIT(CD_POLICY_PAYLOAD_MAX);
  cd_jw_init(&w, &payload);
  write_policy(p, &w);
  cd_code rc = cd_jw_done(&w, cd_jws_policy.noun, err);
  if (rc == CD_OK)
    rc = cd_policy_read(cd_buf_view(&payload), &back, NULL, err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&cd_jws_policy, cd_buf_view(&payload), key, random, out, err);
  cd_policy_release(&back);
  cd_buf_release(&payload);
  return rc;
}

/* ---- may this device take it ---- */

static cd_code check_key(const cd_statement *s, const cd_policy_known *known,
                         cd_refusal *ret_refusal, cd_err *err)
{
  const cd_statement_known seen = {.generation = known->key_generation,
                                   .judge_time = known->clock_trusted,
                                   .now_ms = known->now_ms};
  cd_code rc = cd_statement_check(s, &seen, err);
  if (rc == CD_OK)
    return rc;
  return cd_order_refuse(ret_refusal,
                         rc == CD_E_CONFLICT ? CD_REFUSAL_OLD_KEY : CD_REFUSAL_KEY_TIME, rc);
}

static cd_code check_target(const cd_policy *p, const cd_policy_known *known,
                            cd_refusal *ret_refusal, cd_err *err)
{
  if (!cd_str_eq_cstr(known->device, p->device))
    return cd_order_refuse(ret_refusal, CD_REFUSAL_WRONG_DEVICE,
                           cd_fail(err, CD_E_DENIED,
                                   "the policy is for the device %s, and this one is %.*s",
                                   p->device, CD_STR_ARG(known->device)));
  if (p->version == known->version)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_REPLAYED,
                           cd_fail(err, CD_E_CONFLICT,
                                   "the policy was given before: version %" PRIu64 " is known",
                                   p->version));
  if (p->version < known->version)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_OLD_GENERATION,
                           cd_fail(err, CD_E_CONFLICT,
                                   "the policy is older than what this device took: its version is "
                                   "%" PRIu64 ", and %" PRIu64 " was taken",
                                   p->version, known->version));
  return CD_OK;
}

cd_code cd_policy_accept(cd_str statement_jws, cd_str policy_jws, const cd_public_key *root,
                         const cd_policy_known *known, cd_policy_accepted *ret_accepted,
                         cd_refusal *ret_refusal, cd_err *err)
{
  cd_statement statement;
  cd_policy_accepted a = {0};
  cd_code rc = cd_statement_verify(statement_jws, root, CD_PURPOSE_POLICY, &statement, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
  rc = cd_policy_verify(policy_jws, &statement.key, &a.policy, ret_refusal, err);
  if (rc != CD_OK)
    return rc;
  a.key_generation = statement.generation;
  rc = check_key(&statement, known, ret_refusal, err);
  if (rc == CD_OK)
    rc = check_target(&a.policy, known, ret_refusal, err);
  if (rc == CD_OK)
    *ret_accepted = a;
  else
    cd_policy_release(&a.policy);
  return rc;
}
