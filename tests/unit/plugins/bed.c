#define _GNU_SOURCE
#include "bed.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long to wait before a packet that did not come counts as dropped. Between two ends of a veth
 * it takes microseconds. */
enum { DROPPED_MS = 100, COMES_MS = 5000 };

static int patience(bool expected)
{
  return expected ? COMES_MS : DROPPED_MS;
}

static int spaces[2] = {-1, -1};

static void enter(bed_side side)
{
  ck_assert_msg(setns(spaces[side], CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
}

static int new_space(void)
{
  ck_assert_msg(unshare(CLONE_NEWNET) == 0, "no network namespace: %s", strerror(errno));
  int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  return fd;
}

void bed_shell(const char *line)
{
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    (void)execl("/bin/sh", "sh", "-ec", line, (char *)NULL);
    _exit(127);
  }
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "'%s' failed with status %d", line,
                status);
}

void bed_peer_shell(const char *line)
{
  enter(BED_PEER);
  bed_shell(line);
  enter(BED_DEVICE);
}

void bed_make_empty(void)
{
  spaces[BED_DEVICE] = new_space();
  bed_shell("ip link set lo up; sysctl -qw net.ipv4.ping_group_range='0 0'");
}

void bed_make(void)
{
  spaces[BED_PEER] = new_space();
  bed_shell("ip link set lo up; sysctl -qw net.ipv4.ping_group_range='0 0'");
  bed_make_empty();
  char line[1024];
  (void)snprintf(line, sizeof(line),
                 "ip link add v0 type veth peer name v1 netns /proc/%d/fd/%d\n"
                 "ip addr add 10.77.0.10/24 dev v0\n"
                 "ip addr add fd77::10/64 dev v0 nodad\n"
                 "ip link set v0 addrgenmode none\n"
                 "ip link set v0 up\n"
                 "ip addr add fe80::10/64 dev v0 nodad\n",
                 (int)getpid(), spaces[BED_PEER]);
  bed_shell(line);
  bed_peer_shell("ip link set v1 addrgenmode none\n"
                 "ip link set v1 up\n"
                 "for n in 1 2 3; do ip addr add 10.77.0.$n/24 dev v1; ip addr add fd77::$n/64 dev "
                 "v1 nodad; done\n"
                 "ip addr add 10.77.1.5/32 dev lo\n"
                 "ip addr add fd77:0:0:1::5/128 dev lo nodad\n"
                 "ip addr add fe80::1/64 dev v1 nodad\n");
  bed_shell("ip route add default via 10.77.0.1; ip -6 route add default via fd77::1 dev v0");
}

static socklen_t make_address(const char *address, uint16_t port, struct sockaddr_storage *ret)
{
  *ret = (struct sockaddr_storage){0};
  struct sockaddr_in *four = (struct sockaddr_in *)ret;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
  if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    return sizeof(*four);
  }
  *ret = (struct sockaddr_storage){0};
  ck_assert_msg(inet_pton(AF_INET6, address, &six->sin6_addr) == 1, "%s", address);
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  return sizeof(*six);
}

int bed_socket(bed_side side, int type, const char *address, uint16_t port, uint32_t mark)
{
  int one = 1;
  struct sockaddr_storage self;
  socklen_t len = make_address(address, port, &self);
  enter(side);
  int fd = socket(self.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  enter(BED_DEVICE);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
  ck_assert(mark == 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0);
  ck_assert_msg(bind(fd, (struct sockaddr *)&self, len) == 0, "bind %s %u: %s", address, port,
                strerror(errno));
  return fd;
}

void bed_connect(int fd, const char *address, uint16_t port)
{
  struct sockaddr_storage to;
  socklen_t len = make_address(address, port, &to);
  int rc = connect(fd, (struct sockaddr *)&to, len);
  ck_assert_msg(rc == 0 || errno == EINPROGRESS || errno == ECONNREFUSED, "connect: %s",
                strerror(errno));
}

static bool wait_for(int fd, short events, int ms)
{
  struct pollfd p = {.fd = fd, .events = events};
  return poll(&p, 1, ms) > 0;
}

bool bed_connected(int fd, int ms)
{
  int os_error = ETIMEDOUT;
  socklen_t len = sizeof(os_error);
  if (wait_for(fd, POLLOUT, ms))
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &os_error, &len), 0);
  errno = os_error;
  return os_error == 0;
}

