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

/* The program's exit code on this text. */
static int verify(const char *text, const char *root)
{
  char path[400];
  int status = 0;
  (void)snprintf(path, sizeof(path), "%s/report.json", f.place.folder);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  (void)fclose(file);
  pid_t pid = fork();
  if (pid == 0) {
    (void)execl(CORDON, CORDON, "action", "verify", path, root != NULL ? "--root" : (char *)NULL,
                root, (char *)NULL);
    _exit(127);
  }
  ck_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  return WEXITSTATUS(status);
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
  tcase_add_test(t, an_entry_that_is_left_out_is_missed);
  tcase_add_test(t, a_report_verifies_after_its_keys_were_replaced);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
