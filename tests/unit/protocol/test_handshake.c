/* HTTP: the head of an answer to the letter, the WebSocket handshake, and CONNECT through a proxy.
 */
#include "protocol/http_head.h"
#include "protocol/proxy.h"
#include "protocol/secret.h"
#include "protocol/ws_handshake.h"

#include "suite.h"

#include <stdio.h>
#include <string.h>

/* Takes a head in pieces of `step` bytes; what was left of the input is counted. */
static cd_code take(cd_http_head *h, cd_str text, size_t step, size_t *ret_left, cd_err *err)
{
  cd_code rc = CD_E_NOTFOUND;
  size_t at = 0;
  while (at < text.len && rc == CD_E_NOTFOUND) {
    cd_str piece = {text.ptr + at, text.len - at < step ? text.len - at : step};
    size_t before = piece.len;
    rc = cd_http_head_take(h, "the console", &piece, err);
    at += before - piece.len;
  }
  *ret_left = text.len - at;
  return rc;
}

START_TEST(reads_a_head_and_leaves_what_follows)
{
  static const size_t steps[] = {1, 2, 7, 1000};
  cd_str text = CD_STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: a, b\r\n"
                       "x:\tc \r\nEmpty:\r\n\r\n\x81\x00");
  for (size_t i = 0; i < COUNT_OF(steps); i++) {
    cd_http_head h;
    cd_err err = {0};
    cd_str value = {0};
    size_t left = 0;
    char status[CD_HTTP_STATUS_TEXT_MAX];
    cd_http_head_init(&h);
    ck_assert_msg(take(&h, text, steps[i], &left, &err) == CD_OK, "%s", err.text);
    ck_assert_uint_eq(left, 2);
    ck_assert_uint_eq(h.status, 101);
    ck_assert_uint_eq(h.minor, 1);
    ck_assert_uint_eq(h.field_count, 4);
    ck_assert_uint_eq(cd_http_head_find(&h, "UPGRADE", &value), 1);
    ck_assert(cd_str_eq_cstr(value, "websocket"));
    ck_assert_uint_eq(cd_http_head_find(&h, "x", &value), 2);
    ck_assert(cd_str_eq_cstr(value, "a, b"));
    ck_assert_uint_eq(cd_http_head_find(&h, "empty", &value), 1);
    ck_assert_uint_eq(value.len, 0);
    ck_assert_uint_eq(cd_http_head_find(&h, "Y", &value), 0);
    ck_assert(cd_http_head_has_token(&h, "X", "B"));
    ck_assert(cd_http_head_has_token(&h, "X", "c"));
    ck_assert(!cd_http_head_has_token(&h, "X", "d"));
    cd_http_head_status_text(&h, status);
    ck_assert_str_eq(status, "101 Switching Protocols");
    cd_http_head_release(&h);
  }
}
END_TEST

static const struct {
  const char *text;
  unsigned status;
} good[] = {
    {"HTTP/1.0 200 OK\r\n\r\n", 200},
    {"HTTP/1.1 200 \r\n\r\n", 200},
    {"HTTP/1.1 200\r\n\r\n", 200},
    {"HTTP/1.1 407 Proxy Authentication Required\r\nA:b\r\n\r\n", 407},
    {"HTTP/1.9 599 \xc3\xa9\r\n\r\n", 599},
};

START_TEST(reads_what_servers_and_proxies_write)
{
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    cd_http_head h;
    cd_err err = {0};
    size_t left = 0;
    cd_http_head_init(&h);
    ck_assert_msg(take(&h, cd_str_from(good[i].text), 3, &left, &err) == CD_OK, "%s: %s",
                  good[i].text, err.text);
    ck_assert_uint_eq(h.status, good[i].status);
    cd_http_head_release(&h);
  }
}
END_TEST

#define SENT "the console sent an HTTP answer that "
#define NO_STATUS SENT "does not begin with a status line of HTTP/1"
#define NO_CRLF SENT "has a line that does not end with CR LF"
#define NO_FIELD SENT "has a malformed header field"

