/* Isolation in a real kernel: what is cut, what stays, and that each exclusion opens what it says
 * and nothing else. */
#include "kernel.h"

#include "suite.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct console_case {
  const char *to;
  uint16_t port;
  uint32_t mark;
  bool reached;
} console_cases[] = {
    {CONSOLE4, 8443, BED_MARK, true},    {CONSOLE6, 8443, BED_MARK, true},
    {CONSOLE4, 8443, 0, false},          {CONSOLE6, 8443, 0, false},
    {CONSOLE4, 443, BED_MARK, false},    {CONSOLE6, 443, BED_MARK, false},
    {OTHER4, 8443, BED_MARK, false},     {OTHER6, 8443, BED_MARK, false},
    {CONSOLE4, 8443, 0x00010001, false}, {CONSOLE4, 8443, 1, false},
};

START_TEST(full_isolation_leaves_the_console_to_marked_sockets)
{
  kernel_isolate(NULL);
  for (size_t i = 0; i < COUNT_OF(console_cases); i++) {
    const struct console_case *c = &console_cases[i];
    bed_flow flow = {.opener = BED_DEVICE, .to = c->to, .to_port = c->port, .mark = c->mark};
    ck_assert_msg(bed_tcp(&flow, c->reached) == c->reached, "row %zu: %s port %u mark %x", i, c->to,
                  c->port, c->mark);
  }
}
END_TEST

START_TEST(full_isolation_lets_marked_sockets_ask_the_resolvers)
{
  kernel_isolate(NULL);
  static const char *const resolvers[] = {CONSOLE4, CONSOLE6};
  static const char *const others[] = {OTHER4, OTHER6};
  for (size_t i = 0; i < COUNT_OF(resolvers); i++) {
    bed_flow flow = {.opener = BED_DEVICE, .to = resolvers[i], .to_port = 53, .mark = BED_MARK};
    ck_assert(bed_udp(&flow, true));
    ck_assert(bed_tcp(&flow, true));
    flow.mark = 0;
    ck_assert(!bed_udp(&flow, false));
    ck_assert(!bed_tcp(&flow, false));
    flow = (bed_flow){.opener = BED_DEVICE, .to = others[i], .to_port = 53, .mark = BED_MARK};
    ck_assert(!bed_udp(&flow, false));
  }
}
END_TEST

static void expect_everything_of(const char *peer, const char *device, bool reached)
{
  bed_flow out = {.opener = BED_DEVICE, .to = peer, .to_port = 443};
  bed_flow in = {.opener = BED_PEER, .from = peer, .to = device, .to_port = 22};
  ck_assert_msg(bed_tcp(&out, reached) == reached, "tcp to %s", peer);
  ck_assert_msg(bed_udp(&out, reached) == reached, "udp to %s", peer);
  ck_assert_msg(bed_ping(BED_DEVICE, NULL, peer, reached) == reached, "ping to %s", peer);
  ck_assert_msg(bed_tcp(&in, reached) == reached, "tcp from %s", peer);
  ck_assert_msg(bed_udp(&in, reached) == reached, "udp from %s", peer);
}

START_TEST(full_isolation_cuts_everything_else_and_release_brings_it_back)
{
  static const char *const peers[] = {CONSOLE4, OTHER4, FRIEND4, "10.77.1.5"};
  static const char *const peers6[] = {CONSOLE6, OTHER6, FRIEND6, "fd77:0:0:1::5"};
  for (int round = 0; round < 3; round++) {
    bool reached = round != 1;
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
      expect_everything_of(peers[i], DEVICE4, reached);
      expect_everything_of(peers6[i], DEVICE6, reached);
    }
    ck_assert_int_eq(bed_ping(BED_PEER, NULL, DEVICE4, reached), reached);
    ck_assert_int_eq(bed_ping(BED_PEER, NULL, DEVICE6, reached), reached);
    if (round == 0)
      kernel_isolate(NULL);
    if (round == 1) {
      ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
      ck_assert_str_eq(fake_text(&host, "state"), "released");
      ck_assert(fake_flag(&host, "changed"));
    }
  }
}
END_TEST

