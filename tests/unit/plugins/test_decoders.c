/* What the kernel says over netlink, taken apart: whole, cut short and malformed. */
#include "counters.h"
#include "diag.h"
#include "events.h"
#include "gens.h"
#include "links.h"
#include "locals.h"
#include "network.h"
#include "packets.h"
#include "sockets.h"
#include "stacked.h"
#include "strict.h"
#include "support/netlink.h"

#include "suite.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef struct bytes {
  unsigned char b[4096];
  size_t len;
} bytes;

static void put(bytes *to, const void *from, size_t len)
{
  memcpy(to->b + to->len, from, len);
  to->len += len;
  while (to->len % 4 != 0)
    to->b[to->len++] = 0;
}

static void put_attribute(bytes *to, uint16_t type, const void *value, size_t len)
{
  struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type};
  put(to, &a, sizeof(a));
  put(to, value, len);
}

static void put_message(bytes *to, uint16_t type, const void *head, size_t head_len,
                        const bytes *attributes)
{
  struct nlmsghdr h = {.nlmsg_len = (uint32_t)(sizeof(h) + head_len + attributes->len),
                       .nlmsg_type = type};
  put(to, &h, sizeof(h));
  put(to, head, head_len);
  put(to, attributes->b, attributes->len);
}

static void put_nft(bytes *to, uint8_t message, uint8_t family, const bytes *attributes)
{
  struct nfgenmsg head = {.nfgen_family = family};
  put_message(to, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), &head, sizeof(head), attributes);
}

static void put_generation(bytes *to, uint32_t id, uint32_t thread, const char *name)
{
  bytes a = {0};
  uint32_t big = htonl(id);
  put_attribute(&a, NFTA_GEN_ID, &big, sizeof(big));
  big = htonl(thread);
  put_attribute(&a, NFTA_GEN_PROC_PID, &big, sizeof(big));
  put_attribute(&a, NFTA_GEN_PROC_NAME, name, strlen(name) + 1);
  put_nft(to, NFT_MSG_NEWGEN, 0, &a);
}

static void put_object(bytes *to, uint8_t message, uint8_t family, const char *table)
{
  bytes a = {0};
  put_attribute(&a, 1, table, strlen(table) + 1);
  put_nft(to, message, family, &a);
}

typedef struct heard {
  int count;
  iso_event events[16];
} heard;

static void hear(void *data, const iso_event *e)
{
  heard *h = data;
  ck_assert_int_lt(h->count, 16);
  h->events[h->count++] = *e;
}

START_TEST(hears_of_our_table_and_of_generations)
{
  bytes in = {0};
  heard h = {0};
  put_object(&in, NFT_MSG_NEWRULE, NFPROTO_INET, "cordon");
  put_object(&in, NFT_MSG_NEWRULE, NFPROTO_IPV4, "cordon");
  put_object(&in, NFT_MSG_DELTABLE, NFPROTO_INET, "cordon2");
  put_object(&in, NFT_MSG_DELTABLE, NFPROTO_INET, "cordon");
  put_generation(&in, 7, 1234, "nft");
  iso_events_walk(in.b, in.len, hear, &h);
  ck_assert_int_eq(h.count, 3);
  ck_assert(h.events[0].touches_us && !h.events[0].new_generation);
  ck_assert(h.events[1].touches_us);
  ck_assert(h.events[2].new_generation && !h.events[2].touches_us);
  ck_assert_uint_eq(h.events[2].generation, 7);
  ck_assert_uint_eq(h.events[2].thread, 1234);
  ck_assert_str_eq(h.events[2].name, "nft");
}
END_TEST

static void put_counter(bytes *to, const char *table, uint32_t type, const char *name,
                        uint64_t packets)
{
  bytes a = {0};
  bytes data = {0};
  uint64_t big = htobe64(1);
  put_attribute(&data, NFTA_COUNTER_BYTES, &big, sizeof(big));
  big = htobe64(packets);
  put_attribute(&data, NFTA_COUNTER_PACKETS, &big, sizeof(big));
  put_attribute(&a, NFTA_OBJ_TABLE, table, strlen(table) + 1);
  put_attribute(&a, NFTA_OBJ_NAME, name, strlen(name) + 1);
  type = htonl(type);
  put_attribute(&a, NFTA_OBJ_TYPE, &type, sizeof(type));
  put_attribute(&a, NFTA_OBJ_DATA | NLA_F_NESTED, data.b, data.len);
  put_nft(to, NFT_MSG_NEWOBJ, NFPROTO_INET, &a);
}

