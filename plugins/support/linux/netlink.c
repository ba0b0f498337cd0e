#include "support/netlink.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <sys/socket.h>

#include "support/call.h"

enum {
  ANSWER_MS = 2000,
  PART_MAX = 32 * 1024 /* the kernel makes its parts no longer, whatever there is to tell */
};

static size_t padded(size_t len)
{
  return (len + 3) & ~(size_t)3;
}

bool sup_message_next(const unsigned char **bytes, size_t *len, sup_message *ret_message)
{
  struct nlmsghdr h;
  if (*len < sizeof(h))
    return false;
  memcpy(&h, *bytes, sizeof(h));
  if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > *len)
    return false;
  *ret_message = (sup_message){.type = h.nlmsg_type,
                               .flags = h.nlmsg_flags,
                               .sequence = h.nlmsg_seq,
                               .port = h.nlmsg_pid,
                               .payload = *bytes + sizeof(h),
                               .len = h.nlmsg_len - sizeof(h)};
  size_t used = padded(h.nlmsg_len) < *len ? padded(h.nlmsg_len) : *len;
  *bytes += used;
  *len -= used;
  return true;
}

bool sup_attribute_next(const unsigned char **bytes, size_t *len, sup_attribute *ret_attribute)
{
  struct nlattr a;
  if (*len < sizeof(a))
    return false;
  memcpy(&a, *bytes, sizeof(a));
  if (a.nla_len < sizeof(a) || a.nla_len > *len)
    return false;
  *ret_attribute = (sup_attribute){.type = a.nla_type & NLA_TYPE_MASK,
                                   .value = *bytes + sizeof(a),
                                   .len = a.nla_len - sizeof(a)};
  size_t used = padded(a.nla_len) < *len ? padded(a.nla_len) : *len;
  *bytes += used;
  *len -= used;
  return true;
}

int sup_message_error(const sup_message *m)
{
  int error = 0;
  if (m->type != NLMSG_ERROR || m->len < sizeof(error))
    return -1;
  memcpy(&error, m->payload, sizeof(error));
  return error > 0 || error < -4095 ? EPROTO : -error;
}

cordon_status sup_netlink_open(int protocol, unsigned group, int *ret_fd, sup_err *err)
{
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0)
    return sup_fail_os(err, errno, "the kernel gives no netlink socket of protocol %d", protocol);
  struct sockaddr_nl self = {.nl_family = AF_NETLINK};
  if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) != 0 ||
      (group != 0 &&
       setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)) {
    cordon_status status =
        sup_fail_os(err, errno, "the netlink socket of protocol %d could not be bound", protocol);
    (void)close(fd);
    return status;
  }
  *ret_fd = fd;
  return CORDON_OK;
}

cordon_status sup_netlink_send(int fd, const void *request, size_t len, sup_err *err)
{
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  ssize_t sent = -1;
  do {
    sent = sendto(fd, request, len, MSG_NOSIGNAL, (const struct sockaddr *)&kernel, sizeof(kernel));
  } while (sent < 0 && errno == EINTR);
  if (sent < 0)
    return sup_fail_os(err, errno, "a netlink request could not be sent");
  return CORDON_OK;
}

cordon_status sup_netlink_receive(int fd, void *buffer, size_t size, uint64_t deadline_ms,
                                  size_t *ret_len, sup_err *err)
{
  for (;;) {
    struct sockaddr_nl from = {0};
    socklen_t from_len = sizeof(from);
    ssize_t got = recvfrom(fd, buffer, size, MSG_TRUNC, (struct sockaddr *)&from, &from_len);
    if (got >= 0 && from.nl_pid != 0)
      continue;
    if (got >= 0 && (size_t)got > size)
      return sup_fail(err, CORDON_E_LIMIT, "a netlink answer is longer than %zu bytes", size);
    if (got >= 0) {
      *ret_len = (size_t)got;
      return CORDON_OK;
    }
    if (errno != EAGAIN && errno != EINTR)
      return sup_fail_os(err, errno, "a netlink answer could not be read");
    uint64_t now = sup_now_ms();
    if (now >= deadline_ms)
      return sup_fail(err, CORDON_E_DEADLINE,
                      "the kernel did not answer a netlink request in time");
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t left = deadline_ms - now;
    (void)poll(&p, 1, left > 60000 ? 60000 : (int)left);
  }
}

/* A socket with a question on its way. What answers it carries the number of the question and the
 * socket's own port: an answer that comes late, to a question that was given up, is not taken for
 * that of the next. */
typedef struct line {
  int fd;
  uint32_t port;
  uint32_t number;
} line;

