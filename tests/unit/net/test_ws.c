/* The WebSocket client over TLS against a server that a test scripts: opening, messages, silence,
 * breaches, ends. Other people's servers are in peers.sh. */
#include "client.h"
#include "protocol/ws_handshake.h"
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

#define PATH "/agent/v1"
#define PROTOCOL "cordon.v1"

/* ---- the server's side ---- */

static void read_request(peer *p)
{
  p->text_len = 0;
  peer_tls(p);
  peer_read_to(p, "\r\n\r\n");
}

static void upgrade(peer *p)
{
  static const char key_field[] = "Sec-WebSocket-Key: ";
  char accept[CD_WS_ACCEPT_MAX];
  char answer[512];
  cd_err err = {0};
  read_request(p);
  p->text[p->text_len] = '\0';
  const char *key = strstr(p->text, key_field);
  if (key == NULL || strstr(p->text, "GET " PATH " HTTP/1.1\r\n") != p->text ||
      cd_ws_accept((cd_str){key + sizeof(key_field) - 1, 24}, accept, &err) != CD_OK)
    _exit(2);
  (void)snprintf(answer, sizeof(answer),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: " PROTOCOL "\r\n\r\n",
                 accept);
  peer_say(p, answer);
  p->text_len = 0;
}

static void send_frame(peer *p, cd_ws_opcode opcode, cd_str payload)
{
  cd_buf frame = CD_BUF_INIT(SIZE_MAX);
  if (cd_ws_frame_add(&frame, opcode, true, payload, NULL, NULL) != CD_OK)
    _exit(2);
  peer_send(p, frame.ptr, frame.len);
  cd_buf_release(&frame);
}

static void send_close(peer *p, uint16_t code, const char *reason)
{
  cd_buf frame = CD_BUF_INIT(SIZE_MAX);
  if (cd_ws_close_add(&frame, code, cd_str_from(reason), NULL, NULL) != CD_OK)
    _exit(2);
  peer_send(p, frame.ptr, frame.len);
  cd_buf_release(&frame);
}

static cd_ws_decoder decoder;
static char arrived[16384];
static cd_str rest;

/* The next event of the client. */
static cd_ws_event next(peer *p)
{
  cd_ws_event event = {0};
  if (decoder.role == 0)
    cd_ws_decoder_init(&decoder, CD_WS_SERVER, 1000000);
  for (;;) {
    cd_code rc = rest.len > 0 ? cd_ws_decoder_next(&decoder, &rest, &event, NULL) : CD_E_NOTFOUND;
    if (rc == CD_OK)
      return event;
    if (rc != CD_E_NOTFOUND)
      _exit(3);
    int n = mbedtls_ssl_read(&p->ssl, (unsigned char *)arrived, sizeof(arrived));
    if (n <= 0)
      _exit(4);
    rest = (cd_str){arrived, (size_t)n};
  }
}

static void expect_close(peer *p, uint16_t code)
{
  cd_ws_event event = next(p);
  if (event.type != CD_WS_CLOSE || event.close_code != code) {
    (void)fprintf(stderr, "server: got %d with %u, expected a close with %u\n", (int)event.type,
                  event.close_code, code);
    _exit(5);
  }
}

/* ---- our side ---- */

typedef struct ws_run {
  net_ws *ws;
  uv_loop_t loop;
  net_ws_options options;
  void (*on_open)(struct ws_run *r);
  void (*on_message)(struct ws_run *r, cd_ws_opcode type, cd_str payload);
  void (*on_drained)(struct ws_run *r);
  unsigned opened;
  unsigned messages;
  unsigned drained;
  unsigned closed;
  cd_code code;
  uint16_t close_code;
  uint32_t retry_after_s;
  char sentence[CD_ERR_TEXT_MAX];
  client_target to;
  peer_process server;
} ws_run;

static void on_open(net_ws *ws, void *owner)
{
  ws_run *r = owner;
  ck_assert_ptr_eq(ws, r->ws);
  r->opened++;
  if (r->on_open != NULL)
    r->on_open(r);
}

static void on_message(net_ws *ws, void *owner, cd_ws_opcode type, cd_str payload)
{
  ws_run *r = owner;
  r->messages++;
  if (r->on_message != NULL)
    r->on_message(r, type, payload);
}

static void on_drained(net_ws *ws, void *owner)
{
  ws_run *r = owner;
  r->drained++;
  if (r->on_drained != NULL)
    r->on_drained(r);
}

