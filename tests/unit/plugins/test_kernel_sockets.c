/* What becomes of connections that are open when a device is isolated. */
#include "kernel.h"

#include "suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define FRIEND_OUT                                                                                 \
  "{\"direction\":\"out\",\"address\":\"10.77.0.3\",\"protocol\":\"tcp\",\"port\":\"443\"}"
#define FRIEND_IN                                                                                  \
  "{\"direction\":\"in\",\"address\":\"10.77.0.3\",\"protocol\":\"tcp\",\"port\":\"22\"}"

/* The kernel ended it: its owner is told so. */
static void expect_ended(int fd)
{
  char byte;
  ck_assert(bed_readable(fd, 5000));
  ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
  ck_assert_int_eq(errno, ECONNABORTED);
}

static void expect_talk(int a, int b)
{
  char word[4];
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(send(i == 0 ? a : b, "hi", 2, MSG_NOSIGNAL), 2);
    ck_assert(bed_readable(i == 0 ? b : a, 5000));
    ck_assert_int_eq(recv(i == 0 ? b : a, word, sizeof(word), 0), 2);
  }
}

static const bed_flow cut_flows[] = {
    {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443},
    {.opener = BED_DEVICE, .to = OTHER6, .to_port = 443},
    {.opener = BED_DEVICE,
     .to = CONSOLE4,
     .to_port = 8443}, /* to the console, but not the agent's */
    {.opener = BED_PEER, .from = OTHER4, .to = DEVICE4, .to_port = 22},
    {.opener = BED_PEER, .from = OTHER6, .to = DEVICE6, .to_port = 22},
};

START_TEST(open_connections_are_ended)
{
  int ends[COUNT_OF(cut_flows)][2];
  for (size_t i = 0; i < COUNT_OF(cut_flows); i++)
    bed_open_tcp(&cut_flows[i], ends[i]);
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), (int)COUNT_OF(cut_flows));
  for (size_t i = 0; i < COUNT_OF(cut_flows); i++)
    expect_ended(ends[i][cut_flows[i].opener == BED_DEVICE ? 0 : 1]);
  /* Nothing is left to end. */
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 0);
}
END_TEST

START_TEST(an_ipv4_connection_of_an_ipv6_socket_is_ended)
{
  int listener = bed_socket(BED_PEER, SOCK_STREAM, OTHER4, 443, 0);
  ck_assert_int_eq(listen(listener, 1), 0);
  int fd = bed_socket(BED_DEVICE, SOCK_STREAM, "::", 0, 0);
  bed_connect(fd, "::ffff:" OTHER4, 443);
  ck_assert(bed_connected(fd, 5000));
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 1);
  expect_ended(fd);
}
END_TEST

START_TEST(an_attempt_under_way_is_ended)
{
  /* Nobody answers for this address, so the SYN is repeated. */
  bed_shell("ip neigh add 10.77.0.99 lladdr 02:00:00:00:00:99 dev v0");
  int fd = bed_socket(BED_DEVICE, SOCK_STREAM, "0.0.0.0", 0, 0);
  bed_connect(fd, "10.77.0.99", 443);
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 1);
  ck_assert(!bed_connected(fd, 5000));
  ck_assert_int_eq(errno, ECONNABORTED);
}
END_TEST

START_TEST(connected_datagram_sockets_are_ended)
{
  int fd = bed_socket(BED_DEVICE, SOCK_DGRAM, "0.0.0.0", 0, 0);
  int fd6 = bed_socket(BED_DEVICE, SOCK_DGRAM, "::", 0, 0);
  int marked = bed_socket(BED_DEVICE, SOCK_DGRAM, "0.0.0.0", 0, BED_MARK);
  int bound = bed_socket(BED_DEVICE, SOCK_DGRAM, "0.0.0.0", 5353, 0);
  bed_connect(fd, OTHER4, 443);
  bed_connect(fd6, OTHER6, 443);
  bed_connect(marked, CONSOLE4, 53);
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 2);
  expect_ended(fd);
  expect_ended(fd6);
  ck_assert(!bed_readable(marked, 0));
  ck_assert(!bed_readable(bound, 0));
}
END_TEST

