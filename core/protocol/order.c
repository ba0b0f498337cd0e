/* The claims of an order: written and signed, verified and read. */
#include "protocol/order.h"

#include "base/json.h"
#include "base/limits.h"
#include "claims.h"
#include "order_private.h"
#include "payload.h"
#include "protocol/statement.h"

#include <stdlib.h>

#include "base/banned.h"

static const char *const refusal_names[CD_REFUSAL_COUNT] = {
    [CD_REFUSAL_NONE] = "none",
    [CD_REFUSAL_TOO_LARGE] = "too_large",
    [CD_REFUSAL_MALFORMED] = "malformed",
    [CD_REFUSAL_FORGED] = "forged",
    [CD_REFUSAL_OLD_KEY] = "old_key",
    [CD_REFUSAL_KEY_TIME] = "key_time",
    [CD_REFUSAL_WRONG_DEVICE] = "wrong_device",
    [CD_REFUSAL_WRONG_KIND] = "wrong_kind",
    [CD_REFUSAL_PARAMETERS] = "parameters",
    [CD_REFUSAL_REPLAYED] = "replayed",
    [CD_REFUSAL_OLD_GENERATION] = "old_generation",
    [CD_REFUSAL_NOT_YET_VALID] = "not_yet_valid",
    [CD_REFUSAL_EXPIRED] = "expired",
    [CD_REFUSAL_INTERNAL] = "internal",
};

const char *cd_refusal_name(cd_refusal refusal)
{
  return (unsigned)refusal < CD_REFUSAL_COUNT ? refusal_names[refusal] : NULL;
}

bool cd_refusal_from_name(cd_str name, cd_refusal *ret_refusal)
{
  for (int i = 1; i < CD_REFUSAL_COUNT; i++) {
    if (cd_str_eq_cstr(name, refusal_names[i])) {
      *ret_refusal = (cd_refusal)i;
      return true;
    }
  }
  return false;
}

void cd_order_release(cd_order *o)
{
  free(o->memory);
  *o = (cd_order){0};
}

cd_code cd_order_refuse(cd_refusal *ret_refusal, cd_refusal refusal, cd_code code)
{
  if (ret_refusal != NULL)
    *ret_refusal = refusal;
  return code;
}

cd_refusal cd_order_refusal_of(cd_code code)
{
  switch (code) {
  case CD_E_LIMIT: return CD_REFUSAL_TOO_LARGE;
  case CD_E_DENIED: return CD_REFUSAL_FORGED;
  case CD_E_INVALID: return CD_REFUSAL_MALFORMED;
  default: return CD_REFUSAL_INTERNAL;
  }
}

/* ---- reading ---- */

static void read_audit(cd_json *root, cd_order *out)
{
  cd_json audit = {0};
  cd_json_obj(root, "audit", &audit);
  cd_json_u64(&audit, "sequence", UINT64_C(1) << 53, &out->audit_sequence);
  cd_claim_digest(&audit, "digest", &out->audit_digest);
  if (out->audit_sequence == 0)
    cd_json_bad(&audit, "sequence", "must be at least 1");
  cd_json_no_more(&audit);
}

static void read_claims(cd_json *root, cd_order *out)
{
  cd_claim_device(root, "device", out->device);
  cd_claim_action(root, "action", out->action);
  cd_claim_time(root, "issued", 0, &out->issued_ms);
  cd_claim_time(root, "expires", out->issued_ms, &out->expires_ms);
  read_audit(root, out);
  cd_claim_text(root, "requestor", out->requestor, sizeof(out->requestor));
  if (out->requestor[0] == '\0')
    cd_json_bad(root, "requestor", "must not be empty");
  cd_json_str(root, "comment", CD_COMMENT_MAX, &out->comment);
}

/* What went wrong by the stage at which it did: the kind, the parameters, or anything else. */
static cd_code read_order(cd_json *root, cd_order *out, cd_json *ret_parameters,
                          cd_refusal *ret_refusal, cd_err *err)
{
  read_claims(root, out);
  cd_code rc = cd_json_status(root, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_MALFORMED, rc);

  cd_claim_kind(root, &out->kind);
  cd_claim_generation(root, out->kind, &out->generation);
  rc = cd_json_status(root, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_WRONG_KIND, rc);

  cd_json_obj(root, "parameters", ret_parameters);
  cd_order_check_parameters(out->kind, ret_parameters);
  rc = cd_json_status(root, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, CD_REFUSAL_PARAMETERS, rc);

  rc = cd_json_done(root, err);
  return rc == CD_OK ? rc : cd_order_refuse(ret_refusal, CD_REFUSAL_MALFORMED, rc);
}

