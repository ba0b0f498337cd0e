/* The codec under test at one end of a WebSocket: `ours server N` serves N connections as an echo
 * server and prints its port first; `ours client PORT [all]` checks an echo server, with `all` also
 * that it closes without a code, and that it refuses what we send wrong in the way that we would:
 * libwebsockets ends the connection without a word in those cases.
 *
 * The echo server, which peer.mjs and lws_peer.c are too, sends each message back, but a text
 *   "ping"               makes it ping, and answer the pong with the text "pong: WHAT"
 *   "fragments TEXT"     makes it send TEXT in frames of one byte
 *   "close [CODE REASON]" makes it close. */
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIXED "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"

/* ---- the server ---- */

static void send_fragments(conn *c, cd_str text)
{
  for (size_t i = 0; i < text.len; i++)
    conn_send(c, i == 0 ? CD_WS_TEXT : CD_WS_CONTINUATION, i + 1 == text.len,
              (cd_str){text.ptr + i, 1});
}

static void close_as_asked(conn *c, cd_str words)
{
  uint64_t code = CD_WS_CLOSE_NO_STATUS;
  char reason[CD_WS_REASON_MAX + 1];
  cd_str number = cd_str_cut(&words, ' ');
  (void)cd_str_to_u64(number, 4999, &code);
  (void)cd_str_copy(reason, sizeof(reason), words);
  conn_send_close(c, (uint16_t)code, reason);
}

static void answer(conn *c, const cd_ws_event *e)
{
  cd_str text = e->payload;
  if (e->type == CD_WS_TEXT && cd_str_eq_cstr(text, "ping")) {
    conn_send(c, CD_WS_PING, true, CD_STR("are you there"));
  } else if (e->type == CD_WS_TEXT && cd_str_starts(text, CD_STR("fragments "))) {
    send_fragments(c, (cd_str){text.ptr + 10, text.len - 10});
  } else if (e->type == CD_WS_TEXT && cd_str_starts(text, CD_STR("close"))) {
    (void)cd_str_cut(&text, ' ');
    close_as_asked(c, text);
  } else {
    conn_send(c, e->type, true, text);
  }
}