START_TEST(the_agents_connections_stay)
{
  static const bed_flow flows[] = {
      {.opener = BED_DEVICE, .to = CONSOLE4, .to_port = 8443, .mark = BED_MARK},
      {.opener = BED_DEVICE, .to = CONSOLE6, .to_port = 8443, .mark = BED_MARK}};
  int ends[COUNT_OF(flows)][2];
  for (size_t i = 0; i < COUNT_OF(flows); i++)
    bed_open_tcp(&flows[i], ends[i]);
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 0);
  for (size_t i = 0; i < COUNT_OF(flows); i++)
    expect_talk(ends[i][0], ends[i][1]);
}
END_TEST

START_TEST(connections_within_the_device_stay)
{
  static const char *const own[] = {"127.0.0.1", "::1", DEVICE4, DEVICE6};
  int ends[COUNT_OF(own)][2];
  for (size_t i = 0; i < COUNT_OF(own); i++) {
    int listener = bed_socket(BED_DEVICE, SOCK_STREAM, own[i], 7000, 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ends[i][0] = bed_socket(BED_DEVICE, SOCK_STREAM, own[i], 0, 0);
    bed_connect(ends[i][0], own[i], 7000);
    ck_assert(bed_connected(ends[i][0], 5000) && bed_readable(listener, 5000));
    ends[i][1] = accept(listener, NULL, NULL);
  }
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 0);
  for (size_t i = 0; i < COUNT_OF(own); i++)
    expect_talk(ends[i][0], ends[i][1]);
}
END_TEST

/* Connection tracking was off before, so the kernel does not know who opened what: excluded
 * connections must not stall over that, whoever speaks first. */
START_TEST(excluded_connections_go_on_whoever_speaks_first)
{
  static const bed_flow out = {.opener = BED_DEVICE, .to = FRIEND4, .to_port = 443};
  static const bed_flow in = {.opener = BED_PEER, .from = FRIEND4, .to = DEVICE4, .to_port = 22};
  for (int remote_first = 0; remote_first < 2; remote_first++) {
    int to_friend[2];
    int from_friend[2];
    bed_open_tcp(&out, to_friend);
    bed_open_tcp(&in, from_friend);
    kernel_isolate(FRIEND_OUT "," FRIEND_IN);
    ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 0);
    expect_talk(to_friend[remote_first], to_friend[1 - remote_first]);
    expect_talk(from_friend[1 - remote_first], from_friend[remote_first]);
    ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  }
}
END_TEST

START_TEST(a_remote_that_came_in_from_its_excluded_port_is_ended)
{
  static const bed_flow in = {
      .opener = BED_PEER, .from = FRIEND4, .from_port = 443, .to = DEVICE4, .to_port = 2222};
  int ends[2];
  bed_open_tcp(&in, ends);
  /* Its service still listens, by which the direction is told. */
  int listener = bed_socket(BED_DEVICE, SOCK_STREAM, "0.0.0.0", 2222, 0);
  ck_assert_int_eq(listen(listener, 1), 0);
  kernel_isolate(FRIEND_OUT);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 1);
  expect_ended(ends[1]);
}
END_TEST

START_TEST(hundreds_of_connections_are_ended_at_once)
{
  enum { MANY = 300 };
  int listener = bed_socket(BED_PEER, SOCK_STREAM, OTHER4, 443, 0);
  ck_assert_int_eq(listen(listener, MANY), 0);
  for (int i = 0; i < MANY; i++) {
    int fd = bed_socket(BED_DEVICE, SOCK_STREAM, "0.0.0.0", 0, 0);
    bed_connect(fd, OTHER4, 443);
    ck_assert(bed_connected(fd, 5000));
  }
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), MANY);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      open_connections_are_ended,
      an_ipv4_connection_of_an_ipv6_socket_is_ended,
      an_attempt_under_way_is_ended,
      connected_datagram_sockets_are_ended,
      the_agents_connections_stay,
      connections_within_the_device_stay,
      excluded_connections_go_on_whoever_speaks_first,
      a_remote_that_came_in_from_its_excluded_port_is_ended,
      hundreds_of_connections_are_ended_at_once,
  };
  return run_kernel_suite("plugins.nftables.sockets", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