/* What the order keeps of its document. */
static cd_code keep(cd_order *o, const cd_json *parameters, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(CD_ORDER_PAYLOAD_MAX);
  cd_json_print(parameters, &text);
  cd_code rc = cd_buf_status(&text, "the parameters of the order", err);
  if (rc == CD_OK && text.len > CD_PARAMETERS_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "the parameters of the order have %zu bytes, the limit is %u",
                 text.len, CD_PARAMETERS_MAX);
  o->parameters = cd_buf_view(&text);
  if (rc == CD_OK)
    rc = cd_claims_keep(&o->comment, &o->parameters, &o->memory, err);
  cd_buf_release(&text);
  return rc;
}

cd_code cd_order_read(cd_str payload, cd_order *ret_order, cd_refusal *ret_refusal, cd_err *err)
{
  cd_order o = {0};
  cd_json parameters = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_ORDER_PAYLOAD_MAX, cd_jws_order.noun, &doc, err);
  if (rc != CD_OK)
    return cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
  cd_json root = cd_json_root(doc);
  rc = read_order(&root, &o, &parameters, ret_refusal, err);
  if (rc == CD_OK) {
    rc = keep(&o, &parameters, err);
    if (rc == CD_OK)
      *ret_order = o;
    else
      (void)cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
  }
  cd_json_free(doc);
  return rc;
}

cd_code cd_order_verify(cd_str jws, const cd_public_key *key, cd_order *ret_order,
                        cd_refusal *ret_refusal, cd_err *err)
{
  cd_buf payload = CD_BUF_INIT(CD_ORDER_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&cd_jws_order, jws, key, &payload, err);
  if (rc == CD_OK)
    rc = cd_order_read(cd_buf_view(&payload), ret_order, ret_refusal, err);
  else
    (void)cd_order_refuse(ret_refusal, cd_order_refusal_of(rc), rc);
  cd_buf_release(&payload);
  return rc;
}

static cd_code read_claims_only(cd_str payload, cd_order *ret_order, cd_err *err)
{
  cd_order o = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_ORDER_PAYLOAD_MAX, cd_jws_order.noun, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_claims(&root, &o);
  cd_claim_kind(&root, &o.kind);
  cd_claim_generation(&root, o.kind, &o.generation);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK)
    rc = cd_claims_keep(&o.comment, &o.parameters, &o.memory, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_order = o;
  return rc;
}

cd_code cd_order_claims(cd_str statement_jws, cd_str order_jws, const cd_public_key *root,
                        cd_order *ret_order, cd_err *err)
{
  cd_statement statement;
  cd_buf payload = CD_BUF_INIT(CD_ORDER_PAYLOAD_MAX);
  cd_code rc = cd_statement_verify(statement_jws, root, CD_PURPOSE_ORDER, &statement, err);
  if (rc == CD_OK)
    rc = cd_jws_verify(&cd_jws_order, order_jws, &statement.key, &payload, err);
  if (rc == CD_OK)
    rc = read_claims_only(cd_buf_view(&payload), ret_order, err);
  cd_buf_release(&payload);
  return rc;
}

/* ---- writing ---- */

static void write_order(const cd_order *o, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "device", o->device);
  cd_jw_cstr(w, "action", o->action);
  cd_claim_write_generation(w, o->kind, o->generation);
  cd_jw_i64(w, "issued", o->issued_ms);
  cd_jw_i64(w, "expires", o->expires_ms);
  cd_jw_obj(w, "audit");
  cd_jw_u64(w, "sequence", o->audit_sequence);
  cd_claim_write_digest(w, "digest", &o->audit_digest);
  cd_jw_end_obj(w);
  cd_jw_cstr(w, "requestor", o->requestor);
  cd_jw_str(w, "comment", o->comment);
  cd_jw_raw(w, "parameters", o->parameters);
  cd_jw_end_obj(w);
}

cd_code cd_order_sign(const cd_order *o, const cd_key *key, const cd_random *random, cd_buf *out,
                      cd_err *err)
{
  cd_jw w;
  cd_order back = {0};
  cd_buf payload = CD_BUF_INIT(CD_ORDER_PAYLOAD_MAX);
  cd_jw_init(&w, &payload);
  write_order(o, &w);
  cd_code rc = cd_jw_done(&w, cd_jws_order.noun, err);
  if (rc == CD_OK)
    rc = cd_order_read(cd_buf_view(&payload), &back, NULL, err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&cd_jws_order, cd_buf_view(&payload), key, random, out, err);
  cd_order_release(&back);
  cd_buf_release(&payload);
  return rc;
}