START_TEST(reads_our_counters_and_nothing_else)
{
  bytes in = {0};
  iso_counters c = {0};
  bool done = false;
  bool interrupted = false;
  uint64_t packets = 7;
  put_counter(&in, "cordon", NFT_OBJECT_COUNTER, "dropped_out", UINT64_MAX);
  put_counter(&in, "cordon2", NFT_OBJECT_COUNTER, "other", 1);
  put_counter(&in, "cordon", NFT_OBJECT_QUOTA, "quota", 1);
  put_counter(&in, "cordon", NFT_OBJECT_COUNTER, "a_name_that_is_far_too_long_for_us", 1);
  put_counter(&in, "cordon", NFT_OBJECT_COUNTER, "last", 0);
  iso_counters_walk(in.b, in.len, "cordon", &c, &done, &interrupted);
  ck_assert(!done && !interrupted);
  ck_assert_uint_eq(c.count, 2);
  ck_assert(iso_counters_get(&c, "dropped_out", &packets));
  ck_assert(packets == UINT64_MAX);
  ck_assert(iso_counters_get(&c, "last", &packets));
  ck_assert(packets == 0);
  ck_assert(!iso_counters_get(&c, "quota", &packets));
  for (size_t len = 0; len < in.len; len++) {
    unsigned char *exact = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, in.b, len);
    c = (iso_counters){0};
    iso_counters_walk(exact, len, "cordon", &c, &done, &interrupted);
    ck_assert_uint_le(c.count, 1);
    free(exact);
  }
}
END_TEST

START_TEST(knows_the_end_of_the_counters_and_their_interruption)
{
  bytes in = {0};
  iso_counters c = {0};
  bool done = false;
  bool interrupted = false;
  int none = 0;
  put_counter(&in, "cordon", NFT_OBJECT_COUNTER, "one", 1);
  size_t first = in.len;
  put_message(&in, NLMSG_DONE, &none, sizeof(none), &(bytes){0});
  put_counter(&in, "cordon", NFT_OBJECT_COUNTER, "two", 2);
  iso_counters_walk(in.b, in.len, "cordon", &c, &done, &interrupted);
  ck_assert(done && !interrupted);
  ck_assert_uint_eq(c.count, 1);
  struct nlmsghdr head;
  memcpy(&head, in.b, sizeof(head));
  head.nlmsg_flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
  memcpy(in.b, &head, sizeof(head));
  done = false;
  iso_counters_walk(in.b, first, "cordon", &c, &done, &interrupted);
  ck_assert(!done && interrupted);
}
END_TEST

START_TEST(survives_every_cut)
{
  bytes in = {0};
  put_object(&in, NFT_MSG_NEWRULE, NFPROTO_INET, "cordon");
  put_generation(&in, 7, 1234, "nft");
  for (size_t len = 0; len < in.len; len++) {
    heard h = {0};
    unsigned char *exact = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, in.b, len);
    iso_events_walk(exact, len, hear, &h);
    ck_assert_int_le(h.count, 1);
    free(exact);
  }
}
END_TEST

START_TEST(ignores_lengths_that_lie)
{
  static const uint32_t lengths[] = {0, 1, 15, 17, 4096, UINT32_MAX};
  for (size_t i = 0; i < COUNT_OF(lengths); i++) {
    bytes in = {0};
    heard h = {0};
    put_generation(&in, 7, 1234, "nft");
    memcpy(in.b, &lengths[i], sizeof(lengths[i]));
    iso_events_walk(in.b, in.len, hear, &h);
    ck_assert_int_eq(h.count, 0);
  }
  /* A name that does not end, and one that is too long. */
  bytes a = {0};
  bytes in = {0};
  heard h = {0};
  put_attribute(&a, NFTA_GEN_PROC_NAME, "abc", 3);
  put_attribute(&a, NFTA_GEN_PROC_NAME, "0123456789012345678901234567890123456789", 40);
  put_attribute(&a, NFTA_GEN_ID, "xy", 2);
  put_nft(&in, NFT_MSG_NEWGEN, 0, &a);
  iso_events_walk(in.b, in.len, hear, &h);
  ck_assert_int_eq(h.count, 1);
  ck_assert_str_eq(h.events[0].name, "abc");
  ck_assert_uint_eq(h.events[0].generation, 0);
}
END_TEST

