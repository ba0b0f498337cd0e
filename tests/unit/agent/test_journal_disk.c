/* The journal on a bad day: damage, a process that dies in the middle, a disk without a free byte,
 * and years of actions. */
#include "journal.h"

#include "entries.h"
#include "place.h"

#include "base/limits.h"

#include <check.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static cd_err err;

/* ---- damage ---- */

static unsigned count_set_aside(void)
{
  unsigned count = 0;
  DIR *dir = opendir(place());
  ck_assert_ptr_nonnull(dir);
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    if (strncmp(e->d_name, "journal.db.damaged-", 19) == 0 &&
        !cd_str_ends(cd_str_from(e->d_name), CD_STR("-wal")))
      count++;
  }
  (void)closedir(dir);
  return count;
}

static void expect_begun_anew(void)
{
  agent_journal *j = NULL;
  bool damaged = false;
  cd_code rc = agent_journal_open(place(), &j, &damaged, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  ck_assert(damaged);
  ck_assert_uint_eq(count_set_aside(), 1);
  expect_wanted(j, false, 0, "");
  agent_action *a = place_order(j, AGENT_KIND_ISOLATE);
  ck_assert_uint_eq(a->generation, 1);
  agent_journal_close(j);
  j = open_journal();
  expect_wanted(j, true, 1, a->id);
  ck_assert_uint_eq(count_set_aside(), 1);
  agent_action_free(a);
  agent_journal_close(j);
}

static void record_one(void)
{
  agent_journal *j = open_journal();
  agent_action_free(place_order(j, AGENT_KIND_ISOLATE));
  agent_journal_close(j);
}

START_TEST(a_file_that_is_no_database_is_set_aside)
{
  put_text(at("journal.db"),
           "this is no database, although it is long enough to be looked at as "
           "one: sixteen bytes would do, and a hundred are the header\n",
           0600);
  expect_begun_anew();
}
END_TEST

START_TEST(a_damaged_database_is_set_aside)
{
  size_t len = 0;
  record_one();
  char *bytes = get_file(at("journal.db"), &len);
  /* All tables lie on the first pages. */
  memset(bytes + 4096, 0x5a, 15 * 4096);
  put_file(at("journal.db"), bytes, len, 0600);
  free(bytes);
  expect_begun_anew();
}
END_TEST

START_TEST(a_truncated_database_is_set_aside)
{
  size_t len = 0;
  record_one();
  char *bytes = get_file(at("journal.db"), &len);
  put_file(at("journal.db"), bytes, 6000, 0600);
  ck_assert_int_eq(unlink(at("journal.db-wal")), 0);
  free(bytes);
  expect_begun_anew();
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_no_damage)
{
  agent_journal *j = NULL;
  bool damaged = false;
  ck_assert_int_eq(agent_journal_open(at("absent"), &j, &damaged, &err), CD_E_IO);
  ck_assert_msg(strstr(err.text, "absent/journal.db': cannot open the database") != NULL, "%s",
                err.text);
  ck_assert(!damaged);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
  agent_journal *j = NULL;
  bool damaged = false;
  put_text(at("victim"), "", 0600);
  ck_assert_int_eq(symlink("victim", at("journal.db")), 0);
  ck_assert_int_eq(agent_journal_open(place(), &j, &damaged, &err), CD_E_IO);
  ck_assert_ptr_null(j);
}
END_TEST

START_TEST(nobody_else_can_read_it)
{
  struct stat st;
  (void)umask(0);
  record_one();
  ck_assert_int_eq(stat(at("journal.db"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777u, 0600);
  ck_assert_int_eq(stat(at("journal.db-wal"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777u, 0600);
}
END_TEST

/* ---- a process that dies ---- */

#ifdef CORDON_FAULT_POINTS

/* Runs the function in a process with this fault specification; false if it lived on. */
static bool dies_in(const char *fault, void (*run)(void))
{
  int status = 0;
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    (void)setenv("CORDON_FAULT", fault, 1);
    run();
    _exit(0);
  }
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void order_release(void)
{
  agent_journal *j = open_journal();
  agent_action_free(place_order(j, AGENT_KIND_RELEASE));
}

static void end_first(void)
{
  agent_journal *j = open_journal();
  agent_action *a = NULL;
  if (agent_journal_next(j, AGENT_CAP_ISOLATE, &a, &err) == CD_OK) {
    agent_wanted settled = wanted_of(a);
    (void)!end_action(j, a, CD_OK, &settled, NULL);
  }
}

static void note_undo(void)
{
  agent_journal *j = open_journal();
  (void)!agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.a", CD_STR("{\"n\":1}"), &err);
}

/* In a process of its own: the specification is read at the first kill point that is reached. */
static void record_first(void)
{
  (void)place();
  ck_assert(!dies_in("", record_one));
}

START_TEST(an_order_that_was_not_committed_never_was)
{
  record_first();
  ck_assert(dies_in("journal.order_before_commit=kill", order_release));
  agent_journal *j = open_journal();
  expect_wanted(j, true, 1, NULL);
  ck_assert_uint_eq(count_open(j), 1);
  agent_journal_close(j);
}
END_TEST

START_TEST(an_outcome_that_was_not_committed_is_still_to_come)
{
  agent_action *a = NULL;
  record_first();
  ck_assert(dies_in("journal.ended_before_commit=kill", end_first));
  agent_journal *j = open_journal();
  ck_assert_uint_eq(count_open(j), 1);
  expect_settled(j, false, 0, "");
  ck_assert_int_eq(agent_journal_next(j, AGENT_CAP_ISOLATE, &a, &err), CD_OK);
  ck_assert_int_eq(a->status, AGENT_PENDING);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(an_undo_record_is_there_once_its_plugin_may_go_on)
{
  cd_buf out = CD_BUF_INIT(256);
  record_first();
  ck_assert(dies_in("journal.undo_synced=kill", note_undo));
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_ISOLATE, "org.a", &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "[{\"n\":1}]");
  cd_buf_release(&out);
  agent_journal_close(j);
}
END_TEST

/* Without a close, as a killed process leaves it. */
static void order_and_die(void)
{
  agent_journal *j = open_journal();
  for (int i = 0; i < 50; i++)
    agent_action_free(place_order(j, AGENT_KIND_RELEASE));
  (void)kill(getpid(), SIGKILL);
}

START_TEST(what_was_committed_survives_a_kill_without_a_close)
{
  record_first();
  ck_assert(dies_in("", order_and_die));
  agent_journal *j = open_journal();
  expect_wanted(j, false, 51, NULL);
  ck_assert_uint_eq(count_open(j), 51);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_commit_that_fails_leaves_what_was)
{
  agent_wanted settled = {.known = true, .generation = 1};
  record_first();
  (void)setenv("CORDON_FAULT", "journal.commit=fail,journal.commit=fail:3", 1);
  agent_journal *j = open_journal();
  agent_action *a = make_action(AGENT_KIND_RELEASE);
  agent_wanted w = wanted_of(a);
  ck_assert_int_eq(agent_journal_order(j, a, &w, &err), CD_E_IO);
  ck_assert_msg(strstr(err.text, "cannot commit: made to fail") != NULL, "%s", err.text);
  expect_wanted(j, true, 1, NULL);
  w = wanted_of(a);
  ck_assert_int_eq(agent_journal_order(j, a, &w, &err), CD_OK);
  ck_assert_uint_eq(a->generation, 2);
  ck_assert_int_eq(end_action(j, a, CD_OK, &settled, NULL), CD_E_IO);
  expect_settled(j, false, 0, "");
  ck_assert_int_eq(end_action(j, a, CD_OK, &settled, NULL), CD_OK);
  expect_settled(j, false, 1, "");
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

#endif

/* ---- a full disk ---- */

#define DISK_BYTES "16m"
#define ACTIONS 200

/* The test's folder becomes a small disk that only this process sees. */
static void mount_small_disk(void)
{
  ck_assert_msg(unshare(CLONE_NEWNS) == 0, "no private mounts: %s", strerror(errno));
  ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  ck_assert_int_eq(mount("cordon-test", place(), "tmpfs", 0, "mode=0755,size=" DISK_BYTES), 0);
}

/* Writes until not one more byte fits. */
static void fill_disk(void)
{
  static char block[64 * 1024];
  int fd = open(at("filler"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  for (size_t size = sizeof(block); size > 0;) {
    ssize_t n = write(fd, block, size);
    if (n <= 0)
      size /= 2;
  }
  ck_assert_int_eq(errno, ENOSPC);
  ck_assert_int_eq(close(fd), 0);
}

static void run_actions(agent_journal *j, uint64_t generation)
{
  for (int i = 0; i < ACTIONS; i++) {
    agent_action *a = place_order(j, i % 2 == 0 ? AGENT_KIND_ISOLATE : AGENT_KIND_RELEASE);
    ck_assert_uint_eq(a->generation, ++generation);
    a->status = AGENT_IN_PROGRESS;
    a->started_ms = 2000;
    cd_code rc = agent_journal_started(j, a, &err);
    ck_assert_msg(rc == CD_OK, "action %d: %s", i, err.text);
    agent_holder h = {.plugin = "org.a", .digest = "sha256:0123", .current = true};
    rc = a->kind == AGENT_KIND_ISOLATE ? agent_journal_hold(j, AGENT_CAP_ISOLATE, &h, &err)
                                       : agent_journal_unhold(j, AGENT_CAP_ISOLATE, "org.a", &err);
    ck_assert_msg(rc == CD_OK, "action %d: %s", i, err.text);
    ck_assert(agent_text_set(&a->result, CD_STR("{\"enforced\":{\"value\":\"isolated\"},\"proven\":"
                                                "{\"value\":\"holds\"},\"attempts\":1}")));
    agent_wanted settled = wanted_of(a);
    rc = end_action(j, a, CD_OK, &settled, NULL);
    ck_assert_msg(rc == CD_OK, "the outcome of action %d was not taken", i);
    agent_action_free(a);
  }
  expect_settled(j, false, generation, NULL);
  ck_assert_uint_eq(count_open(j), 0);
}

START_TEST(a_disk_that_becomes_full_refuses_no_action)
{
  mount_small_disk();
  agent_journal *j = open_journal();
  fill_disk();
  run_actions(j, 0);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_disk_that_was_full_at_the_start_refuses_no_action)
{
  mount_small_disk();
  agent_journal_close(open_journal());
  fill_disk();
  agent_journal *j = open_journal();
  run_actions(j, 0);
  agent_journal_close(j);
  j = open_journal();
  run_actions(j, ACTIONS);
  agent_journal_close(j);
}
END_TEST

static void use_and_die(void)
{
  agent_journal *j = open_journal();
  run_actions(j, 0);
  (void)kill(getpid(), SIGKILL);
}

START_TEST(a_full_disk_and_a_killed_agent_refuse_no_action)
{
  int status = 0;
  mount_small_disk();
  agent_journal_close(open_journal());
  fill_disk();
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0)
    use_and_die();
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  agent_journal *j = open_journal();
  run_actions(j, ACTIONS);
  agent_journal_close(j);
}
END_TEST

/* ---- years of actions ---- */

static void count_one(void *context, const agent_action *a)
{
  (*(unsigned *)context)++;
}

START_TEST(old_actions_make_room_but_not_what_is_open_or_stood_on)
{
  unsigned count = 0;
  agent_action *back = NULL;
  /* Where a sync costs nothing: there are thousands. */
  if (geteuid() == 0)
    mount_small_disk();
  agent_journal *j = open_journal();
  agent_action *stood_on = place_order(j, AGENT_KIND_ISOLATE);
  agent_wanted settled = wanted_of(stood_on);
  ck_assert_int_eq(end_action(j, stood_on, CD_OK, &settled, NULL), CD_OK);
  agent_action *open = place_order(j, AGENT_KIND_RELEASE);
  agent_action *ended = place_order(j, AGENT_KIND_RELEASE);
  ck_assert_int_eq(end_action(j, ended, CD_E_IO, NULL, NULL), CD_OK);
  for (int i = 0; i < 2110; i++) {
    agent_action *a = place_order(j, AGENT_KIND_RELEASE);
    ck_assert_int_eq(end_action(j, a, CD_E_IO, NULL, NULL), CD_OK);
    agent_action_free(a);
  }
  ck_assert_int_eq(agent_journal_actions(j, 100000, NULL, count_one, &count, &err), CD_OK);
  ck_assert_uint_ge(count, 2000);
  ck_assert_uint_le(count, 2000 + 64 + 2);
  ck_assert_int_eq(agent_journal_action(j, ended->id, &back, &err), CD_E_NOTFOUND);
  ck_assert_int_eq(agent_journal_action(j, stood_on->id, &back, &err), CD_OK);
  agent_action_free(back);
  ck_assert_int_eq(agent_journal_next(j, AGENT_CAP_ISOLATE, &back, &err), CD_OK);
  ck_assert_str_eq(back->id, open->id);
  agent_action_free(back);
  agent_action_free(stood_on);
  agent_action_free(open);
  agent_action_free(ended);
  agent_journal_close(j);
}
END_TEST

int main(void)
{
  const TTest *tests[24] = {
      a_file_that_is_no_database_is_set_aside,
      a_damaged_database_is_set_aside,
      a_truncated_database_is_set_aside,
      a_folder_that_is_not_there_is_no_damage,
      a_link_is_not_followed,
      nobody_else_can_read_it,
      old_actions_make_room_but_not_what_is_open_or_stood_on,
  };
  size_t count = 7;
#ifdef CORDON_FAULT_POINTS
  tests[count++] = an_order_that_was_not_committed_never_was;
  tests[count++] = an_outcome_that_was_not_committed_is_still_to_come;
  tests[count++] = an_undo_record_is_there_once_its_plugin_may_go_on;
  tests[count++] = what_was_committed_survives_a_kill_without_a_close;
  tests[count++] = a_commit_that_fails_leaves_what_was;
#endif
  if (geteuid() == 0) {
    tests[count++] = a_disk_that_becomes_full_refuses_no_action;
    tests[count++] = a_disk_that_was_full_at_the_start_refuses_no_action;
    tests[count++] = a_full_disk_and_a_killed_agent_refuse_no_action;
  } else {
    (void)puts("not root: the tests with a full disk are left out");
  }
  return run_suite("agent.journal_disk", tests, count);
}