static const struct {
  const char *text;
  const char *sentence;
} bad[] = {
    {"\r\n\r\n", NO_STATUS},
    {"HTTP/2 200 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.1 20 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.1 2000 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.1 099 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.1 600 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.1  200 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.1\t200 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.x 200 OK\r\n\r\n", NO_STATUS},
    {"HTTP/1.1 200 O\x01K\r\n\r\n", NO_STATUS},
    {"HTTP/1.1 200 O\rK\r\n\r\n", NO_STATUS},
    {"http/1.1 200 OK\r\n\r\n", NO_STATUS},
    {"SSH-2.0-OpenSSH_9\r\n\r\n", NO_STATUS},
    {"HTTP/1.1 200 OK\nA: b\r\n\r\n", NO_CRLF},
    {"HTTP/1.1 200 OK\r\nA: b\n\r\n\r\n", NO_CRLF},
    {"HTTP/1.1 200 OK\r\nA b\r\n\r\n", NO_FIELD},
    {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", NO_FIELD},
    {"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", NO_FIELD},
    {"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", NO_FIELD},
    {"HTTP/1.1 200 OK\r\n: b\r\n\r\n", NO_FIELD},
    {"HTTP/1.1 200 OK\r\nA: b\x7f\r\n\r\n", NO_FIELD},
    {"HTTP/1.1 200 OK\r\nA\xc3: b\r\n\r\n", NO_FIELD},
};

START_TEST(refuses_what_two_readers_could_read_differently)
{
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_http_head h;
    cd_err err = {0};
    size_t left = 0;
    cd_http_head_init(&h);
    cd_code rc = take(&h, cd_str_from(bad[i].text), 5, &left, &err);
    ck_assert_msg(rc == CD_E_INVALID, "%s: %s", bad[i].text, cd_code_name(rc));
    ck_assert_str_eq(err.text, bad[i].sentence);
    cd_str more = CD_STR("x");
    ck_assert_int_eq(cd_http_head_take(&h, "the console", &more, &err), CD_E_INVALID);
    ck_assert_str_eq(err.text, SENT "was refused already");
    cd_http_head_release(&h);
  }
}
END_TEST

