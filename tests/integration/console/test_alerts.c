/* Scans and remediations are ordered, and what a device's signed result says was found becomes
 * alerts, whatever the device says. */
#include "fleet.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "protocol/scan.h"

#define COMMENT "{\"Comment\":\"test\"}"
#define QUICK "{\"Comment\":\"test\",\"ScanType\":\"Quick\"}"
#define SHA1 "3395856ce81f2b7382dee72602f798b642f14140"
#define SHA256 "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
#define ANSWER_MAX 1048576

static fleet f;
static device desk;
static char answer[ANSWER_MAX];

static void set_up(void)
{
  fleet_up(&f);
  fleet_enrol(&f, &desk, "desk-1");
  device_ready(&desk, &f.place);
}

static void tear_down(void)
{
  device_release(&desk);
  fleet_down(&f);
}

static unsigned ask(const char *method, const char *path, const char *body)
{
  return fleet_ask(&f, method, path, body, answer, sizeof(answer));
}

#define expect(method, path, body, status, words)                                                  \
  do {                                                                                             \
    unsigned got_ = ask((method), (path), (body));                                                 \
    ck_assert_msg(got_ == (status), "%s %s: %u %s", (method), (path), got_, answer);               \
    ck_assert_msg(strstr(answer, (words)) != NULL, "%s has no %s: %s", (path), (words), answer);   \
  } while (0)

static size_t count_of(const char *words)
{
  size_t n = 0;
  for (const char *at = answer; (at = strstr(at, words)) != NULL; at += strlen(words))
    n++;
  return n;
}

/* A finding of that name and signature. */
static void add_finding(cd_buf *out, const char *path, const char *signature, bool runs)
{
  cd_buf_addf(out,
              "%s{\"path\":\"%s\",\"size\":68,\"sha256\":\"" SHA256 "\",\"sha1\":\"" SHA1
              "\",\"signature\":\"%s\",\"owner\":{\"uid\":1000,\"name\":\"mallory\"},"
              "\"modified_ms\":1790000000000,\"processes\":[%s],\"deleted\":false}",
              out->len > 0 ? "," : "", path, signature,
              runs ? "{\"pid\":77,\"start\":9,\"name\":\"x\",\"user\":\"mallory\"}" : "");
}

/* What the device says next of a scan. */
static void say(const cd_buf *findings, unsigned long long total, unsigned long long left)
{
  static char text[262144];
  (void)snprintf(text, sizeof(text),
                 "{\"scan\":{\"type\":\"quick\",\"engine\":{\"name\":\"ClamAV\",\"version\":"
                 "\"1.0.3\"},\"database\":{\"version\":27000,\"built_ms\":null,\"signatures\":2},"
                 "\"files_planned\":12,\"files_scanned\":12,\"bytes_scanned\":4096,"
                 "\"findings_total\":%llu,\"findings\":[%s],\"not_scanned_total\":%llu,"
                 "\"not_scanned\":[],\"not_scanned_reasons\":{},\"complete\":%s,\"elapsed_ms\":9}}",
                 total, cd_buf_cstr(findings), left, left == 0 ? "true" : "false");
  desk.evidence = text;
}

/* A scan is ordered, taken and answered with what say() said. */
static void scan(char action[64])
{
  cd_order order = {0};
  fleet_order(&f, desk.id, "runAntiVirusScan", QUICK, action);
  fleet_carry_out(&desk, action, &order);
  ck_assert_int_eq(order.kind, CD_ORDER_SCAN);
  ck_assert_str_eq(device_parameters(&desk), "{\"type\":\"quick\"}");
}

static void scan_finds(const char *path, const char *signature, bool runs)
{
  char action[64];
  cd_buf list = CD_BUF_INIT(65536);
  add_finding(&list, path, signature, runs);
  say(&list, 1, 0);
  scan(action);
  cd_buf_release(&list);
}

