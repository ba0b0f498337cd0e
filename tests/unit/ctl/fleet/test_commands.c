/* Each command of the fleet: what it asks of the console, and what it prints. */
#include "stage.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the client asked for, behind its token. */
static void asked(const char *client, const char *what)
{
  cd_buf log;
  stage_log(client, &log);
  HAS(&log, what);
  cd_buf_release(&log);
}

START_TEST(device_list)
{
  stage_run p = {.client = "list-1"};
  CORDON(&p, 0, "device", "list");
  HAS(&p.out, "desk-1.example");
  HAS(&p.out, "Inactive");
  ck_assert_uint_eq(p.err.len, 0);
  asked("list-1", "/api/machines?%24top=500&%24skip=0");
  CORDON(&p, 0, "device", "list", "--json");
  HAS(&p.out, "{\"machines\":[{\"id\":\"");
  CORDON(&p, 0, "device", "list", "--tag", "desks");
  HAS(&p.out, "desk-2.lab");
  HAS_NOT(&p.out, "server-1");
  CORDON(&p, 0, "device", "list", "--tag", "a&b=c d");
  ck_assert_str_eq(cd_buf_cstr(&p.out), "No devices.\n");
  asked("list-1", "tag=a%26b%3Dc%20d");
  stage_release(&p);
}
END_TEST

START_TEST(device_show)
{
  stage_run r = {.client = "show"};
  CORDON(&r, 0, "device", "show", "desk-1");
  HAS(&r.out, "Device      desk-1.example, Linux 12\n");
  HAS(&r.out, "Connection  connected\n");
  HAS(&r.out, "Isolation   wanted isolated (full)   enforced isolated   proven holds, ");
  HAS(&r.out, "Drift       once, ");
  HAS(&r.out, "Lease       until 2026-12-01 08:00:00Z");
  CORDON(&r, 0, "device", "show", "OFF-1");
  HAS(&r.out, "not connected, last seen ");
  HAS(&r.out, ": the device is not connected\n");
  HAS(&r.out, "Rolled back 4 times by the device, whose rules kept the console away; it is not");
  CORDON(&r, 0, "device", "show", "liar-1");
  HAS(&r.out, "Clone       its key was seen in two places at once\n");
  CORDON(&r, 0, "device", "show", "desk-1.example", "--json");
  HAS(&r.out, "{\"machine\":{\"id\":");
  HAS(&r.out, "\"cordon\":{\"id\":");
  stage_release(&r);
}
END_TEST

START_TEST(scans)
{
  char id[64];
  stage_run r = {.client = "scans"};
  CORDON(&r, 2, "scan", "desk-1", "--quick");
  HAS(&r.err, "needs --comment TEXT");
  CORDON(&r, 2, "scan", "desk-1", "--comment", "why");
  HAS(&r.err, "--quick, --full or --path PATH says it");
  CORDON(&r, 2, "scan", "desk-1", "--quick", "--path", "/srv", "--comment", "why");
  CORDON(&r, 2, "scan", "desk-1", "--path", "srv", "--comment", "why");
  CORDON(&r, 0, "scan", "desk-1", "--path", "/srv", "--cpu", "20", "--comment", "why");
  HAS(&r.out, "Accepted; 'cordon action show ");
  asked("scans", "\\\"ScanType\\\":\\\"Custom\\\",\\\"Paths\\\":[\\\"/srv\\\"],"
                 "\\\"CpuPercent\\\":20}");
  CORDON(&r, 0, "scan", "desk-1", "--quick", "--comment", "why", "--json");
  (void)snprintf(id, sizeof(id), "%s", stage_member(&r, "id"));
  CORDON(&r, 0, "action", "show", id);
  HAS_NOT(&r.out, "Progress");
  CORDON(&r, 0, "action", "show", id);
  HAS(&r.out, "Progress    scan: 1 of 3 files\n");
  CORDON(&r, 0, "scan", "desk-1", "--quick", "--comment", "why", "--wait");
  HAS(&r.out, "Nothing was found: all files were scanned on desk-1.example.\n");
  HAS(&r.err, "scan 3/3 scan: scanning");
  CORDON(&r, 7, "scan", "server-1", "--full", "--comment", "why", "--wait");
  HAS(&r.err, "nothing was found, but 1 thing was not scanned");
  HAS_NOT(&r.out, "Nothing was found");
  HAS(&r.out, "/\\xff: too_large, 157286400 bytes");
  CORDON(&r, 7, "scan", "desk-2.example", "--quick", "--comment", "why", "--wait");
  HAS(&r.err, "1 finding");
  HAS(&r.out, "Win.Trojan.Agent-1  /srv/\\x1b[2Jx, 68 bytes, of mallory");
  CORDON(&r, 7, "scan", "liar-1", "--quick", "--comment", "why", "--wait");
  HAS(&r.err, "does not say what it scanned");
  stage_release(&r);
}
END_TEST

