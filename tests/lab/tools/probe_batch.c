/* Runs probes, many at once, in one poll loop, each with its own deadline. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Enough for every place to ask every place over every protocol; a typo in a script must not open
 * more sockets than this. */
#define BATCH_MAX 512

double probe_now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

bool probe_aim(probe *p, const char *kind, const char *host, const char *port)
{
  uint32_t port_number = 0;
  struct addrinfo *found = NULL;
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

  p->kind = probe_kind_find(kind);
  if (!p->kind) {
    fprintf(stderr, "lab-probe: '%s' is no kind of probe: tcp, udp, icmp, dns, dnstcp, http\n",
            kind);
    return false;
  }
  if (!probe_number(port, 65535, &port_number)) {
    fprintf(stderr, "lab-probe: '%s' is no port: 0 to 65535\n", port);
    return false;
  }
  int rc = getaddrinfo(host, NULL, &hints, &found);
  if (rc) {
    fprintf(stderr, "lab-probe: the host '%s' was not found: %s\n", host, gai_strerror(rc));
    return false;
  }
  memcpy(&p->address, found->ai_addr, found->ai_addrlen);
  p->address_len = found->ai_addrlen;
  freeaddrinfo(found);
  in_port_t net_port = p->kind->type == SOCK_RAW ? 0 : htons((uint16_t)port_number);
  if (p->address.ss_family == AF_INET)
    ((struct sockaddr_in *)&p->address)->sin_port = net_port;
  else
    ((struct sockaddr_in6 *)&p->address)->sin6_port = net_port;
  return true;
}

static void finish(probe *p, probe_outcome outcome, int os_error)
{
  p->outcome = outcome;
  p->os_error = os_error;
  p->took_ms = probe_now_ms() - p->started_ms;
  if (p->fd >= 0)
    close(p->fd);
  p->fd = -1;
}

/* A TCP connection that died after its handshake had passed packets both ways: say that rather than
 * how it died. */
static void finish_errno(probe *p, int os_error)
{
  if (p->kind->type == SOCK_STREAM && p->connected)
    finish(p, PROBE_CONNECTED, os_error);
  else
    finish(p, probe_outcome_of(os_error), os_error);
}

static void ask(probe *p)
{
  unsigned char question[PROBE_MESSAGE_MAX];
  size_t len = p->kind->question(p->id, p->address.ss_family, question);
  p->connected = true;
  if (send(p->fd, question, len, MSG_NOSIGNAL) < 0)
    finish_errno(p, errno);
}

static bool bind_from(probe *p)
{
  struct sockaddr_storage from = {.ss_family = p->address.ss_family};
  int on = 1;
  if (from.ss_family == AF_INET)
    ((struct sockaddr_in *)&from)->sin_port = htons(p->from_port);
  else
    ((struct sockaddr_in6 *)&from)->sin6_port = htons(p->from_port);
  return setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         bind(p->fd, (struct sockaddr *)&from, p->address_len) == 0;
}

static void start(probe *p)
{
  int family = p->address.ss_family;
  int protocol = 0;
  if (p->kind->type == SOCK_RAW)
    protocol = family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
  p->started_ms = probe_now_ms();
  p->fd = socket(family, p->kind->type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (p->fd < 0) {
    finish(p, PROBE_FAILED, errno);
    return;
  }
  if (p->mark && setsockopt(p->fd, SOL_SOCKET, SO_MARK, &p->mark, sizeof p->mark)) {
    finish(p, PROBE_FAILED, errno);
    return;
  }
  if (p->from_port && !bind_from(p)) {
    finish(p, PROBE_FAILED, errno);
    return;
  }
  if (connect(p->fd, (struct sockaddr *)&p->address, p->address_len) == 0)
    ask(p);
  else if (errno != EINPROGRESS)
    finish_errno(p, errno);
}

static void receive(probe *p)
{
  bool stream = p->kind->type == SOCK_STREAM;
  if (!stream)
    p->answer_len = 0;
  ssize_t got = recv(p->fd, p->answer + p->answer_len, sizeof p->answer - p->answer_len, 0);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR)
      finish_errno(p, errno);
    return;
  }
  p->answer_len += (size_t)got;
  if (p->kind->answers(p->id, p->address.ss_family, p->answer, p->answer_len))
    finish(p, PROBE_REACHED, 0);
  else if (stream && (got == 0 || p->answer_len == sizeof p->answer))
    finish(p, PROBE_CONNECTED, 0);
}

