#include "stacked.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "packets.h"
#include "support/json.h"
#include "support/netlink.h"

enum { ANSWER_MS = 2000, SPACES_MAX = 512 };

/* `guest`: a machine or program reads and writes frames at it, past the rules also in our own
 * namespace. */
static const struct {
  const char *kind;
  bool guest;
} kinds[] = {
    {"macvlan", false}, {"ipvlan", false}, {"macvtap", true}, {"ipvtap", true}, {"vlan", false}};

typedef struct seen {
  iso_stacked_link link;
  bool elsewhere; /* what it is on is in another namespace */
} seen;

static void take_text(const sup_attribute *a, char *ret_text, size_t size)
{
  size_t len = strnlen((const char *)a->value, a->len);
  if (len >= size)
    len = size - 1;
  memcpy(ret_text, a->value, len);
  ret_text[len] = '\0';
}

static void read_link(const unsigned char *bytes, size_t len, seen *s)
{
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    const unsigned char *inner = a.value;
    size_t inner_len = a.len;
    sup_attribute b;
    if (a.type == IFLA_IFNAME)
      take_text(&a, s->link.name, sizeof(s->link.name));
    else if (a.type == IFLA_LINK_NETNSID)
      s->elsewhere = true;
    while (a.type == IFLA_LINKINFO && sup_attribute_next(&inner, &inner_len, &b)) {
      if (b.type == IFLA_INFO_KIND)
        take_text(&b, s->link.kind, sizeof(s->link.kind));
    }
  }
}

static bool sends_past_us(const seen *s, bool own)
{
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(kinds[i].kind, s->link.kind) == 0)
      return own ? kinds[i].guest : s->elsewhere;
  }
  return false;
}

void iso_stacked_walk(const unsigned char *bytes, size_t len, bool own, iso_stacked *stacked)
{
  sup_message m;
  while (!stacked->done && sup_message_next(&bytes, &len, &m)) {
    seen s = {.elsewhere = false};
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      stacked->done = true;
    if (m.type != RTM_NEWLINK || m.len < sizeof(struct ifinfomsg))
      continue;
    read_link(m.payload + sizeof(struct ifinfomsg), m.len - sizeof(struct ifinfomsg), &s);
    if (sends_past_us(&s, own) && stacked->count < ISO_STACKED_MAX)
      stacked->items[stacked->count++] = s.link;
  }
}

/* What cannot be listed is not named; whether the isolation holds does not hang on it. */
static void list_links(const sup_call *call, int fd, bool own, unsigned char *buffer,
                       iso_stacked *stacked)
{
  struct {
    struct nlmsghdr head;
    struct ifinfomsg body;
  } ask = {.head = {.nlmsg_len = sizeof(ask),
                    .nlmsg_type = RTM_GETLINK,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
  cordon_status status = sup_netlink_send(fd, &ask, sizeof(ask), NULL);
  while (status == CORDON_OK && !stacked->done) {
    size_t len = 0;
    status = sup_netlink_receive(fd, buffer, SUP_NETLINK_BUFFER, sup_call_until(call, ANSWER_MS),
                                 &len, NULL);
    if (status == CORDON_OK)
      iso_stacked_walk(buffer, len, own, stacked);
  }
}

static void add_links(cJSON *list, const iso_stacked *stacked, const cordon_space *space)
{
  for (size_t i = 0; i < stacked->count && cJSON_GetArraySize(list) < ISO_STACKED_MAX; i++) {
    cJSON *item = cJSON_CreateObject();
    sup_json_add_text(item, "interface", stacked->items[i].name);
    sup_json_add_text(item, "kind", stacked->items[i].kind);
    if (space != NULL) {
      (void)cJSON_AddNumberToObject(item, "pid", space->pid);
      sup_json_add_text(item, "name", space->name);
    }
    (void)cJSON_AddItemToArray(list, item);
  }
}

static void look_here(const sup_call *call, unsigned char *buffer, cJSON *list)
{
  iso_stacked stacked = {.count = 0};
  int fd = -1;
  if (sup_netlink_open(NETLINK_ROUTE, 0, &fd, NULL) != CORDON_OK)
    return;
  list_links(call, fd, true, buffer, &stacked);
  add_links(list, &stacked, NULL);
  (void)close(fd);
}

static void look_elsewhere(const cordon_host *host, const sup_call *call, unsigned char *buffer,
                           cJSON *list)
{
  const cordon_host_sight *sight = iso_sight(host);
  for (uint32_t i = 0; sight != NULL && i < SPACES_MAX; i++) {
    cordon_space space = {.diag = -1, .route = -1};
    iso_stacked stacked = {.count = 0};
    cordon_status status =
        sup_call_cancelled(call) ? CORDON_E_CANCELLED : sight->space(host, i, &space);
    if (status == CORDON_E_NOTFOUND || (status != CORDON_OK && space.id == 0))
      return;
    if (status != CORDON_OK)
      continue;
    space.name[sizeof(space.name) - 1] = '\0';
    list_links(call, space.route, false, buffer, &stacked);
    add_links(list, &stacked, &space);
    (void)close(space.diag);
    (void)close(space.route);
  }
}

void iso_stacked_add(const cordon_host *host, const sup_call *call, cJSON *details)
{
  unsigned char *buffer = malloc(SUP_NETLINK_BUFFER);
  cJSON *list = cJSON_CreateArray();
  if (buffer != NULL) {
    look_here(call, buffer, list);
    look_elsewhere(host, call, buffer, list);
  }
  free(buffer);
  if (cJSON_GetArraySize(list) > 0)
    (void)cJSON_AddItemToObject(details, "stacked_links", list);
  else
    cJSON_Delete(list);
}
