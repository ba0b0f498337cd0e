/* From the configuration to a server that listens, and back. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "hub.h"
#include "link.h"
#include "packages.h"
#include "platform/file.h"
#include "platform/user.h"
#include "protocol/secret.h"
#include "scan.h"
#include "store_alert.h"
#include "work.h"

#include <libwebsockets.h>

#include "base/banned.h"

#define TICK_MS 1000u
#define ATTACH_RETRY_MS 2000u
#define ATTACH_AGAIN_MS 60000u /* to see that the signer is still there */
#define TIDY_EVERY 3600u       /* ticks */
#define EXPIRE_EVERY 30u       /* ticks */
#define RENEW_EVERY 3600u
#define FOLLOW_EVERY 60u
/* Actions are held against the log, all of them in turn: so long in a tick, and one round after
 * another no sooner than that. */
#define SWEEP_MS 4u
#define SWEEP_EVERY 60u /* ticks */
#define SWEEP_SOON 5u   /* once a result has come, which has no mark yet */
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define ALERTS_MOST 500u /* that are removed in one tick */
#define LAPSED_MOST 100u /* leases that end in one tick; the rest end in the next */

void con_path(const con_server *s, const char *name, char out[CON_PATH_TEXT])
{
  int len = snprintf(out, CON_PATH_TEXT, "%s/%s", s->config.data_dir, name);
  if (len < 0 || (size_t)len >= CON_PATH_TEXT)
    out[0] = '\0'; /* the configuration keeps its folder shorter than that */
}

cd_code con_random_fill(void *bytes, size_t len, cd_err *err)
{
  int rc = uv_random(NULL, NULL, bytes, len, 0, NULL);
  return rc == 0 ? CD_OK
                 : cd_fail_os(err, CD_E_UNAVAILABLE, rc, "no random bytes: %s", uv_strerror(rc));
}

static void fail_start(con_server *s, const char *why)
{
  cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", why);
  s->failed = true;
  con_server_stop(s);
}

/* ---- the signer ---- */

/* True if it is another one than before. */
static bool set_text(char **at, cd_str text)
{
  char *copy = NULL;
  if (text.len == 0 || (*at != NULL && cd_str_eq_cstr(text, *at)))
    return false;
  copy = cd_str_dup(text);
  if (copy == NULL)
    return false;
  free(*at);
  *at = copy;
  return true;
}

static void start_listening(con_server *s)
{
  cd_err err = {0};
  if (con_listen_start(s, &err) != CD_OK)
    fail_start(s, err.text);
}

static void on_certificate(con_server *s, cd_code code, const char *why)
{
  s->requesting = false;
  if (s->closing)
    return;
  if (code != CD_OK) {
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "no certificate for the listeners, trying again: %s",
           why);
    return;
  }
  cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "the listeners have a new certificate");
  if (s->lws == NULL)
    start_listening(s);
  else
    con_listen_renew(s);
}

static void request_certificate(con_server *s)
{
  if (s->requesting)
    return;
  s->requesting = true;
  con_tls_request(s, on_certificate);
}

static void keep_statement(con_server *s, cd_purpose purpose, char **at, cd_str statement)
{
  cd_err err = {0};
  if (set_text(at, statement) && con_statement_keep(s->store, purpose, statement, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_WARN, "%s", err.text);
}

static void keep_keys(con_server *s, const con_signer_reply *r)
{
  (void)set_text(&s->keys.root, r->root);
  (void)set_text(&s->keys.policy_key, r->policy_key);
  keep_statement(s, CD_PURPOSE_ORDER, &s->keys.order_key, r->order_key);
  keep_statement(s, CD_PURPOSE_DEVICE_CA, &s->keys.device_ca_key, r->device_ca_key);
  if (!set_text(&s->keys.ca, r->ca) || s->lws == NULL)
    return;
  cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "the device CA is another one now");
  con_listen_trust(s);
  /* Devices that enrol from now on know only the new one. */
  if (!con_tls_ready(s))
    request_certificate(s);
}

/* It may be another one than before: its keys are asked for before they are needed. */
static void on_signer_connected(void *context)
{
  con_server *s = context;
  if (s->attached && !s->closing)
    (void)uv_timer_start(&s->attach, s->attach.timer_cb, 0, 0);
}