START_TEST(isolation_leaves_the_device_to_itself)
{
  kernel_isolate(NULL);
  static const char *const own[] = {"127.0.0.1", "::1", DEVICE4, DEVICE6};
  for (size_t i = 0; i < COUNT_OF(own); i++) {
    int server = bed_socket(BED_DEVICE, SOCK_STREAM, own[i], 7000, 0);
    ck_assert_int_eq(listen(server, 1), 0);
    int client = bed_socket(BED_DEVICE, SOCK_STREAM, own[i], 0, 0);
    bed_connect(client, own[i], 7000);
    ck_assert_msg(bed_connected(client, 1000), "%s", own[i]);
    ck_assert_int_eq(close(client), 0);
    ck_assert_int_eq(close(server), 0);
  }
  /* Neighbours are found again, which ND and ARP must be able to do. */
  bed_shell("ip neigh flush all");
  bed_flow flow = {.opener = BED_DEVICE, .to = CONSOLE6, .to_port = 8443, .mark = BED_MARK};
  ck_assert(bed_tcp(&flow, true));
  flow.to = CONSOLE4;
  ck_assert(bed_tcp(&flow, true));
}
END_TEST

START_TEST(a_local_program_is_refused_at_once)
{
  kernel_isolate(NULL);
  int fd = bed_socket(BED_DEVICE, SOCK_STREAM, "0.0.0.0", 0, 0);
  bed_connect(fd, OTHER4, 443);
  ck_assert(!bed_connected(fd, 100));
  ck_assert_int_eq(errno, ECONNREFUSED);
  ck_assert_int_eq(close(fd), 0);
}
END_TEST

#define TCP 't'
#define UDP 'u'
#define PING 'p'

/* What one exclusion lets through. Flows to or from the device; `port` is the port of the side that
 * was opened to. */
