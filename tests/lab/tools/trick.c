/* lab-trick: what somebody with root on an isolated device would send, and what of it arrives.
 *
 *   lab-trick sink PORT FILE
 *     counts what comes to this port, UDP and TCP, IPv4 and IPv6, by the label in it, and keeps
 *     `LABEL COUNT LAST-MS` for each in FILE (milliseconds since 1970)
 *   lab-trick send LABEL udp HOST PORT [--from-port N] [--mark M]
 *   lab-trick send LABEL tcp HOST PORT [--mark M] [--again]    one connection, or one after another
 *   lab-trick send LABEL raw HOST PORT                         with a header of its own, IPv4
 *   lab-trick send LABEL packet HOST PORT DEVICE MAC           through a packet socket, IPv4
 *     sends the label over and over, whatever comes of it
 *
 * Each ends by itself after two minutes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  LIFE_MS = 120000,
  APART_US = 4000,
  CONNECT_MS = 300,
  WRITE_APART_MS = 40,
  LABEL_MAX = 24,
  LABELS_MAX = 64,
  SOCKETS_MAX = 32
};

static uint64_t now_ms(clockid_t clock)
{
  struct timespec t = {0};
  (void)clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int fail(const char *what)
{
  fprintf(stderr, "lab-trick: %s: %s\n", what, strerror(errno));
  return 2;
}

/* ---- sink ---- */

typedef struct arrival {
  char label[LABEL_MAX];
  unsigned long count;
  uint64_t last_ms;
} arrival;

typedef struct sink {
  const char *file;
  arrival arrivals[LABELS_MAX];
  size_t count;
  bool fresh;
  uint64_t written_ms;
} sink;

static void note_label(sink *s, const char *text, size_t len)
{
  char label[LABEL_MAX] = "";
  if (len == 0 || len >= LABEL_MAX)
    return;
  for (size_t i = 0; i < len; i++) {
    bool plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9');
    if (!plain && text[i] != '-')
      return;
    label[i] = text[i];
  }
  size_t at = 0;
  while (at < s->count && strcmp(s->arrivals[at].label, label) != 0)
    at++;
  if (at == LABELS_MAX)
    return;
  if (at == s->count)
    memcpy(s->arrivals[s->count++].label, label, sizeof(label));
  s->arrivals[at].count++;
  s->arrivals[at].last_ms = now_ms(CLOCK_REALTIME);
  s->fresh = true;
}

/* Datagrams and lines alike: what stands between line ends. */
static void note_text(sink *s, const char *text, size_t len)
{
  size_t start = 0;
  for (size_t i = 0; i <= len; i++) {
    if (i < len && text[i] != '\n')
      continue;
    note_label(s, text + start, i - start);
    start = i + 1;
  }
}

static void write_file(sink *s)
{
  char fresh[512];
  (void)snprintf(fresh, sizeof(fresh), "%s.new", s->file);
  FILE *f = fopen(fresh, "we");
  if (f == NULL)
    return;
  for (size_t i = 0; i < s->count; i++)
    fprintf(f, "%s %lu %llu\n", s->arrivals[i].label, s->arrivals[i].count,
            (unsigned long long)s->arrivals[i].last_ms);
  (void)fclose(f);
  (void)rename(fresh, s->file);
  s->fresh = false;
  s->written_ms = now_ms(CLOCK_MONOTONIC);
}

static int open_listener(int type, uint16_t port)
{
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int both = 0;
  int again = 1;
  int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof(both)) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof(again)) != 0 ||
      bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 ||
      (type == SOCK_STREAM && listen(fd, 16) != 0))
    return -1;
  return fd;
}