START_TEST(a_head_has_its_limits)
{
  cd_http_head h;
  cd_err err = {0};
  size_t left = 0;
  cd_buf text = CD_BUF_INIT(100000);
  cd_buf_add_cstr(&text, "HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 64; i++)
    cd_buf_addf(&text, "A%d: b\r\n", i);
  cd_buf_add_cstr(&text, "\r\n");
  cd_http_head_init(&h);
  ck_assert_int_eq(take(&h, cd_buf_view(&text), 100, &left, &err), CD_OK);
  ck_assert_uint_eq(h.field_count, 64);
  cd_http_head_release(&h);
  text.len -= 2;
  cd_buf_add_cstr(&text, "One: more\r\n\r\n");
  ck_assert_int_eq(take(&h, cd_buf_view(&text), 100, &left, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, SENT "has more than 64 header fields");
  cd_http_head_release(&h);
  cd_buf_reset(&text);
  while (text.len <= CD_HTTP_HEAD_MAX)
    cd_buf_add_char(&text, 'x');
  ck_assert_int_eq(take(&h, cd_buf_view(&text), 100, &left, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, SENT "has a head of more than 16 KiB");
  cd_http_head_release(&h);
  cd_buf_release(&text);
}
END_TEST

START_TEST(knows_how_long_to_wait)
{
  static const struct {
    const char *field;
    uint32_t seconds;
  } answers[] = {
      {"Retry-After: 120", 120},
      {"Retry-After: 99999999999999999999", 0},
      {"Retry-After: 999999", 3600},
      {"Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", 0},
      {"Retry-After: -1", 0},
      {"Other: 1", 0},
      {"Retry-After: 1\r\nRetry-After: 2", 0},
  };
  for (size_t i = 0; i < COUNT_OF(answers); i++) {
    cd_http_head h;
    cd_err err = {0};
    size_t left = 0;
    char text[200];
    (void)snprintf(text, sizeof(text), "HTTP/1.1 503 Busy\r\n%s\r\n\r\n", answers[i].field);
    cd_http_head_init(&h);
    ck_assert_int_eq(take(&h, cd_str_from(text), 1000, &left, &err), CD_OK);
    ck_assert_uint_eq(cd_http_head_retry_after_s(&h), answers[i].seconds);
    cd_http_head_release(&h);
  }
}
END_TEST

static cd_ws_request sample_request(void)
{
  return (cd_ws_request){.host = CD_STR("console.example"),
                         .port = 443,
                         .path = CD_STR("/agent"),
                         .key = CD_STR("dGhlIHNhbXBsZSBub25jZQ=="),
                         .protocol = CD_STR("cordon.v1"),
                         .agent = CD_STR("Cordon/0.1.0")};
}

START_TEST(key_and_accept_are_those_of_the_rfc)
{
  char key[CD_WS_KEY_MAX];
  char accept[CD_WS_ACCEPT_MAX];
  cd_err err = {0};
  cd_ws_key((const uint8_t *)"the sample nonce", key);
  ck_assert_str_eq(key, "dGhlIHNhbXBsZSBub25jZQ==");
  ck_assert_int_eq(cd_ws_accept(cd_str_from(key), accept, &err), CD_OK);
  ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
END_TEST

START_TEST(asks_for_a_websocket)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  cd_ws_request r = sample_request();
  ck_assert_int_eq(cd_ws_request_write(&r, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "GET /agent HTTP/1.1\r\n"
                                      "Host: console.example\r\n"
                                      "Upgrade: websocket\r\n"
                                      "Connection: Upgrade\r\n"
                                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                      "Sec-WebSocket-Version: 13\r\n"
                                      "Sec-WebSocket-Protocol: cordon.v1\r\n"
                                      "User-Agent: Cordon/0.1.0\r\n\r\n");
  cd_buf_reset(&out);
  r.host = CD_STR("2001:db8::1");
  r.port = 8443;
  r.agent = (cd_str){0};
  ck_assert_int_eq(cd_ws_request_write(&r, &out, &err), CD_OK);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&out), "\r\nHost: [2001:db8::1]:8443\r\n"));
  ck_assert_ptr_null(strstr(cd_buf_cstr(&out), "User-Agent"));
  cd_buf_release(&out);
}
END_TEST

START_TEST(no_line_can_be_smuggled_into_a_request)
{
  static const char host[] = "the console's host is no name and no address";
  static const char path[] = "the console's path must begin with '/' and be of at most 1024 "
                             "printable characters";
  static const char protocol[] = "the WebSocket subprotocol must be one word";
  const struct {
    const char *host;
    const char *path;
    const char *protocol;
    const char *agent;
    const char *key;
    const char *sentence;
  } wrong[] = {
      {"a\r\nX: y", "/", "p", "", NULL, host},
      {"a b", "/", "p", "", NULL, host},
      {"", "/", "p", "", NULL, host},
      {"a:b", "/", "p", "", NULL, NULL}, /* hex digits and a colon: an address, as far as is seen */
      {"g:b", "/", "p", "", NULL, host},
      {"a/b", "/", "p", "", NULL, host},
      {"fe80::1%eth0", "/", "p", "", NULL, host},
      {"a", "", "p", "", NULL, path},
      {"a", "x", "p", "", NULL, path},
      {"a", "/ HTTP/1.1\r\n", "p", "", NULL, path},
      {"a", "/\xc3\xa9", "p", "", NULL, path},
      {"a", "/", "", "", NULL, protocol},
      {"a", "/", "p,q", "", NULL, protocol},
      {"a", "/", "p q", "", NULL, protocol},
      {"a", "/", "p", "a\r\nb", NULL, "the user agent must be of at most 128 printable characters"},
      {"a", "/", "p", "", "short", "a WebSocket key is 16 bytes in base64"},
      {"a", "/", "p", "", "dGhlIHNhbXBsZSBub25jZQ", "a WebSocket key is 16 bytes in base64"},
  };
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    cd_err err = {0};
    cd_buf out = CD_BUF_INIT(4096);
    cd_ws_request r = sample_request();
    r.host = cd_str_from(wrong[i].host);
    r.path = cd_str_from(wrong[i].path);
    r.protocol = cd_str_from(wrong[i].protocol);
    r.agent = cd_str_from(wrong[i].agent);
    if (wrong[i].key != NULL)
      r.key = cd_str_from(wrong[i].key);
    cd_code rc = cd_ws_request_write(&r, &out, &err);
    if (wrong[i].sentence != NULL) {
      ck_assert_msg(rc == CD_E_INVALID, "%zu: %s", i, cd_code_name(rc));
      ck_assert_str_eq(err.text, wrong[i].sentence);
      ck_assert_uint_eq(out.len, 0);
    } else {
      ck_assert_int_eq(rc, CD_OK);
    }
    cd_buf_release(&out);
  }
}
END_TEST

#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define NOT_WEBSOCKET                                                                              \
  "the console switched protocols, but not to WebSocket: Upgrade or Connection does not say so"
#define NOT_THE_KEY                                                                                \
  "the console's WebSocket answer is to another request: Sec-WebSocket-Accept does not belong to " \
  "the key"

