/* What the kernel says over netlink, taken apart: whole, cut short and malformed. */
#include "diag.h"
#include "events.h"
#include "gens.h"
#include "netlink.h"
#include "sockets.h"

#include "suite.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
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
  static iso_ports listened;
  listened.bits[22 / 8] |= 1u << (22 % 8);
  listened.bits[2222 / 8] |= 1u << (2222 % 8);
  iso_exclusion exclusions[] = {
      {ISO_OUT, ISO_TCP, {{4, {10, 0, 0, 3}}, {4, {10, 0, 0, 3}}}, 443, 443},
      {ISO_IN, ISO_TCP, {{4, {10, 0, 0, 4}}, {4, {10, 0, 0, 4}}}, 22, 22},
      {ISO_OUT | ISO_IN, ISO_ICMP, {{4, {10, 0, 0, 5}}, {4, {10, 0, 0, 5}}}, 0, 65535},
  };
  iso_params p = {.selective = true,
                  .mark = 5,
                  .console_count = 1,
                  .consoles = {{{4, {10, 0, 0, 1}}, 8443}},
                  .exclusion_count = COUNT_OF(exclusions),
                  .exclusions = exclusions};
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

int main(void)
{
  const TTest *const tests[] = {
      hears_of_our_table_and_of_generations,
      survives_every_cut,
      ignores_lengths_that_lie,
      reads_sockets_until_the_dump_is_done,
      tells_a_refused_dump,
      keeps_the_sockets_of_the_table,
      a_generation_is_ours_only_if_it_was_made_alone,
  };
  return run_suite("plugins.nftables.decoders", tests, COUNT_OF(tests));
}
