#include "locals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "support/netlink.h"

static bool add_addr(iso_locals *l, const struct sockaddr *sa)
{
  if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
    return true;
  if (l->count == ISO_LOCALS_MAX)
    return false;
  iso_addr *a = &l->addrs[l->count++];
  if (sa->sa_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, sa, sizeof(in));
    *a = iso_addr_from(4, &in.sin_addr);
  } else {
    struct sockaddr_in6 in6;
    memcpy(&in6, sa, sizeof(in6));
    *a = iso_addr_from(6, &in6.sin6_addr);
  }
  return true;
}

static void add_link(iso_locals *l, const struct ifaddrs *i)
{
  if ((i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0)
    return;
  for (size_t n = 0; n < l->link_count; n++) {
    if (strcmp(l->links[n].name, i->ifa_name) == 0)
      return;
  }
  if (l->link_count == ISO_LINKS_MAX)
    return;
  iso_link *link = &l->links[l->link_count++];
  (void)snprintf(link->name, sizeof(link->name), "%s", i->ifa_name);
  link->index = if_nametoindex(i->ifa_name);
}

/* Has the kernel not found out yet that nobody else has this IPv6 address? Until then nothing is
 * sent from it. Where the list cannot be read, no address is taken for such. */
static bool is_tentative(const iso_addr *a)
{
  enum { TENTATIVE = 0x40, DAD_FAILED = 0x08, OPTIMISTIC = 0x04 };
  char wanted[33];
  char line[160];
  bool tentative = false;
  for (size_t i = 0; i < 16; i++)
    (void)snprintf(wanted + 2 * i, 3, "%02x", a->bytes[i]);
  FILE *f = fopen("/proc/thread-self/net/if_inet6", "re");
  while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
    if (strncmp(line, wanted, 32) != 0)
      continue;
    /* Behind the address: index, length of the prefix, scope, flags, all in hex. */
    unsigned long flags = 0;
    char *at = line + 32;
    for (int field = 0; field < 4; field++)
      flags = strtoul(at, &at, 16);
    tentative = (flags & DAD_FAILED) != 0 || (flags & (TENTATIVE | OPTIMISTIC)) == TENTATIVE;
  }
  if (f != NULL)
    (void)fclose(f);
  return tentative;
}

/* The address just added, and the interface that has it. */
static void note_sender(iso_locals *l, const struct ifaddrs *i)
{
  const iso_addr *a = &l->addrs[l->count - 1];
  if ((i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0)
    return;
  if (a->family == 4)
    l->can_send[0] = true;
  else if (!l->can_send[1])
    l->can_send[1] = !is_tentative(a);
}

cordon_status iso_locals_read(iso_locals *ret_locals, sup_err *err)
{
  struct ifaddrs *list = NULL;
  iso_locals l = {.addrs = calloc(ISO_LOCALS_MAX, sizeof(iso_addr))};
  if (l.addrs == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for the addresses of this device");
  if (getifaddrs(&list) != 0) {
    cordon_status failed =
        sup_fail_os(err, errno, "the addresses of this device could not be read");
    iso_locals_release(&l);
    return failed;
  }
  cordon_status status = CORDON_OK;
  for (const struct ifaddrs *i = list; i != NULL && status == CORDON_OK; i = i->ifa_next) {
    add_link(&l, i);
    size_t before = l.count;
    if (i->ifa_addr != NULL && !add_addr(&l, i->ifa_addr))
      status =
          sup_fail(err, CORDON_E_LIMIT, "this device has more than %d addresses", ISO_LOCALS_MAX);
    if (l.count > before)
      note_sender(&l, i);
  }
  freeifaddrs(list);
  if (status == CORDON_OK)
    *ret_locals = l;
  else
    iso_locals_release(&l);
  return status;
}

static bool take_address(const sup_message *m, iso_locals *l)
{
  struct ifaddrmsg head;
  if (m->len < sizeof(head))
    return true;
  memcpy(&head, m->payload, sizeof(head));
  const unsigned char *bytes = m->payload + sizeof(head);
  size_t len = m->len - sizeof(head);
  size_t size = head.ifa_family == AF_INET6 ? 16 : 4;
  bool known = head.ifa_family == AF_INET || head.ifa_family == AF_INET6;
  sup_attribute a;
  bool local = false; /* the other is the peer's where both are there */
  iso_addr own = {0};
  while (known && sup_attribute_next(&bytes, &len, &a)) {
    if ((a.type != IFA_LOCAL && a.type != IFA_ADDRESS) || a.len != size || local)
      continue;
    own = iso_addr_from(head.ifa_family == AF_INET6 ? 6 : 4, a.value);
    local = a.type == IFA_LOCAL;
  }
  if (own.family == 0 || iso_locals_has(l, &own))
    return true;
  if (l->count == ISO_LOCALS_MAX)
    return false;
  l->addrs[l->count++] = own;
  return true;
}

bool iso_locals_walk(const unsigned char *bytes, size_t len, iso_locals *l, bool *ret_done)
{
  sup_message m;
  bool fits = true;
  while (!*ret_done && sup_message_next(&bytes, &len, &m)) {
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      *ret_done = true;
    if (m.type == RTM_NEWADDR && !take_address(&m, l))
      fits = false;
  }
  return fits;
}

bool iso_locals_has(const iso_locals *l, const iso_addr *a)
{
  for (size_t i = 0; i < l->count; i++) {
    if (iso_addr_compare(&l->addrs[i], a) == 0)
      return true;
  }
  return false;
}

void iso_locals_release(iso_locals *l)
{
  free(l->addrs);
  *l = (iso_locals){0};
}
