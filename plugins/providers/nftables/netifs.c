#include "netifs.h"

#include <string.h>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include "params.h"
#include "support/netlink.h"

/* Where the attributes of a kind have the remote address and its port; 0: it has none such. The
 * numbers are the kernel's, of headers that not every system has. */
static const struct outer_row {
  const char *kind;
  uint8_t remote4;
  uint8_t remote6;
  uint8_t port;
} outers[] = {{"ipip", 3, 0, 0},   {"sit", 3, 0, 0},       {"ip6tnl", 0, 3, 0},
              {"gre", 7, 0, 0},    {"gretap", 7, 0, 0},    {"erspan", 7, 0, 0},
              {"ip6gre", 0, 7, 0}, {"ip6gretap", 0, 7, 0}, {"ip6erspan", 0, 7, 0},
              {"vti", 5, 0, 0},    {"vti6", 0, 5, 0},      {"vxlan", 2, 16, 15},
              {"geneve", 2, 7, 5}};

static const iso_tunnel tunnels[] = {
    {"wireguard", "a WireGuard tunnel", ISO_UDP, false},
    {"amneziawg", "an AmneziaWG tunnel", ISO_UDP, false},
    {"tun", "a TUN/TAP tunnel", 0, false},
    {"ovpn", "an OpenVPN tunnel", 0, false},
    {"ovpn-dco", "an OpenVPN tunnel", 0, false},
    {"ipip", "an IP-in-IP tunnel", ISO_OTHER, false},
    {"sit", "an IPv6-in-IPv4 tunnel", ISO_OTHER, false},
    {"ip6tnl", "an IPv6 tunnel", ISO_OTHER, false},
    {"gre", "a GRE tunnel", ISO_OTHER, false},
    {"gretap", "a GRE tunnel", ISO_OTHER, false},
    {"ip6gre", "a GRE tunnel", ISO_OTHER, false},
    {"ip6gretap", "a GRE tunnel", ISO_OTHER, false},
    {"erspan", "an ERSPAN tunnel", ISO_OTHER, false},
    {"ip6erspan", "an ERSPAN tunnel", ISO_OTHER, false},
    {"vti", "an IPsec tunnel", ISO_OTHER, false},
    {"vti6", "an IPsec tunnel", ISO_OTHER, false},
    {"xfrm", "an IPsec tunnel", ISO_OTHER, false},
    {"vxlan", "a VXLAN overlay", ISO_UDP, false},
    {"geneve", "a GENEVE overlay", ISO_UDP, false},
    {"bareudp", "a UDP tunnel", ISO_UDP, false},
    {"gtp", "a GTP tunnel", ISO_UDP, false},
    {"ppp", "a PPP link", 0, true},
};

/* What an interface is where no kind is told. */
static const struct hardware_row {
  uint16_t hardware;
  const char *kind;
} hardwares[] = {{ARPHRD_TUNNEL, "ipip"},
                 {ARPHRD_TUNNEL6, "ip6tnl"},
                 {ARPHRD_SIT, "sit"},
                 {ARPHRD_IPGRE, "gre"},
                 {ARPHRD_PPP, "ppp"}};

static const struct outer_row *outer_of(const char *kind)
{
  for (size_t i = 0; i < sizeof(outers) / sizeof(outers[0]); i++) {
    if (strcmp(outers[i].kind, kind) == 0)
      return &outers[i];
  }
  return NULL;
}

/* A name of the kernel's: anything odd in it becomes a question mark. */
static void take_text(const sup_attribute *a, char *out, size_t size)
{
  size_t len = 0;
  while (len < a->len && len + 1 < size && a->value[len] != '\0') {
    out[len] = a->value[len] > ' ' && a->value[len] < 0x7f ? (char)a->value[len] : '?';
    len++;
  }
  out[len] = '\0';
}

static bool take_u32(const sup_attribute *a, unsigned *out)
{
  uint32_t number = 0;
  if (a->len != sizeof(number))
    return false;
  memcpy(&number, a->value, sizeof(number));
  *out = number;
  return true;
}

static bool is_zero(const iso_addr *a)
{
  static const uint8_t none[16];
  return memcmp(a->bytes, none, sizeof(none)) == 0;
}

static void read_outer(const unsigned char *bytes, size_t len, const struct outer_row *row,
                       iso_netif *n)
{
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    iso_addr remote = {0};
    if (a.type == row->remote4 && a.len == 4)
      remote = iso_addr_from(4, a.value);
    else if (a.type == row->remote6 && a.len == 16)
      remote = iso_addr_from(6, a.value);
    else if (row->port != 0 && a.type == row->port && a.len == 2)
      n->outer_port = (uint16_t)(a.value[0] << 8 | a.value[1]);
    if (remote.family != 0 && !is_zero(&remote))
      n->outer = remote;
  }
}

/* The kind comes before its data, as the kernel writes them. */
static void read_info(const unsigned char *bytes, size_t len, iso_netif *n)
{
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == IFLA_INFO_KIND)
      take_text(&a, n->kind, sizeof(n->kind));
    else if (a.type == IFLA_INFO_DATA && outer_of(n->kind) != NULL)
      read_outer(a.value, a.len, outer_of(n->kind), n);
  }
}

static bool read_netif(const sup_message *m, iso_netif *n)
{
  struct ifinfomsg head;
  if (m->len < sizeof(head))
    return false;
  memcpy(&head, m->payload, sizeof(head));
  *n = (iso_netif){.index = (unsigned)head.ifi_index,
                   .hardware = head.ifi_type,
                   .up = (head.ifi_flags & IFF_UP) != 0};
  const unsigned char *bytes = m->payload + sizeof(head);
  size_t len = m->len - sizeof(head);
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == IFLA_IFNAME)
      take_text(&a, n->name, sizeof(n->name));
    else if (a.type == IFLA_MASTER)
      (void)take_u32(&a, &n->master);
    else if (a.type == IFLA_LINKINFO)
      read_info(a.value, a.len, n);
  }
  return n->name[0] != '\0';
}

void iso_netifs_walk(const unsigned char *bytes, size_t len, bool *done, iso_netif_fn *fn,
                     void *data)
{
  sup_message m;
  while (!*done && sup_message_next(&bytes, &len, &m)) {
    iso_netif n;
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      *done = true;
    if (m.type == RTM_NEWLINK && read_netif(&m, &n))
      fn(data, &n);
  }
}

const iso_tunnel *iso_netif_tunnel(const iso_netif *n)
{
  const char *kind = n->kind;
  for (size_t i = 0; kind[0] == '\0' && i < sizeof(hardwares) / sizeof(hardwares[0]); i++) {
    if (hardwares[i].hardware == n->hardware)
      kind = hardwares[i].kind;
  }
  for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
    if (strcmp(tunnels[i].kind, kind) == 0)
      return &tunnels[i];
  }
  return NULL;
}
