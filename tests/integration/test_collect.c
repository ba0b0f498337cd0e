/* Investigation packages: made by a collector of the zoo, kept by the agent, fetched over the
 * control socket. */
#include "driver.h"

#include "protocol/digest.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static driver *begin_with(const char *settings, const char *collect, const char *fault)
{
  driver *d = driver_new(&(driver_options){.providers = {"collects", "good"},
                                           .settings = {settings},
                                           .collects = {true},
                                           .collect = collect});
  driver_start(d, fault);
  return d;
}

static driver *begin(const char *settings)
{
  return begin_with(settings, NULL, NULL);
}

static void end(driver *d)
{
  driver_stop(d);
  driver_free(d);
}

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

/* How many entries the zip has; the content of one of them. */
static unsigned look_into(const char *path, const char *name, char out[256])
{
  struct archive *a = archive_read_new();
  struct archive_entry *e = NULL;
  unsigned count = 0;
  out[0] = '\0';
  ck_assert_int_eq(archive_read_support_format_zip_seekable(a), ARCHIVE_OK);
  ck_assert_msg(archive_read_open_filename(a, path, 65536) == ARCHIVE_OK, "%s",
                archive_error_string(a));
  for (; archive_read_next_header(a, &e) == ARCHIVE_OK; count++) {
    if (strcmp(archive_entry_pathname(e), name) == 0) {
      la_ssize_t len = archive_read_data(a, out, 255);
      ck_assert_int_ge(len, 0);
      out[len] = '\0';
    }
  }
  archive_read_free(a);
  return count;
}

static unsigned in_spool(driver *d)
{
  unsigned count = 0;
  DIR *dir = opendir(driver_path(d, "state/spool"));
  for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
    count += e->d_name[0] != '.' ? 1 : 0;
  if (dir != NULL)
    (void)closedir(dir);
  return count;
}

