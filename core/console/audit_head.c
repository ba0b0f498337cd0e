/* The signed head of the audit log, both ways. */
#include "audit_head.h"

#include "base/json.h"

#include "base/banned.h"

#define HEAD_PAYLOAD_MAX (512u + CON_HEAD_ENTRIES * 128u)

const cd_jws_kind con_jws_head = {.noun = "the head of the audit log",
                                  .header = CD_JWS_HEADER("cordon-head+1"),
                                  .payload_max = HEAD_PAYLOAD_MAX};

static void write_ref(cd_jw *w, const con_audit_ref *ref)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&ref->digest, digest);
  cd_jw_u64(w, "sequence", ref->sequence);
  cd_jw_cstr(w, "digest", digest);
}

static void write_entries(cd_jw *w, const con_head *head)
{
  if (head->entry_count == 0)
    return;
  cd_jw_arr(w, "entries");
  for (size_t i = 0; i < head->entry_count; i++) {
    cd_jw_obj(w, NULL);
    write_ref(w, &head->entries[i]);
    cd_jw_end_obj(w);
  }
  cd_jw_end_arr(w);
}

cd_code con_head_sign(const con_head *head, const cd_key *key, const cd_random *random, cd_buf *out,
                      cd_err *err)
{
  cd_buf payload = CD_BUF_INIT(HEAD_PAYLOAD_MAX);
  cd_jw w;
  cd_jw_init(&w, &payload);
  cd_jw_obj(&w, NULL);
  write_ref(&w, &head->ref);
  cd_jw_i64(&w, "at", head->at_ms);
  write_entries(&w, head);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the head of the audit log", err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&con_jws_head, cd_buf_view(&payload), key, random, out, err);
  cd_buf_release(&payload);
  return rc;
}

static void read_ref(cd_json *obj, con_audit_ref *out)
{
  cd_str digest = {0};
  cd_json_u64(obj, "sequence", CD_GENERATION_MAX, &out->sequence);
  cd_json_str(obj, "digest", CD_DIGEST_TEXT_MAX, &digest);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &out->digest))
    cd_json_bad(obj, "digest", "must be a digest");
}

static void read_entries(cd_json *root, con_head *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "entries", CON_HEAD_ENTRIES, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json one = {0};
    cd_json_at_obj(&list, i, &one);
    read_ref(&one, &out->entries[i]);
    cd_json_no_more(&one);
  }
  out->entry_count = cd_json_len(&list);
}

static cd_code read_payload(cd_str text, con_head *ret_head, cd_err *err)
{
  cd_json_doc *doc = NULL;
  con_head head = {0};
  cd_code rc = cd_json_parse(text, HEAD_PAYLOAD_MAX, "the head of the audit log", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_ref(&root, &head.ref);
  cd_json_i64(&root, "at", 0, CD_WALL_MS_MAX, &head.at_ms);
  read_entries(&root, &head);
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