START_TEST(remediations)
{
  char id[64];
  stage_run r = {.client = "cures"};
  CORDON(&r, 2, "quarantine", "desk-1", "--comment", "why");
  HAS(&r.err, "which file?");
  CORDON(&r, 2, "quarantine", "desk-1", "--sha1", "12", "--comment", "why");
  CORDON(&r, 2, "quarantine", "desk-1", "--path", "x", "--comment", "why");
  CORDON(&r, 0, "quarantine", "desk-1", "--sha1", "3395856ce81f2b7382dee72602f798b642f14140",
         "--comment", "why");
  asked("cures", "/StopAndQuarantineFile");
  CORDON(&r, 2, "quarantine", "desk-1", "--sha1", "3395856ce81f2b7382dee72602f798b642f14140",
         "--stop", "--comment", "why");
  HAS(&r.err, "--stop goes with --path");
  CORDON(&r, 0, "quarantine", "desk-1", "--path", "/tmp/y", "--stop", "--comment", "why");
  asked("cures", "\\\"Target\\\":{\\\"path\\\":\\\"/tmp/y\\\"},\\\"Stop\\\":true}");
  CORDON(&r, 0, "quarantine", "desk-1", "--path", "/tmp/x", "--force", "--comment", "why",
         "--wait");
  asked("cures", "\\\"Operation\\\":\\\"file.quarantine\\\",\\\"Target\\\":{\\\"path\\\":"
                 "\\\"/tmp/x\\\"},\\\"Force\\\":true}");
  HAS(&r.out, "Did         file.quarantine  {\"path\":\"/tmp/x\"}\n");
  HAS(&r.out, "68 bytes");
  HAS(&r.out, "Measured    the file is gone: true\n");
  HAS(&r.out, "Undo        available\n");
  CORDON(&r, 0, "quarantine", "desk-1", "--path", "/tmp/x", "--comment", "why", "--json");
  (void)snprintf(id, sizeof(id), "%s", stage_member(&r, "id"));
  CORDON(&r, 0, "restore", id, "--comment", "why");
  CORDON(&r, 0, "undo", id, "--comment", "why", "--wait");
  CORDON(&r, 0, "quarantine", "desk-1", "--path", "C:\\evil\\x.exe", "--comment", "why");
  asked("cures", "\\\"path\\\":\\\"C:\\\\\\\\evil\\\\\\\\x.exe\\\"}");
  CORDON(&r, 2, "quarantine", "desk-1", "--path", "C:evil.exe", "--comment", "why");
  HAS(&r.err, "--path must be absolute");
  CORDON(&r, 2, "undo", "the last one", "--comment", "why");
  HAS(&r.err, "ACTION must be the id of an action");
  CORDON(&r, 7, "quarantine", "liar-1", "--path", "/tmp/x", "--comment", "why", "--wait");
  HAS(&r.err, "does not say what it measured");
  stage_release(&r);
}
END_TEST

static const struct {
  const char *words[10];
  const char *asks;  /* of the body; NULL: nothing is asked */
  const char *wrong; /* what the command says then */
} remedies[] = {
    {{"service", "disable", "evil.service", "--force"},
     "\\\"Operation\\\":\\\"service.disable\\\",\\\"Target\\\":{\\\"name\\\":"
     "\\\"evil.service\\\"},\\\"Force\\\":true}",
     NULL},
    {{"timer", "enable", "a.timer"}, "timer.enable", NULL},
    {{"user", "disable", "mallory"}, "user.disable", NULL},
    {{"module", "disable", "vivid"}, "module.disable", NULL},
    {{"cron", "disable", "/etc/crontab", "7", "--text", "* * * * * root /srv/x"},
     "\\\"Target\\\":{\\\"file\\\":\\\"/etc/crontab\\\",\\\"line\\\":7,\\\"text\\\":"
     "\\\"* * * * * root /srv/x\\\"}",
     NULL},
    {{"process", "suspend", "4711", "--start", "99", "--boot", "b-1"},
     "\\\"process.suspend\\\",\\\"Target\\\":{\\\"pid\\\":4711,\\\"start\\\":99,\\\"boot\\\":"
     "\\\"b-1\\\"}",
     NULL},
    {{"startup", "remove", "/etc/profile.d/x.sh"}, "startup.remove", NULL},
    {{"startup", "remove", "C:\\ProgramData\\x.lnk"},
     "\\\"Target\\\":{\\\"path\\\":\\\"C:\\\\\\\\ProgramData\\\\\\\\x.lnk\\\"}",
     NULL},
    {{"startup", "remove", "HKLM\\SOFTWARE\\Run", "Evil one"},
     "\\\"Target\\\":{\\\"path\\\":\\\"HKLM\\\\\\\\SOFTWARE\\\\\\\\Run\\\",\\\"name\\\":"
     "\\\"Evil one\\\"}",
     NULL},
    {{"task", "disable", "\\Evil\\one"},
     "\\\"task.disable\\\",\\\"Target\\\":{\\\"name\\\":\\\"\\\\\\\\Evil\\\\\\\\one\\\"}",
     NULL},
    {{"process", "stop", "4712", "--start", "133700000000000000"},
     "\\\"process.stop\\\",\\\"Target\\\":{\\\"pid\\\":4712,\\\"start\\\":"
     "\\\"133700000000000000\\\"}",
     NULL},
    {{"startup", "remove", "HKLM\\SOFTWARE\\Run"}, NULL, "which VALUE of it?"},
    {{"startup", "remove", "/etc/rc.local", "x"}, NULL, "is no key of the registry"},
    {{"startup", "remove", "HKCU\\Run", "x"}, NULL, "below HKLM"},
    {{"task", "disable", "Evil"}, NULL, "the path of a task"},
    {{"process", "stop", "4711", "--start", "9"}, NULL, "--start TICKS and --boot ID"},
    {{"process", "stop", "4711"}, NULL, "--start TICKS and --boot ID"},
    {{"process", "stop", "x", "--start", "9", "--boot", "b"}, NULL, "PID must be"},
    {{"cron", "disable", "/etc/crontab", "7"}, NULL, "--text"},
    {{"cron", "disable", "/etc/crontab", "--text", "x"}, NULL, "LINE"},
    {{"startup", "remove", "profile.d/x.sh"}, NULL, "absolute"},
    {{"service", "remove", "x"}, NULL, "there is no 'service remove'"},
    {{"file", "quarantine", "/tmp/x"}, NULL, "there is no 'file quarantine'"},
    {{"service", "disable", "x", "--text", "y"}, NULL, "--text does not go with a service"},
    {{"service", "disable", "x", "7"}, NULL, "'7' is one too many"},
};