bool bed_readable(int fd, int ms)
{
  return wait_for(fd, POLLIN, ms);
}

static const char *any_of(const char *like)
{
  return strchr(like, ':') != NULL ? "::" : "0.0.0.0";
}

static bed_side other(bed_side side)
{
  return side == BED_DEVICE ? BED_PEER : BED_DEVICE;
}

static bool say(int from, int to, bool expected)
{
  char word[4] = "";
  return send(from, "hi", 2, MSG_NOSIGNAL) == 2 && bed_readable(to, patience(expected)) &&
         recv(to, word, sizeof(word), 0) == 2;
}

/* Opens the connection as far as it goes; ends that did not come about are -1. */
static bool open_tcp(const bed_flow *flow, int ends[2], bool expected)
{
  int listener = bed_socket(other(flow->opener), SOCK_STREAM, flow->to, flow->to_port, 0);
  ck_assert_int_eq(listen(listener, 8), 0);
  ends[0] =
      bed_socket(flow->opener, SOCK_STREAM, flow->from != NULL ? flow->from : any_of(flow->to),
                 flow->from_port, flow->mark);
  ends[1] = -1;
  bed_connect(ends[0], flow->to, flow->to_port);
  if (bed_connected(ends[0], patience(expected)) && bed_readable(listener, patience(expected)))
    ends[1] = accept(listener, NULL, NULL);
  (void)close(listener);
  return ends[1] >= 0;
}

static void close_both(const int ends[2])
{
  /* With a reset, so that the ports are free for the next attempt. */
  struct linger now = {.l_onoff = 1};
  for (int i = 0; i < 2; i++) {
    if (ends[i] < 0)
      continue;
    (void)setsockopt(ends[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(ends[i]);
  }
}

bool bed_tcp(const bed_flow *flow, bool expected)
{
  int ends[2];
  bool open = open_tcp(flow, ends, expected) && say(ends[0], ends[1], expected) &&
              say(ends[1], ends[0], expected);
  close_both(ends);
  return open;
}

void bed_open_tcp(const bed_flow *flow, int ret_ends[2])
{
  ck_assert_msg(open_tcp(flow, ret_ends, true), "no connection to %s port %u", flow->to,
                flow->to_port);
}

bool bed_udp(const bed_flow *flow, bool expected)
{
  char word[4];
  struct sockaddr_storage from;
  socklen_t from_len = sizeof(from);
  int server = bed_socket(other(flow->opener), SOCK_DGRAM, flow->to, flow->to_port, 0);
  int client =
      bed_socket(flow->opener, SOCK_DGRAM, flow->from != NULL ? flow->from : any_of(flow->to),
                 flow->from_port, flow->mark);
  bed_connect(client, flow->to, flow->to_port);
  bool there = send(client, "hi", 2, MSG_NOSIGNAL) == 2 &&
               bed_readable(server, patience(expected)) &&
               recvfrom(server, word, sizeof(word), 0, (struct sockaddr *)&from, &from_len) == 2;
  bool back = there &&
              sendto(server, "hi", 2, MSG_NOSIGNAL, (struct sockaddr *)&from, from_len) == 2 &&
              bed_readable(client, patience(expected)) && recv(client, word, sizeof(word), 0) == 2;
  (void)close(server);
  (void)close(client);
  /* What should not come must not even arrive. */
  return expected ? back : there;
}

bool bed_ping(bed_side opener, const char *from, const char *to, bool expected)
{
  struct sockaddr_storage self;
  socklen_t len = make_address(from != NULL ? from : any_of(to), 0, &self);
  bool six = self.ss_family == AF_INET6;
  enter(opener);
  int fd = socket(self.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
  enter(BED_DEVICE);
  ck_assert_msg(fd >= 0, "no socket for pings: %s", strerror(errno));
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&self, len), 0);
  bed_connect(fd, to, 0);
  /* The type is all that the kernel does not fill itself. */
  unsigned char echo[8] = {six ? 128 : 8};
  bool answered = send(fd, echo, sizeof(echo), MSG_NOSIGNAL) == (ssize_t)sizeof(echo) &&
                  bed_readable(fd, patience(expected)) &&
                  recv(fd, echo, sizeof(echo), 0) == (ssize_t)sizeof(echo);
  (void)close(fd);
  return answered;
}