static const struct {
  const char *text;
  cd_code code;
  const char *sentence;
} answers[] = {
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: cordon.v1\r\n\r\n", CD_OK, ""},
    {"HTTP/1.1 101 ok\r\nupgrade: WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n"
     "Sec-WebSocket-Protocol: cordon.v1\r\nserver: x\r\n" ACCEPT "\r\n",
     CD_OK, ""},
    {"HTTP/1.1 403 Forbidden\r\n\r\n", CD_E_DENIED,
     "the console answered '403 Forbidden' instead of switching to WebSocket"},
    {"HTTP/1.1 401 No\r\n\r\n", CD_E_DENIED,
     "the console answered '401 No' instead of switching to WebSocket"},
    {"HTTP/1.1 503 Service Unavailable\r\n\r\n", CD_E_UNAVAILABLE,
     "the console answered '503 Service Unavailable' instead of switching to WebSocket"},
    {"HTTP/1.1 429\r\n\r\n", CD_E_UNAVAILABLE,
     "the console answered '429' instead of switching to WebSocket"},
    {"HTTP/1.1 200 OK\r\n\r\n", CD_E_INVALID,
     "the console answered '200 OK' instead of switching to WebSocket"},
    {"HTTP/1.1 302 \xe2\x82\xac\r\n\r\n", CD_E_INVALID,
     "the console answered '302 ?"
     "?"
     "?' instead of switching to WebSocket"},
    {"HTTP/1.0 101 Switching\r\n\r\n", CD_E_INVALID,
     "the console's WebSocket answer is not HTTP/1.1"},
    {"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n\r\n", CD_E_INVALID, NOT_WEBSOCKET},
    {"HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", CD_E_INVALID, NOT_WEBSOCKET},
    {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n", CD_E_INVALID,
     NOT_WEBSOCKET},
    {SWITCH ACCEPT "\r\n", CD_E_INVALID, "the console does not speak 'cordon.v1'"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: cordon.v2\r\n\r\n", CD_E_INVALID,
     "the console does not speak 'cordon.v1'"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: Cordon.V1\r\n\r\n", CD_E_INVALID,
     "the console does not speak 'cordon.v1'"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: cordon.v1\r\nSec-WebSocket-Protocol: cordon.v1\r\n\r\n",
     CD_E_INVALID, "the console does not speak 'cordon.v1'"},
    {SWITCH ACCEPT "Sec-WebSocket-Protocol: cordon.v1\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
     CD_E_INVALID, "the console uses a WebSocket extension that was not offered"},
    {SWITCH "Sec-WebSocket-Protocol: cordon.v1\r\n\r\n", CD_E_INVALID, NOT_THE_KEY},
    {SWITCH "Sec-WebSocket-Protocol: cordon.v1\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n\r\n",
     CD_E_INVALID, NOT_THE_KEY},
    {SWITCH "Sec-WebSocket-Protocol: cordon.v1\r\n" ACCEPT ACCEPT "\r\n", CD_E_INVALID,
     NOT_THE_KEY},
};

START_TEST(takes_only_the_answer_to_what_it_asked)
{
  for (size_t i = 0; i < COUNT_OF(answers); i++) {
    cd_http_head h;
    cd_err err = {0};
    size_t left = 0;
    cd_ws_request r = sample_request();
    cd_http_head_init(&h);
    ck_assert_int_eq(cd_ws_response_check(&h, &r, &err), CD_E_INTERNAL);
    err = (cd_err){0};
    ck_assert_msg(take(&h, cd_str_from(answers[i].text), 10, &left, &err) == CD_OK, "%s", err.text);
    cd_code rc = cd_ws_response_check(&h, &r, &err);
    ck_assert_msg(rc == answers[i].code, "%s: %s", answers[i].text, cd_code_name(rc));
    ck_assert_str_eq(err.text, answers[i].sentence);
    cd_http_head_release(&h);
  }
}
END_TEST

START_TEST(asks_a_proxy_with_and_without_credentials)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  cd_proxy_request r = {.host = CD_STR("console.example"), .port = 443};
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "CONNECT console.example:443 HTTP/1.1\r\n"
                                      "Host: console.example:443\r\n\r\n");
  cd_buf_reset(&out);
  /* The example of RFC 7617, section 2. */
  r = (cd_proxy_request){.host = CD_STR("2001:db8::1"),
                         .port = 8443,
                         .has_credentials = true,
                         .user = CD_STR("Aladdin"),
                         .password = CD_STR("open sesame"),
                         .agent = CD_STR("Cordon/0.1.0")};
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out),
                   "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n"
                   "Host: [2001:db8::1]:8443\r\n"
                   "User-Agent: Cordon/0.1.0\r\n"
                   "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
  cd_buf_wipe(&out);
  ck_assert_ptr_null(out.ptr);
}
END_TEST

