/* Answers of the kernel over netlink, taken apart. */
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include "net.h"

static void take_address(int family, const void *bytes, size_t len, char ret_text[48])
{
  size_t need = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
  ret_text[0] = '\0';
  if (need != 0 && len >= need)
    (void)inet_ntop(family, bytes, ret_text, 48);
}

static uint32_t take_u32(const sup_attribute *a)
{
  uint32_t number = 0;
  if (a->len >= sizeof(number))
    memcpy(&number, a->value, sizeof(number));
  return number;
}

static void take_mac(const sup_attribute *a, char ret_text[64])
{
  size_t at = 0;
  ret_text[0] = '\0';
  for (size_t i = 0; i < a->len && at + 4 < 64; i++)
    at += (size_t)snprintf(ret_text + at, 64 - at, "%s%02x", i > 0 ? ":" : "", a->value[i]);
}

static void take_name(const sup_attribute *a, char *ret_text, size_t size)
{
  size_t len = strnlen((const char *)a->value, a->len);
  if (len >= size)
    len = size - 1;
  memcpy(ret_text, a->value, len);
  ret_text[len] = '\0';
}

/* The fixed part of a message; what is behind it are attributes. */
static bool take_head(const sup_message *m, void *ret_head, size_t size,
                      const unsigned char **ret_rest, size_t *ret_len)
{
  if (m->len < size)
    return false;
  memcpy(ret_head, m->payload, size);
  size_t padded = (size + 3) & ~(size_t)3;
  *ret_rest = m->payload + (padded < m->len ? padded : m->len);
  *ret_len = padded < m->len ? m->len - padded : 0;
  return true;
}

bool col_inet_read(const sup_message *m, col_inet *ret_socket)
{
  struct inet_diag_msg d;
  sup_attribute a;
  const unsigned char *rest = NULL;
  size_t len = 0;
  if (m->type != SOCK_DIAG_BY_FAMILY || !take_head(m, &d, sizeof(d), &rest, &len) ||
      (d.idiag_family != AF_INET && d.idiag_family != AF_INET6))
    return false;
  *ret_socket = (col_inet){.family = d.idiag_family,
                           .state = d.idiag_state,
                           .local_port = ntohs(d.id.idiag_sport),
                           .remote_port = ntohs(d.id.idiag_dport),
                           .uid = d.idiag_uid,
                           .inode = d.idiag_inode,
                           .interface = d.id.idiag_if,
                           .receive = d.idiag_rqueue,
                           .send = d.idiag_wqueue};
  take_address(d.idiag_family, d.id.idiag_src, sizeof(d.id.idiag_src), ret_socket->local);
  take_address(d.idiag_family, d.id.idiag_dst, sizeof(d.id.idiag_dst), ret_socket->remote);
  while (sup_attribute_next(&rest, &len, &a)) {
    if (a.type == INET_DIAG_MARK && a.len >= 4) {
      ret_socket->has_mark = true;
      ret_socket->mark = take_u32(&a);
    } else if (a.type == INET_DIAG_CGROUP_ID && a.len >= 8) {
      memcpy(&ret_socket->cgroup, a.value, 8);
    }
  }
  return true;
}

const char *col_inet_state(uint8_t state, bool tcp)
{
  static const char *const names[] = {
      "",       "ESTABLISHED", "SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "FIN_WAIT_2",  "TIME_WAIT",
      "CLOSED", "CLOSE_WAIT",  "LAST_ACK", "LISTEN",       "CLOSING",    "SYN_RECEIVED"};
  if (!tcp && state == 7)
    return "UNCONNECTED";
  return state < sizeof(names) / sizeof(names[0]) ? names[state] : "";
}

