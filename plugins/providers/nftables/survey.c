#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

#include "routes.h"
#include "sockets.h"
#include "support/netlink.h"
#include "wireguard.h"

enum { ANSWER_MS = 2000 };

static void add_unread(iso_survey *s, const char *what)
{
  size_t len = strlen(s->unread);
  (void)snprintf(s->unread + len, sizeof(s->unread) - len, "%s%s", len > 0 ? ", " : "", what);
}

/* ---- dumps ---- */

typedef void dump_fn(iso_survey *s, const unsigned char *bytes, size_t len, bool *done);

typedef struct dump_request {
  struct nlmsghdr head;
  union {
    struct ifinfomsg netifs;
    struct nfgenmsg objects;
    struct xfrm_userpolicy_id policies;
  } body;
} dump_request;

static cordon_status dump(iso_survey *s, const sup_call *call, int protocol,
                          const dump_request *request, dump_fn *fn, sup_err *err)
{
  int fd = -1;
  bool done = false;
  unsigned char *buffer = malloc(SUP_NETLINK_BUFFER);
  if (buffer == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to look at this device");
  cordon_status status = sup_netlink_open(protocol, 0, &fd, err);
  if (status == CORDON_OK)
    status = sup_netlink_send(fd, request, request->head.nlmsg_len, err);
  while (status == CORDON_OK && !done) {
    size_t len = 0;
    status = sup_netlink_receive(fd, buffer, SUP_NETLINK_BUFFER, sup_call_until(call, ANSWER_MS),
                                 &len, err);
    if (status == CORDON_OK)
      fn(s, buffer, len, &done);
  }
  if (fd >= 0)
    (void)close(fd);
  free(buffer);
  return status;
}

static dump_request request_of(uint16_t type, size_t body)
{
  return (dump_request){.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(body),
                                 .nlmsg_type = type,
                                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
}

/* ---- interfaces ---- */

static void keep_netif(void *data, const iso_netif *n)
{
  iso_survey *s = data;
  iso_owners_note(&s->owners, iso_owner_of_interface(n->name), "interface", n->name);
  if (s->netif_count < ISO_NETIFS_MAX)
    s->netifs[s->netif_count++] = *n;
}

static void take_netifs(iso_survey *s, const unsigned char *bytes, size_t len, bool *done)
{
  iso_netifs_walk(bytes, len, done, keep_netif, s);
}

static iso_bridge *find_bridge(iso_survey *s, unsigned index)
{
  for (size_t i = 0; i < s->bridge_count; i++) {
    if (s->bridges[i].index == index)
      return &s->bridges[i];
  }
  return NULL;
}

static void add_port(iso_bridge *b, const char *name)
{
  size_t len = strlen(b->port_names);
  b->ports++;
  if (len + strlen(name) + 3 <= sizeof(b->port_names))
    (void)snprintf(b->port_names + len, sizeof(b->port_names) - len, "%s%s", len > 0 ? ", " : "",
                   name);
}

void iso_survey_bridges(iso_survey *s)
{
  for (size_t i = 0; i < s->netif_count; i++) {
    const iso_netif *n = &s->netifs[i];
    if (strcmp(n->kind, "bridge") != 0)
      continue;
    if (s->bridge_count == ISO_BRIDGES_MAX) {
      s->bridges_left++;
      continue;
    }
    iso_bridge *b = &s->bridges[s->bridge_count++];
    b->index = n->index;
    memcpy(b->name, n->name, sizeof(b->name));
  }
  for (size_t i = 0; i < s->netif_count; i++) {
    iso_bridge *b = s->netifs[i].master != 0 ? find_bridge(s, s->netifs[i].master) : NULL;
    if (b != NULL)
      add_port(b, s->netifs[i].name);
  }
}

static bool is_on(const char *path)
{
  FILE *f = fopen(path, "re");
  int c = f != NULL ? fgetc(f) : EOF;
  if (f != NULL)
    (void)fclose(f);
  return c >= '1' && c <= '9';
}

/* ---- the ways to the consoles ---- */

iso_way iso_way_through(const iso_params *p, const iso_tunnel *tunnel, const iso_addr *outer,
                        uint16_t outer_port)
{
  if (!p->selective)
    return tunnel->may_be_local ? ISO_WAY_DOUBTFUL : ISO_WAY_CUT;
  if (outer->family == 0 || tunnel->protocol == 0)
    return ISO_WAY_DOUBTFUL;
  if (tunnel->protocol == ISO_UDP && outer_port == 0)
    return ISO_WAY_DOUBTFUL;
  return iso_params_excludes(p, ISO_OUT, tunnel->protocol, outer, outer_port) ? ISO_WAY_OPEN
                                                                              : ISO_WAY_CUT;
}

static cordon_status ask_route(const iso_endpoint *to, uint32_t mark, iso_route *ret_route,
                               sup_err *err)
{
  unsigned char answer[8192];
  size_t size = to->addr.family == 6 ? 16 : 4;
  size_t len = 0;
  struct {
    struct nlmsghdr head;
    struct rtmsg body;
    unsigned char attributes[64];
  } r = {.head = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
         .body = {.rtm_family = to->addr.family == 6 ? AF_INET6 : AF_INET,
                  .rtm_dst_len = (unsigned char)(8 * size)}};
  struct rtattr a = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = RTA_DST};
  memcpy(r.attributes, &a, sizeof(a));
  memcpy(r.attributes + sizeof(a), to->addr.bytes, size);
  size_t used = RTA_SPACE(size);
  a = (struct rtattr){.rta_len = RTA_LENGTH(sizeof(mark)), .rta_type = RTA_MARK};
  memcpy(r.attributes + used, &a, sizeof(a));
  memcpy(r.attributes + used + sizeof(a), &mark, sizeof(mark));
  used += RTA_SPACE(sizeof(mark));
  r.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(r.body)) + used);
  cordon_status status =
      sup_netlink_ask(NETLINK_ROUTE, &r, r.head.nlmsg_len, answer, sizeof(answer), &len, err);
  if (status == CORDON_OK)
    iso_route_read(answer, len, ret_route);
  return status;
}

