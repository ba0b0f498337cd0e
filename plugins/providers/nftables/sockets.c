#include "sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "support/netlink.h"

enum { PASSES = 8, FOUND_MAX = 65536, ANSWER_MS = 2000 };

/* States of linux/tcp_states.h, which is not for user space. */
enum {
  ESTABLISHED = 1 << 1,
  SYN_SENT = 1 << 2,
  SYN_RECV = 1 << 3,
  FIN_WAIT1 = 1 << 4,
  FIN_WAIT2 = 1 << 5,
  CLOSE_WAIT = 1 << 8,
  LAST_ACK = 1 << 9,
  LISTEN = 1 << 10,
  CLOSING = 1 << 11,
  NEW_SYN_RECV = 1 << 12,
  CONNECTION = ESTABLISHED | SYN_SENT | SYN_RECV | FIN_WAIT1 | FIN_WAIT2 | CLOSE_WAIT | LAST_ACK |
               CLOSING | NEW_SYN_RECV
};

static const struct kind {
  uint8_t protocol;
  uint8_t family;
  uint32_t states;
} kinds[] = {
    {IPPROTO_TCP, AF_INET, CONNECTION},  {IPPROTO_TCP, AF_INET6, CONNECTION},
    {IPPROTO_UDP, AF_INET, ESTABLISHED}, {IPPROTO_UDP, AF_INET6, ESTABLISHED},
    {IPPROTO_RAW, AF_INET, ESTABLISHED}, {IPPROTO_RAW, AF_INET6, ESTABLISHED},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

typedef struct found {
  iso_socket *items;
  size_t count;
} found;

typedef struct work {
  int fd;
  uint32_t sequence;
  unsigned char *buffer; /* SUP_NETLINK_BUFFER */
  const iso_params *params;
  const sup_call *call;
  const iso_locals *locals;
  bool elsewhere; /* in another namespace */
  iso_listened *listened;
  uint8_t protocol; /* of the dump that is running */
  found found;
  iso_ended ended;
} work;

static bool listens(const iso_ports *ports, uint16_t port)
{
  return (ports->bits[port / 8] >> (port % 8) & 1) != 0;
}

/* DHCP clients keep a connected socket for renewals, which the rules let through. */
static bool is_dhcp(uint8_t protocol, const iso_socket *s)
{
  return protocol == IPPROTO_UDP && ((s->local_port == 68 && s->remote_port == 67) ||
                                     (s->local_port == 546 && s->remote_port == 547));
}

static bool is_agents(const iso_params *p, uint8_t protocol, const iso_socket *s)
{
  if (s->has_mark)
    return s->mark == p->mark;
  /* A kernel that does not tell the mark: the connections to the console are left alone rather than
   * cut. */
  for (size_t i = 0; i < p->console_count && protocol == IPPROTO_TCP; i++) {
    if (iso_addr_compare(&p->consoles[i].addr, &s->remote) == 0 &&
        p->consoles[i].port == s->remote_port)
      return true;
  }
  return false;
}

static bool raw_is_excluded(const iso_params *p, const iso_socket *s)
{
  uint16_t own = s->local_port;
  unsigned protocol = own == IPPROTO_ICMP || own == IPPROTO_ICMPV6 ? ISO_ICMP : ISO_OTHER;
  return iso_params_excludes(p, ISO_OUT, protocol, &s->remote, 0) ||
         iso_params_excludes(p, ISO_IN, protocol, &s->remote, 0);
}

static bool excluded(const iso_params *p, const iso_socket *s, unsigned direction,
                     unsigned protocol, uint16_t port)
{
  return iso_params_excludes(p, direction, protocol, &s->remote, port) ||
         iso_params_excludes_group(p, s->cgroup, direction, protocol, &s->remote, port);
}

/* A connection of an excluded service that the remote opened: TCP is let through both ways once it
 * is there, so one that the service opened itself would go on. */
static bool service_accepted(const iso_params *p, const iso_listened *listened, unsigned protocol,
                             const iso_socket *s)
{
  if (!iso_params_excludes_group(p, s->cgroup, ISO_IN, protocol, &s->remote, s->local_port))
    return false;
  for (size_t i = 0; i < p->group_count && protocol == ISO_TCP; i++) {
    if (iso_group_has(&p->groups[i], s->cgroup) && listens(&listened->by_service[i], s->local_port))
      return true;
  }
  return protocol != ISO_TCP;
}

bool iso_socket_stays(const iso_params *p, const iso_locals *locals, const iso_listened *listened,
                      uint8_t protocol, const iso_socket *s)
{
  if (iso_addr_is_loopback(&s->remote) || iso_locals_has(locals, &s->remote))
    return true;
  if (is_agents(p, protocol, s) || is_dhcp(protocol, s))
    return true;
  if (protocol == IPPROTO_RAW)
    return raw_is_excluded(p, s);
  unsigned bit = protocol == IPPROTO_TCP ? ISO_TCP : ISO_UDP;
  if (iso_params_excludes(p, ISO_IN, bit, &s->remote, s->local_port) ||
      service_accepted(p, listened, bit, s))
    return true;
  bool opened_by_remote = protocol == IPPROTO_TCP && listens(&listened->any, s->local_port);
  return !opened_by_remote && excluded(p, s, ISO_OUT, bit, s->remote_port);
}

/* What is forwarded is dropped whoever it is from: neither marks nor exclusions are for others'
 * namespaces. */
bool iso_socket_stays_elsewhere(const iso_locals *locals, const iso_socket *s)
{
  return iso_addr_is_loopback(&s->remote) || iso_locals_has(locals, &s->remote);
}

static void add_port(iso_ports *ports, uint16_t port)
{
  ports->bits[port / 8] |= (uint8_t)(1u << (port % 8));
}

void iso_listened_add(iso_listened *l, const iso_params *p, const iso_socket *listener)
{
  add_port(&l->any, listener->local_port);
  for (size_t i = 0; i < p->group_count; i++) {
    if (iso_group_has(&p->groups[i], listener->cgroup))
      add_port(&l->by_service[i], listener->local_port);
  }
}

static void note_listener(void *data, const iso_socket *s)
{
  work *w = data;
  iso_listened_add(w->listened, w->params, s);
}

static void note_found(void *data, const iso_socket *s)
{
  work *w = data;
  bool stays = w->elsewhere ? iso_socket_stays_elsewhere(w->locals, s)
                            : iso_socket_stays(w->params, w->locals, w->listened, w->protocol, s);
  if (w->found.count < FOUND_MAX && !stays)
    w->found.items[w->found.count++] = *s;
}

typedef struct request {
  struct nlmsghdr head;
  struct inet_diag_req_v2 body;
} request;

static cordon_status dump(work *w, const struct kind *k, uint32_t states, iso_socket_fn *fn,
                          void *data, iso_dump *ret_dump, sup_err *err)
{
  request r = {
      .head = {.nlmsg_len = sizeof(r),
               .nlmsg_type = SOCK_DIAG_BY_FAMILY,
               .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
               .nlmsg_seq = ++w->sequence},
      .body = {.sdiag_family = k->family, .sdiag_protocol = k->protocol, .idiag_states = states}};
  *ret_dump = (iso_dump){0};
  cordon_status status = sup_netlink_send(w->fd, &r, sizeof(r), err);
  while (status == CORDON_OK && !ret_dump->done) {
    size_t len = 0;
    status = sup_netlink_receive(w->fd, w->buffer, SUP_NETLINK_BUFFER,
                                 sup_call_until(w->call, ANSWER_MS), &len, err);
    if (status == CORDON_OK)
      iso_diag_walk(w->buffer, len, ret_dump, fn, data);
  }
  return status;
}

static cordon_status destroy(work *w, const struct kind *k, const iso_socket *s, int *ret_os_error,
                             sup_err *err)
{
  request r = {.head = {.nlmsg_len = sizeof(r),
                        .nlmsg_type = SOCK_DESTROY,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                        .nlmsg_seq = ++w->sequence},
               .body = {.sdiag_family = k->family,
                        .sdiag_protocol = k->protocol,
                        .idiag_states = UINT32_MAX,
                        .id = s->id}};
  /* The kernel finds a raw socket by its protocol, which takes the place of the padding. */
  if (k->protocol == IPPROTO_RAW)
    r.body.pad = (uint8_t)s->local_port;
  cordon_status status = sup_netlink_send(w->fd, &r, sizeof(r), err);
  int os_error = -1;
  while (status == CORDON_OK && os_error < 0) {
    size_t len = 0;
    status = sup_netlink_receive(w->fd, w->buffer, SUP_NETLINK_BUFFER,
                                 sup_call_until(w->call, ANSWER_MS), &len, err);
    const unsigned char *bytes = w->buffer;
    sup_message m;
    while (status == CORDON_OK && os_error < 0 && sup_message_next(&bytes, &len, &m)) {
      if (m.sequence == w->sequence)
        os_error = sup_message_error(&m);
    }
  }
  *ret_os_error = os_error;
  return status;
}

static cordon_status destroy_found(work *w, const struct kind *k, sup_err *err)
{
  for (size_t i = 0; i < w->found.count && !w->ended.unsupported; i++) {
    int os_error = 0;
    cordon_status status = i % 256 == 0 ? sup_call_check(w->call, err) : CORDON_OK;
    if (status == CORDON_OK)
      status = destroy(w, k, &w->found.items[i], &os_error, err);
    if (status != CORDON_OK)
      return status;
    if (os_error == 0)
      w->ended.ended++;
    else if (os_error == EOPNOTSUPP)
      w->ended.unsupported = true;
    else if (os_error != ENOENT) /* gone by itself meanwhile */
      w->ended.failed++;
  }
  return CORDON_OK;
}

/* One look at every kind of socket. `ret_clean`: there was nothing to end, and the kernel showed
 * all there was. */
static cordon_status pass(work *w, bool *ret_clean, sup_err *err)
{
  *ret_clean = true;
  w->ended.failed = 0;
  for (size_t i = 0; i < KINDS; i++) {
    iso_dump d = {0};
    w->protocol = kinds[i].protocol;
    w->found.count = 0;
    cordon_status status = dump(w, &kinds[i], kinds[i].states, note_found, w, &d, err);
    if (status == CORDON_OK)
      status = destroy_found(w, &kinds[i], err);
    if (status != CORDON_OK)
      return status;
    /* A protocol that this kernel lacks has no sockets. */
    bool absent = d.os_error == ENOENT || d.os_error == EINVAL || d.os_error == EAFNOSUPPORT;
    if (d.os_error != 0 && !absent)
      return sup_fail_os(err, d.os_error, "the sockets of protocol %u could not be listed",
                         kinds[i].protocol);
    if (w->found.count > 0 || d.interrupted)
      *ret_clean = false;
  }
  return CORDON_OK;
}

static cordon_status work_begin(work *w, sup_err *err)
{
  w->buffer = malloc(SUP_NETLINK_BUFFER);
  w->found.items = calloc(FOUND_MAX, sizeof(*w->found.items));
  w->listened = calloc(1, sizeof(*w->listened));
  if (w->buffer == NULL || w->found.items == NULL || w->listened == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to list the sockets of this device");
  cordon_status status = CORDON_OK;
  for (size_t i = 0; i < KINDS && status == CORDON_OK; i++) {
    iso_dump d = {0};
    if (kinds[i].protocol == IPPROTO_TCP)
      status = dump(w, &kinds[i], LISTEN, note_listener, w, &d, err);
  }
  return status;
}

static void work_end(work *w)
{
  free(w->listened);
  free(w->found.items);
  free(w->buffer);
}

static cordon_status end_through(work *work_in, iso_ended *ret_ended, sup_err *err)
{
  work w = *work_in;
  bool clean = false;
  cordon_status status = work_begin(&w, err);
  while (status == CORDON_OK && !clean && !w.ended.unsupported && w.ended.passes < PASSES) {
    w.ended.passes++;
    status = pass(&w, &clean, err);
  }
  w.ended.remaining = !clean;
  *ret_ended = w.ended;
  work_end(&w);
  return status;
}

cordon_status iso_sockets_end(const iso_params *p, const sup_call *call, const iso_locals *locals,
                              iso_ended *ret_ended, sup_err *err)
{
  work w = {.fd = -1, .params = p, .call = call, .locals = locals};
  cordon_status status = sup_netlink_open(NETLINK_SOCK_DIAG, 0, &w.fd, err);
  if (status == CORDON_OK)
    status = end_through(&w, ret_ended, err);
  if (w.fd >= 0)
    (void)close(w.fd);
  return status;
}

cordon_status iso_sockets_end_elsewhere(const iso_params *p, const sup_call *call,
                                        const iso_locals *locals, int fd, iso_ended *ret_ended,
                                        sup_err *err)
{
  work w = {.fd = fd, .params = p, .call = call, .locals = locals, .elsewhere = true};
  return end_through(&w, ret_ended, err);
}

/* ---- only showing ---- */

typedef struct show {
  work *w;
  iso_shown_fn *fn;
  void *data;
  bool listeners; /* the dump that is running */
} show;

static void show_socket(void *data, const iso_socket *s)
{
  const show *v = data;
  const work *w = v->w;
  if (!v->listeners && iso_socket_stays(w->params, w->locals, w->listened, w->protocol, s))
    return;
  const iso_shown shown = {.socket = s,
                           .protocol = w->protocol,
                           .listens = v->listeners,
                           .opened_by_remote = !v->listeners && w->protocol == IPPROTO_TCP &&
                                               listens(&w->listened->any, s->local_port)};
  v->fn(v->data, &shown);
}

static cordon_status show_through(work *w, show *v, sup_err *err)
{
  cordon_status status = work_begin(w, err);
  for (int round = 0; round < 2 && status == CORDON_OK; round++, v->listeners = false) {
    for (size_t i = 0; i < KINDS && status == CORDON_OK; i++) {
      iso_dump d = {0};
      w->protocol = kinds[i].protocol;
      if (!v->listeners || kinds[i].protocol == IPPROTO_TCP)
        status = dump(w, &kinds[i], v->listeners ? (uint32_t)LISTEN : kinds[i].states, show_socket,
                      v, &d, err);
    }
  }
  work_end(w);
  return status;
}

cordon_status iso_sockets_show(const iso_params *p, const sup_call *call, iso_shown_fn *fn,
                               void *data, sup_err *err)
{
  iso_locals locals = {0};
  work w = {.fd = -1, .params = p, .call = call, .locals = &locals};
  show v = {.w = &w, .fn = fn, .data = data, .listeners = true};
  cordon_status status = iso_locals_read(&locals, err);
  if (status == CORDON_OK)
    status = sup_netlink_open(NETLINK_SOCK_DIAG, 0, &w.fd, err);
  if (status == CORDON_OK)
    status = show_through(&w, &v, err);
  if (w.fd >= 0)
    (void)close(w.fd);
  iso_locals_release(&locals);
  return status;
}

const char *iso_ended_note(const iso_ended *e)
{
  if (e->unsupported)
    return "this kernel cannot end sockets (CONFIG_INET_DIAG_DESTROY); their traffic is dropped";
  if (e->failed > 0)
    return "the kernel refused to end some; their traffic is dropped";
  if (e->remaining)
    return "the last pass still found some, which were made while it looked; their traffic is "
           "dropped";
  return NULL;
}

bool iso_sockets_can_end(void)
{
  sup_call call = {0};
  work w = {.fd = -1, .call = &call};
  /* No socket has this id: a kernel that can end sockets says that there is none. */
  iso_socket nobody = {.family = AF_INET};
  nobody.id.idiag_sport = htons(1);
  nobody.id.idiag_dport = htons(1);
  int os_error = EOPNOTSUPP;
  w.buffer = malloc(SUP_NETLINK_BUFFER);
  if (w.buffer != NULL && sup_netlink_open(NETLINK_SOCK_DIAG, 0, &w.fd, NULL) == CORDON_OK)
    (void)destroy(&w, &kinds[0], &nobody, &os_error, NULL);
  if (w.fd >= 0)
    (void)close(w.fd);
  work_end(&w);
  return os_error == ENOENT;
}