START_TEST(a_package_is_made_measured_fetched_and_forgotten)
{
  char content[256];
  struct stat st;
  driver *d = begin(NULL);
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
  ck_assert_uint_eq(look_into(zip, "Processes/processes.csv", content), 3);
  ck_assert_str_eq(content, "pid,name\r\n1,init\r\n");
  ck_assert_int_eq(stat(driver_path(d, "state/spool"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0700);
  char params[64];
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", driver_at(r.result, "action.id"));
  driver_reply forgotten = driver_request(d, "forget", params);
  ck_assert(forgotten.ok);
  driver_reply_release(&forgotten);
  ck_assert_uint_eq(in_spool(d), 0);
  driver_reply gone = driver_request(d, "package", params);
  ck_assert_str_eq(gone.status, "notfound");
  driver_reply_release(&gone);
  driver_reply_release(&r);
  end(d);
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
    driver *d = begin(rows[i].settings);
    driver_reply r = collect(d);
    driver_expect(&r, "Succeeded", rows[i].outcome, NULL, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.package.incomplete"), "1");
    ck_assert_str_eq(driver_at(r.result, "action.result.package.incomplete_names.0"), rows[i].name);
    const char *zip = driver_path(d, "fetched.zip");
    fetch(d, &r, zip);
    ck_assert_uint_eq(look_into(zip, rows[i].name, content), rows[i].entries);
    ck_assert_str_ne(content, "");
    driver_reply_release(&r);
    end(d);
  }
}
END_TEST

START_TEST(names_that_lead_elsewhere_never_come_in)
{
  char content[256];
  driver *d = begin("\"does\":\"names\"");
  driver_reply r = collect(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  const char *zip = driver_path(d, "fetched.zip");
  fetch(d, &r, zip);
  ck_assert_uint_eq(look_into(zip, "a", content), 1);
  ck_assert_str_eq(content, "1");
  driver_reply_release(&r);
  end(d);
}
END_TEST

START_TEST(a_ceiling_ends_an_artifact_and_not_the_package)
{
  char content[256];
  driver *d = begin_with("\"does\":\"much\",\"bytes\":20000000",
                         "{\"max_bytes\":6000000,\"free_bytes\":0}", NULL);
  driver_reply r = collect(d);
  driver_expect(&r, "Succeeded", "partial", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.package.cap"), "bytes");
  ck_assert_int_le(atol(driver_at(r.result, "action.result.package.bytes")), 6000000);
  ck_assert_int_ge(atol(driver_at(r.result, "action.result.package.bytes")), 4000000);
  char path[128];
  (void)snprintf(path, sizeof(path), "state/spool/%s.zip", driver_at(r.result, "action.id"));
  ck_assert_uint_eq(look_into(driver_path(d, path), "manifest.json", content), 2);
  ck_assert_str_eq(content, "{}");
  driver_reply_release(&r);
  end(d);
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
    driver *d = begin(rows[i].settings);
    driver_reply r = collect(d);
    driver_expect(&r, "Failed", rows[i].outcome, rows[i].sentence, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.package"), "null");
    ck_assert_uint_eq(in_spool(d), 0);
    driver_reply_release(&r);
    end(d);
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
  end(d);
}
END_TEST

START_TEST(a_thread_that_comes_late_finds_the_door_shut)
{
  driver *d = begin("\"does\":\"late\"");
  driver_reply r = collect(d);
  ck_assert_str_eq(driver_at(r.result, "action.status"), "Succeeded");
  ck_assert_str_eq(driver_at(r.result, "action.result.package.artifacts"), "1");
  driver_reply_release(&r);
  end(d);
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
  driver *d = begin("\"does\":\"waits\"");
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
  ck_assert_uint_eq(in_spool(d), 0);
  end(d);
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
  driver *d = begin_with("\"does\":\"much\",\"bytes\":20000000", NULL, "job.ended=stop");
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
  ck_assert_uint_eq(in_spool(d), 0);
  driver_reply_release(&said);
  driver_reply_release(&r);
  end(d);
}
END_TEST

START_TEST(no_isolation_waits_for_a_package)
{
  char id[CD_ID_SIZE];
  char params[64];
  driver *d = begin("\"does\":\"waits\"");
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
  end(d);
}
END_TEST

static void expect_action(driver *d, const char *id, const char *status, const char *part)
{
  char params[64];
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
  driver_reply r = driver_request(d, "action", params);
  ck_assert_str_eq(driver_at(r.result, "action.status"), status);
  ck_assert_msg(strstr(driver_at(r.result, "action.sentence"), part) != NULL, "%s",
                driver_at(r.result, "action.sentence"));
  driver_reply_release(&r);
}

START_TEST(one_that_was_cut_short_is_failed_and_never_made_again)
{
  char id[CD_ID_SIZE];
  driver *d = begin("\"does\":\"waits\"");
  driver_call *call = started(d, id);
  wait_for_half(call);
  ck_assert_uint_eq(in_spool(d), 1);
  driver_kill(d);
  driver_hang_up(call);
  unsigned calls = driver_calls(d, "collects", "run");
  driver_start(d, NULL);
  expect_action(d, id, "Failed", "outcome unknown");
  ck_assert_uint_eq(in_spool(d), 0);
  ck_assert_uint_eq(driver_calls(d, "collects", "run"), calls);
  end(d);
}
END_TEST

START_TEST(one_that_the_agent_stopped_says_so)
{
  char id[CD_ID_SIZE];
  driver *d = begin("\"does\":\"waits\"");
  driver_call *call = started(d, id);
  wait_for_half(call);
  driver_stop(d);
  driver_hang_up(call);
  driver_start(d, NULL);
  expect_action(d, id, "Cancelled", "the agent was stopped meanwhile");
  ck_assert_uint_eq(in_spool(d), 0);
  end(d);
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
    driver *d = begin_with(NULL, NULL, fault);
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
    ck_assert_uint_eq(in_spool(d), whole ? 1 : 0);
    driver_reply_release(&r);
    end(d);
  }
}
END_TEST

/* The host dies: the agent says so. */
START_TEST(a_host_that_is_killed_leaves_no_package)
{
  static const char *const points[] = {"collect.artifact_write=kill", "collect.package_end=kill"};
  for (size_t i = 0; i < COUNT_OF(points); i++) {
    driver *d = begin_with(NULL, NULL, points[i]);
    driver_reply r = collect(d);
    driver_expect(&r, "Failed", "internal", NULL, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.package"), "null");
    ck_assert_uint_eq(in_spool(d), 0);
    driver_reply_release(&r);
    end(d);
  }
}
END_TEST

START_TEST(the_oldest_package_makes_room)
{
  driver *d =
      begin_with(NULL, "{\"max_bytes\":5000000,\"quota_bytes\":5000000,\"free_bytes\":0}", NULL);
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
  end(d);
}
END_TEST

/* ---- `cordon local collect` ---- */

/* Starts `cordon local collect -o FILE ARG`; its output is the test's. */
static pid_t run_cordon(driver *d, const char *file, const char *more)
{
  char socket[DRIVER_PATH_MAX];
  (void)snprintf(socket, sizeof(socket), "%s", driver_path(d, "run/control.sock"));
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    (void)execl(CORDON_PROGRAM, "cordon", "local", "collect", "--socket", socket, "-o", file, more,
                (char *)NULL);
    _exit(127);
  }
  return pid;
}

typedef struct child {
  pid_t pid;
  int status;
} child;

static bool child_ended(driver *d, const void *context)
{
  child *c = (child *)(uintptr_t)context;
  return waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

static int exit_code(driver *d, pid_t pid)
{
  child c = {.pid = pid};
  driver_wait(d, child_ended, &c, "the command has ended");
  ck_assert(WIFEXITED(c.status));
  return WEXITSTATUS(c.status);
}

/* Files in the folder that is made for the output. */
static unsigned in_folder(const char *path)
{
  unsigned count = 0;
  DIR *dir = opendir(path);
  ck_assert_ptr_nonnull(dir);
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
    count += e->d_name[0] != '.' ? 1 : 0;
  (void)closedir(dir);
  return count;
}

static const char *out_file(driver *d, const char *name)
{
  (void)mkdir(driver_path(d, "out"), 0700);
  char path[64];
  (void)snprintf(path, sizeof(path), "out/%s", name);
  return driver_path(d, path);
}

/* What the host has written is the same from both ends. */
static int list(driver *d, const char *file)
{
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    (void)execl(CORDON_PROGRAM, "cordon", "package", "list", file, (char *)NULL);
    _exit(127);
  }
  return exit_code(d, pid);
}

START_TEST(the_command_writes_the_file_once_and_for_its_user_alone)
{
  char content[256];
  struct stat st;
  driver *d = begin_with("\"does\":\"much\",\"bytes\":3000000", NULL, NULL);
  char file[DRIVER_PATH_MAX];
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, NULL)), 0);
  ck_assert_int_eq(lstat(file, &st), 0);
  ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
  ck_assert_uint_eq(look_into(file, "manifest.json", content), 2);
  ck_assert_int_eq(list(d, file), 0);
  ck_assert_uint_eq(in_spool(d), 0);
  ino_t first = st.st_ino;
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, NULL)), 5);
  ck_assert_int_eq(lstat(file, &st), 0);
  ck_assert(st.st_ino == first);
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, "--overwrite")), 0);
  ck_assert_int_eq(lstat(file, &st), 0);
  ck_assert(st.st_ino != first);
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 1);
  end(d);
}
END_TEST

