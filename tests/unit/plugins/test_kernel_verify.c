/* What verify proves: a probe counts only if our own rules stopped it. */
#include "kernel.h"

#include "suite.h"

#include <string.h>

static const char *outcome(const char *name)
{
  const cJSON *probe = NULL;
  cJSON_ArrayForEach(probe, cJSON_GetObjectItemCaseSensitive(host.result, "probes"))
  {
    if (strcmp(cJSON_GetObjectItemCaseSensitive(probe, "name")->valuestring, name) == 0)
      return cJSON_GetObjectItemCaseSensitive(probe, "outcome")->valuestring;
  }
  return "absent";
}

static int count(const char *wanted)
{
  int n = 0;
  const cJSON *probe = NULL;
  cJSON_ArrayForEach(probe, cJSON_GetObjectItemCaseSensitive(host.result, "probes")) n +=
      strcmp(cJSON_GetObjectItemCaseSensitive(probe, "outcome")->valuestring, wanted) == 0;
  return n;
}

static cordon_status verify(const char *exclusions)
{
  return fake_run(&host, isolate->verify, 0, kernel_params(exclusions));
}

START_TEST(every_probe_is_blocked_and_counted)
{
  kernel_isolate(NULL);
  for (int round = 0; round < 2; round++) {
    cordon_status status = verify(NULL);
    ck_assert_msg(status == CORDON_OK, "%s", host.sentence);
    ck_assert(fake_flag(&host, "holds"));
    ck_assert_int_eq(count("blocked"), 8);
  }
  const cJSON *counters = cJSON_GetObjectItemCaseSensitive(host.result, "counters");
  ck_assert_int_eq(cJSON_GetArraySize(counters), 4);
  ck_assert(cJSON_GetObjectItemCaseSensitive(counters, "dropped_out")->valuedouble >= 8);
}
END_TEST

START_TEST(a_device_that_is_not_isolated_is_not_verified)
{
  ck_assert_int_eq(verify(NULL), CORDON_E_UNVERIFIED);
  ck_assert(!fake_flag(&host, "holds"));
  ck_assert_int_eq(count("blocked"), 0);
  ck_assert_ptr_nonnull(strstr(host.sentence, "not isolated"));
}
END_TEST

/* A hole in the rules, and the probes that must get through it. */
static const struct hole {
  const char *punch;
  const char *passed[9];
} holes[] = {
    {"nft insert rule inet cordon output accept",
     {"tcp4", "udp4", "dns4", "icmp4", "tcp6", "udp6", "dns6", "icmp6", NULL}},
    {"nft insert rule inet cordon output meta l4proto tcp accept", {"tcp4", "tcp6", NULL}},
    {"nft insert rule inet cordon output udp dport 53 accept", {"dns4", "dns6", NULL}},
    {"nft insert rule inet cordon output meta nfproto ipv6 accept",
     {"tcp6", "udp6", "dns6", "icmp6", NULL}},
    {"nft insert rule inet cordon output ip protocol icmp accept", {"icmp4", NULL}},
    {"nft 'add table inet cordon { flags dormant; }'",
     {"tcp4", "udp4", "dns4", "icmp4", "tcp6", "udp6", "dns6", "icmp6", NULL}},
    /* Behind the counters: what drops is gone. */
    {"nft flush chain inet cordon output; nft 'chain inet cordon output { policy accept; }'",
     {"tcp4", "udp4", "dns4", "icmp4", "tcp6", "udp6", "dns6", "icmp6", NULL}},
};

START_TEST(a_hole_is_found_by_the_probes_that_it_lets_through)
{
  for (size_t i = 0; i < COUNT_OF(holes); i++) {
    kernel_isolate(NULL);
    /* The guard would hold what the plain table no longer does; it goes with its process. */
    fake_host_restart(&host, "isolate");
    bed_shell(holes[i].punch);
    ck_assert_msg(verify(NULL) == CORDON_E_UNVERIFIED, "%s", holes[i].punch);
    ck_assert(!fake_flag(&host, "holds"));
    int expected = 0;
    for (; holes[i].passed[expected] != NULL; expected++)
      ck_assert_msg(strcmp(outcome(holes[i].passed[expected]), "passed") == 0, "%s: %s is %s",
                    holes[i].punch, holes[i].passed[expected], outcome(holes[i].passed[expected]));
    ck_assert_msg(count("passed") == expected, "%s", holes[i].punch);
    ck_assert_ptr_nonnull(strstr(host.sentence, "got past the rules"));
  }
}
END_TEST

START_TEST(a_drop_that_is_not_ours_proves_nothing)
{
  kernel_isolate(NULL);
  bed_shell("nft 'table inet foreign { chain o { type filter hook output priority -200; policy "
            "drop; oif lo accept; }; }'");
  ck_assert_int_eq(verify(NULL), CORDON_E_UNVERIFIED);
  ck_assert(!fake_flag(&host, "holds"));
  ck_assert_int_eq(count("inconclusive"), 8);
  ck_assert_ptr_nonnull(strstr(host.sentence, "no probe was counted"));
}
END_TEST

