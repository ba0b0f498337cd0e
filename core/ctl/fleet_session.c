/* From a call to an answer: token, deadline, and what to do about 401 and 429. */
#include "fleet_session.h"

#include "fleet_config.h"
#include "fleet_http.h"
#include "fleet_pause.h"
#include "fleet_read.h"

#include "base/clock.h"
#include "protocol/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define TOKEN_PATH "/cordon/oauth2/v2.0/token"
#define SCOPE "https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default"
#define FORM_MAX (3u * (FLEET_CLIENT_ID_MAX + FLEET_SECRET_MAX) + 256u)
#define TRIES_MAX 20u /* of one call; each but two waits for at least a second */

struct fleet_session {
  fleet_config config;
  fleet_http *http;
  fleet_pause *pause;
  uint64_t deadline_ms;
  char bearer[FLEET_BEARER_MAX + 1];
};

static bool interrupted(void *context)
{
  fleet_session *s = context;
  return fleet_pause_interrupted(s->pause);
}

ctl_exit fleet_open(const ctl_context *ctx, const ctl_args *args, fleet_session **ret_session,
                    cd_err *err)
{
  uint64_t timeout_s = 0;
  uint64_t fallback_s = args->value[CTL_OPT_WAIT] != NULL ? FLEET_WAIT_S : FLEET_TIMEOUT_S;
  if (ctl_args_number(args, CTL_OPT_DEADLINE, 1, 604800, fallback_s, &timeout_s, err) != CD_OK)
    return CTL_EXIT_USAGE;
  fleet_session *s = calloc(1, sizeof(*s));
  if (s == NULL) {
    (void)cd_fail(err, CD_E_INTERNAL, "no memory");
    return CTL_EXIT_FAILED;
  }
  s->deadline_ms = cd_mono_ms() + timeout_s * 1000;
  cd_code rc = fleet_config_load(args->value[CTL_OPT_CONFIG], &s->config, err);
  if (rc == CD_OK)
    rc = fleet_pause_open(&s->pause, err);
  if (rc == CD_OK)
    rc = fleet_http_open(s->config.ca, interrupted, s, &s->http, err);
  if (rc != CD_OK) {
    fleet_close(s);
    return CTL_EXIT_REFUSED;
  }
  *ret_session = s;
  return CTL_EXIT_DONE;
}

void fleet_close(fleet_session *s)
{
  if (s == NULL)
    return;
  fleet_http_close(s->http);
  fleet_pause_close(s->pause);
  fleet_config_wipe(&s->config);
  cd_wipe(s, sizeof(*s));
  free(s);
}

uint64_t fleet_left_ms(const fleet_session *s)
{
  uint64_t now = cd_mono_ms();
  return now < s->deadline_ms ? s->deadline_ms - now : 0;
}

bool fleet_wait_ms(fleet_session *s, uint64_t ms)
{
  uint64_t left = fleet_left_ms(s);
  return fleet_pause_ms(s->pause, ms < left ? ms : left);
}

bool fleet_interrupted(fleet_session *s)
{
  return fleet_pause_interrupted(s->pause);
}

void fleet_watch_interrupts(fleet_session *s)
{
  fleet_pause_watch(s->pause);
}

/* ---- one request, and again while the console is busy ---- */

typedef struct exchange {
  fleet_request request;
  fleet_answer answer;
  bool sent; /* some try went out and its answer is not known */
} exchange;

/* Where nothing came back: before the request nothing happened, after it something may have. */
static ctl_exit exit_without_answer(const exchange *x, bool changes)
{
  return x->sent && changes ? CTL_EXIT_WAITING : CTL_EXIT_UNREACHABLE;
}

static ctl_exit send_patiently(fleet_session *s, exchange *x, bool changes, cd_err *err)
{
  for (unsigned tries = 0;; tries++) {
    uint64_t left = fleet_left_ms(s);
    x->sent = false;
    if (left == 0) {
      (void)cd_fail(err, CD_E_DEADLINE, "the time was over before the console was asked");
      return CTL_EXIT_UNREACHABLE;
    }
    x->request.timeout_ms = left < FLEET_REQUEST_S * 1000u ? left : FLEET_REQUEST_S * 1000u;
    if (fleet_http_do(s->http, &x->request, &x->answer, &x->sent, err) != CD_OK)
      return exit_without_answer(x, changes);
    if (x->answer.status != 429 || x->answer.retry_after_s == 0 || tries >= TRIES_MAX)
      return CTL_EXIT_DONE;
    if (x->answer.retry_after_s >= fleet_left_ms(s) / 1000)
      return CTL_EXIT_DONE;
    if (!fleet_wait_ms(s, x->answer.retry_after_s * 1000)) {
      (void)cd_fail(err, CD_E_CANCELLED, "interrupted while the console was busy");
      return CTL_EXIT_UNREACHABLE;
    }
  }
}

