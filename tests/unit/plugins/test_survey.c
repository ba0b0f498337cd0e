/* What a dry run reads, taken apart, and what it makes of it. */
#include "routes.h"
#include "sockets.h"
#include "support/netlink.h"
#include "survey.h"
#include "wireguard.h"

#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmpx.h>

typedef struct bytes {
  unsigned char b[8192];
  size_t len;
} bytes;

static void put(bytes *to, const void *from, size_t len)
{
  ck_assert_uint_le(to->len + len + 4, sizeof(to->b));
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

static void put_text(bytes *to, uint16_t type, const char *text)
{
  put_attribute(to, type, text, strlen(text) + 1);
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

static iso_addr addr(const char *text)
{
  iso_addr a = {0};
  sup_err err = {0};
  ck_assert_msg(iso_addr_parse(text, "an address", &a, &err) == CORDON_OK, "%s", err.sentence);
  return a;
}

/* Every front part, in memory of just that size. */
static void each_cut(const bytes *in, void (*walk)(const unsigned char *bytes, size_t len))
{
  for (size_t len = 0; len <= in->len; len++) {
    unsigned char *exact = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, in->b, len);
    walk(exact, len);
    free(exact);
  }
}

/* ---- interfaces ---- */

typedef struct netifs {
  int count;
  iso_netif items[8];
} netifs;

static void take_netif(void *data, const iso_netif *n)
{
  netifs *to = data;
  ck_assert_int_lt(to->count, 8);
  to->items[to->count++] = *n;
}

/* Kind, and where its tunnel leads: attribute, bytes. */
static void put_netif(bytes *to, int index, const char *name, const char *kind, uint16_t remote,
                      const void *remote_bytes, size_t remote_len)
{
  bytes data = {0};
  bytes info = {0};
  bytes a = {0};
  struct ifinfomsg head = {.ifi_index = index, .ifi_type = ARPHRD_ETHER, .ifi_flags = IFF_UP};
  uint16_t port = htons(4789);
  if (remote != 0)
    put_attribute(&data, remote, remote_bytes, remote_len);
  if (strcmp(kind, "vxlan") == 0)
    put_attribute(&data, 15, &port, sizeof(port));
  put_text(&info, IFLA_INFO_KIND, kind);
  put_attribute(&info, IFLA_INFO_DATA, data.b, data.len);
  put_text(&a, IFLA_IFNAME, name);
  put_attribute(&a, IFLA_LINKINFO, info.b, info.len);
  put_message(to, RTM_NEWLINK, &head, sizeof(head), &a);
}

static void walk_netifs(const unsigned char *in, size_t len)
{
  netifs found = {0};
  bool done = false;
  iso_netifs_walk(in, len, &done, take_netif, &found);
}

START_TEST(reads_interfaces_and_where_tunnels_lead)
{
  static const struct {
    const char *kind;
    uint16_t attribute;
    const char *outer;
    bool tunnel;
  } rows[] = {{"veth", 0, NULL, false},
              {"wireguard", 0, NULL, true},
              {"tun", 0, NULL, true},
              {"ipip", 3, "192.0.2.9", true},
              {"gre", 7, "192.0.2.9", true},
              {"vti", 5, "192.0.2.9", true},
              {"ip6tnl", 3, "2001:db8::9", true},
              {"vxlan", 2, "192.0.2.9", true},
              {"geneve", 7, "2001:db8::9", true},
              {"bridge", 0, NULL, false},
              {"xfrm", 0, NULL, true},
              {"vlan", 0, NULL, false}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    bytes in = {0};
    netifs found = {0};
    bool done = false;
    iso_addr outer = rows[i].outer != NULL ? addr(rows[i].outer) : (iso_addr){0};
    put_netif(&in, 7, "net7", rows[i].kind, rows[i].attribute, outer.bytes,
              outer.family == 6 ? 16 : 4);
    iso_netifs_walk(in.b, in.len, &done, take_netif, &found);
    ck_assert_int_eq(found.count, 1);
    ck_assert_str_eq(found.items[0].kind, rows[i].kind);
    ck_assert_msg((iso_netif_tunnel(&found.items[0]) != NULL) == rows[i].tunnel, "%s",
                  rows[i].kind);
    ck_assert_msg(iso_addr_compare(&found.items[0].outer, &outer) == 0, "%s", rows[i].kind);
    ck_assert_uint_eq(found.items[0].outer_port, strcmp(rows[i].kind, "vxlan") == 0 ? 4789 : 0);
    each_cut(&in, walk_netifs);
  }
}
END_TEST

START_TEST(knows_a_tunnel_without_a_kind_by_its_hardware)
{
  iso_netif n = {.hardware = ARPHRD_TUNNEL};
  ck_assert_ptr_nonnull(iso_netif_tunnel(&n));
  n.hardware = ARPHRD_ETHER;
  ck_assert_ptr_null(iso_netif_tunnel(&n));
}
END_TEST

/* ---- ways ---- */

static const iso_exclusion let_out[] = {
    {.directions = ISO_OUT, .protocols = ISO_UDP, .port_first = 4789, .port_last = 4789},
    {.directions = ISO_OUT, .protocols = ISO_ANY, .port_last = 65535}};

START_TEST(a_tunnel_survives_only_if_its_own_packets_are_let_out)
{
  static const iso_tunnel vxlan = {"vxlan", "", ISO_UDP, false};
  static const iso_tunnel gre = {"gre", "", ISO_OTHER, false};
  static const iso_tunnel tun = {"tun", "", 0, false};
  static const iso_tunnel ppp = {"ppp", "", 0, true};
  iso_exclusion exclusions[2];
  memcpy(exclusions, let_out, sizeof(exclusions));
  exclusions[0].remote = (iso_range){addr("192.0.2.9"), addr("192.0.2.9")};
  exclusions[1].remote = (iso_range){addr("192.0.2.20"), addr("192.0.2.29")};
  const iso_params full = {0};
  const iso_params some = {.selective = true, .exclusion_count = 2, .exclusions = exclusions};
  const iso_addr outer = addr("192.0.2.9");
  const iso_addr in_range = addr("192.0.2.25");
  const iso_addr other = addr("192.0.2.10");
  const iso_addr none = {0};
  ck_assert_int_eq(iso_way_through(&full, &vxlan, &outer, 4789), ISO_WAY_CUT);
  ck_assert_int_eq(iso_way_through(&full, &tun, &none, 0), ISO_WAY_CUT);
  ck_assert_int_eq(iso_way_through(&full, &ppp, &none, 0), ISO_WAY_DOUBTFUL);
  ck_assert_int_eq(iso_way_through(&some, &vxlan, &outer, 4789), ISO_WAY_OPEN);
  ck_assert_int_eq(iso_way_through(&some, &vxlan, &outer, 4790), ISO_WAY_CUT);
  ck_assert_int_eq(iso_way_through(&some, &vxlan, &other, 4789), ISO_WAY_CUT);
  ck_assert_int_eq(iso_way_through(&some, &vxlan, &none, 0), ISO_WAY_DOUBTFUL);
  ck_assert_int_eq(iso_way_through(&some, &gre, &in_range, 0), ISO_WAY_OPEN);
  ck_assert_int_eq(iso_way_through(&some, &gre, &outer, 0), ISO_WAY_CUT);
  ck_assert_int_eq(iso_way_through(&some, &tun, &none, 0), ISO_WAY_DOUBTFUL);
}
END_TEST

static void walk_route(const unsigned char *in, size_t len)
{
  iso_route r;
  iso_route_read(in, len, &r);
}

START_TEST(reads_a_route)
{
  bytes a = {0};
  bytes in = {0};
  bytes none = {0};
  iso_route r;
  uint32_t index = 5;
  struct rtmsg head = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
  const iso_addr source = addr("10.0.0.7");
  put_attribute(&a, RTA_OIF, &index, sizeof(index));
  put_attribute(&a, RTA_PREFSRC, source.bytes, 4);
  put_message(&in, RTM_NEWROUTE, &head, sizeof(head), &a);
  iso_route_read(in.b, in.len, &r);
  ck_assert(r.there);
  ck_assert_uint_eq(r.interface, 5);
  ck_assert_int_eq(iso_addr_compare(&r.source, &source), 0);
  each_cut(&in, walk_route);
  int error = -ENETUNREACH;
  in.len = 0;
  put_message(&in, NLMSG_ERROR, &error, sizeof(error), &none);
  iso_route_read(in.b, in.len, &r);
  ck_assert(!r.there);
}
END_TEST

static const iso_target_flow *console_flow(void)
{
  static iso_target_flow f = {.port = 8443};
  f.source = addr("10.0.0.7");
  f.to = addr("192.0.2.1");
  return &f;
}

static void walk_policies(const unsigned char *in, size_t len)
{
  bool done = false;
  bool found = false;
  iso_addr outer = {0};
  iso_policies_walk(in, len, console_flow(), &done, &found, &outer);
}

/* A policy for a prefix of 192.0.2.0, and what it wants. */
static void put_policy(bytes *to, uint8_t bits, uint8_t dir, uint8_t action, uint16_t dport,
                       bool template)
{
  bytes a = {0};
  struct xfrm_user_tmpl t = {.family = AF_INET, .mode = XFRM_MODE_TUNNEL};
  struct xfrm_userpolicy_info p = {.dir = dir, .action = action};
  p.sel.family = AF_INET;
  p.sel.prefixlen_d = bits;
  p.sel.dport = htons(dport);
  p.sel.dport_mask = dport != 0 ? 0xffff : 0;
  ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.0", &p.sel.daddr), 1);
  ck_assert_int_eq(inet_pton(AF_INET, "203.0.113.5", &t.id.daddr), 1);
  if (template)
    put_attribute(&a, XFRMA_TMPL, &t, sizeof(t));
  put_message(to, XFRM_MSG_NEWPOLICY, &p, sizeof(p), &a);
}

START_TEST(finds_the_policy_that_encrypts_the_way_to_the_console)
{
  static const struct {
    uint8_t bits;
    uint8_t dir;
    uint8_t action;
    uint16_t dport;
    bool template;
    bool found;
  } rows[] = {{24, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, true, true},
              {0, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, true, true},
              {24, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 8443, true, true},
              {24, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 443, true, false},
              {32, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, true, false},
              {31, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, true, true},
              {200, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, true, false},
              {24, XFRM_POLICY_IN, XFRM_POLICY_ALLOW, 0, true, false},
              {24, XFRM_POLICY_OUT, XFRM_POLICY_BLOCK, 0, true, false},
              {24, XFRM_POLICY_OUT, XFRM_POLICY_ALLOW, 0, false, false}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    bytes in = {0};
    bool done = false;
    bool found = false;
    iso_addr outer = {0};
    char text[ISO_ADDR_TEXT];
    put_policy(&in, rows[i].bits, rows[i].dir, rows[i].action, rows[i].dport, rows[i].template);
    iso_policies_walk(in.b, in.len, console_flow(), &done, &found, &outer);
    ck_assert_msg(found == rows[i].found, "row %zu", i);
    if (found)
      ck_assert_str_eq(iso_addr_text(&outer, text), "203.0.113.5");
    each_cut(&in, walk_policies);
  }
}
END_TEST

/* ---- WireGuard ---- */

static void put_nested(bytes *to, uint16_t type, const bytes *inner)
{
  put_attribute(to, type, inner->b, inner->len);
}

static void put_allowed(bytes *list, const char *net, uint8_t bits)
{
  bytes one = {0};
  const iso_addr a = addr(net);
  put_attribute(&one, 2, a.bytes, a.family == 6 ? 16 : 4);
  put_attribute(&one, 3, &bits, 1);
  put_nested(list, 0, &one);
}

static void put_peer(bytes *peers, const char *endpoint, const bytes *allowed)
{
  bytes peer = {0};
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(51820)};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(51821)};
  if (inet_pton(AF_INET, endpoint, &in.sin_addr) == 1)
    put_attribute(&peer, 4, &in, sizeof(in));
  else if (inet_pton(AF_INET6, endpoint, &in6.sin6_addr) == 1)
    put_attribute(&peer, 4, &in6, sizeof(in6));
  put_nested(&peer, 9, allowed);
  put_nested(peers, 0, &peer);
}