static const struct exclusion_case {
  const char *exclusion;
  char what;
  bed_side opener;
  const char *peer;
  uint16_t port;
  uint16_t from_port;
  bool reached;
} exclusion_cases[] = {
#define X4 "{\"direction\":\"out\",\"address\":\"10.77.0.3\",\"protocol\":\"tcp\",\"port\":\"443\"}"
    {X4, TCP, BED_DEVICE, FRIEND4, 443, 0, true},
    {X4, TCP, BED_DEVICE, FRIEND4, 444, 0, false},
    {X4, UDP, BED_DEVICE, FRIEND4, 443, 0, false},
    {X4, TCP, BED_DEVICE, OTHER4, 443, 0, false},
    {X4, PING, BED_DEVICE, FRIEND4, 0, 0, false},
    {X4, TCP, BED_PEER, FRIEND4, 22, 0, false},
    {X4, TCP, BED_PEER, FRIEND4, 443, 0, false},
    {X4, TCP, BED_PEER, FRIEND4, 22, 443, false}, /* by its excluded port */
#define X4U                                                                                        \
  "{\"direction\":\"out\",\"address\":\"10.77.0.3\",\"protocol\":\"udp\",\"port\":\"9000-9100\"}"
    {X4U, UDP, BED_DEVICE, FRIEND4, 9000, 0, true},
    {X4U, UDP, BED_DEVICE, FRIEND4, 9100, 0, true},
    {X4U, UDP, BED_DEVICE, FRIEND4, 9101, 0, false},
    {X4U, TCP, BED_DEVICE, FRIEND4, 9000, 0, false},
    {X4U, UDP, BED_PEER, FRIEND4, 161, 0, false},
    {X4U, UDP, BED_PEER, FRIEND4, 161, 9000, false}, /* by its excluded port */
#define X4I "{\"direction\":\"in\",\"address\":\"10.77.0.3\",\"protocol\":\"tcp\",\"port\":\"22\"}"
    {X4I, TCP, BED_PEER, FRIEND4, 22, 0, true},
    {X4I, TCP, BED_PEER, FRIEND4, 23, 0, false},
    {X4I, TCP, BED_PEER, OTHER4, 22, 0, false},
    {X4I, TCP, BED_DEVICE, FRIEND4, 22, 0, false},
    {X4I, TCP, BED_DEVICE, FRIEND4, 443, 22, false}, /* by our own excluded port */
#define X4IU                                                                                       \
  "{\"direction\":\"in\",\"address\":\"10.77.0.0/30\",\"protocol\":\"udp\",\"port\":\"161\"}"
    {X4IU, UDP, BED_PEER, FRIEND4, 161, 0, true},
    {X4IU, UDP, BED_PEER, OTHER4, 161, 0, true},
    {X4IU, UDP, BED_DEVICE, FRIEND4, 443, 161, false},
    {X4IU, UDP, BED_DEVICE, FRIEND4, 161, 0, false},
#define X4B                                                                                        \
  "{\"direction\":\"both\",\"address\":\"10.77.0.3-10.77.0.9\",\"protocol\":\"tcp\",\"port\":"     \
  "\"22\"}"
    {X4B, TCP, BED_PEER, FRIEND4, 22, 0, true},
    {X4B, TCP, BED_DEVICE, FRIEND4, 22, 0, true},
    {X4B, TCP, BED_DEVICE, OTHER4, 22, 0, false},
#define X4A "{\"direction\":\"out\",\"address\":\"10.77.0.3\"}"
    {X4A, TCP, BED_DEVICE, FRIEND4, 1, 0, true},
    {X4A, UDP, BED_DEVICE, FRIEND4, 65535, 0, true},
    {X4A, PING, BED_DEVICE, FRIEND4, 0, 0, true},
    {X4A, TCP, BED_PEER, FRIEND4, 22, 0, false},
    {X4A, UDP, BED_PEER, FRIEND4, 161, 0, false},
    {X4A, TCP, BED_DEVICE, OTHER4, 443, 0, false},
#define X4P "{\"direction\":\"both\",\"address\":\"10.77.0.3\",\"protocol\":\"icmp\"}"
    {X4P, PING, BED_DEVICE, FRIEND4, 0, 0, true},
    {X4P, PING, BED_PEER, FRIEND4, 0, 0, true},
    {X4P, PING, BED_DEVICE, OTHER4, 0, 0, false},
    {X4P, TCP, BED_DEVICE, FRIEND4, 443, 0, false},
#define X4PO "{\"direction\":\"out\",\"address\":\"10.77.0.3\",\"protocol\":\"icmp\"}"
    {X4PO, PING, BED_PEER, FRIEND4, 0, 0, false},
#define X4C "{\"direction\":\"out\",\"address\":\"10.77.1.0/24\",\"protocol\":\"tcp\"}"
    {X4C, TCP, BED_DEVICE, "10.77.1.5", 80, 0, true},
    {X4C, TCP, BED_DEVICE, FRIEND4, 80, 0, false},
#define X6 "{\"direction\":\"out\",\"address\":\"fd77::3\",\"protocol\":\"tcp\",\"port\":\"443\"}"
    {X6, TCP, BED_DEVICE, FRIEND6, 443, 0, true},
    {X6, TCP, BED_DEVICE, FRIEND6, 444, 0, false},
    {X6, TCP, BED_DEVICE, OTHER6, 443, 0, false},
    {X6, TCP, BED_DEVICE, FRIEND4, 443, 0, false},
    {X6, TCP, BED_PEER, FRIEND6, 22, 443, false},
#define X6A "{\"direction\":\"both\",\"address\":\"fd77:0:0:1::/64\"}"
    {X6A, TCP, BED_DEVICE, "fd77:0:0:1::5", 80, 0, true},
    {X6A, UDP, BED_DEVICE, "fd77:0:0:1::5", 80, 0, true},
    {X6A, PING, BED_DEVICE, "fd77:0:0:1::5", 0, 0, true},
    {X6A, TCP, BED_PEER, "fd77:0:0:1::5", 22, 0, true},
    {X6A, UDP, BED_PEER, "fd77:0:0:1::5", 161, 0, true},
    {X6A, TCP, BED_DEVICE, FRIEND6, 443, 0, false},
#define X6P "{\"direction\":\"out\",\"address\":\"fd77::3-fd77::4\",\"protocol\":\"icmp\"}"
    {X6P, PING, BED_DEVICE, FRIEND6, 0, 0, true},
    {X6P, PING, BED_DEVICE, OTHER6, 0, 0, false},
    {X6P, PING, BED_PEER, FRIEND6, 0, 0, false},
/* Overlapping, twice the same, and one within another. */
#define XM                                                                                         \
  X4 "," X4 "," X4C ",{\"direction\":\"out\",\"address\":\"10.77.0.0/"                             \
     "24\",\"protocol\":\"tcp\",\"port\":\"440-450\"}"
    {XM, TCP, BED_DEVICE, FRIEND4, 443, 0, true},
    {XM, TCP, BED_DEVICE, OTHER4, 450, 0, true},
    {XM, TCP, BED_DEVICE, OTHER4, 451, 0, false},
};

