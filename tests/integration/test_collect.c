/* Investigation packages: made by a collector of the zoo, kept by the agent, fetched over the
 * control socket. */
#include "collector.h"

#include "protocol/digest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static driver_reply collect(driver *d)
{
  return driver_request(d, "collect", "{\"profile\":\"standard\",\"wait\":true}");
}

static void fetch(driver *d, const driver_reply *r, const char *to)
{
  char command[64];
  (void)snprintf(command, sizeof(command), "{\"id\":\"%s\"}", driver_at(r->result, "action.id"));
  driver_reply piece = driver_request(d, "package", command);
  ck_assert_msg(piece.ok, "%s", piece.sentence);
  ck_assert_str_eq(driver_at(piece.result, "offset"), "0");
  ck_assert_str_eq(driver_at(piece.result, "size"),
                   driver_at(r->result, "action.result.package.bytes"));
  FILE *f = fopen(to, "we");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(piece.data.ptr, 1, piece.data.len, f), piece.data.len);
  ck_assert_int_eq(fclose(f), 0);
  cd_digest digest;
  char text[CD_DIGEST_TEXT_MAX];
  cd_err err = {0};
  ck_assert_int_eq(cd_digest_of(piece.data.ptr, piece.data.len, &digest, &err), CD_OK);
  cd_digest_text(&digest, text);
  ck_assert_str_eq(text, driver_at(r->result, "action.result.package.digest"));
  driver_reply_release(&piece);
}

