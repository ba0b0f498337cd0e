/* Handles that travel with frames. */
#include "ipc/link.h"

#include "ipc_tests.h"
#include "pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define POLL_MS 5000

static pair p;

/* A TCP connection over loopback: *ret_near goes on the journey, the far end stays with the test.
 */
static int tcp_pair(uv_tcp_t *near)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int far = socket(AF_INET, SOCK_STREAM, 0);
  ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
  ck_assert_int_eq(listen(listener, 1), 0);
  ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  ck_assert_int_eq(connect(far, (struct sockaddr *)&address, len), 0);
  int accepted = accept(listener, NULL, NULL);
  ck_assert_int_ge(accepted, 0);
  (void)close(listener);
  ck_assert_int_eq(uv_tcp_init(&p.loop, near), 0);
  ck_assert_int_eq(uv_tcp_open(near, accepted), 0);
  return far;
}

static void send_socket(uv_tcp_t *near, uint8_t type)
{
  cd_err err = {0};
  ck_assert_msg(ipc_link_send_handle(&p.a.link, type, 5, CD_STR("{}"), (uv_stream_t *)near, &err) ==
                    CD_OK,
                "%s", err.text);
}

/* Whether the far end sees the end of its connection. */
static bool far_ended(int far)
{
  char byte = 0;
  struct pollfd wait = {.fd = far, .events = POLLIN};
  return poll(&wait, 1, POLL_MS) == 1 && read(far, &byte, 1) == 0;
}

START_TEST(a_socket_arrives_and_works)
{
  uv_tcp_t near;
  char got[8] = {0};
  pair_make(&p, true);
  p.b.take = true;
  int far = tcp_pair(&near);
  send_socket(&near, 40);
  pair_run_until(&p, &p.b.frames, 1);
  ck_assert_int_eq(p.b.taken_count, 1);
  ck_assert_uint_eq(p.b.types[0], 40);
  /* The sender's own is closed, and the other one still carries. */
  uv_close((uv_handle_t *)&near, NULL);
  pair_run_idle(&p);
  uv_buf_t hello = uv_buf_init((char[]){'h', 'e', 'l', 'l', 'o'}, 5);
  ck_assert_int_eq(uv_try_write((uv_stream_t *)&p.b.taken[0], &hello, 1), 5);
  ck_assert_int_eq(recv(far, got, 5, MSG_WAITALL), 5);
  ck_assert_str_eq(got, "hello");
  pair_done(&p);
  ck_assert(far_ended(far));
  (void)close(far);
}
END_TEST

START_TEST(a_handle_that_nobody_takes_is_closed)
{
  uv_tcp_t near;
  pair_make(&p, true);
  int far = tcp_pair(&near);
  send_socket(&near, 41);
  pair_run_until(&p, &p.b.frames, 1);
  uv_close((uv_handle_t *)&near, NULL);
  pair_run_idle(&p);
  ck_assert_int_eq(p.b.handles, 1);
  ck_assert(far_ended(far));
  /* The link lives on. */
  ck_assert_int_eq(p.b.closed, 0);
  pair_done(&p);
  (void)close(far);
}
END_TEST

START_TEST(each_frame_brings_its_own_handle)
{
  enum { COUNT = 3 };
  uv_tcp_t near[COUNT];
  int far[COUNT];
  pair_make(&p, true);
  p.b.take = true;
  for (int i = 0; i < COUNT; i++) {
    far[i] = tcp_pair(&near[i]);
    send_socket(&near[i], (uint8_t)i);
  }
  pair_run_until(&p, &p.b.frames, COUNT);
  ck_assert_int_eq(p.b.taken_count, COUNT);
  for (int i = 0; i < COUNT; i++) {
    char got = 0;
    uv_buf_t digit = uv_buf_init((char[]){(char)('0' + i)}, 1);
    ck_assert_int_eq(uv_try_write((uv_stream_t *)&p.b.taken[i], &digit, 1), 1);
    ck_assert_int_eq(recv(far[i], &got, 1, MSG_WAITALL), 1);
    ck_assert_int_eq(got, '0' + i);
    uv_close((uv_handle_t *)&near[i], NULL);
    (void)close(far[i]);
  }
  pair_done(&p);
}
END_TEST

START_TEST(an_owner_without_on_handle_ends_the_link)
{
  uv_tcp_t near;
  pair_make(&p, true);
  p.b.link.events = &pair_events_no_handles;
  int far = tcp_pair(&near);
  send_socket(&near, 42);
  pair_run_until(&p, &p.b.closed, 1);
  ck_assert_int_eq(p.b.code, CD_E_INVALID);
  ck_assert_int_eq(p.b.frames, 0);
  uv_close((uv_handle_t *)&near, NULL);
  pair_run_idle(&p);
  ck_assert(far_ended(far));
  pair_done(&p);
  (void)close(far);
}
END_TEST

START_TEST(a_plain_link_neither_sends_nor_takes_handles)
{
  uv_tcp_t near;
  uv_tcp_t into;
  cd_err err = {0};
  pair_make(&p, false);
  int far = tcp_pair(&near);
  ck_assert_int_ne(ipc_link_send_handle(&p.a.link, 1, 0, CD_STR("{}"), (uv_stream_t *)&near, &err),
                   CD_OK);
  ck_assert_int_eq(uv_tcp_init(&p.loop, &into), 0);
  ck_assert_int_eq(ipc_link_accept(&p.b.link, (uv_stream_t *)&into, &err), CD_E_NOTFOUND);
  uv_close((uv_handle_t *)&near, NULL);
  uv_close((uv_handle_t *)&into, NULL);
  pair_done(&p);
  (void)close(far);
}
END_TEST

Suite *handles_suite(void)
{
  Suite *s = suite_create("ipc.handles");
  TCase *c = tcase_create("handles");
  tcase_set_timeout(c, 30);
  tcase_add_test(c, a_socket_arrives_and_works);
  tcase_add_test(c, a_handle_that_nobody_takes_is_closed);
  tcase_add_test(c, each_frame_brings_its_own_handle);
  tcase_add_test(c, an_owner_without_on_handle_ends_the_link);
  tcase_add_test(c, a_plain_link_neither_sends_nor_takes_handles);
  suite_add_tcase(s, c);
  return s;
}
