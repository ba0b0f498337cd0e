/* org.cordon.clamav: the scan capability, by clamd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clamav.h"

typedef struct clamav_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
  clam_settings settings;
} clamav_plugin;

static uint64_t number_of(const cJSON *doc, const char *name, uint64_t min, uint64_t max,
                          uint64_t otherwise)
{
  const cJSON *v = sup_json_get(doc, name);
  if (!cJSON_IsNumber(v) || !(v->valuedouble >= (double)min && v->valuedouble <= (double)max))
    return otherwise;
  return (uint64_t)v->valuedouble;
}

static cordon_status read_order(const cJSON *doc, clam_order *o, sup_err *err)
{
  const cJSON *type = sup_json_get(doc, "type");
  o->type = cJSON_IsString(type) ? type->valuestring : "";
  if (strcmp(o->type, "quick") != 0 && strcmp(o->type, "full") != 0 &&
      strcmp(o->type, "custom") != 0)
    return sup_fail(err, CORDON_E_INVALID, "type is none of quick, full, custom");
  if (strcmp(o->type, "custom") == 0) {
    o->paths = sup_json_get(doc, "paths");
    if (!cJSON_IsArray(o->paths) || cJSON_GetArraySize(o->paths) < 1)
      return sup_fail(err, CORDON_E_INVALID, "a custom scan needs paths");
  }
  o->cpu_percent = (uint32_t)number_of(doc, "cpu_percent", 1, 100, 50);
  o->budget_ms = number_of(doc, "budget_s", 1, 86400, 86400) * 1000;
  return CORDON_OK;
}

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  const clamav_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  clam_order o = {0};
  sup_call_begin(&call, self->host, req);
  cJSON *doc = sup_call_params(&call, &err);
  cordon_status rc = doc != NULL ? read_order(doc, &o, &err) : err.status;
  if (rc == CORDON_OK)
    rc = clam_scan(&call, &self->settings, &o, &err);
  cJSON_Delete(doc);
  return sup_call_end(&call, rc, &err);
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  const clamav_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  return sup_call_end(&call, clam_probe(&call, &self->settings, &err), &err);
}

static const cordon_job job = {.struct_size = sizeof(cordon_job), .probe = on_probe, .run = on_run};

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_SCAN) == 0 ? &job : NULL;
}

static void CORDON_CALL destroy(const cordon_plugin *p)
{
  free(p->plugin_data);
}

static cordon_status take_text(const cJSON *settings, const char *name, char *out, size_t size,
                               sup_err *err)
{
  const char *text = NULL;
  cordon_status rc = sup_json_text(settings, "settings", name, 1, &text, err);
  if (rc == CORDON_OK && text != NULL && snprintf(out, size, "%s", text) >= (int)size)
    rc = sup_fail(err, CORDON_E_INVALID, "settings.%s is too long", name);
  return rc;
}

static cordon_status read_settings(const cJSON *settings, clam_settings *s, sup_err *err)
{
  static const char *const names[] = {"socket",         "user",    "config",
                                      "max_file_bytes", "threads", "answer_s",
                                      "restart_s",      "hang_s",  NULL};
  *s = (clam_settings){.user = "clamav"};
  (void)snprintf(s->socket, sizeof(s->socket), "/run/clamav/clamd.ctl");
  (void)snprintf(s->config, sizeof(s->config), "/etc/clamav/clamd.conf");
  if (settings == NULL)
    return CORDON_OK;
  cordon_status rc = sup_json_members(settings, "settings", names, err);
  if (rc == CORDON_OK)
    rc = take_text(settings, "socket", s->socket, sizeof(s->socket), err);
  if (rc == CORDON_OK)
    rc = take_text(settings, "user", s->user, sizeof(s->user), err);
  if (rc == CORDON_OK)
    rc = take_text(settings, "config", s->config, sizeof(s->config), err);
  if (rc == CORDON_OK && (s->socket[0] != '/' || s->config[0] != '/'))
    rc = sup_fail(err, CORDON_E_INVALID, "settings.socket and settings.config must be absolute");
  s->max_file = number_of(settings, "max_file_bytes", 1, UINT64_C(1) << 40, 0);
  s->threads = (uint32_t)number_of(settings, "threads", 1, CLAM_WINDOW, 0);
  s->answer_s = (uint32_t)number_of(settings, "answer_s", 1, 600, 10);
  s->restart_s = (uint32_t)number_of(settings, "restart_s", 1, 600, 90);
  s->hang_s = (uint32_t)number_of(settings, "hang_s", 1, 3600, 30);
  return rc;
}

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config,
                                               size_t config_len)
{
  sup_err err = {0};
  clamav_plugin *self = calloc(1, sizeof(*self));
  cJSON *doc = sup_json_parse(config, config_len, &err);
  cordon_status rc = self != NULL && doc != NULL
                         ? read_settings(sup_json_get(doc, "settings"), &self->settings, &err)
                         : CORDON_E_INTERNAL;
  cJSON_Delete(doc);
  if (rc != CORDON_OK) {
    sup_log(h, 0, CORDON_LOG_ERROR, "%s", err.sentence);
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

static const char *const provides[] = {CORDON_EXT_SCAN, NULL};

const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = "org.cordon.clamav",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
