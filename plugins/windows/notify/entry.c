/* org.cordon.windows.notify: tells the people at this device what was done to it. */
#include <stdlib.h>
#include <string.h>

#include "cordon/plugin.h"
#include "notify.h"

typedef struct notify_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
} notify_plugin;

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  const notify_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  return sup_call_end(&call, notify_run(&notify_system_calls, &call, &err), &err);
}

static cordon_status probe(const sup_call *call, sup_err *err)
{
  static notify_sessions all;
  cordon_status status = notify_sessions_read(&notify_system_calls, &all, err);
  if (status != CORDON_OK)
    return status;
  cJSON *result = cJSON_CreateObject();
  status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  const notify_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  return sup_call_end(&call, probe(&call, &err), &err);
}

static const cordon_job notify = {
    .struct_size = sizeof(cordon_job), .probe = on_probe, .run = on_run};

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_NOTIFY) == 0 ? &notify : NULL;
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
  notify_plugin *self = calloc(1, sizeof(*self));
  if (self == NULL)
    return NULL;
  self->host = h;
  self->plugin = (cordon_plugin){.struct_size = sizeof(cordon_plugin),
                                 .plugin_data = self,
                                 .get_extension = get_extension,
                                 .destroy = destroy};
  return &self->plugin;
}

static const char *const provides[] = {CORDON_EXT_NOTIFY, NULL};

/* One at a time: what is told first is read first. */
const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.windows.notify",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