/* The first action that is there. */
static void last_id(driver *d, char id[CD_ID_SIZE])
{
  driver_reply r = driver_request(d, "actions", "{}");
  (void)snprintf(id, CD_ID_SIZE, "%s", driver_at(r.result, "actions.0.id"));
  driver_reply_release(&r);
}

/* As on a disk that is full: no file grows over 64 KiB. What it says goes to `said`. */
static pid_t run_without_room(driver *d, const char *file, const char *more, const char *said)
{
  const struct rlimit small = {.rlim_cur = 65536, .rlim_max = 65536};
  char socket[DRIVER_PATH_MAX];
  (void)snprintf(socket, sizeof(socket), "%s", driver_path(d, "run/control.sock"));
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2 && setrlimit(RLIMIT_FSIZE, &small) == 0 &&
        signal(SIGXFSZ, SIG_IGN) != SIG_ERR)
      (void)execl(CORDON_PROGRAM, "cordon", "local", "collect", "--socket", socket, "-o", file,
                  more, (char *)NULL);
    _exit(127);
  }
  return pid;
}

START_TEST(what_cannot_be_written_is_kept_and_fetched_by_its_id)
{
  static const char *const forms[] = {NULL, "--json"};
  driver *d = begin_with("\"does\":\"much\",\"bytes\":3000000", NULL, NULL);
  char file[DRIVER_PATH_MAX];
  char said[DRIVER_PATH_MAX];
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  (void)snprintf(said, sizeof(said), "%s", driver_path(d, "said"));
  for (size_t i = 0; i < COUNT_OF(forms); i++) {
    char text[4096] = "";
    char wanted[128];
    char id[CD_ID_SIZE];
    ck_assert_int_eq(exit_code(d, run_without_room(d, file, forms[i], said)), 1);
    last_id(d, id);
    FILE *f = fopen(said, "re");
    ck_assert_ptr_nonnull(f);
    (void)fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    (void)snprintf(wanted, sizeof(wanted), "'cordon local collect --id %s -o FILE' fetches it", id);
    ck_assert_msg(strstr(text, wanted) != NULL && strstr(text, "cannot write") != NULL, "%s", text);
    ck_assert_uint_eq(in_folder(driver_path(d, "out")), 0);
    (void)snprintf(wanted, sizeof(wanted), "--id=%s", id);
    ck_assert_int_eq(exit_code(d, run_cordon(d, file, wanted)), 0);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_uint_eq(in_spool(d), 0);
  }
  end(d);
}
END_TEST