enum { REMEDIES = sizeof(remedies) / sizeof(remedies[0]) };

START_TEST(remedies_of_every_kind)
{
  stage_run r = {.client = "cures"};
  const char *words[16] = {"remediate", "desk-1"};
  int count = 2;
  for (size_t i = 0; remedies[_i].words[i] != NULL; i++)
    words[count++] = remedies[_i].words[i];
  words[count++] = "--comment";
  words[count++] = "why";
  if (_i == 0)
    words[count++] = "--wait";
  stage_cordon(&r, words);
  ck_assert_msg(r.exit_code == (remedies[_i].asks != NULL ? 0 : 2), "exit code %lld, err '%s'",
                (long long)r.exit_code, cd_buf_cstr(&r.err));
  if (remedies[_i].asks != NULL)
    asked("cures", remedies[_i].asks);
  else
    HAS(&r.err, remedies[_i].wrong);
  stage_release(&r);
}
END_TEST

START_TEST(alerts)
{
  stage_run r = {.client = "alerts"};
  CORDON(&r, 0, "alerts");
  HAS(&r.out, "da639000000000000000_-12   Malware found: \\x1b[2JWorm");
  CORDON(&r, 0, "alerts", "--device", "desk-1", "--status", "New", "--limit", "5");
  asked("alerts", "/alerts?%24top=5&%24filter=status%20eq%20%27New%27");
  CORDON(&r, 2, "alerts", "--status", "Bogus");
  HAS(&r.err, "--status is New, InProgress or Resolved");
  CORDON(&r, 0, "alerts", "--status", "Resolved");
  ck_assert_str_eq(cd_buf_cstr(&r.out), "No alerts.\n");
  CORDON(&r, 0, "alert", "show", "da639000000000000000_-12");
  HAS(&r.out, "Status      New, severity High\n");
  HAS(&r.out, "Found       /\\xff, 68 bytes, of mallory, run by 7 x\n");
  HAS(&r.out, "and 8 more\n");
  HAS(&r.out, "Comment     ann: seen\n");
  CORDON(&r, 2, "alert", "show", "../../x");
  CORDON(&r, 5, "alert", "show", "da1_1");
  CORDON(&r, 0, "alert", "resolve", "da639000000000000000_-12", "--classification", "TruePositive",
         "--comment", "cleaned");
  HAS(&r.out, "da639000000000000000_-12: Resolved\n");
  asked("alerts", "{\\\"status\\\":\\\"Resolved\\\",\\\"classification\\\":\\\"TruePositive"
                  "\\\",\\\"comment\\\":\\\"cleaned\\\"}");
  CORDON(&r, 5, "alert", "resolve", "da639000000000000000_-12", "--classification", "Wrong");
  stage_release(&r);
}
END_TEST

/* A file for a command to read; good until the next one. */
static const char *file_with(const char *name, const char *text)
{
  static char path[512];
  (void)snprintf(path, sizeof(path), "/tmp/cordon-test-%ld-%s", (long)getpid(), name);
  FILE *f = fopen(path, "w");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_ge(fputs(text, f), 0);
  ck_assert_int_eq(fclose(f), 0);
  return path;
}

