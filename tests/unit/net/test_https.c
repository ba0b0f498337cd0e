/* One HTTPS request against a server that a test scripts: answers of all kinds, whole and broken.
 */
#include "client.h"
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

#define BODY "{\"token\":\"t\"}"

typedef struct post_run {
  uv_loop_t loop;
  client_target to;
  net_https_request request;
  net_https *https;
  unsigned done;
  cd_code code;
  unsigned status;
  bool is_json;
  uint32_t retry_after_s;
  char sentence[CD_ERR_TEXT_MAX];
  char body[256];
  size_t body_len;
} post_run;

static void on_done(void *owner, const net_https_answer *answer)
{
  post_run *r = owner;
  r->done++;
  r->code = answer->code;
  r->status = answer->status;
  r->is_json = answer->is_json;
  r->retry_after_s = answer->retry_after_s;
  r->body_len = answer->body.len;
  (void)cd_str_copy(r->body, sizeof(r->body), answer->body);
  (void)snprintf(r->sentence, sizeof(r->sentence), "%s",
                 answer->sentence != NULL ? answer->sentence : "");
}

static void prepare(post_run *r, uint16_t port)
{
  client_target_set(&r->to, port, "console.test");
  r->request.endpoint = r->to.endpoint;
  r->request.path = CD_STR("/api/cordon/enroll");
  r->request.body = CD_STR(BODY);
  r->request.agent = CD_STR("cordon/test");
  r->request.tls = client_config(CERT_COUNT);
  ck_assert_int_eq(uv_loop_init(&r->loop), 0);
}

static void post(post_run *r)
{
  cd_err err = {0};
  ck_assert_msg(net_https_post(&r->loop, &r->request, on_done, r, &r->https, &err) == CD_OK, "%s",
                err.text);
  net_tls_config_free(r->request.tls);
  ck_assert_uint_eq(r->done, 0);
}

