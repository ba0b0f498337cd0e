/* The control socket and who connects to it. */
#include "platform/peer.h"

#include "place.h"
#include "platform_tests.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static cd_err err;

typedef struct server {
  uv_loop_t loop;
  uv_pipe_t pipe;
  uv_pipe_t client;
  int accepted;
} server;

static server s;

static void on_connection(uv_stream_t *stream, int status)
{
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(uv_pipe_init(&s.loop, &s.client, 0), 0);
  ck_assert_int_eq(uv_accept(stream, (uv_stream_t *)&s.client), 0);
  s.accepted++;
}

static cd_code listen_at(const char *name)
{
  memset(&s, 0, sizeof(s));
  ck_assert_int_eq(uv_loop_init(&s.loop), 0);
  ck_assert_int_eq(uv_pipe_init(&s.loop, &s.pipe, 0), 0);
  return pf_peer_listen(&s.pipe, name, 16, on_connection, &err);
}

static void server_done(void)
{
  uv_close((uv_handle_t *)&s.pipe, NULL);
  if (s.accepted > 0)
    uv_close((uv_handle_t *)&s.client, NULL);
  (void)uv_run(&s.loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&s.loop), 0);
}

static struct sockaddr_un address_of(const char *name)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
  return address;
}

static int connect_to(const char *name)
{
  struct sockaddr_un address = address_of(name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
    return fd;
  (void)close(fd);
  return -1;
}

static void run_until_accepted(void)
{
  for (int i = 0; s.accepted == 0 && i < 1000; i++)
    (void)uv_run(&s.loop, UV_RUN_NOWAIT);
  ck_assert_int_eq(s.accepted, 1);
}

START_TEST(anyone_may_connect_whatever_the_umask)
{
  struct stat st;
  place_new();
  (void)umask(077);
  ck_assert_msg(listen_at(at("s")) == CD_OK, "%s", err.text);
  ck_assert_int_eq(stat(at("s"), &st), 0);
  ck_assert(S_ISSOCK(st.st_mode));
  ck_assert_uint_eq(st.st_mode & 07777u, 0666);
  server_done();
}
END_TEST

START_TEST(knows_a_peer_of_its_own_user)
{
  pf_identity who = {0};
  pf_identity self = {0};
  place_new();
  ck_assert_int_eq(listen_at(at("s")), CD_OK);
  int fd = connect_to(at("s"));
  run_until_accepted();
  ck_assert_msg(pf_peer_of(&s.client, &who, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(pf_peer_self(&self, &err), CD_OK);
  ck_assert_uint_eq(who.user_id, geteuid());
  ck_assert_uint_eq(who.process_id, (uint64_t)getpid());
  ck_assert_str_eq(who.user, getpwuid(geteuid())->pw_name);
  ck_assert_int_eq(who.administrator, geteuid() == 0);
  ck_assert_mem_eq(&who, &self, sizeof(who));
  (void)close(fd);
  server_done();
}
END_TEST

/* Connects as a user id that is not ours, and stays. */
static pid_t connect_as(uid_t uid, const char *name)
{
  pid_t child = fork();
  if (child != 0)
    return child;
  if (setgid(65534) != 0 || setuid(uid) != 0 || connect_to(name) < 0)
    _exit(1);
  for (;;)
    (void)pause();
}

static void expect_peer(uid_t uid, const char *user)
{
  pf_identity who = {0};
  int status = 0;
  place_new();
  ck_assert_int_eq(listen_at(at("s")), CD_OK);
  pid_t child = connect_as(uid, at("s"));
  while (s.accepted == 0)
    (void)uv_run(&s.loop, UV_RUN_ONCE);
  ck_assert_int_eq(pf_peer_of(&s.client, &who, &err), CD_OK);
  ck_assert_uint_eq(who.user_id, uid);
  ck_assert_uint_eq(who.process_id, (uint64_t)child);
  ck_assert_uint_eq(strtoul(who.user, NULL, 10), uid);
  pf_peer_name(&who);
  ck_assert_str_eq(who.user, user);
  ck_assert(!who.administrator);
  (void)kill(child, SIGKILL);
  (void)waitpid(child, &status, 0);
  server_done();
}

START_TEST(knows_a_peer_of_another_user)
{
  expect_peer(getpwnam("nobody")->pw_uid, "nobody");
}
END_TEST

START_TEST(names_a_user_without_a_name_by_number)
{
  expect_peer(987654, "987654");
}
END_TEST

START_TEST(has_no_peer_without_a_connection)
{
  pf_identity who = {0};
  place_new();
  ck_assert_int_eq(listen_at(at("s")), CD_OK);
  ck_assert_int_eq(uv_pipe_init(&s.loop, &s.client, 0), 0);
  s.accepted = 1;
  ck_assert_int_ne(pf_peer_of(&s.client, &who, &err), CD_OK);
  server_done();
}
END_TEST

START_TEST(replaces_a_socket_that_nobody_listens_on)
{
  place_new();
  struct sockaddr_un address = address_of(at("s"));
  int old = socket(AF_UNIX, SOCK_STREAM, 0);
  ck_assert_int_eq(bind(old, (struct sockaddr *)&address, sizeof(address)), 0);
  (void)close(old);
  ck_assert_msg(listen_at(at("s")) == CD_OK, "%s", err.text);
  int fd = connect_to(at("s"));
  ck_assert_int_ge(fd, 0);
  run_until_accepted();
  (void)close(fd);
  server_done();
}
END_TEST

START_TEST(takes_nothing_from_one_that_listens)
{
  place_new();
  struct sockaddr_un address = address_of(at("s"));
  int old = socket(AF_UNIX, SOCK_STREAM, 0);
  ck_assert_int_eq(bind(old, (struct sockaddr *)&address, sizeof(address)), 0);
  ck_assert_int_eq(listen(old, 0), 0);
  ck_assert_int_eq(listen_at(at("s")), CD_E_CONFLICT);
  ck_assert_ptr_nonnull(strstr(err.text, "already listens"));
  server_done();
  /* Also while its queue is full. */
  int waiting[8];
  int count = 0;
  for (int fd = connect_to(at("s")); fd >= 0 && count < 8; fd = connect_to(at("s")))
    waiting[count++] = fd;
  ck_assert_int_lt(count, 8);
  ck_assert_int_eq(listen_at(at("s")), CD_E_CONFLICT);
  server_done();
  ck_assert_int_eq(access(at("s"), F_OK), 0);
  for (int i = 0; i < count; i++)
    (void)close(waiting[i]);
  (void)close(old);
}
END_TEST

START_TEST(touches_nothing_that_is_no_socket)
{
  place_new();
  make_file(at("f"), "keep", 0600);
  ck_assert_int_eq(listen_at(at("f")), CD_E_CONFLICT);
  server_done();
  ck_assert_int_eq(access(at("f"), F_OK), 0);
  ck_assert_int_eq(symlink("nowhere", at("link")), 0);
  ck_assert_int_eq(listen_at(at("link")), CD_E_CONFLICT);
  server_done();
  ck_assert_int_eq(listen_at(at("absent/s")), CD_E_NOTFOUND);
  server_done();
  ck_assert_int_eq(listen_at(at("f/s")), CD_E_INVALID);
  server_done();
}
END_TEST

START_TEST(refuses_a_name_that_would_be_cut)
{
  char name[200];
  memset(name, 'x', sizeof(name));
  name[0] = '/';
  name[sizeof(name) - 1] = '\0';
  ck_assert_int_eq(listen_at(name), CD_E_INVALID);
  server_done();
  ck_assert_int_eq(listen_at(""), CD_E_INVALID);
  server_done();
}
END_TEST

START_TEST(knows_the_members_of_a_group)
{
  const pf_identity root = {.user_id = 0, .user = "root"};
  const pf_identity nobody = {.user_id = getpwnam("nobody")->pw_uid, .user = "nobody"};
  const pf_identity unnamed = {.user_id = 987654, .user = "987654"};
  bool member = false;
  ck_assert_int_eq(pf_peer_in_group(&root, "root", &member, &err), CD_OK);
  ck_assert(member);
  ck_assert_int_eq(pf_peer_in_group(&nobody, "nogroup", &member, &err), CD_OK);
  ck_assert(member);
  ck_assert_int_eq(pf_peer_in_group(&nobody, "root", &member, &err), CD_OK);
  ck_assert(!member);
  member = true;
  ck_assert_int_eq(pf_peer_in_group(&root, "no-such-group-here", &member, &err), CD_OK);
  ck_assert(!member);
  member = true;
  ck_assert_int_eq(pf_peer_in_group(&unnamed, "root", &member, &err), CD_OK);
  ck_assert(!member);
}
END_TEST

Suite *peer_suite(void)
{
  Suite *suite = suite_create("platform.peer");
  TCase *c = tcase_create("peer");
  tcase_add_test(c, anyone_may_connect_whatever_the_umask);
  tcase_add_test(c, knows_a_peer_of_its_own_user);
  add_root_test(c, knows_a_peer_of_another_user);
  add_root_test(c, names_a_user_without_a_name_by_number);
  tcase_add_test(c, has_no_peer_without_a_connection);
  tcase_add_test(c, replaces_a_socket_that_nobody_listens_on);
  tcase_add_test(c, takes_nothing_from_one_that_listens);
  tcase_add_test(c, touches_nothing_that_is_no_socket);
  tcase_add_test(c, refuses_a_name_that_would_be_cut);
  tcase_add_test(c, knows_the_members_of_a_group);
  suite_add_tcase(suite, c);
  return suite;
}