static cordon_status line_open(line *l, int protocol, sup_err *err)
{
  struct sockaddr_nl self = {0};
  socklen_t len = sizeof(self);
  int fd = -1;
  cordon_status status = sup_netlink_open(protocol, 0, &fd, err);
  if (status != CORDON_OK)
    return status;
  if (getsockname(fd, (struct sockaddr *)&self, &len) != 0) {
    status = sup_fail_os(err, errno, "the port of a netlink socket is not known");
    (void)close(fd);
    return status;
  }
  *l = (line){.fd = fd, .port = self.nl_pid, .number = l->number};
  return CORDON_OK;
}

static cordon_status send_numbered(line *l, const void *request, size_t len, sup_err *err)
{
  union {
    struct nlmsghdr head;
    unsigned char bytes[SUP_REQUEST_MAX];
  } copy;
  if (len < sizeof(copy.head) || len > sizeof(copy))
    return sup_fail(err, CORDON_E_INTERNAL, "a netlink request is %zu bytes long", len);
  memcpy(copy.bytes, request, len);
  copy.head.nlmsg_seq = ++l->number;
  return sup_netlink_send(l->fd, copy.bytes, len, err);
}

static bool answers(const line *l, const unsigned char *bytes, size_t len)
{
  sup_message m;
  return sup_message_next(&bytes, &len, &m) && m.sequence == l->number && m.port == l->port;
}

static cordon_status receive_answer(const line *l, void *buffer, size_t size, uint64_t deadline_ms,
                                    size_t *ret_len, sup_err *err)
{
  size_t len = 0;
  cordon_status status = CORDON_OK;
  do {
    status = sup_netlink_receive(l->fd, buffer, size, deadline_ms, &len, err);
  } while (status == CORDON_OK && !answers(l, buffer, len));
  if (status == CORDON_OK)
    *ret_len = len;
  return status;
}

/* Questions about nftables have a socket of their own that stays: the close of one waits until the
 * kernel has done away with what the last change replaced, for longer than the question takes. */
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static line kept = {.fd = -1};

static cordon_status ask(line *l, const void *request, size_t len, void *answer, size_t size,
                         size_t *ret_len, sup_err *err)
{
  cordon_status status = send_numbered(l, request, len, err);
  if (status != CORDON_OK)
    return status;
  return receive_answer(l, answer, size, sup_now_ms() + ANSWER_MS, ret_len, err);
}

static bool is_last(const unsigned char *bytes, size_t len)
{
  sup_message m;
  while (sup_message_next(&bytes, &len, &m)) {
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      return true;
  }
  return false;
}

/* `ret_whole`: the kernel has told all there was. */
static cordon_status dump(line *l, const void *request, size_t len, sup_part_fn *take, void *data,
                          bool *ret_whole, sup_err *err)
{
  unsigned char part[PART_MAX];
  uint64_t deadline_ms = sup_now_ms() + ANSWER_MS;
  size_t got = 0;
  bool more = true;
  cordon_status status = send_numbered(l, request, len, err);
  while (status == CORDON_OK && more) {
    status = receive_answer(l, part, sizeof(part), deadline_ms, &got, err);
    *ret_whole = status == CORDON_OK && is_last(part, got);
    more = status == CORDON_OK && take(data, part, got) && !*ret_whole;
  }
  return status;
}

static cordon_status lend(sup_err *err)
{
  (void)pthread_mutex_lock(&kept_lock);
  return kept.fd < 0 ? line_open(&kept, NETLINK_NETFILTER, err) : CORDON_OK;
}

/* After a failure, or with a rest of an answer in it, it is of no more use: a new one then. */
static cordon_status give_back(cordon_status status, bool clean)
{
  if ((status != CORDON_OK || !clean) && kept.fd >= 0) {
    (void)close(kept.fd);
    kept.fd = -1;
  }
  (void)pthread_mutex_unlock(&kept_lock);
  return status;
}

cordon_status sup_netlink_ask_nftables(const void *request, size_t len, void *answer, size_t size,
                                       size_t *ret_len, sup_err *err)
{
  cordon_status status = lend(err);
  if (status == CORDON_OK)
    status = ask(&kept, request, len, answer, size, ret_len, err);
  return give_back(status, true);
}

cordon_status sup_netlink_dump_nftables(const void *request, size_t len, sup_part_fn *take,
                                        void *data, sup_err *err)
{
  bool whole = false;
  cordon_status status = lend(err);
  if (status == CORDON_OK)
    status = dump(&kept, request, len, take, data, &whole, err);
  return give_back(status, whole);
}

cordon_status sup_netlink_ask(int protocol, const void *request, size_t len, void *answer,
                              size_t size, size_t *ret_len, sup_err *err)
{
  line l = {.fd = -1};
  cordon_status status = line_open(&l, protocol, err);
  if (status != CORDON_OK)
    return status;
  status = ask(&l, request, len, answer, size, ret_len, err);
  (void)close(l.fd);
  return status;
}
