/* org.cordon.nftables: isolates a Linux device with a table of its own in nftables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cordon/plugin.h"
#include "isolate.h"
#include "support/json.h"

static cordon_status run(const cordon_plugin *p, const cordon_request *req,
                         iso_operation *operation)
{
  iso_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  return sup_call_end(&call, operation(self, &call, &err), &err);
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  return run(p, req, iso_probe);
}

static cordon_status CORDON_CALL on_apply(const cordon_plugin *p, const cordon_request *req)
{
  return run(p, req, iso_apply);
}

static cordon_status CORDON_CALL on_release(const cordon_plugin *p, const cordon_request *req)
{
  return run(p, req, iso_release);
}

static cordon_status CORDON_CALL on_query(const cordon_plugin *p, const cordon_request *req)
{
  return run(p, req, iso_query);
}

static cordon_status CORDON_CALL on_verify(const cordon_plugin *p, const cordon_request *req)
{
  return run(p, req, iso_verify);
}

static cordon_status CORDON_CALL on_watch(const cordon_plugin *p, const cordon_request *req)
{
  return run(p, req, iso_watch);
}

static const cordon_state isolate = {
    .struct_size = sizeof(cordon_state),
    .probe = on_probe,
    .apply = on_apply,
    .release = on_release,
    .query = on_query,
    .verify = on_verify,
    .watch = on_watch,
};

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_ISOLATE) == 0 ? &isolate : NULL;
}

static void CORDON_CALL cancel(const cordon_plugin *p, cordon_op op)
{
  iso_plugin *self = p->plugin_data;
  iso_watchers_wake(&self->watchers, op);
}

static void CORDON_CALL destroy(const cordon_plugin *p)
{
  iso_plugin *self = p->plugin_data;
  iso_guard_close(&self->guard);
  (void)pthread_mutex_destroy(&self->gens.lock);
  (void)pthread_mutex_destroy(&self->watchers.lock);
  (void)pthread_mutex_destroy(&self->names.lock);
  free(self);
}

/* Only the state folder matters to us; there are no settings. */
static void take_config(iso_plugin *self, const char *config, size_t config_len)
{
  sup_err err = {0};
  const char *folder = NULL;
  cJSON *doc = sup_json_parse(config, config_len, &err);
  if (doc == NULL || sup_json_text(doc, "", "state_dir", 1, &folder, &err) != CORDON_OK) {
    sup_log(self->host, 0, CORDON_LOG_WARN, "the configuration is not understood and ignored: %s",
            err.sentence);
  } else if (folder != NULL &&
             strlen(folder) + sizeof("/isolate.json") <= sizeof(self->record_path)) {
    (void)snprintf(self->record_path, sizeof(self->record_path), "%s/isolate.json", folder);
  }
  cJSON_Delete(doc);
}

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config,
                                               size_t config_len)
{
  iso_plugin *self = calloc(1, sizeof(*self));
  if (self == NULL)
    return NULL;
  self->host = h;
  self->plugin = (cordon_plugin){.struct_size = sizeof(cordon_plugin),
                                 .plugin_data = self,
                                 .get_extension = get_extension,
                                 .cancel = cancel,
                                 .destroy = destroy};
  (void)pthread_mutex_init(&self->gens.lock, NULL);
  (void)pthread_mutex_init(&self->watchers.lock, NULL);
  (void)pthread_mutex_init(&self->names.lock, NULL);
  take_config(self, config, config_len);
  iso_record_load(self);
  iso_guard_open(&self->guard);
  return &self->plugin;
}

static const char *const provides[] = {CORDON_EXT_ISOLATE, NULL};

const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.nftables",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
