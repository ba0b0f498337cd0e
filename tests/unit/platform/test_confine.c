/* Confinement as a whole: whom the process runs as, what it can still do, what it reports, and when
 * it ends. */
#include "platform/confine.h"

#include "base/json.h"
#include "platform/library.h"

#include "child.h"
#include "linux/sanitizer.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 10000

static const pf_confine typical = {.user = "nobody",
                                   .privileges = PF_PRIV_NET_ADMIN,
                                   .memory_bytes = 256u << 20,
                                   .files = 64,
                                   .file_bytes = 16u << 20};

static void body_runs_as_the_user(const void *context)
{
  uid_t r = 0, e = 0, s = 0;
  gid_t rg = 0, eg = 0, sg = 0;
  const struct passwd *nobody = getpwnam("nobody");
  uid_t uid = nobody->pw_uid;
  gid_t gid = nobody->pw_gid;
  const gid_t some[] = {0, 4, 6};
  EXPECT(setgroups(3, some) == 0);
  confine(&typical, NULL, 0);
  EXPECT(getresuid(&r, &e, &s) == 0 && r == uid && e == uid && s == uid);
  EXPECT(getresgid(&rg, &eg, &sg) == 0 && rg == gid && eg == gid && sg == gid);
  EXPECT(getgroups(0, NULL) == 0);
  EXPECT(setuid(0) != 0 && errno == EPERM);
  EXPECT(setgid(0) != 0 && errno == EPERM);
  EXPECT(setgroups(1, some) != 0 && errno == EPERM);
  EXPECT(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
}

static void body_client(const void *context)
{
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  confine(&(pf_confine){.user = "nobody", .file_bytes = 1, .client = true}, NULL, 0);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT(fd >= 0);
  EXPECT(connect(fd, (struct sockaddr *)&any, sizeof(any)) != 0 && errno != EPERM);
  EXPECT(listen(fd, 1) != 0 && errno == EPERM);
  EXPECT(accept(fd, NULL, NULL) < 0 && errno == EPERM);
  EXPECT(socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno == EAFNOSUPPORT);
  EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
  EXPECT(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT);
  EXPECT(socket(AF_VSOCK, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT);
  EXPECT(socket(AF_ALG, SOCK_SEQPACKET, 0) < 0 && errno == EAFNOSUPPORT);
  EXPECT(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
  EXPECT(syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0 && errno == EPERM);
  EXPECT(unshare(CLONE_NEWUSER) != 0 && errno == EPERM);
  EXPECT(open("/tmp/cordon-client", O_WRONLY | O_CREAT | O_EXCL, 0600) < 0);
  EXPECT(fork() < 0 && errno == EPERM);
}

START_TEST(a_client_takes_no_connections_and_has_no_rare_calls)
{
  in_child(body_client, NULL);
}
END_TEST

START_TEST(runs_as_the_user_without_groups)
{
  in_child(body_runs_as_the_user, NULL);
}
END_TEST

static void body_state(const void *context)
{
  struct sigaction action = {.sa_handler = SIG_IGN};
  sigset_t mask;
  sigset_t now;
  EXPECT(sigaction(SIGTERM, &action, NULL) == 0 && sigaction(SIGCHLD, &action, NULL) == 0);
  EXPECT(sigemptyset(&mask) == 0 && sigaddset(&mask, SIGUSR1) == 0 &&
         sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
  confine(context, NULL, 0);
  EXPECT(own_status("NoNewPrivs:", 10) == 1);
  EXPECT(own_status("Seccomp:", 10) == 2);
  EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
  EXPECT(getsid(0) == getpid());
  EXPECT(umask(0) == 077);
  EXPECT(sigaction(SIGTERM, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
  EXPECT(sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
  EXPECT(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
  EXPECT(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 0);
}

START_TEST(leaves_a_clean_state)
{
  const pf_confine plain = {0};
  in_child(body_state, &plain);
}
END_TEST

START_TEST(leaves_a_clean_state_for_another_user)
{
  in_child(body_state, &typical);
}
END_TEST

static void body_session_leader(const void *context)
{
  const pf_confine plain = {0};
  EXPECT(setsid() > 0);
  confine(&plain, NULL, 0);
  EXPECT(getsid(0) == getpid());
}

START_TEST(accepts_to_be_a_session_leader_already)
{
  in_child(body_session_leader, NULL);
}
END_TEST

static void body_report(const void *context)
{
  char report[1024];
  char expected[1024];
  confine(&typical, report, sizeof(report));
  (void)snprintf(expected, sizeof(expected),
                 "{\"user\":\"nobody\",\"privileges\":[\"net_admin\"],\"memory_mb\":%s,"
                 "\"processes\":0,\"files\":64,"
                 "\"file_mb\":16,\"landlock\":%s%s}",
                 PF_SANITIZER ? "null" : "256", landlock_version() > 0 ? "true" : "false",
                 PF_SANITIZER ? ",\"note\":\"memory is not limited: this build has a sanitizer\""
                              : "");
  if (strcmp(report, expected) != 0)
    child_fail("%s", report);
}

START_TEST(reports_what_was_applied)
{
  in_child(body_report, NULL);
}
END_TEST

static void body_report_nothing(const void *context)
{
  const pf_confine plain = {.privileges = PF_PRIV_ROOT};
  char report[1024];
  confine(&plain, report, sizeof(report));
  if (strcmp(report, "{\"user\":\"root\",\"privileges\":[\"root\"],\"memory_mb\":null,"
                     "\"processes\":0,\"files\":null,"
                     "\"file_mb\":null,\"landlock\":false}") != 0)
    child_fail("%s", report);
}

START_TEST(reports_what_does_not_limit)
{
  in_child(body_report_nothing, NULL);
}
END_TEST

/* The combination that a plugin host lives in: another user, no way to the file by its path, the
 * library by descriptor. */
static void body_library(const void *context)
{
  pf_library *library = NULL;
  const void *address = NULL;
  cd_err err = {0};
  int fd = open(TEST_LIBRARY, O_RDONLY | O_CLOEXEC);
  EXPECT(fd >= 0);
  confine(&typical, NULL, 0);
  if (pf_library_load(fd, "answer", &library, &err) != CD_OK)
    child_fail("%s", err.text);
  EXPECT(pf_library_data(library, "test_library_answer", &address, &err) == CD_OK);
  EXPECT(*(const int *)address == 42);
}

START_TEST(can_load_its_library_afterwards)
{
  in_child(body_library, NULL);
}
END_TEST

typedef struct denied {
  pf_confine c;
  cd_code code;
  const char *why;
} denied;

/* Starts as a user who is not root. */
static void body_denied(const void *context)
{
  const denied *d = context;
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  EXPECT(setgid(65534) == 0 && setuid(getpwnam("nobody")->pw_uid) == 0);
  cd_code rc = pf_confine_self(&d->c, &out, &err);
  if (rc != d->code || (rc != CD_OK && strstr(err.text, d->why) == NULL))
    child_fail("%d: %s", rc, err.text);
}

START_TEST(fails_when_not_root_cannot_give_it)
{
  static const denied rows[] = {
      {{.user = "daemon"}, CD_E_DENIED, "'daemon'"},
      {{.user = "root"}, CD_E_DENIED, "'root'"},
      {{.privileges = PF_PRIV_ROOT}, CD_E_DENIED, "cannot be root"},
      {{.privileges = PF_PRIV_NET_ADMIN}, CD_E_DENIED, "'net_admin'"},
      {{.privileges = PF_PRIV_KILL}, CD_E_DENIED, "'kill'"},
      {{.user = "no-such-user-here"}, CD_E_NOTFOUND, "no-such-user-here"},
      {{.user = "nobody"}, CD_OK, ""},
      {{.user = NULL}, CD_OK, ""},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    in_child(body_denied, &rows[i]);
}
END_TEST

/* In a child of the test: makes the one that is confined, and waits for its own end. */
static void body_parent(const void *context)
{
  const int *ends = context;
  pid_t self = getpid();
  pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    pf_confine c = typical;
    c.parent = (uint64_t)self;
    confine(&c, NULL, 0);
    pid_t me = getpid();
    EXPECT(write(ends[1], &me, sizeof(me)) == sizeof(me));
    for (;;)
      (void)pause();
  }
  for (;;)
    (void)pause();
}

START_TEST(ends_with_its_parent)
{
  int ends[2];
  pid_t confined = 0;
  char byte = 0;
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  pid_t parent = fork();
  if (parent == 0) {
    (void)close(ends[0]);
    body_parent(ends);
  }
  (void)close(ends[1]);
  ck_assert_int_eq(read(ends[0], &confined, sizeof(confined)), sizeof(confined));
  ck_assert_int_eq(kill(confined, 0), 0);
  ck_assert_int_eq(kill(parent, SIGKILL), 0);
  ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
  /* The pipe ends when the last process that held it has ended. */
  struct pollfd wait = {.fd = ends[0], .events = POLLIN};
  int ended = poll(&wait, 1, DEADLINE_MS);
  if (ended != 1)
    (void)kill(confined, SIGKILL);
  ck_assert_int_eq(ended, 1);
  ck_assert_int_eq(read(ends[0], &byte, 1), 0);
  (void)close(ends[0]);
}
END_TEST

static void body_orphan(const void *context)
{
  pf_confine c = {.parent = (uint64_t)getppid() + 1};
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  EXPECT(pf_confine_self(&c, &out, &err) == CD_E_UNAVAILABLE);
  EXPECT(strstr(err.text, "not the parent") != NULL);
}

START_TEST(fails_when_the_parent_has_gone_already)
{
  in_child(body_orphan, NULL);
}
END_TEST

START_TEST(knows_privileges_by_name)
{
  static const char *const names[] = {"root",   "net_admin", "net_raw",   "read_all",
                                      "trace",  "kill",      "sys_admin", "sight",
                                      "syslog", "write_all", "modules",   "root_user"};
  uint32_t all = 0;
  uint32_t bit = 0;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    ck_assert(pf_privilege_from_name(cd_str_from(names[i]), &bit));
    ck_assert_uint_eq(bit, 1u << i);
    all |= bit;
  }
  ck_assert_uint_eq(all, 0xfff);
  ck_assert(!pf_privilege_from_name(CD_STR("NET_ADMIN"), &bit));
  ck_assert_uint_eq(bit, 0);
  ck_assert(!pf_privilege_from_name(CD_STR(""), &bit));
}
END_TEST

Suite *confine_suite(void)
{
  Suite *s = suite_create("platform.confine");
  TCase *c = tcase_create("confine");
  tcase_set_timeout(c, 30);
  add_root_test(c, runs_as_the_user_without_groups);
  add_root_test(c, a_client_takes_no_connections_and_has_no_rare_calls);
  tcase_add_test(c, leaves_a_clean_state);
  add_root_test(c, leaves_a_clean_state_for_another_user);
  tcase_add_test(c, accepts_to_be_a_session_leader_already);
  add_root_test(c, reports_what_was_applied);
  add_root_test(c, reports_what_does_not_limit);
  add_root_test(c, can_load_its_library_afterwards);
  add_root_test(c, fails_when_not_root_cannot_give_it);
  add_root_test(c, ends_with_its_parent);
  tcase_add_test(c, fails_when_the_parent_has_gone_already);
  tcase_add_test(c, knows_privileges_by_name);
  suite_add_tcase(s, c);
  return s;
}
