/* The dry run in a real kernel: what it finds of tunnels, sessions and containers, what it would
 * cut, and that it changes nothing. What this machine's own processes add is left out. */
#include "kernel.h"

#include "suite.h"

#include <string.h>
#include <sys/socket.h>

#define SSH_IN                                                                                     \
  "{\"direction\":\"in\",\"address\":\"" OTHER4 "\",\"protocol\":\"tcp\",\"port\":\"22\"}"
#define VXLAN_OUT                                                                                  \
  "{\"direction\":\"out\",\"address\":\"" OTHER4 "\",\"protocol\":\"udp\",\"port\":\"4789\"}"

static void look(const char *exclusions)
{
  cordon_status status =
      fake_run(&host, isolate->apply, CORDON_REQ_DRY_RUN, kernel_params(exclusions));
  ck_assert_msg(status == CORDON_OK, "dry run: %d %s", (int)status, host.sentence);
}

/* Severity and sentence of the first finding of that check, "" if there is none. */
static const char *finding(const char *check, const char *member)
{
  const cJSON *f = NULL;
  cJSON_ArrayForEach(f, cJSON_GetObjectItem(host.result, "findings"))
  {
    if (strcmp(cJSON_GetObjectItem(f, "check")->valuestring, check) == 0)
      return cJSON_GetObjectItem(f, member)->valuestring;
  }
  return "";
}

static const char *way(int i)
{
  return cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(host.result, "paths"), i),
                             "way")
      ->valuestring;
}

static const cJSON *cut(const char *list)
{
  return cJSON_GetObjectItem(cJSON_GetObjectItem(host.result, "would_cut"), list);
}

START_TEST(finds_nothing_of_the_network_on_a_plain_device)
{
  look(NULL);
  ck_assert_str_eq(finding("console_tunnel", "severity"), "");
  ck_assert_str_eq(finding("console_route", "severity"), "");
  ck_assert_str_eq(finding("session_in_use", "severity"), "");
  ck_assert_str_eq(finding("not_seen", "sentence"), "");
  ck_assert_str_eq(way(0), "open");
  ck_assert_str_eq(way(1), "open");
  ck_assert_int_eq(cJSON_GetArraySize(cut("connections")), 0);
  ck_assert_int_eq(cJSON_GetArraySize(cut("guests")), 0);
}
END_TEST

START_TEST(finds_a_tunnel_on_the_way_to_the_console)
{
  bed_shell("ip tuntap add dev tun0 mode tun; ip addr add 10.88.0.1/24 dev tun0; ip link set tun0 "
            "up; ip route add " CONSOLE4 "/32 dev tun0");
  look(NULL);
  ck_assert_str_eq(way(0), "cut");
  ck_assert_str_eq(way(1), "open");
  ck_assert_str_eq(finding("console_tunnel", "severity"), "warn");
  ck_assert_ptr_nonnull(
      strstr(finding("console_tunnel", "sentence"), "through a TUN/TAP tunnel on tun0"));
  bed_shell("ip -6 route add " CONSOLE6 "/128 dev tun0");
  look(NULL);
  ck_assert_str_eq(finding("console_tunnel", "severity"), "refuse");
  bed_shell("ip link del tun0");
  look(NULL);
  ck_assert_str_eq(finding("console_tunnel", "severity"), "");
}
END_TEST

START_TEST(a_tunnel_whose_packets_are_let_out_is_no_finding)
{
  bed_shell("ip link add vx0 type vxlan id 7 remote " OTHER4 " dstport 4789; ip addr add "
            "10.88.0.1/24 dev vx0; ip link set vx0 up; ip route add " CONSOLE4 "/32 dev vx0");
  look(NULL);
  ck_assert_str_eq(way(0), "cut");
  ck_assert_ptr_nonnull(
      strstr(finding("console_tunnel", "sentence"), "a VXLAN overlay on vx0 to " OTHER4));
  look(SSH_IN);
  ck_assert_str_eq(way(0), "cut");
  look(VXLAN_OUT);
  ck_assert_str_eq(way(0), "open");
  ck_assert_str_eq(finding("console_tunnel", "severity"), "");
}
END_TEST

