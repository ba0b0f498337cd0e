/* The preflight: what a provider says of it, what the agent adds, and what the policy makes of it.
 */
#include "place.h"
#include "preflight.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cd_err err;
static agent_preflight *p;
static agent_config config;

static void setup(void)
{
  err = (cd_err){0};
  agent_config_init(&config);
  p = agent_preflight_new();
  ck_assert_ptr_nonnull(p);
}

static void teardown(void)
{
  agent_preflight_free(p);
  agent_config_release(&config);
}

static cd_code read_text(const char *text)
{
  err = (cd_err){0};
  return agent_preflight_read(p, cd_str_from(text), &err);
}

static const char *written(void)
{
  static char text[16384];
  cd_buf out = CD_BUF_INIT(64 * 1024);
  cd_jw w;
  cd_jw_init(&w, &out);
  cd_jw_obj(&w, NULL);
  agent_preflight_write(p, &w);
  cd_jw_end_obj(&w);
  ck_assert_int_eq(cd_jw_done(&w, "the preflight", &err), CD_OK);
  (void)cd_str_copy(text, sizeof(text), cd_buf_view(&out));
  cd_buf_release(&out);
  return text;
}

#define FINDING(check, severity)                                                                   \
  "{\"check\":\"" check "\",\"severity\":\"" severity "\",\"sentence\":\"it is " check "\"}"

START_TEST(what_a_provider_found_is_taken)
{
  ck_assert_msg(read_text("{\"dry_run\":true,\"rules\":\"x\",\"new\":1,\"findings\":[" FINDING(
                    "session_in_use",
                    "warn") "," FINDING("other", "info") "],\"findings_left_out\""
                                                         ":3,\"would_cut\":{\"connections\":[],"
                                                         "\"connections_left_out\":5}}") == CD_OK,
                "%s", err.text);
  ck_assert_str_eq(
      written(),
      "{\"preflight\":{\"verdict\":\"go\",\"findings\":[{\"check\":\"session_in_use\",\"severity\":"
      "\"warn\",\"sentence\":\"it is session_in_use\"},{\"check\":\"other\",\"severity\":\"info\","
      "\"sentence\":\"it is other\"}],\"findings_left_out\":3,\"would_cut\":{\"connections\":[],"
      "\"connections_left_out\":5}}}");
}
END_TEST

/* As every provider of before. */
START_TEST(a_provider_that_only_knows_rules_is_fine)
{
  ck_assert_int_eq(read_text("{\"dry_run\":true,\"rules\":\"\"}"), CD_OK);
  ck_assert_str_eq(written(), "{\"preflight\":{\"verdict\":\"go\",\"findings\":[],\"findings_left_"
                              "out\":0,\"would_cut\":null}}");
}
END_TEST

START_TEST(what_makes_no_sense_is_not_taken)
{
  static const char *const rows[] = {
      "",
      "[]",
      "{}",
      "{\"dry_run\":false}",
      "{\"dry_run\":true,\"findings\":{}}",
      "{\"dry_run\":true,\"findings\":[1]}",
      "{\"dry_run\":true,\"findings\":[{\"check\":\"a\",\"severity\":\"warn\"}]}",
      "{\"dry_run\":true,\"findings\":[" FINDING("A", "warn") "]}",
      "{\"dry_run\":true,\"findings\":[" FINDING("a-b", "warn") "]}",
      "{\"dry_run\":true,\"findings\":[" FINDING("", "warn") "]}",
      "{\"dry_run\":true,\"findings\":[" FINDING("a", "bad") "]}",
      "{\"dry_run\":true,\"would_cut\":[]}",
      "{\"dry_run\":true,\"paths\":[{\"address\":\"::1\",\"port\":70000,\"way\":\"cut\"}]}",
      "{\"dry_run\":true,\"paths\":[{\"address\":\"::1\",\"port\":7,\"way\":\"gone\"}]}"};
  agent_preflight_add(p, "mine", PREFLIGHT_INFO, "it was here before");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    ck_assert_msg(read_text(rows[i]) != CD_OK, "%s was taken", rows[i]);
    ck_assert_uint_eq(p->count, 1);
    ck_assert_uint_eq(p->path_count, 0);
  }
}
END_TEST