static bool collecting(driver *d, const void *context)
{
  driver_reply r = driver_request(d, "actions", "{}");
  bool runs = strcmp(driver_at(r.result, "actions.0.status"), "InProgress") == 0;
  driver_reply_release(&r);
  return runs;
}

START_TEST(an_interrupt_ends_the_collecting_on_the_device)
{
  driver *d = begin("\"does\":\"waits\"");
  char file[DRIVER_PATH_MAX];
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  pid_t pid = run_cordon(d, file, NULL);
  driver_wait(d, collecting, NULL, "the package is being made");
  ck_assert_int_eq(kill(pid, SIGINT), 0);
  ck_assert_int_eq(exit_code(d, pid), 1);
  driver_reply r = driver_request(d, "actions", "{}");
  char id[CD_ID_SIZE];
  (void)snprintf(id, sizeof(id), "%s", driver_at(r.result, "actions.0.id"));
  driver_reply_release(&r);
  driver_wait_log(d, "Cancelled (cancelled)");
  expect_action(d, id, "Cancelled", "it was cancelled");
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 0);
  end(d);
}
END_TEST

static bool is_there(driver *d, const void *context)
{
  (void)d;
  return access(context, F_OK) == 0;
}

START_TEST(what_a_killed_command_leaves_has_the_id_of_its_action)
{
  char id[CD_ID_SIZE];
  char file[DRIVER_PATH_MAX];
  char part[DRIVER_PATH_MAX + 64];
  char params[64];
  int status = 0;
  driver *d = begin("\"does\":\"waits\"");
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  pid_t pid = run_cordon(d, file, NULL);
  driver_wait(d, collecting, NULL, "the package is being made");
  last_id(d, id);
  (void)snprintf(part, sizeof(part), "%s.%s.part", file, id);
  driver_wait(d, is_there, part, "it is called after the action");
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 1);
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
  driver_reply reply = driver_request(d, "cancel", params);
  ck_assert_msg(reply.ok, "%s", reply.sentence);
  driver_reply_release(&reply);
  end(d);
}
END_TEST

/* ---- `cordon package` ---- */

#define PROCESSES "Processes/processes.csv"
#define SYSTEM "System Information/system.txt"
#define PROCESSES_BYTES "pid,name\r\n1,init\r\n"
#define SYSTEM_BYTES "a system\n"
#define SYSTEM_SHA256 "1aa98cbc5faf70c97fab5fb22728681ca70c78f7853e502f814d4dfd4f604fc1"

static char said[8192]; /* what the command printed last, on both ways */