START_TEST(refuses_what_a_proxy_request_cannot_carry)
{
  static char large[CD_PROXY_SECRET_MAX + 1];
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  memset(large, 'x', sizeof(large));
  const cd_proxy_request good_one = {.host = CD_STR("c"),
                                     .port = 1,
                                     .has_credentials = true,
                                     .user = {large, 256},
                                     .password = {large, 256}};
  cd_proxy_request r = good_one;
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_OK);
  cd_buf_wipe(&out);
  r.password.len++;
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, "the proxy's user name or password has more than 256 bytes");
  r = good_one;
  r.user = CD_STR("a:b");
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the proxy's user name has a colon, which Basic cannot carry");
  r = good_one;
  r.password = CD_STR("a\r\nb");
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the proxy's user name or password has a control character");
  r = good_one;
  r.host = CD_STR("a b");
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_E_INVALID);
  r = good_one;
  r.port = 0;
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_E_INVALID);
  r = good_one;
  r.agent = CD_STR("a\nb");
  ck_assert_int_eq(cd_proxy_request_write(&r, &out, &err), CD_E_INVALID);
  ck_assert_uint_eq(out.len, 0);
}
END_TEST

static const struct {
  const char *text;
  bool with_credentials;
  cd_code code;
  const char *sentence;
} proxies[] = {
    {"HTTP/1.0 200 Connection established\r\n\r\n", false, CD_OK, ""},
    {"HTTP/1.1 299 x\r\nContent-Length: 17\r\n\r\n", false, CD_OK, ""},
    {"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", false, CD_E_DENIED,
     "the proxy asks for a user name and a password, and none are configured (407)"},
    {"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate, basic realm=\"x\"\r\n\r\n", true,
     CD_E_DENIED, "the proxy refused the user name and password it was given (407)"},
    {"HTTP/1.1 401 No\r\n\r\n", true, CD_E_DENIED,
     "the proxy refused the user name and password it was given (401)"},
    {"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n", false,
     CD_E_DENIED,
     "the proxy asks for a way to authenticate other than Basic, which is the only one known here "
     "(407)"},
    {"HTTP/1.1 407 No\r\n\r\n", true, CD_E_DENIED,
     "the proxy asks for a way to authenticate other than Basic, which is the only one known here "
     "(407)"},
    {"HTTP/1.1 403 Filtered\r\n\r\n", false, CD_E_DENIED,
     "the proxy would not connect to console.example: it answered '403 Filtered'"},
    {"HTTP/1.1 502 Bad Gateway\r\n\r\n", false, CD_E_UNAVAILABLE,
     "the proxy would not connect to console.example: it answered '502 Bad Gateway'"},
    {"HTTP/1.1 429 Slow\r\n\r\n", false, CD_E_UNAVAILABLE,
     "the proxy would not connect to console.example: it answered '429 Slow'"},
    {"HTTP/1.1 301 Moved\r\n\r\n", false, CD_E_INVALID,
     "the proxy would not connect to console.example: it answered '301 Moved'"},
    {"HTTP/1.1 101 x\r\n\r\n", false, CD_E_INVALID,
     "the proxy would not connect to console.example: it answered '101 x'"},
};

START_TEST(tells_a_proxys_answers_apart)
{
  for (size_t i = 0; i < COUNT_OF(proxies); i++) {
    cd_http_head h;
    cd_err err = {0};
    size_t left = 0;
    cd_proxy_request r = {.host = CD_STR("console.example"),
                          .port = 443,
                          .has_credentials = proxies[i].with_credentials};
    cd_http_head_init(&h);
    ck_assert_int_eq(cd_proxy_response_check(&h, &r, &err), CD_E_INTERNAL);
    err = (cd_err){0};
    ck_assert_msg(take(&h, cd_str_from(proxies[i].text), 10, &left, &err) == CD_OK, "%s", err.text);
    cd_code rc = cd_proxy_response_check(&h, &r, &err);
    ck_assert_msg(rc == proxies[i].code, "%s: %s", proxies[i].text, cd_code_name(rc));
    ck_assert_str_eq(err.text, proxies[i].sentence);
    cd_http_head_release(&h);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      reads_a_head_and_leaves_what_follows,
      reads_what_servers_and_proxies_write,
      refuses_what_two_readers_could_read_differently,
      a_head_has_its_limits,
      knows_how_long_to_wait,
      key_and_accept_are_those_of_the_rfc,
      asks_for_a_websocket,
      no_line_can_be_smuggled_into_a_request,
      takes_only_the_answer_to_what_it_asked,
      asks_a_proxy_with_and_without_credentials,
      refuses_what_a_proxy_request_cannot_carry,
      tells_a_proxys_answers_apart,
  };
  return run_suite("protocol.handshake", tests, COUNT_OF(tests));
}
