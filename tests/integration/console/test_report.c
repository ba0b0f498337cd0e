/* The proof of one action is verified without the console, and nothing in it can be changed. */
#include "fleet.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMENT "{\"Comment\":\"test\"}"

static fleet f;

static void set_up(void)
{
  fleet_up(&f);
}

static void tear_down(void)
{
  fleet_down(&f);
}

static void isolated(device *d, char action[64])
{
  cd_order order = {0};
  fleet_enrol(&f, d, "desk-1");
  device_ready(d, &f.place);
  fleet_order(&f, d->id, "isolate", COMMENT, action);
  fleet_carry_out(d, action, &order);
}

static void get_report(const char *action, char *out, size_t size)
{
  char path[200];
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s/report", action);
  ck_assert_uint_eq(fleet_ask(&f, "GET", path, NULL, out, size), 200);
}

static void write_file(const char *text, char *path, size_t size)
{
  (void)snprintf(path, size, "%s/report.json", f.place.folder);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  (void)fclose(file);
}

/* The program's exit code on this text. */
static int verify(const char *text, const char *root)
{
  char path[400];
  int status = 0;
  write_file(text, path, sizeof(path));
  pid_t pid = fork();
  if (pid == 0) {
    (void)execl(CORDON, CORDON, "action", "verify", path, root != NULL ? "--root" : (char *)NULL,
                root, (char *)NULL);
    _exit(127);
  }
  ck_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* What the program says of this text, and its exit code. */
static int said_of(const char *text, char *out, size_t size)
{
  char command[900];
  char path[400];
  write_file(text, path, sizeof(path));
  (void)snprintf(command, sizeof(command), "'%s' action verify '%s' 2>&1", CORDON, path);
  FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a test's own words */
  ck_assert_ptr_nonnull(pipe);
  size_t got = fread(out, 1, size - 1, pipe);
  out[got] = '\0';
  int status = pclose(pipe);
  ck_assert(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* `text` with what stands between `from` and the next `upto` replaced. */
static void put(char *text, size_t size, const char *from, const char *upto, const char *with)
{
  char *at = strstr(text, from);
  ck_assert_msg(at != NULL, "no %s in %s", from, text);
  at += strlen(from);
  char *rest = strstr(at, upto);
  ck_assert_ptr_nonnull(rest);
  char *kept = strdup(rest);
  ck_assert_ptr_nonnull(kept);
  (void)snprintf(at, size - (size_t)(at - text), "%s%s", with, kept);
  free(kept);
}

/* `text` with another character behind `from`, which must be there. */
static void change(char *text, const char *from)
{
  char *at = strstr(text, from);
  ck_assert_msg(at != NULL, "no %s in %s", from, text);
  at += strlen(from);
  *at = *at == 'A' ? 'B' : 'A';
}

START_TEST(a_report_verifies_and_no_changed_one_does)
{
  static char text[262144];
  static char changed[262144];
  static const char *const places[] = {
      "\"order\":\"eyJhbGciOiJFUzI1NiIsInR5cCI6ImNvcmRvbi1vcmRlcisxIn0.",
      "\"result\":\"eyJhbGciOiJFUzI1NiIsInR5cCI6ImNvcmRvbi1yZXN1bHQrMSJ9.",
      "\"signed\":\"eyJhbGciOiJFUzI1NiIsInR5cCI6ImNvcmRvbi1oZWFkKzEifQ.",
      "\"device\":\"eyJhbGciOiJFUzI1NiIsInR5cCI6ImNvcmRvbi1rZXkrMSJ9.",
      "\"who\":\"",
      "\"comment\":\"",
  };
  device d;
  char action[64];
  char root[200];
  isolated(&d, action);
  get_report(action, text, sizeof(text));
  json_member(text, "root", root, sizeof(root));
  ck_assert_int_eq(verify(text, root), 0);
  ck_assert_int_eq(verify(text, NULL), 0);
  ck_assert_int_ne(verify(text, "00"), 0);
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    memcpy(changed, text, sizeof(text));
    change(changed, places[i]);
    ck_assert_msg(verify(changed, root) == 1, "changed behind %s", places[i]);
  }
  device_release(&d);
}
END_TEST

/* What stands beside the signed parts, and what the program says when it is another. */
static const struct {
  const char *from;
  const char *upto;
  const char *with;
  const char *says;
} copies[] = {
    {"\"requestor\":", ",", "\"mallory\"", "action.requestor is 'mallory'"},
    {"\"requestorComment\":", ",", "\"harmless\"", "action.requestorComment is 'harmless'"},
    {"\"requestorComment\":", ",", "null", "action.requestorComment is ''"},
    {"\"type\":", ",", "\"Unisolate\"", "action.type is 'Unisolate'"},
    {"\"scope\":", ",", "\"Selective\"", "action.scope is 'Selective'"},
    {"\"status\":", ",", "\"Failed\"", "action.status is 'Failed', and what is signed says 'Succ"},
    {"\"status\":", ",", "\"Pending\"", "action.status is 'Pending'"},
    {"\"machineId\":", ",", "\"ab\"", "action.machineId is 'ab'"},
    {"\"externalId\":", ",", "\"T-1\"", "action.externalId is 'T-1'"},
    {"\"requestSource\":", ",", "\"Device\"", "action.requestSource is 'Device'"},
    {"\"creationDateTimeUtc\":\"20", "\"", "01-01-01T00:00:00Z",
     "action.creationDateTimeUtc is '20"},
    {"\"lastUpdateDateTimeUtc\":\"20", "\"", "01-01-01T00:00:00Z", "action.lastUpdateDateTimeUtc"},
    {"\"cancellationRequestor\":", ",", "\"bob\"", "action.cancellationRequestor is 'bob'"},
    {"\"cancellationComment\":", ",", "\"no\"", "action.cancellationComment is 'no'"},
    {"\"cancellationDateTimeUtc\":", ",", "\"2026-01-01T00:00:00Z\"", "cancellationDateTimeUtc"},
    {"\"troubleshootInfo\":", "}", "\"broken\"", "action.troubleshootInfo is 'broken'"},
    {"\"keyId\":", "}", "\"00\"", "device.keyId is '00'"},
    {"\"evidence\":", ",\"keys\"", "{\"probes\":4}", "evidence is not what the device signed"},
    {"\"evidence\":", ",\"keys\"", "null", "evidence is not what the device signed"},
    {"\"order\":", ",\"result\"", "null", "the order that the result answers is missing"},
    {"\"result\":", ",\"evidence\"", "null",
     "the device's result is missing, and the log names it"},
    {"\"head\":{\"sequence\":", ",", "1", "head.sequence or head.digest is not that"},
    {",\"device\":\"eyJ", "}", "x\"", "the key of the device"},
    {",\"device\":\"", "\"", "", "device's key is missing"},
};

START_TEST(a_copy_that_was_changed_or_a_part_that_was_taken_out_is_named)
{
  static char text[262144];
  static char changed[262144];
  static char said[65536];
  device d;
  char action[64];
  isolated(&d, action);
  get_report(action, text, sizeof(text));
  for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
    memcpy(changed, text, sizeof(text));
    put(changed, sizeof(changed), copies[i].from, copies[i].upto, copies[i].with);
    ck_assert_msg(said_of(changed, said, sizeof(said)) == 1, "%zu: %s", i, copies[i].says);
    ck_assert_msg(strstr(said, copies[i].says) != NULL, "'%s' is not in '%s'", copies[i].says,
                  said);
  }
  ck_assert_int_eq(said_of(text, said, sizeof(said)), 0);
  static const char *const shown[] = {"Action      isolate (full), ",
                                      "Asked by    tests, 20",
                                      "Comment     test\n",
                                      "Order       generation ",
                                      "Status      Succeeded, signed by the device\n",
                                      "Enforced    isolated, 20",
                                      "Proven      holds, 20"};
  for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
    ck_assert_msg(strstr(said, shown[i]) != NULL, "'%s' is not in '%s'", shown[i], said);
  device_release(&d);
}
END_TEST

/* Nothing of a device is there: it was cancelled before it was sent. */
START_TEST(a_cancelled_action_tells_who_cancelled_it)
{
  static char text[262144];
  static char said[65536];
  static char answer[65536];
  device d;
  char action[64];
  char path[200];
  fleet_enrol(&f, &d, "desk-1");
  fleet_order(&f, d.id, "isolate", COMMENT, action);
  get_report(action, text, sizeof(text));
  ck_assert_int_eq(said_of(text, said, sizeof(said)), 0);
  ck_assert_ptr_nonnull(strstr(said, "Status      not ended, as far as the log tells\n"));
  put(text, sizeof(text), "\"status\":", ",", "\"Succeeded\"");
  ck_assert_int_eq(verify(text, NULL), 1);
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s/cancel", action);
  ck_assert_uint_eq(fleet_ask(&f, "POST", path, "{\"Comment\":\"a slip\"}", answer, sizeof(answer)),
                    200);
  get_report(action, text, sizeof(text));
  ck_assert_int_eq(said_of(text, said, sizeof(said)), 0);
  ck_assert_ptr_nonnull(strstr(said, "Cancelled   tests, 20"));
  ck_assert_ptr_nonnull(strstr(said, "Because     a slip\n"));
  ck_assert_ptr_nonnull(strstr(said, "Status      Cancelled, before the device said anything\n"));
  put(text, sizeof(text), "\"cancellationComment\":", ",", "\"a plan\"");
  ck_assert_int_eq(verify(text, NULL), 1);
  device_release(&d);
}
END_TEST

/* What was given on the device has no order, and its own entry. */
START_TEST(an_action_of_the_device_itself_verifies)
{
  static char text[262144];
  static char said[65536];
  device d;
  char action[64];
  char path[200];
  cd_order local = {.kind = CD_ORDER_RELEASE, .generation = 2};
  cd_err err = {0};
  isolated(&d, action);
  ck_assert_int_eq(cd_id_make(local.action, &err), CD_OK);
  ck_assert(device_result(&d, &local, NULL, d.key));
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", local.action);
  fleet_wait(&f, path, "requestSource", "Device");
  get_report(local.action, text, sizeof(text));
  ck_assert_int_eq(said_of(text, said, sizeof(said)), 0);
  ck_assert_ptr_nonnull(strstr(said, "Action      release, "));
  ck_assert_ptr_nonnull(strstr(said, "Asked       on the device itself\nComment     c\n"));
  put(text, sizeof(text), "\"requestor\":", ",", "\"root\"");
  ck_assert_int_eq(verify(text, NULL), 1);
  device_release(&d);
}
END_TEST

/* One that stands twice does not stand for another one that was taken out. */
START_TEST(an_entry_that_stands_twice_is_refused)
{
  static char text[262144];
  static char one[65536];
  device d;
  char action[64];
  isolated(&d, action);
  get_report(action, text, sizeof(text));
  char *first = strstr(text, "\"audit\":[{");
  ck_assert_ptr_nonnull(first);
  first += strlen("\"audit\":[");
  char *second = strstr(first, "},{\"sequence\":");
  ck_assert_ptr_nonnull(second);
  char *end = strstr(second, "],\"head\"");
  ck_assert_ptr_nonnull(end);
  (void)snprintf(one, sizeof(one), "%.*s", (int)(end - second - 2), second + 2);
  char *tail = strdup(end);
  ck_assert_ptr_nonnull(tail);
  (void)snprintf(first, sizeof(text) - (size_t)(first - text), "%s,%s%s", one, one, tail);
  free(tail);
  ck_assert_int_eq(verify(text, NULL), 1);
  device_release(&d);
}
END_TEST

/* An entry that is left out, say who cancelled it, is missed; one of another action is too. */
START_TEST(an_entry_that_is_left_out_is_missed)
{
  static char text[262144];
  device d;
  char action[64];
  isolated(&d, action);
  get_report(action, text, sizeof(text));
  char *first = strstr(text, "\"audit\":[{");
  ck_assert_ptr_nonnull(first);
  first += strlen("\"audit\":[");
  char *second = strstr(first, "},{\"sequence\":");
  ck_assert_ptr_nonnull(second);
  memmove(first, second + 2, strlen(second + 2) + 1);
  ck_assert_int_eq(verify(text, NULL), 1);
  ck_assert_int_eq(verify("no report", NULL), 1);
  device_release(&d);
}
END_TEST

START_TEST(a_report_verifies_after_its_keys_were_replaced)
{
  static char text[262144];
  device d;
  char action[64];
  char root[200];
  isolated(&d, action);
  place_stop_signer(&f.place);
  place_tell_signer(&f.place, "--rotate", "device-ca");
  place_tell_signer(&f.place, "--rotate", "order");
  place_start_signer(&f.place);
  place_stop(&f.place, SIGTERM);
  place_start(&f.place);
  free(f.bearer);
  f.bearer = place_app(&f.place, "again", "Machine.Read.All");
  get_report(action, text, sizeof(text));
  json_member(text, "root", root, sizeof(root));
  ck_assert_int_eq(verify(text, root), 0);
  device_release(&d);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.report");
  TCase *t = tcase_create("report");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, a_report_verifies_and_no_changed_one_does);
  tcase_add_test(t, a_copy_that_was_changed_or_a_part_that_was_taken_out_is_named);
  tcase_add_test(t, a_cancelled_action_tells_who_cancelled_it);
  tcase_add_test(t, an_action_of_the_device_itself_verifies);
  tcase_add_test(t, an_entry_that_stands_twice_is_refused);
  tcase_add_test(t, an_entry_that_is_left_out_is_missed);
  tcase_add_test(t, a_report_verifies_after_its_keys_were_replaced);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