bool col_unix_read(const sup_message *m, col_unix *ret_socket)
{
  struct unix_diag_msg d;
  sup_attribute a;
  const unsigned char *rest = NULL;
  size_t len = 0;
  if (m->type != SOCK_DIAG_BY_FAMILY || !take_head(m, &d, sizeof(d), &rest, &len) ||
      d.udiag_family != AF_UNIX)
    return false;
  *ret_socket = (col_unix){.type = d.udiag_type, .state = d.udiag_state, .inode = d.udiag_ino};
  while (sup_attribute_next(&rest, &len, &a)) {
    if (a.type == UNIX_DIAG_PEER)
      ret_socket->peer = take_u32(&a);
    if (a.type != UNIX_DIAG_NAME || a.len == 0)
      continue;
    size_t size = a.len < sizeof(ret_socket->path) ? a.len : sizeof(ret_socket->path);
    memcpy(ret_socket->path, a.value, size);
    if (ret_socket->path[0] == '\0')
      ret_socket->path[0] = '@';
    else
      size = strnlen(ret_socket->path, size);
    ret_socket->path_len = size;
  }
  return true;
}

bool col_packet_read(const sup_message *m, col_packet *ret_socket)
{
  struct packet_diag_msg d;
  sup_attribute a;
  const unsigned char *rest = NULL;
  size_t len = 0;
  if (m->type != SOCK_DIAG_BY_FAMILY || !take_head(m, &d, sizeof(d), &rest, &len) ||
      d.pdiag_family != AF_PACKET)
    return false;
  *ret_socket = (col_packet){.type = d.pdiag_type, .protocol = d.pdiag_num, .inode = d.pdiag_ino};
  while (sup_attribute_next(&rest, &len, &a)) {
    struct packet_diag_info info;
    if (a.type == PACKET_DIAG_INFO && a.len >= sizeof(info)) {
      memcpy(&info, a.value, sizeof(info));
      ret_socket->interface = info.pdi_index;
    } else if (a.type == PACKET_DIAG_UID) {
      ret_socket->uid = take_u32(&a);
    }
  }
  return true;
}

static void take_kind(sup_attribute info, char ret_kind[32])
{
  sup_attribute a;
  while (sup_attribute_next(&info.value, &info.len, &a)) {
    if (a.type == IFLA_INFO_KIND)
      take_name(&a, ret_kind, 32);
  }
}

bool col_link_read(const sup_message *m, col_link *ret_link)
{
  struct ifinfomsg head;
  sup_attribute a;
  const unsigned char *rest = NULL;
  size_t len = 0;
  if (m->type != RTM_NEWLINK || !take_head(m, &head, sizeof(head), &rest, &len))
    return false;
  *ret_link = (col_link){.index = (uint32_t)head.ifi_index, .flags = head.ifi_flags};
  while (sup_attribute_next(&rest, &len, &a)) {
    struct rtnl_link_stats64 stats;
    if (a.type == IFLA_IFNAME)
      take_name(&a, ret_link->name, sizeof(ret_link->name));
    else if (a.type == IFLA_ADDRESS)
      take_mac(&a, ret_link->mac);
    else if (a.type == IFLA_MTU)
      ret_link->mtu = take_u32(&a);
    else if (a.type == IFLA_MASTER)
      ret_link->master = take_u32(&a);
    else if (a.type == IFLA_LINKINFO)
      take_kind(a, ret_link->kind);
    else if (a.type == IFLA_STATS64 && a.len >= 32) {
      memset(&stats, 0, sizeof(stats));
      memcpy(&stats, a.value, a.len < sizeof(stats) ? a.len : sizeof(stats));
      ret_link->received = stats.rx_bytes;
      ret_link->sent = stats.tx_bytes;
    }
  }
  return true;
}

