/* The pure parts of cordon-plugin-host: what it reads and writes, and its rule for processor time.
 */
#include "cpu_rule.h"
#include "message.h"

#include "base/json.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A good SETUP, with one piece replaced by another. */
static void make_setup(char *out, size_t size, const char *piece, const char *by)
{
  static const char setup[] =
      "{\"protocol\":1,\"plugin\":\"org.x.y\",\"version\":\"1.2.3\",\"capability\":\"isolate\","
      "\"library\":\"/p/y.so\",\"state_dir\":\"/s\",\"settings\":{\"a\":[1]},\"confine\":{\"user\":"
      "\"nobody\",\"privileges\":[\"net_admin\",\"kill\"],\"memory_mb\":256,\"processes\":1,"
      "\"files\":64,\"file_mb\":16},\"parent\":42}";
  const char *at = piece != NULL ? strstr(setup, piece) : NULL;
  if (at == NULL) {
    (void)snprintf(out, size, "%s", setup);
    return;
  }
  (void)snprintf(out, size, "%.*s%s%s", (int)(at - setup), setup, by, at + strlen(piece));
}

START_TEST(setup_is_read_whole)
{
  cd_err err = {0};
  ph_setup setup;
  char text[1024];
  make_setup(text, sizeof(text), NULL, NULL);
  ck_assert_msg(ph_setup_parse(cd_str_from(text), &setup, &err) == CD_OK, "%s", err.text);
  ck_assert_str_eq(setup.plugin, "org.x.y");
  ck_assert_str_eq(setup.version, "1.2.3");
  ck_assert_str_eq(setup.capability->id, "cordon.isolate/1");
  ck_assert_str_eq(setup.confine.user, "nobody");
  ck_assert_uint_eq(setup.confine.privileges, PF_PRIV_NET_ADMIN | PF_PRIV_KILL);
  ck_assert_uint_eq(setup.confine.memory_bytes, 256u * 1024u * 1024u);
  ck_assert_uint_eq(setup.confine.processes, 1);
  ck_assert_uint_eq(setup.confine.files, 64);
  ck_assert_uint_eq(setup.confine.file_bytes, 16u * 1024u * 1024u);
  ck_assert_uint_eq(setup.confine.parent, 42);
  ck_assert_str_eq(setup.config, "{\"capability\":\"cordon.isolate/1\",\"state_dir\":\"/s\","
                                 "\"settings\":{\"a\":[1]}}");
  ck_assert_uint_eq(setup.config_len, strlen(setup.config));
  ph_setup_release(&setup);
}
END_TEST

/* A scanner reads everything too, and its host is as ever. */
START_TEST(times_of_access_are_kept_for_a_collector_that_reads_everything)
{
  static const struct {
    const char *capability;
    const char *privilege;
    bool kept;
  } rows[] = {{"isolate", "net_admin", false},
              {"scan", "read_all", false},
              {"collect", "net_admin", false},
              {"collect", "read_all", true}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    cd_err err = {0};
    ph_setup setup;
    char text[1024];
    (void)snprintf(
        text, sizeof(text),
        "{\"protocol\":1,\"plugin\":\"org.x.y\",\"version\":\"1.2.3\",\"capability\":\"%s\","
        "\"library\":\"/p/y.so\",\"state_dir\":\"/s\",\"settings\":{},\"confine\":{"
        "\"privileges\":[\"%s\"],\"memory_mb\":256,\"processes\":0,\"files\":64,"
        "\"file_mb\":16},\"parent\":42}",
        rows[i].capability, rows[i].privilege);
    ck_assert_msg(ph_setup_parse(cd_str_from(text), &setup, &err) == CD_OK, "%s", err.text);
    ck_assert_msg(setup.confine.keep_atime == rows[i].kept, "%s", rows[i].capability);
    ph_setup_release(&setup);
  }
}
END_TEST

