/* The envelope of JSON-RPC 2.0, both ways. */
#include "protocol/rpc.h"

#include "protocol/limits.h"

#include <string.h>

#include "base/banned.h"

#define METHOD_MAX (sizeof(((cd_rpc *)NULL)->method) - 1)
#define SENTENCE_MAX 4096u

static cd_code fault(cd_rpc_fault *ret_fault, bool answer, uint64_t id, int64_t code, cd_code rc)
{
  if (ret_fault != NULL)
    *ret_fault = (cd_rpc_fault){.answer = answer, .id = id, .code = code};
  return rc;
}

/* A JSON number: a string of digits is another id to whoever compares the answer with what was
 * asked.
 */
static void read_id(cd_json *root, uint64_t *out)
{
  cd_json value = {0};
  uint64_t id = 0;
  cd_json_value(root, "id", &value);
  if (cd_json_is_number(&value))
    cd_json_u64(root, "id", CD_RPC_ID_MAX, &id);
  if (id > 0)
    *out = id;
  else
    cd_json_bad(root, "id", "must be a whole number from 1 to 2^53");
}

static void read_method(cd_json *root, char out[METHOD_MAX + 1])
{
  cd_str name = {0};
  cd_json_str(root, "method", METHOD_MAX, &name);
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    if (!((c >= 'a' && c <= 'z') || c == '.' || c == '_')) {
      cd_json_bad(root, "method", "must be a name of a-z, '.' and '_'");
      return;
    }
  }
  if (name.len > 0)
    (void)cd_str_copy(out, METHOD_MAX + 1, name);
  else if (name.ptr != NULL)
    cd_json_bad(root, "method", "must not be empty");
}

static void read_error(cd_json *root, cd_rpc *out)
{
  cd_json error = {0};
  cd_json data = {0};
  cd_json_obj(root, "error", &error);
  cd_json_i64(&error, "code", INT32_MIN, INT32_MAX, &out->code);
  cd_json_str(&error, "message", SENTENCE_MAX, &out->sentence);
  (void)cd_json_opt_value(&error, "data", &data);
  cd_json_no_more(&error);
}

static void read_envelope(cd_json *root, cd_rpc *out)
{
  cd_str version = {0};
  bool has_id = cd_json_has(root, "id");
  if (has_id)
    read_id(root, &out->id);
  else
    (void)cd_json_opt_str(root, "id", 0, &version); /* null, in an error about the unreadable */
  cd_json_str(root, "jsonrpc", 8, &version);
  if (version.ptr != NULL && !cd_str_eq_cstr(version, "2.0"))
    cd_json_bad(root, "jsonrpc", "must be '2.0'");
  switch (out->type) {
  case CD_RPC_REQUEST:
    read_method(root, out->method);
    cd_json_obj(root, "params", &out->body);
    out->type = has_id ? CD_RPC_REQUEST : CD_RPC_NOTIFICATION;
    break;
  case CD_RPC_RESPONSE:
    cd_json_obj(root, "result", &out->body);
    if (!has_id)
      cd_json_bad(root, "id", "must be there with a result");
    break;
  default: read_error(root, out); break;
  }
  cd_json_no_more(root);
}

/* What it is by what it has. */
static cd_rpc_type type_of(const cd_json *root)
{
  if (cd_json_has(root, "method"))
    return CD_RPC_REQUEST;
  if (cd_json_has(root, "result"))
    return CD_RPC_RESPONSE;
  return cd_json_has(root, "error") ? CD_RPC_ERROR : CD_RPC_REQUEST;
}

cd_code cd_rpc_parse(cd_str text, cd_rpc *ret_rpc, cd_rpc_fault *ret_fault, cd_err *err)
{
  cd_rpc m = {0};
  cd_code rc = cd_json_parse(text, CD_MESSAGE_MAX, "the message", &m.doc, err);
  if (rc != CD_OK)
    return fault(ret_fault, true, 0,
                 rc == CD_E_INTERNAL ? CD_RPC_INTERNAL_ERROR : CD_RPC_PARSE_ERROR, rc);
  cd_json any = cd_json_any(m.doc);
  if (!cd_json_is_object(&any)) {
    cd_json_free(m.doc);
    return fault(ret_fault, true, 0, CD_RPC_INVALID_REQUEST,
                 cd_fail(err, CD_E_INVALID,
                         "the message is no object: it must be one request, notification or "
                         "answer, and batches are not taken"));
  }
  cd_json root = cd_json_root(m.doc);
  m.type = type_of(&root);
  bool asked = m.type == CD_RPC_REQUEST; /* answers are never answered */
  read_envelope(&root, &m);
  rc = cd_json_status(&root, err);
  if (rc != CD_OK) {
    bool notified = m.type == CD_RPC_NOTIFICATION && m.method[0] != '\0';
    (void)fault(ret_fault, asked && !notified, m.id, CD_RPC_INVALID_REQUEST, rc);
    cd_json_free(m.doc);
    return rc;
  }
  *ret_rpc = m;
  return CD_OK;
}

void cd_rpc_release(cd_rpc *m)
{
  cd_json_free(m->doc);
  *m = (cd_rpc){0};
}

/* ---- writing ---- */

static void begin(cd_rpc_writer *w, cd_buf *out, uint64_t id)
{
  w->out = out;
  cd_jw_init(&w->w, out);
  cd_jw_obj(&w->w, NULL);
  cd_jw_cstr(&w->w, "jsonrpc", "2.0");
  if (id != 0)
    cd_jw_u64(&w->w, "id", id);
}

void cd_rpc_begin_request(cd_rpc_writer *w, cd_buf *out, uint64_t id, const char *method)
{
  begin(w, out, id);
  cd_jw_cstr(&w->w, "method", method);
  cd_jw_obj(&w->w, "params");
}

void cd_rpc_begin_response(cd_rpc_writer *w, cd_buf *out, uint64_t id)
{
  begin(w, out, id);
  cd_jw_obj(&w->w, "result");
}

cd_code cd_rpc_end(cd_rpc_writer *w, const char *what, cd_err *err)
{
  cd_jw_end_obj(&w->w);
  cd_jw_end_obj(&w->w);
  cd_code rc = cd_jw_done(&w->w, what, err);
  if (rc == CD_OK && w->out->len > CD_MESSAGE_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "%s has %zu bytes, the limit is %u", what, w->out->len,
                 CD_MESSAGE_MAX);
  if (rc != CD_OK)
    cd_buf_reset(w->out);
  return rc;
}

cd_code cd_rpc_write_error(cd_buf *out, uint64_t id, int64_t code, cd_str sentence, cd_err *err)
{
  cd_rpc_writer w;
  begin(&w, out, id);
  if (id == 0)
    cd_jw_null(&w.w, "id");
  cd_jw_obj(&w.w, "error");
  cd_jw_i64(&w.w, "code", code);
  cd_jw_str(&w.w, "message", sentence);
  return cd_rpc_end(&w, "the error message", err);
}
