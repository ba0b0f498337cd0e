/* What every member of the zoo shares: settings, the log of calls, and the way through
 * zoo_act(). */
#include "zoo.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ZOO_CONFIG_MAX 8192
#define ZOO_TICK_MS 5

static struct {
  const cordon_host *host;
  char config[ZOO_CONFIG_MAX];
  char state_file[2 * ZOO_TEXT_MAX];
  char log_file[ZOO_TEXT_MAX];
} self;

/* For the calls that belong to no operation. */
static const cordon_request no_request = {.struct_size = sizeof(no_request)};

const cordon_host *zoo_host(void)
{
  return self.host;
}

const char *zoo_state_file(void)
{
  return self.state_file;
}

/* The configuration is compact JSON of the host's, with plain values: searching for `"key":` is
 * enough for tests. */
bool zoo_setting(const char *key, char out[ZOO_TEXT_MAX])
{
  char pattern[64];
  out[0] = '\0';
  (void)snprintf(pattern, sizeof(pattern), "\"%s\":", key);
  const char *at = strstr(self.config, pattern);
  if (at == NULL)
    return false;
  at += strlen(pattern);
  bool quoted = *at == '"';
  const char *end = quoted ? strchr(++at, '"') : at + strcspn(at, ",}");
  size_t len = end != NULL ? (size_t)(end - at) : 0;
  if (len >= ZOO_TEXT_MAX)
    return false;
  memcpy(out, at, len);
  out[len] = '\0';
  return true;
}

unsigned long zoo_number(const char *key, unsigned long fallback)
{
  char text[ZOO_TEXT_MAX];
  return zoo_setting(key, text) ? strtoul(text, NULL, 10) : fallback;
}

bool zoo_setting_is(const char *key, const char *value)
{
  char text[ZOO_TEXT_MAX];
  return zoo_setting(key, text) && strcmp(text, value) == 0;
}

bool zoo_is_at(const char *call)
{
  char at[ZOO_TEXT_MAX];
  return strcmp(zoo_setting("at", at) ? at : "apply", call) == 0;
}

bool zoo_wait(const cordon_request *req, unsigned long ms)
{
  const struct timespec tick = {.tv_nsec = ZOO_TICK_MS * 1000000L};
  for (unsigned long passed = 0; passed < ms; passed += ZOO_TICK_MS) {
    if (self.host->cancelled(self.host, req->op))
      return true;
    (void)nanosleep(&tick, NULL);
  }
  return self.host->cancelled(self.host, req->op) != 0;
}

cordon_status zoo_result(const cordon_request *req, const char *fmt, ...)
{
  char json[4 * ZOO_TEXT_MAX];
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(json, sizeof(json), fmt, args);
  va_end(args);
  return self.host->result(self.host, req->op, json, (size_t)len);
}

void zoo_explain(const cordon_request *req, int os_error, const char *sentence)
{
  self.host->explain(self.host, req->op, (uint32_t)os_error, sentence);
}

static void log_call(const char *call, const cordon_request *req)
{
  if (self.log_file[0] == '\0')
    return;
  int fd = open(self.log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return;
  (void)dprintf(fd, "%s op=%llu\n", call, (unsigned long long)req->op);
  (void)close(fd);
}

cordon_status zoo_enter(const char *call, const cordon_request *req, bool *ret_done)
{
  char key[64];
  log_call(call, req);
  *ret_done = false;
  cordon_status status = zoo_act(call, req, ret_done);
  if (*ret_done || req->op == 0)
    return status;
  (void)snprintf(key, sizeof(key), "%s_delay_ms", call);
  unsigned long delay_ms = zoo_number(key, 0);
  if (delay_ms > 0 && zoo_wait(req, delay_ms)) {
    *ret_done = true;
    return CORDON_E_CANCELLED;
  }
  return CORDON_OK;
}

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  return strcmp(id, CORDON_EXT_ISOLATE) == 0 ? &zoo_table : NULL;
}

static void CORDON_CALL destroy(const cordon_plugin *p)
{
  bool done = false;
  (void)zoo_enter("destroy", &no_request, &done);
}

static const cordon_plugin plugin = {
    .struct_size = sizeof(plugin),
    .get_extension = get_extension,
    .destroy = destroy,
};

const cordon_plugin *CORDON_CALL zoo_create(const cordon_host *h, const char *config, size_t len)
{
  char state_dir[ZOO_TEXT_MAX];
  char state_file[ZOO_TEXT_MAX];
  bool done = false;
  self.host = h;
  if (len >= sizeof(self.config))
    return NULL;
  memcpy(self.config, config, len);
  self.config[len] = '\0';
  (void)zoo_setting("log_file", self.log_file);
  (void)zoo_setting("state_dir", state_dir);
  if (zoo_setting("state_file", state_file))
    (void)snprintf(self.state_file, sizeof(self.state_file), "%s", state_file);
  else
    (void)snprintf(self.state_file, sizeof(self.state_file), "%s/state", state_dir);
  if (zoo_setting_is("unavailable", "create")) {
    h->log(h, 0, CORDON_LOG_WARN, "there is no zoo on this machine");
    return NULL;
  }
  return zoo_enter("create", &no_request, &done) == CORDON_OK ? &plugin : NULL;
}
