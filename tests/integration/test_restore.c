/* Boots: the device loses what it held and gets another boot id, `cordond --restore` runs, then the
 * agent. An isolation that is wanted is back before the agent starts, one that is not stays gone,
 * whatever became of the journal, and wherever the agent was killed. */
#include "driver.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sanitizers have nothing to find in how often it is done. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LONG_ONES 1
#endif

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define SELECTIVE                                                                                  \
  "{\"type\":\"selective\",\"wait\":true,\"exclusions\":[{\"direction\":\"out\","                  \
  "\"address\":\"192.0.2.%d\"}]}"

static const driver_options good = {.providers = {"good"}, .interval_s = 86400};

/* ---- booting ---- */

/* The mounts of this test are its own. */
static void another_boot_id(driver *d)
{
  char text[64];
  static bool apart;
  static unsigned boots;
  if (!apart) {
    ck_assert_msg(unshare(CLONE_NEWNS) == 0, "%s", strerror(errno));
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    apart = true;
  }
  (void)snprintf(text, sizeof(text), "00000000-0000-4000-8000-%012u\n", ++boots);
  const char *file = driver_path(d, "boot_id");
  (void)umount2(BOOT_ID, MNT_DETACH);
  (void)unlink(file);
  driver_write(file, text, 0444);
  ck_assert_msg(mount(file, BOOT_ID, NULL, MS_BIND, NULL) == 0, "%s", strerror(errno));
}

/* The agent is not running. What the kernel held is gone, and so is the run folder's content. */
static void switch_off_and_on(driver *d, const char *member)
{
  driver_set_device(d, member, NULL);
  (void)unlink(driver_path(d, "run/restore.json"));
  another_boot_id(d);
}

static bool is_isolated(driver *d, const char *member)
{
  return strncmp(driver_device(d, member), "isolated ", 9) == 0;
}

/* A member of run/restore.json; "" if it is not there. */
static const char *told(driver *d, const char *path)
{
  cJSON *json = cJSON_Parse(driver_read(driver_path(d, "run/restore.json")));
  const char *value = json != NULL ? driver_at(json, path) : "";
  cJSON_Delete(json);
  return value;
}

static void expect_told(driver *d, const char *outcome, const char *source)
{
  ck_assert_str_eq(told(d, "outcome"), outcome);
  ck_assert_str_eq(told(d, "source"), source);
}

/* The agent starts on what the boot left, says so, proves it, and counts no drift. */
static void start_and_settle(driver *d, const char *outcome)
{
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "wanted.value", "isolated");
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "drift.count", "0");
  driver_reply r = driver_request(d, "status", "{}");
  ck_assert_str_eq(driver_at(r.result, "agent.restored.outcome"), outcome);
  driver_reply_release(&r);
}

static bool there(driver *d, const char *path)
{
  return access(driver_path(d, path), F_OK) == 0;
}

static void no_rule_files(driver *d)
{
  ck_assert(!there(d, "state/restore/current.json"));
  ck_assert(!there(d, "state/restore/previous.json"));
}

static void lose_journal(driver *d)
{
  (void)unlink(driver_path(d, "state/journal.db"));
  (void)unlink(driver_path(d, "state/journal.db-wal"));
}

static void isolate_selectively(driver *d, int address)
{
  char params[256];
  (void)snprintf(params, sizeof(params), SELECTIVE, address);
  driver_reply r = driver_request(d, "isolate", params);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
}

static driver *isolated_and_off(const driver_options *options)
{
  driver *d = driver_new(options);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_stop(d);
  switch_off_and_on(d, options->providers[0]);
  return d;
}

/* ---- the way it should go ---- */

START_TEST(an_isolation_is_back_before_the_agent_is)
{
  char held[256];
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  (void)snprintf(held, sizeof(held), "%s", driver_device(d, "good"));
  driver_stop(d);
  switch_off_and_on(d, "good");
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert_str_eq(driver_device(d, "good"), held);
  expect_told(d, "restored", "current");
  ck_assert_str_eq(told(d, "generation"), "1");
  unsigned applied = driver_calls(d, "good", "apply");
  start_and_settle(d, "restored");
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), applied);
  driver_wait_state(d, "watch", "watching");
  /* From now on what is gone did not go with the restart. */
  driver_stop(d);
  driver_set_device(d, "good", NULL);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "drift.count", "1");
  driver_release_well(d);
  no_rule_files(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(what_others_take_away_between_the_boot_and_the_agent_is_drift)
{
  driver *d = isolated_and_off(&good);
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  driver_set_device(d, "good", NULL);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "drift.count", "1");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_device_that_was_released_or_never_isolated_is_left_alone)
{
  driver *d = driver_new(&good);
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  driver_start(d, NULL);
  driver_stop(d);
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_release_well(d);
  no_rule_files(d);
  driver_stop(d);
  switch_off_and_on(d, "good");
  unsigned applied = driver_calls(d, "good", "apply");
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), applied);
  ck_assert_str_eq(driver_device(d, "good"), "");
  ck_assert(!there(d, "run/restore.json"));
  driver_free(d);
}
END_TEST