START_TEST(policies)
{
  stage_run r = {.client = "policies"};
  CORDON(&r, 0, "policy", "list");
  ck_assert_str_eq(cd_buf_cstr(&r.out), "No policies.\n");
  const char *file = file_with("policy", "{\"local\":{\"isolate\":\"nobody\"}}");
  CORDON(&r, 2, "policy", "set", "servers", file);
  HAS(&r.err, "needs --comment TEXT");
  CORDON(&r, 0, "policy", "set", "servers", file, "--comment", "why");
  HAS(&r.out, "It is revision 1.");
  asked("policies", "{\\\"Comment\\\":\\\"why\\\",\\\"body\\\":{\\\"local\\\":{\\\"isolate\\\":"
                    "\\\"nobody\\\"}}}");
  CORDON(&r, 0, "policy", "assign", "servers", "server", "5", "--comment", "why");
  asked("policies", "\\\"tag\\\":\\\"server\\\",\\\"rank\\\":5");
  CORDON(&r, 2, "policy", "assign", "servers", "server", "high", "--comment", "why");
  HAS(&r.err, "RANK must be a number");
  CORDON(&r, 0, "policy", "list");
  HAS(&r.out, "servers");
  HAS(&r.out, "server (5)");
  CORDON(&r, 0, "policy", "show", "servers");
  HAS(&r.out, "Says        {\"local\":{\"isolate\":\"nobody\"}}\n");
  CORDON(&r, 0, "policy", "show", "servers", "--json");
  HAS(&r.out, "\"body\":{\"local\":{");
  CORDON(&r, 0, "policy", "unassign", "servers", "server", "--comment", "why");
  CORDON(&r, 0, "policy", "remove", "servers", "--comment", "why");
  ck_assert_str_eq(cd_buf_cstr(&r.out), "Removed.\n");
  file = file_with("policy", "{\"isolated\":true}");
  CORDON(&r, 5, "policy", "set", "a/b", file, "--comment", "why");
  HAS(&r.err, "isolated is not a known key");
  asked("policies", "/api/cordon/policies/a%2Fb");
  (void)unlink(file);
  CORDON(&r, 0, "device", "show", "server-1");
  HAS(&r.out, "Policy      in force servers version 7 (on trial), wanted servers version 8: it was "
              "sent, and the device has not said that it is in force\n");
  stage_release(&r);
}
END_TEST

START_TEST(exclusions)
{
  stage_run r = {.client = "sets"};
  const char *file =
      file_with("set", "{\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.0/24\"}]}");
  CORDON(&r, 0, "exclusions", "set", "lab", file, "--comment", "why");
  HAS(&r.out, "what is isolated with them is ordered anew. It is revision 1.");
  asked(
      "sets",
      "\\\"exclusions\\\":[{\\\"direction\\\":\\\"out\\\",\\\"address\\\":\\\"192.0.2.0/24\\\"}]");
  CORDON(&r, 0, "exclusions", "list");
  HAS(&r.out, "Isolated with it");
  CORDON(&r, 0, "exclusions", "show", "lab");
  HAS(&r.out, "Open        out 192.0.2.0/24\n");
  file = file_with("set", "{\"exclusions\":[]}");
  CORDON(&r, 2, "exclusions", "set", "lab", file, "--comment", "why");
  (void)unlink(file);
  CORDON(&r, 0, "exclusions", "remove", "lab", "--comment", "why");
  stage_release(&r);
}
END_TEST

START_TEST(an_ambiguous_name_is_refused_with_the_candidates)
{
  stage_run r = {.client = "twins"};
  CORDON(&r, 5, "isolate", "desk-2", "--comment", "x");
  HAS(&r.err, "2 devices are called 'desk-2', and nothing was done");
  HAS(&r.err, "desk-2.example");
  HAS(&r.err, "desk-2.lab");
  HAS_NOT(&r.err, "desk-1");
  ck_assert_uint_eq(r.out.len, 0);
  CORDON(&r, 5, "isolate", "twin", "--comment", "x", "--json");
  HAS(&r.out, "{\"error\":{\"status\":\"conflict\",\"sentence\":\"2 devices are called 'twin'");
  HAS(&r.out, "\"candidates\":[{\"id\":\"");
  CORDON(&r, 5, "isolate", "nosuch", "--comment", "x");
  HAS(&r.err, "there is no device 'nosuch'");
  CORDON(&r, 5, "isolate", "desk", "--comment", "x");
  HAS(&r.err, "there is no device 'desk'");
  CORDON(&r, 5, "isolate", "o'neill", "--comment", "x");
  cd_buf log;
  stage_log("twins", &log);
  HAS_NOT(&log, "\"POST\",\"url\":\"/api");
  HAS(&log, "%27o%27%27neill%27");
  cd_buf_release(&log);
  stage_release(&r);
}
END_TEST

/* A device that was taken over gives itself the short name of another. */
START_TEST(a_whole_name_does_not_go_before_a_first_label)
{
  stage_run r = {.client = "namesake"};
  CORDON(&r, 5, "release", "desk-1", "--comment", "x");
  HAS(&r.err, "2 devices are called 'desk-1', and nothing was done");
  HAS(&r.err, "desk-1.example");
  CORDON(&r, 0, "release", "desk-1.example", "--comment", "x", "--json");
  ck_assert_str_eq(stage_member(&r, "computerDnsName"), "desk-1.example");
  stage_release(&r);
}
END_TEST

