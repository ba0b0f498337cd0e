#include "package/job.h"

#include <string.h>

#include "support/call.h"
#include "support/json.h"

enum { CAPS_MAX = 64 };

/* ---- the params ---- */

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

/* The profile of this name, or NULL. */
static const char *profile_of(const col_job *j, const char *name)
{
  for (size_t i = 0; name != NULL && j->profiles[i] != NULL; i++) {
    if (strcmp(j->profiles[i], name) == 0)
      return j->profiles[i];
  }
  return NULL;
}

/* What is not known here is for a later version of the plugin, and ignored. */
static cordon_status read_params(const col_job *j, const sup_call *call, const cJSON *doc,
                                 col_options *o, const char **ret_profile, sup_err *err)
{
  *ret_profile = profile_of(j, text_of(doc, "profile"));
  if (*ret_profile == NULL)
    return sup_fail(err, CORDON_E_INVALID, "profile is none of those that probe tells of");
  o->extended = strcmp(*ret_profile, "extended") == 0;
  o->action = text_of(doc, "action");
  o->device = text_of(doc, "device");
  o->deadline_ms = sup_call_until(call, number_of(doc, "budget_s", 300) * 1000);
  o->max_file = number_of(doc, "max_artifact_bytes", 256 * COL_MIB);
  return CORDON_OK;
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

static cJSON *make_result(const char *profile, const col_totals *totals, cJSON *caps)
{
  static const col_status order[] = {COL_OK, COL_PARTIAL, COL_DENIED, COL_ABSENT, COL_ERROR};
  cJSON *result = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(result, "profile", profile);
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

static cordon_status run_items(const col_job *j, sup_call *call, const col_options *o,
                               const char *profile, const col_item *items, size_t count,
                               sup_err *err)
{
  col_totals totals = {0};
  cJSON *caps = cJSON_CreateArray();
  cordon_status status = j->run(o, items, count, &totals, add_cap, caps, err);
  cJSON *result = make_result(profile, &totals, caps);
  sup_err ignored = {0};
  cordon_status told = sup_call_result(call, result, &ignored);
  cJSON_Delete(result);
  return told != CORDON_OK && status >= 0 ? told : status;
}

cordon_status col_job_run(const col_job *j, const cordon_host *host, const cordon_request *req)
{
  sup_call call;
  sup_err err = {0};
  const char *profile = NULL;
  const col_item *items = NULL;
  size_t count = 0;
  sup_call_begin(&call, host, req);
  artifacts to = {.host = host, .op = call.op};
  if (host->get_extension != NULL)
    to.table = host->get_extension(host, CORDON_HOST_ARTIFACT);
  if (to.table == NULL) {
    (void)sup_fail(&err, CORDON_E_UNSUPPORTED, "this host takes no files of a package");
    return sup_call_end(&call, CORDON_E_UNSUPPORTED, &err);
  }
  cJSON *doc = sup_call_params(&call, &err);
  col_options o = {.root = "",
                   .host = host,
                   .op = call.op,
                   .sink = {.data = &to,
                            .open = artifact_open,
                            .write = artifact_write,
                            .close = artifact_close},
                   .data = &call,
                   .cancelled = is_cancelled,
                   .progress = tell_progress};
  cordon_status status = doc != NULL ? read_params(j, &call, doc, &o, &profile, &err) : err.status;
  if (status == CORDON_OK)
    status = j->choose(profile, doc, &o, &items, &count, &err);
  if (status == CORDON_OK)
    status = run_items(j, &call, &o, profile, items, count, &err);
  cJSON_Delete(doc);
  return sup_call_end(&call, status, &err);
}

cordon_status col_job_probe(const col_job *j, const cordon_host *host, const cordon_request *req)
{
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, host, req);
  cJSON *result = cJSON_CreateObject();
  cJSON *names = cJSON_AddArrayToObject(result, "profiles");
  for (size_t i = 0; j->profiles[i] != NULL; i++)
    (void)cJSON_AddItemToArray(names, cJSON_CreateString(j->profiles[i]));
  cordon_status status = sup_call_result(&call, result, &err);
  cJSON_Delete(result);
  return sup_call_end(&call, status, &err);
}
