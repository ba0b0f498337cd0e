/* The agent's own life: starting, stopping, dying, and what stays meanwhile. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const driver_options good = {.providers = {"good"}};

static bool device_is_isolated(driver *d)
{
  return strncmp(driver_device(d, "good"), "isolated ", 9) == 0;
}

START_TEST(stopping_releases_nothing_and_starting_proves_again)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  char device[256];
  (void)snprintf(device, sizeof(device), "%s", driver_device(d, "good"));
  driver_stop(d);
  ck_assert_str_eq(driver_device(d, "good"), device);
  unsigned applied = driver_calls(d, "good", "apply");
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "wanted.generation", "1");
  driver_expect_state(d, "provider", "org.cordon.test.good");
  driver_expect_state(d, "drift.count", "0");
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), applied);
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_killed_agent_leaves_no_process_and_the_isolation_in_force)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_kill(d);
  ck_assert(device_is_isolated(d));
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "drift.count", "0");
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "good"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

static const char *const calls[] = {"create", "probe", "apply", "query"};

/* In create the host's own loop is not turning, and nothing but the OS can end it. */
START_TEST(a_killed_agent_takes_a_hanging_host_with_it)
{
  for (size_t i = 0; i < COUNT_OF(calls); i++) {
    char settings[64];
    (void)snprintf(settings, sizeof(settings), "\"at\":\"%s\"", calls[i]);
    driver *d = driver_new(&(driver_options){.providers = {"hang"}, .settings = {settings}});
    driver_start(d, NULL);
    driver_hang_up(driver_ask(d, "isolate", "{\"type\":\"full\"}"));
    driver_wait_hosts(d, 1);
    driver_kill(d);
    driver_free(d);
  }
}
END_TEST

START_TEST(an_agent_that_is_told_to_stop_ends_what_hangs)
{
  for (size_t i = 0; i < COUNT_OF(calls); i++) {
    char settings[64];
    (void)snprintf(settings, sizeof(settings), "\"at\":\"%s\"", calls[i]);
    driver *d = driver_new(&(driver_options){.providers = {"hang"}, .settings = {settings}});
    driver_start(d, NULL);
    driver_call *call = driver_ask(d, "isolate", "{\"type\":\"full\",\"wait\":true}");
    driver_wait_events(call, 2);
    driver_wait_hosts(d, 1);
    driver_stop(d);
    driver_reply r = driver_finish(call);
    ck_assert_msg(!r.came, "an order that was not carried out was answered");
    driver_reply_release(&r);
    driver_free(d);
  }
}
END_TEST

START_TEST(an_order_that_stopping_cut_short_is_taken_up_again)
{
  driver *d = driver_new(
      &(driver_options){.providers = {"good"}, .settings = {"\"apply_delay_ms\":60000"}});
  driver_start(d, NULL);
  driver_call *call = driver_ask(d, "isolate", "{\"type\":\"full\",\"wait\":true}");
  driver_wait_events(call, 5);
  driver_stop(d);
  driver_reply r = driver_finish(call);
  ck_assert(!r.came);
  driver_reply_release(&r);
  driver_configure(d, &good);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  r = driver_request(d, "actions", "{}");
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r.result, "actions")), 1);
  ck_assert_str_eq(driver_at(r.result, "actions.0.status"), "Succeeded");
  driver_reply_release(&r);
  ck_assert(device_is_isolated(d));
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_second_agent_on_the_same_folder_refuses)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  char pid[64];
  (void)snprintf(pid, sizeof(pid), "is locked by process %d", (int)d->process.pid);
  driver *other = driver_new(&good);
  (void)snprintf(other->folder, sizeof(other->folder), "%s", d->folder);
  driver_spawn(other, NULL);
  driver_wait_exit(other);
  ck_assert_int_eq(other->exit_code, 1);
  ck_assert_msg(driver_logged(other, pid), "no '%s' in %s", pid, cd_buf_cstr(&other->log));
  driver_free(other);
  driver_release_well(d);
  driver_isolate_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(an_idle_agent_has_no_host_and_an_isolation_has_one)
{
  pid_t first = 0;
  pid_t later = 0;
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_wait_hosts(d, 1);
  driver_wait_hosts(d, 0);
  driver_isolate_well(d);
  ck_assert_uint_eq(driver_hosts(d, &first), 1);
  /* Longer than a host is kept that has nothing to do. */
  ck_assert(!driver_exits_within(d, 7000));
  ck_assert_uint_eq(driver_hosts(d, &later), 1);
  ck_assert_int_eq(first, later);
  driver_reply r = driver_request(d, "plugins", "{}");
  ck_assert_str_eq(driver_at(r.result, "plugins.0.hosts.0.capability"), "isolate");
  ck_assert_str_eq(driver_at(r.result, "plugins.0.hosts.0.resident"), "true");
  ck_assert_str_eq(driver_at(r.result, "plugins.0.hosts.0.running"), "0");
  ck_assert_int_eq(strtol(driver_at(r.result, "plugins.0.hosts.0.pid"), NULL, 10), later);
  driver_reply_release(&r);
  driver_release_well(d);
  driver_wait_hosts(d, 0);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* How often the loop's thread went to sleep of its own accord: it woke as often before. (A
 * sanitizer has threads of its own.) */
