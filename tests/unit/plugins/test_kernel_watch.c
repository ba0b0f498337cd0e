/* watch: changes by others are told at once, our own are not, and a watch that has nothing to tell
 * sleeps. */
#include "kernel.h"

#include "suite.h"

#include <string.h>
#include <time.h>

static fake_thread watching;

static void start_watch(void)
{
  fake_start(&host, isolate->watch, &watching);
  ck_assert(fake_wait_records(&host, 1, 5000));
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(host.records[0], "event")->valuestring,
                   "watching");
}

static const char *event(int n)
{
  return cJSON_GetObjectItemCaseSensitive(host.records[n], "event")->valuestring;
}

static const char *changed_by(int n)
{
  const cJSON *by = cJSON_GetObjectItemCaseSensitive(host.records[n], "by");
  ck_assert(cJSON_IsObject(by));
  return cJSON_GetObjectItemCaseSensitive(by, "name")->valuestring;
}

/* Each is one transaction of another process that takes something of the isolation away. */
static const char *const attacks[] = {"nft flush ruleset", "nft delete table inet cordon",
                                      "nft insert rule inet cordon output accept",
                                      "nft add element inet cordon console4 '{ 10.77.0.2 . 443 }'",
                                      "nft 'add table inet cordon { flags dormant; }'"};

START_TEST(a_change_by_another_process_is_told_with_its_name)
{
  start_watch();
  int told = 1;
  for (size_t i = 0; i < COUNT_OF(attacks); i++) {
    kernel_isolate(NULL);
    bed_shell(attacks[i]);
    ck_assert_msg(fake_wait_records(&host, ++told, 5000), "not told: %s", attacks[i]);
    ck_assert_str_eq(event(told - 1), "changed");
    ck_assert_str_eq(changed_by(told - 1), "nft");
    ck_assert_str_eq(kernel_state(), "partial");
  }
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_int_eq(host.record_count, told);
}
END_TEST

START_TEST(our_own_changes_are_not_told)
{
  start_watch();
  for (int i = 0; i < 5; i++) {
    kernel_isolate(i % 2 == 0 ? NULL : "{\"direction\":\"out\",\"address\":\"10.77.0.3\"}");
    ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  }
  /* What is told comes in order: when the marker is there, everything before it would be. */
  kernel_isolate(NULL);
  bed_shell("nft flush chain inet cordon forward");
  ck_assert(fake_wait_records(&host, 2, 5000));
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_int_eq(host.record_count, 2);
  ck_assert_str_eq(changed_by(1), "nft");
}
END_TEST

/* Each changes the network in another way; what is told, and by how much at most. */
static const char *const moves[] = {
    "ip addr add 10.77.5.1/32 dev v0", "ip route add 198.18.0.0/24 via 10.77.0.1",
    "ip link set v0 mtu 1400", "ip link add nw0 type veth peer name nw1"};

START_TEST(changes_of_the_network_are_told_together)
{
  kernel_isolate(NULL);
  start_watch();
  int told = 1;
  for (size_t i = 0; i < COUNT_OF(moves); i++) {
    bed_shell(moves[i]);
    ck_assert_msg(fake_wait_records(&host, told + 1, 5000), "not told: %s", moves[i]);
    ck_assert_str_eq(event(told), "network");
    ck_assert_ptr_nonnull(cJSON_GetObjectItemCaseSensitive(host.records[told], "note"));
    told = host.record_count;
  }
  /* A storm is one record a second. */
  bed_shell("i=0; while [ $i -lt 50 ]; do ip addr add 10.77.6.$i/32 dev v0; i=$((i+1)); done");
  ck_assert(fake_wait_records(&host, told + 1, 5000));
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_int_le(host.record_count, told + 3);
  for (int i = 2; i < host.record_count; i++)
    ck_assert_uint_ge(host.record_ms[i] - host.record_ms[i - 1], 990);
}
END_TEST

START_TEST(changes_to_other_tables_are_not_told)
{
  kernel_isolate(NULL);
  start_watch();
  bed_shell("nft add table inet other; nft add table ip cordon; nft 'add chain inet other c'; nft "
            "delete table inet other");
  ck_assert(!fake_wait_records(&host, 2, 300));
  bed_shell("nft flush chain inet cordon forward");
  ck_assert(fake_wait_records(&host, 2, 5000));
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_int_eq(host.record_count, 2);
}
END_TEST

START_TEST(a_storm_is_told_at_most_twenty_times_a_second)
{
  kernel_isolate(NULL);
  start_watch();
  bed_shell("i=0; while [ $i -lt 60 ]; do nft add rule inet cordon forward drop; i=$((i+1)); done");
  ck_assert(fake_wait_records(&host, 3, 5000));
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_int_ge(host.record_count, 3);
  for (int i = 2; i < host.record_count; i++)
    ck_assert_uint_ge(host.record_ms[i] - host.record_ms[i - 1], 49);
}
END_TEST

static long ms_of(clockid_t clock)
{
  struct timespec t;
  (void)clock_gettime(clock, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

START_TEST(an_idle_watch_sleeps_and_ends_at_once)
{
  start_watch();
  clockid_t used;
  ck_assert_int_eq(pthread_getcpuclockid(watching.thread, &used), 0);
  long before = ms_of(used);
  ck_assert(!fake_wait_records(&host, 2, 500));
  ck_assert_int_le(ms_of(used) - before, 2);
  long asked = ms_of(CLOCK_MONOTONIC);
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_int_lt(ms_of(CLOCK_MONOTONIC) - asked, 5000);
}
END_TEST

START_TEST(lost_notices_are_told_as_such)
{
  kernel_isolate(NULL);
  start_watch();
  /* While the host takes no records, more notices come in than the receive buffer holds. */
  fake_hold_records(&host, true);
  bed_shell("nft add rule inet cordon forward drop");
  ck_assert(fake_wait_records(&host, 2, 5000));
  bed_shell("for n in 1 2 3; do awk 'BEGIN { for (i = 0; i < 10000; i++) print \"add rule inet "
            "cordon forward ip saddr "
            "10.0.0.1 ip daddr 10.0.0.2 tcp dport 80 tcp sport 81 drop\" }' | nft -f -; done");
  fake_hold_records(&host, false);
  ck_assert(fake_wait_records(&host, 3, 5000));
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_str_eq(event(2), "changed");
  ck_assert_ptr_nonnull(cJSON_GetObjectItemCaseSensitive(host.records[2], "note"));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_change_by_another_process_is_told_with_its_name,
      our_own_changes_are_not_told,
      changes_of_the_network_are_told_together,
      changes_to_other_tables_are_not_told,
      a_storm_is_told_at_most_twenty_times_a_second,
      an_idle_watch_sleeps_and_ends_at_once,
      lost_notices_are_told_as_such,
  };
  return run_kernel_suite("plugins.nftables.watch", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