START_TEST(what_a_scan_found_is_an_alert)
{
  char path[200];
  char id[64];
  scan_finds("/srv/a/eicar.com", "Win.Trojan.Agent-1", false);
  expect("GET", "/api/alerts", NULL, 200, "\"title\":\"Malware found: Win.Trojan.Agent-1\"");
  ck_assert_uint_eq(count_of("\"id\":"), 1);
  ck_assert_ptr_nonnull(strstr(answer, "\"severity\":\"Medium\",\"status\":\"New\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"threatFamilyName\":\"Agent\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"evidence\":[]"));
  ck_assert_ptr_nonnull(strstr(answer, "\"relatedUser\":{\"userName\":\"mallory\""));
  json_member(answer, "id", id, sizeof(id));
  ck_assert_msg(strncmp(id, "da", 2) == 0 && strspn(id + 2, "0123456789") == 18 && id[20] == '_',
                "the id is %s", id);
  expect("GET", "/api/alerts?$expand=evidence", NULL, 200,
         "\"sha1\":\"" SHA1 "\",\"sha256\":\"" SHA256
         "\",\"fileName\":\"eicar.com\",\"filePath\":\"/srv/a\"");
  expect("GET", "/api/alerts?$filter=status%20eq%20'New'%20and%20severity%20eq%20'High'", NULL, 200,
         "\"value\":[]");
  (void)snprintf(path, sizeof(path), "/api/machines/%s/alerts/$count", desk.id);
  ck_assert_uint_eq(ask("GET", path, NULL), 200);
  ck_assert_str_eq(answer, "1");
  (void)snprintf(path, sizeof(path), "/api/machines/%s/alerts", desk.id);
  expect("GET", path, NULL, 200, id);
  (void)snprintf(path, sizeof(path), "/api/alerts/%s", id);
  expect("GET", path, NULL, 200, "\"detectionStatus\":\"Detected\"");
  (void)snprintf(path, sizeof(path), "/api/alerts/%s/files", id);
  expect("GET", path, NULL, 200, "\"determinationValue\":\"Win.Trojan.Agent-1\"");
  (void)snprintf(path, sizeof(path), "/api/alerts/%s/user", id);
  expect("GET", path, NULL, 200, "\"accountName\":\"mallory\"");
  (void)snprintf(path, sizeof(path), "/api/alerts/%s/machine", id);
  expect("GET", path, NULL, 200, desk.id);
  (void)snprintf(path, sizeof(path), "/api/alerts/%s/ips", id);
  expect("GET", path, NULL, 200, "\"value\":[]");
  (void)snprintf(path, sizeof(path), "/api/cordon/alerts/%s", id);
  expect("GET", path, NULL, 200, "\"findings\":[{\"path\":\"/srv/a/eicar.com\"");
  expect("GET", "/metrics", NULL, 200, "\ncordon_alerts_open 1\n");
}
END_TEST

START_TEST(the_same_again_is_the_same_alert_until_it_is_resolved)
{
  char path[200];
  char id[64];
  scan_finds("/srv/a", "Win.Trojan.Agent-1", false);
  scan_finds("/srv/a", "Win.Trojan.Agent-1", false);
  scan_finds("/srv/b", "Win.Trojan.Agent-1", true);
  expect("GET", "/api/alerts?$expand=evidence", NULL, 200, "\"severity\":\"High\"");
  ck_assert_uint_eq(count_of("\"title\":"), 1);
  ck_assert_uint_eq(count_of("\"entityType\":\"File\""), 2);
  json_member(answer, "id", id, sizeof(id));
  (void)snprintf(path, sizeof(path), "/api/alerts/%s", id);
  expect("PATCH", path, "{\"status\":\"Resolved\"}", 200, "\"status\":\"Resolved\"");
  ck_assert_ptr_null(strstr(answer, "\"resolvedTime\":null"));
  scan_finds("/srv/a", "Win.Trojan.Agent-1", false);
  expect("GET", "/api/alerts", NULL, 200, "\"status\":\"Resolved\"");
  ck_assert_uint_eq(count_of("\"title\":"), 2);
  ck_assert_uint_eq(count_of("\"status\":\"New\""), 1);
}
END_TEST

START_TEST(a_device_that_sends_ten_thousand_findings_does_not_fill_the_console)
{
  char action[64];
  for (unsigned round = 0; round < 2; round++) {
    cd_buf list = CD_BUF_INIT(CD_RESULT_MAX);
    for (unsigned i = 0; i < CD_SCAN_FINDINGS_MAX; i++) {
      char path[64];
      char signature[64];
      (void)snprintf(path, sizeof(path), "/srv/%u/%u", round, i);
      (void)snprintf(signature, sizeof(signature), "Made.Up.Name-%u-%u", round, i);
      add_finding(&list, path, signature, false);
    }
    say(&list, 10000, 0);
    scan(action);
    cd_buf_release(&list);
  }
  expect("GET", "/api/alerts?$count=true", NULL, 200, "\"@odata.count\":101");
  expect("GET", "/api/alerts?$filter=startswith(title,'More')", NULL, 200,
         "200 findings of its last scan have none of their own");
  ck_assert_ptr_nonnull(strstr(answer, "found 10000. Its result names 200 of them."));
  ck_assert_ptr_nonnull(strstr(answer, "\"severity\":\"High\""));
  expect("GET", "/metrics", NULL, 200, "\ncordon_findings_total 20000\n");
}
END_TEST