/* `cordon package ARGS...`; NULL ends them. */
static int package(driver *d, const char *const *args)
{
  char *argv[8] = {(char *)(uintptr_t) "cordon", (char *)(uintptr_t) "package"};
  for (size_t i = 0; args[i] != NULL; i++)
    argv[i + 2] = (char *)(uintptr_t)args[i];
  const char *path = driver_path(d, "said.txt");
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0)
      (void)execv(CORDON_PROGRAM, argv);
    _exit(127);
  }
  int code = exit_code(d, pid);
  (void)snprintf(said, sizeof(said), "%s", driver_read(path));
  return code;
}

#define PACKAGE(d, code, ...)                                                                      \
  do {                                                                                             \
    int is = package((d), (const char *const[]){__VA_ARGS__, NULL});                               \
    ck_assert_msg(is == (code), "exit code %d: %s", is, said);                                     \
  } while (0)
#define SAYS(text) ck_assert_msg(strstr(said, (text)) != NULL, "'%s' is not in '%s'", (text), said)

/* A package of the zoo in `file`, and where it is to go. */
static driver *begin_package(char file[DRIVER_PATH_MAX], char folder[DRIVER_PATH_MAX])
{
  driver *d = begin(NULL);
  (void)snprintf(file, DRIVER_PATH_MAX, "%s", out_file(d, "p.zip"));
  (void)snprintf(folder, DRIVER_PATH_MAX, "%s", out_file(d, "p"));
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, NULL)), 0);
  return d;
}

static const char *unpacked(const char *folder, const char *name)
{
  char path[2 * DRIVER_PATH_MAX];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  ck_assert_msg(lstat(path, &st) == 0, "%s is not there", name);
  ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
  return driver_read(path);
}

START_TEST(the_command_lists_every_file_of_a_package)
{
  char file[DRIVER_PATH_MAX];
  char folder[DRIVER_PATH_MAX];
  driver *d = begin_package(file, folder);
  PACKAGE(d, 0, "list", file);
  SAYS("\n18      " PROCESSES "\n");
  SAYS("\n9       " SYSTEM "\n");
  SAYS("     manifest.json\n");
  unsigned lines = 0;
  for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
    lines++;
  ck_assert_uint_eq(lines, 1 + 3);
  PACKAGE(d, 0, "list", file, "--json");
  cJSON *doc = cJSON_Parse(said);
  const cJSON *files = cJSON_GetObjectItemCaseSensitive(doc, "files");
  ck_assert_int_eq(cJSON_GetArraySize(files), 3);
  cJSON_Delete(doc);
  SAYS("{\"name\":\"" SYSTEM "\",\"bytes\":9,\"sha256\":\"" SYSTEM_SHA256 "\"}");
  PACKAGE(d, 0, "verify", file);
  SAYS("every file is what the manifest says");
  end(d);
}
END_TEST

START_TEST(the_command_extracts_a_package_once_into_a_new_folder)
{
  char file[DRIVER_PATH_MAX];
  char folder[DRIVER_PATH_MAX];
  char other[DRIVER_PATH_MAX];
  struct stat st;
  driver *d = begin_package(file, folder);
  PACKAGE(d, 0, "extract", file);
  SAYS("every file is what the manifest says");
  ck_assert_int_eq(lstat(folder, &st), 0);
  ck_assert_uint_eq(st.st_mode, S_IFDIR | 0700);
  ck_assert_uint_eq(in_folder(folder), 3);
  ck_assert_str_eq(unpacked(folder, PROCESSES), PROCESSES_BYTES);
  ck_assert_str_eq(unpacked(folder, SYSTEM), SYSTEM_BYTES);
  ck_assert_ptr_nonnull(strstr(unpacked(folder, "manifest.json"), SYSTEM));
  /* Again it is refused, and nothing of before is touched. */
  driver_write(out_file(d, "p/" SYSTEM), "mine", 0600);
  PACKAGE(d, 5, "extract", file);
  SAYS("is there already: say with -o where it is to go");
  ck_assert_str_eq(unpacked(folder, SYSTEM), "mine");
  (void)snprintf(other, sizeof(other), "%s", out_file(d, "other"));
  PACKAGE(d, 0, "extract", file, "-o", other);
  ck_assert_str_eq(unpacked(other, SYSTEM), SYSTEM_BYTES);
  end(d);
}
END_TEST

