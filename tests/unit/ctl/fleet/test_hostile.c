/* A console that is not the console, or does not behave: refused with one sentence, and nothing
 * happens. */
#include "stage.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static size_t count(const cd_buf *log, const char *what)
{
  size_t n = 0;
  for (const char *at = cd_buf_cstr(log); (at = strstr(at, what)) != NULL; at++)
    n++;
  return n;
}

START_TEST(the_console_is_verified_always)
{
  stage_run r = {.client = "tls", .ca = stage_path("other-ca.pem")};
  CORDON(&r, 3, "device", "list");
  HAS(&r.err, "no token: what answers is not shown to be the console");
  r.ca = stage_path("ca.pem");
  r.console = stage_console("127.0.0.2");
  CORDON(&r, 3, "device", "list");
  HAS(&r.err, "what answers is not shown to be the console");
  r.ca = "";
  r.console = NULL;
  CORDON(&r, 3, "device", "list");
  r.ca = stage_path("absent.pem");
  CORDON(&r, 5, "device", "list");
  HAS(&r.err, "absent.pem");
  r.ca = NULL;
  r.console = "http://127.0.0.1:1";
  CORDON(&r, 5, "device", "list");
  HAS(&r.err, "the console's address must begin with https://");
  r.console = stage_console("localhost");
  CORDON(&r, 0, "device", "list");
  cd_buf log;
  stage_log("tls", &log);
  ck_assert_uint_eq(count(&log, "oauth2"), 1);
  cd_buf_release(&log);
  stage_release(&r);
}
END_TEST

START_TEST(nobody_is_there)
{
  stage_run r = {.client = "absent", .console = "https://127.0.0.1:1"};
  CORDON(&r, 3, "isolate", "desk-1", "--comment", "x");
  HAS(&r.err, "no token: cannot reach the console: ");
  CORDON(&r, 3, "device", "list", "--json");
  HAS(&r.out, "{\"error\":{\"status\":\"unavailable\",\"sentence\":\"");
  stage_release(&r);
}
END_TEST

START_TEST(a_wrong_secret)
{
  stage_run r = {.client = "wrong", .secret = "nonsense"};
  CORDON(&r, 4, "device", "list");
  HAS(&r.err, "no token: the console says: AADSTS7000215");
  HAS_NOT(&r.err, "nonsense");
  stage_release(&r);
}
END_TEST

START_TEST(a_new_token_once)
{
  stage_run r = {.client = "stale"};
  cd_buf log;
  CORDON(&r, 0, "device", "list");
  stage_log("stale", &log);
  ck_assert_uint_eq(count(&log, "oauth2"), 2);
  cd_buf_release(&log);
  r.client = "never";
  CORDON(&r, 4, "device", "list");
  HAS(&r.err, "the console says: not you (Unauthorized)");
  stage_log("never", &log);
  ck_assert_uint_eq(count(&log, "oauth2"), 2);
  ck_assert_uint_eq(count(&log, "/api/machines"), 2);
  cd_buf_release(&log);
  stage_release(&r);
}
END_TEST

START_TEST(a_console_that_is_busy_is_asked_again_when_it_said)
{
  stage_run r = {.client = "busy"};
  CORDON(&r, 0, "device", "list");
  ck_assert_uint_ge(r.took_ms, 1000);
  r.client = "busy-long";
  CORDON(&r, 5, "device", "list");
  HAS(&r.err, "the console says: much slower (TooManyRequests)");
  ck_assert_uint_lt(r.took_ms, 20000);
  stage_release(&r);
}
END_TEST

typedef struct bad_row {
  const char *client;
  int code;
  const char *sentence;
} bad_row;

static const bad_row bads[] = {
    {"html", 3, "the console's answer"},
    {"list", 3, "the console's answer"},
    {"null", 3, "value"},
    {"words", 1, "the console answered with HTTP status 500 and gave no reason"},
    {"redirect", 3, "the console answered with HTTP status 302"},
    {"huge", 3, "the console's answer is larger than 8388608 bytes"},
    {"bad-token", 3, "no token: the console's token is none that can be sent back"},
    {"path", 3, "is no id of a device"},
    {"escape", 5, "the console says:  [2J\\u{202e}gnihtyna (BadRequest)"},
};

