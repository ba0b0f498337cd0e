/* How much must be blocked for a proof: each protocol of each family that the device can send over,
 * and no less. */
#include "kernel.h"

#include "suite.h"

#include <string.h>

#include "coverage.h"

static cordon_status verify(void)
{
  return fake_run(&host, isolate->verify, 0, kernel_params(NULL));
}

/* Does one of the sentences about what was not probed begin so? */
static bool says_not_probed(const char *beginning)
{
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(host.result, "not_probed"))
  {
    if (strncmp(item->valuestring, beginning, strlen(beginning)) == 0)
      return true;
  }
  return false;
}

/* What somebody else drops first, and which probe then proves nothing. */
static const struct gap {
  const char *dropped;
  const char *named; /* in the sentence; NULL: it holds all the same */
} gaps[] = {
    {"ip protocol tcp", "the probe tcp4 "},
    {"ip protocol icmp", "the probe icmp4 "},
    {"meta nfproto ipv6 udp dport 443", "the probe udp6 "},
    {"meta nfproto ipv6 meta l4proto ipv6-icmp icmpv6 type echo-request", "the probe icmp6 "},
    {"meta nfproto ipv6", "the probe tcp6 "},
    {"udp dport 53", NULL}, /* as UDP, it is shown by the other */
};

START_TEST(one_probe_that_shows_nothing_is_enough_to_doubt)
{
  kernel_isolate(NULL);
  for (size_t i = 0; i < COUNT_OF(gaps); i++) {
    char line[512];
    (void)snprintf(line, sizeof(line),
                   "nft 'table inet foreign { chain o { type filter hook output priority -200; "
                   "oif lo accept; %s drop; }; }'",
                   gaps[i].dropped);
    bed_shell(line);
    cordon_status status = verify();
    ck_assert_msg(status == (gaps[i].named != NULL ? CORDON_E_UNVERIFIED : CORDON_OK), "%s: %d %s",
                  gaps[i].dropped, (int)status, host.sentence);
    ck_assert(fake_flag(&host, "holds") == (gaps[i].named == NULL));
    ck_assert_msg(gaps[i].named == NULL || strstr(host.sentence, gaps[i].named) != NULL, "%s: %s",
                  gaps[i].dropped, host.sentence);
    bed_shell("nft delete table inet foreign");
  }
}
END_TEST

START_TEST(a_device_with_one_family_is_proven_by_it)
{
  kernel_isolate(NULL);
  ck_assert_msg(verify() == CORDON_OK, "%s", host.sentence);
  ck_assert(!says_not_probed("tcp4: ") && !says_not_probed("tcp6: "));
  bed_shell("ip -4 addr flush dev v0");
  ck_assert_msg(verify() == CORDON_OK, "%s", host.sentence);
  ck_assert(!says_not_probed("tcp6: "));
  bed_shell("ip addr add 10.77.0.10/24 dev v0; sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
  ck_assert_msg(verify() == CORDON_OK, "%s", host.sentence);
  ck_assert(says_not_probed("tcp6: no interface"));
  ck_assert(says_not_probed("icmp6: no interface"));
  ck_assert(!says_not_probed("tcp4: "));
}
END_TEST

START_TEST(an_ipv6_address_on_trial_spoils_no_proof)
{
  /* Addresses on a link without a carrier stay on trial. */
  bed_shell("ip -6 addr flush dev v0; ip link add slow type veth peer name carrier\n"
            "ip link set slow up; ip addr add fd78::1/64 dev slow");
  kernel_isolate(NULL);
  ck_assert_msg(verify() == CORDON_OK, "%s", host.sentence);
}
END_TEST

START_TEST(flowtables_are_named)
{
  static const char listing[] = "table inet other {\n"
                                "\tflowtable fast {\n"
                                "\t\thook ingress priority 0\n"
                                "\t\tdevices = { v0 }\n"
                                "\t}\n\n"
                                "\tflowtable second {\n\t}\n"
                                "}\n"
                                "table ip last {\n"
                                "\tflowtable fast {\n\t}\n"
                                "}\n";
  static const char *const expected[] = {"inet other fast", "inet other second", "ip last fast"};
  cJSON *names = cJSON_CreateArray();
  iso_flowtables_read(listing, sizeof(listing) - 1, names);
  ck_assert_int_eq(cJSON_GetArraySize(names), (int)COUNT_OF(expected));
  for (size_t i = 0; i < COUNT_OF(expected); i++)
    ck_assert_str_eq(cJSON_GetArrayItem(names, (int)i)->valuestring, expected[i]);
  cJSON_Delete(names);
}
END_TEST

START_TEST(a_device_without_flowtables_names_none)
{
  kernel_isolate(NULL);
  ck_assert_int_eq(verify(), CORDON_OK);
  const cJSON *details = cJSON_GetObjectItemCaseSensitive(host.result, "details");
  ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(details, "flowtables"));
  ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(details, "flowtables_note"));
}
END_TEST

START_TEST(nonsense_instead_of_flowtables_is_survived)
{
  static const char *const texts[] = {
      "", "{", "table {", "table \n\tflowtable {", "\tflowtable x {", "table ip x {\n\tflowtable"};
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    cJSON *names = cJSON_CreateArray();
    iso_flowtables_read(texts[i], strlen(texts[i]), names);
    ck_assert_int_le(cJSON_GetArraySize(names), 1);
    cJSON_Delete(names);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      one_probe_that_shows_nothing_is_enough_to_doubt, a_device_with_one_family_is_proven_by_it,
      an_ipv6_address_on_trial_spoils_no_proof,        flowtables_are_named,
      a_device_without_flowtables_names_none,          nonsense_instead_of_flowtables_is_survived,
  };
  return run_kernel_suite("plugins.nftables.proof", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