START_TEST(setup_says_what_is_wrong)
{
  static const struct {
    const char *piece;
    const char *by;
    const char *said;
  } rows[] = {
      {"\"protocol\":1", "\"protocol\":2", "different releases"},
      {"\"isolate\"", "\"fly\"", "'fly'"},
      {"\"kill\"", "\"fly\"", "'fly'"},
      {"\"settings\":{\"a\":[1]}", "\"settings\":3", "settings"},
      {"\"user\":\"nobody\"", "\"user\":3", "user"},
      {",\"files\":64", "", "files"},
      {"\"files\":64", "\"files\":-1", "files"},
      {"\"parent\":42", "\"parent\":42,\"more\":1", "more"},
      {"\"nobody\"", "\"0123456789012345678901234567890123456789012345678901234567890123\"",
       "user"},
      {"{\"protocol\"", "[\"protocol\"", "SETUP"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    cd_err err = {0};
    ph_setup setup;
    char text[1024];
    make_setup(text, sizeof(text), rows[i].piece, rows[i].by);
    ck_assert_msg(ph_setup_parse(cd_str_from(text), &setup, &err) != CD_OK, "%s", text);
    ck_assert_msg(strstr(err.text, rows[i].said) != NULL, "%s: %s", rows[i].by, err.text);
  }
}
END_TEST

START_TEST(start_keeps_params_and_undo_as_text)
{
  cd_err err = {0};
  ph_start start;
  ck_assert_int_eq(
      ph_start_parse(
          CD_STR("{\"function\":\"release\",\"flags\":1,\"budget_ms\":30000,\"cpu_s\":60,"
                 "\"params\":{\"b\":[true,null]},\"undo\":[{\"n\":2},{\"n\":1}]}"),
          &start, &err),
      CD_OK);
  ck_assert_str_eq(start.function, "release");
  ck_assert_uint_eq(start.flags, 1);
  ck_assert_uint_eq(start.budget_ms, 30000);
  ck_assert_uint_eq(start.cpu_s, 60);
  ck_assert_str_eq(start.params, "{\"b\":[true,null]}");
  ck_assert_str_eq(start.undo, "[{\"n\":2},{\"n\":1}]");
  ck_assert_uint_eq(start.undo_len, strlen(start.undo));
  ph_start_release(&start);
}
END_TEST

START_TEST(start_without_undo_has_none)
{
  cd_err err = {0};
  ph_start start;
  ck_assert_int_eq(ph_start_parse(CD_STR("{\"function\":\"query\",\"flags\":0,\"budget_ms\":0,"
                                         "\"cpu_s\":0,\"params\":{},\"undo\":null}"),
                                  &start, &err),
                   CD_OK);
  ck_assert_ptr_null(start.undo);
  ck_assert_str_eq(start.params, "{}");
  ph_start_release(&start);
}
END_TEST

START_TEST(start_refuses_what_makes_no_sense)
{
  static const struct {
    const char *function;
    const char *budget_ms;
    const char *params;
    const char *undo;
    const char *said;
  } rows[] = {
      {"q", "0", "[]", "null", "params"},
      {"q", "0", "{}", "[1]", "undo[0]"},
      {"q", "0", "{}", "{}", "undo"},
      {"0123456789012345678901234567890123456789", "0", "{}", "null", "function"},
      {"q", "1e30", "{}", "null", "budget_ms"},
      {"q", "0", "{}", "null,\"more\":1", "more"},
      {"q", "0", "", "null", "START"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    cd_err err = {0};
    ph_start start;
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"function\":\"%s\",\"flags\":0,\"budget_ms\":%s,\"cpu_s\":0,\"params\":%s,"
                   "\"undo\":%s}",
                   rows[i].function, rows[i].budget_ms, rows[i].params, rows[i].undo);
    ck_assert_msg(ph_start_parse(cd_str_from(text), &start, &err) != CD_OK, "%s", text);
    ck_assert_msg(strstr(err.text, rows[i].said) != NULL, "%s: %s", text, err.text);
  }
}
END_TEST

START_TEST(text_of_a_plugin_is_made_fit_for_json)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_buf out = CD_BUF_INIT(4096);
  ck_assert_int_eq(ph_log_write(1, CD_STR("a\xff\x01\"\n"), &out, &err), CD_OK);
  ck_assert_msg(cd_json_parse(cd_buf_view(&out), 4096, "LOG", &doc, &err) == CD_OK, "%s", err.text);
  cd_json_free(doc);
  cd_buf_release(&out);
}
END_TEST

START_TEST(processor_time_is_judged)
{
  static const struct {
    ph_cpu_facts facts;
    ph_cpu_verdict verdict;
  } rows[] = {
      {{.allowed_s = 0, .used_ms = 90000, .running = 1}, PH_CPU_IGNORE},
      {{.allowed_s = 60, .used_ms = 100, .running = 1}, PH_CPU_IGNORE},
      {{.allowed_s = 60, .used_ms = 60100, .wall_ms = 3600000, .running = 1}, PH_CPU_END},
      {{.allowed_s = 60, .used_ms = 60100, .wall_ms = 3600000, .running = 1, .background = 1},
       PH_CPU_RENEW},
      {{.allowed_s = 60, .used_ms = 60100, .wall_ms = 70000, .running = 1, .background = 1},
       PH_CPU_END},
      {{.allowed_s = 60, .used_ms = 60100, .wall_ms = 3600000, .running = 2, .background = 1},
       PH_CPU_END},
      {{.allowed_s = 60, .used_ms = 60100, .wall_ms = 3600000}, PH_CPU_END},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    ck_assert_msg(ph_cpu_judge(&rows[i].facts) == rows[i].verdict, "row %zu", i);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("host.parts");
  TCase *tc = tcase_create("parts");
  tcase_add_test(tc, setup_is_read_whole);
  tcase_add_test(tc, times_of_access_are_kept_for_a_collector_that_reads_everything);
  tcase_add_test(tc, setup_says_what_is_wrong);
  tcase_add_test(tc, start_keeps_params_and_undo_as_text);
  tcase_add_test(tc, start_without_undo_has_none);
  tcase_add_test(tc, start_refuses_what_makes_no_sense);
  tcase_add_test(tc, text_of_a_plugin_is_made_fit_for_json);
  tcase_add_test(tc, processor_time_is_judged);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