static unsigned long sleeps_of(pid_t pid)
{
  static const char key[] = "voluntary_ctxt_switches:";
  char line[256];
  unsigned long count = 0;
  (void)snprintf(line, sizeof(line), "/proc/%ld/status", (long)pid);
  FILE *status = fopen(line, "r");
  ck_assert_ptr_nonnull(status);
  while (fgets(line, sizeof(line), status) != NULL) {
    if (strncmp(line, key, sizeof(key) - 1) == 0)
      count = strtoul(line + sizeof(key) - 1, NULL, 10);
  }
  (void)fclose(status);
  return count;
}

START_TEST(an_idle_agent_does_nothing)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_wait_hosts(d, 1);
  driver_wait_hosts(d, 0);
  /* What is left to do, it does now. */
  ck_assert(!driver_exits_within(d, 1000));
  unsigned long before = sleeps_of(d->process.pid);
  ck_assert_uint_gt(before, 0);
  ck_assert(!driver_exits_within(d, 4000));
  ck_assert_uint_eq(sleeps_of(d->process.pid), before);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_killed_host_is_replaced_and_the_isolation_stays)
{
  pid_t pid = 0;
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  ck_assert_uint_eq(driver_hosts(d, &pid), 1);
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  driver_wait_log(d, "watch ended");
  driver_wait_state(d, "watch", "watching");
  driver_wait_hosts(d, 1);
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "drift.count", "0");
  ck_assert(device_is_isolated(d));
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(an_isolation_outlives_host_and_agent)
{
  pid_t pid = 0;
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  ck_assert_uint_eq(driver_hosts(d, &pid), 1);
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  driver_kill(d);
  ck_assert(device_is_isolated(d));
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_wait_state(d, "watch", "watching");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

static int connect_raw(driver *d)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                 driver_path(d, "run/control.sock"));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fd, 0);
  ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s",
                strerror(errno));
  ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

/* With or without an answer before. */
static bool is_cut_off(driver *d, const void *context)
{
  char bytes[512];
  ssize_t n = 0;
  do
    n = recv(*(const int *)context, bytes, sizeof(bytes), 0);
  while (n > 0);
  return n == 0 || errno == ECONNRESET;
}

START_TEST(clients_that_say_nothing_are_sent_away)
{
  int fds[40];
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  for (size_t i = 0; i < COUNT_OF(fds); i++)
    fds[i] = connect_raw(d);
  for (size_t i = 0; i < COUNT_OF(fds); i++)
    driver_wait(d, is_cut_off, &fds[i], "a silent client is cut off");
  /* At once: whoever was cut off keeps no place, though he does not close. */
  driver_isolate_well(d);
  for (size_t i = 0; i < COUNT_OF(fds); i++)
    ck_assert_int_eq(close(fds[i]), 0);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(garbage_on_the_socket_harms_nobody)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  for (int i = 0; i < 3; i++) {
    int fd = connect_raw(d);
    ck_assert_int_eq(send(fd, "GET / HTTP/1.1\r\nHost: agent\r\n\r\n", 31, MSG_NOSIGNAL), 31);
    driver_wait(d, is_cut_off, &fd, "it is cut off");
    ck_assert_int_eq(close(fd), 0);
  }
  driver_isolate_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

static void start_badly(driver *d, const char *file, const char *text, const char *said)
{
  driver_write(driver_path(d, file), text, 0644);
  driver_spawn(d, NULL);
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 1);
  ck_assert_msg(driver_logged(d, said), "no '%s' in %s", said, cd_buf_cstr(&d->log));
  ck_assert_uint_eq(driver_hosts(d, NULL), 0);
}

