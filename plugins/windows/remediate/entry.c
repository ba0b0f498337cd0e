/* org.cordon.windows.remediate: takes away what does harm on a Windows device, and gives it back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remediate.h"
#include "support/json.h"
#include "support/wide.h"

enum { ACTION_MAX = 50 };

typedef struct remediate_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
  wchar_t state_dir[REM_PATH]; /* with \\?\ */
} remediate_plugin;

static const struct {
  const char *name;
  cordon_status (*run)(rem_job *j, sup_err *err);
} operations[] = {
    {"process.stop", rem_process_run},    {"process.suspend", rem_process_run},
    {"process.resume", rem_process_run},  {"service.disable", rem_service_run},
    {"service.enable", rem_service_run},  {"startup.remove", rem_startup_run},
    {"startup.restore", rem_startup_run}, {"file.quarantine", rem_quarantine_run},
    {"file.restore", rem_restore_run},    {"file.find_quarantine", rem_find_run},
    {"task.disable", rem_task_run},       {"task.enable", rem_task_run},
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* What is not known here is for a later version of the plugin, and ignored. */
static cordon_status read_params(cJSON *doc, rem_job *j, sup_err *err)
{
  const char *operation = NULL;
  const char *action = NULL;
  cordon_status status = sup_json_text(doc, "", "operation", 0, &operation, err);
  if (status == CORDON_OK)
    status = sup_json_text(doc, "", "action", 0, &action, err);
  if (status == CORDON_OK)
    status = sup_json_flag(doc, "", "force", &j->force, err);
  if (status == CORDON_OK)
    status = sup_json_flag(doc, "", "stop", &j->stop, err);
  if (status != CORDON_OK)
    return status;
  /* It becomes the name of a container, with a number behind it. */
  if (!rem_is_name(action, ACTION_MAX))
    return sup_fail(err, CORDON_E_INVALID, "action is no id of an action");
  j->operation = operation;
  j->action = action;
  j->target = sup_json_get(doc, "target");
  j->known = sup_json_get(doc, "known");
  if (j->known != NULL && !cJSON_IsArray(j->known))
    return sup_fail(err, CORDON_E_INVALID, "known is no list of paths");
  return cJSON_IsObject(j->target) ? CORDON_OK
                                   : sup_fail(err, CORDON_E_INVALID, "target is missing");
}

static cordon_status run_operation(rem_job *j, sup_err *err)
{
  for (size_t i = 0; i < OPERATIONS; i++) {
    if (strcmp(operations[i].name, j->operation) == 0)
      return operations[i].run(j, err);
  }
  return sup_fail(err, CORDON_E_UNSUPPORTED, "this version of the plugin has no operation '%.60s'",
                  j->operation);
}

/* The result is told whatever came of it: it says how far it went. "Cannot" has the agent ask
 * another provider, as if nothing had been done here, so it is not said after a change. */
static cordon_status finish(rem_job *j, cordon_status status, sup_err *err)
{
  sup_err ignored = {0};
  if (status == CORDON_OK && j->partial)
    status = CORDON_PARTIAL;
  if (j->changed && (status == CORDON_E_UNAVAILABLE || status == CORDON_E_UNSUPPORTED))
    status = err->status = CORDON_E_IO;
  cJSON *result = rem_result(j);
  cordon_status told = sup_call_result(j->call, result, &ignored);
  cJSON_Delete(result);
  if (told != CORDON_OK && status >= 0) {
    *err = ignored;
    return told;
  }
  return status;
}

static cordon_status serve(const cordon_plugin *p, const cordon_request *req, bool undo)
{
  const remediate_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  rem_job j = {.call = &call,
               .state_dir = self->state_dir,
               .operation = "undo",
               .action = "",
               .steps = cJSON_CreateArray(),
               .verified = cJSON_CreateArray()};
  cJSON *doc = sup_call_params(&call, &err);
  cordon_status status = doc != NULL ? read_params(doc, &j, &err) : err.status;
  bool has_undo = req->struct_size >= offsetof(cordon_request, undo_len) + sizeof(req->undo_len);
  if (status == CORDON_OK && undo) {
    (void)snprintf(j.no_undo, sizeof(j.no_undo), "undo is the way back itself");
    status = rem_undo_all(&j, has_undo ? req->undo : NULL, has_undo ? req->undo_len : 0, &err);
  } else if (status == CORDON_OK) {
    status = run_operation(&j, &err);
  }
  status = finish(&j, status, &err);
  cJSON_Delete(doc);
  cJSON_Delete(j.steps);
  cJSON_Delete(j.verified);
  return sup_call_end(&call, status, &err);
}

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  return serve(p, req, false);
}

static cordon_status CORDON_CALL on_undo(const cordon_plugin *p, const cordon_request *req)
{
  return serve(p, req, true);
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  const remediate_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  cJSON *result = cJSON_CreateObject();
  cJSON *list = cJSON_AddArrayToObject(result, "operations");
  for (size_t i = 0; i < OPERATIONS; i++)
    (void)cJSON_AddItemToArray(list, cJSON_CreateString(operations[i].name));
  cordon_status status = sup_call_result(&call, result, &err);
  cJSON_Delete(result);
  return sup_call_end(&call, status, &err);
}

static const cordon_job job = {
    .struct_size = sizeof(cordon_job), .probe = on_probe, .run = on_run, .undo = on_undo};

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_REMEDIATE) == 0 ? &job : NULL;
}

static void CORDON_CALL destroy(const cordon_plugin *p)
{
  free(p->plugin_data);
}

/* Absolute, with the prefix that takes a path as it is. */
static bool read_state_dir(const char *config, size_t config_len, wchar_t ret_dir[REM_PATH],
                           sup_err *err)
{
  const char *text = NULL;
  wchar_t *wide = calloc(2, REM_PATH * sizeof(wchar_t));
  cJSON *doc = config != NULL ? sup_json_parse(config, config_len, err) : NULL;
  bool known = doc != NULL && wide != NULL &&
               sup_json_text(doc, "", "state_dir", 0, &text, err) == CORDON_OK &&
               sup_to_wide(text, wide, REM_PATH - REM_NAME);
  DWORD len = known ? GetFullPathNameW(wide, REM_PATH - REM_NAME, wide + REM_PATH, NULL) : 0;
  known = len > 0 && len < REM_PATH - REM_NAME && rem_join(L"\\\\?\\", wide + REM_PATH, ret_dir);
  cJSON_Delete(doc);
  free(wide);
  return known;
}

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config,
                                               size_t config_len)
{
  sup_err err = {0};
  remediate_plugin *self = calloc(1, sizeof(*self));
  if (self == NULL || !read_state_dir(config, config_len, self->state_dir, &err)) {
    sup_log(h, 0, CORDON_LOG_ERROR, "there is no private folder to keep files in: %s",
            err.sentence);
    free(self);
    return NULL;
  }
  self->host = h;
  self->plugin = (cordon_plugin){.struct_size = sizeof(cordon_plugin),
                                 .plugin_data = self,
                                 .get_extension = get_extension,
                                 .destroy = destroy};
  return &self->plugin;
}

static const char *const provides[] = {CORDON_EXT_REMEDIATE, NULL};

/* One at a time: they change the same settings. */
const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.windows.remediate",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