static void walk_peers(const unsigned char *in, size_t len)
{
  bool done = false;
  iso_peer p = {0};
  const iso_addr to = addr("192.0.2.1");
  iso_peers_walk(in, len, &to, &done, &p);
}

/* Three peers: all of IPv4, a narrower prefix of it, all of IPv6. */
START_TEST(finds_the_peer_that_gets_the_packets)
{
  static const struct {
    const char *to;
    const char *endpoint; /* NULL: nobody gets them */
    uint16_t port;
  } rows[] = {{"192.0.2.1", "203.0.113.2", 51820},
              {"198.18.0.1", "203.0.113.1", 51820},
              {"2001:db8::1", "2001:db8:1::9", 51821},
              {"fd00::1", NULL, 0}};
  bytes all = {0};
  bytes narrow = {0};
  bytes six = {0};
  bytes peers = {0};
  bytes a = {0};
  bytes in = {0};
  uint32_t head = 0; /* genlmsghdr */
  char text[ISO_ADDR_TEXT];
  put_allowed(&all, "0.0.0.1", 0);
  put_allowed(&narrow, "198.51.100.0", 24);
  put_allowed(&narrow, "192.0.2.0", 23);
  put_allowed(&narrow, "192.0.2.0", 28);
  put_allowed(&six, "2001:db8::", 32);
  put_peer(&peers, "203.0.113.2", &narrow);
  put_peer(&peers, "203.0.113.1", &all);
  put_peer(&peers, "2001:db8:1::9", &six);
  put_nested(&a, 8, &peers);
  put_message(&in, 27, &head, sizeof(head), &a);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    bool done = false;
    iso_peer p = {0};
    const iso_addr to = addr(rows[i].to);
    iso_peers_walk(in.b, in.len, &to, &done, &p);
    ck_assert_int_eq(p.found, rows[i].endpoint != NULL);
    ck_assert_uint_eq(p.port, rows[i].port);
    if (p.found)
      ck_assert_str_eq(iso_addr_text(&p.endpoint, text), rows[i].endpoint);
  }
  each_cut(&in, walk_peers);
}
END_TEST