START_TEST(a_device_by_its_id)
{
  stage_run r = {.client = "by-id"};
  char id[41];
  CORDON(&r, 0, "device", "list", "--json");
  const char *at = strstr(cd_buf_cstr(&r.out), "\"id\":\"");
  ck_assert_ptr_nonnull(at);
  (void)snprintf(id, sizeof(id), "%.40s", at + 6);
  CORDON(&r, 0, "isolate", id, "--comment", "x", "--json");
  ck_assert_str_eq(stage_member(&r, "machineId"), id);
  CORDON(&r, 5, "isolate", "0123456789012345678901234567890123456789", "--comment", "x");
  HAS(&r.err, "Machine 0123456789012345678901234567890123456789 was not found (ResourceNotFound)");
  stage_release(&r);
}
END_TEST

START_TEST(isolate_and_release)
{
  stage_run r = {.client = "orders"};
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "say \"why\"", "--ticket", "T-1");
  HAS(&r.out, "Accepted; 'cordon action show ");
  asked("orders",
        "{\\\"Comment\\\":\\\"say \\\\\\\"why\\\\\\\"\\\",\\\"IsolationType\\\":\\\"Full\\\","
        "\\\"ExternalId\\\":\\\"T-1\\\"}");
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "x", "--selective", "patches");
  asked("orders", "{\\\"Comment\\\":\\\"x\\\",\\\"IsolationType\\\":\\\"Selective\\\","
                  "\\\"Exclusions\\\":\\\"patches\\\"}");
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "x", "--for", "4h", "--lost-console", "keep",
         "--unreachable", "release:1m");
  asked("orders",
        "\\\"IsolationType\\\":\\\"Full\\\",\\\"LeaseSeconds\\\":14400,\\\"Terms\\\":{"
        "\\\"lost_console\\\":{\\\"rule\\\":\\\"keep\\\"},\\\"unreachable\\\":{\\\"rule\\\":"
        "\\\"release\\\",\\\"after_s\\\":60}}}");
  CORDON(&r, 0, "renew", "desk-1", "--comment", "longer", "--for", "2d");
  asked("orders", "/renew\",\"body\":\"{\\\"Comment\\\":\\\"longer\\\",\\\"LeaseSeconds\\\":"
                  "172800}\"");
  CORDON(&r, 2, "renew", "desk-1", "--comment", "longer");
  HAS(&r.err, "'renew' needs --for TIME");
  CORDON(&r, 0, "release", "desk-1", "--comment", "over", "--json");
  ck_assert_str_eq(stage_member(&r, "type"), "Unisolate");
  asked("orders", "/unisolate\",\"body\":\"{\\\"Comment\\\":\\\"over\\\"}\"");
  CORDON(&r, 5, "isolate", "desk-1", "--comment", "x", "--selective", "nosuch");
  HAS(&r.err, "There is no list of exclusions nosuch. (InvalidInput)");
  CORDON(&r, 5, "isolate", "busy-1", "--comment", "x", "--json");
  HAS(&r.out, "{\"error\":{\"status\":\"conflict\",\"sentence\":\"the console says: Action is "
              "already in progress (ActiveRequestAlreadyExists)\"}}");
  stage_release(&r);
}
END_TEST

START_TEST(by_tag)
{
  stage_run r = {.client = "bulk"};
  cd_buf log;
  CORDON(&r, 0, "isolate", "--tag", "desks", "--preview");
  HAS(&r.out, "desk-2.lab");
  HAS(&r.out, "3 devices; nothing was done.\nWith --expect 3 nothing is ordered if ");
  stage_log("bulk", &log);
  HAS(&log, "\\\"preview\\\":true");
  HAS_NOT(&log, "\\\"preview\\\":false");
  cd_buf_release(&log);
  CORDON(&r, 0, "release", "--tag", "desks", "--comment", "x");
  HAS(&r.out, "3 actions accepted.\n");
  asked("bulk", "/api/cordon/release");
  CORDON(&r, 0, "isolate", "--tag", "desks", "--comment", "x", "--wait");
  HAS(&r.out, "3 actions accepted, 3 proven.\n");
  CORDON(&r, 7, "isolate", "--tag", "mixed", "--comment", "x", "--wait");
  HAS(&r.out, "an action of that kind is under way");
  HAS(&r.out, "2 devices; 1 action accepted, 1 refused, 1 proven.\n");
  stage_release(&r);
}
END_TEST

START_TEST(a_tag_that_no_device_has)
{
  stage_run r = {.client = "nobody"};
  CORDON(&r, 5, "isolate", "--tag", "none", "--comment", "x");
  HAS(&r.err, "no device has the tag 'none', and nothing was done");
  CORDON(&r, 5, "release", "--tag", "none", "--comment", "x", "--wait", "--json");
  HAS(&r.out, "{\"error\":{\"status\":\"notfound\"");
  CORDON(&r, 5, "isolate", "--tag", "none", "--dry-run");
  CORDON(&r, 0, "isolate", "--tag", "none", "--preview");
  HAS(&r.out, "0 devices; nothing was done.\n");
  stage_release(&r);
}
END_TEST