static struct inet_diag_msg diag4(const char *remote, uint16_t remote_port, uint16_t local_port)
{
  struct inet_diag_msg d = {.idiag_family = AF_INET, .idiag_state = 1};
  d.id.idiag_sport = htons(local_port);
  d.id.idiag_dport = htons(remote_port);
  ck_assert_int_eq(inet_pton(AF_INET, "10.0.0.10", d.id.idiag_src), 1);
  ck_assert_int_eq(inet_pton(AF_INET, remote, d.id.idiag_dst), 1);
  return d;
}

typedef struct sockets {
  int count;
  iso_socket items[8];
} sockets;

static void take(void *data, const iso_socket *s)
{
  sockets *to = data;
  ck_assert_int_lt(to->count, 8);
  to->items[to->count++] = *s;
}

START_TEST(reads_sockets_until_the_dump_is_done)
{
  bytes in = {0};
  bytes none = {0};
  bytes mark = {0};
  sockets found = {0};
  iso_dump dump = {0};
  uint32_t value = 0xc0d10001;
  char text[ISO_ADDR_TEXT];
  struct inet_diag_msg d = diag4("10.0.0.1", 443, 50000);
  put_attribute(&mark, INET_DIAG_MARK, &value, sizeof(value));
  put_message(&in, SOCK_DIAG_BY_FAMILY, &d, sizeof(d), &mark);
  d.idiag_family = AF_INET6;
  ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:10.0.0.2", d.id.idiag_dst), 1);
  put_message(&in, SOCK_DIAG_BY_FAMILY, &d, sizeof(d), &none);
  put_message(&in, SOCK_DIAG_BY_FAMILY, &d, sizeof(d) - 1, &none);
  int zero = 0;
  put_message(&in, NLMSG_DONE, &zero, sizeof(zero), &none);
  put_message(&in, SOCK_DIAG_BY_FAMILY, &d, sizeof(d), &none);
  iso_diag_walk(in.b, in.len, &dump, take, &found);
  ck_assert(dump.done);
  ck_assert_int_eq(dump.os_error, 0);
  ck_assert_int_eq(found.count, 2);
  ck_assert(found.items[0].has_mark);
  ck_assert_uint_eq(found.items[0].mark, value);
  ck_assert_uint_eq(found.items[0].remote_port, 443);
  ck_assert_uint_eq(found.items[0].local_port, 50000);
  ck_assert(!found.items[1].has_mark);
  ck_assert_str_eq(iso_addr_text(&found.items[1].remote, text), "10.0.0.2");
  ck_assert_int_eq(found.items[1].family, AF_INET6);
}
END_TEST

START_TEST(tells_a_refused_dump)
{
  bytes in = {0};
  bytes none = {0};
  sockets found = {0};
  iso_dump dump = {0};
  int error = -2;
  put_message(&in, NLMSG_ERROR, &error, sizeof(error), &none);
  iso_diag_walk(in.b, in.len, &dump, take, &found);
  ck_assert(dump.done);
  ck_assert_int_eq(dump.os_error, 2);
}
END_TEST

/* Which sockets stay: the exclusions are out tcp 10.0.0.3:443, in tcp 10.0.0.4 to port 22, both
 * icmp 10.0.0.5; somebody listens on 22 and on 2222. */