static cd_code set_url(const fleet_session *s, const char *path, cd_buf *out, cd_err *err)
{
  cd_buf_add_cstr(out, s->config.url);
  cd_buf_add_cstr(out, path);
  return cd_buf_status(out, "the address of the request", err);
}

/* ---- the token ---- */

/* Form encoding of what fleet_config checked: printable ASCII. */
static void add_form(char *out, size_t size, const char *name, const char *value)
{
  static const char hex[] = "0123456789ABCDEF";
  size_t at = strlen(out);
  int len = snprintf(out + at, size - at, "&%s=", name);
  at += len > 0 ? (size_t)len : 0;
  for (const char *c = value; *c != '\0' && at + 4 < size; c++) {
    bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
                 *c == '-' || *c == '_' || *c == '.';
    if (!plain) {
      out[at++] = '%';
      out[at++] = hex[(unsigned char)*c >> 4];
    }
    out[at++] = plain ? *c : hex[(unsigned char)*c & 15];
  }
  out[at] = '\0';
}

static ctl_exit take_token(fleet_session *s, cd_err *err)
{
  char form[FORM_MAX] = "grant_type=client_credentials&scope=" SCOPE;
  cd_buf url = CD_BUF_INIT(FLEET_URL_MAX + FLEET_PATH_MAX);
  exchange x = {.request = {.method = "POST", .body_type = "application/x-www-form-urlencoded"}};
  ctl_exit code = CTL_EXIT_FAILED;
  add_form(form, sizeof(form), "client_id", s->config.client_id);
  add_form(form, sizeof(form), "client_secret", s->config.secret);
  x.request.body = cd_str_from(form);
  if (set_url(s, TOKEN_PATH, &url, err) != CD_OK)
    goto done;
  x.request.url = cd_buf_cstr(&url);
  code = send_patiently(s, &x, false, err);
  if (code == CTL_EXIT_DONE)
    code = fleet_read_token(x.answer.status, cd_buf_view(&x.answer.body), s->bearer, err);
  if (code == CTL_EXIT_UNREACHABLE || code == CTL_EXIT_DENIED)
    (void)cd_err_prefix(err, "no token");

done:
  cd_wipe(form, sizeof(form));
  cd_buf_wipe(&x.answer.body);
  cd_buf_release(&url);
  return code;
}

/* ---- calls ---- */

static ctl_exit send_call(fleet_session *s, const fleet_call *call, exchange *x, cd_err *err)
{
  for (int tokens = 0;; tokens++) {
    if (s->bearer[0] == '\0') {
      ctl_exit code = take_token(s, err);
      if (code != CTL_EXIT_DONE)
        return code;
    }
    x->request.bearer = cd_str_from(s->bearer);
    ctl_exit code = send_patiently(s, x, call->changes, err);
    if (code != CTL_EXIT_DONE || x->answer.status != 401 || tokens > 0)
      return code;
    /* Expired, or the console was restarted: a new token, once. */
    cd_wipe(s->bearer, sizeof(s->bearer));
  }
}

const char *fleet_root(const fleet_session *s)
{
  return s->config.root;
}

ctl_exit fleet_part(fleet_session *s, const char *path, uint64_t offset, uint64_t len,
                    fleet_answer *ret_answer, cd_err *err)
{
  char range[64];
  cd_buf url = CD_BUF_INIT(FLEET_URL_MAX + FLEET_PATH_MAX);
  exchange x = {.request = {.method = "GET", .range = range}};
  ctl_exit code = CTL_EXIT_USAGE;
  (void)snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)offset,
                 (unsigned long long)(offset + len - 1));
  if (set_url(s, path, &url, err) == CD_OK) {
    x.request.url = cd_buf_cstr(&url);
    code = send_patiently(s, &x, false, err);
  }
  if (code == CTL_EXIT_DONE)
    *ret_answer = x.answer;
  else
    cd_buf_release(&x.answer.body);
  cd_buf_wipe(&url);
  return code;
}

ctl_exit fleet_ask(fleet_session *s, const fleet_call *call, cd_json_doc **ret_doc, cd_err *err)
{
  cd_buf url = CD_BUF_INIT(FLEET_URL_MAX + FLEET_PATH_MAX);
  exchange x = {.request = {.method = call->method,
                            .body = call->body,
                            .body_type = call->body.len > 0 ? "application/json" : NULL}};
  ctl_exit code = CTL_EXIT_USAGE;
  if (call->changes)
    fleet_watch_interrupts(s);
  if (set_url(s, call->path, &url, err) != CD_OK)
    goto done;
  x.request.url = cd_buf_cstr(&url);
  code = send_call(s, call, &x, err);
  if (code == CTL_EXIT_WAITING)
    (void)cd_err_prefix(err, "whether the console took the request is not known");
  if (code == CTL_EXIT_DONE)
    code = fleet_read_answer(x.answer.status, cd_buf_view(&x.answer.body), ret_doc, err);

done:
  cd_buf_release(&x.answer.body);
  cd_buf_release(&url);
  return code;
}