START_TEST(only_as_many_as_the_preview_showed)
{
  stage_run r = {.client = "expect"};
  CORDON(&r, 0, "isolate", "--tag", "desks", "--comment", "x", "--expect", "3");
  asked("expect", "\\\"expect\\\":3}");
  CORDON(&r, 5, "isolate", "--tag", "desks", "--comment", "x", "--expect", "2");
  HAS(&r.err, "the tag now has 3 devices; look at the preview again");
  CORDON(&r, 2, "isolate", "desk-1", "--comment", "x", "--expect", "1");
  HAS(&r.err, "--expect goes with --tag");
  CORDON(&r, 2, "isolate", "--tag", "desks", "--comment", "x", "--expect", "0");
  stage_release(&r);
}
END_TEST

START_TEST(a_dry_run_of_one)
{
  stage_run r = {.client = "dry"};
  cd_buf log;
  CORDON(&r, 0, "isolate", "desk-1", "--dry-run", "--selective", "patches", "--force");
  HAS(&r.out, "Nothing was changed. An isolation of desk-1.example would go ahead.\n");
  HAS(&r.out, "warn   session_in_use   alice works here");
  HAS(&r.out, "2   tcp   from 192.0.2.9   at our port 22   root   ssh.service");
  HAS(&r.out, "and 3 more");
  asked("dry", "/api/cordon/machines/");
  stage_log("dry", &log);
  HAS(&log, "\\\"Preflight\\\":\\\"Warn\\\"");
  HAS(&log, "\\\"Exclusions\\\":\\\"patches\\\"");
  HAS_NOT(&log, "/isolate");
  cd_buf_release(&log);
  CORDON(&r, 5, "isolate", "server-1", "--dry-run");
  HAS(&r.err, "an isolation would be refused: console_tunnel: through ");
  HAS(&r.out, "refuse   console_tunnel   through \\x1b[2Jwg0");
  CORDON(&r, 5, "isolate", "server-1", "--dry-run", "--json");
  HAS(&r.out, "\"verdict\":\"refuse\"");
  stage_release(&r);
}
END_TEST

START_TEST(a_dry_run_by_tag)
{
  stage_run r = {.client = "drybulk"};
  CORDON(&r, 0, "isolate", "--tag", "desks", "--dry-run");
  HAS(&r.out, "An isolation of desk-1.example would go ahead.\n");
  HAS(&r.out, "An isolation of desk-2.lab would go ahead.\n");
  HAS(&r.out, "3 devices; nothing was done.\n");
  asked("drybulk", "/api/cordon/preflight");
  CORDON(&r, 5, "isolate", "--tag", "mixed", "--dry-run");
  HAS(&r.err, "an isolation would be refused: console_tunnel");
  HAS(&r.out, "Nothing was changed: an isolation would be refused: console_tunnel");
  HAS(&r.out, "an action of that kind is under way");
  HAS(&r.out, "2 devices; nothing was done, 1 refused.\n");
  CORDON(&r, 0, "isolate", "--tag", "desks", "--dry-run", "--json");
  HAS(&r.out, "{\"count\":3,\"refused\":0,\"notEnded\":0,\"value\":[{\"id\":\"");
  stage_release(&r);
}
END_TEST

START_TEST(tags)
{
  stage_run r = {.client = "tags"};
  CORDON(&r, 0, "tag", "add", "desk-1", "b\xc3\xbcro");
  ck_assert_str_eq(cd_buf_cstr(&r.out), "desk-1.example: desks, b\xc3\xbcro\n");
  CORDON(&r, 0, "tag", "remove", "desk-1", "desks");
  ck_assert_str_eq(cd_buf_cstr(&r.out), "desk-1.example: b\xc3\xbcro\n");
  stage_release(&r);
}
END_TEST

START_TEST(actions_and_one_of_them)
{
  stage_run r = {.client = "history"};
  char id[64];
  CORDON(&r, 0, "actions");
  ck_assert_str_eq(cd_buf_cstr(&r.out), "No actions yet.\n");
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "first", "--json", "--ticket", "T-9");
  (void)snprintf(id, sizeof(id), "%s", stage_member(&r, "id"));
  CORDON(&r, 0, "isolate", "server-1", "--comment", "second");
  CORDON(&r, 0, "actions", "--device", "desk-1", "--limit", "5");
  HAS(&r.out, "Isolate (Full)");
  HAS(&r.out, "T-9");
  HAS_NOT(&r.out, "second");
  asked("history", "%24top=5");
  CORDON(&r, 0, "action", "show", id);
  HAS(&r.out, "Device      desk-1.example\n");
  HAS(&r.out, "Status      Pending");
  HAS(&r.out, "Ticket      T-9\nWaits       the device is not connected\n");
  CORDON(&r, 0, "action", "cancel", id, "--comment", "mistake");
  HAS(&r.out, ": Cancelled\n");
  CORDON(&r, 5, "action", "cancel", id, "--comment", "mistake");
  HAS(&r.err, "The action has ended (BadRequest)");
  CORDON(&r, 0, "action", "report", id);
  HAS(&r.out, "{\"report\":\"proof\"");
  const char *file = stage_path("report.json");
  CORDON(&r, 0, "action", "report", id, "-o", file);
  ck_assert_uint_eq(r.out.len, 0);
  struct stat st;
  ck_assert_int_eq(stat(file, &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777u, 0600);
  CORDON(&r, 5, "action", "report", id, "-o", file);
  HAS(&r.err, "is there already; --overwrite replaces it");
  CORDON(&r, 0, "action", "report", id, "-o", file, "--overwrite", "--json");
  HAS(&r.out, "\",\"file\":\"/");
  CORDON(&r, 2, "action", "report", id, "-o", "-");
  CORDON(&r, 5, "action", "verify", "/nonexistent");
  stage_release(&r);
}
END_TEST