START_TEST(reads_the_number_of_a_family)
{
  bytes a = {0};
  bytes in = {0};
  uint32_t head = 0;
  uint16_t id = 27;
  put_attribute(&a, 1, &id, sizeof(id));
  put_message(&in, 16, &head, sizeof(head), &a);
  ck_assert_uint_eq(iso_family_read(in.b, in.len), 27);
  for (size_t len = 0; len < in.len - 4; len++)
    ck_assert_uint_eq(iso_family_read(in.b, len), 0);
  in.b[4] = 2; /* an error */
  ck_assert_uint_eq(iso_family_read(in.b, in.len), 0);
}
END_TEST

/* ---- owners ---- */

static void put_object(bytes *to, uint16_t message, const char *table, const char *chain,
                       uint32_t flags)
{
  bytes a = {0};
  struct nfgenmsg head = {0};
  uint32_t big = htonl(flags);
  uint32_t port = htonl(4711);
  put_text(&a, NFTA_TABLE_NAME, table);
  if (chain != NULL)
    put_text(&a, NFTA_CHAIN_NAME, chain);
  if (flags != 0) {
    put_attribute(&a, NFTA_TABLE_FLAGS, &big, sizeof(big));
    put_attribute(&a, NFTA_TABLE_OWNER, &port, sizeof(port));
  }
  put_message(to, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), &head, sizeof(head), &a);
}

