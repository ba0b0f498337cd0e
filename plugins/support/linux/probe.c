#include "support/probe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>

#include "support/call.h"

enum { PROBE_MAX = 64 };

/* What an echo request of ours carries as its identifier, so that an answer can be told from other
 * people's. */
#define ECHO_ID 0xc0d1u

static socklen_t address_size(const sup_probe *p)
{
  return p->to.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void probe_close(sup_probe *p)
{
  if (p->fd >= 0)
    (void)close(p->fd);
  p->fd = -1;
}

static void probe_fail(sup_probe *p, int os_error)
{
  p->os_error = os_error;
  probe_close(p);
}

static bool probe_open(sup_probe *p, int type, int protocol)
{
  p->fd = socket(p->to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (p->fd < 0)
    goto failed;
  if (p->mark != 0 && setsockopt(p->fd, SOL_SOCKET, SO_MARK, &p->mark, sizeof(p->mark)) != 0)
    goto failed;
  if (p->device != NULL &&
      setsockopt(p->fd, SOL_SOCKET, SO_BINDTODEVICE, p->device, (socklen_t)strlen(p->device)) != 0)
    goto failed;
  return true;
failed:
  probe_fail(p, errno);
  return false;
}

static void start_tcp(sup_probe *p)
{
  if (!probe_open(p, SOCK_STREAM, IPPROTO_TCP))
    return;
  if (connect(p->fd, (const struct sockaddr *)&p->to, address_size(p)) == 0) {
    p->answered = true;
    probe_close(p);
  } else if (errno != EINPROGRESS) {
    probe_fail(p, errno);
  }
}

static void start_udp(sup_probe *p)
{
  if (!probe_open(p, SOCK_DGRAM, IPPROTO_UDP))
    return;
  /* Connected, so that an ICMP error that comes back is told to this socket. */
  if (connect(p->fd, (const struct sockaddr *)&p->to, address_size(p)) != 0 ||
      send(p->fd, p->payload, p->payload_len, MSG_NOSIGNAL) < 0) {
    probe_fail(p, errno);
    return;
  }
  p->left = true;
}

/* The Internet checksum over bytes in network order, returned in network order. `sum` is what was
 * added before. */
static uint16_t checksum(uint32_t sum, const unsigned char *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++)
    sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

/* Raw sockets take no port: IPv6 refuses one that is not 0. */
static struct sockaddr_storage without_port(const sup_probe *p)
{
  struct sockaddr_storage to = p->to;
  if (to.ss_family == AF_INET6)
    ((struct sockaddr_in6 *)&to)->sin6_port = 0;
  else
    ((struct sockaddr_in *)&to)->sin_port = 0;
  return to;
}

static void send_raw(sup_probe *p, const void *packet, size_t len)
{
  struct sockaddr_storage to = without_port(p);
  if (sendto(p->fd, packet, len, MSG_NOSIGNAL, (const struct sockaddr *)&to, address_size(p)) < 0) {
    probe_fail(p, errno);
    return;
  }
  p->left = true;
}

static void start_icmp(sup_probe *p)
{
  bool v6 = p->to.ss_family == AF_INET6;
  if (!probe_open(p, SOCK_RAW, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
    return;
  /* Type, code, checksum, identifier, sequence number. The kernel fills the checksum for ICMPv6. */
  unsigned char echo[8] = {
      v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO, 0, 0, 0, ECHO_ID >> 8, ECHO_ID & 0xff, 0, 1};
  uint16_t sum = checksum(0, echo, sizeof(echo));
  if (!v6)
    memcpy(echo + 2, &sum, sizeof(sum));
  send_raw(p, echo, sizeof(echo));
}

/* The address that the kernel would send from, found with a datagram socket that sends nothing. */
static bool source_of(const sup_probe *p, struct sockaddr_storage *ret_from)
{
  sup_probe trial = *p;
  trial.fd = -1;
  socklen_t len = sizeof(*ret_from);
  bool found = probe_open(&trial, SOCK_DGRAM, 0) &&
               connect(trial.fd, (const struct sockaddr *)&p->to, address_size(p)) == 0 &&
               getsockname(trial.fd, (struct sockaddr *)ret_from, &len) == 0;
  probe_close(&trial);
  return found;
}

static uint32_t add_words(uint32_t sum, const void *bytes, size_t len)
{
  const unsigned char *b = bytes;
  for (size_t i = 0; i + 1 < len; i += 2)
    sum += (uint32_t)b[i] << 8 | b[i + 1];
  return sum;
}

static uint32_t pseudo_header(const sup_probe *p, const struct sockaddr_storage *from, size_t len)
{
  uint32_t sum = IPPROTO_TCP + (uint32_t)len;
  if (p->to.ss_family == AF_INET6) {
    sum = add_words(sum, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    return add_words(sum, &((const struct sockaddr_in6 *)&p->to)->sin6_addr, 16);
  }
  sum = add_words(sum, &((const struct sockaddr_in *)from)->sin_addr, 4);
  return add_words(sum, &((const struct sockaddr_in *)&p->to)->sin_addr, 4);
}

static void start_syn(sup_probe *p)
{
  struct sockaddr_storage from = {0};
  if (!source_of(p, &from)) {
    probe_fail(p, errno);
    return;
  }
  if (!probe_open(p, SOCK_RAW, IPPROTO_TCP))
    return;
  uint16_t port = p->to.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&p->to)->sin6_port
                                              : ((const struct sockaddr_in *)&p->to)->sin_port;
  struct tcphdr syn = {.source = htons(61000),
                       .dest = port,
                       .seq = htonl(1),
                       .doff = 5,
                       .syn = 1,
                       .window = htons(1024)};
  uint16_t sum =
      checksum(pseudo_header(p, &from, sizeof(syn)), (const unsigned char *)&syn, sizeof(syn));
  syn.check = sum;
  send_raw(p, &syn, sizeof(syn));
  probe_close(p); /* what comes back goes to the kernel's own TCP */
}

void sup_probe_start(sup_probe *p)
{
  p->left = false;
  p->answered = false;
  p->os_error = 0;
  p->fd = -1;
  switch (p->kind) {
  case SUP_PROBE_TCP: start_tcp(p); break;
  case SUP_PROBE_UDP: start_udp(p); break;
  case SUP_PROBE_ICMP: start_icmp(p); break;
  case SUP_PROBE_SYN: start_syn(p); break;
  case SUP_PROBE_NONE: probe_fail(p, EINVAL); break;
  }
}

static void finish_tcp(sup_probe *p)
{
  int os_error = 0;
  socklen_t len = sizeof(os_error);
  if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &os_error, &len) != 0)
    os_error = errno;
  p->answered = os_error == 0;
  probe_fail(p, os_error);
}

/* Is this the answer to our echo request? A raw IPv4 socket gives the IP header too. */
static bool is_echo_reply(bool v6, const unsigned char *packet, size_t len)
{
  size_t skip = v6 || len == 0 ? 0 : (size_t)(packet[0] & 0x0f) * 4;
  if (len < skip + 8)
    return false;
  const unsigned char *icmp = packet + skip;
  return icmp[0] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) && icmp[4] == ECHO_ID >> 8 &&
         icmp[5] == (ECHO_ID & 0xff);
}

static void finish_datagram(sup_probe *p)
{
  unsigned char answer[512];
  ssize_t len = recv(p->fd, answer, sizeof(answer), MSG_DONTWAIT);
  if (len < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (len < 0) {
    probe_fail(p, errno);
    return;
  }
  if (p->kind == SUP_PROBE_ICMP && !is_echo_reply(p->to.ss_family == AF_INET6, answer, (size_t)len))
    return;
  p->answered = true;
  probe_close(p);
}

static size_t gather(sup_probe *probes, size_t count, struct pollfd *fds, sup_probe **waiting)
{
  size_t n = 0;
  for (size_t i = 0; i < count && n < PROBE_MAX; i++) {
    if (probes[i].fd < 0)
      continue;
    waiting[n] = &probes[i];
    fds[n++] = (struct pollfd){.fd = probes[i].fd,
                               .events = probes[i].kind == SUP_PROBE_TCP ? POLLOUT : POLLIN};
  }
  return n;
}

void sup_probe_wait(sup_probe *probes, size_t count, uint64_t deadline_ms)
{
  for (;;) {
    struct pollfd fds[PROBE_MAX];
    sup_probe *waiting[PROBE_MAX];
    size_t n = gather(probes, count, fds, waiting);
    uint64_t now = sup_now_ms();
    if (n == 0 || now >= deadline_ms)
      break;
    uint64_t left = deadline_ms - now;
    int ready = poll(fds, (nfds_t)n, left > 60000 ? 60000 : (int)left);
    if (ready < 0 && errno != EINTR)
      break;
    for (size_t i = 0; ready > 0 && i < n; i++) {
      if (fds[i].revents == 0)
        continue;
      if (waiting[i]->kind == SUP_PROBE_TCP)
        finish_tcp(waiting[i]);
      else
        finish_datagram(waiting[i]);
    }
  }
  for (size_t i = 0; i < count; i++)
    probe_close(&probes[i]);
}