START_TEST(a_release_code_is_shown_once)
{
  stage_run r = {.client = "code"};
  char id[64];
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "x", "--json");
  (void)snprintf(id, sizeof(id), "%s", stage_member(&r, "id"));
  /* Standard output is a pipe here. */
  CORDON(&r, 2, "action", "code", id);
  HAS(&r.err, "standard output is no terminal; to write it elsewhere, ask with --json. Nothing was "
              "shown");
  CORDON(&r, 0, "action", "code", id, "--json", "--comment", "by phone");
  HAS(&r.out, "\",\"code\":\"05012-34567-89ABC-DEFGT\"}\n");
  ck_assert_uint_eq(r.err.len, 0);
  asked("code", "/code\",\"body\":\"{\\\"Comment\\\":\\\"by phone\\\"}\"");
  CORDON(&r, 4, "action", "code", id, "--json");
  HAS(&r.out, "was shown to 'alice' at 2026-11-24");
  CORDON(&r, 5, "action", "code", "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e", "--json");
  CORDON(&r, 2, "action", "code", "x", "--json");
  r.client = "code-hostile";
  CORDON(&r, 0, "isolate", "desk-1", "--comment", "x", "--json");
  (void)snprintf(id, sizeof(id), "%s", stage_member(&r, "id"));
  CORDON(&r, 3, "action", "code", id, "--json");
  HAS_NOT(&r.out, "DEFG");
  stage_release(&r);
}
END_TEST

