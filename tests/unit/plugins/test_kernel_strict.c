/* strict: what gets past a table of family inet is cut at the link. Packets are counted where they
 * would arrive. */
#define _GNU_SOURCE
#include "kernel.h"

#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

static const bed_flow console4 = {
    .opener = BED_DEVICE, .to = CONSOLE4, .to_port = 8443, .mark = BED_MARK};
static const bed_flow console6 = {
    .opener = BED_DEVICE, .to = CONSOLE6, .to_port = 8443, .mark = BED_MARK};
static const bed_flow other4 = {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443};

static const char *strict_params(const char *exclusions)
{
  static char params[4096];
  (void)snprintf(params, sizeof(params), "%s", kernel_params(exclusions));
  char *mark = strstr(params, "\"mark\"");
  ck_assert_ptr_nonnull(mark);
  char rest[4096];
  (void)snprintf(rest, sizeof(rest), "%s", mark);
  (void)snprintf(mark, sizeof(params) - (size_t)(mark - params), "\"strict\":true,%s", rest);
  return params;
}

static void isolate_strictly(const char *exclusions)
{
  cordon_status status = fake_run(&host, isolate->apply, 0, strict_params(exclusions));
  ck_assert_msg(status == CORDON_OK, "apply: %d %s", (int)status, host.sentence);
}

static const char *state_strict(void)
{
  cordon_status status = fake_run(&host, isolate->query, 0, strict_params(NULL));
  ck_assert_msg(status == CORDON_OK, "query: %d %s", (int)status, host.sentence);
  return fake_text(&host, "state");
}

static bool wants_renewal(void)
{
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(host.result, "renew"));
}

static void send_bytes(const void *frame, size_t len, int bypass)
{
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)), 0);
  struct sockaddr_ll to = {.sll_family = AF_PACKET,
                           .sll_ifindex = (int)if_nametoindex("v0"),
                           .sll_halen = ETH_ALEN,
                           .sll_protocol = htons(ETH_P_IP)};
  (void)sendto(fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to));
  (void)close(fd);
}

/* Sends a frame of an Ethernet type that nobody uses, past everything of family inet. */
static void send_frame(int bypass)
{
  static const unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                                          0,    0,    0,    0,    9,    0x88, 0xb5};
  send_bytes(frame, sizeof(frame), bypass);
}

/* What a DHCP client asks with, before it has an address. */
static void send_discover(void)
{
  static const unsigned char frame[60] = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,   9,   0x08, 0x00, 0x45, 0,  0, 46, 0, 0,
      0,    0,    64,   17,   0x79, 0xc0, 0, 0, 0, 0, 255, 255, 255,  255,  0,    68, 0, 67, 0, 26};
  send_bytes(frame, sizeof(frame), 0);
}

static void count_frames(void)
{
  bed_peer_shell(
      "nft 'table netdev tap { chain c { type filter hook ingress device \"v1\" priority "
      "0; ether type 0x88b5 counter; }; }'");
}

static void expect_frames(const char *count)
{
  char line[160];
  (void)snprintf(line, sizeof(line), "nft list chain netdev tap c | grep -q 'counter packets %s '",
                 count);
  bed_peer_shell(line);
}

START_TEST(packet_sockets_send_nothing_with_it_and_something_without)
{
  count_frames();
  kernel_isolate(NULL);
  send_frame(0);
  send_frame(1);
  expect_frames("2");
  isolate_strictly(NULL);
  send_frame(0);
  send_frame(1);
  expect_frames("2");
  kernel_isolate(NULL);
  send_frame(0);
  expect_frames("3");
  bed_shell("! nft list table netdev cordon_strict 2>/dev/null");
}
END_TEST

START_TEST(a_link_on_top_of_another_sends_nothing)
{
  bed_shell("ip link add mv0 link v0 type macvlan && ip addr add 10.77.0.77/24 dev mv0 && ip link "
            "set mv0 up");
  count_frames();
  isolate_strictly(NULL);
  bed_shell("ping -c 1 -W 1 -I mv0 10.77.0.2 >/dev/null 2>&1 || true");
  bed_peer_shell("nft 'add rule netdev tap c ip saddr 10.77.0.77 counter'");
  bed_shell("ping -c 1 -W 1 -I mv0 10.77.0.2 >/dev/null 2>&1 || true");
  bed_peer_shell("nft list chain netdev tap c | grep -q 'ip saddr 10.77.0.77 counter packets 0 '");
}
END_TEST

