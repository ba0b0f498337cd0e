#include "host_read.h"

#include "base/entry_name.h"
#include "base/limits.h"
#include "base/log.h"
#include "config.h"
#include "host.h"
#include "ipc/message.h"

#include "base/banned.h"

/* One that is too long is cut at a character. */
static void cut_sentence(cd_str sentence, char out[CD_ERR_TEXT_MAX])
{
  cd_err cut = {0};
  (void)cd_fail(&cut, CD_E_INTERNAL, "%.*s", CD_STR_ARG(sentence));
  (void)cd_str_copy(out, CD_ERR_TEXT_MAX, cd_str_from(cut.text));
}

cd_code host_hello_read(cd_str payload, const char *plugin, host_hello *ret_hello, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_MANIFEST_MAX, "HELLO", &doc, err);
  if (rc != CD_OK)
    return rc;
  host_hello hello = {0};
  cd_json root = cd_json_root(doc);
  cd_json list = {0};
  cd_json confined = {0};
  cd_str text = {0};
  uint64_t protocol = 0;
  uint64_t minor = 0;
  uint64_t at_once = 0;
  cd_json_u64(&root, "protocol", UINT32_MAX, &protocol);
  if (protocol != IPC_PROTOCOL)
    cd_json_bad(&root, "protocol", "must be %d", IPC_PROTOCOL);
  cd_json_str(&root, "plugin", AGENT_ID_MAX, &text);
  if (!cd_str_eq_cstr(text, plugin))
    cd_json_bad(&root, "plugin", "is not '%s'", plugin);
  cd_json_str(&root, "version", 64, &text);
  cd_json_u64(&root, "abi_minor", UINT16_MAX, &minor);
  cd_json_u64(&root, "concurrency", UINT32_MAX, &at_once);
  /* With none at once every operation would wait for ever. */
  if (at_once == 0)
    cd_json_bad(&root, "concurrency", "must be at least 1");
  hello.concurrency = at_once > AGENT_HOST_OPS_MAX ? AGENT_HOST_OPS_MAX : (uint32_t)at_once;
  cd_json_arr(&root, "functions", AGENT_FN_COUNT, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    agent_function fn;
    cd_json_at_str(&list, i, 32, &text);
    if (agent_function_from_name(text, &fn))
      hello.functions |= 1u << fn;
  }
  cd_json_obj(&root, "confined", &confined);
  if (cd_json_opt_str(&confined, "note", CD_MANIFEST_MAX, &text))
    cut_sentence(text, hello.note);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_hello = hello;
  cd_json_free(doc);
  return rc;
}

static void read_status(cd_json *root, cd_code *ret_status)
{
  char name[32] = "";
  cd_str status = {0};
  cd_json_str(root, "status", sizeof(name) - 1, &status);
  if (status.ptr != NULL &&
      (!cd_str_copy(name, sizeof(name), status) || !cd_code_from_name(name, ret_status)))
    cd_json_bad(root, "status", "is not a status");
}

static void read_sentence(cd_json *root, host_end *end)
{
  cd_str sentence = {0};
  cd_json_str(root, "sentence", CD_MANIFEST_MAX, &sentence);
  cut_sentence(sentence, end->sentence);
}

cd_code host_end_read(cd_str payload, host_end *ret_end, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_MANIFEST_MAX, "END", &doc, err);
  if (rc != CD_OK)
    return rc;
  host_end end = {.status = CD_E_INTERNAL};
  cd_json root = cd_json_root(doc);
  read_status(&root, &end.status);
  cd_json_i64(&root, "os_error", INT32_MIN, UINT32_MAX, &end.os_error);
  read_sentence(&root, &end);
  cd_json_u64(&root, "threads_left", UINT32_MAX, &end.threads_left);
  cd_json_u64(&root, "files_left", UINT32_MAX, &end.files_left);
  (void)cd_json_opt_bool(&root, "leaving", &end.leaving);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_end = end;
  cd_json_free(doc);
  return rc;
}

