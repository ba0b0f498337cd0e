/* Each command: what it asks, and what it prints. */
#include "play.h"
#include "samples.h"
#include "suites.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER(payload) ((const play_step[]){{PLAY_RESPONSE, (payload), 0}, {PLAY_END, NULL, 0}})

static void ck_request(const play *p, const char *wanted)
{
  ck_assert_int_eq(p->requests, 1);
  ck_assert_str_eq(cd_buf_cstr(&p->request), wanted);
}

/* One compact document and a newline. */
static void ck_json(const cd_buf *out)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ck_assert_uint_gt(out->len, 1);
  ck_assert_int_eq(out->ptr[out->len - 1], '\n');
  ck_assert_ptr_eq(strchr(out->ptr, '\n'), out->ptr + out->len - 1);
  ck_assert_msg(
      cd_json_parse((cd_str){out->ptr, out->len - 1}, 1u << 23, "the output", &doc, &err) == CD_OK,
      "%s", err.text);
  cd_json_free(doc);
}

START_TEST(status)
{
  play p = {.script = ANSWER(SAMPLE_STATUS)};
  PLAY(&p, 0, "local", "status");
  ck_request(&p, "{\"method\":\"status\",\"params\":{}}");
  HAS(&p.out, "Isolation   wanted isolated (full)   enforced isolated   proven holds, ");
  ck_assert_uint_eq(p.err.len, 0);
  play_release(&p);
}
END_TEST

START_TEST(status_as_json)
{
  play p = {.script = ANSWER(SAMPLE_OK("{ \"agent\" : {\"pid\": 1}, \"x\": [1, 2] }"))};
  PLAY(&p, 0, "local", "status", "--json");
  ck_assert_str_eq(cd_buf_cstr(&p.out), "{\"agent\":{\"pid\":1},\"x\":[1,2]}\n");
  ck_assert_uint_eq(p.err.len, 0);
  play_release(&p);
}
END_TEST

START_TEST(plugins)
{
  play p = {.script = ANSWER(SAMPLE_PLUGINS)};
  PLAY(&p, 0, "local", "plugins");
  ck_request(&p, "{\"method\":\"plugins\",\"params\":{}}");
  HAS(&p.out, "com.example.bad: its digest is not in the trust file\n");
  PLAY(&p, 0, "local", "plugins", "--json");
  ck_json(&p.out);
  play_release(&p);
}
END_TEST

START_TEST(actions)
{
  play p = {.script = ANSWER(SAMPLE_OK("{\"actions\":[]}"))};
  PLAY(&p, 0, "local", "actions");
  ck_request(&p, "{\"method\":\"actions\",\"params\":{\"limit\":20}}");
  ck_assert_str_eq(cd_buf_cstr(&p.out), "No actions yet.\n");
  PLAY(&p, 0, "local", "actions", "--limit", "500", "--json");
  ck_request(&p, "{\"method\":\"actions\",\"params\":{\"limit\":500}}");
  ck_assert_str_eq(cd_buf_cstr(&p.out), "{\"actions\":[]}\n");
  play_release(&p);
}
END_TEST

START_TEST(one_action_is_shown_and_its_failure_is_not_ours)
{
  play p = {.script = ANSWER(SAMPLE_ACTION("isolate", "Failed", "\"io\"", "\"the disk\"", "null"))};
  PLAY(&p, 0, "local", "actions", "--id", SAMPLE_ID);
  ck_request(&p, "{\"method\":\"action\",\"params\":{\"id\":\"" SAMPLE_ID "\"}}");
  HAS(&p.out, "Status      Failed, io, took 412 ms\nBecause     the disk\n");
  play_release(&p);
}
END_TEST

START_TEST(isolate_full)
{
  play p = {.script = ANSWER(SAMPLE_ISOLATED)};
  PLAY(&p, 0, "local", "isolate");
  ck_request(
      &p, "{\"method\":\"isolate\",\"params\":{\"type\":\"full\",\"comment\":\"\",\"wait\":true}}");
  HAS(&p.out, "Isolated: enforced, and proven by probes.\n");
  HAS(&p.out, "tcp4    192.0.2.1:443   blocked        0 -> 3\n");
  PLAY(&p, 0, "local", "isolate", "--json", "--comment", "say \"why\"\n");
  ck_request(&p, "{\"method\":\"isolate\",\"params\":{\"type\":\"full\",\"comment\":\"say "
                 "\\\"why\\\"\\n\",\"wait\":true}}");
  ck_json(&p.out);
  play_release(&p);
}
END_TEST

