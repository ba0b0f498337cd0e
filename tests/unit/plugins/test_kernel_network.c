/* What stays open so that the network itself works, DHCP and neighbour discovery, and that it is no
 * wider than that. */
#include "kernel.h"

#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Sends `len` bytes from the device. Returns 0 or the error. */
static int send_to(int fd, const char *address, uint16_t port, const void *bytes, size_t len)
{
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  const struct sockaddr *to = (const struct sockaddr *)&four;
  socklen_t to_len = sizeof(four);
  if (inet_pton(AF_INET, address, &four.sin_addr) != 1) {
    ck_assert_int_eq(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
    if (IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr) || IN6_IS_ADDR_MULTICAST(&six.sin6_addr))
      six.sin6_scope_id = if_nametoindex("v0");
    to = (const struct sockaddr *)&six;
    to_len = sizeof(six);
  }
  return sendto(fd, bytes, len, MSG_NOSIGNAL, to, to_len) == (ssize_t)len ? 0 : errno;
}

static const struct dhcp_case {
  const char *to;
  uint16_t from_port;
  uint16_t port;
  size_t len;
  bool leaves;
} dhcp_cases[] = {
    {CONSOLE4, 68, 67, 300, true},         {CONSOLE4, 68, 67, 576, true},
    {CONSOLE4, 68, 67, 1472, true},        {CONSOLE4, 68, 67, 1473, false},
    {CONSOLE4, 68, 67, 9000, false},       {CONSOLE4, 69, 67, 300, false},
    {CONSOLE4, 68, 68, 300, false},        {"255.255.255.255", 68, 67, 300, true},
    {"203.0.113.5", 68, 67, 300, false},   {"8.8.8.8", 68, 67, 300, false},
    {"ff02::1:2", 546, 547, 120, true},    {"fe80::1", 546, 547, 120, true},
    {"fe80::1", 546, 547, 1453, false},    {"fd77::1", 546, 547, 120, false},
    {"2001:db8::1", 546, 547, 120, false}, {"ff05::1:3", 546, 547, 120, false},
};

START_TEST(dhcp_leaves_for_where_its_servers_are_and_no_longer_than_it_is)
{
  static const char bytes[9000];
  kernel_isolate(NULL);
  for (size_t i = 0; i < COUNT_OF(dhcp_cases); i++) {
    const struct dhcp_case *c = &dhcp_cases[i];
    int one = 1;
    int fd = bed_socket(BED_DEVICE, SOCK_DGRAM, strchr(c->to, ':') != NULL ? "::" : "0.0.0.0",
                        c->from_port, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)), 0);
    int os_error = send_to(fd, c->to, c->port, bytes, c->len);
    ck_assert_msg(os_error == (c->leaves ? 0 : EPERM), "row %zu: %s", i, strerror(os_error));
    (void)close(fd);
  }
}
END_TEST

START_TEST(a_lease_is_renewed_by_unicast)
{
  kernel_isolate(NULL);
  for (int round = 0; round < 3; round++) {
    bed_flow renew = {.opener = BED_DEVICE, .from_port = 68, .to = OTHER4, .to_port = 67};
    ck_assert(bed_udp(&renew, true));
  }
  bed_flow from_outside = {
      .opener = BED_PEER, .from = OTHER4, .from_port = 66, .to = DEVICE4, .to_port = 68};
  ck_assert(!bed_udp(&from_outside, false));
}
END_TEST

/* How many of so many packets get out. */
static int count_leaving(int fd, const char *to, uint16_t port, const void *bytes, size_t len,
                         int tries)
{
  int left = 0;
  for (int i = 0; i < tries; i++) {
    int os_error = send_to(fd, to, port, bytes, len);
    ck_assert_msg(os_error == 0 || os_error == EPERM || os_error == ENOBUFS, "%s",
                  strerror(os_error));
    left += os_error == 0;
  }
  return left;
}

