/* Reports: how things stand on a device, signed by it, for one connection. */
#include "protocol/result.h"

#include "base/json.h"
#include "claims.h"
#include "payload.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/banned.h"

void cd_report_release(cd_report *r)
{
  free(r->memory);
  *r = (cd_report){0};
}

static void write_policy(const cd_policy_standing *p, cd_jw *w)
{
  cd_jw_obj(w, "policy");
  cd_jw_u64(w, "version", p->version);
  cd_claim_write_opt(w, "name", p->name);
  cd_jw_bool(w, "trial", p->trial);
  cd_jw_u64(w, "highest", p->highest);
  cd_jw_u64(w, "refused", p->refused);
  cd_claim_write_opt(w, "sentence", p->sentence);
  cd_jw_end_obj(w);
}

static void read_policy(cd_json *root, cd_policy_standing *out)
{
  cd_json policy = {0};
  out->known = cd_json_opt_obj(root, "policy", &policy);
  if (!out->known)
    return;
  cd_json_u64(&policy, "version", CD_GENERATION_MAX, &out->version);
  cd_claim_opt_text(&policy, "name", out->name, sizeof(out->name));
  cd_json_bool(&policy, "trial", &out->trial);
  cd_json_u64(&policy, "highest", CD_GENERATION_MAX, &out->highest);
  cd_json_u64(&policy, "refused", CD_GENERATION_MAX, &out->refused);
  cd_claim_opt_text(&policy, "sentence", out->sentence, sizeof(out->sentence));
  cd_json_no_more(&policy);
}

static void write_report(const cd_report *r, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "device", r->device);
  cd_claim_write_nonce(w, "nonce", r->nonce);
  cd_jw_u64(w, "number", r->number);
  cd_jw_i64(w, "at", r->at_ms);
  cd_values_write(r->states, r->state_count, w, "states");
  cd_jw_raw(w, "facts", r->facts);
  if (r->policy.known)
    write_policy(&r->policy, w);
  cd_jw_end_obj(w);
}

static void read_report(cd_json *root, cd_report *out, cd_json *ret_facts)
{
  cd_claim_device(root, "device", out->device);
  cd_claim_nonce(root, "nonce", out->nonce);
  cd_json_u64(root, "number", UINT64_C(1) << 53, &out->number);
  if (out->number == 0)
    cd_json_bad(root, "number", "must be at least 1");
  cd_claim_time(root, "at", 0, &out->at_ms);
  cd_values_read(root, "states", out->states, &out->state_count);
  (void)cd_json_opt_obj(root, "facts", ret_facts);
  read_policy(root, &out->policy);
  cd_json_no_more(root);
}

cd_code cd_report_read(cd_str payload, cd_report *ret_report, cd_err *err)
{
  cd_report r = {0};
  cd_str nothing = {0};
  cd_json facts = {0};
  cd_buf text = CD_BUF_INIT(CD_REPORT_PAYLOAD_MAX);
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_REPORT_PAYLOAD_MAX, cd_jws_report.noun, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_report(&root, &r, &facts);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK && facts.node != NULL)
    cd_json_print(&facts, &text);
  if (rc == CD_OK)
    rc = cd_buf_status(&text, "the facts of the report", err);
  if (rc == CD_OK && text.len > CD_FACTS_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "the facts of the report have %zu bytes, the limit is %u",
                 text.len, CD_FACTS_MAX);
  r.facts = cd_buf_view(&text);
  if (rc == CD_OK)
    rc = cd_claims_keep(&r.facts, &nothing, &r.memory, err);
  if (rc == CD_OK)
    *ret_report = r;
  cd_buf_release(&text);
  cd_json_free(doc);
  return rc;
}

cd_code cd_report_sign(const cd_report *r, const cd_key *device_key, const cd_random *random,
                       cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_report back = {0};
  cd_buf payload = CD_BUF_INIT(CD_REPORT_PAYLOAD_MAX);
  cd_jw_init(&w, &payload);
  write_report(r, &w);
  cd_code rc = cd_jw_done(&w, cd_jws_report.noun, err);
  if (rc == CD_OK)
    rc = cd_report_read(cd_buf_view(&payload), &back, err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&cd_jws_report, cd_buf_view(&payload), device_key, random, out, err);
  cd_report_release(&back);
  cd_buf_release(&payload);
  return rc;
}

static cd_code check_turn(const cd_report *r, cd_str device, const uint8_t nonce[CD_NONCE_SIZE],
                          uint64_t last_number, cd_err *err)
{
  if (!cd_str_eq_cstr(device, r->device))
    return cd_fail(err, CD_E_DENIED, "the report is of the device %s, and was sent by %.*s",
                   r->device, CD_STR_ARG(device));
  if (!cd_equal_constant_time(r->nonce, nonce, CD_NONCE_SIZE))
    return cd_fail(err, CD_E_CONFLICT, "the report of the device %s is of another connection",
                   r->device);
  if (r->number <= last_number)
    return cd_fail(err, CD_E_CONFLICT,
                   "the report of the device %s was given before: it is number %" PRIu64
                   ", and %" PRIu64 " was taken",
                   r->device, r->number, last_number);
  return CD_OK;
}

cd_code cd_report_verify(cd_str jws, const cd_public_key *device_key, cd_str device,
                         const uint8_t nonce[CD_NONCE_SIZE], uint64_t last_number,
                         cd_report *ret_report, cd_err *err)
{
  cd_report r = {0};
  cd_buf payload = CD_BUF_INIT(CD_REPORT_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&cd_jws_report, jws, device_key, &payload, err);
  if (rc == CD_OK)
    rc = cd_report_read(cd_buf_view(&payload), &r, err);
  if (rc == CD_OK)
    rc = check_turn(&r, device, nonce, last_number, err);
  if (rc == CD_OK)
    *ret_report = r;
  else
    cd_report_release(&r);
  cd_buf_release(&payload);
  return rc;
}