START_TEST(leases)
{
  play p = {.script = ANSWER(SAMPLE_ISOLATED)};
  PLAY(&p, 0, "local", "isolate", "--for", "4h", "--lost-console", "release:1d");
  ck_request(&p, "{\"method\":\"isolate\",\"params\":{\"type\":\"full\",\"lease_s\":14400,"
                 "\"lost_console\":{\"rule\":\"release\",\"after_s\":86400},\"comment\":\"\","
                 "\"wait\":true}}");
  PLAY(&p, 0, "local", "renew", "--for", "90s", "--comment", "longer");
  ck_request(&p, "{\"method\":\"renew\",\"params\":{\"lease_s\":90,\"comment\":\"longer\","
                 "\"wait\":true}}");
  PLAY(&p, 2, "local", "renew");
  HAS(&p.err, "'local renew' needs --for TIME");
  PLAY(&p, 2, "local", "isolate", "--for", "soon");
  HAS(&p.err, "--for must be a time such as 90s");
  play_release(&p);
}
END_TEST

START_TEST(isolate_selective)
{
  static const char file[] =
      "{\"exclusions\": [ {\"direction\":\"out\",\"address\":\"192.0.2.0/24\"} ]}";
  play p = {.script = ANSWER(SAMPLE_ISOLATED)};
  play_file("policy.json", file, sizeof(file) - 1);
  PLAY(&p, 0, "local", "isolate", "--selective", "@policy.json");
  ck_request(&p, "{\"method\":\"isolate\",\"params\":{\"type\":\"selective\","
                 "\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.0/"
                 "24\"}],\"comment\":\"\",\"wait\":true}}");
  play_release(&p);
}
END_TEST

typedef struct file_row {
  const char *text;
  size_t len;
  const char *complaint;
} file_row;

#define FILE_OF(text) text, sizeof(text) - 1

static const file_row files[] = {
    {FILE_OF(""), "policy.json"},
    {FILE_OF("{\"exclusions\":[]}"), "policy.json lists no exclusions"},
    {FILE_OF("{\"exclusions\":[{\"direction\":\"out\"}]}"), "exclusions[0].address"},
    {FILE_OF("{\"exclusions\":[{\"direction\":\"\\u001b[2J\"}]}"), "exclusions[0].direction"},
    {FILE_OF("{\"exclusions\":[]}\0"), "policy.json"},
};

START_TEST(a_faulty_file_is_refused_before_the_agent_is_asked)
{
  play p = {.script = ANSWER(SAMPLE_ISOLATED)};
  play_file("policy.json", files[_i].text, files[_i].len);
  PLAY(&p, 5, "local", "isolate", "--selective", "@policy.json");
  ck_assert_int_eq(p.connections, 0);
  HAS(&p.err, "cordon: ");
  HAS(&p.err, "policy.json");
  HAS(&p.err, files[_i].complaint);
  HAS_NOT(&p.err, "\x1b");
  ck_assert_uint_eq(p.out.len, 0);
  PLAY(&p, 5, "local", "isolate", "--selective", "@policy.json", "--json");
  HAS(&p.out, "{\"error\":{\"status\":\"invalid\",\"sentence\":\"");
  ck_json(&p.out);
  play_release(&p);
}
END_TEST

START_TEST(a_file_that_is_too_large_missing_or_a_folder)
{
  static char big[256 * 1024 + 1];
  play p = {.script = ANSWER(SAMPLE_ISOLATED)};
  memset(big, ' ', sizeof(big));
  play_file("policy.json", big, sizeof(big));
  PLAY(&p, 5, "local", "isolate", "--selective", "@policy.json");
  HAS(&p.err, "policy.json");
  PLAY(&p, 5, "local", "isolate", "--selective", "@absent.json");
  HAS(&p.err, "absent.json");
  PLAY(&p, 5, "local", "isolate", "--selective", "/tmp");
  HAS(&p.err, "/tmp");
  ck_assert_int_eq(p.connections, 0);
  play_release(&p);
}
END_TEST

START_TEST(release)
{
  play p = {.script = ANSWER(SAMPLE_RELEASED)};
  PLAY(&p, 0, "local", "release", "--comment=over");
  ck_request(&p, "{\"method\":\"release\",\"params\":{\"comment\":\"over\",\"wait\":true}}");
  HAS(&p.out, "Released: nothing of the isolation is left.\n");
  play_release(&p);
}
END_TEST

START_TEST(not_waiting_is_told_apart_from_done)
{
  play p = {.script = ANSWER(SAMPLE_ACCEPTED("isolate"))};
  PLAY(&p, 0, "local", "isolate", "--no-wait");
  ck_request(
      &p,
      "{\"method\":\"isolate\",\"params\":{\"type\":\"full\",\"comment\":\"\",\"wait\":false}}");
  HAS(&p.out, "Accepted; 'cordon local actions --id " SAMPLE_ID "' shows how it goes.\n");
  HAS_NOT(&p.out, "Isolated");
  play_release(&p);
}
END_TEST