/* The first two are the listeners; what is accepted comes behind, in a ring. */
static void serve(sink *s, struct pollfd *fds, size_t i, size_t *next)
{
  char text[4096];
  if (i == 1) {
    int fd = accept4(fds[1].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t at = 2 + (*next)++ % (SOCKETS_MAX - 2);
    if (fds[at].fd >= 0)
      (void)close(fds[at].fd);
    fds[at] = (struct pollfd){.fd = fd, .events = POLLIN};
    return;
  }
  ssize_t got = recv(fds[i].fd, text, sizeof(text), 0);
  if (got > 0) {
    note_text(s, text, (size_t)got);
  } else if (i > 1 && (got == 0 || errno != EAGAIN)) {
    (void)close(fds[i].fd);
    fds[i].fd = -1;
  }
}

static int run_sink(const char *port, const char *file)
{
  sink s = {.file = file};
  struct pollfd fds[SOCKETS_MAX];
  size_t next = 0;
  for (size_t i = 0; i < SOCKETS_MAX; i++)
    fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
  fds[0].fd = open_listener(SOCK_DGRAM, (uint16_t)strtoul(port, NULL, 10));
  fds[1].fd = open_listener(SOCK_STREAM, (uint16_t)strtoul(port, NULL, 10));
  if (fds[0].fd < 0 || fds[1].fd < 0)
    return fail("the port cannot be had");
  write_file(&s);
  uint64_t until = now_ms(CLOCK_MONOTONIC) + 3 * LIFE_MS;
  while (now_ms(CLOCK_MONOTONIC) < until) {
    (void)poll(fds, SOCKETS_MAX, WRITE_APART_MS);
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
      if (fds[i].fd >= 0 && fds[i].revents != 0)
        serve(&s, fds, i, &next);
    }
    if (s.fresh && now_ms(CLOCK_MONOTONIC) - s.written_ms >= WRITE_APART_MS)
      write_file(&s);
  }
  return 0;
}

/* ---- send ---- */

typedef struct trick {
  const char *kind;
  char text[LABEL_MAX + 1]; /* the label and a line end */
  struct sockaddr_storage to;
  socklen_t to_len;
  uint16_t port;
  uint16_t from_port;
  uint32_t mark;
  bool again;
  const char *device;
  unsigned char mac[ETH_ALEN];
} trick;

static int open_socket(const trick *t, int type)
{
  int fd = socket(t->to.ss_family, type | SOCK_CLOEXEC, 0);
  if (fd >= 0 && t->mark != 0)
    (void)setsockopt(fd, SOL_SOCKET, SO_MARK, &t->mark, sizeof(t->mark));
  if (fd >= 0 && t->from_port != 0) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(t->from_port)};
    (void)bind(fd, (const struct sockaddr *)&from, sizeof(from));
  }
  return fd;
}

static void send_datagram(const trick *t)
{
  static int fd = -1;
  if (fd < 0)
    fd = open_socket(t, SOCK_DGRAM);
  if (sendto(fd, t->text, strlen(t->text), 0, (const struct sockaddr *)&t->to, t->to_len) < 0 &&
      errno == ECONNABORTED) {
    (void)close(fd);
    fd = -1;
  }
}

static bool connect_soon(const trick *t, int fd)
{
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  int failed = 0;
  socklen_t len = sizeof(failed);
  if (connect(fd, (const struct sockaddr *)&t->to, t->to_len) == 0)
    return true;
  return errno == EINPROGRESS && poll(&p, 1, CONNECT_MS) == 1 &&
         getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 && failed == 0;
}

/* False: the connection is over, and there is to be no other. */
static bool send_line(const trick *t)
{
  static int fd = -1;
  if (fd < 0) {
    fd = open_socket(t, SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0 || !connect_soon(t, fd)) {
      if (fd >= 0)
        (void)close(fd);
      fd = -1;
      return t->again;
    }
  }
  if (send(fd, t->text, strlen(t->text), MSG_NOSIGNAL) >= 0 || errno == EAGAIN)
    return true;
  printf("ended: %s\n", strerrorname_np(errno));
  (void)fflush(stdout);
  (void)close(fd);
  fd = -1;
  return t->again;
}

static uint16_t checksum(const unsigned char *bytes, size_t len)
{
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < len; i += 2)
    sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

/* An IPv4 packet with the label in UDP. */
static size_t make_packet(const trick *t, uint32_t from, unsigned char *out)
{
  size_t text_len = strlen(t->text);
  const struct sockaddr_in *to = (const struct sockaddr_in *)&t->to;
  struct iphdr ip;
  memset(&ip, 0, sizeof(ip));
  ip.version = 4;
  ip.ihl = 5;
  ip.tot_len = htons((uint16_t)(sizeof(ip) + sizeof(struct udphdr) + text_len));
  ip.ttl = 64;
  ip.protocol = IPPROTO_UDP;
  ip.saddr = from;
  ip.daddr = to->sin_addr.s_addr;
  struct udphdr udp = {.source = htons(40000),
                       .dest = htons(t->port),
                       .len = htons((uint16_t)(sizeof(udp) + text_len))};
  ip.check = checksum((const unsigned char *)&ip, sizeof(ip));
  memcpy(out, &ip, sizeof(ip));
  memcpy(out + sizeof(ip), &udp, sizeof(udp));
  memcpy(out + sizeof(ip) + sizeof(udp), t->text, text_len);
  return sizeof(ip) + sizeof(udp) + text_len;
}

