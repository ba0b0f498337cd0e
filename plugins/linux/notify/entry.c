/* org.cordon.linux-notify: tells the people at this device what was done to it. */
#include <stdlib.h>
#include <string.h>

#include "cordon/plugin.h"
#include "notify.h"
#include "support/json.h"

typedef struct notify_plugin {
  cordon_plugin plugin;
  const cordon_host *host;
} notify_plugin;

static void tell_session(notify_session *s, const notify_asked *a)
{
  char body[NOTIFY_BODY_MAX];
  notify_language language = notify_session_language(s);
  notify_body(a->event, language, a->contact, body, sizeof(body));
  if (s->kind == NOTIFY_DESKTOP)
    notify_desktop(s, notify_title(a->event, language), body);
  else
    notify_terminal(s, notify_title(a->event, language), body);
}

static cordon_status tell_all(const sup_call *call, notify_sessions *all, const notify_asked *a,
                              sup_err *err)
{
  for (size_t i = 0; i < all->count; i++) {
    cordon_status status = sup_call_check(call, err);
    if (status != CORDON_OK)
      return status;
    tell_session(&all->items[i], a);
    sup_call_progress(call, i + 1, all->count, "told");
  }
  return CORDON_OK;
}

/* A bus without a screen that nobody shows notifications on is a login by ssh: its terminal is
 * told, and nothing is amiss. */
static bool counts(const notify_session *s)
{
  return s->told || s->kind == NOTIFY_TERMINAL || s->graphical;
}

static cJSON *make_result(const notify_sessions *all, const char *motd)
{
  unsigned told = 0;
  unsigned failed = 0;
  cJSON *result = cJSON_CreateObject();
  cJSON *list = cJSON_AddArrayToObject(result, "sessions");
  for (size_t i = 0; i < all->count; i++) {
    const notify_session *s = &all->items[i];
    if (!counts(s))
      continue;
    cJSON *item = cJSON_CreateObject();
    sup_json_add_text(item, "user", s->user);
    (void)cJSON_AddStringToObject(item, "kind", s->kind == NOTIFY_DESKTOP ? "desktop" : "terminal");
    sup_json_add_text(item, "place", s->place);
    (void)cJSON_AddBoolToObject(item, "told", s->told);
    if (s->note[0] != '\0')
      sup_json_add_text(item, "note", s->note);
    (void)cJSON_AddItemToArray(list, item);
    told += s->told ? 1 : 0;
    failed += s->told ? 0 : 1;
  }
  (void)cJSON_AddNumberToObject(result, "told", told);
  (void)cJSON_AddNumberToObject(result, "failed", failed + (double)all->left_out);
  sup_json_add_text(result, "later", motd);
  return result;
}

static cordon_status run(notify_plugin *self, const sup_call *call, sup_err *err)
{
  static notify_sessions all;
  char body[NOTIFY_BODY_MAX];
  char note[NOTIFY_NOTE];
  notify_asked a = {0};
  (void)self;
  cordon_status status = notify_read_params(call, &a, err);
  if (status != CORDON_OK)
    return status;
  /* First: who logs in while the others are told sees it as well. */
  bool isolated = a.event == NOTIFY_ISOLATED;
  notify_body(a.event, NOTIFY_EN, a.contact, body, sizeof(body));
  bool later = notify_motd(isolated ? notify_title(a.event, NOTIFY_EN) : NULL, body, note);
  notify_sessions_read(&all);
  status = tell_all(call, &all, &a, err);
  if (status != CORDON_OK)
    return status;
  cJSON *result = make_result(&all, !later ? note : isolated ? "message of the day" : "none");
  status = result != NULL ? sup_call_result(call, result, err)
                          : sup_fail(err, CORDON_E_LIMIT, "there is no memory for the result");
  cJSON_Delete(result);
  return status;
}

static cordon_status CORDON_CALL on_probe(const cordon_plugin *p, const cordon_request *req)
{
  const notify_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  cJSON *result = cJSON_CreateObject();
  cordon_status status = sup_call_result(&call, result, &err);
  cJSON_Delete(result);
  return sup_call_end(&call, status, &err);
}

static cordon_status CORDON_CALL on_run(const cordon_plugin *p, const cordon_request *req)
{
  notify_plugin *self = p->plugin_data;
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, self->host, req);
  return sup_call_end(&call, run(self, &call, &err), &err);
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
    .id = "org.cordon.linux-notify",
    .version = CORDON_PLUGIN_VERSION,
    .provides = provides,
    .create = create,
};
