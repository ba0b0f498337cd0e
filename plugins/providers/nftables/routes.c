#include "routes.h"

#include <string.h>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "support/netlink.h"

static void read_route(const sup_message *m, iso_route *r)
{
  struct rtmsg head;
  if (m->len < sizeof(head))
    return;
  memcpy(&head, m->payload, sizeof(head));
  const unsigned char *bytes = m->payload + sizeof(head);
  size_t len = m->len - sizeof(head);
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    uint32_t index = 0;
    if (a.type == RTA_OIF && a.len == sizeof(index)) {
      memcpy(&index, a.value, sizeof(index));
      r->interface = index;
      r->there = head.rtm_type == RTN_UNICAST || head.rtm_type == RTN_LOCAL;
    } else if (a.type == RTA_PREFSRC && (a.len == 4 || a.len == 16)) {
      r->source = iso_addr_from(a.len == 4 ? 4 : 6, a.value);
    }
  }
}

void iso_route_read(const unsigned char *bytes, size_t len, iso_route *ret_route)
{
  sup_message m;
  *ret_route = (iso_route){0};
  while (sup_message_next(&bytes, &len, &m)) {
    if (m.type == RTM_NEWROUTE)
      read_route(&m, ret_route);
  }
}

/* ---- IPsec ---- */

static bool covers(const xfrm_address_t *prefix, unsigned bits, const iso_addr *a)
{
  uint8_t net[16];
  memcpy(net, prefix, sizeof(net));
  size_t size = a->family == 6 ? 16 : 4;
  if (bits > 8 * size)
    return false;
  if (memcmp(net, a->bytes, bits / 8) != 0)
    return false;
  unsigned rest = bits % 8;
  return rest == 0 || (net[bits / 8] ^ a->bytes[bits / 8]) >> (8 - rest) == 0;
}

static bool selects(const struct xfrm_selector *s, const iso_target_flow *flow)
{
  uint16_t port = htons(flow->port);
  if (s->family != (flow->to.family == 6 ? AF_INET6 : AF_INET) ||
      !covers(&s->daddr, s->prefixlen_d, &flow->to))
    return false;
  if (flow->source.family == flow->to.family && !covers(&s->saddr, s->prefixlen_s, &flow->source))
    return false;
  return (s->proto == 0 || s->proto == IPPROTO_TCP) &&
         (s->dport & s->dport_mask) == (port & s->dport_mask);
}

static bool read_template(const sup_attribute *a, iso_addr *ret_outer)
{
  struct xfrm_user_tmpl t;
  if (a->len < sizeof(t))
    return false;
  memcpy(&t, a->value, sizeof(t));
  *ret_outer = (iso_addr){0};
  if (t.mode == XFRM_MODE_TUNNEL)
    *ret_outer = iso_addr_from(t.family == AF_INET6 ? 6 : 4, &t.id.daddr);
  return true;
}

static bool encrypts(const sup_message *m, const iso_target_flow *flow, iso_addr *ret_outer)
{
  struct xfrm_userpolicy_info p;
  if (m->len < sizeof(p))
    return false;
  memcpy(&p, m->payload, sizeof(p));
  if (p.dir != XFRM_POLICY_OUT || p.action != XFRM_POLICY_ALLOW || !selects(&p.sel, flow))
    return false;
  const unsigned char *bytes = m->payload + sizeof(p);
  size_t len = m->len - sizeof(p);
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == XFRMA_TMPL && read_template(&a, ret_outer))
      return true;
  }
  return false;
}

void iso_policies_walk(const unsigned char *bytes, size_t len, const iso_target_flow *flow,
                       bool *done, bool *found, iso_addr *ret_outer)
{
  sup_message m;
  while (!*done && sup_message_next(&bytes, &len, &m)) {
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      *done = true;
    if (m.type == XFRM_MSG_NEWPOLICY && !*found)
      *found = encrypts(&m, flow, ret_outer);
  }
}