bool col_address_read(const sup_message *m, col_address *ret_address)
{
  struct ifaddrmsg head;
  sup_attribute a;
  const unsigned char *rest = NULL;
  size_t len = 0;
  char local[48] = "";
  if (m->type != RTM_NEWADDR || !take_head(m, &head, sizeof(head), &rest, &len))
    return false;
  *ret_address = (col_address){.index = head.ifa_index,
                               .flags = head.ifa_flags,
                               .scope = head.ifa_scope,
                               .prefix = head.ifa_prefixlen};
  while (sup_attribute_next(&rest, &len, &a)) {
    if (a.type == IFA_ADDRESS)
      take_address(head.ifa_family, a.value, a.len, ret_address->address);
    else if (a.type == IFA_LOCAL)
      take_address(head.ifa_family, a.value, a.len, local);
    else if (a.type == IFA_LABEL)
      take_name(&a, ret_address->label, sizeof(ret_address->label));
    else if (a.type == IFA_FLAGS)
      ret_address->flags = take_u32(&a);
  }
  /* On a link between two, IFA_ADDRESS is the other end. */
  if (local[0] != '\0' && strcmp(local, ret_address->address) != 0) {
    memcpy(ret_address->peer, ret_address->address, sizeof(local));
    memcpy(ret_address->address, local, sizeof(local));
  }
  return true;
}

bool col_route_read(const sup_message *m, col_route *ret_route)
{
  struct rtmsg head;
  sup_attribute a;
  const unsigned char *rest = NULL;
  size_t len = 0;
  if (m->type != RTM_NEWROUTE || !take_head(m, &head, sizeof(head), &rest, &len))
    return false;
  *ret_route = (col_route){.table = head.rtm_table,
                           .type = head.rtm_type,
                           .protocol = head.rtm_protocol,
                           .scope = head.rtm_scope,
                           .prefix = head.rtm_dst_len};
  while (sup_attribute_next(&rest, &len, &a)) {
    if (a.type == RTA_DST)
      take_address(head.rtm_family, a.value, a.len, ret_route->to);
    else if (a.type == RTA_GATEWAY)
      take_address(head.rtm_family, a.value, a.len, ret_route->via);
    else if (a.type == RTA_PREFSRC)
      take_address(head.rtm_family, a.value, a.len, ret_route->source);
    else if (a.type == RTA_OIF)
      ret_route->out = take_u32(&a);
    else if (a.type == RTA_PRIORITY)
      ret_route->priority = take_u32(&a);
    else if (a.type == RTA_TABLE)
      ret_route->table = take_u32(&a);
  }
  if (ret_route->to[0] == '\0')
    (void)snprintf(ret_route->to, sizeof(ret_route->to), "%s",
                   head.rtm_family == AF_INET6 ? "::" : "0.0.0.0");
  return true;
}

bool col_neighbour_read(const sup_message *m, col_neighbour *ret_neighbour)
{
  struct ndmsg head;
  sup_attribute a;
  const unsigned char *rest = NULL;
  size_t len = 0;
  if (m->type != RTM_NEWNEIGH || !take_head(m, &head, sizeof(head), &rest, &len))
    return false;
  *ret_neighbour = (col_neighbour){
      .index = (uint32_t)head.ndm_ifindex, .state = head.ndm_state, .flags = head.ndm_flags};
  while (sup_attribute_next(&rest, &len, &a)) {
    if (a.type == NDA_DST)
      take_address(head.ndm_family, a.value, a.len, ret_neighbour->address);
    else if (a.type == NDA_LLADDR)
      take_mac(&a, ret_neighbour->mac);
  }
  return true;
}

void col_neighbour_state(uint16_t state, char ret_text[64])
{
  static const struct {
    uint16_t bit;
    const char *name;
  } names[] = {{NUD_INCOMPLETE, "incomplete"}, {NUD_REACHABLE, "reachable"}, {NUD_STALE, "stale"},
               {NUD_DELAY, "delay"},           {NUD_PROBE, "probe"},         {NUD_FAILED, "failed"},
               {NUD_NOARP, "noarp"},           {NUD_PERMANENT, "permanent"}};
  size_t at = 0;
  ret_text[0] = '\0';
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if ((state & names[i].bit) != 0)
      at += (size_t)snprintf(ret_text + at, 64 - at, "%s%s", at > 0 ? " " : "", names[i].name);
  }
}
