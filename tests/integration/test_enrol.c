/* Enrolment: with an honest console the device is enrolled and connects; whatever goes wrong, there
 * is one sentence and nothing has changed. */
#include "console.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const driver_options good = {.providers = {"good"}};

/* The reply has not come if the agent ended instead. */
static driver_reply enrol(driver *d, const char *token)
{
  cd_buf params = CD_BUF_INIT(128 * 1024);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_finish(driver_ask(d, "enroll", cd_buf_cstr(&params)));
  cd_buf_release(&params);
  return r;
}

static const char *console_member(driver *d, const char *path)
{
  char full[128];
  driver_reply r = driver_request(d, "status", "{}");
  (void)snprintf(full, sizeof(full), "console.%s", path);
  const char *text = driver_at(r.result, full);
  driver_reply_release(&r);
  return text;
}

static bool is_connected(driver *d, const void *context)
{
  return strcmp(console_member(d, "connection"), "connected") == 0;
}

START_TEST(a_token_makes_a_device_known_and_connected)
{
  struct stat st;
  console *c = console_new();
  char *token = console_token(c);
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  ck_assert_str_eq(console_member(d, "enrolled"), "false");
  driver_reply r = enrol(d, token);
  ck_assert_msg(r.ok, "%s", r.sentence);
  ck_assert_str_eq(driver_at(r.result, "device"), "3f2a9c0d1b4e5f60718293a4b5c6d7e8f9012345");
  driver_reply_release(&r);
  driver_wait(d, is_connected, NULL, "the device is connected");
  ck_assert_uint_eq(console_forgeries(c), 0);
  ck_assert_int_eq(stat(driver_path(d, "state/enrolment.json"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  ck_assert_int_eq(stat(driver_path(d, "state/device.key"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  driver_stop(d);
  driver_start(d, NULL);
  driver_wait(d, is_connected, NULL, "the device is connected again");
  ck_assert_uint_eq(console_enrolments(c), 1);
  driver_stop(d);
  driver_free(d);
  console_free(c);
  free(token);
}
END_TEST

typedef struct refusal {
  console_twist twist;
  const char *part;
} refusal;

static void expect_refusal(console_twist twist, const char *part)
{
  console *c = console_new();
  char *token = console_token(c);
  driver *d = driver_new(&good);
  console_set_twist(c, twist);
  driver_start(d, NULL);
  driver_reply r = enrol(d, token);
  ck_assert(!r.ok);
  ck_assert_msg(strstr(r.sentence, part) != NULL, "'%s' does not say '%s'", r.sentence, part);
  driver_reply_release(&r);
  ck_assert_str_eq(driver_read(driver_path(d, "state/enrolment.json")), "");
  ck_assert_str_eq(console_member(d, "enrolled"), "false");
  console_set_twist(c, CONSOLE_HONEST);
  r = enrol(d, token);
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  driver_wait(d, is_connected, NULL, "the device is connected");
  driver_stop(d);
  driver_free(d);
  console_free(c);
  free(token);
}

#define REFUSED(test, twist, part)                                                                 \
  START_TEST(test)                                                                                 \
  {                                                                                                \
    expect_refusal(twist, part);                                                                   \
  }                                                                                                \
  END_TEST

REFUSED(a_refusal_is_told_in_the_consoles_words, CONSOLE_REFUSES, "the token is used up")
REFUSED(an_order_key_that_the_root_does_not_state_is_refused, CONSOLE_OTHER_ORDER_KEY,
        "the key statement is forged")
REFUSED(a_device_key_that_the_ca_does_not_state_is_refused, CONSOLE_OTHER_STATEMENT,
        "the key statement is forged")
REFUSED(a_certificate_for_another_key_is_refused, CONSOLE_OTHER_KEY, "for another key")
REFUSED(an_answer_that_makes_no_sense_is_refused, CONSOLE_GARBAGE,
        "the console's answer is refused")
REFUSED(a_console_that_hangs_up_is_told_of, CONSOLE_SILENT, "no console could be reached")

START_TEST(a_console_of_another_ca_gets_no_token)
{
  console *c = console_new();
  driver *d = driver_new(&good);
  char *token = console_token(c);
  cJSON *json = cJSON_Parse(token);
  cJSON *ca = cJSON_GetObjectItemCaseSensitive(json, "tls_ca");

  driver_start(d, NULL);

  cJSON_SetValuestring(ca, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
  char *changed = cJSON_PrintUnformatted(json);
  driver_reply r = enrol(d, changed);
  ck_assert(!r.ok);
  ck_assert_str_ne(r.sentence, "");
  ck_assert_uint_eq(console_enrolments(c), 0);
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
  console_free(c);
  cJSON_Delete(json);
  cJSON_free(changed);
  free(token);
}
END_TEST

START_TEST(a_token_that_is_none_is_refused)
{
  static const char *const tokens[] = {
      "{}", "{\"version\":2}",
      "{\"version\":1,\"enroll\":[\"http://a:1\"],\"token\":\"x\",\"root\":\"x\",\"ca\":\"\","
      "\"tls_ca\":\"\"}"};
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  for (size_t i = 0; i < COUNT_OF(tokens); i++) {
    driver_reply r = enrol(d, tokens[i]);
    ck_assert(!r.ok);
    ck_assert_str_eq(r.status, "invalid");
    driver_reply_release(&r);
  }
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(only_an_administrator_enrols)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_reply r = driver_request_as(d, 65534, "enroll", "{\"token\":{}}");
  ck_assert(!r.ok);
  ck_assert_str_eq(r.status, "denied");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* Enrolled or not, never between; and a second attempt is the same device. */
static void kill_at(const char *point, bool enrolled)
{
  char fault[64];
  char key[8192];
  console *c = console_new();
  char *token = console_token(c);
  driver *d = driver_new(&good);
  (void)snprintf(fault, sizeof(fault), "%s=kill", point);
  driver_start(d, fault);
  driver_reply r = enrol(d, token);
  ck_assert(!r.came);
  driver_reply_release(&r);
  driver_wait_exit(d);
  (void)snprintf(key, sizeof(key), "%s", driver_read(driver_path(d, "state/device.key")));
  driver_start(d, NULL);
  ck_assert_str_eq(console_member(d, "enrolled"), enrolled ? "true" : "false");
  if (!enrolled) {
    r = enrol(d, token);
    ck_assert_msg(r.ok, "%s", r.sentence);
    driver_reply_release(&r);
  }
  driver_wait(d, is_connected, NULL, "the device is connected");
  ck_assert_str_eq(driver_read(driver_path(d, "state/device.key")), key);
  driver_stop(d);
  driver_free(d);
  console_free(c);
  free(token);
}

START_TEST(killed_before_it_is_stored_it_is_not_enrolled)
{
  kill_at("remote.before_enrolment", false);
}
END_TEST

START_TEST(killed_after_it_is_stored_it_is_enrolled)
{
  kill_at("remote.enrolment_synced", true);
}
END_TEST

START_TEST(a_certificate_is_renewed_in_time)
{
  console *c = console_new();
  char *token = console_token(c);
  driver *d = driver_new(&good);
  console_set_life(c, 600);
  driver_start(d, NULL);
  driver_reply r = enrol(d, token);
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  driver_wait_log(d, "the certificate was renewed");
  driver_wait(d, is_connected, NULL, "the device is connected with the new one");
  ck_assert_uint_eq(console_renewals(c), 1);
  driver_stop(d);
  driver_start(d, NULL);
  driver_wait(d, is_connected, NULL, "the device is connected after a restart");
  ck_assert_uint_eq(console_renewals(c), 1);
  driver_stop(d);
  driver_free(d);
  console_free(c);
  free(token);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_token_makes_a_device_known_and_connected,
      a_refusal_is_told_in_the_consoles_words,
      an_order_key_that_the_root_does_not_state_is_refused,
      a_device_key_that_the_ca_does_not_state_is_refused,
      a_certificate_for_another_key_is_refused,
      an_answer_that_makes_no_sense_is_refused,
      a_console_that_hangs_up_is_told_of,
      a_console_of_another_ca_gets_no_token,
      a_token_that_is_none_is_refused,
      only_an_administrator_enrols,
      killed_before_it_is_stored_it_is_not_enrolled,
      killed_after_it_is_stored_it_is_enrolled,
      a_certificate_is_renewed_in_time,
  };
  return driver_suite("integration.enrol", tests, COUNT_OF(tests), 120);
}
