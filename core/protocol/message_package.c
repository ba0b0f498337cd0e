/* The messages about a package on its way home. */
#include "claims.h"
#include "message_private.h"
#include "protocol/chunk.h"

#include "base/banned.h"

cd_code cd_package_write(const char *action, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, id, cd_method_name(CD_METHOD_PACKAGE));
  cd_jw_cstr(&w.w, "action", action);
  return cd_rpc_end(&w, "the announcement of a package", err);
}

cd_code cd_package_read(cd_rpc *m, char ret_action[CD_ID_SIZE], cd_rpc_fault *ret_fault,
                        cd_err *err)
{
  char action[CD_ID_SIZE] = "";
  cd_claim_action(&m->body, "action", action);
  cd_code rc = cd_message_done(m, ret_fault, err);
  if (rc == CD_OK)
    (void)cd_str_copy(ret_action, CD_ID_SIZE, cd_str_from(action));
  return rc;
}

static void read_place(cd_json *body, uint64_t *ret_stream, uint64_t *ret_offset)
{
  cd_json_u64(body, "stream", CD_STREAM_SIZE_MAX, ret_stream);
  cd_json_u64(body, "offset", CD_STREAM_SIZE_MAX, ret_offset);
  if (*ret_stream == 0)
    cd_json_bad(body, "stream", "must be at least 1");
}

cd_code cd_package_answer_write(const cd_package_answer *a, uint64_t id, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_response(&w, out, id);
  cd_jw_u64(&w.w, "stream", a->stream);
  cd_jw_u64(&w.w, "offset", a->offset);
  return cd_rpc_end(&w, "the answer about a package", err);
}

cd_code cd_package_answer_read(cd_rpc *m, cd_package_answer *ret_answer, cd_err *err)
{
  cd_package_answer a = {0};
  cd_code rc = cd_message_answer(m, err);
  if (rc != CD_OK)
    return rc;
  read_place(&m->body, &a.stream, &a.offset);
  rc = cd_message_done(m, NULL, err);
  if (rc == CD_OK)
    *ret_answer = a;
  return rc;
}

cd_code cd_kept_write(const cd_kept *k, cd_buf *out, cd_err *err)
{
  cd_rpc_writer w;
  cd_rpc_begin_request(&w, out, 0, cd_method_name(CD_METHOD_KEPT));
  cd_jw_u64(&w.w, "stream", k->stream);
  cd_jw_u64(&w.w, "offset", k->offset);
  cd_jw_bool(&w.w, "done", k->done);
  if (k->sentence.len > 0)
    cd_jw_str(&w.w, "sentence", k->sentence);
  else
    cd_jw_null(&w.w, "sentence");
  return cd_rpc_end(&w, "what is kept of a package", err);
}

cd_code cd_kept_read(cd_rpc *m, cd_kept *ret_kept, cd_err *err)
{
  cd_kept k = {0};
  read_place(&m->body, &k.stream, &k.offset);
  cd_json_bool(&m->body, "done", &k.done);
  (void)cd_json_opt_str(&m->body, "sentence", CD_SENTENCE_MAX, &k.sentence);
  if (k.done && k.sentence.len > 0)
    cd_json_bad(&m->body, "sentence", "must not be there where it is done");
  cd_code rc = cd_message_done(m, NULL, err);
  if (rc == CD_OK)
    *ret_kept = k;
  return rc;
}