START_TEST(an_answer_that_is_none)
{
  stage_run r = {.client = bads[_i].client};
  CORDON(&r, bads[_i].code, "isolate", "desk-1", "--comment", "x");
  HAS(&r.err, bads[_i].sentence);
  ck_assert_uint_eq(r.out.len, 0);
  cd_buf log;
  stage_log(bads[_i].client, &log);
  HAS_NOT(&log, "/isolate");
  HAS_NOT(&log, "elsewhere");
  cd_buf_release(&log);
  stage_release(&r);
}
END_TEST

START_TEST(a_role_that_is_missing)
{
  stage_run r = {.client = "forbidden"};
  CORDON(&r, 4, "isolate", "desk-1", "--comment", "x");
  HAS(&r.err, "(Machine.Isolate) to access the resource. (Forbidden)");
  stage_release(&r);
}
END_TEST

START_TEST(an_order_whose_answer_stays_away_may_go_on)
{
  stage_run r = {.client = "drop"};
  CORDON(&r, 6, "isolate", "desk-1", "--comment", "x");
  HAS(&r.err, "whether the console took the request is not known: cannot reach the console");
  r.client = "wrong-device";
  CORDON(&r, 6, "isolate", "desk-1", "--comment", "x");
  HAS(&r.err, "machineId must be the device that was asked for");
  stage_release(&r);
}
END_TEST

START_TEST(a_console_that_never_answers)
{
  stage_run r = {.client = "hang"};
  CORDON(&r, 3, "device", "list", "--timeout", "1");
  HAS(&r.err, "the console did not answer in time");
  ck_assert_uint_lt(r.took_ms, 20000);
  stage_release(&r);
}
END_TEST

START_TEST(a_configuration_that_others_can_read_is_refused)
{
  stage_run r = {.client = "file", .console = ""};
  char text[1024];
  (void)snprintf(text, sizeof(text),
                 "{\"console\":\"%s/\",\"ca\":\"%s\",\"client_id\":\"file\","
                 "\"client_secret_file\":\"%s\"}",
                 stage_console("127.0.0.1"), stage_path("ca.pem"), stage_path("secret"));
  stage_file("secret", SECRET "\n", 0600);
  stage_file("config.json", text, 0644);
  const char *file = stage_path("config.json");
  CORDON(&r, 5, "device", "list", "--config", file);
  HAS(&r.err, "is open to other users (its mode is 644)");
  stage_file("config.json", text, 0600);
  CORDON(&r, 0, "device", "list", "--config", file);
  stage_file("secret", SECRET "\n", 0640);
  CORDON(&r, 5, "device", "list", "--config", file);
  HAS(&r.err, "secret is open to other users (its mode is 640)");
  CORDON(&r, 5, "device", "list");
  HAS(&r.err, "which console is not known");
  CORDON(&r, 5, "device", "list", "--config", stage_path("absent"));
  stage_release(&r);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_fleet_hostile(void)
{
  Suite *s = suite_create("ctl.fleet_hostile");
  TCase *tc = tcase_create("hostile");
  tcase_set_timeout(tc, 120);
  tcase_add_test(tc, the_console_is_verified_always);
  tcase_add_test(tc, nobody_is_there);
  tcase_add_test(tc, a_wrong_secret);
  tcase_add_test(tc, a_new_token_once);
  tcase_add_test(tc, a_console_that_is_busy_is_asked_again_when_it_said);
  tcase_add_loop_test(tc, an_answer_that_is_none, 0, ROWS(bads));
  tcase_add_test(tc, a_role_that_is_missing);
  tcase_add_test(tc, an_order_whose_answer_stays_away_may_go_on);
  tcase_add_test(tc, a_console_that_never_answers);
  tcase_add_test(tc, a_configuration_that_others_can_read_is_refused);
  suite_add_tcase(s, tc);
  return s;
}
