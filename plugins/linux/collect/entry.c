/* org.cordon.linux.collect: what an investigation package shows of a Linux device. */
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "custom.h"
#include "items.h"
#include "support/call.h"
#include "support/json.h"

enum { CAPS_MAX = 64 };

typedef struct collect_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
} collect_plugin;

typedef struct asked {
  cJSON *doc;
  const char *action;
  const char *device;
  const char *profile;
  bool extended;
  col_list *list; /* of the profile custom */
  uint64_t budget_ms;
  uint64_t max_file;
} asked;

/* A number that may be absent, and is then, or where it makes no sense, `otherwise`. */
static uint64_t number_of(const cJSON *doc, const char *name, uint64_t otherwise)
{
  const cJSON *v = sup_json_get(doc, name);
  if (!cJSON_IsNumber(v) || !(v->valuedouble >= 1 && v->valuedouble < 9007199254740992.0))
    return otherwise;
  return (uint64_t)v->valuedouble;
}

static const char *text_of(const cJSON *doc, const char *name)
{
  const cJSON *v = sup_json_get(doc, name);
  return cJSON_IsString(v) ? v->valuestring : NULL;
}

static const char *const profiles[] = {"standard", "extended", "custom"};

/* The profile of this name, or NULL. */
static const char *profile_of(const char *name)
{
  for (size_t i = 0; name != NULL && i < sizeof(profiles) / sizeof(profiles[0]); i++) {
    if (strcmp(profiles[i], name) == 0)
      return profiles[i];
  }
  return NULL;
}

/* What is not known here is for a later version of the plugin, and ignored. */
static cordon_status read_params(const sup_call *call, asked *ret, sup_err *err)
{
  ret->doc = sup_call_params(call, err);
  if (ret->doc == NULL)
    return err->status;
  const char *profile = text_of(ret->doc, "profile");
  ret->profile = profile_of(profile);
  if (ret->profile == NULL)
    return sup_fail(err, CORDON_E_INVALID, "profile is none of standard, extended, custom");
  ret->extended = strcmp(ret->profile, "extended") == 0;
  ret->action = text_of(ret->doc, "action");
  ret->device = text_of(ret->doc, "device");
  ret->budget_ms = number_of(ret->doc, "budget_s", 300) * 1000;
  ret->max_file = number_of(ret->doc, "max_artifact_bytes", 256 * COL_MIB);
  return strcmp(ret->profile, "custom") == 0
             ? col_list_read(sup_json_get(ret->doc, "list"), sup_json_get(ret->doc, "keep_out"),
                             &ret->list, err)
             : CORDON_OK;
}

/* ---- the host's artifacts as a sink ---- */

typedef struct artifacts {
  const cordon_host *host;
  const cordon_host_artifact *table;
  cordon_op op;
} artifacts;

static cordon_status artifact_open(void *data, const char *name, const char *meta, uint64_t *ret_id)
{
  const artifacts *a = data;
  return a->table->open(a->host, a->op, name, meta, ret_id);
}

static cordon_status artifact_write(void *data, uint64_t id, const void *bytes, size_t len)
{
  const artifacts *a = data;
  return a->table->write(a->host, a->op, id, bytes, len);
}

static cordon_status artifact_close(void *data, uint64_t id, bool complete)
{
  const artifacts *a = data;
  return a->table->close(a->host, a->op, id, complete ? 1 : 0);
}

/* ---- the result ---- */

static void add_cap(void *data, const char *text)
{
  cJSON *caps = data;
  if (cJSON_GetArraySize(caps) < CAPS_MAX)
    (void)cJSON_AddItemToArray(caps, cJSON_CreateString(text));
}