static void finish(post_run *r)
{
  ck_assert_int_eq(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(r->done, 1);
  ck_assert_int_eq(uv_loop_close(&r->loop), 0);
}

/* ---- answers ---- */

static const struct {
  const char *answer;
  bool cut; /* ends without close_notify */
  cd_code code;
  unsigned status;
  bool is_json;
  uint32_t retry_after_s;
  const char *text; /* the body, or what the sentence says */
} answers[] = {
    {"HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\n"
     "Content-Length: 12\r\n\r\n{\"device\":1}",
     false, CD_OK, 201, true, 0, "{\"device\":1}"},
    {"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", true, CD_OK, 201, false, 0, "{}"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: Application/JSON\r\n"
     "content-length: 2\r\n\r\n{}",
     false, CD_OK, 200, true, 0, "{}"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\nA\r\n0123456789\r\n"
     "0\r\nX-Trailer: 1\r\n\r\n",
     false, CD_OK, 200, false, 0, "abc0123456789"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", false, CD_OK, 200, false, 0,
     ""},
    {"HTTP/1.0 200 OK\r\n\r\nuntil the end", false, CD_OK, 200, false, 0, "until the end"},
    {"HTTP/1.1 204 No Content\r\n\r\n", false, CD_OK, 204, false, 0, ""},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nused", false, CD_OK, 403, false, 0,
     "used"},
    {"HTTP/1.1 429 Slow\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n", false, CD_OK, 429, false,
     9, ""},
    {"HTTP/1.0 200 OK\r\n\r\nuntil the e", true, CD_E_IO, 0, false, 0,
     "without the end of TLS (close_notify)"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf", false, CD_E_IO, 0, false, 0,
     "in the middle of its answer"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf", false, CD_E_IO, 0, false, 0,
     "in the middle of its answer"},
    {"HTTP/1.1 200 OK\r\nContent-Le", false, CD_E_IO, 0, false, 0, "before it had answered"},
    {"", false, CD_E_IO, 0, false, 0, "before it had answered"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n", false, CD_E_LIMIT, 0, false, 0,
     "larger than 262144 bytes"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40001\r\n", false, CD_E_LIMIT, 0, false,
     0, "larger than 262144 bytes"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", false,
     CD_E_INVALID, 0, false, 0, "both Content-Length and Transfer-Encoding"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", false, CD_E_INVALID, 0,
     false, 0, "more than once"},
    {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", false, CD_E_INVALID, 0, false, 0,
     "Content-Length is no number"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false, CD_E_INVALID, 0, false,
     0, "another than chunked"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n", false, CD_E_INVALID, 0, false,
     0, "no hexadecimal number"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n", false,
     CD_E_INVALID, 0, false, 0, "too many digits"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", false, CD_E_INVALID, 0,
     false, 0, "longer than its size"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\n", false, CD_E_INVALID, 0, false,
     0, "does not end with CR LF"},
    {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", false, CD_E_INVALID, 0, false, 0, "unasked"},
    {"220 mail.example ESMTP\r\n\r\n", false, CD_E_INVALID, 0, false, 0, "the server"},
};
static int now;
static bool one_by_one;

static void expect_request(peer *p)
{
  static const char begins[] = "POST /api/cordon/enroll HTTP/1.1\r\nHost: console.test:";
  static const char ends[] = "User-Agent: cordon/test\r\nAccept: application/json\r\n"
                             "Content-Type: application/json\r\nContent-Length: 13\r\n"
                             "Connection: close\r\n\r\n" BODY;
  peer_tls(p);
  peer_read_to(p, BODY);
  cd_str text = {p->text, p->text_len};
  if (!cd_str_starts(text, cd_str_from(begins)) || !cd_str_ends(text, cd_str_from(ends))) {
    (void)fprintf(stderr, "another request: %.*s\n", CD_STR_ARG(text));
    _exit(2);
  }
}

/* A client that has all it wants, or refuses what it got, may be gone already. */
static void say(peer *p, const char *text, size_t len)
{
  size_t step = one_by_one ? 1 : len;
  for (size_t at = 0; at < len; at += step)
    if (mbedtls_ssl_write(&p->ssl, (const unsigned char *)text + at, step) <= 0)
      return;
}

static void answers_that(peer *p)
{
  expect_request(p);
  say(p, answers[now].answer, strlen(answers[now].answer));
  if (!answers[now].cut)
    (void)mbedtls_ssl_close_notify(&p->ssl);
  (void)shutdown(p->fd, SHUT_WR);
  peer_raw_wait_end(p);
}

static void check_answer(int row)
{
  post_run r = {0};
  now = row;
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, answers_that);
  prepare(&r, server.port);
  post(&r);
  finish(&r);
  ck_assert_msg(r.code == answers[row].code, "row %d: %d: %s", row, r.code, r.sentence);
  ck_assert_uint_eq(r.status, answers[row].status);
  ck_assert_int_eq(r.is_json, answers[row].is_json);
  ck_assert_uint_eq(r.retry_after_s, answers[row].retry_after_s);
  if (r.code == CD_OK)
    ck_assert_str_eq(r.body, answers[row].text);
  else
    ck_assert_msg(strstr(r.sentence, answers[row].text) != NULL, "row %d: %s", row, r.sentence);
  peer_finish(&server);
}

START_TEST(reads_an_answer_to_the_letter)
{
  check_answer(_i);
}
END_TEST

START_TEST(reads_it_byte_by_byte_too)
{
  one_by_one = true;
  check_answer(_i);
}
END_TEST

static size_t body_size;

static void sends_a_large_body(peer *p)
{
  static char bytes[NET_BODY_MAX + 1];
  expect_request(p);
  memset(bytes, 'b', sizeof(bytes));
  say(p, "HTTP/1.1 200 OK\r\n\r\n", 19);
  for (size_t at = 0; at < body_size; at += 8192)
    say(p, bytes + at, body_size - at < 8192 ? body_size - at : 8192);
  (void)mbedtls_ssl_close_notify(&p->ssl);
  peer_raw_wait_end(p);
}

START_TEST(takes_a_body_up_to_its_ceiling_and_not_one_byte_more)
{
  post_run r = {0};
  body_size = NET_BODY_MAX + (size_t)_i;
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, sends_a_large_body);
  prepare(&r, server.port);
  post(&r);
  finish(&r);
  ck_assert_int_eq(r.code, _i == 0 ? CD_OK : CD_E_LIMIT);
  ck_assert_uint_eq(r.body_len, _i == 0 ? NET_BODY_MAX : 0);
  peer_finish(&server);
}
END_TEST