static void on_attached(void *context, const con_signer_reply *reply)
{
  con_server *s = context;
  if (s->closing)
    return;
  if (reply->code != CD_OK) {
    if (s->attached || s->lws == NULL)
      cd_log(CD_AREA_CONSOLE, reply->code == CD_E_CONFLICT ? CD_LOG_ERROR : CD_LOG_WARN,
             "the signer: %s", reply->sentence);
    s->attached = false;
    (void)uv_timer_start(&s->attach, s->attach.timer_cb, ATTACH_RETRY_MS, 0);
    return;
  }
  if (!s->attached)
    cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "the signer has verified the audit log up to entry %llu",
           (unsigned long long)reply->head.sequence);
  s->attached = true;
  keep_keys(s, reply);
  (void)uv_timer_start(&s->attach, s->attach.timer_cb,
                       s->lws == NULL ? ATTACH_RETRY_MS : ATTACH_AGAIN_MS, 0);
  if (s->lws != NULL)
    return;
  if (con_tls_ready(s))
    start_listening(s);
  else
    request_certificate(s);
}

static void on_attach_timer(uv_timer_t *timer)
{
  con_server *s = timer->data;
  con_signer_attach(s->signer, &s->seal, on_attached, s);
}

/* ---- the tick ---- */

static void on_expired(void *context, const char *id, cd_str device)
{
  (void)context;
  cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "device=%.*s action=%s: timed out", CD_STR_ARG(device), id);
}

static void on_lapsed(void *context, const char *action, cd_str device)
{
  con_server *s = context;
  con_link *link = con_hub_find(s, device);
  cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%.*s action=%s: its lease has ended",
         CD_STR_ARG(device), action);
  if (link != NULL)
    con_link_consider(link);
}

