/* --wait: what is shown meanwhile, and how it ends. */
#include "stage.h"
#include "suites.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

START_TEST(until_it_is_proven)
{
  stage_run r = {.client = "wait"};
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "x", "--wait");
  HAS(&r.err, "isolate waiting: for the device\nisolate 4/6 apply: putting the rules in force\n");
  HAS(&r.out, "Isolated: desk-1.example, enforced and proven by probes.\n");
  HAS(&r.out, "Status      Succeeded, took 412 ms\n");
  HAS(&r.out, "tcp4    192.0.2.1:443   blocked");
  HAS(&r.out, "\\x1b[2Jwhat others open");
  CORDON(&r, 0, "release", "desk-1", "--comment", "x", "--wait");
  HAS(&r.out, "Released: nothing of the isolation of desk-1.example is left.\n");
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "x", "--wait", "--json", "--progress");
  HAS(&r.out, "{\"id\":\"");
  HAS(&r.out, "\"evidence\":{\"enforced\":");
  HAS(&r.err, "{\"event\":\"step\",\"id\":\"");
  stage_release(&r);
}
END_TEST

START_TEST(success_without_evidence_is_not_proven)
{
  stage_run r = {.client = "liar"};
  CORDON(&r, 7, "isolate", "liar-1", "--comment", "x", "--wait");
  HAS(&r.err, "the isolation was done but is not proven");
  HAS_NOT(&r.out, "Isolated:");
  stage_release(&r);
}
END_TEST

START_TEST(a_failure_is_told)
{
  stage_run r = {.client = "broken"};
  CORDON(&r, 1, "isolate", "broken-1", "--comment", "x", "--wait");
  HAS(&r.err, "the isolation failed: the disk is full");
  HAS(&r.out, "Status      Failed, io");
  CORDON(&r, 1, "isolate", "broken-1", "--comment", "x", "--wait", "--json");
  HAS(&r.out, "\"outcome\":\"io\"");
  stage_release(&r);
}
END_TEST

START_TEST(a_device_that_is_off)
{
  stage_run r = {.client = "off"};
  /* Sign-in, look-up and order come first, on a busy machine too. */
  CORDON(&r, 6, "isolate", "off-1", "--comment", "x", "--wait", "--timeout", "8");
  HAS(&r.err, "the action has not ended in time; it goes on, 'cordon action show ");
  ck_assert_uint_ge(r.took_ms, 8000);
  CORDON(&r, 6, "isolate", "off-1", "--comment", "x", "--wait", "--timeout", "8", "--json");
  HAS(&r.out, "{\"error\":{\"status\":\"deadline\",\"sentence\":\"");
  HAS(&r.out, "\"action\":\"");
  stage_release(&r);
}
END_TEST

START_TEST(many_at_once)
{
  stage_run r = {.client = "many"};
  CORDON(&r, 0, "tag", "add", "liar-1", "lab");
  CORDON(&r, 0, "tag", "add", "server-1", "lab");
  CORDON(&r, 7, "isolate", "--tag", "lab", "--comment", "x", "--wait");
  HAS(&r.err, "isolate device 1 of 2\n");
  HAS(&r.err, "isolate device 2 of 2\n");
  HAS(&r.err, "cordon: liar-1, action ");
  HAS(&r.err, ": the isolation was done but is not proven");
  HAS(&r.out, "2 devices; 2 actions accepted, 1 proven.\n");
  CORDON(&r, 0, "tag", "add", "broken-1", "lab");
  CORDON(&r, 1, "isolate", "--tag", "lab", "--comment", "x", "--wait");
  HAS(&r.out, "3 devices; 3 actions accepted, 1 proven.\n");
  stage_release(&r);
}
END_TEST

/* off-1 comes before liar-1 in the console's answer, and never ends. */
START_TEST(a_device_that_is_off_holds_up_no_other)
{
  stage_run r = {.client = "held"};
  CORDON(&r, 0, "tag", "add", "off-1", "lab");
  CORDON(&r, 0, "tag", "add", "twin-2", "lab");
  CORDON(&r, 6, "isolate", "--tag", "lab", "--comment", "x", "--wait", "--timeout", "9");
  HAS(&r.err, "isolate device 1 of 2\n");
  HAS(&r.err, "cordon: off-1, action ");
  HAS(&r.err, ": it has not ended; it goes on, 'cordon action show ");
  HAS(&r.out, "2 devices; 2 actions accepted, 1 proven, 1 not ended.\n");
  CORDON(&r, 6, "isolate", "--tag", "lab", "--comment", "x", "--wait", "--timeout", "9", "--json");
  HAS(&r.out, "{\"count\":2,\"refused\":0,\"proven\":1,\"notEnded\":1,\"value\":[");
  HAS(&r.out, "\"ended\":false,\"status\":null,\"proven\":false,\"sentence\":\"it has not ended");
  HAS(&r.out, "\"ended\":true,\"status\":\"Succeeded\",\"proven\":true,\"sentence\":null}");
  stage_release(&r);
}
END_TEST