static void on_closed(net_ws *ws, void *owner, const net_ws_end *end)
{
  ws_run *r = owner;
  r->closed++;
  r->code = end->code;
  r->close_code = end->close_code;
  r->retry_after_s = end->retry_after_s;
  ck_assert_uint_eq(end->was_open, r->opened);
  (void)snprintf(r->sentence, sizeof(r->sentence), "%s", end->sentence);
}

static const net_ws_events events = {
    .on_open = on_open,
    .on_message = on_message,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

static void begin(ws_run *r, void (*act)(peer *p))
{
  r->server = peer_start((peer_rules){.certificate = CERT_SERVER, .asks_client = true}, act);
  client_target_set(&r->to, r->server.port, "console.test");
  r->options.endpoint = r->to.endpoint;
  r->options.path = CD_STR(PATH);
  r->options.protocol = CD_STR(PROTOCOL);
  r->options.agent = CD_STR("cordon/test");
  ck_assert_int_eq(uv_loop_init(&r->loop), 0);
}

static void run(ws_run *r)
{
  cd_err err = {0};
  r->options.tls = client_config(CERT_DEVICE);
  ck_assert_msg(net_ws_open(&r->loop, &r->options, &events, r, &r->ws, &err) == CD_OK, "%s",
                err.text);
  net_tls_config_free(r->options.tls); /* the connection has its own hold */
  ck_assert_uint_eq(r->closed, 0);
  ck_assert_int_eq(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(r->closed, 1);
  ck_assert_int_eq(uv_loop_close(&r->loop), 0);
}

static void close_normally(ws_run *r)
{
  net_ws_close(r->ws, CD_WS_CLOSE_NORMAL, CD_STR("done"));
  net_ws_close(r->ws, CD_WS_CLOSE_NORMAL, CD_STR("twice"));
}

/* ---- messages ---- */

static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 300000};
static char data[300000];

static void echoes(peer *p)
{
  upgrade(p);
  for (;;) {
    cd_ws_event event = next(p);
    if (event.type == CD_WS_CLOSE) {
      send_close(p, event.close_code, "");
      break;
    }
    send_frame(p, event.type, event.payload);
  }
  peer_raw_wait_end(p);
}

static void send_next(ws_run *r)
{
  cd_err err = {0};
  if (r->messages == 2 * COUNT_OF(sizes)) {
    close_normally(r);
    return;
  }
  cd_str payload = {data, sizes[r->messages / 2]};
  cd_code rc = r->messages % 2 == 0 ? net_ws_send_text(r->ws, payload, &err)
                                    : net_ws_send_binary(r->ws, payload, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
}

static void check_echo(ws_run *r, cd_ws_opcode type, cd_str payload)
{
  unsigned i = r->messages - 1;
  ck_assert_int_eq(type, i % 2 == 0 ? CD_WS_TEXT : CD_WS_BINARY);
  ck_assert(cd_str_eq(payload, (cd_str){data, sizes[i / 2]}));
  send_next(r);
}

START_TEST(carries_messages_of_all_sizes_both_ways)
{
  ws_run r = {.on_open = send_next, .on_message = check_echo};
  memset(data, 'x', sizeof(data));
  begin(&r, echoes);
  run(&r);
  ck_assert_msg(r.code == CD_OK && r.close_code == 0, "%s", r.sentence);
  ck_assert_uint_eq(r.messages, 2 * COUNT_OF(sizes));
  peer_finish(&r.server);
}
END_TEST

static void sends_three_and_closes(peer *p)
{
  cd_buf all = CD_BUF_INIT(1000);
  upgrade(p);
  for (int i = 0; i < 3; i++)
    if (cd_ws_frame_add(&all, CD_WS_TEXT, true, (cd_str){&"123"[i], 1}, NULL, NULL) != CD_OK)
      _exit(2);
  peer_send(p, all.ptr, all.len);
  cd_buf_release(&all);
  expect_close(p, CD_WS_CLOSE_NORMAL);
  send_close(p, CD_WS_CLOSE_NORMAL, "");
  peer_raw_wait_end(p);
}

static void on_later(uv_timer_t *timer)
{
  ws_run *r = timer->data;
  ck_assert_uint_le(r->messages, 2);
  net_ws_resume(r->ws);
  uv_close((uv_handle_t *)timer, NULL);
}

static uv_timer_t later[2];

/* Nothing comes until a turn of the loop later it is resumed. The third is the last: who closes
 * does not resume, for what was closed may be gone by then. */
static void pause_for_a_turn(ws_run *r, cd_ws_opcode type, cd_str payload)
{
  ck_assert_uint_eq(payload.len, 1);
  ck_assert_int_eq(payload.ptr[0], '0' + (int)r->messages);
  if (r->messages == 3) {
    close_normally(r);
    return;
  }
  uv_timer_t *timer = &later[r->messages - 1];
  net_ws_pause(r->ws);
  ck_assert_int_eq(uv_timer_init(&r->loop, timer), 0);
  timer->data = r;
  ck_assert_int_eq(uv_timer_start(timer, on_later, 5, 0), 0);
}

START_TEST(holds_messages_back_while_it_is_paused)
{
  ws_run r = {.on_message = pause_for_a_turn};
  begin(&r, sends_three_and_closes);
  run(&r);
  ck_assert_msg(r.code == CD_OK, "%s", r.sentence);
  ck_assert_uint_eq(r.messages, 3);
  peer_finish(&r.server);
}
END_TEST

static void close_at_first(ws_run *r, cd_ws_opcode type, cd_str payload)
{
  cd_err err = {0};
  close_normally(r);
  ck_assert_int_eq(net_ws_send_text(r->ws, CD_STR("late"), &err), CD_E_UNAVAILABLE);
}

START_TEST(hands_out_nothing_after_it_was_closed)
{
  ws_run r = {.on_message = close_at_first};
  begin(&r, sends_three_and_closes);
  run(&r);
  ck_assert_msg(r.code == CD_OK, "%s", r.sentence);
  ck_assert_uint_eq(r.messages, 1);
  peer_finish(&r.server);
}
END_TEST

/* ---- a peer that does not read ---- */

static int gate[2];

static void reads_when_told(peer *p)
{
  char go = 0;
  upgrade(p);
  if (read(gate[0], &go, 1) != 1)
    _exit(2);
  unsigned count = 0;
  while (next(p).type != CD_WS_CLOSE)
    count++;
  send_close(p, CD_WS_CLOSE_NORMAL, "");
  peer_raw_wait_end(p);
  if (count < 100)
    _exit(6);
}

static void fill(ws_run *r)
{
  cd_err err = {0};
  cd_code rc = CD_OK;
  for (int i = 0; rc == CD_OK && i < 10000; i++) {
    rc = net_ws_send_binary(r->ws, (cd_str){data, 10000}, &err);
    ck_assert_uint_le(net_ws_queued(r->ws), r->options.queue_max + 64);
  }
  ck_assert_int_eq(rc, CD_E_LIMIT);
  ck_assert_msg(strstr(err.text, "does not read") != NULL, "%s", err.text);
  ck_assert_int_eq(write(gate[1], "g", 1), 1);
}

static void after_drained(ws_run *r)
{
  cd_err err = {0};
  ck_assert_uint_eq(net_ws_queued(r->ws), 0);
  ck_assert_int_eq(net_ws_send_text(r->ws, CD_STR("it goes on"), &err), CD_OK);
  close_normally(r);
}

START_TEST(refuses_more_than_its_queue_takes_and_goes_on_once_it_is_empty)
{
  ws_run r = {
      .on_open = fill, .on_drained = after_drained, .options = {.queue_max = 2 * 1000 * 1000}};
  ck_assert_int_eq(pipe(gate), 0);
  begin(&r, reads_when_told);
  run(&r);
  ck_assert_msg(r.code == CD_OK, "%s", r.sentence);
  ck_assert_uint_eq(r.drained, 1);
  peer_finish(&r.server);
}
END_TEST

static void send_too_large(ws_run *r)
{
  cd_err err = {0};
  ck_assert_int_eq(net_ws_send_binary(r->ws, (cd_str){data, 1001}, &err), CD_E_LIMIT);
  ck_assert_int_eq(net_ws_send_text(r->ws, CD_STR("\xff"), &err), CD_E_INVALID);
  close_normally(r);
}

START_TEST(refuses_a_message_that_never_fits_or_is_no_text)
{
  ws_run r = {.on_open = send_too_large, .options = {.queue_max = 1000}};
  begin(&r, echoes);
  run(&r);
  ck_assert_msg(r.code == CD_OK, "%s", r.sentence);
  peer_finish(&r.server);
}
END_TEST

/* ---- silence ---- */

static void answers_pings_and_leaves(peer *p)
{
  upgrade(p);
  for (int i = 0; i < 3; i++) {
    cd_ws_event event = next(p);
    if (event.type != CD_WS_PING)
      _exit(5);
    send_frame(p, CD_WS_PONG, event.payload);
  }
  send_frame(p, CD_WS_PING, CD_STR("and you?"));
  cd_ws_event event = next(p);
  while (event.type == CD_WS_PING)
    event = next(p);
  if (event.type != CD_WS_PONG || !cd_str_eq_cstr(event.payload, "and you?"))
    _exit(6);
  send_close(p, CD_WS_CLOSE_GOING_AWAY, "restarting");
  while (next(p).type != CD_WS_CLOSE)
    continue;
  peer_raw_wait_end(p);
}

START_TEST(asks_a_silent_peer_and_answers_when_asked)
{
  ws_run r = {.options = {.ping_ms = 30, .pong_ms = 5000}};
  begin(&r, answers_pings_and_leaves);
  run(&r);
  ck_assert_msg(r.code == CD_OK, "%s", r.sentence);
  ck_assert_uint_eq(r.close_code, CD_WS_CLOSE_GOING_AWAY);
  ck_assert_str_eq(r.sentence, "'console.test' closed the WebSocket with 1001: restarting");
  peer_finish(&r.server);
}
END_TEST

static void is_silent(peer *p)
{
  upgrade(p);
  peer_raw_wait_end(p);
}

START_TEST(leaves_a_peer_that_does_not_answer_a_ping)
{
  ws_run r = {.options = {.ping_ms = 50, .pong_ms = 100}};
  begin(&r, is_silent);
  run(&r);
  ck_assert_int_eq(r.code, CD_E_DEADLINE);
  ck_assert_msg(strstr(r.sentence, "did not answer a ping within 100 ms") != NULL, "%s",
                r.sentence);
  peer_finish(&r.server);
}
END_TEST

START_TEST(does_not_wait_for_ever_for_the_answer_to_its_close)
{
  ws_run r = {.on_open = close_normally, .options = {.close_ms = 100}};
  begin(&r, is_silent);
  run(&r);
  ck_assert_int_eq(r.code, CD_E_DEADLINE);
  ck_assert_str_eq(r.sentence, "'console.test' did not answer the WebSocket close within 100 ms");
  peer_finish(&r.server);
}
END_TEST

/* ---- how the peer ends it ---- */

static void policy(peer *p)
{
  upgrade(p);
  send_close(p, CD_WS_CLOSE_POLICY, "the certificate is revoked");
  expect_close(p, CD_WS_CLOSE_POLICY);
  peer_raw_wait_end(p);
}

static void later_please(peer *p)
{
  upgrade(p);
  send_close(p, CD_WS_CLOSE_TRY_LATER, "");
  expect_close(p, CD_WS_CLOSE_TRY_LATER);
  peer_raw_wait_end(p);
}

static void resets(peer *p)
{
  upgrade(p);
  peer_reset(p);
}

static void ends_in_a_message(peer *p)
{
  upgrade(p);
  peer_send(p,
            "\x81\x05"
            "hal",
            5);
  peer_close_notify(p);
  peer_raw_wait_end(p);
}

static void is_cut_in_a_message(peer *p)
{
  upgrade(p);
  peer_send(p,
            "\x81\x05"
            "hal",
            5);
  (void)shutdown(p->fd, SHUT_WR);
  peer_raw_wait_end(p);
}

static const struct {
  void (*act)(peer *p);
  cd_code code;
  uint16_t close_code;
  const char *says;
} endings[] = {
    {policy, CD_E_DENIED, 1008, "closed the WebSocket with 1008: the certificate is revoked"},
    {later_please, CD_E_UNAVAILABLE, 1013, "closed the WebSocket with 1013"},
    /* libuv makes an end of a reset that comes right behind data. */
    {resets, CD_E_IO, 0, "console.test"},
    {ends_in_a_message, CD_E_IO, 0, "ended the connection without closing the WebSocket"},
    {is_cut_in_a_message, CD_E_IO, 0, "without the end of TLS (close_notify)"},
};

START_TEST(tells_how_the_peer_ended_it)
{
  ws_run r = {0};
  begin(&r, endings[_i].act);
  run(&r);
  ck_assert_msg(r.code == endings[_i].code, "%d: %s", r.code, r.sentence);
  ck_assert_uint_eq(r.close_code, endings[_i].close_code);
  ck_assert_msg(strstr(r.sentence, endings[_i].says) != NULL, "%s", r.sentence);
  ck_assert_uint_eq(r.messages, 0);
  peer_finish(&r.server);
}
END_TEST

/* ---- breaches ---- */

static const struct {
  const char *what;
  const char *bytes;
  size_t len;
  uint16_t code;
} breaches[] = {
    {"a masked frame",
     "\x81\x81"
     "1234"
     "x",
     7, 1002},
    {"opcode 3", "\x83\x00", 2, 1002},
    {"a reserved bit", "\xc1\x00", 2, 1002},
    {"a stray continuation", "\x80\x00", 2, 1002},
    {"a fragmented ping", "\x09\x00", 2, 1002},
    {"a long ping", "\x89\x7e\x00\x7e", 4, 1002},
    {"a length that is not the shortest", "\x81\x7e\x00\x01", 4, 1002},
    {"close code 1005", "\x88\x02\x03\xed", 4, 1002},
    {"no UTF-8", "\x81\x02\xc2\x2a", 4, 1007},
    {"a message too large", "\x82\x7f\x00\x00\x00\x00\x00\x08\x00\x01", 10, 1009},
};
static int breach;

static void breaks_the_rules(peer *p)
{
  upgrade(p);
  peer_send(p, breaches[breach].bytes, breaches[breach].len);
  expect_close(p, breaches[breach].code);
  peer_raw_wait_end(p);
}

START_TEST(tells_a_peer_that_breaks_the_rules_and_leaves)
{
  ws_run r = {0};
  breach = _i;
  begin(&r, breaks_the_rules);
  run(&r);
  ck_assert_int_ne(r.code, CD_OK);
  ck_assert_uint_eq(r.close_code, breaches[_i].code);
  ck_assert_str_ne(r.sentence, "");
  ck_assert_uint_eq(r.messages, 0);
  peer_finish(&r.server);
}
END_TEST

/* ---- an upgrade that does not happen ---- */

static const struct {
  const char *answer;
  cd_code code;
  uint32_t retry_after_s;
  const char *says;
} answers[] = {
    {"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n", CD_E_UNAVAILABLE, 7, "503 Busy"},
    {"HTTP/1.1 403 Forbidden\r\n\r\n", CD_E_DENIED, 0, "403 Forbidden"},
    {"HTTP/1.1 200 OK\r\n\r\n", CD_E_INVALID, 0, "200 OK"},
    {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: "
     "cordon.v1\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
     CD_E_INVALID, 0, "Sec-WebSocket-Accept does not belong to the key"},
    {"HTTP/1.1 101 S\nUpgrade: websocket\n\n\r\n\r\n", CD_E_INVALID, 0, "the console"},
    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", CD_E_INVALID, 0, "the console"},
    {"HTTP/1.1 101 Swit", CD_E_IO, 0, "before it had switched to WebSocket"},
    {"", CD_E_IO, 0, "before it had switched to WebSocket"},
};
static int answer_now;

static void answers_that(peer *p)
{
  read_request(p);
  peer_say(p, answers[answer_now].answer);
  peer_close_notify(p);
  peer_raw_wait_end(p);
}

START_TEST(says_why_there_is_no_websocket)
{
  ws_run r = {0};
  answer_now = _i;
  begin(&r, answers_that);
  run(&r);
  ck_assert_msg(r.code == answers[_i].code, "%d: %s", r.code, r.sentence);
  ck_assert_uint_eq(r.retry_after_s, answers[_i].retry_after_s);
  ck_assert_msg(strstr(r.sentence, answers[_i].says) != NULL, "%s", r.sentence);
  ck_assert_uint_eq(r.opened, 0);
  peer_finish(&r.server);
}
END_TEST

static void talks_for_ever(peer *p)
{
  read_request(p);
  peer_say(p, "HTTP/1.1 101 Switching\r\n");
  for (int i = 0; i < 30; i++) {
    char field[1024];
    (void)snprintf(field, sizeof(field), "X-%d: %0900d\r\n", i, i);
    peer_say(p, field);
  }
  peer_raw_wait_end(p);
}

START_TEST(does_not_read_a_head_without_end)
{
  ws_run r = {0};
  begin(&r, talks_for_ever);
  run(&r);
  ck_assert_int_eq(r.code, CD_E_LIMIT);
  peer_finish(&r.server);
}
END_TEST

static void never_answers(peer *p)
{
  read_request(p);
  peer_raw_wait_end(p);
}

START_TEST(gives_up_at_the_deadline_of_the_opening)
{
  ws_run r = {.options = {.open_ms = 300}};
  begin(&r, never_answers);
  run(&r);
  ck_assert_int_eq(r.code, CD_E_DEADLINE);
  ck_assert_str_eq(r.sentence, "'console.test' did not switch to WebSocket within 300 ms");
  peer_finish(&r.server);
}
END_TEST

START_TEST(can_be_given_up_before_it_is_open)
{
  ws_run r = {0};
  cd_err err = {0};
  begin(&r, peer_raw_wait_end);
  r.options.tls = client_config(CERT_DEVICE);
  ck_assert_int_eq(net_ws_open(&r.loop, &r.options, &events, &r, &r.ws, &err), CD_OK);
  net_tls_config_free(r.options.tls);
  ck_assert_int_eq(net_ws_send_text(r.ws, CD_STR("x"), &err), CD_E_UNAVAILABLE);
  ck_assert_int_eq(uv_run(&r.loop, UV_RUN_ONCE), 1);
  net_ws_close(r.ws, CD_WS_CLOSE_NORMAL, CD_STR(""));
  net_ws_close(r.ws, CD_WS_CLOSE_NORMAL, CD_STR(""));
  ck_assert_uint_eq(r.closed, 0);
  ck_assert_int_eq(uv_run(&r.loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(r.code, CD_E_CANCELLED);
  ck_assert_uint_eq(r.closed, 1);
  ck_assert_int_eq(uv_loop_close(&r.loop), 0);
  peer_finish(&r.server);
}
END_TEST

/* ---- sockets from elsewhere ---- */

START_TEST(takes_over_a_socket_connected_or_not)
{
  ws_run r = {.on_open = close_normally};
  begin(&r, echoes);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fd, 0);
  r.options.endpoint.socket = fd;
  if (_i == 1) {
    ck_assert_int_eq(connect(fd, r.to.endpoint.address, sizeof(r.to.address)), 0);
    r.options.endpoint.address = NULL;
  }
  run(&r);
  ck_assert_msg(r.code == CD_OK, "%s", r.sentence);
  ck_assert_int_eq(close(fd), -1); /* it was taken over, and closed */
  peer_finish(&r.server);
}
END_TEST

static void add_facts(TCase *facts)
{
  tcase_add_test(facts, carries_messages_of_all_sizes_both_ways);
  tcase_add_test(facts, holds_messages_back_while_it_is_paused);
  tcase_add_test(facts, hands_out_nothing_after_it_was_closed);
  tcase_add_test(facts, refuses_more_than_its_queue_takes_and_goes_on_once_it_is_empty);
  tcase_add_test(facts, refuses_a_message_that_never_fits_or_is_no_text);
  tcase_add_test(facts, asks_a_silent_peer_and_answers_when_asked);
  tcase_add_test(facts, leaves_a_peer_that_does_not_answer_a_ping);
  tcase_add_test(facts, does_not_wait_for_ever_for_the_answer_to_its_close);
  tcase_add_loop_test(facts, tells_how_the_peer_ended_it, 0, COUNT_OF(endings));
  tcase_add_loop_test(facts, tells_a_peer_that_breaks_the_rules_and_leaves, 0, COUNT_OF(breaches));
  tcase_add_loop_test(facts, says_why_there_is_no_websocket, 0, COUNT_OF(answers));
  tcase_add_test(facts, does_not_read_a_head_without_end);
  tcase_add_test(facts, gives_up_at_the_deadline_of_the_opening);
  tcase_add_test(facts, can_be_given_up_before_it_is_open);
  tcase_add_loop_test(facts, takes_over_a_socket_connected_or_not, 0, 2);
}

int main(void)
{
  Suite *suite = suite_create("net.ws");
  TCase *facts = tcase_create("facts");
  (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours does */
  for (cert_name name = CERT_CA; name < CERT_COUNT; name++)
    (void)cert_of(name);
  tcase_set_timeout(facts, 30);
  add_facts(facts);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