static bool try_case(const struct exclusion_case *c)
{
  bool out = c->opener == BED_DEVICE;
  const char *device = strchr(c->peer, ':') != NULL ? DEVICE6 : DEVICE4;
  bed_flow flow = {.opener = c->opener,
                   .from = out ? NULL : c->peer,
                   .from_port = c->from_port,
                   .to = out ? c->peer : device,
                   .to_port = c->port};
  if (c->what == TCP)
    return bed_tcp(&flow, c->reached);
  if (c->what == UDP)
    return bed_udp(&flow, c->reached);
  return bed_ping(c->opener, out ? NULL : c->peer, flow.to, c->reached);
}

START_TEST(an_exclusion_opens_what_it_says_and_nothing_else)
{
  const char *loaded = NULL;
  for (size_t i = 0; i < COUNT_OF(exclusion_cases); i++) {
    const struct exclusion_case *c = &exclusion_cases[i];
    if (loaded != c->exclusion)
      kernel_isolate(c->exclusion);
    loaded = c->exclusion;
    ck_assert_msg(try_case(c) == c->reached, "row %zu, %s: %c %s port %u from %u is %s", i,
                  c->exclusion, c->what, c->peer, c->port, c->from_port,
                  c->reached ? "not let through" : "let through");
  }
}
END_TEST

START_TEST(applying_the_same_again_changes_nothing)
{
  kernel_isolate(X4);
  ck_assert(fake_flag(&host, "changed"));
  ck_assert_int_eq(host.step_count, 4);
  char digest[100];
  (void)snprintf(digest, sizeof(digest), "%s", fake_text(&host, "digest"));
  kernel_isolate(X4);
  ck_assert(!fake_flag(&host, "changed"));
  ck_assert_str_eq(fake_text(&host, "digest"), digest);
  kernel_isolate(NULL);
  ck_assert(fake_flag(&host, "changed"));
  ck_assert_str_ne(fake_text(&host, "digest"), digest);
  kernel_isolate(X4);
  ck_assert_str_eq(fake_text(&host, "digest"), digest);
}
END_TEST

START_TEST(query_knows_released_isolated_and_edited)
{
  (void)kernel_params(NULL);
  ck_assert_str_eq(kernel_state(), "released");
  kernel_isolate(NULL);
  ck_assert_str_eq(kernel_state(), "isolated");
  /* Packets that are counted are no change. */
  bed_flow flow = {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443};
  ck_assert(!bed_tcp(&flow, false));
  ck_assert_str_eq(kernel_state(), "isolated");
  /* Rules for other parameters are not what is wanted. */
  (void)kernel_params(X4);
  ck_assert_str_eq(kernel_state(), "partial");
  ck_assert_int_eq(fake_run(&host, isolate->query, 0, "{}"), CORDON_OK);
  ck_assert_str_eq(fake_text(&host, "state"), "isolated");
}
END_TEST

/* Each a change that a local administrator could make, and that must not go unnoticed. */
static const char *const edits[] = {
    "nft insert rule inet cordon output accept",
    "nft add rule inet cordon output ip daddr 10.77.0.2 accept",
    "nft insert rule inet cordon input ip saddr 10.77.0.2 accept",
    "nft 'add table inet cordon { flags dormant; }'",
    "nft 'chain inet cordon output { policy accept; }'",
    "nft add element inet cordon console4 '{ 10.77.0.2 . 443 }'",
    "nft add element inet cordon out_tcp4 '{ 10.77.0.2 . 443 }'",
    "nft delete element inet cordon out_tcp4 '{ 10.77.0.3 . 443 }'",
    "nft flush chain inet cordon forward",
    "nft flush chain inet cordon output",
    "nft delete chain inet cordon forward",
    "nft add chain inet cordon more",
};

START_TEST(query_notices_every_edit_and_apply_repairs_it)
{
  for (size_t i = 0; i < COUNT_OF(edits); i++) {
    kernel_isolate(X4);
    ck_assert_str_eq(kernel_state(), "isolated");
    bed_shell(edits[i]);
    ck_assert_msg(strcmp(kernel_state(), "partial") == 0, "not noticed: %s", edits[i]);
    kernel_isolate(X4);
    ck_assert_msg(fake_flag(&host, "changed"), "not repaired: %s", edits[i]);
  }
}
END_TEST

