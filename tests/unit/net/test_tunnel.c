/* A connection through a proxy that a test scripts, which is the server behind it as well. A real
 * proxy is in peers.sh. */
#include "client.h"
#include "suite.h"

#include "net/tunnel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

static const net_proxy with_credentials = {
    .has_credentials = true, .user = CD_STR_INIT("user"), .password = CD_STR_INIT("s3cret:word")};
static const net_proxy without = {0};

static const char *expected;

static void expect_connect(peer *p)
{
  peer_raw_read_to(p, "\r\n\r\n");
  cd_str text = {p->text, p->text_len};
  if (!cd_str_eq_cstr(text, expected)) {
    (void)fprintf(stderr, "proxy: another request: %.*s\n", CD_STR_ARG(text));
    _exit(2);
  }
  p->text_len = 0;
}

static void lets_through(peer *p)
{
  expect_connect(p);
  /* In pieces, and with a length that a tunnel does not have. */
  peer_raw_say(p, "HTTP/1.1 200 Connec");
  peer_raw_say(p, "tion established\r\nContent-Length: 10\r\n\r");
  peer_raw_say(p, "\n");
  peer_tls(p);
  peer_read_to(p, "\n");
  peer_send(p, p->text, p->text_len);
  peer_raw_wait_end(p);
}

static const struct {
  const char *host;
  const net_proxy *proxy;
  const char *request;
} tunnels[] = {
    {"console.test", &without,
     "CONNECT console.test:8443 HTTP/1.1\r\nHost: console.test:8443\r\n\r\n"},
    {"console.test", &with_credentials,
     "CONNECT console.test:8443 HTTP/1.1\r\nHost: console.test:8443\r\n"
     "Proxy-Authorization: Basic dXNlcjpzM2NyZXQ6d29yZA==\r\n\r\n"},
    {"::1", &without, "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"},
};

START_TEST(reaches_a_server_through_a_proxy)
{
  client_target to;
  net_tls_config *config = client_config(CERT_DEVICE);
  expected = tunnels[_i].request;
  peer_process server =
      peer_start((peer_rules){.certificate = CERT_SERVER, .asks_client = true}, lets_through);
  client_target_set(&to, server.port, tunnels[_i].host);
  to.endpoint.port = 8443;
  to.endpoint.proxy = tunnels[_i].proxy;
  client_told told = client_run(&to, config, 0, "hello\n", "\n");
  ck_assert_msg(told.code == CD_OK, "%s", told.sentence);
  ck_assert_uint_eq(told.text_len, 6);
  peer_finish(&server);
  net_tls_config_free(config);
}
END_TEST

/* ---- what a proxy may do instead ---- */

#define BASIC "Proxy-Authenticate: Basic realm=\"x\"\r\n"

static const struct {
  const char *answer;
  const net_proxy *proxy;
  cd_code code;
  const char *says;
} refusals[] = {
    {"HTTP/1.1 407 Who\r\n" BASIC "\r\n", &without, CD_E_DENIED, "none are configured (407)"},
    {"HTTP/1.1 407 Who\r\n" BASIC "\r\n", &with_credentials, CD_E_DENIED,
     "refused the user name and password"},
    {"HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\n\r\n", &with_credentials, CD_E_DENIED,
     "other than Basic"},
    {"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nforbidden", &without, CD_E_DENIED,
     "the proxy would not connect to console.test: it answered '403 No'"},
    {"HTTP/1.1 502 Bad Gateway\r\n\r\n", &without, CD_E_UNAVAILABLE, "502 Bad Gateway"},
    {"HTTP/1.1 200 OK\r\n\r\nsurprise", &without, CD_E_INVALID,
     "sent 8 bytes behind its answer before anything was asked"},
    {"SSH-2.0-OpenSSH\r\n\r\n", &without, CD_E_INVALID, "the proxy"},
    {"HTTP/1.1 200 OK\r\n", &without, CD_E_IO,
     "the proxy ended the connection before it had answered"},
    {"", &without, CD_E_IO, "the proxy ended the connection before it had answered"},
};
static int refusal;

static void refuses(peer *p)
{
  peer_raw_read_to(p, "\r\n\r\n");
  peer_raw_say(p, refusals[refusal].answer);
  (void)shutdown(p->fd, SHUT_WR);
  peer_raw_wait_end(p);
}

START_TEST(says_what_a_proxy_did_instead)
{
  client_target to;
  net_tls_config *config = client_config(CERT_DEVICE);
  refusal = _i;
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, refuses);
  client_target_set(&to, server.port, "console.test");
  to.endpoint.proxy = refusals[_i].proxy;
  client_told told = client_run(&to, config, 0, "hello\n", "\n");
  ck_assert_msg(told.code == refusals[_i].code, "%d: %s", told.code, told.sentence);
  ck_assert_msg(strstr(told.sentence, refusals[_i].says) != NULL, "%s", told.sentence);
  ck_assert_msg(strstr(told.sentence, "s3cret") == NULL, "%s", told.sentence);
  ck_assert(!told.opened);
  peer_finish(&server);
  net_tls_config_free(config);
}
END_TEST

static void resets(peer *p)
{
  peer_raw_read_to(p, "\r\n\r\n");
  peer_reset(p);
}