START_TEST(finds_an_ipsec_policy_on_the_way_to_the_console)
{
  bed_shell("ip xfrm policy add dir out src 0.0.0.0/0 dst 10.77.0.0/30 tmpl src " DEVICE4
            " dst " OTHER4 " proto esp mode tunnel");
  look(NULL);
  ck_assert_str_eq(way(0), "cut");
  ck_assert_str_eq(way(1), "open");
  ck_assert_ptr_nonnull(strstr(finding("console_tunnel", "sentence"), "an IPsec policy"));
}
END_TEST

START_TEST(says_where_no_route_leads)
{
  bed_shell("ip route flush table main; ip -6 route flush table main");
  look(NULL);
  ck_assert_str_eq(way(0), "none");
  ck_assert_str_eq(finding("console_route", "severity"), "info");
}
END_TEST

START_TEST(finds_a_session_and_what_would_be_cut)
{
  int ends[2];
  int more[2];
  bed_flow session = {
      .opener = BED_PEER, .from = OTHER4, .from_port = 50000, .to = DEVICE4, .to_port = 22};
  bed_flow out = {.opener = BED_DEVICE, .to = FRIEND4, .to_port = 443};
  bed_open_tcp(&session, ends);
  bed_open_tcp(&out, more);
  /* The bed closes its listener; a session's sshd goes on listening. */
  int listener = bed_socket(BED_DEVICE, SOCK_STREAM, DEVICE4, 22, 0);
  ck_assert_int_eq(listen(listener, 1), 0);
  look(NULL);
  ck_assert_str_eq(finding("session_in_use", "severity"), "warn");
  ck_assert_ptr_nonnull(strstr(finding("session_in_use", "sentence"),
                               "over SSH from " OTHER4 " is in use on port 22"));
  ck_assert_int_eq(cJSON_GetArraySize(cut("connections")), 2);
  const cJSON *service = cJSON_GetArrayItem(cut("services"), 0);
  ck_assert_int_eq(cJSON_GetObjectItem(service, "port")->valueint, 22);
  ck_assert_str_eq(cJSON_GetObjectItem(service, "user")->valuestring, "root");
  ck_assert_str_ne(cJSON_GetObjectItem(service, "process")->valuestring, "");
  ck_assert_str_eq(kernel_state(), "released");
  const char byte = 'x';
  ck_assert_int_eq(write(ends[0], &byte, 1), 1);
  ck_assert(bed_readable(ends[1], 5000));
  look(SSH_IN);
  ck_assert_str_eq(finding("session_in_use", "severity"), "");
  ck_assert_int_eq(cJSON_GetArraySize(cut("connections")), 1);
}
END_TEST

START_TEST(finds_containers_on_a_bridge)
{
  bed_shell("ip link add br0 type bridge; ip link add c0 type veth peer name c1; ip link set c0 "
            "master br0; sysctl -qw net.ipv4.ip_forward=1");
  look(NULL);
  ck_assert_str_eq(finding("container_host", "severity"), "warn");
  ck_assert_ptr_nonnull(strstr(finding("container_host", "sentence"),
                               "forwarding is on; bridge br0 has 1 interface"));
  ck_assert_str_eq(
      cJSON_GetObjectItem(cJSON_GetArrayItem(cut("guests"), 0), "interfaces")->valuestring, "c0");
}
END_TEST

START_TEST(finds_other_owners_of_rules)
{
  bed_shell("nft add table inet firewalld; nft add table ip filter; nft add chain ip filter "
            "DOCKER-USER");
  look(NULL);
  ck_assert_str_eq(finding("foreign_firewall", "severity"), "info");
  ck_assert_ptr_nonnull(strstr(finding("foreign_firewall", "sentence"), "firewalld has rules"));
}
END_TEST

/* Everything it reads is there for a plugin with no more than its two capabilities: see
 * test_kernel_confined.c. */
int main(void)
{
  const TTest *const tests[] = {finds_nothing_of_the_network_on_a_plain_device,
                                finds_a_tunnel_on_the_way_to_the_console,
                                a_tunnel_whose_packets_are_let_out_is_no_finding,
                                finds_an_ipsec_policy_on_the_way_to_the_console,
                                says_where_no_route_leads,
                                finds_a_session_and_what_would_be_cut,
                                finds_containers_on_a_bridge,
                                finds_other_owners_of_rules};
  return run_kernel_suite("plugins.nftables.preflight", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
