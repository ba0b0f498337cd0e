/* Steps on standard error: lines, a live line, JSON; and when there is colour. */
#include "play.h"
#include "samples.h"
#include "suites.h"

#include <string.h>

static const play_step isolation[] = {
    {PLAY_EVENT, SAMPLE_EVENT_ACTION, 0},
    {PLAY_EVENT, SAMPLE_EVENT_STEP("recorded", 1, 1, "null"), 0},
    {PLAY_EVENT, SAMPLE_EVENT_STEP("provider", 0, 0, "\"org.cordon.nftables\""), 0},
    {PLAY_EVENT, "{\"event\":\"from the future\"}", 0},
    {PLAY_EVENT, SAMPLE_EVENT_STEP("apply", 0, 0, "null"), 0},
    {PLAY_EVENT, SAMPLE_EVENT_STEP("apply", 1, 2, "null"), 0},
    {PLAY_EVENT, SAMPLE_EVENT_STEP("apply", 2, 2, "null"), 0},
    {PLAY_EVENT, SAMPLE_EVENT_STEP("query", 0, 0, "null"), 0},
    {PLAY_EVENT,
     SAMPLE_EVENT_STEP("verify", 3, 8,
                       "\"tcp4 192.0.2.1:443 and a text that is longer than the terminal\""),
     0},
    {PLAY_RESPONSE, SAMPLE_ISOLATED, 0},
    {PLAY_END, NULL, 0},
};

START_TEST(a_line_per_step_in_a_log)
{
  play p = {.script = isolation};
  PLAY(&p, 0, "local", "isolate");
  ck_assert_str_eq(cd_buf_cstr(&p.err), "isolate 1/6 recorded: recorded in the journal\n"
                                        "isolate 2/6 provider: starting the provider\n"
                                        "isolate 4/6 apply: putting the rules in force\n"
                                        "isolate 5/6 query: reading back what is in force\n"
                                        "isolate 6/6 verify: probing whether it holds\n");
  HAS_NOT(&p.out, "\x1b");
  play_release(&p);
}
END_TEST

START_TEST(a_release_has_its_own_steps)
{
  static const play_step script[] = {{PLAY_EVENT, SAMPLE_EVENT_STEP("release", 0, 0, "null"), 0},
                                     {PLAY_EVENT, SAMPLE_EVENT_STEP("something", 0, 0, "null"), 0},
                                     {PLAY_RESPONSE, SAMPLE_RELEASED, 0},
                                     {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 0, "local", "release");
  ck_assert_str_eq(cd_buf_cstr(&p.err),
                   "release 3/4 release: taking the rules away\nrelease something\n");
  play_release(&p);
}
END_TEST

START_TEST(one_line_in_place_on_a_terminal)
{
  play p = {.script = isolation, .terminal = true, .term = "xterm"};
  PLAY(&p, 0, "local", "isolate");
  HAS(&p.err, "\risolate 1/6 recorded: recorded in the journal (1 of 1)\033[K");
  HAS(&p.err, "\risolate 4/6 apply: putting the rules in force (1 of 2)\033[K");
  /* Cut to the 60 columns of the terminal, less one. */
  HAS(&p.err, "\risolate 6/6 verify: probing whether it holds (3 of 8), tcp4\033[K");
  HAS_NOT(&p.err, "\n");
  /* The line is gone before anything else is printed. */
  ck_assert_uint_gt(p.err.len, 4);
  ck_assert_str_eq(p.err.ptr + p.err.len - 4, "\r\033[K");
  HAS(&p.out, "\033[32mIsolated: enforced, and proven by probes.\033[0m");
  play_release(&p);
}
END_TEST

START_TEST(a_dumb_terminal_gets_lines_and_no_colour)
{
  play p = {.script = isolation, .terminal = true, .term = "dumb"};
  PLAY(&p, 0, "local", "isolate");
  HAS_NOT(&p.err, "\x1b");
  HAS_NOT(&p.out, "\x1b");
  HAS(&p.err, "isolate 6/6 verify: probing whether it holds\r\n");
  play_release(&p);
}
END_TEST

START_TEST(no_color_is_respected)
{
  play p = {.script = isolation, .terminal = true, .term = "xterm", .no_colour = "1"};
  PLAY(&p, 0, "local", "isolate");
  HAS_NOT(&p.out, "\x1b");
  p.no_colour = "";
  PLAY(&p, 0, "local", "isolate");
  HAS(&p.out, "\x1b[");
  play_release(&p);
}
END_TEST

START_TEST(an_error_stands_on_a_line_of_its_own)
{
  static const play_step script[] = {{PLAY_EVENT, SAMPLE_EVENT_STEP("apply", 0, 0, "null"), 0},
                                     {PLAY_RESPONSE, SAMPLE_ERROR("io", "no"), 0},
                                     {PLAY_END, NULL, 0}};
  play p = {.script = script, .terminal = true, .term = "xterm"};
  PLAY(&p, 1, "local", "isolate");
  HAS(&p.err, "\r\033[Kcordon: no\r\n");
  play_release(&p);
}
END_TEST

START_TEST(json_is_silent_unless_steps_are_asked_for)
{
  play p = {.script = isolation};
  PLAY(&p, 0, "local", "isolate", "--json");
  ck_assert_uint_eq(p.err.len, 0);
  PLAY(&p, 0, "local", "isolate", "--json", "--progress");
  HAS(&p.err, SAMPLE_EVENT_ACTION "\n" SAMPLE_EVENT_STEP("recorded", 1, 1, "null") "\n");
  HAS(&p.err, "{\"event\":\"from the future\"}\n");
  ck_assert_ptr_eq(strchr(p.out.ptr, '\n'), p.out.ptr + p.out.len - 1);
  play_release(&p);
}
END_TEST

Suite *suite_progress(void)
{
  Suite *s = suite_create("ctl.progress");
  TCase *tc = tcase_create("progress");
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, a_line_per_step_in_a_log);
  tcase_add_test(tc, a_release_has_its_own_steps);
  tcase_add_test(tc, one_line_in_place_on_a_terminal);
  tcase_add_test(tc, a_dumb_terminal_gets_lines_and_no_colour);
  tcase_add_test(tc, no_color_is_respected);
  tcase_add_test(tc, an_error_stands_on_a_line_of_its_own);
  tcase_add_test(tc, json_is_silent_unless_steps_are_asked_for);
  suite_add_tcase(s, tc);
  return s;
}
