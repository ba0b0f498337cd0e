#include "links.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "support/call.h"
#include "support/netlink.h"

enum { ANSWER_MS = 2000, KIND_MAX = 32 };

/* What has no way out of its own: the frames leave by the links below, or nowhere. */
static const char *const joiners[] = {"bridge", "bond", "team", "dummy", "ifb", "vrf", "nlmon"};

typedef struct seen_link {
  char name[IF_NAMESIZE];
  char kind[KIND_MAX];
  bool stacked; /* on another link of this namespace */
} seen_link;

static void take_text(const sup_attribute *a, char *ret_text, size_t size)
{
  size_t len = strnlen((const char *)a->value, a->len);
  if (len >= size)
    len = size - 1;
  memcpy(ret_text, a->value, len);
  ret_text[len] = '\0';
}

static void take_kind(const sup_attribute *info, seen_link *l)
{
  const unsigned char *bytes = info->value;
  size_t len = info->len;
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == IFLA_INFO_KIND)
      take_text(&a, l->kind, sizeof(l->kind));
  }
}

static void read_link(const unsigned char *bytes, size_t len, unsigned index, seen_link *l)
{
  sup_attribute a;
  uint32_t below = 0;
  bool elsewhere = false; /* what it is on is in another namespace */
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == IFLA_IFNAME)
      take_text(&a, l->name, sizeof(l->name));
    else if (a.type == IFLA_LINKINFO)
      take_kind(&a, l);
    else if (a.type == IFLA_LINK && a.len == sizeof(below))
      memcpy(&below, a.value, sizeof(below));
    else if (a.type == IFLA_LINK_NETNSID)
      elsewhere = true;
  }
  l->stacked = below != 0 && below != index && !elsewhere;
}

static bool only_joins(const seen_link *l)
{
  for (size_t i = 0; i < sizeof(joiners) / sizeof(joiners[0]); i++) {
    if (strcmp(l->kind, joiners[i]) == 0)
      return true;
  }
  return false;
}

/* May it stand between quotes in the rules? */
static bool can_be_written(const char *name)
{
  for (const char *c = name; *c != '\0'; c++) {
    if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
      return false;
  }
  return name[0] != '\0';
}

static void add_link(const sup_message *m, iso_hooks *hooks)
{
  struct ifinfomsg head;
  seen_link l = {.stacked = false};
  if (m->len < sizeof(head))
    return;
  memcpy(&head, m->payload, sizeof(head));
  read_link(m->payload + sizeof(head), m->len - sizeof(head), (unsigned)head.ifi_index, &l);
  if ((head.ifi_flags & IFF_LOOPBACK) != 0 || l.stacked || only_joins(&l))
    return;
  if (!can_be_written(l.name)) {
    hooks->unspeakable = true;
  } else if (hooks->count == ISO_HOOKS_MAX) {
    hooks->too_many = true;
  } else if (!iso_hooks_have(hooks, l.name)) {
    iso_hook *h = &hooks->items[hooks->count++];
    memcpy(h->name, l.name, sizeof(h->name));
    h->index = (unsigned)head.ifi_index;
  }
}

void iso_hooks_walk(const unsigned char *bytes, size_t len, iso_hooks *hooks)
{
  sup_message m;
  while (!hooks->done && sup_message_next(&bytes, &len, &m)) {
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      hooks->done = true;
    if (m.type == NLMSG_ERROR)
      hooks->os_error = sup_message_error(&m);
    if (m.type == RTM_NEWLINK)
      add_link(&m, hooks);
  }
}

bool iso_hooks_have(const iso_hooks *hooks, const char *name)
{
  for (size_t i = 0; i < hooks->count; i++) {
    if (strcmp(hooks->items[i].name, name) == 0)
      return true;
  }
  return false;
}

static cordon_status list_links(int fd, unsigned char *buffer, iso_hooks *hooks, sup_err *err)
{
  struct {
    struct nlmsghdr head;
    struct ifinfomsg body;
  } ask = {.head = {.nlmsg_len = sizeof(ask),
                    .nlmsg_type = RTM_GETLINK,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
           .body = {.ifi_family = AF_UNSPEC}};
  uint64_t deadline = sup_now_ms() + ANSWER_MS;
  cordon_status status = sup_netlink_send(fd, &ask, sizeof(ask), err);
  while (status == CORDON_OK && !hooks->done) {
    size_t len = 0;
    status = sup_netlink_receive(fd, buffer, SUP_NETLINK_BUFFER, deadline, &len, err);
    if (status == CORDON_OK)
      iso_hooks_walk(buffer, len, hooks);
  }
  if (status == CORDON_OK && hooks->os_error > 0)
    return sup_fail_os(err, hooks->os_error, "the links of this device could not be listed");
  return status;
}

cordon_status iso_hooks_read(iso_hooks *ret_hooks, sup_err *err)
{
  int fd = -1;
  unsigned char *buffer = malloc(SUP_NETLINK_BUFFER);
  *ret_hooks = (iso_hooks){.count = 0};
  if (buffer == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to list the links of this device");
  cordon_status status = sup_netlink_open(NETLINK_ROUTE, 0, &fd, err);
  if (status == CORDON_OK)
    status = list_links(fd, buffer, ret_hooks, err);
  if (status == CORDON_OK && ret_hooks->too_many)
    status = sup_fail(err, CORDON_E_LIMIT,
                      "this device has more than %d links; strict is not "
                      "possible",
                      ISO_HOOKS_MAX);
  if (status == CORDON_OK && ret_hooks->unspeakable)
    status = sup_fail(err, CORDON_E_UNSUPPORTED,
                      "a link of this device has a name that cannot be written into rules; strict "
                      "is not possible");
  if (fd >= 0)
    (void)close(fd);
  free(buffer);
  return status;
}
