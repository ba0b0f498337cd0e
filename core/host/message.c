/* Readers and writers of message.h over cd_json. */
#include "message.h"

#include "base/json.h"
#include "cordon/plugin.h"
#include "ipc/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PH_MB (1024u * 1024u)
#define PH_MEMORY_MB_MAX (1024u * 1024u) /* a terabyte: only there to keep the product in range */
#define PH_COUNT_MAX (1024u * 1024u)     /* processes, descriptors, megabytes of a file */
#define PH_DAY_MS (24u * 60u * 60u * 1000u)
#define PH_DAY_S (24u * 60u * 60u)
#define PH_PRIVILEGES_MAX 32u
#define PH_PACKAGE_MAX (UINT64_C(1) << 50) /* only there to keep sums in range */

/* A mandatory text that ends up in a fixed array. */
static void read_text(cd_json *obj, const char *key, char *out, size_t size)
{
  cd_str text = {0};
  cd_json_str(obj, key, size - 1, &text);
  if (!cd_str_copy(out, size, text))
    cd_json_bad(obj, key, "must be at most %zu bytes", size - 1);
}

/* A value as text of its own, which the caller frees. NULL, with the failure in the document, if
 * there is no memory. */
static char *print_value(cd_json *parent, const char *key, const cd_json *value, size_t *ret_len)
{
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_json_print(value, &out);
  char *text = cd_buf_steal(&out, ret_len);
  if (text == NULL)
    cd_json_bad(parent, key, "could not be kept: it is too large, or there is no memory");
  cd_buf_release(&out);
  return text;
}

static uint32_t read_u32(cd_json *obj, const char *key, uint32_t max)
{
  uint64_t value = 0;
  cd_json_u64(obj, key, max, &value);
  return (uint32_t)value;
}

static uint32_t read_privileges(cd_json *confine)
{
  cd_json names = {0};
  cd_json_arr(confine, "privileges", PH_PRIVILEGES_MAX, &names);
  uint32_t bits = 0;
  size_t count = cd_json_len(&names);
  for (size_t i = 0; i < count; i++) {
    cd_str name = {0};
    uint32_t bit = 0;
    cd_json_at_str(&names, i, PH_USER_MAX, &name);
    if (pf_privilege_from_name(name, &bit))
      bits |= bit;
    else
      cd_json_bad(confine, "privileges", "names '%.*s', which is no privilege", CD_STR_ARG(name));
  }
  return bits;
}

static void read_confine(cd_json *root, ph_setup *setup)
{
  cd_json confine = {0};
  cd_json_obj(root, "confine", &confine);
  cd_str user = {0};
  if (cd_json_opt_str(&confine, "user", PH_USER_MAX - 1, &user)) {
    if (!cd_str_copy(setup->user, sizeof(setup->user), user))
      cd_json_bad(&confine, "user", "must be at most %u bytes", PH_USER_MAX - 1);
    setup->confine.user = setup->user;
  }
  setup->confine.privileges = read_privileges(&confine);
  (void)cd_json_opt_bool(&confine, "no_network", &setup->confine.no_network);
  setup->confine.memory_bytes = (uint64_t)read_u32(&confine, "memory_mb", PH_MEMORY_MB_MAX) * PH_MB;
  setup->confine.processes = read_u32(&confine, "processes", PH_COUNT_MAX);
  setup->confine.files = read_u32(&confine, "files", PH_COUNT_MAX);
  setup->confine.file_bytes = (uint64_t)read_u32(&confine, "file_mb", PH_COUNT_MAX) * PH_MB;
  cd_json_no_more(&confine);
}

/* The text for create(): what the host serves, the plugin's folder, and its settings. */
static void make_config(cd_json *root, ph_setup *setup)
{
  cd_json settings = {0};
  read_text(root, "state_dir", setup->state_dir, sizeof(setup->state_dir));
  setup->confine.state_dir = setup->state_dir;
  cd_json_obj(root, "settings", &settings);
  cd_err err = {0};
  if (setup->capability == NULL || cd_json_status(root, &err) != CD_OK)
    return;
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  cd_jw_init(&w, &out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "capability", setup->capability->id);
  cd_jw_cstr(&w, "state_dir", setup->state_dir);
  cd_jw_value(&w, "settings", &settings);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "the plugin's configuration", &err) != CD_OK)
    cd_json_bad(root, "settings", "could not be kept: %s", err.text);
  else
    setup->config = cd_buf_steal(&out, &setup->config_len);
  cd_buf_release(&out);
}

static void read_setup(cd_json *root, ph_setup *setup)
{
  uint64_t protocol = 0;
  cd_json_u64(root, "protocol", UINT32_MAX, &protocol);
  if (protocol != IPC_PROTOCOL)
    cd_json_bad(root, "protocol", "must be %d: agent and plugin host are of different releases",
                IPC_PROTOCOL);
  read_text(root, "plugin", setup->plugin, sizeof(setup->plugin));
  read_text(root, "version", setup->version, sizeof(setup->version));
  read_text(root, "library", setup->library, sizeof(setup->library));
  cd_str capability = {0};
  cd_json_str(root, "capability", PH_FUNCTION_MAX, &capability);
  setup->capability = ph_capability_find(capability);
  if (setup->capability == NULL)
    cd_json_bad(root, "capability", "is '%.*s', which this host does not know",
                CD_STR_ARG(capability));
  read_confine(root, setup);
  /* Times of access are part of what a package is made to show. */
  setup->confine.keep_atime = setup->capability != NULL && setup->capability->packs &&
                              (setup->confine.privileges & PF_PRIV_READ_ALL) != 0;
  cd_json_u64(root, "parent", UINT32_MAX, &setup->confine.parent);
  make_config(root, setup);
}