static void walk_owners(const unsigned char *in, size_t len)
{
  bool done = false;
  iso_owners o = {0};
  iso_owners_walk(in, len, &done, &o);
}

START_TEST(knows_whose_tables_and_chains_there_are)
{
  bytes in = {0};
  bool done = false;
  iso_owners o = {0};
  put_object(&in, NFT_MSG_NEWTABLE, "firewalld", NULL, 0);
  put_object(&in, NFT_MSG_NEWTABLE, "filter", NULL, 0);
  put_object(&in, NFT_MSG_NEWTABLE, "vendor", NULL, NFT_TABLE_F_OWNER);
  put_object(&in, NFT_MSG_NEWTABLE, "cordon", NULL, 0);
  put_object(&in, NFT_MSG_NEWTABLE, "cordon_guard", NULL, NFT_TABLE_F_OWNER);
  put_object(&in, NFT_MSG_NEWCHAIN, "filter", "DOCKER-USER", 0);
  put_object(&in, NFT_MSG_NEWCHAIN, "filter", "ufw-before-input", 0);
  put_object(&in, NFT_MSG_NEWCHAIN, "filter", "INPUT", 0);
  iso_owners_walk(in.b, in.len, &done, &o);
  ck_assert_str_eq(o.seen[ISO_FIREWALLD], "table 'firewalld'");
  ck_assert_str_eq(o.seen[ISO_DOCKER], "chain 'DOCKER-USER'");
  ck_assert_str_eq(o.seen[ISO_UFW], "chain 'ufw-before-input'");
  ck_assert_str_eq(o.seen[ISO_CILIUM], "");
  ck_assert_uint_eq(o.owned_count, 1);
  ck_assert_str_eq(o.owned[0].name, "vendor");
  ck_assert_uint_eq(o.owned[0].port, 4711);
  each_cut(&in, walk_owners);
  ck_assert_int_eq(iso_owner_of_interface("cilium_host"), ISO_CILIUM);
  ck_assert_int_eq(iso_owner_of_interface("eth0"), ISO_OWNER_NONE);
  ck_assert_int_eq(iso_owner_of_process("firewalld"), ISO_FIREWALLD);
  ck_assert_int_eq(iso_owner_of_process("firewalld-cmd"), ISO_OWNER_NONE);
}
END_TEST

