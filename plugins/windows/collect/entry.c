/* org.cordon.windows.collect: what an investigation package shows of a Windows device. */
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "custom.h"
#include "package/job.h"
#include "support/json.h"

typedef struct collect_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
} collect_plugin;

static const char *const profiles[] = {"standard", "extended", "custom", NULL};

static cordon_status choose(const char *profile, const cJSON *params, col_options *o,
                            const col_item **ret_items, size_t *ret_count, sup_err *err)
{
  if (strcmp(profile, "custom") != 0) {
    *ret_items = win_items(ret_count);
    return CORDON_OK;
  }
  cordon_status status =
      win_list_read(sup_json_get(params, "list"), sup_json_get(params, "keep_out"), &o->list, err);
  if (status == CORDON_OK)
    *ret_items = col_list_runs(o->list, ret_count);
  return status;
}

static const col_job collector = {.profiles = profiles, .choose = choose, .run = win_run};

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  const collect_plugin *self = p->plugin_data;
  return col_job_run(&collector, self->host, req);
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  const collect_plugin *self = p->plugin_data;
  return col_job_probe(&collector, self->host, req);
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
    .id = "org.cordon.windows.collect",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