/* The place of the last `text` of a file. */
static long find_last(const char *path, const char *text, char *bytes, size_t size, size_t *ret_len)
{
  FILE *f = fopen(path, "re");
  ck_assert_ptr_nonnull(f);
  *ret_len = fread(bytes, 1, size, f);
  ck_assert_int_eq(fclose(f), 0);
  size_t len = strlen(text);
  for (long at = (long)(*ret_len - len); at >= 0; at--) {
    if (memcmp(bytes + at, text, len) == 0)
      return at;
  }
  ck_abort_msg("'%s' is not in %s", text, path);
}

static void write_bytes(const char *path, const char *bytes, size_t len)
{
  FILE *f = fopen(path, "we");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
  ck_assert_int_eq(fclose(f), 0);
}

START_TEST(the_command_leaves_nothing_of_a_damaged_package)
{
  static char bytes[64 * 1024];
  char file[DRIVER_PATH_MAX];
  char folder[DRIVER_PATH_MAX];
  size_t len = 0;
  driver *d = begin_package(file, folder);
  /* In the directory at the end: the name, and 30 bytes in front of it the digest of its bytes. */
  long name = find_last(file, SYSTEM, bytes, sizeof(bytes), &len);
  ck_assert_int_eq(memcmp(bytes + name - 46, "PK\1\2", 4), 0);
  bytes[name - 30] ^= 1;
  write_bytes(file, bytes, len);
  PACKAGE(d, 1, "extract", file);
  SAYS("entry 2 of the package is not what the package's directory says");
  ck_assert_int_ne(access(folder, F_OK), 0);
  PACKAGE(d, 1, "list", file);
  SAYS("entry 2 of the package is not what the package's directory says");
  /* And of one that is cut. */
  bytes[name - 30] ^= 1;
  write_bytes(file, bytes, len / 2);
  PACKAGE(d, 1, "extract", file);
  ck_assert_int_ne(access(folder, F_OK), 0);
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 1);
  write_bytes(file, bytes, len);
  PACKAGE(d, 0, "extract", file);
  end(d);
}
END_TEST

START_TEST(only_administrators_collect)
{
  static const char *const methods[] = {"collect", "cancel", "package", "forget"};
  driver *d = begin(NULL);
  for (size_t i = 0; i < COUNT_OF(methods); i++) {
    driver_reply r = driver_request_as(d, 65534, methods[i], "{}");
    ck_assert_msg(!r.ok && strcmp(r.status, "denied") == 0, "%s: %s", methods[i], r.status);
  }
  end(d);
}
END_TEST

START_TEST(nonsense_is_refused)
{
  static const char *const rows[] = {
      "{\"profile\":\"everything\"}", "{\"budget_s\":1}", "{\"max_bytes\":1}",
      "{\"budget_s\":86001}",         "{\"unknown\":1}",  "{\"profile\":1}",
  };
  driver *d = begin(NULL);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    driver_reply r = driver_request(d, "collect", rows[i]);
    ck_assert_msg(!r.ok && strcmp(r.status, "invalid") == 0, "row %zu: %s", i, r.status);
    driver_reply_release(&r);
  }
  driver_reply r =
      driver_request(d, "package", "{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}");
  ck_assert_str_eq(r.status, "notfound");
  driver_reply_release(&r);
  end(d);
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
      the_command_writes_the_file_once_and_for_its_user_alone,
      what_cannot_be_written_is_kept_and_fetched_by_its_id,
      an_interrupt_ends_the_collecting_on_the_device,
      what_a_killed_command_leaves_has_the_id_of_its_action,
      the_command_lists_every_file_of_a_package,
      the_command_extracts_a_package_once_into_a_new_folder,
      the_command_leaves_nothing_of_a_damaged_package,
      only_administrators_collect,
      nonsense_is_refused,
  };
  return driver_suite("integration.collect", tests, COUNT_OF(tests), 120);
}