static void read_names(cd_json *root, host_package *p)
{
  cd_json names = {0};
  cd_json_arr(root, "incomplete_names", HOST_PACKAGE_NAMES_MAX, &names);
  for (size_t i = 0; i < cd_json_len(&names); i++) {
    cd_str name = {0};
    cd_json_at_str(&names, i, CD_ENTRY_NAME_MAX, &name);
  }
  cd_json_print(&names, &p->text);
  p->incomplete_names = cd_buf_view(&p->text);
}

cd_code host_package_read(cd_str payload, host_package *ret_package, cd_err *err)
{
  cd_json_doc *doc = NULL;
  host_package *p = ret_package;
  *p = (host_package){.status = CD_E_INTERNAL};
  cd_buf_init(&p->text, CD_MANIFEST_MAX);
  cd_code rc = cd_json_parse(payload, CD_MANIFEST_MAX, "PACKAGE", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_str cap = {0};
  cd_str sentence = {0};
  read_status(&root, &p->status);
  (void)cd_json_opt_str(&root, "sentence", sizeof(p->sentence) - 1, &sentence);
  (void)cd_str_copy(p->sentence, sizeof(p->sentence), sentence);
  cd_json_u64(&root, "bytes", UINT64_MAX, &p->bytes);
  cd_json_u64(&root, "content_bytes", UINT64_MAX, &p->content_bytes);
  cd_json_u64(&root, "artifacts", UINT32_MAX, &p->artifacts);
  cd_json_u64(&root, "incomplete", UINT32_MAX, &p->incomplete);
  read_names(&root, p);
  (void)cd_json_opt_str(&root, "cap", sizeof(p->cap) - 1, &cap);
  (void)cd_str_copy(p->cap, sizeof(p->cap), cap);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  return rc;
}

void host_package_release(host_package *p)
{
  cd_buf_release(&p->text);
}

cd_code host_refused_read(cd_str payload, host_end *ret_refused, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_MANIFEST_MAX, "REFUSED", &doc, err);
  if (rc != CD_OK)
    return rc;
  host_end end = {.status = CD_E_INTERNAL, .leaving = true};
  cd_json root = cd_json_root(doc);
  read_status(&root, &end.status);
  if (cd_code_ok(end.status))
    cd_json_bad(&root, "status", "is no failure");
  cd_json_i64(&root, "os_error", INT32_MIN, UINT32_MAX, &end.os_error);
  read_sentence(&root, &end);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_refused = end;
  cd_json_free(doc);
  return rc;
}

cd_code host_log_read(cd_str payload, cd_json_doc **ret_doc, uint64_t *ret_level, cd_str *ret_line,
                      cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "LOG", &doc, err);
  if (rc != CD_OK)
    return rc;
  uint64_t level = 0;
  cd_str line = {0};
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "level", CD_LOG_ERROR, &level);
  cd_json_str(&root, "line", CD_FRAME_PAYLOAD_MAX, &line);
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  *ret_level = level;
  *ret_line = line;
  return CD_OK;
}

cd_code host_progress_read(cd_str payload, cd_json_doc **ret_doc, uint64_t *ret_done,
                           uint64_t *ret_total, cd_str *ret_what, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_MANIFEST_MAX, "PROGRESS", &doc, err);
  if (rc != CD_OK)
    return rc;
  uint64_t done = 0;
  uint64_t total = 0;
  cd_str what = {0};
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "done", UINT64_MAX, &done);
  cd_json_u64(&root, "total", UINT64_MAX, &total);
  (void)cd_json_opt_str(&root, "what", 1024, &what);
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  *ret_done = done;
  *ret_total = total;
  *ret_what = what;
  return CD_OK;
}

cd_code host_object_check(cd_str payload, size_t max, const char *what, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, max, what, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json any = cd_json_any(doc);
  if (!cd_json_is_object(&any))
    rc = cd_fail(err, CD_E_INVALID, "%s is not an object", what);
  cd_json_free(doc);
  return rc;
}