START_TEST(counts_owned_tables_that_there_is_no_room_for)
{
  bytes in = {0};
  bool done = false;
  iso_owners o = {0};
  for (int i = 0; i < ISO_OWNED_MAX + 3; i++)
    put_object(&in, NFT_MSG_NEWTABLE, "vendor", NULL, NFT_TABLE_F_OWNER);
  iso_owners_walk(in.b, in.len, &done, &o);
  ck_assert_uint_eq(o.owned_count, ISO_OWNED_MAX);
  ck_assert_uint_eq(o.owned_left, 3);
}
END_TEST

/* ---- processes ---- */

START_TEST(tells_the_user_of_a_session_by_its_title)
{
  static const struct {
    const char *title;
    const char *user;
  } rows[] = {{"sshd: alice@pts/0", "alice"},
              {"sshd: alice [priv]", "alice"},
              {"sshd-session: bob@notty", "bob"},
              {"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", NULL},
              {"sshd: [accepted]", NULL},
              {"sshd: unknown [priv]", NULL},
              {"sshd: alice [net]", NULL},
              {"/usr/sbin/sshd -D", NULL},
              {"sshd: ", NULL},
              {"sshd: \x1b[31mx@pts/0", NULL},
              {"sshd: an-endless-name-that-no-system-would-ever-give-to-anybody@pts/1", NULL}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char user[ISO_USER_NAME] = "";
    bool is = iso_sshd_user(rows[i].title, user);
    ck_assert_msg(is == (rows[i].user != NULL), "%s", rows[i].title);
    if (is)
      ck_assert_str_eq(user, rows[i].user);
  }
}
END_TEST

START_TEST(tells_the_ports_of_sshd)
{
  iso_procs p = {0};
  iso_sshd_ports("# Port 1\nPort 2222\n  Port\t2223\nPorts 9\nPermitRootLogin no\nPort 0\nPort",
                 &p);
  iso_sshd_ports(" /usr/sbin/sshd -D -p 2224 -p2222 -p x -p 99999", &p);
  ck_assert_uint_eq(p.sshd_port_count, 3);
  ck_assert_uint_eq(p.sshd_ports[0], 2222);
  ck_assert_uint_eq(p.sshd_ports[1], 2223);
  ck_assert_uint_eq(p.sshd_ports[2], 2224);
}
END_TEST

START_TEST(tells_the_user_of_an_address_by_utmp)
{
  struct utmpx u[3];
  char user[ISO_USER_NAME] = "";
  const iso_addr four = addr("10.77.0.12");
  const iso_addr six = addr("fd77::12");
  memset(u, 0, sizeof(u));
  u[0].ut_type = DEAD_PROCESS;
  memcpy(u[0].ut_user, "mallory", 7);
  memcpy(u[0].ut_addr_v6, four.bytes, 4);
  u[1].ut_type = USER_PROCESS;
  memcpy(u[1].ut_user,
         "al\x1b"
         "ce",
         5);
  memcpy(u[1].ut_addr_v6, four.bytes, 4);
  u[2].ut_type = USER_PROCESS;
  memcpy(u[2].ut_user, "bob", 3);
  memcpy(u[2].ut_addr_v6, six.bytes, 16);
  ck_assert(iso_utmp_user((const unsigned char *)u, sizeof(u), &four, user));
  ck_assert_str_eq(user, "al?ce");
  ck_assert(iso_utmp_user((const unsigned char *)u, sizeof(u), &six, user));
  ck_assert_str_eq(user, "bob");
  ck_assert(!iso_utmp_user((const unsigned char *)u, sizeof(u) - 1, &six, user));
}
END_TEST

static void write_file(const char *root, const char *path, const char *text, size_t len)
{
  char full[512];
  (void)snprintf(full, sizeof(full), "%s/%s", root, path);
  for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
    *at = '\0';
    (void)mkdir(full, 0755);
    *at = '/';
  }
  FILE *f = fopen(full, "w");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(text, 1, len, f), len);
  (void)fclose(f);
}

