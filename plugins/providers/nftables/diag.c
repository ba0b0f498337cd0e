#include "diag.h"

#include <string.h>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "support/netlink.h"

static iso_addr address(uint8_t family, const void *bytes)
{
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  const uint8_t *b = bytes;
  if (family == AF_INET6 && memcmp(b, mapped, sizeof(mapped)) == 0)
    return iso_addr_from(4, b + sizeof(mapped));
  return iso_addr_from(family == AF_INET6 ? 6 : 4, b);
}

static bool read_socket(const sup_message *m, iso_socket *s)
{
  struct inet_diag_msg d;
  if (m->len < sizeof(d))
    return false;
  memcpy(&d, m->payload, sizeof(d));
  if (d.idiag_family != AF_INET && d.idiag_family != AF_INET6)
    return false;
  *s = (iso_socket){.local = address(d.idiag_family, d.id.idiag_src),
                    .remote = address(d.idiag_family, d.id.idiag_dst),
                    .local_port = ntohs(d.id.idiag_sport),
                    .remote_port = ntohs(d.id.idiag_dport),
                    .inode = d.idiag_inode,
                    .user = d.idiag_uid,
                    .family = d.idiag_family,
                    .state = d.idiag_state,
                    .id = d.id};
  const unsigned char *attributes = m->payload + sizeof(d);
  size_t left = m->len - sizeof(d);
  sup_attribute a;
  while (sup_attribute_next(&attributes, &left, &a)) {
    if (a.type == INET_DIAG_MARK && a.len == sizeof(s->mark)) {
      memcpy(&s->mark, a.value, sizeof(s->mark));
      s->has_mark = true;
    } else if (a.type == INET_DIAG_CGROUP_ID && a.len == sizeof(s->cgroup)) {
      memcpy(&s->cgroup, a.value, sizeof(s->cgroup));
    }
  }
  return true;
}

void iso_diag_walk(const unsigned char *bytes, size_t len, iso_dump *dump, iso_socket_fn *fn,
                   void *data)
{
  sup_message m;
  while (!dump->done && sup_message_next(&bytes, &len, &m)) {
    iso_socket s;
    if ((m.flags & NLM_F_DUMP_INTR) != 0)
      dump->interrupted = true;
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      dump->done = true;
    if (m.type == NLMSG_ERROR)
      dump->os_error = sup_message_error(&m);
    if (m.type == SOCK_DIAG_BY_FAMILY && read_socket(&m, &s))
      fn(data, &s);
  }
}
