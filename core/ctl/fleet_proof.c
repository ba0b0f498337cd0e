#include "fleet_proof.h"

#include "fleet_audit.h"
#include "fleet_read.h"
#include "protocol/base64.h"
#include "protocol/statement.h"

#include <string.h>

#include "base/banned.h"

#define HEAD_PAYLOAD_MAX 16384u

static const cd_jws_kind head_kind = {.noun = "the head of the audit log",
                                      .header = CD_JWS_HEADER("cordon-head+1"),
                                      .payload_max = HEAD_PAYLOAD_MAX};

/* The report, read; views into it. */
typedef struct parts {
  cd_str action;
  cd_str device;
  cd_str order;
  cd_str result;
  cd_str root;
  cd_str order_key;
  cd_str head_key;
  cd_str device_ca;
  cd_str device_key;
  cd_str head;
  cd_json audit;
} parts;

static cd_code read_parts(cd_json *report, parts *p, cd_err *err)
{
  uint64_t version = 0;
  size_t statement = cd_jws_max(&cd_jws_statement);
  cd_json action = {0};
  cd_json device = {0};
  cd_json keys = {0};
  cd_json head = {0};
  cd_json_u64(report, "cordonReport", 1, &version);
  cd_json_obj(report, "action", &action);
  cd_json_str(&action, "id", CD_ID_SIZE - 1, &p->action);
  cd_json_obj(report, "device", &device);
  cd_json_str(&device, "id", CD_DEVICE_ID_MAX, &p->device);
  (void)cd_json_opt_str(report, "order", cd_jws_max(&cd_jws_order), &p->order);
  (void)cd_json_opt_str(report, "result", cd_jws_max(&cd_jws_result), &p->result);
  cd_json_obj(report, "keys", &keys);
  cd_json_str(&keys, "root", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &p->root);
  cd_json_str(&keys, "order", statement, &p->order_key);
  cd_json_str(&keys, "head", statement, &p->head_key);
  cd_json_str(&keys, "deviceCa", statement, &p->device_ca);
  (void)cd_json_opt_str(&keys, "device", statement, &p->device_key);
  cd_json_arr(report, "audit", FLEET_PROOF_ENTRIES, &p->audit);
  cd_json_obj(report, "head", &head);
  cd_json_str(&head, "signed", cd_jws_max(&head_kind), &p->head);
  return cd_json_status(report, err);
}

/* What failed, in front of why. */
static cd_code wrong(cd_err *err, const char *what)
{
  if (err != NULL) {
    (void)cd_err_prefix(err, "%s", what);
    err->code = CD_E_UNVERIFIED;
  }
  return CD_E_UNVERIFIED;
}

static cd_code differs(cd_err *err, const char *what)
{
  return cd_fail(err, CD_E_UNVERIFIED, "%s", what);
}

static cd_code stated_key(cd_str statement, const cd_public_key *issuer, cd_purpose purpose,
                          const char *what, cd_statement *ret_said, cd_err *err)
{
  return cd_statement_verify(statement, issuer, purpose, ret_said, err) == CD_OK ? CD_OK
                                                                                 : wrong(err, what);
}

static cd_code check_order(const parts *p, const cd_public_key *root, fleet_proof *out, cd_err *err)
{
  cd_statement key = {0};
  if (p->order.len == 0)
    return CD_OK;
  cd_code rc = stated_key(p->order_key, root, CD_PURPOSE_ORDER, "the key of the order", &key, err);
  if (rc != CD_OK)
    return rc;
  if (cd_order_verify(p->order, &key.key, &out->order, NULL, err) != CD_OK)
    return wrong(err, "the order");
  out->has_order = true;
  if (!cd_str_eq_cstr(p->action, out->order.action) ||
      !cd_str_eq_cstr(p->device, out->order.device))
    return differs(err, "the order is of another action or device than the report");
  return CD_OK;
}