/* One alert lists no more than its share. */
START_TEST(an_alert_lists_a_part_and_says_so)
{
  char action[64];
  for (unsigned round = 0; round < 2; round++) {
    cd_buf list = CD_BUF_INIT(CD_RESULT_MAX);
    for (unsigned i = 0; i < CD_SCAN_FINDINGS_MAX; i++) {
      char path[64];
      (void)snprintf(path, sizeof(path), "/srv/%u/%u", round, i);
      add_finding(&list, path, "Worm", false);
    }
    say(&list, CD_SCAN_FINDINGS_MAX, 7);
    scan(action);
    cd_buf_release(&list);
  }
  expect("GET", "/api/alerts?$expand=evidence", NULL, 200,
         "It was not complete: 7 files were not scanned. 200 findings of that scan are not listed "
         "here");
  ck_assert_uint_eq(count_of("\"entityType\":\"File\""), 200);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_alert_too)
{
  char action[64];
  char path[200];
  desk.evidence = "{\"scan\":{\"type\":\"quick\",\"findings_total\":-1}}";
  scan(action);
  expect("GET", "/api/alerts", NULL, 200, "\"title\":\"A scan's result cannot be read\"");
  ck_assert_ptr_nonnull(strstr(answer, "files_planned is missing"));
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s", action);
  expect("GET", path, NULL, 200, "\"findings_total\":-1");
  desk.evidence = "{\"passed_over\":\"clamd is not there\"}";
  scan(action);
  expect("GET", "/api/alerts?$count=true", NULL, 200, "\"@odata.count\":1");
}
END_TEST

/* All that a result may say of one file, each character of it escaped. */
START_TEST(a_finding_of_nothing_but_escapes_is_taken)
{
  char action[64];
  cd_buf path = CD_BUF_INIT(65536);
  cd_buf name = CD_BUF_INIT(65536);
  cd_buf all = CD_BUF_INIT(CD_RESULT_MAX);
  for (unsigned i = 0; i < CD_PATH_MAX - 2; i++)
    cd_buf_add_cstr(&path, "\\u0001");
  for (unsigned i = 0; i < CD_PROCESS_NAME_MAX; i++)
    cd_buf_add_cstr(&name, "\\u0001");
  cd_buf_addf(
      &all,
      "{\"path\":\"/%s\",\"size\":1,\"signature\":\"%s\",\"owner\":{\"uid\":1,\"name\":\"%s\"},"
      "\"processes\":[",
      cd_buf_cstr(&path), cd_buf_cstr(&name), cd_buf_cstr(&name));
  for (unsigned i = 0; i < CD_SCAN_PROCESSES_MAX; i++)
    cd_buf_addf(&all, "%s{\"pid\":1,\"start\":1,\"name\":\"%s\",\"user\":\"%s\"}", i > 0 ? "," : "",
                cd_buf_cstr(&name), cd_buf_cstr(&name));
  cd_buf_add_cstr(&all, "]}");
  say(&all, 1, 0);
  scan(action);
  expect("GET", "/api/alerts?$expand=evidence", NULL, 200, "\"severity\":\"High\"");
  ck_assert_uint_eq(count_of("\"title\":"), 1);
  ck_assert_uint_eq(count_of("\"entityType\":\"File\""), 1);
  cd_buf_release(&path);
  cd_buf_release(&name);
  cd_buf_release(&all);
}
END_TEST

