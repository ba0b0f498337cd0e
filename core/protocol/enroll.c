/* Enrolment: the proof, the request and its answer. */
#include "protocol/enroll.h"

#include "claims.h"
#include "payload.h"
#include "protocol/base64.h"
#include "protocol/statement.h"

#include <string.h>

#include "base/banned.h"

const cd_jws_kind cd_jws_enroll = {"the proof of enrolment", CD_JWS_HEADER("cordon-enroll+1"),
                                   CD_ENROLL_PROOF_PAYLOAD_MAX};

/* ---- the proof ---- */

cd_code cd_enroll_proof_read(cd_str payload, cd_enroll_proof *ret_proof, cd_err *err)
{
  cd_enroll_proof p = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_ENROLL_PROOF_PAYLOAD_MAX, cd_jws_enroll.noun, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_claim_digest(&root, "token_hash", &p.token_hash);
  cd_claim_digest(&root, "csr_hash", &p.csr_hash);
  cd_claim_time(&root, "at", 0, &p.at_ms);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_proof = p;
  return rc;
}

cd_code cd_enroll_proof_sign(const cd_enroll_proof *p, const cd_key *device_key,
                             const cd_random *random, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_enroll_proof back;
  cd_buf payload = CD_BUF_INIT(CD_ENROLL_PROOF_PAYLOAD_MAX);
  cd_jw_init(&w, &payload);
  cd_jw_obj(&w, NULL);
  cd_claim_write_digest(&w, "token_hash", &p->token_hash);
  cd_claim_write_digest(&w, "csr_hash", &p->csr_hash);
  cd_jw_i64(&w, "at", p->at_ms);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, cd_jws_enroll.noun, err);
  if (rc == CD_OK)
    rc = cd_enroll_proof_read(cd_buf_view(&payload), &back, err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&cd_jws_enroll, cd_buf_view(&payload), device_key, random, out, err);
  cd_buf_release(&payload);
  return rc;
}

cd_code cd_enroll_proof_verify(cd_str jws, const cd_public_key *device_key,
                               cd_enroll_proof *ret_proof, cd_err *err)
{
  cd_buf payload = CD_BUF_INIT(CD_ENROLL_PROOF_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&cd_jws_enroll, jws, device_key, &payload, err);
  if (rc == CD_OK)
    rc = cd_enroll_proof_read(cd_buf_view(&payload), ret_proof, err);
  cd_buf_release(&payload);
  return rc;
}

cd_code cd_enroll_token_decode(cd_str text, uint8_t out[CD_TOKEN_SIZE], cd_err *err)
{
  uint8_t bytes[CD_TOKEN_SIZE];
  size_t len = 0;
  if (!cd_base64url_decode(text, bytes, sizeof(bytes), &len) || len != CD_TOKEN_SIZE)
    return cd_fail(err, CD_E_INVALID, "the token is not %u bytes in base64url", CD_TOKEN_SIZE);
  memcpy(out, bytes, CD_TOKEN_SIZE);
  return CD_OK;
}

/* ---- the request ---- */

cd_code cd_enroll_request_write(const cd_enroll_request *r, cd_buf *out, cd_err *err)
{
  cd_jw w;
  uint8_t der[CD_KEY_DER_SIZE];
  char key[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  cd_public_key_to_der(&r->device_key, der);
  cd_base64url_text(key, der, sizeof(der));
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "token", r->token);
  cd_jw_str(&w, "csr", r->csr);
  cd_jw_cstr(&w, "device_key", key);
  cd_jw_str(&w, "proof", r->proof);
  cd_jw_str(&w, "hostname", r->hostname);
  cd_jw_str(&w, "os", r->os);
  cd_jw_str(&w, "agent", r->agent);
  if (r->tag_count > 0) {
    cd_jw_arr(&w, "tags");
    for (unsigned i = 0; i < r->tag_count; i++)
      cd_jw_str(&w, NULL, r->tags[i]);
    cd_jw_end_arr(&w);
  }
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request to enrol", err);
}

static void not_empty(cd_json *obj, const char *key, cd_str text)
{
  if (text.ptr != NULL && text.len == 0)
    cd_json_bad(obj, key, "must not be empty");
}

static void read_key(cd_json *obj, cd_public_key *out)
{
  cd_err why = {0};
  cd_str text = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  cd_json_str(obj, "device_key", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &text);
  if (text.ptr == NULL)
    return;
  if (!cd_base64url_decode(text, der, sizeof(der), &len) ||
      cd_public_key_from_der((cd_str){(const char *)der, len}, out, &why) != CD_OK)
    cd_json_bad(obj, "device_key", "must be a SubjectPublicKeyInfo on P-256 in base64url");
}

static void read_tags(cd_json *obj, cd_enroll_request *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(obj, "tags", CD_ENROLL_TAGS_MAX, &list))
    return;
  out->tag_count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < out->tag_count; i++) {
    cd_json_at_str(&list, i, CD_ENROLL_TAG_MAX, &out->tags[i]);
    not_empty(obj, "tags", out->tags[i]);
  }
}