START_TEST(a_bad_configuration_is_said_and_ends_the_start)
{
  driver *d = driver_new(&good);
  start_badly(d, "etc/cordond.json", "{\"provider\":{}}", "provider is not a known key");
  driver_configure(d, &good);
  start_badly(d, "etc/trust.json", "{\"plugins\":7}", "plugins must be an array");
  driver_configure(d, &good);
  start_badly(d, "run/control.sock", "not a socket", "exists and is not a socket");
  ck_assert_int_eq(unlink(driver_path(d, "run/control.sock")), 0);
  driver_start(d, NULL);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* The state folder becomes a small disk that only this test and its agent see. */
static void mount_small_disk(driver *d)
{
  ck_assert_msg(unshare(CLONE_NEWNS) == 0, "no private mounts: %s", strerror(errno));
  ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  ck_assert_int_eq(mount("cordon-test", driver_path(d, "state"), "tmpfs", 0, "mode=0711,size=16m"),
                   0);
}

static void fill_disk(driver *d)
{
  static char block[64 * 1024];
  int fd = open(driver_path(d, "state/filler"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  for (size_t size = sizeof(block); size > 0;) {
    if (write(fd, block, size) <= 0)
      size /= 2;
  }
  ck_assert_int_eq(errno, ENOSPC);
  ck_assert_int_eq(close(fd), 0);
}

/* The fake device is a file in its plugin's folder and needs room of its own: that folder is on the
 * large disk. */
static void put_device_elsewhere(driver *d)
{
  char device[DRIVER_PATH_MAX];
  (void)snprintf(device, sizeof(device), "%s", driver_path(d, "device"));
  ck_assert_int_eq(mkdir(device, 0700), 0);
  ck_assert_int_eq(chown(device, 65534, 65534), 0);
  ck_assert_int_eq(mkdir(driver_path(d, "state/plugins"), 0711), 0);
  ck_assert_int_eq(mkdir(driver_path(d, "state/plugins/org.cordon.test.good"), 0700), 0);
  ck_assert_int_eq(
      mount(device, driver_path(d, "state/plugins/org.cordon.test.good"), NULL, MS_BIND, NULL), 0);
}

START_TEST(a_full_disk_stops_neither_orders_nor_a_start)
{
  driver *d = driver_new(&good);
  mount_small_disk(d);
  put_device_elsewhere(d);
  driver_start(d, NULL);
  driver_isolate_well(d);
  fill_disk(d);
  for (int i = 0; i < 5; i++) {
    driver_release_well(d);
    driver_isolate_well(d);
  }
  driver_kill(d);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_release_well(d);
  driver_stop(d);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_release_well(d);
  ck_assert_str_eq(driver_read(driver_path(d, "device/state")), "");
  driver_stop(d);
  ck_assert_int_eq(umount2(driver_path(d, "state"), MNT_DETACH), 0);
  driver_free(d);
}
END_TEST

/* Without its journal the agent leaves alone what it finds, until an order comes. */
START_TEST(a_lost_journal_and_rule_file_neither_release_nor_isolate)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_stop(d);
  driver_write(driver_path(d, "state/journal.db"), "rubbish, and enough of it to be looked at",
               0600);
  /* The rule file for the boot would tell it: see test_restore. */
  ck_assert_int_eq(unlink(driver_path(d, "state/restore/current.json")), 0);
  driver_start(d, NULL);
  driver_wait_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "wanted.value", "released");
  driver_expect_state(d, "enforced.note",
                      "in force without an order on record; it is left as it is");
  driver_expect_state(d, "drift.count", "0");
  ck_assert(device_is_isolated(d));
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "good"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      stopping_releases_nothing_and_starting_proves_again,
      a_killed_agent_leaves_no_process_and_the_isolation_in_force,
      a_killed_agent_takes_a_hanging_host_with_it,
      an_agent_that_is_told_to_stop_ends_what_hangs,
      an_order_that_stopping_cut_short_is_taken_up_again,
      a_second_agent_on_the_same_folder_refuses,
      an_idle_agent_has_no_host_and_an_isolation_has_one,
      an_idle_agent_does_nothing,
      a_killed_host_is_replaced_and_the_isolation_stays,
      an_isolation_outlives_host_and_agent,
      clients_that_say_nothing_are_sent_away,
      garbage_on_the_socket_harms_nobody,
      a_bad_configuration_is_said_and_ends_the_start,
      a_full_disk_stops_neither_orders_nor_a_start,
      a_lost_journal_and_rule_file_neither_release_nor_isolate,
  };
  return driver_suite("integration.life", tests, COUNT_OF(tests), 120);
}