static const struct stay_case {
  const char *remote;
  uint16_t remote_port;
  uint16_t local_port;
  uint8_t protocol;
  int64_t mark; /* -1: not told */
  bool stays;
} stay_cases[] = {
    {"10.0.0.2", 443, 50000, IPPROTO_TCP, 0, false},
    {"10.0.0.2", 443, 50000, IPPROTO_TCP, 5, true},
    {"10.0.0.2", 443, 50000, IPPROTO_TCP, 6, false},
    {"10.0.0.1", 8443, 50000, IPPROTO_TCP, 0, false},
    {"10.0.0.1", 8443, 50000, IPPROTO_TCP, -1, true},
    {"10.0.0.1", 8444, 50000, IPPROTO_TCP, -1, false},
    {"10.0.0.1", 8443, 50000, IPPROTO_UDP, -1, false},
    {"127.0.0.1", 80, 50000, IPPROTO_TCP, 0, true},
    {"127.8.8.8", 80, 50000, IPPROTO_TCP, 0, true},
    {"10.0.0.10", 80, 50000, IPPROTO_TCP, 0, true},
    {"10.0.0.3", 443, 50000, IPPROTO_TCP, 0, true},
    {"10.0.0.3", 444, 50000, IPPROTO_TCP, 0, false},
    {"10.0.0.3", 443, 50000, IPPROTO_UDP, 0, false},
    {"10.0.0.3", 443, 2222, IPPROTO_TCP, 0, false},
    {"10.0.0.4", 50000, 22, IPPROTO_TCP, 0, true},
    {"10.0.0.4", 50000, 2222, IPPROTO_TCP, 0, false},
    {"10.0.0.4", 22, 50000, IPPROTO_TCP, 0, false},
    {"10.0.0.5", 0, IPPROTO_ICMP, IPPROTO_RAW, 0, true},
    {"10.0.0.5", 0, 47, IPPROTO_RAW, 0, false},
    {"10.0.0.2", 0, IPPROTO_ICMP, IPPROTO_RAW, 0, false},
    {"10.0.0.2", 67, 68, IPPROTO_UDP, 0, true},
    {"10.0.0.2", 68, 67, IPPROTO_UDP, 0, false},
    {"10.0.0.2", 67, 68, IPPROTO_TCP, 0, false},
};

START_TEST(keeps_the_sockets_of_the_table)
{
  iso_addr own = {4, {10, 0, 0, 10}};
  iso_locals locals = {.addrs = &own, .count = 1};
  static iso_listened listened;
  iso_exclusion exclusions[] = {
      {ISO_OUT, ISO_TCP, {{4, {10, 0, 0, 3}}, {4, {10, 0, 0, 3}}}, 443, 443, 0},
      {ISO_IN, ISO_TCP, {{4, {10, 0, 0, 4}}, {4, {10, 0, 0, 4}}}, 22, 22, 0},
      {ISO_OUT | ISO_IN, ISO_ICMP, {{4, {10, 0, 0, 5}}, {4, {10, 0, 0, 5}}}, 0, 65535, 0},
  };
  iso_params p = {.selective = true,
                  .mark = 5,
                  .console_count = 1,
                  .consoles = {{{4, {10, 0, 0, 1}}, 8443}},
                  .exclusion_count = COUNT_OF(exclusions),
                  .exclusions = exclusions};
  iso_listened_add(&listened, &p, &(iso_socket){.local_port = 22});
  iso_listened_add(&listened, &p, &(iso_socket){.local_port = 2222});
  for (size_t i = 0; i < COUNT_OF(stay_cases); i++) {
    const struct stay_case *c = &stay_cases[i];
    iso_socket s = {
        .remote_port = c->remote_port, .local_port = c->local_port, .has_mark = c->mark >= 0};
    s.mark = c->mark >= 0 ? (uint32_t)c->mark : 0;
    sup_err err = {0};
    ck_assert_int_eq(iso_addr_parse(c->remote, "remote", &s.remote, &err), CORDON_OK);
    ck_assert_msg(iso_socket_stays(&p, &locals, &listened, c->protocol, &s) == c->stays, "row %zu",
                  i);
  }
}
END_TEST

/* Sockets of service 0, group 7, which listens on 80; others listen on 81. */
static const struct {
  uint64_t group;
  uint16_t local_port;
  uint8_t protocol;
  bool stays;
} accepted[] = {
    {7, 80, IPPROTO_TCP, true},     {8, 80, IPPROTO_TCP, true},     {9, 80, IPPROTO_TCP, false},
    {7, 40000, IPPROTO_TCP, false}, {7, 81, IPPROTO_TCP, false},    {7, 40000, IPPROTO_UDP, true},
    {9, 40000, IPPROTO_UDP, false}, {7, 40000, IPPROTO_RAW, false},
};

