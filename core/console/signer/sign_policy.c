/* Policies: signed for the device, the version and the body that an audit entry names. */
#include "signer.h"

#include "protocol/policy.h"
#include "random.h"

#include <string.h>

#include "base/banned.h"

static cd_code match(const sig_request *r, const sig_entry *e, cd_err *err)
{
  cd_str name = {0};
  cd_str body = {0};
  uint64_t version = 0;
  cd_digest named;
  cd_digest digest;
  unsigned long long at = (unsigned long long)r->audit.sequence;
  if (!cd_str_eq_cstr(cd_str_from(e->what), CON_WHAT_POLICY))
    return cd_fail(err, CD_E_DENIED, "entry %llu of the audit log records no policy", at);
  if (!cd_str_eq_cstr(cd_str_from(e->device), r->device))
    return cd_fail(err, CD_E_DENIED, "entry %llu of the audit log is about another device", at);
  cd_json root = cd_json_root(e->detail);
  cd_json_str(&root, "name", CD_POLICY_NAME_MAX, &name);
  cd_json_u64(&root, "version", CD_GENERATION_MAX, &version);
  cd_json_str(&root, "body", CD_DIGEST_TEXT_MAX, &body);
  cd_code rc = cd_json_status(&root, err);
  if (rc == CD_OK)
    rc = cd_digest_of(r->body.ptr, r->body.len, &digest, err);
  if (rc != CD_OK)
    return rc;
  if (!cd_digest_from_text(body, &named) || !cd_digest_equal(&named, &digest))
    return cd_fail(err, CD_E_DENIED, "entry %llu of the audit log records another body", at);
  if (version != r->version || !cd_str_eq_cstr(name, r->name))
    return cd_fail(err, CD_E_DENIED, "entry %llu of the audit log records another version or name",
                   at);
  return CD_OK;
}

static cd_code check_device(sig_signer *s, const sig_request *r, cd_err *err)
{
  sig_device device = {0};
  cd_code rc = sig_state_device(s->state, cd_str_from(r->device), &device, err);
  if (rc == CD_OK && (device.enrolled == 0 || device.revoked > device.enrolled))
    rc = cd_fail(err, CD_E_DENIED, "device '%s' is %s", r->device,
                 device.enrolled == 0 ? "not enrolled" : "revoked");
  return rc;
}

static cd_code write_policy(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_policy));
  cd_policy p = {.version = r->version,
                 .issued_ms = s->now_ms(),
                 .audit_sequence = r->audit.sequence,
                 .audit_digest = r->audit.digest,
                 .body = r->body};
  memcpy(p.device, r->device, sizeof(p.device));
  memcpy(p.name, r->name, sizeof(p.name));
  cd_code rc = cd_policy_sign(&p, s->keys.policy.key, &sig_random, &jws, err);
  if (rc == CD_OK) {
    cd_jw_str(w, "policy", cd_buf_view(&jws));
    cd_jw_cstr(w, "policy_key", s->keys.policy.statement);
  }
  cd_buf_release(&jws);
  return rc;
}

cd_code sig_sign_policy(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  sig_entry e = {0};
  cd_code rc = sig_log_catch_up(&s->log, NULL, err);
  if (rc == CD_OK)
    rc = sig_entry_read(&s->log, &r->audit, &e, err);
  if (rc == CD_OK)
    rc = match(r, &e, err);
  if (rc == CD_OK)
    rc = check_device(s, r, err);
  if (rc == CD_OK)
    rc = write_policy(s, r, w, err);
  sig_entry_release(&e);
  return rc;
}
