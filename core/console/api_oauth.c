/* The token endpoint: OAuth 2.0 client credentials. */
#include "api.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "form.h"
#include "permission.h"
#include "protocol/secret.h"

#include "base/banned.h"

/* Among the things that are limited. */
#define FAILED_FROM_WHAT UINT32_MAX
#define FAILED_AS_WHAT (UINT32_MAX - 2)
#define GIVEN_WHAT (UINT32_MAX - 3)

/* What is wrong is limited, by the address that it comes from and by the application that it names;
 * who comes with the right secret is not held up by what others behind his address do, or in his
 * name. That takes no guess nearer: secrets have 256 bits. */
static const con_limit failed_from = {.per_minute = 60, .per_hour = 1200};
static const con_limit failed_as = {.per_minute = 60, .per_hour = 600};
/* Of one application: a script may ask for a token in each of its calls. */
static const con_limit given = {.per_minute = 1200, .per_hour = 36000};

static void fail(con_call *c, con_oauth_fault fault, const char *sentence)
{
  char trace[CD_ID_SIZE] = "";
  char correlation[CD_ID_SIZE] = "";
  cd_err err = {0};
  cd_buf_reset(&c->reply.body);
  c->reply.status = con_oauth_status(fault);
  if (cd_id_make(trace, &err) != CD_OK || cd_id_make(correlation, &err) != CD_OK ||
      con_oauth_write_error(fault, sentence, trace, correlation, cd_wall_ms(), &c->reply.body,
                            &err) != CD_OK)
    con_reply_trouble(&c->reply);
}

static void too_many(con_call *c, unsigned wait_s)
{
  fail(c, CON_OAUTH_BUSY, "Too many requests.");
  c->reply.retry_after_s = wait_s;
}

/* `client_id` may be empty. */
static void refuse(con_call *c, cd_str client_id, con_oauth_fault fault, const char *sentence)
{
  con_limits *l = &c->server->limits;
  unsigned wait_s = 0;
  uint64_t now_ms = cd_mono_ms();
  bool often =
      !con_limit_take(l, &failed_from, cd_str_from(c->peer), FAILED_FROM_WHAT, now_ms, &wait_s) ||
      (client_id.len > 0 &&
       !con_limit_take(l, &failed_as, client_id, FAILED_AS_WHAT, now_ms, &wait_s));
  cd_log(CD_AREA_API, often ? CD_LOG_DEBUG : CD_LOG_WARN, "peer=%s: a token was refused: %s",
         c->peer, sentence);
  if (often)
    too_many(c, wait_s);
  else
    fail(c, fault, sentence);
}

static void give(con_call *c, const con_app *app)
{
  con_bearer b = {.issued_s = cd_wall_ms() / 1000};
  cd_err err = {0};
  cd_buf roles = CD_BUF_INIT(1024);
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  b.expires_s = b.issued_s + CON_BEARER_LIFE_S;
  (void)cd_str_copy(b.app, sizeof(b.app), cd_str_from(app->id));
  con_permissions_add(&roles, con_permissions_read(app->permissions), " ");
  cd_code rc = con_bearer_make(c->server->bearer_key, &b, cd_buf_view(&roles),
                               c->server->config.url, &token, &err);
  if (rc == CD_OK)
    rc = con_oauth_write_token(cd_buf_view(&token), &c->reply.body, &err);
  if (rc == CD_OK) {
    c->reply.status = 200;
  } else {
    cd_log(CD_AREA_API, CD_LOG_ERROR, "no token for %s: %s", app->id, err.text);
    fail(c, CON_OAUTH_TROUBLE, "The server has a problem.");
  }
  cd_buf_release(&roles);
  cd_buf_wipe(&token);
}

static void judge(con_call *c, const con_token_request *request)
{
  con_app app = {0};
  cd_err err = {0};
  cd_code rc =
      con_app_check(c->server->store, request->client_id, request->client_secret, &app, &err);
  unsigned wait_s = 0;
  if (rc == CD_OK && !con_limit_take(&c->server->limits, &given, request->client_id, GIVEN_WHAT,
                                     cd_mono_ms(), &wait_s)) {
    too_many(c, wait_s);
  } else if (rc == CD_OK) {
    give(c, &app);
  } else if (rc == CD_E_CONFLICT) {
    c->server->counters.access_refused++;
    cd_log(CD_AREA_API, CD_LOG_ERROR, "peer=%s: a token was refused: %s", c->peer, err.text);
    fail(c, CON_OAUTH_CLIENT, "Invalid client or client secret provided.");
  } else if (rc == CD_E_DENIED || rc == CD_E_INVALID || rc == CD_E_NOTFOUND) {
    c->server->counters.token_denied++;
    refuse(c, request->client_id, CON_OAUTH_CLIENT, "Invalid client or client secret provided.");
  } else {
    cd_log(CD_AREA_API, CD_LOG_ERROR, "cannot look up a client: %s", err.text);
    fail(c, CON_OAUTH_TROUBLE, "The server has a problem.");
  }
  con_app_release(&app);
}

void con_api_token(con_call *c)
{
  con_form form = {0};
  con_token_request request = {0};
  con_oauth_fault fault = CON_OAUTH_REQUEST;
  cd_err err = {0};
  if (con_form_parse(cd_buf_view(&c->body), &form, &err) != CD_OK ||
      con_oauth_read(&form, &request, &fault, &err) != CD_OK)
    refuse(c, (cd_str){0}, fault, err.text);
  else
    judge(c, &request);
  con_form_release(&form);
}