START_TEST(a_service_that_accepts_keeps_what_it_accepted)
{
  static iso_listened listened;
  iso_locals locals = {.count = 0};
  uint64_t below[] = {8};
  iso_group g = {.name = "a.service",
                 .places = {{.path = "a.service", .level = 1, .id = 7}},
                 .place_count = 1,
                 .below = below,
                 .below_count = 1};
  iso_exclusion in = {.directions = ISO_IN, .protocols = ISO_TCP | ISO_UDP, .port_last = 65535};
  iso_params p = {
      .mark = 5, .by_service_count = 1, .by_service = &in, .group_count = 1, .groups = &g};
  iso_listened_add(&listened, &p, &(iso_socket){.local_port = 80, .cgroup = 8});
  iso_listened_add(&listened, &p, &(iso_socket){.local_port = 81, .cgroup = 9});
  for (size_t i = 0; i < COUNT_OF(accepted); i++) {
    iso_socket s = {.remote = {4, {10, 0, 0, 5}},
                    .remote_port = 1234,
                    .has_mark = true,
                    .local_port = accepted[i].local_port,
                    .cgroup = accepted[i].group};
    ck_assert_msg(iso_socket_stays(&p, &locals, &listened, accepted[i].protocol, &s) ==
                      accepted[i].stays,
                  "row %zu", i);
  }
}
END_TEST

START_TEST(a_generation_is_ours_only_if_it_was_made_alone)
{
  iso_gens g = {.lock = PTHREAD_MUTEX_INITIALIZER};
  ck_assert_int_eq(iso_gens_maker(&g, 5), ISO_THEIRS);
  g.ours[g.count++] = 5;
  ck_assert_int_eq(iso_gens_maker(&g, 5), ISO_OURS);
  ck_assert_int_eq(iso_gens_maker(&g, 6), ISO_THEIRS);
  g.loading = true;
  g.before = 5;
  ck_assert_int_eq(iso_gens_maker(&g, 6), ISO_UNSETTLED);
  ck_assert_int_eq(iso_gens_maker(&g, 4), ISO_THEIRS);
  g.before = UINT32_MAX;
  ck_assert_int_eq(iso_gens_maker(&g, 1), ISO_UNSETTLED);
}
END_TEST

static void put_link(bytes *to, int index, const char *name, const char *kind, uint32_t below,
                     bool elsewhere, unsigned flags)
{
  bytes a = {0};
  bytes info = {0};
  int32_t space = 1;
  struct ifinfomsg head = {.ifi_index = index, .ifi_flags = flags};
  put_attribute(&a, IFLA_IFNAME, name, strlen(name) + 1);
  if (below != 0)
    put_attribute(&a, IFLA_LINK, &below, sizeof(below));
  if (elsewhere)
    put_attribute(&a, IFLA_LINK_NETNSID, &space, sizeof(space));
  if (kind != NULL) {
    put_attribute(&info, IFLA_INFO_KIND, kind, strlen(kind));
    put_attribute(&a, IFLA_LINKINFO, info.b, info.len);
  }
  put_message(to, RTM_NEWLINK, &head, sizeof(head), &a);
}

START_TEST(links_that_frames_leave_by_are_told_from_the_rest)
{
  bytes in = {0};
  iso_hooks hooks = {.count = 0};
  put_link(&in, 1, "lo", NULL, 0, false, IFF_LOOPBACK);
  put_link(&in, 2, "eth0", NULL, 0, false, 0);
  put_link(&in, 3, "veth1", "veth", 7, true, 0);
  put_link(&in, 4, "both", "veth", 5, false, 0);
  put_link(&in, 6, "mv0", "macvlan", 2, false, 0);
  put_link(&in, 7, "br0", "bridge", 0, false, 0);
  put_link(&in, 8, "wg0", "wireguard", 0, false, 0);
  put_link(&in, 2, "eth0", NULL, 0, false, 0);
  iso_hooks_walk(in.b, in.len, &hooks);
  ck_assert_uint_eq(hooks.count, 3);
  ck_assert(iso_hooks_have(&hooks, "eth0") && iso_hooks_have(&hooks, "veth1") &&
            iso_hooks_have(&hooks, "wg0"));
  ck_assert_uint_eq(hooks.items[0].index, 2);
  ck_assert(!hooks.unspeakable && !hooks.too_many);
}
END_TEST