typedef struct ipsec_look {
  iso_target_flow flow;
  bool found;
  iso_addr outer;
} ipsec_look;

/* The dump of the policies is asked for once for each console: there are few of either. */
static cordon_status ask_ipsec(const sup_call *call, ipsec_look *look, sup_err *err)
{
  dump_request r = request_of(XFRM_MSG_GETPOLICY, sizeof(r.body.policies));
  int fd = -1;
  bool done = false;
  unsigned char *buffer = malloc(SUP_NETLINK_BUFFER);
  if (buffer == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to look at this device");
  sup_err none = {0};
  /* A kernel without IPsec has no such protocol. */
  if (sup_netlink_open(NETLINK_XFRM, 0, &fd, &none) != CORDON_OK)
    done = true;
  cordon_status status = done ? CORDON_OK : sup_netlink_send(fd, &r, r.head.nlmsg_len, err);
  while (status == CORDON_OK && !done) {
    size_t len = 0;
    status = sup_netlink_receive(fd, buffer, SUP_NETLINK_BUFFER, sup_call_until(call, ANSWER_MS),
                                 &len, err);
    if (status == CORDON_OK)
      iso_policies_walk(buffer, len, &look->flow, &done, &look->found, &look->outer);
  }
  if (fd >= 0)
    (void)close(fd);
  free(buffer);
  return status;
}

/* ---- WireGuard ---- */

typedef struct genl_request {
  struct nlmsghdr head;
  struct genlmsghdr command;
  struct nlattr attribute;
  char value[12];
} genl_request;

static genl_request genl_ask(uint16_t family, uint8_t command, uint16_t flags, uint16_t type,
                             const void *value, size_t len)
{
  genl_request r = {
      .head = {.nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST | flags},
      .command = {.cmd = command, .version = 1},
      .attribute = {.nla_len = (uint16_t)(sizeof(r.attribute) + len), .nla_type = type}};
  memcpy(r.value, value, len);
  r.head.nlmsg_len = (uint32_t)(offsetof(genl_request, value) + ((len + 3) & ~(size_t)3));
  return r;
}

/* Where the peer is that gets what goes to `to`. What cannot be told is left as it is. */
static void ask_wireguard(const sup_call *call, unsigned interface, const iso_addr *to,
                          iso_peer *ret_peer)
{
  enum { WG_GET_DEVICE = 0, WG_IFINDEX = 1 };
  static const char name[] = "wireguard";
  unsigned char answer[4096];
  uint32_t index = interface;
  size_t len = 0;
  int fd = -1;
  bool done = false;
  sup_err none = {0};
  genl_request r =
      genl_ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, CTRL_ATTR_FAMILY_NAME, name, sizeof(name));
  if (sup_netlink_ask(NETLINK_GENERIC, &r, r.head.nlmsg_len, answer, sizeof(answer), &len, &none) !=
      CORDON_OK)
    return;
  uint16_t family = iso_family_read(answer, len);
  unsigned char *buffer = family != 0 ? malloc(SUP_NETLINK_BUFFER) : NULL;
  if (buffer == NULL)
    return;
  r = genl_ask(family, WG_GET_DEVICE, NLM_F_DUMP, WG_IFINDEX, &index, sizeof(index));
  cordon_status status = sup_netlink_open(NETLINK_GENERIC, 0, &fd, &none);
  if (status == CORDON_OK)
    status = sup_netlink_send(fd, &r, r.head.nlmsg_len, &none);
  while (status == CORDON_OK && !done) {
    status = sup_netlink_receive(fd, buffer, SUP_NETLINK_BUFFER, sup_call_until(call, ANSWER_MS),
                                 &len, &none);
    if (status == CORDON_OK)
      iso_peers_walk(buffer, len, to, &done, ret_peer);
  }
  if (fd >= 0)
    (void)close(fd);
  free(buffer);
}