START_TEST(console_neighbours_and_exclusions_work)
{
  static const bed_flow friend_out = {.opener = BED_DEVICE, .to = FRIEND4, .to_port = 443};
  static const bed_flow friend_in = {
      .opener = BED_PEER, .from = FRIEND4, .to = DEVICE4, .to_port = 22};
  isolate_strictly(NULL);
  bed_shell("ip neigh flush all");
  ck_assert(bed_tcp(&console4, true));
  ck_assert(bed_tcp(&console6, true));
  ck_assert(!bed_tcp(&other4, false));
  isolate_strictly("{\"direction\":\"both\",\"address\":\"" FRIEND4 "\"}");
  ck_assert(bed_tcp(&friend_out, true));
  ck_assert(bed_udp(&friend_out, true));
  ck_assert(bed_tcp(&friend_in, true));
  ck_assert(bed_ping(BED_DEVICE, NULL, FRIEND4, true));
  ck_assert(!bed_tcp(&other4, false));
}
END_TEST

START_TEST(a_dhcp_client_asks_through_its_packet_socket)
{
  bed_peer_shell(
      "nft 'table netdev tap { chain c { type filter hook ingress device \"v1\" priority "
      "0; ip daddr 255.255.255.255 udp sport 68 udp dport 67 counter; }; }'");
  isolate_strictly(NULL);
  send_discover();
  expect_frames("1");
}
END_TEST

START_TEST(it_is_part_of_what_is_in_force)
{
  isolate_strictly(NULL);
  ck_assert_str_eq(state_strict(), "isolated");
  ck_assert(!wants_renewal());
  ck_assert_msg(fake_run(&host, isolate->verify, 0, strict_params(NULL)) == CORDON_OK, "%s",
                host.sentence);
  static const char *const attacks[] = {
      "nft delete table netdev cordon_strict", "nft insert rule netdev cordon_strict out accept",
      "nft insert rule netdev cordon_strict out_$(cat /proc/net/dev_snmp6/v0 | awk '/^ifIndex/ { "
      "print $2 }') accept"};
  for (size_t i = 0; i < COUNT_OF(attacks); i++) {
    bed_shell(attacks[i]);
    const char *state = state_strict();
    ck_assert_msg(strcmp(state, "partial") == 0 || wants_renewal(), "%s", attacks[i]);
    isolate_strictly(NULL);
    ck_assert_str_eq(state_strict(), "isolated");
    ck_assert(!wants_renewal());
  }
  ck_assert_msg(fake_run(&host, isolate->release, 0, "{}") == CORDON_OK, "%s", host.sentence);
  bed_shell("test -z \"$(nft list tables)\"");
}
END_TEST

START_TEST(a_link_that_comes_is_covered_by_the_next_apply)
{
  isolate_strictly(NULL);
  bed_shell("ip link add nv0 type veth peer name nv1");
  ck_assert_str_eq(state_strict(), "isolated");
  /* Both ends are here: nothing leaves by them. */
  ck_assert(!wants_renewal());
  bed_shell("unshare --net sleep 20 >/dev/null 2>&1 & sleep 0.3; ip link set nv1 netns $!");
  ck_assert_str_eq(state_strict(), "isolated");
  ck_assert(wants_renewal());
  ck_assert_int_eq(fake_run(&host, isolate->verify, 0, strict_params(NULL)), CORDON_E_UNVERIFIED);
  ck_assert_ptr_nonnull(strstr(host.sentence, "nv0"));
  char digest[100];
  isolate_strictly(NULL);
  (void)snprintf(digest, sizeof(digest), "%s", fake_text(&host, "digest"));
  ck_assert_str_eq(state_strict(), "isolated");
  ck_assert(!wants_renewal());
  bed_shell("ip link del nv0");
  ck_assert_str_eq(state_strict(), "isolated");
  ck_assert_str_eq(fake_text(&host, "digest"), digest);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      packet_sockets_send_nothing_with_it_and_something_without,
      a_link_on_top_of_another_sends_nothing,
      console_neighbours_and_exclusions_work,
      a_dhcp_client_asks_through_its_packet_socket,
      it_is_part_of_what_is_in_force,
      a_link_that_comes_is_covered_by_the_next_apply,
  };
  return run_kernel_suite("plugins.nftables.strict", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