static void write_text(const char *root, const char *path, const char *text)
{
  write_file(root, path, text, strlen(text));
}

START_TEST(reads_processes_as_far_as_they_may_be_seen)
{
  static const char title[] = "sshd: alice@pts/0\0\0";
  char root[] = "/tmp/cordon-procs.XXXXXX";
  char path[512];
  char remove[600];
  struct stat st;
  iso_procs p = {0};
  ck_assert_ptr_nonnull(mkdtemp(root));
  write_text(root, "proc/17/comm", "sshd\n");
  write_file(root, "proc/17/cmdline", title, sizeof(title) - 1);
  write_text(root, "proc/17/cgroup", "12:cpu:/x\n0::/system.slice/ssh.service\n");
  write_text(root, "proc/18/comm", "firewalld\n");
  write_text(root, "proc/self", "");
  write_text(root, "etc/ssh/sshd_config", "Port 2022\n");
  write_text(root, "sys/fs/cgroup/system.slice/ssh.service/cgroup.procs", "17\n");
  (void)snprintf(path, sizeof(path), "%s/proc/17/fd", root);
  ck_assert_int_eq(mkdir(path, 0755), 0);
  (void)snprintf(path, sizeof(path), "%s/proc/17/fd/3", root);
  ck_assert_int_eq(symlink("socket:[4321]", path), 0);
  (void)snprintf(path, sizeof(path), "%s/sys/fs/cgroup/system.slice/ssh.service", root);
  ck_assert_int_eq(stat(path, &st), 0);

  ck_assert(iso_procs_read(root, &p));
  ck_assert_uint_eq(p.count, 2);
  ck_assert_str_eq(p.ssh_user, "alice");
  ck_assert_uint_eq(p.sshd_ports[0], 2022);
  const iso_socket ours = {.inode = 4321, .cgroup = st.st_ino};
  const iso_socket other = {.inode = 99, .cgroup = 1};
  ck_assert_ptr_nonnull(iso_procs_holder(&p, &ours));
  ck_assert_str_eq(iso_procs_holder(&p, &ours)->name, "sshd");
  ck_assert_str_eq(iso_procs_unit(&p, &ours), "ssh.service");
  ck_assert_ptr_null(iso_procs_holder(&p, &other));
  ck_assert_ptr_null(iso_procs_unit(&p, &other));
  iso_procs_release(&p);
  (void)snprintf(remove, sizeof(remove), "rm -rf %s", root);
  ck_assert_int_eq(system(remove), 0);
}
END_TEST

/* ---- findings ---- */

static iso_survey *survey;
static iso_params params;
static cJSON *result;

static void setup(void)
{
  survey = calloc(1, sizeof(*survey));
  ck_assert_ptr_nonnull(survey);
  survey->netifs = calloc(ISO_NETIFS_MAX, sizeof(*survey->netifs));
  ck_assert_ptr_nonnull(survey->netifs);
  params = (iso_params){.console_count = 2};
  params.consoles[0] = (iso_endpoint){addr("192.0.2.1"), 8443};
  params.consoles[1] = (iso_endpoint){addr("2001:db8::1"), 8443};
  survey->params = &params;
  for (size_t i = 0; i < 2; i++)
    survey->paths[i] = (iso_path){.to = params.consoles[i], .way = ISO_WAY_OPEN};
  result = NULL;
}

static void teardown(void)
{
  cJSON_Delete(result);
  iso_survey_release(survey);
  free(survey);
}

/* "check severity" of each finding, with commas. */
static const char *findings(void)
{
  static char text[1024];
  const cJSON *f = NULL;
  cJSON_Delete(result);
  result = cJSON_CreateObject();
  iso_findings_add(survey, result);
  text[0] = '\0';
  cJSON_ArrayForEach(f, cJSON_GetObjectItem(result, "findings"))
  {
    size_t len = strlen(text);
    (void)snprintf(text + len, sizeof(text) - len, "%s%s %s", len > 0 ? ", " : "",
                   cJSON_GetObjectItem(f, "check")->valuestring,
                   cJSON_GetObjectItem(f, "severity")->valuestring);
  }
  return text;
}

static const char *sentence(int i)
{
  return cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(result, "findings"), i),
                             "sentence")
      ->valuestring;
}

START_TEST(finds_nothing_on_a_plain_device)
{
  survey->forwards4 = true;
  ck_assert_str_eq(findings(), "");
}
END_TEST

