/* The places of the control socket's clients. The test is both ends, in one thread, so what happens
 * in which round of the loop is certain. */
#include "agent.h"
#include "control_private.h"
#include "place.h"

#include <check.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static uv_loop_t loop;
static agent a;
static char socket_path[108];
static int fds[CONTROL_CLIENTS_MAX];

static void turn(void)
{
  (void)uv_run(&loop, UV_RUN_NOWAIT);
}

static int connect_client(void)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, socket_path, sizeof(socket_path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fd, 0);
  ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s",
                strerror(errno));
  return fd;
}

static bool is_cut_off(int fd)
{
  char byte = 0;
  return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void start_full(void)
{
  cd_err err = {0};
  (void)snprintf(socket_path, sizeof(socket_path), "%s", at("s"));
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  a = (agent){.loop = &loop, .options = {.control_socket = socket_path}};
  ck_assert_msg(agent_control_start(&a, &err) == CD_OK, "%s", err.text);
  for (size_t i = 0; i < COUNT_OF(fds); i++) {
    fds[i] = connect_client();
    turn();
    ck_assert_ptr_nonnull(a.control->clients[i]);
  }
}

static void end(void)
{
  agent_control_stop(&a);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  for (size_t i = 0; i < COUNT_OF(fds); i++)
    ck_assert_int_eq(close(fds[i]), 0);
}

START_TEST(one_too_many_is_turned_away)
{
  start_full();
  int fd = connect_client();
  turn();
  turn();
  ck_assert(is_cut_off(fd));
  ck_assert_int_eq(close(fd), 0);
  for (size_t i = 0; i < COUNT_OF(fds); i++)
    ck_assert(!is_cut_off(fds[i]));
  end();
}
END_TEST

/* He sees at once that his connection has ended, and the next one may come in the same round in
 * which its handles still close. */
START_TEST(whoever_is_cut_off_keeps_no_place)
{
  start_full();
  for (size_t i = 0; i < COUNT_OF(fds); i++) {
    ipc_link_close(&a.control->clients[i]->link);
    ck_assert(is_cut_off(fds[i]));
  }
  int next[CONTROL_CLIENTS_MAX / 2];
  for (size_t i = 0; i < COUNT_OF(next); i++)
    next[i] = connect_client();
  for (int i = 0; i < 3; i++)
    turn();
  size_t taken = 0;
  for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
    taken += a.control->clients[i] != NULL ? 1 : 0;
  ck_assert_uint_eq(taken, COUNT_OF(next));
  for (size_t i = 0; i < COUNT_OF(next); i++) {
    ck_assert(!is_cut_off(next[i]));
    ck_assert_int_eq(close(next[i]), 0);
  }
  end();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {one_too_many_is_turned_away, whoever_is_cut_off_keeps_no_place};
  if (geteuid() != 0) {
    (void)puts("not root: others have a few of the places only");
    return 77;
  }
  return run_suite("agent.control", tests, COUNT_OF(tests));
}
