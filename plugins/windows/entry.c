/* org.cordon.windows: what a Windows device is. */
#include <stdlib.h>
#include <string.h>

#include "cordon/plugin.h"
#include "facts.h"
#include "support/call.h"
#include "support/json.h"

typedef struct facts_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
} facts_plugin;

static cordon_status answer(const cordon_plugin *p, const cordon_request *req, cJSON *result)
{
  const facts_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  cordon_status status = result != NULL
                             ? sup_call_result(&call, result, &err)
                             : sup_fail(&err, CORDON_E_LIMIT, "there is no memory for the facts");
  cJSON_Delete(result);
  return sup_call_end(&call, status, &err);
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  return answer(p, req, cJSON_CreateObject());
}

/* The parameters are an empty object; there is nothing in them that could be asked for. */
static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  cJSON *result = cJSON_CreateObject();
  if (result != NULL) {
    facts_add_system(result);
    facts_add_interfaces(result);
    facts_add_users(result);
  }
  return answer(p, req, result);
}

static const cordon_job facts = {
    .struct_size = sizeof(cordon_job), .probe = on_probe, .run = on_run};

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_FACTS) == 0 ? &facts : NULL;
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
  facts_plugin *self = calloc(1, sizeof(*self));
  if (self == NULL)
    return NULL;
  self->host = h;
  self->plugin = (cordon_plugin){.struct_size = sizeof(cordon_plugin),
                                 .plugin_data = self,
                                 .get_extension = get_extension,
                                 .destroy = destroy};
  return &self->plugin;
}

static const char *const provides[] = {CORDON_EXT_FACTS, NULL};

const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.windows",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
