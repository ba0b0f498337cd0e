/* No memory: each allocation of a connection fails in turn, mbedTLS's too. Nothing crashes, nothing
 * leaks, the end is told once, and a server that is not to be believed is not believed for want of
 * memory either. */
#include "client.h"
#include "failing_allocator.h"
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static client_target to;
static const net_proxy proxy = {
    .has_credentials = true, .user = CD_STR_INIT("user"), .password = CD_STR_INIT("word")};

/* No assertions while an allocation may fail: Check's own calls are in this program too. */
typedef struct outcome {
  bool opened;
  unsigned closed;
  cd_code code;
  char sentence[CD_ERR_TEXT_MAX];
} outcome;

static void note_end(outcome *o, cd_code code, const char *sentence)
{
  o->closed++;
  o->code = code;
  (void)snprintf(o->sentence, sizeof(o->sentence), "%s", sentence);
}

/* ---- scenarios ---- */

typedef struct scenario {
  const char *what;
  cert_name server;
  void (*act)(peer *p);
  cd_code (*begin)(uv_loop_t *loop, net_tls_config *config, outcome *o, cd_err *err);
  cd_code good; /* how it ends when no allocation fails */
} scenario;

static void conn_opened(net_conn *c)
{
  outcome *o = net_conn_owner(c);
  cd_err err = {0};
  o->opened = true;
  cd_code rc = net_conn_write(c, CD_STR("hello\n"), &err);
  if (rc != CD_OK)
    net_conn_end(c, rc, err.text);
}

static void conn_data(net_conn *c, cd_str bytes)
{
  net_conn_end(c, CD_OK, "");
}

static void conn_closed(net_conn *c, cd_code code, const char *sentence)
{
  note_end(net_conn_owner(c), code, sentence);
}

static cd_code begin_conn(uv_loop_t *loop, net_tls_config *config, outcome *o, cd_err *err)
{
  static const net_conn_events events = {
      .on_open = conn_opened, .on_data = conn_data, .on_closed = conn_closed};
  net_conn *conn = NULL;
  return net_conn_open(loop, &to.endpoint, config, 5000, &events, o, &conn, err);
}

static void posted(void *owner, const net_https_answer *answer)
{
  outcome *o = owner;
  o->opened = answer->code == CD_OK;
  note_end(o, answer->code, answer->sentence);
}

static cd_code begin_post(uv_loop_t *loop, net_tls_config *config, outcome *o, cd_err *err)
{
  net_https *https = NULL;
  const net_https_request request = {.endpoint = to.endpoint,
                                     .tls = config,
                                     .path = CD_STR("/"),
                                     .body = CD_STR("{}"),
                                     .deadline_ms = 5000};
  return net_https_post(loop, &request, posted, o, &https, err);
}

static void ws_closed(net_ws *ws, void *owner, const net_ws_end *end)
{
  note_end(owner, end->code, end->sentence);
}

static cd_code begin_ws(uv_loop_t *loop, net_tls_config *config, outcome *o, cd_err *err)
{
  static const net_ws_events events = {.on_closed = ws_closed};
  net_ws *ws = NULL;
  net_ws_options options = {.endpoint = to.endpoint,
                            .tls = config,
                            .path = CD_STR("/"),
                            .protocol = CD_STR("cordon.v1"),
                            .open_ms = 5000};
  options.endpoint.proxy = &proxy;
  return net_ws_open(loop, &options, &events, o, &ws, err);
}

static void echoes(peer *p)
{
  if (peer_tls_try(p) && mbedtls_ssl_read(&p->ssl, (unsigned char *)p->text, 6) == 6)
    (void)mbedtls_ssl_write(&p->ssl, (const unsigned char *)p->text, 6);
  peer_raw_wait_end(p);
}