START_TEST(policy)
{
  play p = {.script = ANSWER(SAMPLE_POLICY)};
  PLAY(&p, 0, "local", "policy");
  ck_request(&p, "{\"method\":\"policy\",\"params\":{}}");
  HAS(&p.out, "Policy      servers, version 7, taken ");
  HAS(&p.out, "Trial       the console has still to be reached with it");
  HAS(&p.out, "Refused     version 6: with it the console was not reached within 120 s\n");
  HAS(&p.out, "console.resolvers   policy 7   [\"192.0.2.53\"]");
  HAS(&p.out, "providers.isolate   file       [\"org.cordon.nftables\"]");
  HAS(&p.out, "local.release       default    \"group\"");
  play_release(&p);
  play none = {.script = ANSWER(SAMPLE_OK("{\"version\":0,\"name\":null,\"taken\":null,"
                                          "\"trial\":false,\"previous\":0,\"highest\":0,"
                                          "\"refused\":null,\"values\":[]}"))};
  PLAY(&none, 0, "local", "policy");
  HAS(&none.out, "Policy      none: the configuration alone counts\n");
  play_release(&none);
}
END_TEST

START_TEST(unquarantine)
{
  play p = {.script = ANSWER(SAMPLE_OK("{\"lifted\":2}"))};
  PLAY(&p, 0, "local", "unquarantine", "org.cordon.nftables");
  ck_request(&p, "{\"method\":\"unquarantine\",\"params\":{\"plugin\":\"org.cordon.nftables\"}}");
  ck_assert_str_eq(cd_buf_cstr(&p.out), "Lifted 2 quarantines.\n");
  play_release(&p);
}
END_TEST

/* The token is in the request and nowhere else. */
START_TEST(enroll)
{
  char path[] = "/tmp/cordon-ctl-token-XXXXXX";
  static const char token[] = "{\"version\":1,\"token\":\"secret\"}";
  int fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, token, sizeof(token) - 1), (int)sizeof(token) - 1);
  ck_assert_int_eq(close(fd), 0);
  play p = {.script = ANSWER(SAMPLE_OK("{\"device\":\"d1\"}"))};
  PLAY(&p, 0, "local", "enroll", "--token-file", path);
  ck_request(&p, "{\"method\":\"enroll\",\"params\":{\"token\":{\"version\":1,\"token\":"
                 "\"secret\"}}}");
  ck_assert_str_eq(cd_buf_cstr(&p.out),
                   "Enrolled as device d1; 'cordon local status' shows the connection.\n");
  HAS_NOT(&p.err, "secret");
  PLAY(&p, 0, "local", "enroll", "--token-file", path, "--console", "https://c:1", "--tags",
       "lab, two words");
  ck_request(&p, "{\"method\":\"enroll\",\"params\":{\"token\":{\"version\":1,\"token\":"
                 "\"secret\"},\"console\":\"https://c:1\",\"tags\":[\"lab\",\"two words\"]}}");
  /* As an installer has it whose properties are not set. */
  PLAY(&p, 0, "local", "enroll", "--token-file", path, "--console", "", "--tags", "");
  ck_request(&p, "{\"method\":\"enroll\",\"params\":{\"token\":{\"version\":1,\"token\":"
                 "\"secret\"}}}");
  PLAY(&p, 2, "local", "enroll", "--token-file", path, "--tags", "lab,,kiosk");
  HAS(&p.err, "--tags must be at most 16 tags");
  (void)unlink(path);
  play_release(&p);
}
END_TEST

typedef struct usage_row {
  const char *words[5];
  const char *complaint;
} usage_row;

static const usage_row usages[] = {
    {{"local", "actions", "--limit", "501"}, "--limit must be a number from 1 to 500, not '501'"},
    {{"local", "actions", "--id", "x"}, "--id must be the id of an action"},
    {{"local", "actions", "--id", "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e", "--limit=2"},
     "do not go together"},
    {{"local", "status", "--timeout", "0"}, "--timeout must be a number from 1 to 86400"},
    {{"local", "isolate", "--comment", "\xff"}, "the comment is not valid UTF-8"},
    {{"local", "unquarantine", ""}, "PLUGIN must be the id of a plugin"},
    {{"local", "enroll"}, "--token-file is needed"},
    {{"local", "enroll", "--token-file", "/nowhere/token"}, "'/nowhere/token'"},
    {{"local", "nothing"}, "there is no command 'local nothing'"},
    {{"local", "status", "\x1b[2J"}, "does not take ' [2J'"},
};

