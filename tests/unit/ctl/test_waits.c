/* Every wait has an end: the connection, the answer, an interrupt. */
#include "play.h"
#include "samples.h"
#include "suites.h"

#include <signal.h>
#include <string.h>

START_TEST(a_connection_that_is_not_taken)
{
  play p = {.server = PLAY_SERVER_BUSY};
  PLAY(&p, 3, "local", "isolate");
  HAS(&p.err, "did not take the connection within 3 s");
  ck_assert_uint_ge(p.took_ms, 2900);
  play_release(&p);
}
END_TEST

START_TEST(a_queue_that_is_full_for_a_moment)
{
  static const play_step script[] = {{PLAY_RESPONSE, SAMPLE_OK("{\"lifted\":0}"), 0},
                                     {PLAY_END, NULL, 0}};
  play p = {.server = PLAY_SERVER_BUSY_FIRST, .script = script};
  PLAY(&p, 0, "local", "unquarantine", "x");
  ck_assert_int_eq(p.requests, 1);
  play_release(&p);
}
END_TEST

START_TEST(an_agent_that_never_answers)
{
  play p = {.script = NULL};
  PLAY(&p, 3, "local", "status", "--timeout", "1");
  ck_assert_str_eq(cd_buf_cstr(&p.err), "cordon: the agent did not answer within 1 s\n");
  ck_assert_uint_ge(p.took_ms, 950);
  PLAY(&p, 6, "local", "unquarantine", "x", "--timeout", "1");
  PLAY(&p, 6, "local", "isolate", "--timeout", "1");
  HAS(&p.err, "whether it accepted the isolation is not known, 'cordon local actions' tells\n");
  play_release(&p);
}
END_TEST

START_TEST(steps_do_not_put_the_end_off)
{
  static const play_step script[] = {{PLAY_EVENT, SAMPLE_EVENT_ACTION, 0},
                                     {PLAY_EVENT, SAMPLE_EVENT_STEP("apply", 0, 0, "null"), 0},
                                     {PLAY_RAW, "CDN1\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40{", 21},
                                     {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 6, "local", "isolate", "--timeout", "5");
  HAS(&p.err, "goes on as action " SAMPLE_ID);
  play_release(&p);
}
END_TEST

START_TEST(an_interrupt_says_that_it_goes_on)
{
  play_step script[] = {{PLAY_EVENT, SAMPLE_EVENT_ACTION, 0},
                        {PLAY_EVENT, SAMPLE_EVENT_STEP("recorded", 1, 1, "null"), 0},
                        {PLAY_AWAIT, "recorded", 0},
                        {PLAY_SIGNAL, NULL, _i == 0 ? SIGINT : SIGTERM},
                        {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 6, "local", "isolate");
  HAS(&p.err,
      "cordon: interrupted while waiting for the agent; the isolation goes on as action " SAMPLE_ID
      "\n");
  play_release(&p);
}
END_TEST

/* The second comes while the agent is asked to cancel: the script runs for each request. */
START_TEST(a_second_interrupt_has_words_too)
{
  static const play_step script[] = {{PLAY_EVENT, SAMPLE_EVENT_ACTION, 0},
                                     {PLAY_EVENT, SAMPLE_EVENT_STEP("recorded", 1, 1, "null"), 0},
                                     {PLAY_AWAIT, "recorded", 0},
                                     {PLAY_SIGNAL, NULL, SIGINT},
                                     {PLAY_END, NULL, 0}};
  static const char goes_on[] = " was to be cancelled, or goes on, as action " SAMPLE_ID
                                ": interrupted while waiting for the agent\n";
  play p = {.script = script};
  PLAY(&p, 6, "local", "collect", "-o", "@package.zip");
  HAS(&p.err, goes_on);
  ck_assert_int_eq(p.requests, 2);
  PLAY(&p, 6, "local", "scan", "--quick");
  HAS(&p.err, goes_on);
  ck_assert_int_eq(p.requests, 2);
  play_release(&p);
}
END_TEST

/* What could only fail in the end is said before anything is asked. */
START_TEST(a_package_goes_into_no_device)
{
  play p = {.script = NULL};
  PLAY(&p, 2, "local", "collect", "-o", "/dev/full", "--overwrite");
  HAS(&p.err, "/dev/full is not a regular file");
  ck_assert_int_eq(p.connections, 0);
  play_release(&p);
}
END_TEST

START_TEST(an_agent_that_goes_away_in_the_middle)
{
  static const play_step script[] = {
      {PLAY_EVENT, SAMPLE_EVENT_ACTION, 0}, {PLAY_CLOSE, NULL, 0}, {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 6, "local", "isolate");
  HAS(&p.err, "the agent closed the connection without an answer; the isolation goes on as "
              "action " SAMPLE_ID "\n");
  play_release(&p);
}
END_TEST

START_TEST(a_socket_path_that_is_too_long)
{
  char path[256];
  play p = {.socket = path};
  memset(path, 'x', sizeof(path) - 1);
  path[0] = '/';
  path[sizeof(path) - 1] = '\0';
  PLAY(&p, 2, "local", "status");
  HAS(&p.err, "the path of the control socket is 255 bytes, the limit is 107");
  play_release(&p);
}
END_TEST

Suite *suite_waits(void)
{
  Suite *s = suite_create("ctl.waits");
  TCase *tc = tcase_create("waits");
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, a_connection_that_is_not_taken);
  tcase_add_test(tc, a_queue_that_is_full_for_a_moment);
  tcase_add_test(tc, an_agent_that_never_answers);
  tcase_add_test(tc, steps_do_not_put_the_end_off);
  tcase_add_loop_test(tc, an_interrupt_says_that_it_goes_on, 0, 2);
  tcase_add_test(tc, a_second_interrupt_has_words_too);
  tcase_add_test(tc, a_package_goes_into_no_device);
  tcase_add_test(tc, an_agent_that_goes_away_in_the_middle);
  tcase_add_test(tc, a_socket_path_that_is_too_long);
  suite_add_tcase(s, tc);
  return s;
}