static void answers(peer *p)
{
  static const char text[] = "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}";
  if (peer_tls_try(p) && mbedtls_ssl_read(&p->ssl, (unsigned char *)p->text, 100) > 0)
    (void)mbedtls_ssl_write(&p->ssl, (const unsigned char *)text, sizeof(text) - 1);
  peer_raw_wait_end(p);
}

static void tunnels_and_answers(peer *p)
{
  /* The client may be gone before it has asked. */
  char c = 0;
  unsigned matched = 0;
  while (matched < 4 && recv(p->fd, &c, 1, 0) == 1)
    matched = c == "\r\n\r\n"[matched] ? matched + 1 : 0;
  if (matched == 4) {
    peer_raw_say(p, "HTTP/1.1 200 OK\r\n\r\n");
    answers(p);
  }
}

static const scenario scenarios[] = {
    {"a connection", CERT_SERVER, echoes, begin_conn, CD_OK},
    {"a connection to a false server", CERT_FOREIGN, echoes, begin_conn, CD_E_DENIED},
    {"a request", CERT_SERVER, answers, begin_post, CD_OK},
    {"a WebSocket through a proxy", CERT_SERVER, tunnels_and_answers, begin_ws, CD_E_UNAVAILABLE},
};

/* ---- each allocation in turn ---- */

static void attempt(const scenario *s, outcome *o)
{
  cd_err err = {0};
  uv_loop_t loop;
  net_tls_config *config = NULL;
  const net_tls_credentials from = {
      .ca = cert_pem(CERT_CA), .certificate = cert_pem(CERT_DEVICE), .key = cert_key(CERT_DEVICE)};
  if (uv_loop_init(&loop) != 0)
    return;
  cd_code rc = net_tls_config_new(&from, &config, &err);
  if (rc == CD_OK)
    rc = s->begin(&loop, config, o, &err);
  net_tls_config_free(config);
  if (rc != CD_OK)
    note_end(o, rc, err.text);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&loop) != 0)
    o->closed = 99;
}

static void check_outcome(const scenario *s, const outcome *o, size_t n)
{
  ck_assert_msg(o->closed == 1, "%s, allocation %zu: its end came %u times", s->what, n, o->closed);
  ck_assert_msg(o->code == CD_OK || o->sentence[0] != '\0', "%s, allocation %zu: no sentence",
                s->what, n);
  ck_assert_msg(!o->opened || s->server == CERT_SERVER, "%s, allocation %zu: it was believed",
                s->what, n);
}

START_TEST(survives_the_failure_of_each_allocation)
{
  const scenario *s = &scenarios[_i];
  peer_process server =
      peer_serve((peer_rules){.certificate = s->server, .asks_client = true}, s->act);
  client_target_set(&to, server.port, "console.test");
  outcome warm = {0};
  attempt(s, &warm); /* what mbedTLS keeps for good it has now */
  ck_assert_msg(warm.code == s->good, "%s: %s", s->what, warm.sentence);
  size_t n = 1;
  for (has_failed = true; has_failed; n += 1 + n / 64) {
    outcome o = {0};
    long before = live;
    fail_at = n;
    has_failed = false;
    attempt(s, &o);
    fail_at = 0;
    long left = live - before; /* Check's own calls count too */
    check_outcome(s, &o, n);
    ck_assert_msg(left == 0, "%s, allocation %zu: %ld are left: %s", s->what, n, left, o.sentence);
    ck_assert_msg(has_failed || o.code == s->good, "%s: %s", s->what, o.sentence);
  }
  ck_assert_uint_gt(n, 500);
  peer_kill(&server);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("net.memory");
  TCase *facts = tcase_create("facts");
  (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours does */
  for (cert_name name = CERT_CA; name < CERT_COUNT; name++)
    (void)cert_of(name);
  tcase_set_timeout(facts, 60);
  tcase_add_loop_test(facts, survives_the_failure_of_each_allocation, 0, COUNT_OF(scenarios));
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int bad = srunner_ntests_failed(runner);
  srunner_free(runner);
  return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