START_TEST(a_new_process_knows_what_the_last_one_applied)
{
  kernel_isolate(X4);
  char digest[100];
  (void)snprintf(digest, sizeof(digest), "%s", fake_text(&host, "digest"));
  fake_host_restart(&host, "isolate");
  kernel_isolate(X4);
  ck_assert(!fake_flag(&host, "changed"));
  ck_assert_str_eq(fake_text(&host, "digest"), digest);
  bed_shell("nft add rule inet cordon output accept");
  ck_assert_str_eq(kernel_state(), "partial");
}
END_TEST

/* What is seen without knowing how the rules looked when they were loaded. */
static const char *const broken_frames[] = {
    "nft 'add table inet cordon { flags dormant; }'",
    "nft 'chain inet cordon input { policy accept; }'",
    "nft 'chain inet cordon output { policy accept; }'",
    "nft flush chain inet cordon forward; nft delete chain inet cordon forward",
    "nft flush chain inet cordon input",
    "nft flush table inet cordon",
};

START_TEST(a_broken_frame_is_seen_without_a_record)
{
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/isolate.json", host.state_dir);
  for (size_t i = 0; i < COUNT_OF(broken_frames); i++) {
    kernel_isolate(NULL);
    ck_assert_int_eq(unlink(path), 0);
    fake_host_restart(&host, "isolate");
    ck_assert_str_eq(kernel_state(), "isolated");
    bed_shell(broken_frames[i]);
    ck_assert_msg(strcmp(kernel_state(), "partial") == 0, "not noticed: %s", broken_frames[i]);
    ck_assert_ptr_nonnull(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(host.result, "details"), "note"));
  }
}
END_TEST

START_TEST(a_dry_run_gives_the_rules_and_changes_nothing)
{
  ck_assert_int_eq(fake_run(&host, isolate->apply, CORDON_REQ_DRY_RUN, kernel_params(X4)),
                   CORDON_OK);
  ck_assert(fake_flag(&host, "dry_run"));
  ck_assert_ptr_nonnull(strstr(fake_text(&host, "rules"), "10.77.0.3 . 443"));
  ck_assert_str_eq(kernel_state(), "released");
  kernel_isolate(X4);
  ck_assert_int_eq(fake_run(&host, isolate->release, CORDON_REQ_DRY_RUN, "{}"), CORDON_OK);
  ck_assert_str_eq(kernel_state(), "isolated");
}
END_TEST

START_TEST(release_of_a_released_device_changes_nothing)
{
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  ck_assert(!fake_flag(&host, "changed"));
  /* Whatever is asked with it: a release is never refused. */
  kernel_isolate(NULL);
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "nonsense"), CORDON_OK);
  ck_assert(fake_flag(&host, "changed"));
}
END_TEST

START_TEST(bad_parameters_change_nothing)
{
  kernel_isolate(X4);
  ck_assert_int_eq(fake_run(&host, isolate->apply, 0,
                            kernel_params("{\"direction\":\"out\",\"address\":\"0.0.0.0/0\"}")),
                   CORDON_E_INVALID);
  ck_assert_ptr_nonnull(strstr(host.sentence, "exclusions[0].address"));
  (void)kernel_params(X4);
  ck_assert_str_eq(kernel_state(), "isolated");
}
END_TEST

START_TEST(foreign_tables_that_accept_everything_open_nothing)
{
  kernel_isolate(NULL);
  bed_shell(
      "nft 'table inet early { chain o { type filter hook output priority -400; accept; }; "
      "chain i { type filter hook input priority -400; accept; }; }; "
      "table inet late { chain o { type filter hook output priority 300; accept; }; "
      "chain i { type filter hook input priority 300; accept; }; }'\n"
      "iptables -I OUTPUT -j ACCEPT; iptables -I INPUT -j ACCEPT; ip6tables -I OUTPUT -j ACCEPT");
  expect_everything_of(OTHER4, DEVICE4, false);
  expect_everything_of(OTHER6, DEVICE6, false);
  ck_assert_str_eq((kernel_params(NULL), kernel_state()), "isolated");
}
END_TEST

