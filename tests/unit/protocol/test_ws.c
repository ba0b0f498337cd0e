/* WebSocket frames: the examples of RFC 6455, every cut between two bytes, and each way in which a
 * peer can break the protocol, with the close code it is told. */
#include "protocol/ws.h"

#include "suite.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 70000u

/* Frames as hex, to bytes; free(). */
static cd_str bytes_of(const char *hex)
{
  size_t len = strlen(hex) / 2;
  char *bytes = malloc(len + 1);
  ck_assert_ptr_nonnull(bytes);
  ck_assert_msg(cd_unhex(bytes, len, cd_str_from(hex)), "%s", hex);
  return (cd_str){bytes, len};
}

/* What a decoder says of the bytes, as words: "text(Hello) ping() close(1000,bye) !1002". Fed in
 * pieces of `step` bytes. */
static void describe(cd_ws_role role, cd_str bytes, size_t step, size_t max, cd_buf *out)
{
  cd_ws_decoder d;
  cd_ws_event e = {0};
  cd_err err = {0};
  cd_code rc = CD_E_NOTFOUND;
  cd_ws_decoder_init(&d, role, max);
  for (size_t at = 0; at < bytes.len && rc == CD_E_NOTFOUND; at += step) {
    cd_str piece = {bytes.ptr + at, bytes.len - at < step ? bytes.len - at : step};
    while ((rc = cd_ws_decoder_next(&d, &piece, &e, &err)) == CD_OK) {
      static const char *const names[] = {[CD_WS_TEXT] = "text",
                                          [CD_WS_BINARY] = "binary",
                                          [CD_WS_CLOSE] = "close",
                                          [CD_WS_PING] = "ping",
                                          [CD_WS_PONG] = "pong"};
      cd_buf_addf(out, "%s%s(", out->len > 0 ? " " : "", names[e.type]);
      if (e.type == CD_WS_CLOSE)
        cd_buf_addf(out, "%u,", e.close_code);
      if (e.payload.len > 100)
        cd_buf_addf(out, "%zu bytes", e.payload.len);
      else
        cd_buf_add_str(out, e.payload);
      cd_buf_add_char(out, ')');
    }
    if (rc == CD_E_NOTFOUND)
      ck_assert_uint_eq(piece.len, 0);
  }
  if (rc != CD_E_NOTFOUND) {
    cd_buf_addf(out, "%s!%u %s", out->len > 0 ? " " : "", cd_ws_decoder_close_code(&d), err.text);
    cd_str nothing = {"", 0};
    ck_assert_int_eq(cd_ws_decoder_next(&d, &nothing, &e, &err), rc);
    ck_assert_str_eq(err.text, "the WebSocket connection has failed already");
  } else if (cd_ws_decoder_pending(&d)) {
    cd_buf_addf(out, "%s...", out->len > 0 ? " " : "");
  }
  cd_ws_decoder_release(&d);
}

static void expect_described(cd_ws_role role, const char *hex, const char *expected)
{
  static const size_t steps[] = {1, 2, 3, 5, 7, 1000000};
  cd_str bytes = bytes_of(hex);
  for (size_t i = 0; i < COUNT_OF(steps); i++) {
    cd_buf got = CD_BUF_INIT(4096);
    describe(role, bytes, steps[i], MESSAGE_MAX, &got);
    ck_assert_msg(strcmp(cd_buf_cstr(&got), expected) == 0,
                  "%s in steps of %zu: '%s', expected '%s'", hex, steps[i], cd_buf_cstr(&got),
                  expected);
    cd_buf_release(&got);
  }
  free((char *)(uintptr_t)bytes.ptr);
}

/* RFC 6455, section 5.7 */
START_TEST(reads_the_examples_of_the_rfc)
{
  expect_described(CD_WS_CLIENT, "810548656c6c6f", "text(Hello)");
  expect_described(CD_WS_SERVER, "818537fa213d7f9f4d5158", "text(Hello)");
  expect_described(CD_WS_CLIENT, "010348656c80026c6f", "text(Hello)");
  expect_described(CD_WS_CLIENT, "890548656c6c6f", "ping(Hello)");
  expect_described(CD_WS_SERVER, "8a8537fa213d7f9f4d5158", "pong(Hello)");
}
END_TEST