START_TEST(refuses_only_if_every_way_to_the_console_is_cut)
{
  survey->paths[0].way = ISO_WAY_CUT;
  survey->paths[0].tunnel = "a WireGuard tunnel";
  memcpy(survey->paths[0].interface, "wg0", 4);
  ck_assert_str_eq(findings(), "console_tunnel warn");
  ck_assert_str_eq(sentence(0), "the console at 192.0.2.1:8443 is reached through a WireGuard "
                                "tunnel on wg0, and the tunnel's own packets would be cut");
  survey->paths[1] = survey->paths[0];
  survey->paths[1].to = params.consoles[1];
  survey->paths[1].outer = addr("2001:db8::7");
  ck_assert_str_eq(findings(), "console_tunnel refuse, console_tunnel refuse");
  ck_assert_str_eq(sentence(1),
                   "the console at [2001:db8::1]:8443 is reached through a WireGuard tunnel on wg0 "
                   "to 2001:db8::7, and the tunnel's own packets would be cut");
  survey->paths[1].way = ISO_WAY_NONE;
  ck_assert_str_eq(findings(), "console_tunnel refuse");
  survey->paths[1].way = ISO_WAY_DOUBTFUL;
  ck_assert_str_eq(findings(), "console_tunnel warn, console_tunnel warn");
  survey->paths[0].way = ISO_WAY_NONE;
  survey->paths[1].way = ISO_WAY_NONE;
  ck_assert_str_eq(findings(), "console_route info");
}
END_TEST

static void add_netif(unsigned index, const char *name, const char *kind, unsigned master)
{
  iso_netif *n = &survey->netifs[survey->netif_count++];
  *n = (iso_netif){.index = index, .master = master};
  (void)snprintf(n->name, sizeof(n->name), "%s", name);
  (void)snprintf(n->kind, sizeof(n->kind), "%s", kind);
}

START_TEST(finds_a_host_of_containers)
{
  add_netif(2, "eth0", "", 0);
  add_netif(3, "br0", "bridge", 0);
  iso_survey_bridges(survey);
  ck_assert_str_eq(findings(), "");
  survey->bridge_count = 0;
  add_netif(4, "veth1", "veth", 3);
  add_netif(5, "veth2", "veth", 3);
  iso_survey_bridges(survey);
  ck_assert_str_eq(findings(), "container_host warn");
  ck_assert_ptr_nonnull(strstr(sentence(0), "forwarding is off; bridge br0 has 2 interfaces"));
  const cJSON *guest = cJSON_GetArrayItem(
      cJSON_GetObjectItem(cJSON_GetObjectItem(result, "would_cut"), "guests"), 0);
  ck_assert_str_eq(cJSON_GetObjectItem(guest, "interfaces")->valuestring, "veth1, veth2");
  survey->bridge_count = 0;
  survey->netif_count = 0;
  iso_owners_note(&survey->owners, ISO_DOCKER, "process", "dockerd");
  ck_assert_str_eq(findings(), "foreign_firewall info");
  survey->forwards6 = true;
  ck_assert_str_eq(findings(), "container_host warn, foreign_firewall info");
}
END_TEST

START_TEST(finds_other_owners_of_rules)
{
  iso_owners_note(&survey->owners, ISO_CILIUM, "interface", "cilium_host");
  survey->owners.owned[0] = (iso_owned){.name = "vendor", .port = 7};
  survey->owners.owned_count = 1;
  survey->owners.owned_left = 2;
  ck_assert_str_eq(findings(), "foreign_firewall warn, foreign_firewall warn");
  ck_assert_ptr_nonnull(strstr(sentence(0), "Cilium moves packets with eBPF"));
  ck_assert_ptr_nonnull(strstr(sentence(1), "so do 2 others"));
}
END_TEST

static void show(const char *remote, uint16_t local_port, uint16_t remote_port, bool listens,
                 bool opened)
{
  const iso_socket s = {.local = addr("10.0.0.7"),
                        .remote = remote != NULL ? addr(remote) : (iso_addr){.family = 4},
                        .local_port = local_port,
                        .remote_port = remote_port,
                        .user = 4000000000u,
                        .family = AF_INET};
  const iso_shown shown = {
      .socket = &s, .protocol = IPPROTO_TCP, .listens = listens, .opened_by_remote = opened};
  iso_survey_socket(survey, &shown);
}

