#include "wireguard.h"

#include <string.h>

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "support/netlink.h"

/* Of linux/wireguard.h, which not every system has. */
enum { DEVICE_PEERS = 8, PEER_ENDPOINT = 4, PEER_ALLOWED = 9 };
enum { ALLOWED_ADDRESS = 2, ALLOWED_BITS = 3 };

uint16_t iso_family_read(const unsigned char *bytes, size_t len)
{
  uint16_t id = 0;
  sup_message m;
  if (!sup_message_next(&bytes, &len, &m) || m.type != GENL_ID_CTRL || m.len < GENL_HDRLEN)
    return 0;
  const unsigned char *attributes = m.payload + GENL_HDRLEN;
  size_t left = m.len - GENL_HDRLEN;
  sup_attribute a;
  while (sup_attribute_next(&attributes, &left, &a)) {
    if (a.type == CTRL_ATTR_FAMILY_ID && a.len == sizeof(id))
      memcpy(&id, a.value, sizeof(id));
  }
  return id;
}

static bool covers(const iso_addr *net, unsigned bits, const iso_addr *a)
{
  unsigned size = a->family == 6 ? 128 : 32;
  if (net->family != a->family || bits > size || memcmp(net->bytes, a->bytes, bits / 8) != 0)
    return false;
  unsigned rest = bits % 8;
  return rest == 0 || (net->bytes[bits / 8] ^ a->bytes[bits / 8]) >> (8 - rest) == 0;
}

/* One prefix: does it hold `to`? */
static bool read_allowed(const sup_attribute *one, const iso_addr *to, uint8_t *ret_bits)
{
  const unsigned char *bytes = one->value;
  size_t len = one->len;
  iso_addr net = {0};
  uint8_t bits = UINT8_MAX;
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == ALLOWED_ADDRESS && (a.len == 4 || a.len == 16))
      net = iso_addr_from(a.len == 4 ? 4 : 6, a.value);
    else if (a.type == ALLOWED_BITS && a.len == 1)
      bits = a.value[0];
  }
  *ret_bits = bits;
  return covers(&net, bits, to);
}

static void read_endpoint(const sup_attribute *a, iso_peer *p)
{
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  sa_family_t family = 0;
  if (a->len < sizeof(family))
    return;
  memcpy(&family, a->value, sizeof(family));
  if (family == AF_INET && a->len >= sizeof(in)) {
    memcpy(&in, a->value, sizeof(in));
    p->endpoint = iso_addr_from(4, &in.sin_addr);
    p->port = ntohs(in.sin_port);
  } else if (family == AF_INET6 && a->len >= sizeof(in6)) {
    memcpy(&in6, a->value, sizeof(in6));
    p->endpoint = iso_addr_from(6, &in6.sin6_addr);
    p->port = ntohs(in6.sin6_port);
  }
}

/* A peer with more prefixes than fit into one message comes again, with the others. */
static void read_peer(const sup_attribute *one, const iso_addr *to, iso_peer *best)
{
  const unsigned char *bytes = one->value;
  size_t len = one->len;
  iso_peer p = {0};
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    const unsigned char *list = a.value;
    size_t left = a.len;
    sup_attribute prefix;
    if (a.type == PEER_ENDPOINT)
      read_endpoint(&a, &p);
    while (a.type == PEER_ALLOWED && sup_attribute_next(&list, &left, &prefix)) {
      uint8_t bits = 0;
      if (read_allowed(&prefix, to, &bits) && (!p.found || bits > p.bits)) {
        p.found = true;
        p.bits = bits;
      }
    }
  }
  if (p.found && (!best->found || p.bits > best->bits))
    *best = p;
}

static void read_device(const sup_message *m, const iso_addr *to, iso_peer *peer)
{
  if (m->len < GENL_HDRLEN)
    return;
  const unsigned char *bytes = m->payload + GENL_HDRLEN;
  size_t len = m->len - GENL_HDRLEN;
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    const unsigned char *list = a.value;
    size_t left = a.len;
    sup_attribute one;
    while (a.type == DEVICE_PEERS && sup_attribute_next(&list, &left, &one))
      read_peer(&one, to, peer);
  }
}

void iso_peers_walk(const unsigned char *bytes, size_t len, const iso_addr *to, bool *done,
                    iso_peer *peer)
{
  sup_message m;
  while (!*done && sup_message_next(&bytes, &len, &m)) {
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      *done = true;
    else
      read_device(&m, to, peer);
  }
}