START_TEST(a_command_line_that_makes_no_sense)
{
  const char *const *w = usages[_i].words;
  play p = {.script = ANSWER(SAMPLE_STATUS)};
  PLAY(&p, 2, w[0], w[1], w[2], w[3], w[4]);
  HAS(&p.err, "cordon: ");
  HAS(&p.err, usages[_i].complaint);
  ck_assert_uint_eq(p.out.len, 0);
  ck_assert_int_eq(p.connections, 0);
  play_release(&p);
}
END_TEST

START_TEST(a_comment_that_is_too_long)
{
  char comment[1026];
  play p = {.script = ANSWER(SAMPLE_ISOLATED)};
  memset(comment, 'c', sizeof(comment) - 1);
  comment[sizeof(comment) - 1] = '\0';
  PLAY(&p, 2, "local", "isolate", "--comment", comment);
  HAS(&p.err, "the comment is 1025 bytes, the limit is 1024");
  comment[1024] = '\0';
  PLAY(&p, 0, "local", "isolate", "--comment", comment);
  play_release(&p);
}
END_TEST

START_TEST(a_usage_error_is_json_too)
{
  play p = {.script = NULL};
  PLAY(&p, 2, "local", "actions", "--limit", "x", "--json");
  ck_assert_str_eq(cd_buf_cstr(&p.out), "{\"error\":{\"status\":\"invalid\",\"sentence\":"
                                        "\"--limit must be a number from 1 to 500, not 'x'\"}}\n");
  ck_assert_uint_eq(p.err.len, 0);
  play_release(&p);
}
END_TEST

START_TEST(help_everywhere)
{
  static const char *const commands[] = {"status",  "isolate",      "release", "actions",
                                         "plugins", "unquarantine", "enroll"};
  play p = {.script = NULL};
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
    PLAY(&p, 0, "local", commands[i], "--help");
    HAS(&p.out, "usage: cordon local ");
    HAS(&p.out, "for the lab and for tests:\n  --socket PATH");
    ck_assert_uint_eq(p.err.len, 0);
  }
  PLAY(&p, 0, "--help");
  HAS(&p.out, "local unquarantine");
  PLAY(&p, 0, "local", "--help");
  HAS(&p.out, "usage: cordon local COMMAND");
  PLAY(&p, 0, "help", "--help");
  PLAY(&p, 0, "--version");
  HAS(&p.out, "cordon 0.");
  ck_assert_int_eq(p.connections, 0);
  play_release(&p);
}
END_TEST

START_TEST(a_reader_that_is_gone_is_no_news)
{
  play p = {.script = ANSWER(SAMPLE_STATUS), .closed_out = true};
  PLAY(&p, 1, "local", "status");
  ck_assert_uint_eq(p.err.len, 0);
  play_release(&p);
}
END_TEST

START_TEST(an_ordinary_user_trusts_an_agent_of_root)
{
  play p = {.script = ANSWER(SAMPLE_STATUS), .as_nobody = true};
  if (geteuid() != 0)
    return;
  PLAY(&p, 0, "local", "status");
  ck_assert_int_eq(p.requests, 1);
  play_release(&p);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_commands(void)
{
  Suite *s = suite_create("ctl.commands");
  TCase *tc = tcase_create("commands");
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, status);
  tcase_add_test(tc, status_as_json);
  tcase_add_test(tc, plugins);
  tcase_add_test(tc, actions);
  tcase_add_test(tc, one_action_is_shown_and_its_failure_is_not_ours);
  tcase_add_test(tc, isolate_full);
  tcase_add_test(tc, leases);
  tcase_add_test(tc, isolate_selective);
  tcase_add_loop_test(tc, a_faulty_file_is_refused_before_the_agent_is_asked, 0, ROWS(files));
  tcase_add_test(tc, a_file_that_is_too_large_missing_or_a_folder);
  tcase_add_test(tc, release);
  tcase_add_test(tc, not_waiting_is_told_apart_from_done);
  tcase_add_test(tc, policy);
  tcase_add_test(tc, unquarantine);
  tcase_add_test(tc, enroll);
  tcase_add_loop_test(tc, a_command_line_that_makes_no_sense, 0, ROWS(usages));
  tcase_add_test(tc, a_comment_that_is_too_long);
  tcase_add_test(tc, a_usage_error_is_json_too);
  tcase_add_test(tc, help_everywhere);
  tcase_add_test(tc, a_reader_that_is_gone_is_no_news);
  tcase_add_test(tc, an_ordinary_user_trusts_an_agent_of_root);
  suite_add_tcase(s, tc);
  return s;
}