START_TEST(groups_connections_and_counts_what_it_leaves_out)
{
  show(NULL, 22, 0, true, false);
  show(NULL, 80, 0, true, false);
  for (int i = 0; i < 5; i++)
    show("192.0.2.7", (uint16_t)(40000 + i), 443, false, false);
  for (int i = 0; i < ISO_CUTS_MAX + 10; i++) {
    char remote[32];
    (void)snprintf(remote, sizeof(remote), "198.51.100.%d", i);
    show(remote, 80, (uint16_t)(50000 + i), false, true);
  }
  iso_survey_name(survey);
  ck_assert_str_eq(findings(), "");
  const cJSON *cut = cJSON_GetObjectItem(result, "would_cut");
  const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(cut, "connections"), 0);
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(cut, "connections")), ISO_CUTS_MAX);
  ck_assert_int_eq(cJSON_GetObjectItem(cut, "connections_left_out")->valueint, 11);
  ck_assert_int_eq(cJSON_GetObjectItem(first, "count")->valueint, 5);
  ck_assert_str_eq(cJSON_GetObjectItem(first, "direction")->valuestring, "out");
  ck_assert_str_eq(cJSON_GetObjectItem(first, "user")->valuestring, "4000000000");
  const cJSON *service = cJSON_GetArrayItem(cJSON_GetObjectItem(cut, "services"), 0);
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(cut, "services")), 1);
  ck_assert_int_eq(cJSON_GetObjectItem(service, "port")->valueint, 80);
  ck_assert_int_eq(cJSON_GetObjectItem(service, "connections")->valueint, ISO_CUTS_MAX + 10);
}
END_TEST

START_TEST(finds_sessions_in_use)
{
  survey->procs.sshd_ports[0] = 2022;
  survey->procs.sshd_port_count = 1;
  memcpy(survey->procs.ssh_user, "alice", 6);
  show("192.0.2.7", 22, 50000, false, true);
  show("192.0.2.7", 22, 50001, false, true);
  show("192.0.2.8", 2022, 50000, false, true);
  show("192.0.2.8", 3389, 50000, false, true);
  show("192.0.2.9", 22, 22, false, false);
  iso_survey_name(survey);
  ck_assert_str_eq(findings(), "session_in_use warn, session_in_use warn, session_in_use warn");
  ck_assert_str_eq(sentence(0), "a session over SSH from 192.0.2.7 is in use on port 22, of user "
                                "alice, and would be cut");
  ck_assert_str_eq(sentence(2), "a session over remote desktop from 192.0.2.8 is in use on port "
                                "3389, and would be cut");
  survey->procs.ssh_users_differ = true;
  survey->sessions[0].user[0] = '\0';
  iso_survey_name(survey);
  ck_assert_str_eq(findings(), "session_in_use warn, session_in_use warn, session_in_use warn");
  ck_assert_ptr_null(strstr(sentence(0), "alice"));
}
END_TEST

START_TEST(says_what_it_did_not_see)
{
  (void)snprintf(survey->unread, sizeof(survey->unread), "routes, connections");
  survey->paths[0].way = ISO_WAY_NONE;
  survey->paths[1].way = ISO_WAY_NONE;
  ck_assert_str_eq(findings(), "not_seen info");
  ck_assert_ptr_nonnull(strstr(sentence(0), "not its routes, connections"));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {reads_interfaces_and_where_tunnels_lead,
                                knows_a_tunnel_without_a_kind_by_its_hardware,
                                a_tunnel_survives_only_if_its_own_packets_are_let_out,
                                reads_a_route,
                                finds_the_policy_that_encrypts_the_way_to_the_console,
                                finds_the_peer_that_gets_the_packets,
                                reads_the_number_of_a_family,
                                knows_whose_tables_and_chains_there_are,
                                counts_owned_tables_that_there_is_no_room_for,
                                tells_the_user_of_a_session_by_its_title,
                                tells_the_ports_of_sshd,
                                tells_the_user_of_an_address_by_utmp,
                                reads_processes_as_far_as_they_may_be_seen,
                                finds_nothing_on_a_plain_device,
                                refuses_only_if_every_way_to_the_console_is_cut,
                                finds_a_host_of_containers,
                                finds_other_owners_of_rules,
                                groups_connections_and_counts_what_it_leaves_out,
                                finds_sessions_in_use,
                                says_what_it_did_not_see};
  return run_suite_with("plugins.nftables.survey", tests, COUNT_OF(tests), setup, teardown);
}