START_TEST(while_the_agent_runs_the_step_does_nothing)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  unsigned applied = driver_calls(d, "good", "apply");
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), applied);
  ck_assert(driver_logged(d, "nothing to do, the agent runs"));
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* ---- without a journal that can be believed ---- */

START_TEST(without_its_journal_it_is_back_and_stays_wanted)
{
  driver *d = isolated_and_off(&good);
  lose_journal(d);
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert(is_isolated(d, "good"));
  expect_told(d, "restored", "current");
  start_and_settle(d, "restored");
  driver_expect_state(d, "wanted.generation", "1");
  driver_reply r = driver_release(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.generation"), "2");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(with_a_damaged_journal_it_is_back_and_stays_wanted)
{
  driver *d = isolated_and_off(&good);
  driver_write(driver_path(d, "state/journal.db"), "this is no database, of any kind at all\n",
               0600);
  (void)unlink(driver_path(d, "state/journal.db-wal"));
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert(is_isolated(d, "good"));
  start_and_settle(d, "restored");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

static void copy(driver *d, const char *from, const char *to)
{
  char command[2 * DRIVER_PATH_MAX];
  (void)snprintf(command, sizeof(command), "cp -a %s %s", driver_path(d, from), driver_path(d, to));
  FILE *shell = popen(command, "r");
  ck_assert_ptr_nonnull(shell);
  ck_assert_int_eq(pclose(shell), 0);
}

START_TEST(with_a_journal_that_was_rolled_back_it_is_back_and_stays_wanted)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_release_well(d);
  driver_stop(d);
  copy(d, "state/journal.db", "old.db");
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_stop(d);
  lose_journal(d);
  copy(d, "old.db", "state/journal.db");
  switch_off_and_on(d, "good");
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert(is_isolated(d, "good"));
  start_and_settle(d, "restored");
  driver_expect_state(d, "wanted.generation", "3");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* ---- fallbacks ---- */

START_TEST(a_file_that_is_damaged_gives_way_to_the_one_before)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  isolate_selectively(d, 1);
  isolate_selectively(d, 2);
  driver_stop(d);
  lose_journal(d);
  driver_write(driver_path(d, "state/restore/current.json"), "{\"rules\":1\n", 0600);
  switch_off_and_on(d, "good");
  ck_assert_int_eq(driver_restore(d, NULL), 3);
  ck_assert(is_isolated(d, "good"));
  expect_told(d, "fallback", "previous");
  ck_assert(driver_logged(d, "the last rule file cannot be read"));
  start_and_settle(d, "fallback");
  driver_stop(d);
  /* And the agent has made the file anew. */
  switch_off_and_on(d, "good");
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  expect_told(d, "restored", "current");
  driver_free(d);
}
END_TEST

/* As on a disk that was full when the second order was carried out. */
START_TEST(a_file_that_is_out_of_date_gives_way_to_the_order_on_record)
{
  char held[256];
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  isolate_selectively(d, 1);
  copy(d, "state/restore/current.json", "old.json");
  isolate_selectively(d, 2);
  (void)snprintf(held, sizeof(held), "%s", driver_device(d, "good"));
  driver_stop(d);
  copy(d, "old.json", "state/restore/current.json");
  ck_assert_int_eq(unlink(driver_path(d, "state/restore/previous.json")), 0);
  switch_off_and_on(d, "good");
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert_str_eq(driver_device(d, "good"), held);
  expect_told(d, "restored", "journal");
  start_and_settle(d, "restored");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(without_a_file_that_can_be_read_the_order_on_record_is_carried_out)
{
  driver *d = isolated_and_off(&good);
  ck_assert_int_eq(chmod(driver_path(d, "state/restore/current.json"), 0644), 0);
  ck_assert_int_eq(driver_restore(d, NULL), 3);
  ck_assert(is_isolated(d, "good"));
  expect_told(d, "fallback", "journal");
  start_and_settle(d, "fallback");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(when_nothing_can_be_read_it_is_a_full_isolation_but_for_the_consoles)
{
  driver *d = isolated_and_off(&good);
  lose_journal(d);
  driver_write(driver_path(d, "state/restore/current.json"), "\n", 0600);
  ck_assert_int_eq(driver_restore(d, NULL), 3);
  ck_assert(is_isolated(d, "good"));
  expect_told(d, "fallback", "builtin");
  ck_assert_str_eq(told(d, "sentence"),
                   "the isolation is in force again, as a full isolation that lets through only "
                   "the consoles (1); the last rule file cannot be read");
  /* Nobody knows of what order it is: the agent leaves it until one comes. */
  driver_start(d, NULL);
  driver_wait_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "drift.count", "0");
  driver_release_well(d);
  no_rule_files(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_provider_that_refuses_gives_way_to_the_next)
{
  const driver_options two = {.providers = {"good", "old_struct"}, .interval_s = 86400};
  driver *d = isolated_and_off(&two);
  ck_assert_int_eq(unlink(driver_path(d, "plugins/zoo_good.so")), 0);
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert(is_isolated(d, "old_struct"));
  ck_assert(driver_logged(d, "provider org.cordon.test.good cannot be asked"));
  /* The first one is back when the agent starts: no drift, and a release reaches both. */
  driver_configure(d, &two);
  start_and_settle(d, "restored");
  ck_assert(is_isolated(d, "good"));
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "good"), "");
  ck_assert_str_eq(driver_device(d, "old_struct"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* There is no journal at boot that could take them. */
START_TEST(undo_records_of_the_boot_wait_for_the_agent)
{
  const driver_options noting = {
      .providers = {"half_done"}, .settings = {"\"dies\":\"no\""}, .interval_s = 86400};
  driver *d = isolated_and_off(&noting);
  lose_journal(d);
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  ck_assert(is_isolated(d, "half_done"));
  ck_assert_ptr_nonnull(
      strstr(driver_read(driver_path(d, "state/restore/undo.json")), "\"step\":2"));
  start_and_settle(d, "restored");
  ck_assert(!there(d, "state/restore/undo.json"));
  /* A release that finds half of it needs them. */
  driver_kill(d);
  driver_set_device(d, "half_done", "half\n");
  driver_configure(
      d, &(driver_options){.providers = {"half_done"}, .settings = {"\"apply_delay_ms\":1"}});
  driver_start(d, NULL);
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "half_done"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(what_cannot_be_put_in_force_is_a_failure_with_its_reason)
{
  driver *d = isolated_and_off(&good);
  ck_assert_int_eq(unlink(driver_path(d, "plugins/zoo_good.so")), 0);
  ck_assert_int_eq(driver_restore(d, NULL), 1);
  expect_told(d, "failed", "none");
  ck_assert_msg(strstr(told(d, "sentence"), "org.cordon.test.good") != NULL, "%s",
                told(d, "sentence"));
  driver_free(d);
}
END_TEST

#ifdef LONG_ONES
START_TEST(a_provider_that_hangs_is_given_up_in_time)
{
  driver *d = isolated_and_off(&good);
  driver_configure(
      d, &(driver_options){.providers = {"good"}, .settings = {"\"apply_delay_ms\":60000"}});
  uint64_t began = uv_hrtime();
  ck_assert_int_eq(driver_restore(d, NULL), 1);
  ck_assert_uint_lt((uv_hrtime() - began) / 1000000u, 25000);
  expect_told(d, "failed", "none");
  driver_free(d);
}
END_TEST

/* ---- killed ---- */

static const char *const points[] = {
    "journal.order_before_commit",
    "agent.order_synced",
    "agent.started",
    "agent.before_apply",
    "agent.after_apply",
    "agent.applied",
    "agent.after_query",
    "agent.after_verify",
    "agent.before_rules",
    "restore.rotated",
    "agent.rules_kept",
    "agent.before_outcome",
    "agent.outcome_synced",
    "agent.before_release",
    "agent.rules_half_forgotten",
    "agent.rules_forgotten",
};

typedef enum step { STEP_ISOLATE, STEP_CHANGE, STEP_RELEASE } step;

static const char *const steps[] = {"isolate", "change", "release"};

static bool belongs(const char *point, step s)
{
  bool of_release =
      strstr(point, "forgotten") != NULL || strcmp(point, "agent.before_release") == 0;
  bool of_isolate = strstr(point, "appl") != NULL || strstr(point, "rules_kept") != NULL ||
                    strstr(point, "before_rules") != NULL || strstr(point, "after_") != NULL;
  if (strcmp(point, "restore.rotated") == 0)
    return s == STEP_CHANGE;
  return s == STEP_RELEASE ? !of_isolate : !of_release;
}

static void give_order(driver *d, step s)
{
  char params[256];
  (void)snprintf(params, sizeof(params), SELECTIVE, s == STEP_CHANGE ? 2 : 1);
  const char *method = s == STEP_RELEASE ? "release" : "isolate";
  driver_reply r =
      driver_finish(driver_ask(d, method, s == STEP_RELEASE ? "{\"wait\":true}" : params));
  driver_reply_release(&r);
}

/* After the boot's step, and before the agent runs, the device is as the journal wants it. */
static void killed_at(const char *point, step s)
{
  char fault[128];
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  if (s != STEP_ISOLATE)
    isolate_selectively(d, 1);
  driver_stop(d);
  (void)snprintf(fault, sizeof(fault), "%s=kill", point);
  driver_start(d, fault);
  give_order(d, s);
  driver_wait_exit(d);
  ck_assert_msg(d->exit_signal == SIGKILL, "%s is not reached by %s", point, steps[s]);
  driver_wait_hosts(d, 0);
  switch_off_and_on(d, "good");
  ck_assert_int_eq(driver_restore(d, NULL), 0);
  bool isolated = is_isolated(d, "good");
  driver_start(d, NULL);
  const char *wanted = driver_state(d, "wanted.value");
  ck_assert_msg(isolated == (strcmp(wanted, "isolated") == 0),
                "killed at %s in %s: wanted %s, but the boot made it %s", point, steps[s], wanted,
                isolated ? "isolated" : "released");
  driver_wait_state(d, "proven.value", isolated ? "holds" : "released");
  driver_expect_state(d, "drift.count", "0");
  driver_stop(d);
  driver_free(d);
}

START_TEST(wherever_the_agent_is_killed_a_boot_ends_as_ordered)
{
  for (size_t i = 0; i < COUNT_OF(points); i++) {
    for (int s = STEP_ISOLATE; s <= STEP_RELEASE; s++) {
      if (belongs(points[i], (step)s))
        killed_at(points[i], (step)s);
    }
  }
}
END_TEST

#endif

#ifdef CORDON_FAULT_POINTS
START_TEST(a_step_that_is_killed_does_no_harm)
{
  static const char *const faults[] = {"restore.before_apply=kill", "restore.applied=kill"};
  for (size_t i = 0; i < COUNT_OF(faults); i++) {
    driver *d = isolated_and_off(&good);
    ck_assert_int_eq(driver_restore(d, faults[i]), -SIGKILL);
    start_and_settle(d, "");
    driver_stop(d);
    switch_off_and_on(d, "good");
    ck_assert_int_eq(driver_restore(d, faults[i]), -SIGKILL);
    ck_assert_int_eq(driver_restore(d, NULL), 0);
    start_and_settle(d, "restored");
    driver_stop(d);
    driver_free(d);
  }
}
END_TEST

#endif

int main(void)
{
  const TTest *const tests[] = {
      an_isolation_is_back_before_the_agent_is,
      what_others_take_away_between_the_boot_and_the_agent_is_drift,
      a_device_that_was_released_or_never_isolated_is_left_alone,
      while_the_agent_runs_the_step_does_nothing,
      without_its_journal_it_is_back_and_stays_wanted,
      with_a_damaged_journal_it_is_back_and_stays_wanted,
      with_a_journal_that_was_rolled_back_it_is_back_and_stays_wanted,
      a_file_that_is_damaged_gives_way_to_the_one_before,
      a_file_that_is_out_of_date_gives_way_to_the_order_on_record,
      without_a_file_that_can_be_read_the_order_on_record_is_carried_out,
      when_nothing_can_be_read_it_is_a_full_isolation_but_for_the_consoles,
      a_provider_that_refuses_gives_way_to_the_next,
      undo_records_of_the_boot_wait_for_the_agent,
      what_cannot_be_put_in_force_is_a_failure_with_its_reason,
#ifdef CORDON_FAULT_POINTS
      a_step_that_is_killed_does_no_harm,
#endif
#ifdef LONG_ONES
      a_provider_that_hangs_is_given_up_in_time,
#ifdef CORDON_FAULT_POINTS
      wherever_the_agent_is_killed_a_boot_ends_as_ordered,
#endif
#endif
  };
  return driver_suite("integration.restore", tests, COUNT_OF(tests), 240);
}