static const struct {
  const char *hex;
  const char *expected;
} good[] = {
    {"8100", "text()"},
    {"8200", "binary()"},
    {"8a00", "pong()"},
    {"8800", "close(1005,)"},
    {"880203e8", "close(1000,)"},
    {"880603e962796521", "close(1001,bye!)"},
    {"88020bb8", "close(3000,)"},
    {"88021387", "close(4999,)"},
    /* Control frames within a message, and empty fragments. */
    {"0101618900000162800163", "ping() text(abc)"},
    {"01016100008a01788001628100", "pong(x) text(ab) text()"},
    {"01008000", "text()"},
    {"020161000162800163", "binary(abc)"},
    /* After a close nothing is read any more. */
    {"880203e8810161ffffffff", "close(1000,)"},
    /* What is cut. */
    {"81", "..."},
    {"8105", "..."},
    {"81054865", "..."},
    {"010161", "..."},
    {"810161", "text(a)"},
    {"", ""},
    /* Characters cut between fragments, with a ping within one. */
    {"0101e20001828001ac", "text(\xe2\x82\xac)"},
    {"0102f09f890080029880", "ping() text(\xf0\x9f\x98\x80)"},
    {"8104f09f9880", "text(\xf0\x9f\x98\x80)"},
    {"8104f48fbfbf", "text(\xf4\x8f\xbf\xbf)"},
};

START_TEST(reads_what_the_rfc_allows)
{
  for (size_t i = 0; i < COUNT_OF(good); i++)
    expect_described(CD_WS_CLIENT, good[i].hex, good[i].expected);
}
END_TEST

#define BROKE "the WebSocket peer broke the protocol: "