static cJSON *make_result(const asked *a, const col_totals *totals, cJSON *caps)
{
  static const col_status order[] = {COL_OK, COL_PARTIAL, COL_DENIED, COL_ABSENT, COL_ERROR};
  cJSON *result = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(result, "profile", a->profile);
  cJSON *items = cJSON_AddObjectToObject(result, "items");
  for (size_t i = 0; i < COL_STATUSES; i++)
    (void)cJSON_AddNumberToObject(items, col_status_name(order[i]), totals->count[order[i]]);
  (void)cJSON_AddItemToObject(result, "caps", caps);
  cJSON *details = cJSON_AddObjectToObject(result, "details");
  (void)cJSON_AddNumberToObject(details, "files", totals->files);
  (void)cJSON_AddNumberToObject(details, "bytes", (double)totals->bytes);
  return result;
}

static bool is_cancelled(void *data)
{
  return sup_call_cancelled(data);
}

static void tell_progress(void *data, uint64_t done, uint64_t total, const char *what)
{
  sup_call_progress(data, done, total, what);
}

static cordon_status collect(sup_call *call, artifacts *to, const asked *a, sup_err *err)
{
  size_t count = 0;
  const col_item *items = a->list != NULL ? col_list_runs(a->list, &count) : col_items(&count);
  col_totals totals = {0};
  cJSON *caps = cJSON_CreateArray();
  col_options o = {
      .root = "",
      .device = a->device,
      .action = a->action,
      .extended = a->extended,
      .list = a->list,
      .deadline_ms = sup_call_until(call, a->budget_ms),
      .max_file = a->max_file,
      .ahead = col_search_hidden,
      .ahead_of = col_hidden_processes,
      .host = call->host,
      .op = call->op,
      .sink = {.data = to, .open = artifact_open, .write = artifact_write, .close = artifact_close},
      .data = call,
      .cancelled = is_cancelled,
      .progress = tell_progress};
  cordon_status status = col_run(&o, items, count, &totals, add_cap, caps, err);
  cJSON *result = make_result(a, &totals, caps);
  sup_err ignored = {0};
  cordon_status told = sup_call_result(call, result, &ignored);
  cJSON_Delete(result);
  return told != CORDON_OK && status >= 0 ? told : status;
}

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  const collect_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  asked a = {0};
  sup_call_begin(&call, self->host, req);
  artifacts to = {.host = self->host, .op = req->op};
  if (self->host->get_extension != NULL)
    to.table = self->host->get_extension(self->host, CORDON_HOST_ARTIFACT);
  cordon_status status = to.table != NULL ? read_params(&call, &a, &err)
                                          : sup_fail(&err, CORDON_E_UNSUPPORTED,
                                                     "this host takes no files of a package");
  if (status == CORDON_OK)
    status = collect(&call, &to, &a, &err);
  cJSON_Delete(a.doc);
  return sup_call_end(&call, status, &err);
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  const collect_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  cJSON *result = cJSON_CreateObject();
  cJSON *names = cJSON_AddArrayToObject(result, "profiles");
  for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
    (void)cJSON_AddItemToArray(names, cJSON_CreateString(profiles[i]));
  cordon_status status = sup_call_result(&call, result, &err);
  cJSON_Delete(result);
  return sup_call_end(&call, status, &err);
}

static const cordon_job job = {.struct_size = sizeof(cordon_job), .probe = on_probe, .run = on_run};

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_COLLECT) == 0 ? &job : NULL;
}

static void CORDON_CALL destroy(const cordon_plugin *p)
{
  free(p->plugin_data);
}

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config,
                                               size_t config_len)
{
  (void)config;
  (void)config_len;
  collect_plugin *self = calloc(1, sizeof(*self));
  if (self == NULL)
    return NULL;
  self->host = h;
  self->plugin = (cordon_plugin){.struct_size = sizeof(cordon_plugin),
                                 .plugin_data = self,
                                 .get_extension = get_extension,
                                 .destroy = destroy};
  return &self->plugin;
}

static const char *const provides[] = {CORDON_EXT_COLLECT, NULL};

const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.linux.collect",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