START_TEST(a_package_is_made_measured_fetched_and_forgotten)
{
  char content[256];
  struct stat st;
  driver *d = collector_begin(NULL);
  driver_reply r = collect(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.kind"), "collect");
  ck_assert_str_eq(driver_at(r.result, "action.provider"), "org.cordon.test.collects");
  ck_assert_str_eq(driver_at(r.result, "action.result.package.artifacts"), "3");
  ck_assert_str_eq(driver_at(r.result, "action.result.package.incomplete"), "0");
  ck_assert_str_eq(driver_at(r.result, "action.result.package.cap"), "null");
  ck_assert_str_eq(driver_at(r.result, "action.result.run.items.ok"), "2");
  ck_assert_str_eq(driver_at(r.result, "action.result.run.details.params.profile"), "standard");
  ck_assert_str_eq(driver_at(r.result, "action.result.run.details.params.action"),
                   driver_at(r.result, "action.id"));
  ck_assert_str_eq(driver_at(r.result, "action.result.run.details.params.budget_s"), "300");
  const char *zip = driver_path(d, "fetched.zip");
  fetch(d, &r, zip);
  ck_assert_uint_eq(collector_zip(zip, "Processes/processes.csv", content), 3);
  ck_assert_str_eq(content, "pid,name\r\n1,init\r\n");
  ck_assert_int_eq(stat(driver_path(d, "state/spool"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0700);
  char params[64];
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", driver_at(r.result, "action.id"));
  driver_reply forgotten = driver_request(d, "forget", params);
  ck_assert(forgotten.ok);
  driver_reply_release(&forgotten);
  ck_assert_uint_eq(collector_spool(d), 0);
  driver_reply gone = driver_request(d, "package", params);
  ck_assert_str_eq(gone.status, "notfound");
  driver_reply_release(&gone);
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

START_TEST(what_is_incomplete_is_told)
{
  static const struct {
    const char *settings;
    const char *outcome;
    const char *name;
    unsigned entries;
  } rows[] = {
      {"\"does\":\"partial\"", "partial", "System Information/system.txt", 3},
      {"\"does\":\"left_open\"", "ok", "half.txt", 1},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char content[256];
    driver *d = collector_begin(rows[i].settings);
    driver_reply r = collect(d);
    driver_expect(&r, "Succeeded", rows[i].outcome, NULL, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.package.incomplete"), "1");
    ck_assert_str_eq(driver_at(r.result, "action.result.package.incomplete_names.0"), rows[i].name);
    const char *zip = driver_path(d, "fetched.zip");
    fetch(d, &r, zip);
    ck_assert_uint_eq(collector_zip(zip, rows[i].name, content), rows[i].entries);
    ck_assert_str_ne(content, "");
    driver_reply_release(&r);
    collector_end(d);
  }
}
END_TEST

START_TEST(names_that_lead_elsewhere_never_come_in)
{
  char content[256];
  driver *d = collector_begin("\"does\":\"names\"");
  driver_reply r = collect(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  const char *zip = driver_path(d, "fetched.zip");
  fetch(d, &r, zip);
  ck_assert_uint_eq(collector_zip(zip, "a", content), 1);
  ck_assert_str_eq(content, "1");
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

START_TEST(a_ceiling_ends_an_artifact_and_not_the_package)
{
  char content[256];
  driver *d = collector_begin_with("\"does\":\"much\",\"bytes\":20000000",
                                   "{\"max_bytes\":6000000,\"free_bytes\":0}", NULL);
  driver_reply r = collect(d);
  driver_expect(&r, "Succeeded", "partial", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.package.cap"), "bytes");
  ck_assert_int_le(atol(driver_at(r.result, "action.result.package.bytes")), 6000000);
  ck_assert_int_ge(atol(driver_at(r.result, "action.result.package.bytes")), 4000000);
  char path[128];
  (void)snprintf(path, sizeof(path), "state/spool/%s.zip", driver_at(r.result, "action.id"));
  ck_assert_uint_eq(collector_zip(driver_path(d, path), "manifest.json", content), 2);
  ck_assert_str_eq(content, "{}");
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

START_TEST(what_fails_leaves_nothing)
{
  static const struct {
    const char *settings;
    const char *outcome;
    const char *sentence;
  } rows[] = {
      {"\"does\":\"crash\"", "internal", "crashed"},
      {"\"does\":\"fails\"", "io", "the disk is on fire"},
      {"\"does\":\"wrong_id\"", "internal", "artifact 99 is not open"},
      {"\"does\":\"unavailable\"", "unavailable", "nothing can be collected here"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    driver *d = collector_begin(rows[i].settings);
    driver_reply r = collect(d);
    driver_expect(&r, "Failed", rows[i].outcome, rows[i].sentence, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.package"), "null");
    ck_assert_uint_eq(collector_spool(d), 0);
    driver_reply_release(&r);
    collector_end(d);
  }
}
END_TEST

START_TEST(the_next_provider_is_asked_where_the_first_cannot)
{
  driver *d = driver_new(&(driver_options){.providers = {"collects", "collects_too"},
                                           .settings = {"\"does\":\"unavailable\""},
                                           .collects = {true, true}});
  driver_start(d, NULL);
  driver_reply r = collect(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.provider"), "org.cordon.test.collects-too");
  ck_assert_ptr_nonnull(
      strstr(driver_at(r.result, "action.result.passed_over"), "nothing can be collected here"));
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

START_TEST(a_thread_that_comes_late_finds_the_door_shut)
{
  driver *d = collector_begin("\"does\":\"late\"");
  driver_reply r = collect(d);
  ck_assert_str_eq(driver_at(r.result, "action.status"), "Succeeded");
  ck_assert_str_eq(driver_at(r.result, "action.result.package.artifacts"), "1");
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

/* Its id, once it runs. */
static driver_call *started(driver *d, char id[CD_ID_SIZE])
{
  driver_call *call = driver_ask(d, "collect", "{\"wait\":true}");
  driver_wait_events(call, 3);
  (void)snprintf(id, CD_ID_SIZE, "%s", driver_at(call->reply.events[0], "id"));
  return call;
}

static void wait_for_half(driver_call *call)
{
  while (call->reply.event_count == 0 ||
         strcmp(driver_at(call->reply.events[call->reply.event_count - 1], "what"),
                "in the middle") != 0)
    driver_wait_events(call, call->reply.event_count + 1);
}

START_TEST(one_that_runs_and_one_that_waits_are_cancelled)
{
  char running[CD_ID_SIZE];
  char params[64];
  driver *d = collector_begin("\"does\":\"waits\"");
  driver_call *first = started(d, running);
  wait_for_half(first);
  driver_call *second = driver_ask(d, "collect", "{\"wait\":true}");
  driver_wait_events(second, 1);
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}",
                 driver_at(second->reply.events[0], "id"));
  driver_reply said = driver_request(d, "cancel", params);
  ck_assert_msg(said.ok, "%s", said.sentence);
  driver_reply_release(&said);
  driver_reply r = driver_finish(second);
  driver_expect(&r, "Cancelled", "cancelled", "before it had begun", NULL);
  driver_reply_release(&r);
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", running);
  said = driver_request(d, "cancel", params);
  ck_assert_msg(said.ok, "%s", said.sentence);
  driver_reply_release(&said);
  r = driver_finish(first);
  driver_expect(&r, "Cancelled", "cancelled", "nothing of it is kept", NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.package"), "null");
  driver_reply_release(&r);
  said = driver_request(d, "cancel", params);
  ck_assert_str_eq(said.status, "conflict");
  driver_reply_release(&said);
  ck_assert_uint_eq(collector_spool(d), 0);
  collector_end(d);
}
END_TEST

static bool is_stopped(driver *d, const void *context)
{
  char name[64];
  char text[256] = "";
  (void)d;
  (void)snprintf(name, sizeof(name), "/proc/%d/stat", *(const int *)context);
  FILE *f = fopen(name, "re");
  size_t len = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
  if (f != NULL)
    (void)fclose(f);
  text[len] = '\0';
  const char *end = strrchr(text, ')');
  return end != NULL && end[1] == ' ' && end[2] == 'T';
}

/* Whoever is told that it is cancelled finds nothing of it, even where all of it was there. */
START_TEST(one_that_is_being_measured_is_cancelled)
{
  char id[CD_ID_SIZE];
  char params[64];
  driver *d = collector_begin_with("\"does\":\"much\",\"bytes\":20000000", NULL, "job.ended=stop");
  driver_call *call = started(d, id);
  int pid = d->process.pid;
  driver_wait(d, is_stopped, &pid, "the agent stops before it measures");
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
  driver_call *cancel = driver_ask(d, "cancel", params);
  ck_assert_int_eq(kill(pid, SIGCONT), 0);
  driver_reply said = driver_finish(cancel);
  driver_reply r = driver_finish(call);
  ck_assert_msg(said.ok, "%s", said.sentence);
  driver_expect(&r, "Cancelled", "cancelled", "nothing of it is kept", NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.package"), "null");
  ck_assert_uint_eq(collector_spool(d), 0);
  driver_reply_release(&said);
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

START_TEST(no_isolation_waits_for_a_package)
{
  char id[CD_ID_SIZE];
  char params[64];
  driver *d = collector_begin("\"does\":\"waits\"");
  driver_call *call = started(d, id);
  wait_for_half(call);
  driver_isolate_well(d);
  driver_release_well(d);
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
  driver_reply said = driver_request(d, "cancel", params);
  ck_assert(said.ok);
  driver_reply_release(&said);
  driver_reply r = driver_finish(call);
  driver_expect(&r, "Cancelled", "cancelled", NULL, NULL);
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

START_TEST(one_that_was_cut_short_is_failed_and_never_made_again)
{
  char id[CD_ID_SIZE];
  driver *d = collector_begin("\"does\":\"waits\"");
  driver_call *call = started(d, id);
  wait_for_half(call);
  ck_assert_uint_eq(collector_spool(d), 1);
  driver_kill(d);
  driver_hang_up(call);
  unsigned calls = driver_calls(d, "collects", "run");
  driver_start(d, NULL);
  collector_expect(d, id, "Failed", "outcome unknown");
  ck_assert_uint_eq(collector_spool(d), 0);
  ck_assert_uint_eq(driver_calls(d, "collects", "run"), calls);
  collector_end(d);
}
END_TEST

START_TEST(one_that_the_agent_stopped_says_so)
{
  char id[CD_ID_SIZE];
  driver *d = collector_begin("\"does\":\"waits\"");
  driver_call *call = started(d, id);
  wait_for_half(call);
  driver_stop(d);
  driver_hang_up(call);
  driver_start(d, NULL);
  collector_expect(d, id, "Cancelled", "the agent was stopped meanwhile");
  ck_assert_uint_eq(collector_spool(d), 0);
  collector_end(d);
}
END_TEST

/* Killed at each point: whole with its outcome, or Failed and nothing there. */
START_TEST(killed_anywhere_it_is_whole_or_it_is_not)
{
  static const char *const points[] = {
      "job.order_synced", "job.started",        "job.ended",
      "collect.kept",     "job.before_outcome", "job.outcome_synced",
  };
  for (size_t i = 0; i < COUNT_OF(points); i++) {
    char fault[64];
    (void)snprintf(fault, sizeof(fault), "%s=kill", points[i]);
    driver *d = collector_begin_with(NULL, NULL, fault);
    driver_call *call = driver_ask(d, "collect", "{\"wait\":true}");
    driver_wait_exit(d);
    driver_hang_up(call);
    driver_start(d, NULL);
    driver_reply r = driver_request(d, "actions", "{}");
    ck_assert_str_eq(driver_at(r.result, "actions.0.kind"), "collect");
    const char *status = driver_at(r.result, "actions.0.status");
    bool whole = strcmp(status, "Succeeded") == 0;
    ck_assert_msg(whole || strcmp(status, "Failed") == 0 || strcmp(status, "Cancelled") == 0,
                  "%s: %s", points[i], status);
    ck_assert_msg(whole == (i == COUNT_OF(points) - 1), "%s: %s", points[i], status);
    ck_assert_uint_eq(collector_spool(d), whole ? 1 : 0);
    driver_reply_release(&r);
    collector_end(d);
  }
}
END_TEST

/* The host dies: the agent says so. */
START_TEST(a_host_that_is_killed_leaves_no_package)
{
  static const char *const points[] = {"collect.artifact_write=kill", "collect.package_end=kill"};
  for (size_t i = 0; i < COUNT_OF(points); i++) {
    driver *d = collector_begin_with(NULL, NULL, points[i]);
    driver_reply r = collect(d);
    driver_expect(&r, "Failed", "internal", NULL, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.package"), "null");
    ck_assert_uint_eq(collector_spool(d), 0);
    driver_reply_release(&r);
    collector_end(d);
  }
}
END_TEST

START_TEST(the_oldest_package_makes_room)
{
  driver *d = collector_begin_with(
      NULL, "{\"max_bytes\":5000000,\"quota_bytes\":5000000,\"free_bytes\":0}", NULL);
  driver_reply first = collect(d);
  driver_expect(&first, "Succeeded", "ok", NULL, NULL);
  driver_reply second = collect(d);
  driver_expect(&second, "Succeeded", "ok", NULL, NULL);
  char path[128];
  (void)snprintf(path, sizeof(path), "state/spool/%s.zip", driver_at(first.result, "action.id"));
  ck_assert_int_ne(access(driver_path(d, path), F_OK), 0);
  (void)snprintf(path, sizeof(path), "state/spool/%s.zip", driver_at(second.result, "action.id"));
  ck_assert_int_eq(access(driver_path(d, path), F_OK), 0);
  driver_reply_release(&first);
  driver_reply_release(&second);
  collector_end(d);
}
END_TEST

START_TEST(only_administrators_collect)
{
  static const char *const methods[] = {"collect", "cancel", "package", "forget"};
  driver *d = collector_begin(NULL);
  for (size_t i = 0; i < COUNT_OF(methods); i++) {
    driver_reply r = driver_request_as(d, 65534, methods[i], "{}");
    ck_assert_msg(!r.ok && strcmp(r.status, "denied") == 0, "%s: %s", methods[i], r.status);
  }
  collector_end(d);
}
END_TEST

START_TEST(nonsense_is_refused)
{
  static const char *const rows[] = {
      "{\"profile\":\"everything\"}", "{\"budget_s\":1}", "{\"max_bytes\":1}",
      "{\"budget_s\":86001}",         "{\"unknown\":1}",  "{\"profile\":1}",
  };
  driver *d = collector_begin(NULL);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    driver_reply r = driver_request(d, "collect", rows[i]);
    ck_assert_msg(!r.ok && strcmp(r.status, "invalid") == 0, "row %zu: %s", i, r.status);
    driver_reply_release(&r);
  }
  driver_reply r =
      driver_request(d, "package", "{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}");
  ck_assert_str_eq(r.status, "notfound");
  driver_reply_release(&r);
  collector_end(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_package_is_made_measured_fetched_and_forgotten,
      what_is_incomplete_is_told,
      names_that_lead_elsewhere_never_come_in,
      a_ceiling_ends_an_artifact_and_not_the_package,
      what_fails_leaves_nothing,
      the_next_provider_is_asked_where_the_first_cannot,
      a_thread_that_comes_late_finds_the_door_shut,
      one_that_runs_and_one_that_waits_are_cancelled,
      one_that_is_being_measured_is_cancelled,
      no_isolation_waits_for_a_package,
      one_that_was_cut_short_is_failed_and_never_made_again,
      one_that_the_agent_stopped_says_so,
      killed_anywhere_it_is_whole_or_it_is_not,
      a_host_that_is_killed_leaves_no_package,
      the_oldest_package_makes_room,
      only_administrators_collect,
      nonsense_is_refused,
  };
  return driver_suite("integration.collect", tests, COUNT_OF(tests), 120);
}