static const struct {
  cd_ws_role role;
  const char *hex;
  const char *expected;
} bad[] = {
    {CD_WS_CLIENT, "c100", "!1002 " BROKE "a reserved bit is set, and no extension was agreed on"},
    {CD_WS_CLIENT, "a100", "!1002 " BROKE "a reserved bit is set, and no extension was agreed on"},
    {CD_WS_CLIENT, "9100", "!1002 " BROKE "a reserved bit is set, and no extension was agreed on"},
    {CD_WS_CLIENT, "8300", "!1002 " BROKE "an opcode that there is not"},
    {CD_WS_CLIENT, "8700", "!1002 " BROKE "an opcode that there is not"},
    {CD_WS_CLIENT, "8b00", "!1002 " BROKE "an opcode that there is not"},
    {CD_WS_CLIENT, "8f00", "!1002 " BROKE "an opcode that there is not"},
    {CD_WS_CLIENT, "818000000000", "!1002 " BROKE "a server's frame is masked"},
    {CD_WS_SERVER, "8100", "!1002 " BROKE "a client's frame is not masked"},
    {CD_WS_CLIENT, "0900", "!1002 " BROKE "a control frame is fragmented"},
    {CD_WS_CLIENT, "0800", "!1002 " BROKE "a control frame is fragmented"},
    {CD_WS_CLIENT, "897e007e", "!1002 " BROKE "a control frame is longer than 125 bytes"},
    {CD_WS_CLIENT, "887f", "!1002 " BROKE "a control frame is longer than 125 bytes"},
    {CD_WS_CLIENT, "8000", "!1002 " BROKE "a continuation of no message"},
    {CD_WS_CLIENT, "8101618000", "text(a) !1002 " BROKE "a continuation of no message"},
    {CD_WS_CLIENT, "010161810162", "!1002 " BROKE "a message within an unfinished message"},
    {CD_WS_CLIENT, "010161020162", "!1002 " BROKE "a message within an unfinished message"},
    {CD_WS_CLIENT, "817e007d", "!1002 " BROKE "a length is not in its shortest form"},
    {CD_WS_CLIENT, "817f000000000000ffff", "!1002 " BROKE "a length is not in its shortest form"},
    {CD_WS_CLIENT, "817f8000000000000000", "!1002 " BROKE "a length has its highest bit set"},
    {CD_WS_CLIENT, "817fffffffffffffffff", "!1002 " BROKE "a length has its highest bit set"},
    {CD_WS_CLIENT, "827f0000000000011171",
     "!1009 the WebSocket peer sent a message with a frame of 70001 bytes, the limit of a message "
     "is 70000"},
    {CD_WS_CLIENT, "827f7fffffffffffffff",
     "!1009 the WebSocket peer sent a message with a frame of 9223372036854775807 bytes, the limit "
     "of a message is 70000"},
    {CD_WS_CLIENT, "020161007f0000000000011170",
     "!1009 the WebSocket peer sent a message with a frame of 70000 bytes, the limit of a message "
     "is 70000"},
    {CD_WS_CLIENT, "880103", "!1002 " BROKE "a close frame holds half a close code"},
    {CD_WS_CLIENT, "880203e7", "!1002 " BROKE "a close code that may not be sent"},
    {CD_WS_CLIENT, "880203ec", "!1002 " BROKE "a close code that may not be sent"},
    {CD_WS_CLIENT, "880203ed", "!1002 " BROKE "a close code that may not be sent"},
    {CD_WS_CLIENT, "880203ee", "!1002 " BROKE "a close code that may not be sent"},
    {CD_WS_CLIENT, "880203f7", "!1002 " BROKE "a close code that may not be sent"},
    {CD_WS_CLIENT, "88020bb7", "!1002 " BROKE "a close code that may not be sent"},
    {CD_WS_CLIENT, "88021388", "!1002 " BROKE "a close code that may not be sent"},
    {CD_WS_CLIENT, "880403e8c328",
     "!1007 the WebSocket peer sent a close reason that is not UTF-8"},
    {CD_WS_CLIENT, "8102c328", "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    /* Overlong, a surrogate, beyond U+10FFFF, a lone continuation byte, cut at the end. */
    {CD_WS_CLIENT, "8102c080", "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    {CD_WS_CLIENT, "8103e08080", "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    {CD_WS_CLIENT, "8103eda080", "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    {CD_WS_CLIENT, "8104f4908080",
     "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    {CD_WS_CLIENT, "8101ac", "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    {CD_WS_CLIENT, "8102e282", "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    {CD_WS_CLIENT, "0102e282800161",
     "!1007 the WebSocket peer sent a text message that is not UTF-8"},
    /* It shows at once, not at the end of the message. */
    {CD_WS_CLIENT, "0101ff", "!1007 the WebSocket peer sent a text message that is not UTF-8"},
};

START_TEST(each_breach_has_its_sentence_and_its_close_code)
{
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    expect_described(bad[i].role, bad[i].hex, bad[i].expected);
}
END_TEST

START_TEST(binary_messages_are_any_bytes)
{
  cd_ws_decoder d;
  cd_ws_event e = {0};
  cd_err err = {0};
  cd_str bytes = CD_STR("\x82\x03\x00\xff\xc0");
  cd_ws_decoder_init(&d, CD_WS_CLIENT, 100);
  ck_assert_int_eq(cd_ws_decoder_next(&d, &bytes, &e, &err), CD_OK);
  ck_assert_int_eq(e.type, CD_WS_BINARY);
  ck_assert_uint_eq(e.payload.len, 3);
  ck_assert_mem_eq(e.payload.ptr, "\x00\xff\xc0", 3);
  ck_assert_int_eq(cd_ws_decoder_next(&d, &bytes, &e, &err), CD_E_NOTFOUND);
  ck_assert(!cd_ws_decoder_pending(&d));
  cd_ws_decoder_release(&d);
}
END_TEST

/* Writes a message in three fragments with a ping between, and reads it. */
static void round_trip(cd_ws_role sender, size_t len)
{
  static const uint8_t mask[CD_WS_MASK_SIZE] = {0x37, 0xfa, 0x21, 0x3d};
  const uint8_t *key = sender == CD_WS_CLIENT ? mask : NULL;
  cd_ws_role reader = sender == CD_WS_CLIENT ? CD_WS_SERVER : CD_WS_CLIENT;
  cd_err err = {0};
  cd_buf wire = CD_BUF_INIT(4 * MESSAGE_MAX);
  cd_buf text = CD_BUF_INIT(MESSAGE_MAX);
  for (size_t i = 0; i < len; i++)
    cd_buf_add_char(&text, (char)('a' + i % 26));
  cd_str whole = cd_buf_view(&text);
  size_t third = len / 3;
  ck_assert_int_eq(cd_ws_frame_add(&wire, CD_WS_TEXT, true, whole, key, &err), CD_OK);
  ck_assert_int_eq(
      cd_ws_frame_add(&wire, CD_WS_BINARY, false, (cd_str){whole.ptr, third}, key, &err), CD_OK);
  ck_assert_int_eq(cd_ws_frame_add(&wire, CD_WS_PING, true, CD_STR("?"), key, &err), CD_OK);
  ck_assert_int_eq(cd_ws_frame_add(&wire, CD_WS_CONTINUATION, false,
                                   (cd_str){whole.ptr + third, third}, key, &err),
                   CD_OK);
  ck_assert_int_eq(cd_ws_frame_add(&wire, CD_WS_CONTINUATION, true,
                                   (cd_str){whole.ptr + 2 * third, len - 2 * third}, key, &err),
                   CD_OK);
  ck_assert_int_eq(cd_ws_close_add(&wire, CD_WS_CLOSE_NORMAL, CD_STR("bye"), key, &err), CD_OK);
  cd_ws_decoder d;
  cd_ws_event e = {0};
  cd_str input = cd_buf_view(&wire);
  cd_ws_decoder_init(&d, reader, MESSAGE_MAX);
  ck_assert_int_eq(cd_ws_decoder_next(&d, &input, &e, &err), CD_OK);
  ck_assert_int_eq(e.type, CD_WS_TEXT);
  ck_assert(cd_str_eq(e.payload, whole));
  ck_assert_int_eq(cd_ws_decoder_next(&d, &input, &e, &err), CD_OK);
  ck_assert_int_eq(e.type, CD_WS_PING);
  ck_assert(cd_str_eq_cstr(e.payload, "?"));
  ck_assert_int_eq(cd_ws_decoder_next(&d, &input, &e, &err), CD_OK);
  ck_assert_int_eq(e.type, CD_WS_BINARY);
  ck_assert(cd_str_eq(e.payload, whole));
  ck_assert_int_eq(cd_ws_decoder_next(&d, &input, &e, &err), CD_OK);
  ck_assert_int_eq(e.type, CD_WS_CLOSE);
  ck_assert_uint_eq(e.close_code, 1000);
  ck_assert(cd_str_eq_cstr(e.payload, "bye"));
  cd_ws_decoder_release(&d);
  cd_buf_release(&wire);
  cd_buf_release(&text);
}

START_TEST(goes_both_ways_at_every_size_of_header)
{
  static const size_t sizes[] = {0,    1,    3,    125,   126,   127,
                                 1023, 1024, 1025, 65535, 65536, MESSAGE_MAX};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    round_trip(CD_WS_CLIENT, sizes[i]);
    round_trip(CD_WS_SERVER, sizes[i]);
  }
}
END_TEST

START_TEST(lengths_are_written_in_their_shortest_form)
{
  static char data[65536];
  static const struct {
    size_t len;
    const char *header;
  } frames[] = {
      {125, "827d"},
      {126, "827e007e"},
      {65535, "827effff"},
      {65536, "827f0000000000010000"},
  };
  for (size_t i = 0; i < COUNT_OF(frames); i++) {
    cd_err err = {0};
    cd_buf out = CD_BUF_INIT(70000);
    cd_str expected = bytes_of(frames[i].header);
    ck_assert_int_eq(
        cd_ws_frame_add(&out, CD_WS_BINARY, true, (cd_str){data, frames[i].len}, NULL, &err),
        CD_OK);
    ck_assert_uint_eq(out.len, expected.len + frames[i].len);
    ck_assert_mem_eq(out.ptr, expected.ptr, expected.len);
    free((char *)(uintptr_t)expected.ptr);
    cd_buf_release(&out);
  }
}
END_TEST

START_TEST(does_not_write_what_it_would_refuse)
{
  static const char long_reason[] =
      "0123456789012345678901234567890123456789012345678901234567890123456789"
      "0123456789012345678901234567890123456789012345678901\xc3\xa9";
  char data[126] = {0};
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(1000);
  ck_assert_int_eq(
      cd_ws_frame_add(&out, CD_WS_PING, true, (cd_str){data, sizeof(data)}, NULL, &err),
      CD_E_INVALID);
  ck_assert_str_eq(err.text, "a WebSocket control frame of 126 bytes was to be sent, the limit is "
                             "125 in one piece");
  ck_assert_int_eq(cd_ws_frame_add(&out, CD_WS_PONG, false, CD_STR(""), NULL, &err), CD_E_INVALID);
  ck_assert_int_eq(cd_ws_close_add(&out, 1006, CD_STR(""), NULL, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the WebSocket close code 1006 may not be sent");
  ck_assert_uint_eq(out.len, 0);
  ck_assert_int_eq(cd_ws_close_add(&out, CD_WS_CLOSE_NO_STATUS, CD_STR("x"), NULL, &err), CD_OK);
  ck_assert_uint_eq(out.len, 2);
  cd_buf_reset(&out);
  /* 124 bytes, the last two of which are one character. */
  ck_assert_uint_eq(sizeof(long_reason) - 1, 124);
  ck_assert_int_eq(cd_ws_close_add(&out, 1000, cd_str_from(long_reason), NULL, &err), CD_OK);
  ck_assert_uint_eq(out.len, 2 + 2 + 122);
  cd_buf_release(&out);
}
END_TEST

START_TEST(gives_back_the_memory_of_a_large_message)
{
  static char data[60000];
  cd_err err = {0};
  cd_buf wire = CD_BUF_INIT(70000);
  cd_ws_decoder d;
  cd_ws_event e = {0};
  cd_ws_decoder_init(&d, CD_WS_CLIENT, 70000);
  ck_assert_int_eq(
      cd_ws_frame_add(&wire, CD_WS_BINARY, true, (cd_str){data, sizeof(data)}, NULL, &err), CD_OK);
  cd_str input = cd_buf_view(&wire);
  ck_assert_int_eq(cd_ws_decoder_next(&d, &input, &e, &err), CD_OK);
  ck_assert_uint_eq(e.payload.len, sizeof(data));
  ck_assert_int_eq(cd_ws_decoder_next(&d, &input, &e, &err), CD_E_NOTFOUND);
  ck_assert_ptr_null(d.body.ptr);
  cd_ws_decoder_release(&d);
  cd_buf_release(&wire);
}
END_TEST

START_TEST(takes_a_message_of_exactly_the_limit_in_many_fragments)
{
  cd_err err = {0};
  cd_buf wire = CD_BUF_INIT(1000);
  cd_buf got = CD_BUF_INIT(1000);
  for (int i = 0; i < 10; i++)
    ck_assert_int_eq(cd_ws_frame_add(&wire, i == 0 ? CD_WS_TEXT : CD_WS_CONTINUATION, i == 9,
                                     CD_STR("x"), NULL, &err),
                     CD_OK);
  describe(CD_WS_CLIENT, cd_buf_view(&wire), 1, 10, &got);
  ck_assert_str_eq(cd_buf_cstr(&got), "text(xxxxxxxxxx)");
  cd_buf_reset(&got);
  describe(CD_WS_CLIENT, cd_buf_view(&wire), 1, 9, &got);
  ck_assert_str_eq(cd_buf_cstr(&got), "!1009 the WebSocket peer sent a message with a frame of 1 "
                                      "bytes, the limit of a message is 9");
  cd_buf_release(&wire);
  cd_buf_release(&got);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      reads_the_examples_of_the_rfc,
      reads_what_the_rfc_allows,
      each_breach_has_its_sentence_and_its_close_code,
      binary_messages_are_any_bytes,
      goes_both_ways_at_every_size_of_header,
      lengths_are_written_in_their_shortest_form,
      does_not_write_what_it_would_refuse,
      gives_back_the_memory_of_a_large_message,
      takes_a_message_of_exactly_the_limit_in_many_fragments,
  };
  return run_suite("protocol.ws", tests, COUNT_OF(tests));
}
