/* Results: the end of an action, signed by the device. */
#include "protocol/result.h"

#include "base/json.h"
#include "base/limits.h"
#include "claims.h"
#include "payload.h"

#include <stdlib.h>

#include "base/banned.h"

_Static_assert(CD_SENTENCE_MAX + 1 == CD_ERR_TEXT_MAX, "a sentence of cd_err fits");

void cd_result_release(cd_result *r)
{
  free(r->memory);
  *r = (cd_result){0};
}

static void write_result(const cd_result *r, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "device", r->device);
  cd_jw_cstr(w, "action", r->action);
  cd_claim_write_generation(w, r->kind, r->generation);
  if (r->has_order)
    cd_claim_write_digest(w, "order", &r->order);
  else
    cd_jw_null(w, "order");
  cd_jw_cstr(w, "status", cd_action_status_name(r->status));
  cd_jw_cstr(w, "outcome", cd_code_name(r->outcome));
  cd_claim_write_opt(w, "sentence", r->sentence);
  cd_jw_cstr(w, "requestor", r->requestor);
  cd_jw_str(w, "comment", r->comment);
  cd_claim_write_opt(w, "provider", r->provider);
  cd_jw_i64(w, "created", r->created_ms);
  cd_claim_write_time(w, "started", r->started_ms);
  cd_jw_i64(w, "ended", r->ended_ms);
  cd_values_write(r->states, r->state_count, w, "states");
  cd_jw_raw(w, "result", r->result);
  cd_jw_end_obj(w);
}

static void read_ending(cd_json *root, cd_result *out)
{
  char name[CD_WORD_MAX + 1] = "";
  cd_claim_text(root, "status", name, sizeof(name));
  if (!cd_action_status_from_name(cd_str_from(name), &out->status) ||
      !cd_action_status_final(out->status))
    cd_json_bad(root, "status", "must be one of: Succeeded, Failed, TimeOut, Cancelled");
  name[0] = '\0';
  cd_claim_text(root, "outcome", name, sizeof(name));
  if (!cd_code_from_name(name, &out->outcome))
    cd_json_bad(root, "outcome", "must be the name of an outcome");
  cd_claim_opt_text(root, "sentence", out->sentence, sizeof(out->sentence));
  cd_claim_time(root, "created", 0, &out->created_ms);
  cd_claim_opt_time(root, "started", &out->started_ms);
  cd_claim_time(root, "ended", 0, &out->ended_ms);
}

static void read_result(cd_json *root, cd_result *out, cd_json *ret_document)
{
  cd_claim_device(root, "device", out->device);
  cd_claim_action(root, "action", out->action);
  cd_claim_kind(root, &out->kind);
  cd_claim_generation(root, out->kind, &out->generation);
  out->has_order = cd_json_has(root, "order");
  if (out->has_order)
    cd_claim_digest(root, "order", &out->order);
  else
    (void)cd_json_opt_value(root, "order", ret_document);
  read_ending(root, out);
  cd_claim_text(root, "requestor", out->requestor, sizeof(out->requestor));
  cd_json_str(root, "comment", CD_COMMENT_MAX, &out->comment);
  cd_claim_opt_text(root, "provider", out->provider, sizeof(out->provider));
  cd_values_read(root, "states", out->states, &out->state_count);
  (void)cd_json_opt_obj(root, "result", ret_document);
  cd_json_no_more(root);
}

cd_code cd_result_read(cd_str payload, cd_result *ret_result, cd_err *err)
{
  cd_result r = {0};
  cd_json document = {0};
  cd_buf text = CD_BUF_INIT(CD_RESULT_PAYLOAD_MAX);
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_RESULT_PAYLOAD_MAX, cd_jws_result.noun, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_result(&root, &r, &document);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK && document.node != NULL)
    cd_json_print(&document, &text);
  if (rc == CD_OK)
    rc = cd_buf_status(&text, "the document of the result", err);
  if (rc == CD_OK && text.len > CD_RESULT_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "the document of the result has %zu bytes, the limit is %u",
                 text.len, CD_RESULT_MAX);
  r.result = cd_buf_view(&text);
  if (rc == CD_OK)
    rc = cd_claims_keep(&r.comment, &r.result, &r.memory, err);
  if (rc == CD_OK)
    *ret_result = r;
  cd_buf_release(&text);
  cd_json_free(doc);
  return rc;
}

cd_code cd_result_sign(const cd_result *r, const cd_key *device_key, const cd_random *random,
                       cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_result back = {0};
  cd_buf payload = CD_BUF_INIT(CD_RESULT_PAYLOAD_MAX);
  cd_jw_init(&w, &payload);
  write_result(r, &w);
  cd_code rc = cd_jw_done(&w, cd_jws_result.noun, err);
  if (rc == CD_OK)
    rc = cd_result_read(cd_buf_view(&payload), &back, err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&cd_jws_result, cd_buf_view(&payload), device_key, random, out, err);
  cd_result_release(&back);
  cd_buf_release(&payload);
  return rc;
}

cd_code cd_result_verify(cd_str jws, const cd_public_key *device_key, cd_str device,
                         cd_result *ret_result, cd_err *err)
{
  cd_result r = {0};
  cd_buf payload = CD_BUF_INIT(CD_RESULT_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&cd_jws_result, jws, device_key, &payload, err);
  if (rc == CD_OK)
    rc = cd_result_read(cd_buf_view(&payload), &r, err);
  if (rc == CD_OK && !cd_str_eq_cstr(device, r.device))
    rc = cd_fail(err, CD_E_DENIED, "the result is of the device %s, and was sent by %.*s", r.device,
                 CD_STR_ARG(device));
  if (rc == CD_OK)
    *ret_result = r;
  else
    cd_result_release(&r);
  cd_buf_release(&payload);
  return rc;
}

cd_code cd_result_open(cd_str jws, const cd_digest *digest, cd_result *ret_result, cd_err *err)
{
  cd_buf payload = CD_BUF_INIT(CD_RESULT_PAYLOAD_MAX);
  cd_code rc = cd_jws_open(&cd_jws_result, jws, digest, &payload, err);
  if (rc == CD_OK)
    rc = cd_result_read(cd_buf_view(&payload), ret_result, err);
  cd_buf_release(&payload);
  return rc;
}
