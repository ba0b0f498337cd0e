/* org.cordon.linux.remediate: takes away what does harm on a Linux device, and gives it back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remediate.h"
#include "support/json.h"

typedef struct remediate_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
  char state_dir[REM_PATH];
} remediate_plugin;

static const struct {
  const char *name;
  cordon_status (*run)(rem_job *j, sup_err *err);
} operations[] = {
    {"process.stop", rem_process_run},    {"process.suspend", rem_process_run},
    {"process.resume", rem_process_run},  {"file.quarantine", rem_quarantine_run},
    {"file.restore", rem_restore_run},    {"service.disable", rem_unit_run},
    {"service.enable", rem_unit_run},     {"timer.disable", rem_unit_run},
    {"timer.enable", rem_unit_run},       {"cron.disable", rem_cron_run},
    {"cron.enable", rem_cron_run},        {"user.disable", rem_user_run},
    {"user.enable", rem_user_run},        {"module.disable", rem_module_run},
    {"module.enable", rem_module_run},    {"startup.remove", rem_startup_run},
    {"startup.restore", rem_startup_run}, {"file.find_quarantine", rem_find_run},
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

typedef struct asked {
  cJSON *doc;
  rem_job job;
} asked;

/* What is not known here is for a later version of the plugin, and ignored. */
static cordon_status read_params(const remediate_plugin *self, const sup_call *call, asked *a,
                                 sup_err *err)
{
  a->job = (rem_job){.call = call,
                     .state_dir = self->state_dir,
                     .operation = "undo",
                     .steps = cJSON_CreateArray(),
                     .verified = cJSON_CreateArray()};
  a->doc = sup_call_params(call, err);
  if (a->doc == NULL)
    return err->status;
  const char *operation = NULL;
  const char *action = NULL;
  cordon_status status = sup_json_text(a->doc, "", "operation", 0, &operation, err);
  if (status == CORDON_OK)
    status = sup_json_text(a->doc, "", "action", 0, &action, err);
  if (status == CORDON_OK)
    status = sup_json_flag(a->doc, "", "force", &a->job.force, err);
  if (status == CORDON_OK)
    status = sup_json_flag(a->doc, "", "stop", &a->job.stop, err);
  if (status != CORDON_OK)
    return status;
  /* It becomes the name of a container, with a number behind it. */
  if (!rem_is_name(action, REM_ID - 14))
    return sup_fail(err, CORDON_E_INVALID, "action is no id of an action");
  a->job.operation = operation;
  a->job.action = action;
  a->job.target = sup_json_get(a->doc, "target");
  a->job.known = sup_json_get(a->doc, "known");
  if (!cJSON_IsObject(a->job.target))
    return sup_fail(err, CORDON_E_INVALID, "target is missing");
  if (a->job.known != NULL && !cJSON_IsArray(a->job.known))
    return sup_fail(err, CORDON_E_INVALID, "known is no list of paths");
  return CORDON_OK;
}

static cordon_status run_operation(rem_job *j, sup_err *err)
{
  for (size_t i = 0; i < OPERATIONS; i++) {
    if (strcmp(operations[i].name, j->operation) != 0)
      continue;
    cordon_status status = operations[i].run(j, err);
    return status == CORDON_OK ? rem_outcome(j) : status;
  }
  return sup_fail(err, CORDON_E_UNSUPPORTED, "this version of the plugin has no operation '%.60s'",
                  j->operation);
}

/* "Cannot" has the agent ask another provider, as if nothing had been done here. */
static cordon_status cannot_any_more(const rem_job *j, cordon_status status, sup_err *err)
{
  if (!j->changed || (status != CORDON_E_UNAVAILABLE && status != CORDON_E_UNSUPPORTED))
    return status;
  err->status = CORDON_E_IO;
  return CORDON_E_IO;
}

/* The result is told whatever came of it: it says how far it went. */
static cordon_status finish(asked *a, cordon_status status, sup_err *err)
{
  sup_err ignored = {0};
  cJSON *result = rem_result(&a->job);
  cordon_status told = sup_call_result(a->job.call, result, &ignored);
  if (told != CORDON_OK && status >= 0) {
    status = told;
    *err = ignored;
  }
  cJSON_Delete(result);
  cJSON_Delete(a->doc);
  cJSON_Delete(a->job.steps);
  cJSON_Delete(a->job.verified);
  return status;
}

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  const remediate_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  asked a = {0};
  sup_call_begin(&call, self->host, req);
  cordon_status status = read_params(self, &call, &a, &err);
  if (status == CORDON_OK)
    status = cannot_any_more(&a.job, run_operation(&a.job, &err), &err);
  status = finish(&a, status, &err);
  return sup_call_end(&call, status, &err);
}

static cordon_status CORDON_CALL on_undo(const cordon_plugin *p, const cordon_request *req)
{
  const remediate_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  asked a = {0};
  bool has_undo = req->struct_size >= offsetof(cordon_request, undo_len) + sizeof(req->undo_len);
  sup_call_begin(&call, self->host, req);
  cordon_status status = read_params(self, &call, &a, &err);
  if (status == CORDON_OK) {
    (void)snprintf(a.job.no_undo, sizeof(a.job.no_undo), "undo is the way back itself");
    status = rem_undo_all(&a.job, has_undo ? req->undo : NULL, has_undo ? req->undo_len : 0, &err);
    status = status == CORDON_OK ? rem_outcome(&a.job) : cannot_any_more(&a.job, status, &err);
  }
  status = finish(&a, status, &err);
  return sup_call_end(&call, status, &err);
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
  (void)cJSON_AddBoolToObject(result, "systemd", rem_bus_runs());
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

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config,
                                               size_t config_len)
{
  sup_err err = {0};
  const char *state_dir = NULL;
  remediate_plugin *self = calloc(1, sizeof(*self));
  cJSON *doc = config != NULL ? sup_json_parse(config, config_len, &err) : NULL;
  if (self == NULL || doc == NULL ||
      sup_json_text(doc, "", "state_dir", 0, &state_dir, &err) != CORDON_OK ||
      strlen(state_dir) >= sizeof(self->state_dir) - REM_NAME) {
    sup_log(h, 0, CORDON_LOG_ERROR, "there is no private folder to keep files in: %s",
            err.sentence);
    cJSON_Delete(doc);
    free(self);
    return NULL;
  }
  (void)snprintf(self->state_dir, sizeof(self->state_dir), "%s", state_dir);
  cJSON_Delete(doc);
  self->host = h;
  self->plugin = (cordon_plugin){.struct_size = sizeof(cordon_plugin),
                                 .plugin_data = self,
                                 .get_extension = get_extension,
                                 .destroy = destroy};
  return &self->plugin;
}

static const char *const provides[] = {CORDON_EXT_REMEDIATE, NULL};

/* One at a time: they change the same files. */
const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.linux.remediate",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
