/* The signed head of the audit log, both ways. */
#include "audit_head.h"

#include "base/json.h"

#include "base/banned.h"

#define HEAD_PAYLOAD_MAX 512u

const cd_jws_kind con_jws_head = {.noun = "the head of the audit log",
                                  .header = CD_JWS_HEADER("cordon-head+1"),
                                  .payload_max = HEAD_PAYLOAD_MAX};

cd_code con_head_sign(const con_head *head, const cd_key *key, const cd_random *random, cd_buf *out,
                      cd_err *err)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_buf payload = CD_BUF_INIT(HEAD_PAYLOAD_MAX);
  cd_jw w;
  cd_digest_text(&head->ref.digest, digest);
  cd_jw_init(&w, &payload);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "sequence", head->ref.sequence);
  cd_jw_cstr(&w, "digest", digest);
  cd_jw_i64(&w, "at", head->at_ms);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the head of the audit log", err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&con_jws_head, cd_buf_view(&payload), key, random, out, err);
  cd_buf_release(&payload);
  return rc;
}

static cd_code read_payload(cd_str text, con_head *ret_head, cd_err *err)
{
  cd_json_doc *doc = NULL;
  con_head head = {0};
  cd_str digest = {0};
  cd_code rc = cd_json_parse(text, HEAD_PAYLOAD_MAX, "the head of the audit log", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "sequence", CD_GENERATION_MAX, &head.ref.sequence);
  cd_json_str(&root, "digest", CD_DIGEST_TEXT_MAX, &digest);
  cd_json_i64(&root, "at", 0, CD_WALL_MS_MAX, &head.at_ms);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &head.ref.digest))
    cd_json_bad(&root, "digest", "must be a digest");
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_head = head;
  return rc;
}

cd_code con_head_verify(cd_str jws, const cd_public_key *key, con_head *ret_head, cd_err *err)
{
  cd_buf payload = CD_BUF_INIT(HEAD_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&con_jws_head, jws, key, &payload, err);
  if (rc == CD_OK)
    rc = read_payload(cd_buf_view(&payload), ret_head, err);
  cd_buf_release(&payload);
  return rc;
}
