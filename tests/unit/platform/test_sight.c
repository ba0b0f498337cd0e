/* Looks into what only an administrator may see, over a socket pair. */
#include "platform_tests.h"

#include "platform/sight.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uv_file serve(void)
{
  cd_err err = {0};
  uv_file sight = -1;
  ck_assert_msg(pf_sight_serve(&sight, &err) == CD_OK, "%s", err.text);
  return sight;
}

static uint64_t own_space(void)
{
  struct stat st;
  ck_assert_int_eq(stat("/proc/thread-self/ns/net", &st), 0);
  return (uint64_t)st.st_ino;
}

/* A process in a network namespace of its own. */
static pid_t start_elsewhere(void)
{
  int ready[2];
  char byte = 0;
  ck_assert_int_eq(pipe(ready), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "r", 1) == 1)
      (void)pause();
    _exit(1);
  }
  ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
  (void)close(ready[0]);
  (void)close(ready[1]);
  return child;
}

static void end_process(pid_t pid)
{
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static bool is_in_space(pid_t pid, uint64_t id)
{
  char path[64];
  struct stat st;
  (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
  return stat(path, &st) == 0 && (uint64_t)st.st_ino == id;
}

/* How many links the namespace of this socket has. */
static int count_links(uv_file route)
{
  struct {
    struct nlmsghdr head;
    struct ifinfomsg body;
  } ask = {.head = {.nlmsg_len = sizeof(ask),
                    .nlmsg_type = RTM_GETLINK,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
  char answer[16384];
  int count = 0;
  ck_assert_int_eq((int)send(route, &ask, sizeof(ask), 0), (int)sizeof(ask));
  ssize_t got = recv(route, answer, sizeof(answer), 0);
  ck_assert_int_gt((int)got, 0);
  int left = (int)got;
  for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
    count += h->nlmsg_type == RTM_NEWLINK;
  return count;
}

START_TEST(namespaces_of_others_are_seen_and_their_sockets_work)
{
  cd_err err = {0};
  pf_sight_space space;
  uv_file sockets[2];
  uv_file sight = serve();
  pid_t other = start_elsewhere();
  bool found = false;
  cd_code rc = CD_OK;
  for (uint32_t i = 0; rc != CD_E_NOTFOUND && i < PF_SIGHT_SPACES_MAX; i++) {
    rc = pf_sight_space_at(sight, i, &space, sockets, &err);
    if (rc != CD_OK)
      continue;
    ck_assert(space.id != own_space());
    if (is_in_space(other, space.id)) {
      ck_assert(!found);
      found = true;
      /* Nothing but its loopback. */
      ck_assert_int_eq(count_links(sockets[1]), 1);
    }
    (void)close(sockets[0]);
    (void)close(sockets[1]);
  }
  ck_assert(found);
  end_process(other);
  (void)close(sight);
}
END_TEST

START_TEST(the_socket_for_addresses_changes_nothing)
{
  struct {
    struct nlmsghdr head;
    struct ifinfomsg body;
  } ask = {.head = {.nlmsg_len = sizeof(ask),
                    .nlmsg_type = RTM_NEWLINK,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
           .body = {.ifi_index = 1, .ifi_flags = 1, .ifi_change = 1}};
  struct {
    struct nlmsghdr head;
    struct nlmsgerr body;
  } answer;
  cd_err err = {0};
  pf_sight_space space;
  uv_file sockets[2];
  uv_file sight = serve();
  pid_t other = start_elsewhere();
  ck_assert_msg(pf_sight_space_at(sight, 0, &space, sockets, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq((int)send(sockets[1], &ask, sizeof(ask), 0), (int)sizeof(ask));
  ck_assert_int_ge((int)recv(sockets[1], &answer, sizeof(answer), 0), (int)sizeof(answer));
  ck_assert_int_eq(answer.body.error, -EPERM);
  (void)close(sockets[0]);
  (void)close(sockets[1]);
  end_process(other);
  (void)close(sight);
}
END_TEST

START_TEST(who_holds_a_socket_is_found)
{
  cd_err err = {0};
  struct stat st;
  pf_sight_holder holders[2];
  uv_file sight = serve();
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(fstat(fd, &st), 0);
  uint64_t inodes[2] = {(uint64_t)st.st_ino, UINT64_MAX};
  ck_assert_msg(pf_sight_holders(sight, inodes, 2, holders, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(holders[0].pid, (int)getpid());
  ck_assert_ptr_nonnull(strstr(holders[0].program, "test_platform"));
  ck_assert_int_eq(holders[1].pid, 0);
  ck_assert_int_eq(pf_sight_holders(sight, inodes, PF_SIGHT_HOLDERS_MAX + 1, holders, &err),
                   CD_E_LIMIT);
  (void)close(fd);
  (void)close(sight);
}
END_TEST

START_TEST(nonsense_ends_the_service)
{
  cd_err err = {0};
  pf_sight_space space;
  uv_file sockets[2];
  char zeros[1024] = {0};
  uv_file sight = serve();
  ck_assert_int_eq((int)send(sight, zeros, sizeof(zeros), 0), (int)sizeof(zeros));
  ck_assert_int_ne(pf_sight_space_at(sight, 0, &space, sockets, &err), CD_OK);
  ck_assert(space.id == 0);
  (void)close(sight);
}
END_TEST

Suite *sight_suite(void)
{
  Suite *suite = suite_create("platform.sight");
  TCase *c = tcase_create("sight");
  tcase_add_test(c, who_holds_a_socket_is_found);
  tcase_add_test(c, nonsense_ends_the_service);
  add_root_test(c, namespaces_of_others_are_seen_and_their_sockets_work);
  add_root_test(c, the_socket_for_addresses_changes_nothing);
  suite_add_tcase(suite, c);
  return suite;
}