cd_code ph_setup_parse(cd_str payload, ph_setup *ret_setup, cd_err *err)
{
  cd_json_doc *doc = NULL;
  *ret_setup = (ph_setup){0};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "SETUP", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_setup(&root, ret_setup);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK && ret_setup->config == NULL)
    rc = cd_fail(err, CD_E_INTERNAL, "SETUP: there is no memory for the plugin's configuration");
  if (rc != CD_OK)
    ph_setup_release(ret_setup);
  cd_json_free(doc);
  return rc;
}

void ph_setup_release(ph_setup *setup)
{
  free(setup->config);
  setup->config = NULL;
  setup->config_len = 0;
}

static void read_undo(cd_json *root, ph_start *start)
{
  cd_json undo = {0};
  if (!cd_json_opt_arr(root, "undo", CD_UNDO_RECORDS_MAX, &undo))
    return;
  size_t count = cd_json_len(&undo);
  for (size_t i = 0; i < count; i++) {
    cd_json record = {0};
    cd_json_at_obj(&undo, i, &record);
  }
  start->undo = print_value(root, "undo", &undo, &start->undo_len);
}

static void read_package(cd_json *root, ph_start *start)
{
  cd_json package = {0};
  ph_package_limits *l = &start->package;
  start->packs = cd_json_opt_obj(root, "package", &package);
  if (!start->packs)
    return;
  cd_json_u64(&package, "max_bytes", PH_PACKAGE_MAX, &l->package);
  cd_json_u64(&package, "max_artifact_bytes", PH_PACKAGE_MAX, &l->artifact);
  cd_json_u64(&package, "max_total_bytes", PH_PACKAGE_MAX, &l->content);
  cd_json_u64(&package, "max_artifacts", PH_ARTIFACTS_MAX, &l->artifacts);
  cd_json_u64(&package, "free_bytes", PH_PACKAGE_MAX, &l->free);
  cd_json_no_more(&package);
}

cd_code ph_start_parse(cd_str payload, ph_start *ret_start, cd_err *err)
{
  cd_json_doc *doc = NULL;
  *ret_start = (ph_start){0};
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "START", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_text(&root, "function", ret_start->function, sizeof(ret_start->function));
  ret_start->flags = read_u32(&root, "flags", UINT32_MAX);
  cd_json_u64(&root, "budget_ms", PH_DAY_MS, &ret_start->budget_ms);
  ret_start->cpu_s = read_u32(&root, "cpu_s", PH_DAY_S);
  cd_json params = {0};
  cd_json_obj(&root, "params", &params);
  if (params.node != NULL)
    ret_start->params = print_value(&root, "params", &params, &ret_start->params_len);
  read_undo(&root, ret_start);
  read_package(&root, ret_start);
  rc = cd_json_done(&root, err);
  if (rc != CD_OK)
    ph_start_release(ret_start);
  cd_json_free(doc);
  return rc;
}

void ph_start_release(ph_start *start)
{
  free(start->params);
  free(start->undo);
  start->params = NULL;
  start->undo = NULL;
  start->params_len = 0;
  start->undo_len = 0;
}

cd_code ph_credit_parse(cd_str payload, uint64_t *ret_records, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "CREDIT", &doc, err);
  if (rc != CD_OK)
    return rc;
  uint64_t records = 0;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "records", UINT32_MAX, &records);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_records = records;
  cd_json_free(doc);
  return rc;
}

cd_code ph_undo_done_parse(cd_str payload, cd_code *ret_status, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "UNDO_DONE", &doc, err);
  if (rc != CD_OK)
    return rc;
  char name[PH_FUNCTION_MAX] = "";
  cd_code status = CD_E_INTERNAL;
  cd_json root = cd_json_root(doc);
  read_text(&root, "status", name, sizeof(name));
  if (!cd_code_from_name(name, &status))
    cd_json_bad(&root, "status", "is '%s', which is no status", name);
  rc = cd_json_done(&root, err);
  if (rc == CD_OK)
    *ret_status = status;
  cd_json_free(doc);
  return rc;
}

cd_code ph_end_write(const ph_end *end, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", cd_code_name(end->status));
  cd_jw_u64(&w, "os_error", end->os_error);
  cd_jw_cstr(&w, "sentence", end->sentence != NULL ? end->sentence : "");
  cd_jw_u64(&w, "threads_left", end->threads_left);
  cd_jw_u64(&w, "files_left", end->files_left);
  if (end->leaving)
    cd_jw_bool(&w, "leaving", true);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "END", err);
}

cd_code ph_refused_write(const cd_err *why, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", cd_code_name(why->code));
  cd_jw_i64(&w, "os_error", why->os_error);
  cd_jw_cstr(&w, "sentence", why->text);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "REFUSED", err);
}

cd_code ph_log_write(int level, cd_str line, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_i64(&w, "level", level);
  cd_jw_str(&w, "line", line);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "LOG", err);
}

cd_code ph_progress_write(uint64_t done, uint64_t total, const char *what, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "done", done);
  cd_jw_u64(&w, "total", total);
  cd_jw_cstr(&w, "what", what);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "PROGRESS", err);
}

cd_code ph_hello_write(const ph_hello *hello, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "protocol", IPC_PROTOCOL);
  cd_jw_cstr(&w, "plugin", hello->plugin);
  cd_jw_cstr(&w, "version", hello->version);
  cd_jw_u64(&w, "abi_minor", hello->abi_minor);
  cd_jw_u64(&w, "concurrency", hello->concurrency);
  cd_jw_arr(&w, "functions");
  for (size_t i = 0; hello->functions[i] != NULL; i++)
    cd_jw_cstr(&w, NULL, hello->functions[i]);
  cd_jw_end_arr(&w);
  cd_jw_raw(&w, "confined", hello->confined);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "HELLO", err);
}