START_TEST(links_that_send_past_the_rules_are_named)
{
  bytes in = {0};
  iso_stacked there = {.count = 0};
  iso_stacked here = {.count = 0};
  put_link(&in, 2, "eth0", NULL, 0, false, 0);
  put_link(&in, 3, "veth1", "veth", 7, true, 0);
  put_link(&in, 4, "mv0", "macvlan", 2, true, 0);
  put_link(&in, 5, "own", "macvlan", 2, false, 0);
  put_link(&in, 6, "tap0", "macvtap", 2, false, 0);
  iso_stacked_walk(in.b, in.len, false, &there);
  ck_assert_uint_eq(there.count, 1);
  ck_assert_str_eq(there.items[0].name, "mv0");
  iso_stacked_walk(in.b, in.len, true, &here);
  ck_assert_uint_eq(here.count, 1);
  ck_assert_str_eq(here.items[0].name, "tap0");
}
END_TEST

START_TEST(a_link_that_would_end_its_quotes_is_not_written)
{
  static const char *const names[] = {"a\"; drop", "a\\b", "a b", "\xc3\xa9"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    bytes in = {0};
    iso_hooks hooks = {.count = 0};
    put_link(&in, 2, names[i], NULL, 0, false, 0);
    iso_hooks_walk(in.b, in.len, &hooks);
    ck_assert_uint_eq(hooks.count, 0);
    ck_assert(hooks.unspeakable);
  }
}
END_TEST

static void put_address(bytes *to, uint8_t family, uint16_t type, const void *value, size_t len)
{
  bytes a = {0};
  struct ifaddrmsg head = {.ifa_family = family};
  put_attribute(&a, type, value, len);
  put_message(to, RTM_NEWADDR, &head, sizeof(head), &a);
}

START_TEST(addresses_of_another_namespace_are_added_once)
{
  static const unsigned char four[4] = {172, 20, 0, 2};
  static const unsigned char six[16] = {0xfd, [15] = 2};
  bytes in = {0};
  bytes none = {0};
  iso_addr addrs[ISO_LOCALS_MAX];
  iso_locals locals = {.addrs = addrs};
  bool done = false;
  put_address(&in, AF_INET, IFA_LOCAL, four, sizeof(four));
  put_address(&in, AF_INET, IFA_ADDRESS, four, sizeof(four));
  put_address(&in, AF_INET6, IFA_ADDRESS, six, sizeof(six));
  put_address(&in, AF_INET6, IFA_ADDRESS, four, sizeof(four));
  put_message(&in, NLMSG_DONE, "\0\0\0", 4, &none);
  put_address(&in, AF_INET, IFA_LOCAL, six, 4);
  ck_assert(iso_locals_walk(in.b, in.len, &locals, &done));
  ck_assert(done);
  ck_assert_uint_eq(locals.count, 2);
  iso_addr wanted = iso_addr_from(4, four);
  ck_assert(iso_locals_has(&locals, &wanted));
  wanted = iso_addr_from(6, six);
  ck_assert(iso_locals_has(&locals, &wanted));
}
END_TEST

START_TEST(sockets_of_others_stay_only_within_the_machine)
{
  static const unsigned char own[4] = {172, 20, 0, 2};
  static const unsigned char far[4] = {192, 0, 2, 1};
  static const unsigned char loop[4] = {127, 0, 0, 1};
  iso_addr addrs[1] = {iso_addr_from(4, own)};
  iso_locals locals = {.addrs = addrs, .count = 1};
  iso_socket s = {.remote = iso_addr_from(4, far), .has_mark = true, .mark = 0xc0d10001};
  ck_assert(!iso_socket_stays_elsewhere(&locals, &s));
  s.remote = iso_addr_from(4, own);
  ck_assert(iso_socket_stays_elsewhere(&locals, &s));
  s.remote = iso_addr_from(4, loop);
  ck_assert(iso_socket_stays_elsewhere(&locals, &s));
}
END_TEST