START_TEST(an_interrupt_is_told)
{
  stage_run r = {.client = "interrupt", .signal_at = "waiting"};
  CORDON(&r, 6, "isolate", "off-1", "--comment", "x", "--wait");
  HAS(&r.err, "interrupted while waiting for the action; it goes on, 'cordon action show ");
  ck_assert_uint_lt(r.took_ms, 30000);
  stage_release(&r);
}
END_TEST

#define SIGNED "01a22543-4b14-75b9-bce4-53c18c5d14a4" /* signed_report.json */

/* Nothing of it, and nothing beside it. */
static void no_file(const char *path)
{
  char folder[512];
  const char *name = strrchr(path, '/') + 1;
  (void)snprintf(folder, sizeof(folder), "%.*s", (int)(name - path), path);
  DIR *dir = opendir(folder);
  ck_assert_ptr_nonnull(dir);
  for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
    ck_assert_msg(strncmp(e->d_name, name, strlen(name)) != 0, "%s is there", e->d_name);
  (void)closedir(dir);
}

/* The console's own word on what the device has made is not taken for the device's. */
START_TEST(a_package_that_the_device_did_not_sign)
{
  stage_run r = {.client = "forged"};
  const char *file = stage_path("forged.zip");
  CORDON(&r, 1, "collect", "--id", SIGNED, "-o", file);
  HAS(&r.err, "what the console shows of the action is not what the device has signed");
  no_file(file);
  r.client = "swapped";
  CORDON(&r, 1, "collect", "--id", SIGNED, "-o", file);
  HAS(&r.err, "the digests differ, and the file was not written");
  no_file(file);
  stage_release(&r);
}
END_TEST

START_TEST(what_cannot_be_written_is_fetched_by_its_id)
{
  stage_run r = {.client = "swapped", .no_room = true};
  const char *file = stage_path("full.zip");
  CORDON(&r, 1, "collect", "--id", SIGNED, "-o", file, "--json");
  HAS(&r.out, "cannot write");
  HAS(&r.out, "the console keeps the package: 'cordon collect --id " SIGNED " -o FILE' fetches it");
  no_file(file);
  stage_release(&r);
}
END_TEST

/* Before the console is asked for anything: the device is none that it has. */
START_TEST(a_package_goes_into_no_device)
{
  stage_run r = {.client = "forged"};
  CORDON(&r, 2, "collect", "nobody-9", "-o", "/dev/null", "--overwrite", "--comment", "x");
  HAS(&r.err, "/dev/null is not a regular file");
  stage_release(&r);
}
END_TEST

START_TEST(an_interrupt_while_it_is_fetched_is_told)
{
  stage_run r = {.client = "late", .signal_at = "fetching"};
  const char *file = stage_path("late.zip");
  CORDON(&r, 6, "collect", "--id", SIGNED, "-o", file);
  HAS(&r.err, "'cordon collect --id " SIGNED " -o FILE' fetches it later");
  no_file(file);
  stage_release(&r);
}
END_TEST

START_TEST(what_a_killed_command_leaves_has_the_id_of_its_action)
{
  char part[512];
  stage_run r = {.client = "late", .signal_at = "fetching", .signal_is = SIGKILL};
  const char *file = stage_path("killed.zip");
  (void)snprintf(part, sizeof(part), "%s." SIGNED ".part", file);
  CORDON(&r, -1, "collect", "--id", SIGNED, "-o", file);
  ck_assert_int_eq(unlink(part), 0);
  no_file(file);
  stage_release(&r);
}
END_TEST

START_TEST(a_hangup_leaves_nothing_behind)
{
  stage_run r = {.client = "hangup", .signal_at = "waiting", .signal_is = SIGHUP};
  const char *file = stage_path("hangup.zip");
  CORDON(&r, 6, "collect", "off-1", "-o", file, "--comment", "x");
  HAS(&r.err, "interrupted while waiting for the action");
  no_file(file);
  stage_release(&r);
}
END_TEST

Suite *suite_fleet_waits(void)
{
  Suite *s = suite_create("ctl.fleet_waits");
  TCase *tc = tcase_create("waits");
  tcase_set_timeout(tc, 120);
  tcase_add_test(tc, until_it_is_proven);
  tcase_add_test(tc, success_without_evidence_is_not_proven);
  tcase_add_test(tc, a_failure_is_told);
  tcase_add_test(tc, a_device_that_is_off);
  tcase_add_test(tc, many_at_once);
  tcase_add_test(tc, a_device_that_is_off_holds_up_no_other);
  tcase_add_test(tc, an_interrupt_is_told);
  tcase_add_test(tc, a_package_that_the_device_did_not_sign);
  tcase_add_test(tc, what_cannot_be_written_is_fetched_by_its_id);
  tcase_add_test(tc, a_package_goes_into_no_device);
  tcase_add_test(tc, an_interrupt_while_it_is_fetched_is_told);
  tcase_add_test(tc, what_a_killed_command_leaves_has_the_id_of_its_action);
  tcase_add_test(tc, a_hangup_leaves_nothing_behind);
  suite_add_tcase(s, tc);
  return s;
}
