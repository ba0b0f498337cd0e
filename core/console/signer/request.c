#include "request.h"

#include "protocol/base64.h"
#include "protocol/secret.h"
#include "protocol/statement.h"

#include <string.h>

#include "base/banned.h"

typedef struct method {
  const char *name;
  void (*read)(cd_json *params, sig_request *r);
} method;

static void read_ref(cd_json *obj, con_audit_ref *out)
{
  cd_str digest = {0};
  cd_json_u64(obj, "sequence", CD_GENERATION_MAX, &out->sequence);
  cd_json_str(obj, "digest", CD_DIGEST_TEXT_MAX, &digest);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &out->digest))
    cd_json_bad(obj, "digest", "must be a digest");
  if (obj->node != NULL && out->sequence == 0)
    cd_json_bad(obj, "sequence", "must be at least 1");
  cd_json_no_more(obj);
}

static void read_audit(cd_json *params, sig_request *r)
{
  cd_json audit = {0};
  cd_json_obj(params, "audit", &audit);
  read_ref(&audit, &r->audit);
}

static void read_device(cd_json *params, sig_request *r)
{
  cd_str device = {0};
  cd_json_str(params, "device", CD_DEVICE_ID_MAX, &device);
  if (device.ptr != NULL && !cd_device_id_valid(device))
    cd_json_bad(params, "device", "must be the id of a device");
  (void)cd_str_copy(r->device, sizeof(r->device), device);
}

static void read_attach(cd_json *params, sig_request *r)
{
  cd_str seal = {0};
  size_t len = 0;
  cd_json_str(params, "seal", CD_BASE64URL_LEN(CON_SEAL_SIZE), &seal);
  if (seal.ptr != NULL &&
      (!cd_base64url_decode(seal, r->seal.bytes, CON_SEAL_SIZE, &len) || len != CON_SEAL_SIZE))
    cd_json_bad(params, "seal", "must be %u bytes in base64url", CON_SEAL_SIZE);
}

static void read_sign_order(cd_json *params, sig_request *r)
{
  cd_str action = {0};
  read_device(params, r);
  cd_json_str(params, "action", CD_ID_SIZE - 1, &action);
  if (action.ptr != NULL && !cd_id_valid(action))
    cd_json_bad(params, "action", "must be a UUID in lower case");
  (void)cd_str_copy(r->action, sizeof(r->action), action);
  cd_json_u64(params, "generation", CD_GENERATION_MAX, &r->generation);
  cd_json_i64(params, "expires", 1, CD_WALL_MS_MAX, &r->expires_ms);
  cd_json_str(params, "parameters", CD_PARAMETERS_MAX, &r->parameters);
  read_audit(params, r);
}

static void read_mark(cd_json *params, sig_request *r)
{
  cd_str nonce = {0};
  cd_json list = {0};
  size_t len = 0;
  read_device(params, r);
  cd_json_str(params, "nonce", CD_BASE64URL_LEN(CD_NONCE_SIZE), &nonce);
  if (nonce.ptr != NULL &&
      (!cd_base64url_decode(nonce, r->nonce, CD_NONCE_SIZE, &len) || len != CD_NONCE_SIZE))
    cd_json_bad(params, "nonce", "must be %u bytes in base64url", CD_NONCE_SIZE);
  cd_json_arr(params, "states", CD_STATE_COUNT, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json one = {0};
    cd_str name = {0};
    cd_state state = CD_STATE_NONE;
    uint64_t generation = 0;
    cd_json_at_obj(&list, i, &one);
    cd_json_str(&one, "state", CD_WORD_MAX, &name);
    cd_json_u64(&one, "generation", CD_GENERATION_MAX, &generation);
    if (name.ptr != NULL && !cd_state_from_name(name, &state))
      cd_json_bad(&one, "state", "is not known here");
    r->generations[state] = generation;
    cd_json_no_more(&one);
  }
}

static void read_issue(cd_json *params, sig_request *r)
{
  if (cd_json_has(params, "device"))
    read_device(params, r);
  cd_json_str(params, "csr", CD_CSR_MAX, &r->csr);
  read_audit(params, r);
}

static void read_state(cd_json *params, sig_request *r)
{
  cd_str text = {0};
  cd_err why = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  read_device(params, r);
  cd_json_str(params, "key", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &text);
  if (text.ptr != NULL &&
      (!cd_base64url_decode(text, der, sizeof(der), &len) ||
       cd_public_key_from_der((cd_str){(const char *)der, len}, &r->device_key, &why) != CD_OK))
    cd_json_bad(params, "key", "must be a SubjectPublicKeyInfo on P-256 in base64url");
  read_audit(params, r);
}

static void read_sign_policy(cd_json *params, sig_request *r)
{
  cd_str name = {0};
  read_device(params, r);
  cd_json_u64(params, "version", CD_GENERATION_MAX, &r->version);
  cd_json_str(params, "name", CD_POLICY_NAME_MAX, &name);
  (void)cd_str_copy(r->name, sizeof(r->name), name);
  cd_json_str(params, "body", CD_POLICY_BODY_MAX, &r->body);
  read_audit(params, r);
}

static void read_head(cd_json *params, sig_request *r)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(params, "entries", CON_HEAD_ENTRIES, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json one = {0};
    cd_json_at_obj(&list, i, &one);
    read_ref(&one, &r->entries[i]);
  }
  r->entry_count = cd_json_len(&list);
}

static const method methods[] = {
    [SIG_ATTACH] = {"attach", read_attach},
    [SIG_SIGN_ORDER] = {"sign_order", read_sign_order},
    [SIG_MARK] = {"mark", read_mark},
    [SIG_ISSUE_CERTIFICATE] = {"issue_certificate", read_issue},
    [SIG_STATE_DEVICE_KEY] = {"state_device_key", read_state},
    [SIG_SIGN_POLICY] = {"sign_policy", read_sign_policy},
    [SIG_HEAD] = {"head", read_head},
};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

const char *sig_method_name(sig_method m)
{
  return (size_t)m < METHODS && methods[m].name != NULL ? methods[m].name : "unknown";
}

static sig_method find(cd_str name)
{
  for (size_t i = 1; i < METHODS; i++) {
    if (cd_str_eq_cstr(name, methods[i].name))
      return (sig_method)i;
  }
  return 0;
}

cd_code sig_request_read(cd_str payload, sig_request *ret_request, cd_err *err)
{
  sig_request r = {0};
  cd_str name = {0};
  cd_json params = {0};
  cd_code rc = cd_json_parse(payload, SIG_REQUEST_MAX, "the request", &r.doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(r.doc);
  cd_json_str(&root, "method", CD_WORD_MAX, &name);
  cd_json_obj(&root, "params", &params);
  cd_json_no_more(&root);
  r.method = find(name);
  if (r.method == 0)
    cd_json_bad(&root, "method", "is not one of the signer's");
  else
    methods[r.method].read(&params, &r);
  rc = cd_json_done(&params, err);
  if (rc == CD_OK)
    *ret_request = r;
  else
    sig_request_release(&r);
  return rc;
}

void sig_request_release(sig_request *r)
{
  cd_json_free(r->doc);
  cd_wipe(r, sizeof(*r));
}
