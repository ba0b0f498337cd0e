#include "fleet_proof_private.h"

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

static cd_code read_parts(cd_json *report, fleet_proof_parts *p, cd_err *err)
{
  uint64_t version = 0;
  size_t statement = cd_jws_max(&cd_jws_statement);
  cd_json keys = {0};
  cd_json_u64(report, "cordonReport", 1, &version);
  cd_json_obj(report, "action", &p->action);
  cd_json_str(&p->action, "id", CD_ID_SIZE - 1, &p->action_id);
  cd_json_obj(report, "device", &p->device);
  cd_json_str(&p->device, "id", CD_DEVICE_ID_MAX, &p->device_id);
  (void)cd_json_opt_str(report, "order", cd_jws_max(&cd_jws_order), &p->order);
  (void)cd_json_opt_str(report, "result", cd_jws_max(&cd_jws_result), &p->result);
  (void)cd_json_opt_value(report, "evidence", &p->evidence);
  cd_json_obj(report, "keys", &keys);
  cd_json_str(&keys, "root", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &p->root);
  cd_json_str(&keys, "order", statement, &p->order_key);
  cd_json_str(&keys, "head", statement, &p->head_key);
  cd_json_str(&keys, "deviceCa", statement, &p->device_ca);
  (void)cd_json_opt_str(&keys, "device", statement, &p->device_key);
  cd_json_arr(report, "audit", FLEET_PROOF_ENTRIES, &p->audit);
  cd_json_obj(report, "head", &p->head_copy);
  cd_json_str(&p->head_copy, "signed", cd_jws_max(&head_kind), &p->head);
  return cd_json_status(report, err);
}

cd_code fleet_proof_wrong(cd_err *err, const char *what)
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
  return cd_statement_verify(statement, issuer, purpose, ret_said, err) == CD_OK
             ? CD_OK
             : fleet_proof_wrong(err, what);
}

static cd_code check_order(const fleet_proof_parts *p, const cd_public_key *root, fleet_proof *out,
                           cd_err *err)
{
  cd_statement key = {0};
  if (p->order.len == 0)
    return CD_OK;
  cd_code rc = stated_key(p->order_key, root, CD_PURPOSE_ORDER, "the key of the order", &key, err);
  if (rc != CD_OK)
    return rc;
  if (cd_order_verify(p->order, &key.key, &out->order, NULL, err) != CD_OK)
    return fleet_proof_wrong(err, "the order");
  out->has_order = true;
  if (!cd_str_eq_cstr(p->action_id, out->order.action) ||
      !cd_str_eq_cstr(p->device_id, out->order.device))
    return differs(err, "the order is of another action or device than the report");
  return CD_OK;
}

static cd_code check_device_key(fleet_proof_parts *p, const cd_public_key *root, cd_err *err)
{
  cd_statement ca = {0};
  cd_statement device = {0};
  if (p->device_key.len == 0)
    return CD_OK;
  cd_code rc =
      stated_key(p->device_ca, root, CD_PURPOSE_DEVICE_CA, "the key of the device CA", &ca, err);
  if (rc == CD_OK)
    rc = stated_key(p->device_key, &ca.key, CD_PURPOSE_DEVICE, "the key of the device", &device,
                    err);
  if (rc != CD_OK)
    return rc;
  if (!cd_str_eq_cstr(p->device_id, device.subject))
    return differs(err, "the device CA states the key of another device");
  p->stated_key = device.key;
  p->has_device_key = true;
  return CD_OK;
}