static void send_raw(const trick *t)
{
  static int fd = -1;
  unsigned char packet[128];
  if (fd < 0)
    fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  size_t len = make_packet(t, 0, packet);
  (void)sendto(fd, packet, len, 0, (const struct sockaddr *)&t->to, t->to_len);
}

static void send_frame(const trick *t)
{
  static int fd = -1;
  static struct ifreq own;
  unsigned char packet[128];
  if (fd < 0) {
    fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int asks = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)snprintf(own.ifr_name, sizeof(own.ifr_name), "%s", t->device);
    (void)ioctl(asks, SIOCGIFADDR, &own);
    (void)close(asks);
  }
  struct sockaddr_ll to = {.sll_family = AF_PACKET,
                           .sll_protocol = htons(ETH_P_IP),
                           .sll_ifindex = (int)if_nametoindex(t->device),
                           .sll_halen = ETH_ALEN};
  struct sockaddr_in from;
  memcpy(to.sll_addr, t->mac, ETH_ALEN);
  memcpy(&from, &own.ifr_addr, sizeof(from));
  size_t len = make_packet(t, from.sin_addr.s_addr, packet);
  (void)sendto(fd, packet, len, 0, (const struct sockaddr *)&to, sizeof(to));
}

static int run_send(trick *t)
{
  uint64_t until = now_ms(CLOCK_MONOTONIC) + LIFE_MS;
  bool more = true;
  while (more && now_ms(CLOCK_MONOTONIC) < until) {
    if (strcmp(t->kind, "udp") == 0)
      send_datagram(t);
    else if (strcmp(t->kind, "tcp") == 0)
      more = send_line(t);
    else if (strcmp(t->kind, "raw") == 0)
      send_raw(t);
    else
      send_frame(t);
    (void)usleep(APART_US);
  }
  return 0;
}

static bool aim(trick *t, const char *host, const char *port)
{
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(host, port, &hints, &found) != 0)
    return false;
  memcpy(&t->to, found->ai_addr, found->ai_addrlen);
  t->to_len = found->ai_addrlen;
  t->port = (uint16_t)strtoul(port, NULL, 10);
  freeaddrinfo(found);
  return true;
}

static bool read_options(trick *t, char **args)
{
  for (; *args != NULL; args++) {
    if (strcmp(*args, "--again") == 0)
      t->again = true;
    else if (strcmp(*args, "--mark") == 0 && args[1] != NULL)
      t->mark = (uint32_t)strtoul(*++args, NULL, 0);
    else if (strcmp(*args, "--from-port") == 0 && args[1] != NULL)
      t->from_port = (uint16_t)strtoul(*++args, NULL, 10);
    else
      return false;
  }
  return true;
}

static bool read_trick(int argc, char **argv, trick *t)
{
  if (argc < 6 || strlen(argv[2]) >= LABEL_MAX || !aim(t, argv[4], argv[5]))
    return false;
  (void)snprintf(t->text, sizeof(t->text), "%s\n", argv[2]);
  t->kind = argv[3];
  if (strcmp(t->kind, "packet") != 0)
    return read_options(t, argv + 6);
  if (argc != 8)
    return false;
  t->device = argv[6];
  unsigned byte[ETH_ALEN];
  if (sscanf(argv[7], "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
             &byte[5]) != ETH_ALEN)
    return false;
  for (size_t i = 0; i < ETH_ALEN; i++)
    t->mac[i] = (unsigned char)byte[i];
  return true;
}

int main(int argc, char **argv)
{
  trick t = {.kind = NULL};
  if (argc == 4 && strcmp(argv[1], "sink") == 0)
    return run_sink(argv[2], argv[3]);
  if (argc > 2 && strcmp(argv[1], "send") == 0 && read_trick(argc, argv, &t))
    return run_send(&t);
  fprintf(stderr,
          "usage: lab-trick sink PORT FILE | send LABEL udp|tcp|raw|packet HOST PORT ...\n");
  return 2;
}