static void pong_text(conn *c, cd_str payload)
{
  cd_buf text = CD_BUF_INIT(1000);
  cd_buf_add_cstr(&text, "pong: ");
  cd_buf_add_str(&text, payload);
  conn_send(c, CD_WS_TEXT, true, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void serve_one(conn *c)
{
  cd_ws_event e = {0};
  bool closed = false;
  for (;;) {
    conn_got got = conn_next(c, &e);
    if (got == CONN_ENDED)
      return;
    if (got == CONN_BROKEN) {
      conn_send_close(c, cd_ws_decoder_close_code(&c->decoder), "refused");
      return;
    }
    if (e.type == CD_WS_CLOSE) {
      (void)printf("closed: %u %.*s\n", e.close_code, CD_STR_ARG(e.payload));
      if (!closed)
        conn_send_close(c, e.close_code, "");
      return;
    }
    closed = closed || (e.type == CD_WS_TEXT && cd_str_starts(e.payload, CD_STR("close")));
    if (e.type == CD_WS_PING)
      conn_send(c, CD_WS_PONG, true, e.payload);
    else if (e.type == CD_WS_PONG)
      pong_text(c, e.payload);
    else
      answer(c, &e);
  }
}

static void serve(int connections)
{
  uint16_t port = 0;
  int listener = conn_listen(&port);
  (void)printf("%u\n", port);
  (void)fflush(stdout);
  for (int i = 0; i < connections; i++) {
    conn c;
    conn_accept(listener, &c);
    serve_one(&c);
    conn_close(&c);
    (void)fflush(stdout);
  }
  (void)close(listener);
}

/* ---- the client ---- */

static void expect_message(conn *c, cd_ws_opcode type, cd_str payload, const char *what)
{
  cd_ws_event e = {0};
  check(conn_next(c, &e) == CONN_EVENT && e.type == type && cd_str_eq(e.payload, payload),
        "%s: got type %d with %zu bytes, expected type %d with %zu", what, (int)e.type,
        e.payload.len, (int)type, payload.len);
}

static void check_sizes(conn *c)
{
  static const size_t sizes[] = {0, 1, 125, 126, 127, 1000, 65535, 65536, 300000};
  static char data[300000];
  for (size_t i = 0; i < sizeof(data); i++)
    data[i] = (char)('a' + i % 26);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    cd_str text = {data, sizes[i]};
    conn_send(c, CD_WS_TEXT, true, text);
    expect_message(c, CD_WS_TEXT, text, "the echo of a text");
    data[0] = '\xff';
    conn_send(c, CD_WS_BINARY, true, text);
    expect_message(c, CD_WS_BINARY, text, "the echo of bytes");
    data[0] = 'a';
  }
}

static void check_fragments(conn *c)
{
  cd_str text = CD_STR(MIXED);
  for (size_t i = 0; i < text.len; i++) {
    conn_send(c, i == 0 ? CD_WS_TEXT : CD_WS_CONTINUATION, i + 1 == text.len,
              (cd_str){text.ptr + i, 1});
    if (i == 3) {
      conn_send(c, CD_WS_PING, true, CD_STR("in between"));
      expect_message(c, CD_WS_PONG, CD_STR("in between"), "the pong within a message");
    }
  }
  expect_message(c, CD_WS_TEXT, text, "the echo of fragments");
  conn_send(c, CD_WS_TEXT, true, CD_STR("fragments " MIXED));
  expect_message(c, CD_WS_TEXT, text, "what came in fragments");
}

static void check_ping(conn *c)
{
  conn_send(c, CD_WS_TEXT, true, CD_STR("ping"));
  expect_message(c, CD_WS_PING, CD_STR("are you there"), "the ping");
  conn_send(c, CD_WS_PONG, true, CD_STR("are you there"));
  expect_message(c, CD_WS_TEXT, CD_STR("pong: are you there"), "the answer to the pong");
}

static void expect_closed(conn *c, uint16_t code, const char *reason, const char *what)
{
  cd_ws_event e = {0};
  check(conn_next(c, &e) == CONN_EVENT && e.type == CD_WS_CLOSE, "%s: no close came", what);
  check(e.close_code == code, "%s: closed with %u, expected %u", what, e.close_code, code);
  check(reason == NULL || cd_str_eq_cstr(e.payload, reason), "%s: another reason", what);
}

static void check_closes(uint16_t port)
{
  conn c;
  conn_connect(port, &c);
  conn_send(&c, CD_WS_TEXT, true, CD_STR("close 4001 because"));
  expect_closed(&c, 4001, "because", "a close from there");
  conn_send_close(&c, 4001, "");
  conn_close(&c);

  conn_connect(port, &c);
  conn_send_close(&c, CD_WS_CLOSE_NORMAL, "bye");
  expect_closed(&c, CD_WS_CLOSE_NORMAL, NULL, "the answer to a close");
  cd_ws_event e = {0};
  check(conn_next(&c, &e) == CONN_ENDED, "the stream goes on after both closes");
  conn_close(&c);
}

static void expect_breach(uint16_t port, const char *bytes, size_t len, uint16_t code)
{
  conn c;
  conn_connect(port, &c);
  conn_send_raw(&c, bytes, len);
  expect_closed(&c, code, NULL, "a breach");
  conn_close(&c);
}

#define MASK "\x01\x02\x03\x04"

static void check_breaches(uint16_t port)
{
  conn c;
  static char large[PEER_MESSAGE_MAX + 1];
  expect_breach(port, "\x81\x01z", 3, CD_WS_CLOSE_PROTOCOL_ERROR);                /* not masked */
  expect_breach(port, "\x83\x80" MASK, 6, CD_WS_CLOSE_PROTOCOL_ERROR);            /* opcode 3 */
  expect_breach(port, "\xc1\x80" MASK, 6, CD_WS_CLOSE_PROTOCOL_ERROR);            /* RSV1 */
  expect_breach(port, "\x80\x80" MASK, 6, CD_WS_CLOSE_PROTOCOL_ERROR);            /* stray */
  expect_breach(port, "\x09\x80" MASK, 6, CD_WS_CLOSE_PROTOCOL_ERROR);            /* cut ping */
  expect_breach(port, "\x89\xfe\x00\x7e" MASK, 8, CD_WS_CLOSE_PROTOCOL_ERROR);    /* long ping */
  expect_breach(port, "\x88\x81" MASK "\x02", 7, CD_WS_CLOSE_PROTOCOL_ERROR);     /* half a code */
  expect_breach(port, "\x88\x82" MASK "\x02\xef", 8, CD_WS_CLOSE_PROTOCOL_ERROR); /* 1005 */
  expect_breach(port, "\x81\x82" MASK "\xc2\x2a", 8, CD_WS_CLOSE_BAD_DATA);       /* no UTF-8 */
  conn_connect(port, &c);
  conn_send(&c, CD_WS_BINARY, true, (cd_str){large, sizeof(large)});
  expect_closed(&c, CD_WS_CLOSE_TOO_BIG, NULL, "a message that is too large");
  conn_close(&c);
}

static void ask(uint16_t port, bool all)
{
  conn c;
  conn_connect(port, &c);
  check_sizes(&c);
  check_fragments(&c);
  check_ping(&c);
  if (all) {
    conn_send(&c, CD_WS_TEXT, true, CD_STR("close"));
    expect_closed(&c, CD_WS_CLOSE_NO_STATUS, "", "a close without a code");
  }
  conn_close(&c);
  check_closes(port);
  if (all)
    check_breaches(port);
}

int main(int argc, char **argv)
{
  uint64_t number = 0;
  check(argc >= 3 && cd_str_to_u64(cd_str_from(argv[2]), 65535, &number),
        "usage: ours server CONNECTIONS | ours client PORT [all]");
  if (strcmp(argv[1], "server") == 0)
    serve((int)number);
  else
    ask((uint16_t)number, argc > 3);
  return 0;
}