/* ---- no answer ---- */

static void never_answers(peer *p)
{
  expect_request(p);
  peer_raw_wait_end(p);
}

START_TEST(does_not_wait_for_ever)
{
  post_run r = {.request = {.deadline_ms = 300}};
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, never_answers);
  prepare(&r, server.port);
  post(&r);
  finish(&r);
  ck_assert_int_eq(r.code, CD_E_DEADLINE);
  ck_assert_str_eq(r.sentence, "'console.test' did not answer the request within 300 ms");
  peer_finish(&server);
}
END_TEST

START_TEST(can_be_given_up)
{
  post_run r = {0};
  peer_process server = peer_start((peer_rules){.certificate = CERT_SERVER}, peer_raw_wait_end);
  prepare(&r, server.port);
  post(&r);
  net_https_cancel(r.https);
  net_https_cancel(r.https);
  finish(&r);
  ck_assert_int_eq(r.code, CD_E_CANCELLED);
  peer_finish(&server);
}
END_TEST

static void tries_a_handshake(peer *p)
{
  if (peer_tls_try(p) && mbedtls_ssl_read(&p->ssl, (unsigned char *)p->text, 1) > 0)
    _exit(3); /* the token was told to a server that nobody believes */
}

START_TEST(tells_nothing_to_a_server_that_it_does_not_believe)
{
  post_run r = {0};
  peer_process server = peer_start((peer_rules){.certificate = CERT_FOREIGN}, tries_a_handshake);
  prepare(&r, server.port);
  post(&r);
  finish(&r);
  ck_assert_int_eq(r.code, CD_E_DENIED);
  ck_assert_msg(strstr(r.sentence, "does not come from the pinned CA") != NULL, "%s", r.sentence);
  peer_finish(&server);
}
END_TEST

START_TEST(refuses_a_request_that_could_smuggle_a_line)
{
  static char large[NET_REQUEST_BODY_MAX + 1];
  static const cd_str paths[] = {CD_STR_INIT(""), CD_STR_INIT("x"), CD_STR_INIT("/a b"),
                                 CD_STR_INIT("/a\r\nX: y")};
  post_run r = {0};
  cd_err err = {0};
  prepare(&r, 443);
  for (size_t i = 0; i < COUNT_OF(paths); i++) {
    r.request.path = paths[i];
    ck_assert_int_eq(net_https_post(&r.loop, &r.request, on_done, &r, &r.https, &err),
                     CD_E_INVALID);
  }
  r.request.path = CD_STR("/");
  r.request.agent = CD_STR("a\nb");
  ck_assert_int_eq(net_https_post(&r.loop, &r.request, on_done, &r, &r.https, &err), CD_E_INVALID);
  r.request.agent = CD_STR("");
  r.request.body = (cd_str){large, sizeof(large)};
  ck_assert_int_eq(net_https_post(&r.loop, &r.request, on_done, &r, &r.https, &err), CD_E_LIMIT);
  net_tls_config_free(r.request.tls);
  ck_assert_uint_eq(r.done, 0);
  ck_assert_int_eq(uv_loop_close(&r.loop), 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("net.https");
  TCase *facts = tcase_create("facts");
  (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours does */
  for (cert_name name = CERT_CA; name < CERT_COUNT; name++)
    (void)cert_of(name);
  tcase_set_timeout(facts, 30);
  tcase_add_loop_test(facts, reads_an_answer_to_the_letter, 0, COUNT_OF(answers));
  tcase_add_loop_test(facts, reads_it_byte_by_byte_too, 0, COUNT_OF(answers));
  tcase_add_loop_test(facts, takes_a_body_up_to_its_ceiling_and_not_one_byte_more, 0, 2);
  tcase_add_test(facts, does_not_wait_for_ever);
  tcase_add_test(facts, can_be_given_up);
  tcase_add_test(facts, tells_nothing_to_a_server_that_it_does_not_believe);
  tcase_add_test(facts, refuses_a_request_that_could_smuggle_a_line);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