static void expire_alerts(con_server *s)
{
  cd_err err = {0};
  unsigned removed = 0;
  int64_t before_ms = cd_wall_ms() - (int64_t)s->config.alert_days * DAY_MS;
  if (con_alert_expire(s->store, before_ms, ALERTS_MOST, &removed, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", err.text);
  else if (removed > 0)
    cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "%u alerts were kept long enough and are removed",
           removed);
}

static void on_altered(void *context, const con_action *action)
{
  con_server *s = context;
  con_altered_note(&s->altered, action);
}

static void sweep_actions(con_server *s)
{
  const con_sweep how = {.budget_ms = SWEEP_MS, .altered = on_altered, .context = s};
  cd_err err = {0};
  bool new_results = s->counters.results != s->sweep_results && s->ticks % SWEEP_SOON == 0;
  if (s->ticks < s->sweep_from && !new_results)
    return;
  if (s->sweep_after == 0)
    s->sweep_results = s->counters.results;
  s->sweep_from = 0;
  if (con_actions_sweep(s->store, &how, &s->sweep_after, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", err.text);
  if (s->sweep_after == 0)
    s->sweep_from = s->ticks + SWEEP_EVERY;
}

static void on_tick(uv_timer_t *timer)
{
  con_server *s = timer->data;
  cd_err err = {0};
  s->ticks++;
  con_hub_tick(s, cd_mono_ms());
  if (s->ticks % FOLLOW_EVERY == 1)
    con_exclusions_follow(s);
  if (con_wanted_lapse(s->store, LAPSED_MOST, on_lapsed, s, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", err.text);
  if (s->ticks % EXPIRE_EVERY == 0 &&
      con_action_expire(s->store, cd_wall_ms(), on_expired, NULL, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", err.text);
  sweep_actions(s);
  if (s->ticks % TIDY_EVERY == 1)
    con_packages_tidy(s);
  if (s->ticks % EXPIRE_EVERY == 1)
    expire_alerts(s);
  if (s->ticks % RENEW_EVERY == 0 && s->lws != NULL && s->attached && !con_tls_ready(s))
    request_certificate(s);
}

/* ---- start ---- */

static cd_code open_store(con_server *s, cd_err *err)
{
  char path[CON_PATH_TEXT];
  con_code_key code = {{0}};
  con_path(s, "lock", path);
  cd_code rc = pf_file_lock(path, err);
  con_path(s, "seal.key", path);
  if (rc == CD_OK)
    rc = con_seal_key_load(path, &s->seal, err);
  con_path(s, "code.key", path);
  if (rc == CD_OK)
    rc = con_code_key_load(path, &code, err);
  if (rc == CD_OK)
    rc = con_packages_open(s, err);
  con_path(s, "console.db", path);
  const con_store_options options = {.path = path, .seal = &s->seal, .code = &code, .shared = true};
  if (rc == CD_OK)
    rc = con_store_open(&options, &s->store, err);
  cd_wipe(&code, sizeof(code));
  if (rc == CD_OK)
    rc = con_scans_open(s, err);
  return rc;
}

static cd_code open_signer(con_server *s, cd_err *err)
{
  con_signer_options options = {.socket = s->config.signer_socket,
                                .user_id = UINT64_MAX,
                                .connected = on_signer_connected,
                                .context = s};
  cd_err ignored = {0};
  /* Without that account only root or our own user may be the signer. */
  if (pf_user_id(s->config.signer_user, &options.user_id, &ignored) != CD_OK)
    options.user_id = UINT64_MAX;
  return con_signer_open(s->loop, &options, &s->signer, err);
}

static void start_timer(con_server *s, uv_timer_t *timer, uv_timer_cb on_timer, uint64_t first_ms,
                        uint64_t repeat_ms)
{
  (void)uv_timer_init(s->loop, timer);
  timer->data = s;
  s->open_handles++;
  (void)uv_timer_start(timer, on_timer, first_ms, repeat_ms);
}

cd_code con_server_start(con_server *s, uv_loop_t *loop, con_config *config,
                         void (*on_stopped)(con_server *s), cd_err *err)
{
  *s = (con_server){.loop = loop, .config = *config, .started_ms = cd_wall_ms()};
  s->on_stopped = on_stopped;
  cd_code rc = con_random_fill(s->bearer_key, sizeof(s->bearer_key), err);
  if (rc == CD_OK)
    rc = con_altered_open(&s->altered, err);
  if (rc == CD_OK)
    rc = con_hub_open(s, err);
  if (rc == CD_OK)
    rc = open_store(s, err);
  if (rc == CD_OK)
    rc = open_signer(s, err);
  if (rc != CD_OK) {
    (void)con_scans_close(s);
    con_store_close(s->store);
    con_hub_close(s);
    con_altered_close(&s->altered);
    s->config = (con_config){0}; /* stays the caller's */
    return rc;
  }
  *config = (con_config){0};
  (void)uv_idle_init(s->loop, &s->idle);
  s->idle.data = s;
  s->open_handles++;
  start_timer(s, &s->tick, on_tick, TICK_MS, TICK_MS);
  start_timer(s, &s->attach, on_attach_timer, 0, 0);
  return CD_OK;
}

/* ---- stop ---- */

void con_server_finish(con_server *s)
{
  if (!s->closing || s->open_handles > 0 || s->signer_open || !con_scans_close(s))
    return;
  con_store_close(s->store);
  con_hub_close(s);
  con_altered_close(&s->altered);
  free(s->keys.root);
  free(s->keys.ca);
  free(s->keys.order_key);
  free(s->keys.policy_key);
  free(s->keys.device_ca_key);
  cd_wipe(s->bearer_key, sizeof(s->bearer_key));
  cd_wipe(&s->seal, sizeof(s->seal));
  con_config_release(&s->config);
  s->on_stopped(s);
}

static void on_handle_closed(uv_handle_t *handle)
{
  con_server *s = handle->data;
  s->open_handles--;
  con_server_finish(s);
}

static void on_signer_closed(void *context)
{
  con_server *s = context;
  s->signer_open = false;
  con_server_finish(s);
}

void con_server_stop(con_server *s)
{
  if (s->closing)
    return;
  s->closing = true;
  con_work_close(s);
  uv_close((uv_handle_t *)&s->idle, on_handle_closed);
  uv_close((uv_handle_t *)&s->tick, on_handle_closed);
  uv_close((uv_handle_t *)&s->attach, on_handle_closed);
  if (s->lws != NULL)
    lws_context_destroy(s->lws);
  s->lws = NULL;
  s->signer_open = true;
  con_signer_close(s->signer, on_signer_closed, s);
  s->signer = NULL;
}