START_TEST(changes_of_the_network_are_told_from_reports)
{
  bytes none = {0};
  bytes radio = {0};
  struct ifinfomsg link = {.ifi_index = 2};
  struct ifaddrmsg addr = {.ifa_index = 2};
  struct rtmsg route = {.rtm_family = AF_INET};
  struct rtmsg cached = {.rtm_family = AF_INET6, .rtm_flags = RTM_F_CLONED};
  put_attribute(&radio, IFLA_WIRELESS, "scan", 4);
  const struct {
    uint16_t type;
    const void *head;
    size_t len;
    const bytes *attributes;
    iso_network wanted;
  } cases[] = {
      {RTM_NEWLINK, &link, sizeof(link), &none, {.links = true}},
      {RTM_DELLINK, &link, sizeof(link), &none, {.links = true}},
      {RTM_NEWLINK, &link, sizeof(link), &radio, {.links = false}},
      {RTM_NEWLINK, &link, 4, &none, {.links = false}},
      {RTM_NEWADDR, &addr, sizeof(addr), &none, {.addresses = true}},
      {RTM_DELROUTE, &route, sizeof(route), &none, {.routes = true}},
      {RTM_NEWROUTE, &cached, sizeof(cached), &none, {.routes = false}},
      {RTM_NEWNEIGH, &addr, sizeof(addr), &none, {.links = false}},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    bytes in = {0};
    iso_network network = {.links = false};
    put_message(&in, cases[i].type, cases[i].head, cases[i].len, cases[i].attributes);
    iso_network_walk(in.b, in.len, &network);
    ck_assert_msg(network.links == cases[i].wanted.links &&
                      network.addresses == cases[i].wanted.addresses &&
                      network.routes == cases[i].wanted.routes,
                  "case %zu", i);
    ck_assert(iso_network_moved(&network) ==
              (network.links || network.addresses || network.routes));
  }
}
END_TEST

START_TEST(packet_sockets_are_read_from_their_lines)
{
  iso_packet p;
  ck_assert(!iso_packet_read("sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n", &p));
  ck_assert(!iso_packet_read("", &p));
  ck_assert(iso_packet_read(
      "ffff888004f0a800 3      3    0003   2     1 0      1000   18446744073709551615\n", &p));
  ck_assert_uint_eq(p.protocol, 3);
  ck_assert_uint_eq(p.link, 2);
  ck_assert_uint_eq(p.user, 1000);
  ck_assert(p.inode == UINT64_MAX);
  ck_assert(iso_packet_expected("/usr/sbin/dhclient") &&
            iso_packet_expected("/usr/lib/systemd/systemd-networkd"));
  ck_assert(!iso_packet_expected("/tmp/dhclient") && !iso_packet_expected("dhclient") &&
            !iso_packet_expected("") && !iso_packet_expected("/usr/sbin/tcpdump"));
}
END_TEST

START_TEST(only_chains_that_are_exactly_ours_cover_a_link)
{
  static const char good[] = "chain in_2 {\ntype filter hook ingress device \"eth0\" priority 0; "
                             "policy drop;\njump in\n}\n"
                             "chain out_2 {\ntype filter hook egress device \"eth0\" priority 0; "
                             "policy drop;\njump out\n}\n";
  static const char bad[] = "chain out_2 {\ntype filter hook egress device \"eth0\" priority 0; "
                            "policy drop;\naccept\njump out\n}\n"
                            "chain in_2 {\ntype filter hook ingress device \"eth0\" priority 0; "
                            "policy accept;\njump in\n}\n"
                            "chain out_x {\n}\nchain out_";
  sup_text rest = SUP_TEXT_INIT(4096);
  iso_strict s = {.there = true};
  iso_strict_take_links(good, &s, &rest);
  ck_assert(iso_hooks_have(&s.in, "eth0") && iso_hooks_have(&s.out, "eth0"));
  ck_assert_str_eq(sup_text_get(&rest), "");
  s = (iso_strict){.there = true};
  iso_strict_take_links(bad, &s, &rest);
  ck_assert_uint_eq(s.in.count + s.out.count, 0);
  ck_assert_str_eq(sup_text_get(&rest), bad);
  sup_text_release(&rest);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      hears_of_our_table_and_of_generations,
      reads_our_counters_and_nothing_else,
      knows_the_end_of_the_counters_and_their_interruption,
      survives_every_cut,
      ignores_lengths_that_lie,
      reads_sockets_until_the_dump_is_done,
      tells_a_refused_dump,
      keeps_the_sockets_of_the_table,
      a_service_that_accepts_keeps_what_it_accepted,
      a_generation_is_ours_only_if_it_was_made_alone,
      links_that_frames_leave_by_are_told_from_the_rest,
      links_that_send_past_the_rules_are_named,
      a_link_that_would_end_its_quotes_is_not_written,
      addresses_of_another_namespace_are_added_once,
      sockets_of_others_stay_only_within_the_machine,
      changes_of_the_network_are_told_from_reports,
      packet_sockets_are_read_from_their_lines,
      only_chains_that_are_exactly_ours_cover_a_link,
  };
  return run_suite("plugins.nftables.decoders", tests, COUNT_OF(tests));
}
