#include "platform/socket.h"

#include "child.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static cd_err err;

#define MARK 0xc0d10001u

START_TEST(a_marked_socket_is_ready_to_be_connected)
{
  for (int v6 = 0; v6 < 2; v6++) {
    uv_os_sock_t fd = -1;
    uint32_t mark = 0;
    int domain = 0;
    socklen_t len = sizeof(mark);
    ck_assert_msg(pf_socket_marked(v6 != 0, MARK, &fd, &err) == CD_OK, "%s", err.text);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len), 0);
    ck_assert_uint_eq(mark, MARK);
    len = sizeof(domain);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len), 0);
    ck_assert_int_eq(domain, v6 != 0 ? AF_INET6 : AF_INET);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    pf_socket_close(fd);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
  }
  pf_socket_close(-1);
}
END_TEST

static void ask_as_nobody(const void *context)
{
  uv_os_sock_t fd = -1;
  EXPECT(seteuid(65534) == 0);
  EXPECT(pf_socket_marked(false, MARK, &fd, &err) == CD_E_DENIED);
  EXPECT(fd == -1);
}

START_TEST(without_the_right_no_socket_is_given)
{
  in_child(ask_as_nobody, NULL);
}
END_TEST

START_TEST(a_handles_socket_outlives_the_handle)
{
  uv_loop_t loop;
  uv_tcp_t tcp;
  uv_os_sock_t fd = -1;
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(uv_tcp_init_ex(&loop, &tcp, AF_INET), 0);
  ck_assert_int_eq(pf_socket_of(&tcp, &fd, &err), CD_OK);
  uv_close((uv_handle_t *)&tcp, NULL);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
  pf_socket_close(fd);
}
END_TEST

START_TEST(a_handle_without_a_socket_has_none_to_give)
{
  uv_loop_t loop;
  uv_tcp_t tcp;
  uv_os_sock_t fd = -1;
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(uv_tcp_init(&loop, &tcp), 0);
  ck_assert_int_eq(pf_socket_of(&tcp, &fd, &err), CD_E_INTERNAL);
  uv_close((uv_handle_t *)&tcp, NULL);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

Suite *socket_suite(void)
{
  Suite *s = suite_create("platform.socket");
  TCase *c = tcase_create("socket");
  add_root_test(c, a_marked_socket_is_ready_to_be_connected);
  add_root_test(c, without_the_right_no_socket_is_given);
  tcase_add_test(c, a_handles_socket_outlives_the_handle);
  tcase_add_test(c, a_handle_without_a_socket_has_none_to_give);
  suite_add_tcase(s, c);
  return s;
}
