/* Each exit code, of the program itself; the whole map of statuses is in test_response.c. */
#include "play.h"
#include "samples.h"
#include "suites.h"

#include <string.h>

#define ANSWER(payload) ((const play_step[]){{PLAY_RESPONSE, (payload), 0}, {PLAY_END, NULL, 0}})

START_TEST(zero_when_done_and_proven)
{
  play p = {.script = ANSWER(SAMPLE_ISOLATED)};
  PLAY(&p, 0, "local", "isolate");
  play_release(&p);
}
END_TEST

START_TEST(one_when_the_action_failed)
{
  play p = {.script = ANSWER(
                SAMPLE_ACTION("isolate", "Failed", "\"io\"", "\"the kernel said no\"", "null"))};
  PLAY(&p, 1, "local", "isolate");
  HAS(&p.err, "cordon: the isolation failed: the kernel said no\n");
  HAS(&p.out, "Status      Failed, io");
  HAS_NOT(&p.out, "Isolated:");
  PLAY(&p, 1, "local", "isolate", "--json");
  HAS(&p.out, "\"status\":\"Failed\"");
  ck_assert_uint_eq(p.err.len, 0);
  play_release(&p);
}
END_TEST

START_TEST(two_when_the_command_line_makes_no_sense)
{
  play p = {.script = NULL};
  PLAY(&p, 2, "local", "isolate", "now");
  play_release(&p);
}
END_TEST

START_TEST(three_when_there_is_no_agent)
{
  play p = {.server = PLAY_SERVER_ABSENT};
  PLAY(&p, 3, "local", "status");
  HAS(&p.err, "cordon: cannot reach the agent at /");
  HAS(&p.err, "is cordond running?\n");
  PLAY(&p, 3, "local", "isolate", "--json");
  HAS(&p.out, "{\"error\":{\"status\":\"unavailable\",\"sentence\":\"cannot reach the agent at ");
  ck_assert_uint_eq(p.err.len, 0);
  p.server = PLAY_SERVER_STALE;
  PLAY(&p, 3, "local", "status");
  HAS(&p.err, "is cordond running?\n");
  play_release(&p);
}
END_TEST

START_TEST(four_when_not_allowed)
{
  play p = {.script = ANSWER(SAMPLE_ERROR("denied", "user 'x' may not ask for 'isolate'"))};
  PLAY(&p, 4, "local", "isolate");
  ck_assert_str_eq(cd_buf_cstr(&p.err), "cordon: user 'x' may not ask for 'isolate'\n");
  PLAY(&p, 4, "local", "isolate", "--json");
  ck_assert_str_eq(
      cd_buf_cstr(&p.out),
      "{\"error\":{\"status\":\"denied\",\"sentence\":\"user 'x' may not ask for 'isolate'\"}}\n");
  play_release(&p);
}
END_TEST

START_TEST(five_when_refused_before_anything_changed)
{
  play p = {.script = ANSWER(SAMPLE_ERROR("unavailable", "no provider"))};
  PLAY(&p, 5, "local", "isolate");
  ck_assert_str_eq(cd_buf_cstr(&p.err), "cordon: no provider\n");
  p.script =
      ANSWER(SAMPLE_ACTION("isolate", "Failed", "\"unsupported\"", "\"no ranges here\"", "null"));
  PLAY(&p, 5, "local", "isolate");
  play_release(&p);
}
END_TEST

START_TEST(six_when_it_goes_on_without_us)
{
  static const play_step script[] = {{PLAY_EVENT, SAMPLE_EVENT_ACTION, 0}, {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 6, "local", "isolate", "--timeout", "1");
  ck_assert_str_eq(
      cd_buf_cstr(&p.err),
      "cordon: the agent did not answer within 1 s; the isolation goes on as action " SAMPLE_ID
      "\n");
  PLAY(&p, 6, "local", "release", "--timeout", "1", "--json");
  ck_assert_str_eq(
      cd_buf_cstr(&p.out),
      "{\"error\":{\"status\":\"deadline\",\"sentence\":\"the agent did not answer within 1 s; "
      "the release goes on as action " SAMPLE_ID "\",\"action\":\"" SAMPLE_ID "\"}}\n");
  play_release(&p);
}
END_TEST

START_TEST(seven_when_changed_but_not_proven)
{
  play p = {.script = ANSWER(
                SAMPLE_ACTION("isolate", "Failed", "\"unverified\"", "\"a probe passed\"",
                              "{\"verify\":{\"holds\":false,\"probes\":" SAMPLE_PROBES "}}"))};
  PLAY(&p, 7, "local", "isolate");
  HAS(&p.err, "cordon: the isolation failed: a probe passed\n");
  HAS(&p.out, "icmp6   2001:db8::1     inconclusive   7 -> 7        no route\n");
  HAS_NOT(&p.out, "Isolated:");
  play_release(&p);
}
END_TEST

Suite *suite_exit(void)
{
  Suite *s = suite_create("ctl.exit");
  TCase *tc = tcase_create("exit");
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, zero_when_done_and_proven);
  tcase_add_test(tc, one_when_the_action_failed);
  tcase_add_test(tc, two_when_the_command_line_makes_no_sense);
  tcase_add_test(tc, three_when_there_is_no_agent);
  tcase_add_test(tc, four_when_not_allowed);
  tcase_add_test(tc, five_when_refused_before_anything_changed);
  tcase_add_test(tc, six_when_it_goes_on_without_us);
  tcase_add_test(tc, seven_when_changed_but_not_proven);
  suite_add_tcase(s, tc);
  return s;
}