START_TEST(forwarded_traffic_is_dropped)
{
  bed_shell("sysctl -qw net.ipv4.ip_forward=1\n"
            "ip link add inside type veth peer name far; ip link set far up; ip addr add "
            "10.88.0.1/24 dev inside; ip link set inside up\n"
            "ip neigh add 10.88.0.2 lladdr 02:00:00:00:00:02 dev inside");
  bed_peer_shell("ip route add 10.88.0.0/24 via 10.77.0.10");
  kernel_isolate(NULL);
  int fd = bed_socket(BED_PEER, SOCK_DGRAM, "0.0.0.0", 0, 0);
  bed_connect(fd, "10.88.0.2", 9);
  ck_assert_int_eq(send(fd, "hi", 2, 0), 2);
  ck_assert_int_eq(close(fd), 0);
  bed_shell("nft list counter inet cordon dropped_forward | grep -q 'packets 1 '");
}
END_TEST

static int console_dropped(void)
{
  ck_assert_str_eq(kernel_state(), "isolated");
  const cJSON *details = cJSON_GetObjectItemCaseSensitive(host.result, "details");
  const cJSON *count = cJSON_GetObjectItemCaseSensitive(details, "console_dropped");
  ck_assert(cJSON_IsNumber(count));
  return count->valueint;
}

/* By the mark: what the agent sends to a console that the rules do not let through, and only that.
 */
START_TEST(what_keeps_the_agent_from_its_console_is_counted)
{
  bed_flow flow = {.opener = BED_DEVICE, .to = CONSOLE4, .to_port = 8443, .mark = BED_MARK};
  kernel_isolate(NULL);
  ck_assert(bed_tcp(&flow, true));
  flow.mark = 0;
  flow.to = OTHER4;
  ck_assert(!bed_tcp(&flow, false));
  ck_assert_int_eq(console_dropped(), 0);
  flow.mark = BED_MARK;
  ck_assert(!bed_tcp(&flow, false));
  int first = console_dropped();
  ck_assert_int_gt(first, 0);
  flow.to = OTHER6;
  ck_assert(!bed_tcp(&flow, false));
  ck_assert_int_gt(console_dropped(), first);
}
END_TEST

START_TEST(a_thousand_exclusions_are_loaded_and_read_back)
{
  static char exclusions[128 * 1024];
  size_t len = 0;
  for (unsigned i = 0; i < 1024; i++)
    len += (size_t)snprintf(
        exclusions + len, sizeof(exclusions) - len,
        "%s{\"direction\":\"both\",\"address\":\"fd00:1111:2222:3333:4444:5555:%x:1-"
        "fd00:1111:2222:3333:4444:5555:%x:9\"}",
        i > 0 ? "," : "", 0x1000 + i, 0x1000 + i);
  kernel_isolate(exclusions);
  ck_assert_str_eq(kernel_state(), "isolated");
  cordon_status status = fake_run(&host, isolate->verify, 0, kernel_params(exclusions));
  ck_assert_msg(status == CORDON_OK, "%s", host.sentence);
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
}
END_TEST

START_TEST(probe_says_what_works_here)
{
  ck_assert_msg(fake_run(&host, isolate->probe, 0, "{}") == CORDON_OK, "%s", host.sentence);
  const cJSON *features = cJSON_GetObjectItemCaseSensitive(host.result, "features");
  ck_assert_int_eq(cJSON_GetArraySize(features), 17);
  ck_assert_str_eq(fake_text(&host, "product"), "nftables");
  (void)kernel_params(NULL);
  ck_assert_str_eq(kernel_state(), "released");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      full_isolation_leaves_the_console_to_marked_sockets,
      full_isolation_lets_marked_sockets_ask_the_resolvers,
      full_isolation_cuts_everything_else_and_release_brings_it_back,
      isolation_leaves_the_device_to_itself,
      a_local_program_is_refused_at_once,
      an_exclusion_opens_what_it_says_and_nothing_else,
      applying_the_same_again_changes_nothing,
      query_knows_released_isolated_and_edited,
      query_notices_every_edit_and_apply_repairs_it,
      a_new_process_knows_what_the_last_one_applied,
      a_broken_frame_is_seen_without_a_record,
      a_dry_run_gives_the_rules_and_changes_nothing,
      release_of_a_released_device_changes_nothing,
      bad_parameters_change_nothing,
      foreign_tables_that_accept_everything_open_nothing,
      forwarded_traffic_is_dropped,
      what_keeps_the_agent_from_its_console_is_counted,
      a_thousand_exclusions_are_loaded_and_read_back,
      probe_says_what_works_here,
  };
  return run_kernel_suite("plugins.nftables.isolate", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