START_TEST(enrolment_tokens)
{
  stage_run r = {.client = "tokens"};
  const char *file = stage_path("token.json");
  struct stat st;
  CORDON(&r, 0, "enroll-token", "list");
  ck_assert_str_eq(cd_buf_cstr(&r.out), "No tokens.\n");
  CORDON(&r, 0, "enroll-token", "create", "--uses", "3", "--for", "7d", "--tag", "new", "-o", file);
  HAS(&r.out, "cordon local enroll --token-file");
  asked("tokens", "{\\\"uses\\\":3,\\\"hours\\\":168,\\\"tags\\\":[\\\"new\\\"],"
                  "\\\"note\\\":\\\"\\\"}");
  ck_assert_int_eq(stat(file, &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777u, 0600);
  CORDON(&r, 0, "enroll-token", "list");
  HAS(&r.out, "3 left, 0 used   2026-11-25 05:34:54Z   new    responder");
  CORDON(&r, 0, "enroll-token", "list", "--json");
  const char *at = strstr(cd_buf_cstr(&r.out), "\"id\":\"");
  ck_assert_ptr_nonnull(at);
  char id[37];
  (void)snprintf(id, sizeof(id), "%.36s", at + 6);
  CORDON(&r, 0, "enroll-token", "revoke", id);
  CORDON(&r, 0, "enroll-token", "list");
  HAS(&r.out, "revoked");
  CORDON(&r, 5, "enroll-token", "revoke", "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e");
  CORDON(&r, 5, "enroll-token", "create", "-o", file);
  HAS(&r.err, "is there already; --overwrite replaces it");
  r.client = "no-place";
  CORDON(&r, 5, "enroll-token", "create", "-o", "/nonexistent/token");
  cd_buf log;
  stage_log("no-place", &log);
  ck_assert_uint_eq(log.len, 0);
  cd_buf_release(&log);
  r.client = "future";
  CORDON(&r, 1, "enroll-token", "create", "-o", file, "--overwrite");
  HAS(&r.err, "must be 1, which this 'cordon' knows");
  HAS(&r.err, "revoked again");
  CORDON(&r, 0, "enroll-token", "list");
  HAS(&r.out, "revoked");
  stage_release(&r);
}
END_TEST

START_TEST(the_audit_log_is_verified_here)
{
  stage_run r = {.client = "log"};
  char head[160];
  CORDON(&r, 0, "audit", "verify");
  HAS(&r.out, "The audit log is intact: 5 entries; without --head only by its own word.\n");
  const char *at = strstr(cd_buf_cstr(&r.out), "5:sha256:");
  ck_assert_ptr_nonnull(at);
  (void)snprintf(head, sizeof(head), "%.*s", (int)strcspn(at, "\n"), at);
  CORDON(&r, 0, "audit", "verify", "--head", head);
  HAS(&r.out, "and it contains the known head");
  head[strlen(head) - 1] = head[strlen(head) - 1] == '0' ? '1' : '0';
  CORDON(&r, 1, "audit", "verify", "--head", head);
  HAS(&r.err, "the log was written anew");
  head[0] = '6';
  CORDON(&r, 1, "audit", "verify", "--head", head);
  HAS(&r.err, "it was cut");
  r.client = "audit-alone";
  CORDON(&r, 0, "audit", "verify");
  HAS(&r.err, "the console does not state its head, so a cut end may not show: the console says: "
              "the signer");
  asked("log", "/api/cordon/audit?from=5");
  stage_release(&r);
}
END_TEST

typedef struct fault_row {
  const char *client;
  const char *sentence;
} fault_row;

static const fault_row faults[] = {
    {"audit-edited", "wrong from entry 3 on: its content is not what its digest says"},
    {"audit-detail", "wrong from entry 4 on: its content is not what its digest says"},
    {"audit-cut", "wrong from entry 2 on: it is missing"},
    {"audit-end", "the audit log ends at entry 4, and entry 5 is known: it was cut"},
    {"audit-reordered", "wrong from entry 2 on: it is missing"},
    {"audit-linked", "wrong from entry 4 on: it does not follow the one before it"},
};

START_TEST(a_log_that_was_changed_shows)
{
  stage_run r = {.client = faults[_i].client};
  CORDON(&r, 1, "audit", "verify");
  HAS(&r.err, faults[_i].sentence);
  ck_assert_uint_eq(r.out.len, 0);
  stage_release(&r);
}
END_TEST

typedef struct usage_row {
  const char *words[6];
  const char *complaint;
} usage_row;

static const usage_row usages[] = {
    {{"isolate", "desk-1"}, "'isolate' needs --comment TEXT: why"},
    {{"isolate", "--comment", "x"}, "needs either DEVICE or --tag TAG"},
    {{"isolate", "desk-1", "--tag", "t", "--comment", "x"}, "needs either DEVICE or --tag TAG"},
    {{"isolate", "desk-1", "--preview"}, "--preview goes with --tag"},
    {{"isolate", "--tag", "t", "--preview", "--dry-run"},
     "--preview and --dry-run do not go together"},
    {{"release", "desk-1", "--dry-run"}, "'release' has no option --dry-run"},
    {{"local", "isolate", "--dry-run", "--no-wait"}, "--dry-run and --no-wait do not go together"},
    {{"release", "desk-1", "--selective", "x"}, "'release' has no option --selective"},
    {{"action", "show", "../machines"}, "ID must be the id of an action"},
    {{"action", "cancel", "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e"}, "needs --comment TEXT"},
    {{"enroll-token", "create"}, "needs -o FILE"},
    {{"enroll-token", "create", "-o", "f", "--for", "1w"}, "--for must be a time such as"},
    {{"enroll-token", "create", "-o"}, "--output needs a value: FILE"},
    {{"audit", "verify", "--head", "5"}, "--head must be the number of an entry"},
    {{"tag", "add", "desk-1"}, "'tag add' needs DEVICE TAG"},
    {{"device", "list", "-o", "x"}, "'device list' has no option -o"},
    {{"device"}, "'device' needs a command"},
    {{"actions", "--timeout", "0"}, "--timeout must be a number from 1 to 604800"},
};

START_TEST(a_command_line_that_makes_no_sense)
{
  const char *const *w = usages[_i].words;
  stage_run r = {.client = "usage"};
  CORDON(&r, 2, w[0], w[1], w[2], w[3], w[4], w[5]);
  HAS(&r.err, usages[_i].complaint);
  cd_buf log;
  stage_log("usage", &log);
  ck_assert_uint_eq(log.len, 0);
  cd_buf_release(&log);
  stage_release(&r);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_fleet_commands(void)
{
  Suite *s = suite_create("ctl.fleet_commands");
  TCase *tc = tcase_create("commands");
  tcase_set_timeout(tc, 120);
  tcase_add_test(tc, device_list);
  tcase_add_test(tc, device_show);
  tcase_add_test(tc, scans);
  tcase_add_test(tc, remediations);
  tcase_add_loop_test(tc, remedies_of_every_kind, 0, REMEDIES);
  tcase_add_test(tc, alerts);
  tcase_add_test(tc, an_ambiguous_name_is_refused_with_the_candidates);
  tcase_add_test(tc, a_whole_name_does_not_go_before_a_first_label);
  tcase_add_test(tc, a_device_by_its_id);
  tcase_add_test(tc, isolate_and_release);
  tcase_add_test(tc, by_tag);
  tcase_add_test(tc, a_tag_that_no_device_has);
  tcase_add_test(tc, only_as_many_as_the_preview_showed);
  tcase_add_test(tc, a_dry_run_of_one);
  tcase_add_test(tc, a_dry_run_by_tag);
  tcase_add_test(tc, tags);
  tcase_add_test(tc, actions_and_one_of_them);
  tcase_add_test(tc, a_release_code_is_shown_once);
  tcase_add_test(tc, enrolment_tokens);
  tcase_add_test(tc, policies);
  tcase_add_test(tc, exclusions);
  tcase_add_test(tc, the_audit_log_is_verified_here);
  tcase_add_loop_test(tc, a_log_that_was_changed_shows, 0, ROWS(faults));
  tcase_add_loop_test(tc, a_command_line_that_makes_no_sense, 0, ROWS(usages));
  suite_add_tcase(s, tc);
  return s;
}