static const iso_netif *find_netif(const iso_survey *s, unsigned index)
{
  for (size_t i = 0; i < s->netif_count; i++) {
    if (s->netifs[i].index == index)
      return &s->netifs[i];
  }
  return NULL;
}

static void judge_path(iso_survey *s, const sup_call *call, iso_path *path, const iso_route *route,
                       const ipsec_look *ipsec)
{
  static const iso_tunnel policy = {"xfrm", "an IPsec policy", ISO_OTHER, false};
  const iso_netif *n = find_netif(s, route->interface);
  const iso_tunnel *tunnel = n != NULL ? iso_netif_tunnel(n) : NULL;
  uint16_t port = 0;
  path->way = ISO_WAY_OPEN;
  if (n != NULL)
    memcpy(path->interface, n->name, sizeof(path->interface));
  if (tunnel != NULL) {
    iso_peer peer = {.endpoint = n->outer, .port = n->outer_port};
    if (strcmp(n->kind, "wireguard") == 0)
      ask_wireguard(call, n->index, &path->to.addr, &peer);
    path->outer = peer.endpoint;
    port = peer.port;
  } else if (ipsec->found) {
    tunnel = &policy;
    path->outer = ipsec->outer.family != 0 ? ipsec->outer : path->to.addr;
  }
  if (tunnel == NULL)
    return;
  path->tunnel = tunnel->name;
  path->way = iso_way_through(s->params, tunnel, &path->outer, port);
}

