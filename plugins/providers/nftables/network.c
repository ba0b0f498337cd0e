#include "network.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "support/netlink.h"

cordon_status iso_network_open(int *ret_fd, sup_err *err)
{
  static const unsigned groups[] = {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                    RTNLGRP_IPV6_ROUTE};
  int fd = -1;
  cordon_status status = sup_netlink_open(NETLINK_ROUTE, RTNLGRP_LINK, &fd, err);
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && status == CORDON_OK; i++) {
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) != 0)
      status = sup_fail_os(err, errno, "the kernel does not tell of changes to the network");
  }
  if (status == CORDON_OK)
    *ret_fd = fd;
  else if (fd >= 0)
    (void)close(fd);
  return status;
}

/* A radio reports its scans as changes of its link. */
static bool is_radio_report(const sup_message *m)
{
  if (m->len < sizeof(struct ifinfomsg))
    return true;
  const unsigned char *bytes = m->payload + sizeof(struct ifinfomsg);
  size_t len = m->len - sizeof(struct ifinfomsg);
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == IFLA_WIRELESS)
      return true;
  }
  return false;
}

static bool is_cached_route(const sup_message *m)
{
  struct rtmsg head;
  if (m->len < sizeof(head))
    return true;
  memcpy(&head, m->payload, sizeof(head));
  return (head.rtm_flags & RTM_F_CLONED) != 0;
}

void iso_network_walk(const unsigned char *bytes, size_t len, iso_network *network)
{
  sup_message m;
  while (sup_message_next(&bytes, &len, &m)) {
    if (m.type == RTM_DELLINK || (m.type == RTM_NEWLINK && !is_radio_report(&m)))
      network->links = true;
    else if (m.type == RTM_NEWADDR || m.type == RTM_DELADDR)
      network->addresses = true;
    else if ((m.type == RTM_NEWROUTE || m.type == RTM_DELROUTE) && !is_cached_route(&m))
      network->routes = true;
  }
}

bool iso_network_moved(const iso_network *network)
{
  return network->links || network->addresses || network->routes || network->lost;
}
