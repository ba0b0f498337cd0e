/* A device that speaks broken WebSocket: each is ended with its own connection, and the console
 * goes on. */
#include "device.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static place p;
static char *bearer;
static device good;
static device bad;

static void enrolled(device *d, const char *name)
{
  char token[64];
  device_make(d, name);
  token_new(&p, bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(d, &p, token), 201);
}

static void set_up(void)
{
  place_make(&p);
  place_start(&p);
  bearer = place_app(&p, "tests", "Machine.Read.All,Cordon.Enroll");
  enrolled(&good, "desk-1");
  enrolled(&bad, "desk-2");
}

static void tear_down(void)
{
  device_release(&good);
  device_release(&bad);
  place_stop(&p, SIGTERM);
  place_remove(&p);
  free(bearer);
}

#define MASK "\1\2\3\4"

typedef enum fate {
  ENDS,      /* the connection */
  REFUSED,   /* libwebsockets takes it, the console answers that it is no message */
  UNFINISHED /* it waits, and we hang up */
} fate;

static const struct {
  const char *what;
  const char *bytes;
  size_t len;
  fate fate;
} frames[] = {
    {"a frame without a mask", "\x81\x02{}", 4, REFUSED},
    {"a reserved bit", "\xc1\x82" MASK "\1\2", 8, ENDS},
    {"an unknown opcode", "\x83\x82" MASK "\1\2", 8, ENDS},
    {"an unknown control opcode", "\x8b\x80" MASK, 6, ENDS},
    {"a ping in pieces", "\x09\x80" MASK, 6, ENDS},
    {"a ping of 126 bytes", "\x89\xfe\0\x7e" MASK, 8, ENDS},
    {"a continuation of nothing", "\x80\x80" MASK, 6, ENDS},
    {"a text within a text", "\x01\x81" MASK "x\x01\x81" MASK "x", 14, ENDS},
    {"a length of 2^63", "\x81\xff\x80\0\0\0\0\0\0\0" MASK, 14, ENDS},
    {"a close with half a code", "\x88\x81" MASK "\2", 7, ENDS},
    {"a text that is no UTF-8", "\x81\x82" MASK "\xfe\xfc", 8, REFUSED},
    {"binary", "\x82\x82" MASK "\1\2", 8, ENDS},
    {"HTTP again", "GET / HTTP/1.1\r\n\r\n", 18, ENDS},
    {"half a header", "\x81", 1, UNFINISHED},
    {"half a payload", "\x81\xfe\x10\0" MASK "{", 9, UNFINISHED},
};

static bool says(cd_str text, const char *what)
{
  return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

START_TEST(a_broken_frame_ends_its_connection_alone)
{
  cd_ws_event event = {0};
  device_ready(&good, &p);
  device_ready(&bad, &p);
  ck_assert(tls_write(&bad.ws.tls, frames[_i].bytes, frames[_i].len));
  if (frames[_i].fate == REFUSED) {
    ck_assert(ws_next(&bad.ws, &event));
    ck_assert_msg(event.type == CD_WS_TEXT && says(event.payload, "\"error\":"), "%s: %.*s",
                  frames[_i].what, CD_STR_ARG(event.payload));
  } else if (frames[_i].fate == ENDS && ws_next(&bad.ws, &event)) {
    ck_assert_msg(event.type == CD_WS_CLOSE, "%s: an event of type %d", frames[_i].what,
                  (int)event.type);
  }
  device_disconnect(&bad);
  /* The other one's connection is as it was, and this one's next is good. */
  ck_assert_msg(ws_send(&good.ws, CD_WS_PING, CD_STR("x")) && ws_next(&good.ws, &event), "%s",
                frames[_i].what);
  ck_assert_msg(event.type == CD_WS_PONG, "%s: an event of type %d", frames[_i].what,
                (int)event.type);
  device_ready(&bad, &p);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.frames");
  TCase *t = tcase_create("frames");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 60);
  tcase_add_loop_test(t, a_broken_frame_ends_its_connection_alone, 0,
                      sizeof(frames) / sizeof(frames[0]));
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