cd_code cd_enroll_request_read(cd_str text, cd_enroll_request *ret_request, cd_err *err)
{
  cd_enroll_request r = {0};
  cd_code rc = cd_json_parse(text, CD_ENROLL_REQUEST_MAX, "the request to enrol", &r.doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(r.doc);
  cd_json_str(&root, "token", CD_BASE64URL_LEN(CD_TOKEN_SIZE), &r.token);
  cd_json_str(&root, "csr", CD_CSR_MAX, &r.csr);
  read_key(&root, &r.device_key);
  cd_json_str(&root, "proof", cd_jws_max(&cd_jws_enroll), &r.proof);
  cd_json_str(&root, "hostname", CD_HTTP_HOST_MAX, &r.hostname);
  cd_json_str(&root, "os", CD_WORD_MAX, &r.os);
  cd_json_str(&root, "agent", CD_WORD_MAX, &r.agent);
  read_tags(&root, &r);
  not_empty(&root, "token", r.token);
  not_empty(&root, "csr", r.csr);
  not_empty(&root, "proof", r.proof);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_request = r;
  else
    cd_enroll_request_release(&r);
  return rc;
}

void cd_enroll_request_release(cd_enroll_request *r)
{
  cd_json_free(r->doc);
  *r = (cd_enroll_request){0};
}

/* ---- the answer ---- */

cd_code cd_enroll_answer_write(const cd_enroll_answer *a, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "device", a->device);
  cd_jw_str(&w, "certificate", a->certificate);
  cd_jw_str(&w, "statement", a->statement);
  cd_jw_str(&w, "order_key", a->order_key);
  cd_jw_arr(&w, "agents");
  for (unsigned i = 0; i < a->agent_count; i++)
    cd_jw_str(&w, NULL, a->agents[i]);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the answer to an enrolment", err);
}

static void read_agents(cd_json *root, cd_enroll_answer *out)
{
  cd_json list = {0};
  cd_json_arr(root, "agents", CD_CONSOLES_MAX, &list);
  out->agent_count = (unsigned)cd_json_len(&list);
  if (list.node != NULL && out->agent_count == 0)
    cd_json_bad(root, "agents", "must not be empty");
  for (unsigned i = 0; i < out->agent_count; i++) {
    char host[CD_HTTP_HOST_MAX + 1];
    uint16_t port = 0;
    cd_err why = {0};
    cd_json_at_str(&list, i, CD_ENDPOINT_MAX, &out->agents[i]);
    if (out->agents[i].ptr != NULL && cd_endpoint_parse(out->agents[i], host, &port, &why) != CD_OK)
      cd_json_bad(root, "agents", "%s", why.text);
  }
}

cd_code cd_enroll_answer_read(cd_str text, cd_enroll_answer *ret_answer, cd_err *err)
{
  cd_enroll_answer a = {0};
  cd_code rc = cd_json_parse(text, CD_ENROLL_ANSWER_MAX, "the answer to an enrolment", &a.doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(a.doc);
  cd_json_str(&root, "device", CD_DEVICE_ID_MAX, &a.device);
  if (a.device.ptr != NULL && !cd_device_id_valid(a.device))
    cd_json_bad(&root, "device", "must be the id of a device");
  cd_json_str(&root, "certificate", CD_CERTIFICATE_MAX, &a.certificate);
  not_empty(&root, "certificate", a.certificate);
  cd_json_str(&root, "statement", cd_jws_max(&cd_jws_statement), &a.statement);
  cd_json_str(&root, "order_key", cd_jws_max(&cd_jws_statement), &a.order_key);
  read_agents(&root, &a);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_answer = a;
  else
    cd_enroll_answer_release(&a);
  return rc;
}

void cd_enroll_answer_release(cd_enroll_answer *a)
{
  cd_json_free(a->doc);
  *a = (cd_enroll_answer){0};
}

/* ---- where a console is ---- */

static bool host_valid(cd_str host, bool bracketed)
{
  if (host.len == 0 || host.len > CD_HTTP_HOST_MAX)
    return false;
  for (size_t i = 0; i < host.len; i++) {
    char c = host.ptr[i];
    bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    bool name = hex || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '-' || c == '.';
    if (bracketed ? !hex && c != ':' && c != '.' : !name)
      return false;
  }
  return true;
}

cd_code cd_endpoint_parse(cd_str text, char ret_host[CD_HTTP_HOST_MAX + 1], uint16_t *ret_port,
                          cd_err *err)
{
  cd_str port = text;
  cd_str host = {0};
  uint64_t number = 0;
  bool bracketed = text.len > 0 && text.ptr[0] == '[';
  if (bracketed) {
    port = (cd_str){text.ptr + 1, text.len - 1};
    host = cd_str_cut(&port, ']');
    if (port.len > 0 && port.ptr[0] == ':')
      port = (cd_str){port.ptr + 1, port.len - 1};
    else
      port.len = 0;
  } else {
    host = cd_str_cut(&port, ':');
  }
  if (!host_valid(host, bracketed) || !cd_str_to_u64(port, 65535, &number) || number == 0)
    return cd_fail(err, CD_E_INVALID,
                   "'%.*s' is not HOST:PORT with a name, an IPv4 address or an IPv6 address in "
                   "brackets",
                   text.len > 300 ? 300 : CD_STR_ARG(text));
  if (!cd_str_copy(ret_host, CD_HTTP_HOST_MAX + 1, host))
    return cd_fail(err, CD_E_INVALID, "the host of a console holds a NUL");
  *ret_port = (uint16_t)number;
  return CD_OK;
}