static cordon_status look_at_path(iso_survey *s, const sup_call *call, iso_path *path, sup_err *err)
{
  iso_route route = {0};
  cordon_status status = ask_route(&path->to, s->params->mark, &route, err);
  if (status != CORDON_OK || !route.there)
    return status;
  ipsec_look ipsec = {.flow = {.source = route.source, .to = path->to.addr, .port = path->to.port}};
  status = ask_ipsec(call, &ipsec, err);
  if (status == CORDON_OK)
    judge_path(s, call, path, &route, &ipsec);
  return status;
}

static cordon_status look_at_paths(iso_survey *s, const sup_call *call, sup_err *err)
{
  for (size_t i = 0; i < s->params->console_count; i++) {
    s->paths[i].to = s->params->consoles[i];
    cordon_status status = look_at_path(s, call, &s->paths[i], err);
    if (status != CORDON_OK)
      return status;
  }
  return CORDON_OK;
}

/* ---- owners ---- */

static void take_objects(iso_survey *s, const unsigned char *bytes, size_t len, bool *done)
{
  iso_owners_walk(bytes, len, done, &s->owners);
}

static cordon_status look_for_owners(iso_survey *s, const sup_call *call, sup_err *err)
{
  static const uint16_t asks[] = {NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
                                  NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN};
  cordon_status status = CORDON_OK;
  for (size_t i = 0; i < 2 && status == CORDON_OK; i++) {
    dump_request r = request_of(asks[i], sizeof(r.body.objects));
    status = dump(s, call, NETLINK_NETFILTER, &r, take_objects, err);
  }
  for (size_t i = 0; i < s->procs.count; i++)
    iso_owners_note(&s->owners, iso_owner_of_process(s->procs.procs[i].name), "process",
                    s->procs.procs[i].name);
  return status;
}

/* ---- all of it ---- */

static void show_socket(void *data, const iso_shown *shown)
{
  iso_survey_socket(data, shown);
}

static cordon_status look_at_sockets(iso_survey *s, const sup_call *call, sup_err *err)
{
  cordon_status status = iso_sockets_show(s->params, call, show_socket, s, err);
  iso_survey_name(s);
  return status;
}

static cordon_status look_at_netifs(iso_survey *s, const sup_call *call, sup_err *err)
{
  dump_request r = request_of(RTM_GETLINK, sizeof(r.body.netifs));
  cordon_status status = dump(s, call, NETLINK_ROUTE, &r, take_netifs, err);
  iso_survey_bridges(s);
  s->forwards4 = is_on("/proc/sys/net/ipv4/ip_forward");
  s->forwards6 = is_on("/proc/sys/net/ipv6/conf/all/forwarding");
  return status;
}

typedef cordon_status look_fn(iso_survey *s, const sup_call *call, sup_err *err);

cordon_status iso_survey_take(const iso_params *p, const sup_call *call, iso_survey *ret_survey,
                              sup_err *err)
{
  static const struct {
    look_fn *look;
    const char *what;
  } looks[] = {{look_at_netifs, "interfaces"},
               {look_at_paths, "routes"},
               {look_for_owners, "owners of rules"},
               {look_at_sockets, "connections"}};
  iso_survey *s = ret_survey;
  *s = (iso_survey){.params = p, .netifs = calloc(ISO_NETIFS_MAX, sizeof(*s->netifs))};
  if (s->netifs == NULL || !iso_procs_read("", &s->procs))
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to look at this device");
  for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
    sup_err why = {0};
    cordon_status status = sup_call_check(call, err);
    if (status != CORDON_OK)
      return status;
    if (looks[i].look(s, call, &why) != CORDON_OK) {
      sup_log(call->host, call->op, CORDON_LOG_WARN, "the preflight did not see the %s: %s",
              looks[i].what, why.sentence);
      add_unread(s, looks[i].what);
    }
  }
  return CORDON_OK;
}

void iso_survey_release(iso_survey *s)
{
  free(s->netifs);
  iso_procs_release(&s->procs);
  s->netifs = NULL;
}