START_TEST(what_a_device_found_by_itself_counts)
{
  cd_order own = {.kind = CD_ORDER_SCAN};
  cd_buf list = CD_BUF_INIT(65536);
  add_finding(&list, "/srv/a", "PUA.Unix.Miner-1", false);
  say(&list, 1, 0);
  (void)cd_str_copy(own.action, sizeof(own.action), CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"));
  ck_assert(device_result(&desk, &own, NULL, desk.key));
  ck_assert(!device_result(&desk, &own, NULL, desk.key)); /* another one of the same */
  expect("GET", "/api/alerts", NULL, 200,
         "\"title\":\"Unwanted software found: PUA.Unix.Miner-1\"");
  ck_assert_ptr_nonnull(strstr(answer, "\"severity\":\"Low\""));
  ck_assert_uint_eq(count_of("\"title\":"), 1);
  expect("GET", "/api/machineactions", NULL, 200, "\"type\":\"RunAntiVirusScan\"");
  cd_buf_release(&list);
}
END_TEST

/* Whoever names what harms after a test file does not make it less. */
START_TEST(what_runs_is_high_whatever_it_is_called)
{
  scan_finds("/srv/a", "Win.Test.EICAR_HDB-1", false);
  expect("GET", "/api/alerts", NULL, 200, "\"severity\":\"Informational\"");
  scan_finds("/srv/b", "Unix.Eicar-Dropper", true);
  expect("GET", "/api/alerts", NULL, 200, "\"severity\":\"High\"");
  ck_assert_uint_eq(count_of("\"title\":"), 2);
}
END_TEST

static void expect_risk(const char *risk)
{
  char path[200];
  char words[64];
  (void)snprintf(path, sizeof(path), "/api/machines/%s", desk.id);
  (void)snprintf(words, sizeof(words), "\"riskScore\":\"%s\"", risk);
  expect("GET", path, NULL, 200, words);
  (void)snprintf(path, sizeof(path), "/api/machines?$filter=riskScore%%20eq%%20'%s'", risk);
  expect("GET", path, NULL, 200, desk.id);
}

static void resolve(const char *title)
{
  char path[200];
  char id[64];
  (void)snprintf(path, sizeof(path), "/api/alerts?$filter=contains(title,'%s')", title);
  expect("GET", path, NULL, 200, title);
  json_member(answer, "id", id, sizeof(id));
  (void)snprintf(path, sizeof(path), "/api/alerts/%s", id);
  expect("PATCH", path, "{\"status\":\"Resolved\"}", 200, "\"status\":\"Resolved\"");
}

START_TEST(a_machines_risk_is_that_of_its_open_alerts)
{
  expect_risk("None");
  scan_finds("/srv/a", "Win.Trojan.Lies-1", false);
  expect_risk("Medium");
  scan_finds("/srv/b", "Win.Trojan.Runs-1", true);
  expect_risk("High");
  resolve("Runs");
  expect_risk("Medium");
  resolve("Lies");
  expect_risk("None");
}
END_TEST

START_TEST(people_change_alerts_and_each_change_is_on_record)
{
  char path[200];
  char body[300];
  char id[64];
  scan_finds("/srv/a", "Win.Trojan.Agent-1", false);
  expect("GET", "/api/alerts", NULL, 200, "\"New\"");
  json_member(answer, "id", id, sizeof(id));
  (void)snprintf(path, sizeof(path), "/api/alerts/%s", id);
  expect("PATCH", path,
         "{\"status\":\"InProgress\",\"assignedTo\":\"ann\",\"classification\":\"FalsePositive\","
         "\"determination\":\"NotMalicious\",\"comment\":\"ours\"}",
         200, "\"assignedTo\":\"ann\"");
  ck_assert_ptr_nonnull(strstr(answer, "\"determination\":\"NotMalicious\""));
  ck_assert_ptr_nonnull(
      strstr(answer, "\"comments\":[{\"comment\":\"ours\",\"createdBy\":\"tests\""));
  expect("PATCH", path, "{\"determination\":\"Clean\"}", 200, "\"determination\":\"Clean\"");
  expect("PATCH", path, "{\"determination\":\"Malware\"}", 400, "\"InvalidInput\"");
  expect("PATCH", path, "{\"Status\":\"New\",\"Classification\":\"Unknown\"}", 200,
         "\"classification\":null");
  (void)snprintf(
      body, sizeof(body),
      "{\"alertIds\":[\"%s\"],\"status\":\"Resolved\",\"classification\":\"TruePositive\","
      "\"determination\":\"Malware\"}",
      id);
  ck_assert_uint_eq(ask("POST", "/api/alerts/batchUpdate", body), 200);
  ck_assert_str_eq(answer, "");
  (void)snprintf(body, sizeof(body), "{\"alertIds\":[\"%s\",\"da0\"],\"status\":\"New\"}", id);
  expect("POST", "/api/alerts/batchUpdate", body, 404, "\"ResourceNotFound\"");
  expect("GET", path, NULL, 200, "\"status\":\"Resolved\"");
  expect("GET", "/api/cordon/audit?from=1&limit=1000", NULL, 200,
         "\"status\":\"InProgress\",\"assignedTo\":\"ann\"");
  ck_assert_uint_eq(count_of("\"what\":\"alert.change\""), 4);
  ck_assert_uint_eq(count_of("\"what\":\"alert.found\""), 1);
}
END_TEST

START_TEST(an_alert_by_reference_is_merged_while_it_is_open)
{
  char body[600];
  char first[64];
  char second[64];
  char when[CD_TIME_TEXT_MAX];
  cd_time_text(cd_wall_ms() - 60000, when);
  (void)snprintf(body, sizeof(body),
                 "{\"machineId\":\"%s\",\"severity\":\"Low\",\"title\":\"Odd\",\"description\":"
                 "\"d\",\"recommendedAction\":\"r\",\"eventTime\":\"%s\",\"reportId\":\"20776\","
                 "\"category\":\"Exploit\"}",
                 desk.id, when);
  expect("POST", "/api/alerts/CreateAlertByReference", body, 200,
         "\"detectionSource\":\"CustomDetection\"");
  json_member(answer, "id", first, sizeof(first));
  expect("POST", "/api/alerts/CreateAlertByReference", body, 200, "\"title\":\"Odd\"");
  json_member(answer, "id", second, sizeof(second));
  ck_assert_str_eq(first, second);
  expect("POST", "/api/alerts/createAlertByReference", "{\"machineId\":\"x\"}", 400,
         "Parameter reportId is missing");
}
END_TEST

START_TEST(a_cancel_reaches_the_device_and_what_was_found_till_then_counts)
{
  char action[64];
  char path[200];
  cd_order order = {0};
  cd_order cancel = {0};
  cd_digest digest = {0};
  cd_digest cancelled = {0};
  cd_buf list = CD_BUF_INIT(65536);
  fleet_order(&f, desk.id, "runAntiVirusScan", QUICK, action);
  device_take_order(&desk, &order, &digest);
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", action);
  fleet_wait(&f, path, "status", "InProgress");
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s/cancel", action);
  expect("POST", path, COMMENT, 200, "\"status\":\"Cancelled\"");
  device_take_order(&desk, &cancel, &cancelled);
  ck_assert_int_eq(cancel.kind, CD_ORDER_CANCEL);
  ck_assert_ptr_nonnull(strstr(device_parameters(&desk), action));
  desk.evidence = NULL;
  ck_assert(device_result(&desk, &cancel, &cancelled, desk.key));
  add_finding(&list, "/srv/a", "Win.Trojan.Agent-1", false);
  say(&list, 1, 3);
  ck_assert(device_result(&desk, &order, &digest, desk.key));
  expect("GET", "/api/alerts", NULL, 200, "It was not complete: 3 files were not scanned.");
  cd_buf_release(&list);
}
END_TEST

/* ---- remediations ---- */

START_TEST(who_runs_a_file_is_ended_where_that_is_asked_for)
{
  char action[64];
  char path[200];
  cd_order order = {0};
  (void)snprintf(path, sizeof(path), "/api/cordon/machines/%s/remediate", desk.id);
  expect("POST", path,
         "{\"Comment\":\"c\",\"Operation\":\"process.stop\",\"Target\":{\"pid\":12,\"start\":3,"
         "\"boot\":\"b\"},\"Stop\":true}",
         400, "stop");
  expect("POST", path,
         "{\"Comment\":\"c\",\"Operation\":\"file.quarantine\",\"Target\":{\"path\":\"/tmp/y\"},"
         "\"Stop\":true}",
         201, "\"type\":\"Remediate\"");
  json_member(answer, "id", action, sizeof(action));
  fleet_carry_out(&desk, action, &order);
  ck_assert_str_eq(
      device_parameters(&desk),
      "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"/tmp/y\"},\"stop\":true}");
}
END_TEST

static void remediation(const char *undo, char action[64])
{
  static char text[1000];
  char path[200];
  cd_order order = {0};
  (void)snprintf(path, sizeof(path), "/api/cordon/machines/%s/remediate", desk.id);
  expect("POST", path,
         "{\"Comment\":\"c\",\"Operation\":\"file.quarantine\",\"Target\":{\"path\":\"/tmp/x\"}}",
         201, "\"type\":\"Remediate\"");
  ck_assert_ptr_nonnull(strstr(answer, "\"scope\":\"file.quarantine\""));
  json_member(answer, "id", action, 64);
  (void)snprintf(text, sizeof(text),
                 "{\"remediate\":{\"operation\":\"file.quarantine\",\"target\":{},\"steps\":[],"
                 "\"undo\":\"%s\",\"verified\":[]}}",
                 undo);
  desk.evidence = text;
  fleet_carry_out(&desk, action, &order);
  ck_assert_int_eq(order.kind, CD_ORDER_REMEDIATE);
}

START_TEST(what_was_quarantined_is_restored_and_undone_by_its_action)
{
  char action[64];
  char path[200];
  char wanted[200];
  char next[64];
  cd_order order = {0};
  remediation("available", action);
  (void)snprintf(path, sizeof(path), "/api/cordon/machineactions/%s/restore", action);
  expect("POST", path, COMMENT, 201, "\"scope\":\"file.restore\"");
  json_member(answer, "id", next, sizeof(next));
  fleet_carry_out(&desk, next, &order);
  (void)snprintf(wanted, sizeof(wanted),
                 "{\"operation\":\"file.restore\",\"target\":{\"action\":\"%s\"}}", action);
  ck_assert_str_eq(device_parameters(&desk), wanted);
  (void)snprintf(path, sizeof(path), "/api/cordon/machineactions/%s/undo", action);
  expect("POST", path, COMMENT, 201, "\"scope\":\"undo\"");
  expect("POST", path, COMMENT, 400, "\"ActiveRequestAlreadyExists\"");
}
END_TEST

START_TEST(what_cannot_be_taken_back_is_not_ordered)
{
  char action[64];
  char path[200];
  remediation("none because it was a pipe", action);
  (void)snprintf(path, sizeof(path), "/api/cordon/machineactions/%s/undo", action);
  expect("POST", path, COMMENT, 400, "The action cannot be taken back: none because it was a pipe");
  fleet_order(&f, desk.id, "runAntiVirusScan", QUICK, action);
  (void)snprintf(path, sizeof(path), "/api/cordon/machineactions/%s/undo", action);
  expect("POST", path, COMMENT, 400, "no remediation");
}
END_TEST

START_TEST(a_file_is_quarantined_by_its_hash_once)
{
  char path[200];
  cd_order order = {0};
  cd_digest digest = {0};
  (void)snprintf(path, sizeof(path), "/api/machines/%s/StopAndQuarantineFile", desk.id);
  expect("POST", path, "{\"Comment\":\"c\",\"Sha1\":\"3395856CE81F2B7382DEE72602F798B642F14140\"}",
         201,
         "\"relatedFileInfo\":{\"fileIdentifier\":\"" SHA1 "\",\"fileIdentifierType\":\"Sha1\"}");
  expect("POST", path, "{\"Comment\":\"c\",\"Sha1\":\"" SHA1 "\"}", 400,
         "\"ActiveRequestAlreadyExists\"");
  expect("POST", path, "{\"Comment\":\"c\",\"Sha1\":\"0000000000000000000000000000000000000000\"}",
         201, "\"type\":\"StopAndQuarantineFile\"");
  device_take_order(&desk, &order, &digest);
  ck_assert_str_eq(device_parameters(&desk),
                   "{\"operation\":\"file.find_quarantine\",\"target\":{\"sha1\":\"" SHA1 "\"}}");
}
END_TEST

int main(void)
{
  static const TTest *tests[16];
  size_t n = 0;
  Suite *s = suite_create("console.alerts");
  TCase *t = tcase_create("alerts");
  tests[n++] = what_a_scan_found_is_an_alert;
  tests[n++] = the_same_again_is_the_same_alert_until_it_is_resolved;
  tests[n++] = a_device_that_sends_ten_thousand_findings_does_not_fill_the_console;
  tests[n++] = an_alert_lists_a_part_and_says_so;
  tests[n++] = what_cannot_be_read_is_an_alert_too;
  tests[n++] = a_finding_of_nothing_but_escapes_is_taken;
  tests[n++] = what_a_device_found_by_itself_counts;
  tests[n++] = what_runs_is_high_whatever_it_is_called;
  tests[n++] = a_machines_risk_is_that_of_its_open_alerts;
  tests[n++] = people_change_alerts_and_each_change_is_on_record;
  tests[n++] = an_alert_by_reference_is_merged_while_it_is_open;
  tests[n++] = a_cancel_reaches_the_device_and_what_was_found_till_then_counts;
  tests[n++] = who_runs_a_file_is_ended_where_that_is_asked_for;
  tests[n++] = what_was_quarantined_is_restored_and_undone_by_its_action;
  tests[n++] = what_cannot_be_taken_back_is_not_ordered;
  tests[n++] = a_file_is_quarantined_by_its_hash_once;
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  for (size_t i = 0; i < n; i++)
    tcase_add_test(t, tests[i]);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