START_TEST(says_that_a_proxy_reset_the_connection)
{
  client_target to;
  net_tls_config *config = client_config(CERT_DEVICE);
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, resets);
  client_target_set(&to, server.port, "console.test");
  to.endpoint.proxy = &with_credentials;
  client_told told = client_run(&to, config, 0, NULL, NULL);
  ck_assert_int_eq(told.code, CD_E_IO);
  ck_assert_str_eq(told.sentence,
                   "the proxy ended the connection before it had answered: connection reset by "
                   "peer");
  peer_finish(&server);
  net_tls_config_free(config);
}
END_TEST

START_TEST(does_not_wait_for_a_silent_proxy_for_ever)
{
  client_target to;
  net_tls_config *config = client_config(CERT_DEVICE);
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, peer_raw_wait_end);
  client_target_set(&to, server.port, "console.test");
  to.endpoint.proxy = &without;
  client_told told = client_run(&to, config, 2000, NULL, NULL);
  ck_assert_int_eq(told.code, CD_E_DEADLINE);
  ck_assert_str_eq(told.sentence,
                   "the proxy's answer about 'console.test' took longer than 2000 ms");
  peer_finish(&server);
  net_tls_config_free(config);
}
END_TEST

static void asks_for_patience(peer *p)
{
  peer_raw_read_to(p, "\r\n\r\n");
  peer_raw_say(p, "HTTP/1.1 503 Full\r\nRetry-After: 12\r\n\r\n");
  peer_raw_wait_end(p);
}

static void on_done(void *owner, const net_https_answer *answer)
{
  ck_assert_int_eq(answer->code, CD_E_UNAVAILABLE);
  ck_assert_uint_eq(answer->retry_after_s, 12);
  *(bool *)owner = true;
}

START_TEST(passes_on_for_how_long_a_proxy_asks_for_patience)
{
  client_target to;
  uv_loop_t loop;
  net_https *https = NULL;
  bool done = false;
  cd_err err = {0};
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, asks_for_patience);
  client_target_set(&to, server.port, "console.test");
  to.endpoint.proxy = &without;
  net_https_request request = {
      .endpoint = to.endpoint, .tls = client_config(CERT_COUNT), .path = CD_STR("/")};
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(net_https_post(&loop, &request, on_done, &done, &https, &err), CD_OK);
  net_tls_config_free(request.tls);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert(done);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  peer_finish(&server);
}
END_TEST

typedef struct early {
  int done;
  cd_code code;
  uv_pipe_t stream;
} early;

static void on_early(void *owner, cd_code code, const char *sentence, uint32_t retry_after_s)
{
  early *e = owner;
  (void)sentence;
  (void)retry_after_s;
  e->done++;
  e->code = code;
}

/* So much that nothing more goes out. Returns how much. */
static size_t fill(int fd)
{
  static const char block[4096];
  size_t filled = 0;
  for (;;) {
    ssize_t sent = send(fd, block, sizeof(block), MSG_DONTWAIT);
    if (sent < 0)
      return filled;
    filled += (size_t)sent;
  }
}

static void read_off(int fd, char *to, size_t len)
{
  for (size_t at = 0; at < len;) {
    ssize_t got = recv(fd, to, len - at > 4096 ? 4096 : len - at, 0);
    ck_assert_int_gt(got, 0);
    at += (size_t)got;
  }
}

START_TEST(an_answer_counts_when_the_request_is_out)
{
  static const char request[] = "CONNECT console.test:8443 HTTP/1.1\r\n";
  static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
  const cd_proxy_request asked = {.host = CD_STR("console.test"), .port = 8443};
  char text[4096];
  int ends[2];
  uv_loop_t loop;
  net_tunnel *tunnel = NULL;
  cd_err err = {0};
  early e = {.done = 0};
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  size_t filled = fill(ends[0]);
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(uv_pipe_init(&loop, &e.stream, 0), 0);
  ck_assert_int_eq(uv_pipe_open(&e.stream, ends[0]), 0);
  ck_assert_int_eq(net_tunnel_start((uv_stream_t *)&e.stream, &asked, on_early, &e, &tunnel, &err),
                   CD_OK);
  ck_assert_int_eq(send(ends[1], answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
  (void)uv_run(&loop, UV_RUN_ONCE);
  (void)uv_run(&loop, UV_RUN_NOWAIT);
  ck_assert_int_eq(e.done, 0);
  read_off(ends[1], text, filled);
  while (e.done == 0 && uv_run(&loop, UV_RUN_ONCE) != 0)
    continue;
  ck_assert_int_eq(e.done, 1);
  ck_assert_int_eq(e.code, CD_OK);
  ck_assert_int_ge(recv(ends[1], text, sizeof(text), 0), (ssize_t)sizeof(request) - 1);
  ck_assert_int_eq(memcmp(text, request, sizeof(request) - 1), 0);
  net_tunnel_free(tunnel);
  uv_close((uv_handle_t *)&e.stream, NULL);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  (void)close(ends[1]);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("net.tunnel");
  TCase *facts = tcase_create("facts");
  (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours does */
  for (cert_name name = CERT_CA; name < CERT_COUNT; name++)
    (void)cert_of(name);
  tcase_set_timeout(facts, 30);
  tcase_add_loop_test(facts, reaches_a_server_through_a_proxy, 0, COUNT_OF(tunnels));
  tcase_add_loop_test(facts, says_what_a_proxy_did_instead, 0, COUNT_OF(refusals));
  tcase_add_test(facts, says_that_a_proxy_reset_the_connection);
  tcase_add_test(facts, does_not_wait_for_a_silent_proxy_for_ever);
  tcase_add_test(facts, an_answer_counts_when_the_request_is_out);
  tcase_add_test(facts, passes_on_for_how_long_a_proxy_asks_for_patience);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