static cd_code check_result(const parts *p, const cd_public_key *root, fleet_proof *out,
                            cd_err *err)
{
  cd_statement ca = {0};
  cd_statement device = {0};
  cd_digest order = {0};
  if (p->result.len == 0)
    return CD_OK;
  cd_code rc =
      stated_key(p->device_ca, root, CD_PURPOSE_DEVICE_CA, "the key of the device CA", &ca, err);
  if (rc == CD_OK)
    rc = stated_key(p->device_key, &ca.key, CD_PURPOSE_DEVICE, "the key of the device", &device,
                    err);
  if (rc != CD_OK)
    return rc;
  if (!cd_str_eq_cstr(p->device, device.subject))
    return differs(err, "the device CA states the key of another device");
  if (cd_result_verify(p->result, &device.key, p->device, &out->result, err) != CD_OK)
    return wrong(err, "the result");
  out->has_result = true;
  if (!cd_str_eq_cstr(p->action, out->result.action))
    return differs(err, "the result is of another action than the report");
  out->same_order = out->has_order && out->result.has_order &&
                    cd_jws_digest(p->order, &order, err) == CD_OK &&
                    cd_digest_equal(&order, &out->result.order);
  return CD_OK;
}

/* ---- the audit log ---- */

typedef struct vouched {
  size_t count;
  fleet_audit_head entries[FLEET_PROOF_ENTRIES];
} vouched;

static void read_place(cd_json *obj, fleet_audit_head *out)
{
  cd_str digest = {0};
  cd_json_u64(obj, "sequence", CD_GENERATION_MAX, &out->sequence);
  cd_json_str(obj, "digest", CD_DIGEST_TEXT_MAX, &digest);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &out->digest))
    cd_json_bad(obj, "digest", "must be a digest");
}

