/* Who may ask what over the control socket. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const guarded[][2] = {
    {"plugins", "{}"},
    {"actions", "{}"},
    {"action", "{\"id\":\"01234567-89ab-7cde-8f01-23456789abcd\"}"},
    {"isolate", "{\"type\":\"full\",\"wait\":true}"},
    {"release", "{\"wait\":true}"},
    {"unquarantine", "{\"plugin\":\"org.cordon.test.good\"}"},
};

static uid_t user(const char *name)
{
  const struct passwd *entry = getpwnam(name);
  ck_assert_msg(entry != NULL, "there is no user '%s'", name);
  return entry->pw_uid;
}

static void expect_denied(driver *d, const char *name, const char *sentence_end)
{
  char expected[256];
  for (size_t i = 0; i < COUNT_OF(guarded); i++) {
    driver_reply r = driver_request_as(d, user(name), guarded[i][0], guarded[i][1]);
    (void)snprintf(expected, sizeof(expected), "user '%s' may not ask for '%s': %s", name,
                   guarded[i][0], sentence_end);
    ck_assert_msg(!r.ok && strcmp(r.status, "denied") == 0, "%s: %s", guarded[i][0], r.status);
    ck_assert_str_eq(r.sentence, expected);
  }
}

static void expect_status(driver *d, const char *name)
{
  driver_reply r = driver_request_as(d, user(name), "status", "{}");
  ck_assert_msg(r.ok, "%s", r.sentence);
}

START_TEST(anyone_may_ask_for_the_status_and_for_nothing_else)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}});
  driver_start(d, NULL);
  expect_status(d, "nobody");
  expect_denied(d, "nobody", "only administrators may");
  driver_expect_state(d, "wanted.action", "null");
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), 0);
  driver_wait_log(d, "user=nobody");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(members_of_the_group_may_give_orders)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}, .group = "daemon"});
  driver_start(d, NULL);
  for (size_t i = 0; i < COUNT_OF(guarded); i++) {
    driver_reply r = driver_request_as(d, user("daemon"), guarded[i][0], guarded[i][1]);
    ck_assert_msg(r.ok || strcmp(r.status, "notfound") == 0, "%s: %s", guarded[i][0], r.sentence);
  }
  driver_reply r = driver_request(d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.user"), "daemon");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.user_id"), "1");
  ck_assert_str_eq(driver_at(r.result, "actions.1.kind"), "isolate");
  driver_reply_release(&r);
  expect_status(d, "nobody");
  expect_denied(d, "nobody", "only administrators and members of group daemon may");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_group_that_does_not_exist_has_no_members)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}, .group = "no-such-group"});
  driver_start(d, NULL);
  expect_denied(d, "nobody", "only administrators and members of group no-such-group may");
  driver_isolate_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* From now on whoever looks for a group waits, as for a directory service that cannot be reached.
 */
static void make_groups_hang(driver *d)
{
  const char *pipe = driver_path(d, "groups");
  ck_assert_msg(unshare(CLONE_NEWNS) == 0, "no private mounts: %s", strerror(errno));
  ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  ck_assert_int_eq(mkfifo(pipe, 0644), 0);
  ck_assert_int_eq(mount(pipe, "/etc/group", NULL, MS_BIND, NULL), 0);
}

enum { LATE = 10, TURNED_AWAY = 11 };

/* Asks in a process of its own, whose exit code tells what the answer was. */
static pid_t ask_beside(driver *d, uid_t who)
{
  pid_t child = fork();
  if (child == 0) {
    driver_reply r = driver_request_as(d, who, "plugins", "{}");
    _exit(r.ok                                   ? EXIT_SUCCESS
          : strcmp(r.status, "deadline") == 0    ? LATE
          : strcmp(r.status, "unavailable") == 0 ? TURNED_AWAY
                                                 : EXIT_FAILURE);
  }
  ck_assert_int_gt(child, 0);
  return child;
}

START_TEST(a_directory_that_does_not_answer_holds_up_nobody_else)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}, .group = "daemon"});
  make_groups_hang(d);
  driver_start(d, NULL);
  pid_t children[3];
  unsigned late = 0;
  unsigned turned_away = 0;
  for (size_t i = 0; i < COUNT_OF(children); i++)
    children[i] = ask_beside(d, user("nobody"));
  expect_status(d, "games");
  driver_isolate_well(d);
  driver_release_well(d);
  for (size_t i = 0; i < COUNT_OF(children); i++) {
    int code = -1;
    ck_assert_int_eq(waitpid(children[i], &code, 0), children[i]);
    late += WIFEXITED(code) && WEXITSTATUS(code) == LATE ? 1 : 0;
    turned_away += WIFEXITED(code) && WEXITSTATUS(code) == TURNED_AWAY ? 1 : 0;
  }
  ck_assert_uint_eq(late, 2);
  ck_assert_uint_eq(turned_away, 1);
  /* The threads that wait see an end. */
  int fd = open("/etc/group", O_WRONLY | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  (void)close(fd);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(what_no_user_may_do_is_decided_before_the_request_is_read_further)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}});
  driver_start(d, NULL);
  driver_reply r = driver_request_as(d, user("nobody"), "isolate", "{\"rubbish\":[1,2,3]}");
  ck_assert_str_eq(r.status, "denied");
  r = driver_request_as(d, user("nobody"), "shutdown", "{}");
  ck_assert_str_eq(r.status, "unsupported");
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      anyone_may_ask_for_the_status_and_for_nothing_else,
      members_of_the_group_may_give_orders,
      a_group_that_does_not_exist_has_no_members,
      a_directory_that_does_not_answer_holds_up_nobody_else,
      what_no_user_may_do_is_decided_before_the_request_is_read_further,
  };
  return driver_suite("integration.access", tests, COUNT_OF(tests), 120);
}