/* What a collection's result says that the device made. */
static cd_code read_package(fleet_proof *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_json package = {0};
  cd_str digest = {0};
  if (out->result.kind != CD_ORDER_COLLECT || out->result.result.len == 0)
    return CD_OK;
  cd_code rc = cd_json_parse(out->result.result, CD_RESULT_PAYLOAD_MAX, "the result", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  if (cd_json_opt_obj(&root, "package", &package)) {
    cd_json_u64(&package, "bytes", UINT64_C(1) << 53, &out->package.bytes);
    cd_json_str(&package, "digest", CD_DIGEST_TEXT_MAX - 1, &digest);
    if (digest.ptr != NULL && !cd_digest_from_text(digest, &out->package.digest))
      cd_json_bad(&package, "digest", "is no digest");
    out->has_package = true;
  }
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  return rc;
}

static cd_code check_result(const fleet_proof_parts *p, fleet_proof *out, cd_err *err)
{
  cd_digest order = {0};
  if (p->result.len == 0)
    return CD_OK;
  if (!p->has_device_key)
    return differs(err, "the statement about the device's key is missing");
  if (cd_result_verify(p->result, &p->stated_key, p->device_id, &out->result, err) != CD_OK)
    return fleet_proof_wrong(err, "the result");
  out->has_result = true;
  if (!cd_str_eq_cstr(p->action_id, out->result.action))
    return differs(err, "the result is of another action than the report");
  out->same_order = out->has_order && out->result.has_order &&
                    cd_jws_digest(p->order, &order, err) == CD_OK &&
                    cd_digest_equal(&order, &out->result.order);
  return read_package(out, err) == CD_OK ? CD_OK : fleet_proof_wrong(err, "the result");
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

/* The copies beside the signed head. */
static cd_code check_head_copy(fleet_proof_parts *p, const fleet_audit_head *head, cd_err *err)
{
  fleet_audit_head said = {0};
  read_place(&p->head_copy, &said);
  cd_code rc = cd_json_status(&p->head_copy, err);
  if (rc == CD_OK &&
      (said.sequence != head->sequence || !cd_digest_equal(&said.digest, &head->digest)))
    rc = differs(err, "the report's head.sequence or head.digest is not that of the signed head");
  return rc;
}

static cd_code check_head(fleet_proof_parts *p, const cd_public_key *root, fleet_proof *out,
                          vouched *v, cd_err *err)
{
  cd_statement key = {0};
  fleet_audit_head head = {0};
  cd_buf payload = CD_BUF_INIT(HEAD_PAYLOAD_MAX);
  cd_code rc = stated_key(p->head_key, root, CD_PURPOSE_ORDER, "the key of the head", &key, err);
  if (rc == CD_OK && cd_jws_verify(&head_kind, p->head, &key.key, &payload, err) != CD_OK)
    rc = fleet_proof_wrong(err, "the head of the audit log");
  if (rc == CD_OK && read_head(cd_buf_view(&payload), &head, v, err) != CD_OK)
    rc = fleet_proof_wrong(err, "the head of the audit log");
  if (rc == CD_OK)
    rc = check_head_copy(p, &head, err);
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
static cd_code check_entry(cd_json *entry, const fleet_proof_parts *p, const vouched *v,
                           uint64_t *last, fleet_proof_log *log, cd_err *err)
{
  fleet_audit_head place = {0};
  cd_str action = {0};
  cd_str device = {0};
  (void)cd_json_opt_str(entry, "action", FLEET_TEXT_MAX, &action);
  (void)cd_json_opt_str(entry, "device", FLEET_TEXT_MAX, &device);
  cd_code rc = fleet_audit_entry(entry, &place, err);
  if (rc != CD_OK)
    return fleet_proof_wrong(err, "the entries of the audit log");
  if (!has_place(v, place.sequence, &place.digest))
    return cd_fail(err, CD_E_UNVERIFIED,
                   "the signer does not vouch for entry %llu of the audit log",
                   (unsigned long long)place.sequence);
  if (place.sequence <= *last)
    return differs(err, "the entries of the audit log are not in their order");
  *last = place.sequence;
  if (!cd_str_eq(action, p->action_id) || !cd_str_eq(device, p->device_id))
    return differs(err, "an entry of the audit log is about another action or device");
  return fleet_proof_log_take(log, entry, &place.digest, err);
}

static cd_code check_entries(fleet_proof_parts *p, const vouched *v, fleet_proof *out, cd_err *err)
{
  char result[CD_DIGEST_TEXT_MAX] = "";
  cd_digest digest = {0};
  uint64_t last = 0;
  cd_code rc = CD_OK;
  if (out->has_result)
    rc = cd_jws_digest(p->result, &digest, err);
  if (rc == CD_OK && out->has_result)
    cd_digest_text(&digest, result);
  out->entries = cd_json_len(&p->audit);
  for (size_t i = 0; i < out->entries && rc == CD_OK; i++) {
    cd_json entry = {0};
    cd_json_at_obj(&p->audit, i, &entry);
    rc = check_entry(&entry, p, v, &last, &out->log, err);
  }
  if (rc != CD_OK)
    return rc;
  if (out->entries != v->count)
    return differs(err, "entries of the audit log that the signer vouches for are missing");
  return fleet_proof_log_judge(out, cd_str_from(result), err);
}

/* ---- all of it ---- */

static cd_code read_root(const fleet_proof_parts *p, cd_public_key *ret_root, fleet_proof *out,
                         cd_err *err)
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
  fleet_proof_parts p = {0};
  vouched v = {0};
  fleet_proof out = {0};
  cd_public_key root = {0};
  cd_code rc = read_parts(report, &p, err);
  if (rc == CD_OK)
    rc = read_root(&p, &root, &out, err);
  if (rc == CD_OK && (!cd_str_copy(out.action, sizeof(out.action), p.action_id) ||
                      !cd_str_copy(out.device, sizeof(out.device), p.device_id)))
    rc = cd_fail(err, CD_E_INVALID, "the report's action or device has no id of ours");
  if (rc == CD_OK)
    rc = check_order(&p, &root, &out, err);
  if (rc == CD_OK)
    rc = check_device_key(&p, &root, err);
  if (rc == CD_OK)
    rc = check_result(&p, &out, err);
  if (rc == CD_OK)
    rc = check_head(&p, &root, &out, &v, err);
  if (rc == CD_OK)
    rc = check_entries(&p, &v, &out, err);
  if (rc == CD_OK)
    rc = fleet_proof_copies(&p, &out, err);
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

bool fleet_proof_is_root(const fleet_proof *p, const char *text)
{
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  char id[CD_KEY_ID_TEXT_MAX];
  cd_public_key key = {0};
  cd_err ignored = {0};
  if (strcmp(text, p->root) == 0)
    return true;
  if (!cd_base64url_decode(cd_str_from(text), der, sizeof(der), &len) ||
      cd_public_key_from_der((cd_str){(const char *)der, len}, &key, &ignored) != CD_OK)
    return false;
  cd_public_key_id(&key, id);
  return strcmp(id, p->root) == 0;
}