START_TEST(dhcp_is_no_channel)
{
  static const char bytes[300];
  kernel_isolate(NULL);
  int fd = bed_socket(BED_DEVICE, SOCK_DGRAM, "0.0.0.0", 68, 0);
  int left = count_leaving(fd, CONSOLE4, 67, bytes, sizeof(bytes), 500);
  ck_assert_msg(left >= 10 && left <= 30, "%d", left);
  (void)close(fd);
}
END_TEST

typedef struct advert {
  struct nd_neighbor_advert head;
  unsigned char options[512];
} advert;

static int nd_socket(void)
{
  int hops = 255;
  int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)), 0);
  ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)), 0);
  return fd;
}

START_TEST(neighbour_discovery_is_short_and_few_beyond_the_link)
{
  static const char *const on_link[] = {"fe80::1", "ff02::1"};
  advert a = {.head = {.nd_na_hdr = {.icmp6_type = ND_NEIGHBOR_ADVERT}}};
  enum { SHORT = 32, LONG = 300, MANY = 3000 };
  kernel_isolate(NULL);
  int fd = nd_socket();
  for (size_t i = 0; i < COUNT_OF(on_link); i++) {
    ck_assert_int_eq(send_to(fd, on_link[i], 0, &a, SHORT), 0);
    ck_assert_int_eq(send_to(fd, on_link[i], 0, &a, LONG), EPERM);
  }
  ck_assert_int_eq(send_to(fd, "ff0e::1", 0, &a, LONG), EPERM);
  ck_assert_int_eq(send_to(fd, "fd77:0:0:1::5", 0, &a, SHORT), 0);
  ck_assert_int_eq(send_to(fd, "fd77:0:0:1::5", 0, &a, LONG), EPERM);
  int left = count_leaving(fd, "fd77:0:0:1::5", 0, &a, SHORT, MANY);
  ck_assert_msg(left < MANY / 2, "%d", left);
  (void)close(fd);
}
END_TEST

START_TEST(neighbours_are_found_and_probed_by_global_addresses)
{
  kernel_isolate(NULL);
  for (int round = 0; round < 3; round++) {
    bed_shell("ip -6 neigh flush all");
    bed_flow flow = {.opener = BED_DEVICE, .to = CONSOLE6, .to_port = 8443, .mark = BED_MARK};
    ck_assert(bed_tcp(&flow, true));
    /* The peer asks for the device, which answers to a global address. */
    bed_peer_shell("ip -6 neigh flush all");
    ck_assert(bed_tcp(&flow, true));
  }
  /* A neighbour that the kernel must probe again is asked by unicast. */
  bed_shell("ip -6 neigh change fd77::1 dev v0 nud probe");
  bed_flow flow = {.opener = BED_DEVICE, .to = CONSOLE6, .to_port = 8443, .mark = BED_MARK};
  ck_assert(bed_tcp(&flow, true));
}
END_TEST

START_TEST(the_consoles_port_opens_no_connection_to_this_device)
{
  static const char *const consoles[] = {CONSOLE4, CONSOLE6};
  static const char *const own[] = {DEVICE4, DEVICE6};
  kernel_isolate(NULL);
  for (size_t i = 0; i < COUNT_OF(own); i++) {
    /* Its mark would let the answers out. */
    int listener = bed_socket(BED_DEVICE, SOCK_STREAM, own[i], 22, BED_MARK);
    ck_assert_int_eq(listen(listener, 1), 0);
    int fd = bed_socket(BED_PEER, SOCK_STREAM, consoles[i], 8443, 0);
    bed_connect(fd, own[i], 22);
    ck_assert_msg(!bed_connected(fd, 200), "from %s", consoles[i]);
    (void)close(fd);
    (void)close(listener);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      dhcp_leaves_for_where_its_servers_are_and_no_longer_than_it_is,
      a_lease_is_renewed_by_unicast,
      dhcp_is_no_channel,
      neighbour_discovery_is_short_and_few_beyond_the_link,
      neighbours_are_found_and_probed_by_global_addresses,
      the_consoles_port_opens_no_connection_to_this_device,
  };
  return run_kernel_suite("plugins.nftables.network", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