static void advance(probe *p, short events)
{
  if (!p->connected) {
    int os_error = 0;
    socklen_t len = sizeof os_error;
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &os_error, &len);
    /* Before the handshake a reset means refused; told as a reset, it came after it. */
    p->connected = os_error == ECONNRESET;
    if (os_error)
      finish_errno(p, os_error);
    else
      ask(p);
  } else if (events) {
    receive(p);
  }
}

static void give_up(probe *p)
{
  finish(p, p->kind->type == SOCK_STREAM && p->connected ? PROBE_CONNECTED : PROBE_TIMEOUT,
         ETIMEDOUT);
}

/* Fills in what is still open and returns how long the nearest deadline is away, or -1 if nothing
 * is open. */
static int gather(probe *probes, size_t count, struct pollfd *polled)
{
  int wait_ms = -1;
  for (size_t i = 0; i < count; i++) {
    probe *p = &probes[i];
    double left = p->started_ms + p->timeout_ms - probe_now_ms();
    if (p->fd >= 0 && left <= 0)
      give_up(p);
    polled[i] = (struct pollfd){.fd = p->fd, .events = p->connected ? POLLIN : POLLOUT};
    if (p->fd >= 0 && (wait_ms < 0 || left < wait_ms))
      wait_ms = (int)left + 1;
  }
  return wait_ms;
}

void probe_run(probe *probes, size_t count)
{
  struct pollfd *polled = calloc(count ? count : 1, sizeof *polled);
  if (!polled)
    abort();
  for (size_t i = 0; i < count; i++) {
    probes[i].fd = -1;
    probes[i].id = (uint16_t)((unsigned)getpid() * 31u + (unsigned)i);
    start(&probes[i]);
  }
  for (;;) {
    int wait_ms = gather(probes, count, polled);
    if (wait_ms < 0)
      break;
    if (poll(polled, count, wait_ms) <= 0)
      continue;
    for (size_t i = 0; i < count; i++)
      if (probes[i].fd >= 0 && polled[i].revents)
        advance(&probes[i], polled[i].revents);
  }
  free(polled);
}

static bool read_option(probe *p, const char *word)
{
  uint32_t value = 0;
  if (strncmp(word, "mark=", 5) == 0 && probe_number(word + 5, UINT32_MAX, &value))
    p->mark = value;
  else if (strncmp(word, "from=", 5) == 0 && probe_number(word + 5, 65535, &value))
    p->from_port = (uint16_t)value;
  else if (strncmp(word, "timeout=", 8) == 0 && probe_number(word + 8, 600000, &value))
    p->timeout_ms = (int)value;
  else
    return false;
  return true;
}

static bool read_line(probe *p, char *line)
{
  char *rest = NULL;
  char *words[4] = {NULL};
  char *word = strtok_r(line, " \t\n", &rest);
  for (size_t i = 0; i < 4; i++, word = strtok_r(NULL, " \t\n", &rest)) {
    if (!word)
      return false;
    words[i] = word;
  }
  if (strlen(words[0]) >= sizeof p->name || !probe_aim(p, words[1], words[2], words[3]))
    return false;
  memcpy(p->name, words[0], strlen(words[0]) + 1);
  for (; word; word = strtok_r(NULL, " \t\n", &rest))
    if (!read_option(p, word))
      return false;
  return true;
}

int probe_batch(int timeout_ms)
{
  static probe probes[BATCH_MAX];
  char line[512];
  size_t count = 0;

  for (; fgets(line, sizeof line, stdin); count++) {
    if (count == BATCH_MAX) {
      fprintf(stderr, "lab-probe: more than %d probes in one batch\n", BATCH_MAX);
      return 2;
    }
    probes[count].timeout_ms = timeout_ms;
    if (!read_line(&probes[count], line)) {
      fprintf(
          stderr,
          "lab-probe: line %zu is not `NAME KIND HOST PORT [mark=N] [from=PORT] [timeout=MS]`\n",
          count + 1);
      return 2;
    }
  }
  probe_run(probes, count);
  for (size_t i = 0; i < count; i++) {
    const probe *p = &probes[i];
    printf("%s %s %s %.1f\n", p->name, probe_outcome_name(p->outcome),
           p->os_error ? strerrorname_np(p->os_error) : "-", p->took_ms);
  }
  return 0;
}