START_TEST(a_foreign_refusal_proves_nothing_either)
{
  kernel_isolate(NULL);
  bed_shell(
      "nft 'table inet foreign { chain o { type filter hook output priority -200; oif lo accept; "
      "meta l4proto tcp reject with tcp reset; reject; }; }'");
  ck_assert_int_eq(verify(NULL), CORDON_E_UNVERIFIED);
  ck_assert_int_eq(count("inconclusive"), 8);
}
END_TEST

START_TEST(drops_without_refusals_still_count)
{
  kernel_isolate(NULL);
  /* The rejects go, the policy stays: the probes are blocked all the same, but the rules are not
   * whole. */
  bed_shell(
      "for h in $(nft -a list chain inet cordon output | sed -n 's/.*reject.*handle //p'); do\n"
      "nft delete rule inet cordon output handle $h; done");
  ck_assert_int_eq(verify(NULL), CORDON_E_UNVERIFIED);
  ck_assert_int_eq(count("blocked"), 8);
  ck_assert(!fake_flag(&host, "holds"));
  ck_assert_ptr_nonnull(strstr(host.sentence, "not whole"));
}
END_TEST

START_TEST(probes_find_a_way_without_routes)
{
  kernel_isolate(NULL);
  bed_shell("ip route flush table main; ip -6 route del default; ip -6 route del fd77::/64");
  ck_assert_msg(verify(NULL) == CORDON_OK, "%s", host.sentence);
  ck_assert_int_eq(count("blocked"), 8);
}
END_TEST

START_TEST(one_family_is_enough_where_the_other_cannot_be_sent)
{
  kernel_isolate(NULL);
  bed_shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
  ck_assert_msg(verify(NULL) == CORDON_OK, "%s", host.sentence);
  ck_assert_int_eq(count("blocked"), 4);
  ck_assert_int_eq(count("inconclusive"), 4);
}
END_TEST

START_TEST(without_an_interface_nothing_is_proven)
{
  kernel_isolate(NULL);
  bed_shell("ip link set v0 down");
  ck_assert_int_eq(verify(NULL), CORDON_E_UNVERIFIED);
  ck_assert_int_eq(count("inconclusive"), 8);
  ck_assert_ptr_nonnull(strstr(host.sentence, "no network interface of this device is up"));
}
END_TEST

START_TEST(an_exclusion_over_a_target_moves_the_probe)
{
  static const char some[] = "{\"direction\":\"out\",\"address\":\"192.0.2.0/24\"}";
  kernel_isolate(some);
  ck_assert_msg(verify(some) == CORDON_OK, "%s", host.sentence);
  ck_assert_int_eq(count("blocked"), 8);
  /* Over its port at every address: to another port. */
  static const char port[] =
      "{\"direction\":\"out\",\"address\":\"128.0.0.0/1\",\"protocol\":\"tcp\",\"port\":\"443\"}";
  kernel_isolate(port);
  ck_assert_msg(verify(port) == CORDON_OK, "%s", host.sentence);
  ck_assert_int_eq(count("blocked"), 8);
  /* Over every target of a kind: that kind cannot be probed, and says so. */
  static const char all[] =
      "{\"direction\":\"out\",\"address\":\"128.0.0.0/1\",\"protocol\":\"tcp\"}";
  kernel_isolate(all);
  ck_assert_msg(verify(all) == CORDON_OK, "%s", host.sentence);
  ck_assert_str_eq(outcome("tcp4"), "inconclusive");
  ck_assert_int_eq(count("blocked"), 7);
}
END_TEST

START_TEST(rules_of_other_parameters_do_not_hold)
{
  kernel_isolate("{\"direction\":\"out\",\"address\":\"10.77.0.3\"}");
  ck_assert_int_eq(verify(NULL), CORDON_E_UNVERIFIED);
  ck_assert(!fake_flag(&host, "holds"));
  ck_assert_int_eq(count("blocked"), 8);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      every_probe_is_blocked_and_counted,
      a_device_that_is_not_isolated_is_not_verified,
      a_hole_is_found_by_the_probes_that_it_lets_through,
      a_drop_that_is_not_ours_proves_nothing,
      a_foreign_refusal_proves_nothing_either,
      drops_without_refusals_still_count,
      probes_find_a_way_without_routes,
      one_family_is_enough_where_the_other_cannot_be_sent,
      without_an_interface_nothing_is_proven,
      an_exclusion_over_a_target_moves_the_probe,
      rules_of_other_parameters_do_not_hold,
  };
  return run_kernel_suite("plugins.nftables.verify", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