START_TEST(what_there_is_no_room_for_is_counted)
{
  cd_buf text = CD_BUF_INIT(256 * 1024);
  cd_buf_add_cstr(&text, "{\"dry_run\":true,\"findings\":[");
  for (unsigned i = 0; i < PREFLIGHT_FINDINGS_MAX + 6; i++)
    cd_buf_addf(&text, "%s" FINDING("a", "info"), i > 0 ? "," : "");
  cd_buf_add_cstr(&text, "],\"would_cut\":{\"connections\":[\"");
  for (unsigned i = 0; i < PREFLIGHT_CUT_MAX; i++)
    cd_buf_add_char(&text, 'x');
  cd_buf_add_cstr(&text, "\"]}}");
  ck_assert_msg(read_text(cd_buf_cstr(&text)) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(p->count, PREFLIGHT_FINDINGS_MAX);
  ck_assert_uint_eq(p->left_out, 6);
  agent_preflight_add(p, "mine", PREFLIGHT_INFO, "one more");
  ck_assert_uint_eq(p->left_out, 7);
  ck_assert_str_eq(cd_buf_cstr(&p->would_cut), "{\"too_long\":true}");
  cd_buf_release(&text);
}
END_TEST

/* ---- the judgement ---- */

static void name(agent_checks *list, const char *check)
{
  if (check != NULL)
    (void)cd_str_copy(list->names[list->count++], AGENT_CHECK_MAX, cd_str_from(check));
}

static const struct judge_case {
  const char *severity; /* of the finding `a` */
  const char *refuse;   /* the policy */
  const char *warn;
  bool console;
  bool force;
  const char *verdict;
  const char *becomes;
} judge_cases[] = {
    {"info", NULL, NULL, true, false, "go", "info"},
    {"warn", NULL, NULL, true, false, "go", "warn"},
    {"refuse", NULL, NULL, true, false, "refuse", "refuse"},
    {"refuse", NULL, NULL, false, false, "go", "warn"},
    {"refuse", NULL, NULL, true, true, "forced", "warn"},
    {"refuse", NULL, NULL, false, true, "go", "warn"},
    {"refuse", NULL, "a", true, false, "go", "warn"},
    {"info", NULL, "a", true, false, "go", "warn"},
    {"info", "a", NULL, true, false, "refuse", "refuse"},
    {"info", "a", NULL, false, false, "refuse", "refuse"},
    {"info", "a", NULL, false, true, "forced", "warn"},
    {"info", "b", NULL, true, false, "go", "info"},
    {"refuse", "b", "b", true, false, "refuse", "refuse"},
};

START_TEST(the_policy_decides)
{
  for (size_t i = 0; i < COUNT_OF(judge_cases); i++) {
    const struct judge_case *c = &judge_cases[i];
    char text[512];
    agent_config policy;
    agent_config_init(&policy);
    name(&policy.preflight_refuse, c->refuse);
    name(&policy.preflight_warn, c->warn);
    teardown();
    setup();
    (void)snprintf(text, sizeof(text),
                   "{\"dry_run\":true,\"findings\":[{\"check\":\"a\",\"severity\":\"%s\","
                   "\"sentence\":\"s\"}]}",
                   c->severity);
    ck_assert_int_eq(read_text(text), CD_OK);
    const preflight_order order = {.console = c->console, .force = c->force};
    agent_preflight_judge(p, &policy, &order);
    (void)snprintf(text, sizeof(text),
                   "{\"preflight\":{\"verdict\":\"%s\",\"findings\":[{\"check\":\"a\",\"severity\":"
                   "\"%s\",\"sentence\":\"s\"}],\"findings_left_out\":0,\"would_cut\":null}}",
                   c->verdict, c->becomes);
    ck_assert_msg(strcmp(written(), text) == 0, "row %zu: %s", i, written());
    ck_assert_int_eq(p->refused, strcmp(c->verdict, "refuse") == 0);
    agent_config_release(&policy);
  }
}
END_TEST

START_TEST(the_reason_names_every_finding_that_refuses)
{
  cd_buf reason = CD_BUF_INIT(4096);
  agent_preflight_add(p, "a", PREFLIGHT_REFUSE, "one %d", 1);
  agent_preflight_add(p, "b", PREFLIGHT_WARN, "two");
  agent_preflight_add(p, "c", PREFLIGHT_REFUSE, "three");
  agent_preflight_judge(p, &config, &(preflight_order){.console = true});
  agent_preflight_reason(p, &reason);
  ck_assert_str_eq(cd_buf_cstr(&reason), "a: one 1; c: three");
  agent_preflight_overlook(p);
  cd_buf_reset(&reason);
  agent_preflight_reason(p, &reason);
  ck_assert_str_eq(cd_buf_cstr(&reason), "");
  ck_assert(p->forced && !p->refused);
  cd_buf_release(&reason);
}
END_TEST

#define PATH(address, way) "{\"address\":\"" address "\",\"port\":8443,\"way\":\"" way "\"}"
#define TUNNEL(address)                                                                            \
  "{\"check\":\"console_tunnel\",\"severity\":\"warn\",\"sentence\":\"s\",\"address\":\"" address  \
  "\",\"port\":8443}"

/* Three consoles: the first and second through a tunnel, the third not. */
START_TEST(only_the_ways_that_are_used_count)
{
  static const agent_endpoint first = {"192.0.2.1", 8443};
  static const agent_endpoint both[] = {{"192.0.2.1", 8443}, {"192.0.2.2", 8443}};
  static const agent_endpoint third = {"192.0.2.3", 8443};
  static const agent_endpoint mixed[] = {{"192.0.2.1", 8443}, {"192.0.2.3", 8443}};
  static const char said[] = "{\"dry_run\":true,\"findings\":[" TUNNEL("192.0.2.1") "," TUNNEL(
      "192.0.2.2") "],\"paths\":[" PATH("192.0.2.1", "cut") "," PATH("192.0.2.2",
                                                                     "cut") "," PATH("192.0.2.3",
                                                                                     "open") "]}";
  ck_assert_msg(read_text(said) == CD_OK, "%s", err.text);
  agent_preflight_way(p, &first, 1);
  ck_assert_int_eq(p->findings[0].severity, PREFLIGHT_REFUSE);
  ck_assert_int_eq(p->findings[1].severity, PREFLIGHT_INFO);
  agent_preflight_way(p, both, 2);
  ck_assert_int_eq(p->findings[0].severity, PREFLIGHT_REFUSE);
  ck_assert_int_eq(p->findings[1].severity, PREFLIGHT_REFUSE);
  agent_preflight_way(p, &third, 1);
  ck_assert_int_eq(p->findings[0].severity, PREFLIGHT_INFO);
  agent_preflight_way(p, mixed, 2);
  ck_assert_int_eq(p->findings[0].severity, PREFLIGHT_WARN);
  ck_assert_int_eq(p->findings[1].severity, PREFLIGHT_INFO);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("agent.preflight");
  TCase *facts = tcase_create("facts");
  tcase_add_checked_fixture(facts, setup, teardown);
  tcase_add_test(facts, what_a_provider_found_is_taken);
  tcase_add_test(facts, a_provider_that_only_knows_rules_is_fine);
  tcase_add_test(facts, what_makes_no_sense_is_not_taken);
  tcase_add_test(facts, what_there_is_no_room_for_is_counted);
  tcase_add_test(facts, the_policy_decides);
  tcase_add_test(facts, the_reason_names_every_finding_that_refuses);
  tcase_add_test(facts, only_the_ways_that_are_used_count);
  suite_add_tcase(s, facts);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