static cd_code read_head(cd_str payload, fleet_audit_head *ret_head, vouched *v, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_json list = {0};
  int64_t at_ms = 0;
  cd_code rc = cd_json_parse(payload, HEAD_PAYLOAD_MAX, "the head", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_place(&root, ret_head);
  cd_json_i64(&root, "at", 0, CD_WALL_MS_MAX, &at_ms);
  if (cd_json_opt_arr(&root, "entries", FLEET_PROOF_ENTRIES, &list))
    v->count = cd_json_len(&list);
  for (size_t i = 0; i < v->count; i++) {
    cd_json one = {0};
    cd_json_at_obj(&list, i, &one);
    read_place(&one, &v->entries[i]);
    cd_json_no_more(&one);
  }
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  return rc;
}

static cd_code check_head(const parts *p, const cd_public_key *root, fleet_proof *out, vouched *v,
                          cd_err *err)
{
  cd_statement key = {0};
  fleet_audit_head head = {0};
  cd_buf payload = CD_BUF_INIT(HEAD_PAYLOAD_MAX);
  cd_code rc = stated_key(p->head_key, root, CD_PURPOSE_ORDER, "the key of the head", &key, err);
  if (rc == CD_OK && cd_jws_verify(&head_kind, p->head, &key.key, &payload, err) != CD_OK)
    rc = wrong(err, "the head of the audit log");
  if (rc == CD_OK && read_head(cd_buf_view(&payload), &head, v, err) != CD_OK)
    rc = wrong(err, "the head of the audit log");
  out->head = head.sequence;
  cd_buf_release(&payload);
  return rc;
}

static bool has_place(const vouched *v, uint64_t sequence, const cd_digest *digest)
{
  for (size_t i = 0; i < v->count; i++) {
    if (v->entries[i].sequence == sequence && cd_digest_equal(&v->entries[i].digest, digest))
      return true;
  }
  return false;
}

/* The entry's content is what its digest says, and the signer vouches for that. */
static cd_code check_entry(cd_json *entry, const parts *p, const vouched *v, cd_str result,
                           bool *ret_names_result, cd_err *err)
{
  fleet_audit_head place = {0};
  cd_str action = {0};
  cd_str named = {0};
  cd_json detail = {0};
  (void)cd_json_opt_str(entry, "action", FLEET_TEXT_MAX, &action);
  cd_json_obj(entry, "detail", &detail);
  (void)cd_json_opt_str(&detail, "result", CD_DIGEST_TEXT_MAX, &named);
  cd_code rc = fleet_audit_entry(entry, &place, err);
  if (rc != CD_OK)
    return wrong(err, "the entries of the audit log");
  if (!has_place(v, place.sequence, &place.digest))
    return cd_fail(err, CD_E_UNVERIFIED,
                   "the signer does not vouch for entry %llu of the audit log",
                   (unsigned long long)place.sequence);
  if (!cd_str_eq(action, p->action))
    return differs(err, "an entry of the audit log is about another action");
  *ret_names_result = *ret_names_result || (result.len > 0 && cd_str_eq(named, result));
  return CD_OK;
}

static cd_code check_entries(parts *p, const vouched *v, fleet_proof *out, cd_err *err)
{
  char result[CD_DIGEST_TEXT_MAX] = "";
  cd_digest digest = {0};
  bool names_result = false;
  cd_code rc = CD_OK;
  if (out->has_result)
    rc = cd_jws_digest(p->result, &digest, err);
  if (rc == CD_OK && out->has_result)
    cd_digest_text(&digest, result);
  out->entries = cd_json_len(&p->audit);
  for (size_t i = 0; i < out->entries && rc == CD_OK; i++) {
    cd_json entry = {0};
    cd_json_at_obj(&p->audit, i, &entry);
    rc = check_entry(&entry, p, v, cd_str_from(result), &names_result, err);
  }
  if (rc != CD_OK)
    return rc;
  if (out->entries != v->count)
    return differs(err, "entries of the audit log that the signer vouches for are missing");
  if (out->has_order && !has_place(v, out->order.audit_sequence, &out->order.audit_digest))
    return differs(err, "the entry of the audit log that the order names is missing");
  if (out->has_result && !names_result)
    return differs(err, "no entry of the audit log names the result");
  return CD_OK;
}

/* ---- all of it ---- */

static cd_code read_root(const parts *p, cd_public_key *ret_root, fleet_proof *out, cd_err *err)
{
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  if (!cd_base64url_decode(p->root, der, sizeof(der), &len) ||
      cd_public_key_from_der((cd_str){(const char *)der, len}, ret_root, err) != CD_OK)
    return cd_fail(err, CD_E_INVALID, "the report's root key is none");
  cd_public_key_id(ret_root, out->root);
  return CD_OK;
}

cd_code fleet_proof_check(cd_json *report, fleet_proof *ret_proof, cd_err *err)
{
  parts p = {0};
  vouched v = {0};
  fleet_proof out = {0};
  cd_public_key root = {0};
  cd_code rc = read_parts(report, &p, err);
  if (rc == CD_OK)
    rc = read_root(&p, &root, &out, err);
  if (rc == CD_OK && (!cd_str_copy(out.action, sizeof(out.action), p.action) ||
                      !cd_str_copy(out.device, sizeof(out.device), p.device)))
    rc = cd_fail(err, CD_E_INVALID, "the report's action or device has no id of ours");
  if (rc == CD_OK)
    rc = check_order(&p, &root, &out, err);
  if (rc == CD_OK)
    rc = check_result(&p, &root, &out, err);
  if (rc == CD_OK)
    rc = check_head(&p, &root, &out, &v, err);
  if (rc == CD_OK)
    rc = check_entries(&p, &v, &out, err);
  if (rc == CD_OK)
    *ret_proof = out;
  else
    fleet_proof_release(&out);
  return rc;
}

void fleet_proof_release(fleet_proof *p)
{
  cd_order_release(&p->order);
  cd_result_release(&p->result);
}
