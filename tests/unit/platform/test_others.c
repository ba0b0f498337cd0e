/* What a confined process can do to others of the same user, and to files that are not its own:
 * nothing; and what it still can for itself. */
#include "platform/confine.h"
#include "platform/process.h"

#include "child.h"
#include "place.h"
#include "platform_tests.h"

#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DEADLINE_MS 10000
#define VERSION_SCOPE 6 /* of Landlock, from which on it knows of signals */

static pid_t victim;
static int victim_file = -1; /* any descriptor */

static void become_nobody(void)
{
  const struct passwd *nobody = getpwnam("nobody");
  EXPECT(nobody != NULL && setgid(nobody->pw_gid) == 0 && setuid(nobody->pw_uid) == 0);
}

/* Ends when its maker does, whose descriptor then closes; a signal from the maker's death would be
 * refused like any other. */
static void be_victim(int up, int down)
{
  char byte = 0;
  become_nobody();
  EXPECT(prctl(PR_SET_DUMPABLE, 1) == 0 && setpgid(0, 0) == 0);
  EXPECT(dup2(up, 3) == 3 && dup2(down, 4) == 4 && close_range(5, ~0u, 0) == 0);
  (void)!write(3, &byte, 1);
  (void)close(3);
  (void)!read(4, &byte, 1);
  _exit(0);
}

/* Another process of the user that the confined one will be, in a group of its own. */
static void make_victim(void)
{
  int up[2];
  int down[2];
  char byte = 0;
  /* Above the numbers that the victim puts them at. */
  EXPECT(fcntl(2, F_DUPFD_CLOEXEC, 3) >= 0 && fcntl(2, F_DUPFD_CLOEXEC, 3) >= 0);
  EXPECT(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
  victim = fork();
  EXPECT(victim >= 0);
  if (victim == 0)
    be_victim(up[1], down[0]);
  EXPECT(read(up[0], &byte, 1) == 1);
  (void)close(up[0]);
  (void)close(up[1]);
  (void)close(down[0]);
  victim_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void expect_unharmed(void)
{
  EXPECT(waitpid(victim, NULL, WNOHANG | WUNTRACED) == 0);
}

/* ---- what is refused ---- */

static bool eperm(long rc)
{
  return rc < 0 && errno == EPERM;
}

static bool kills(void)
{
  return eperm(kill(victim, SIGKILL));
}

static bool stops(void)
{
  return eperm(kill(victim, SIGSTOP));
}

static bool kills_the_group(void)
{
  return eperm(kill(-victim, SIGKILL));
}

static bool kills_everybody(void)
{
  return eperm(kill(-1, 0));
}

static bool kills_by_thread(void)
{
  return eperm(syscall(SYS_tkill, victim, SIGKILL));
}

static bool kills_by_thread_of_group(void)
{
  return eperm(syscall(SYS_tgkill, victim, victim, SIGKILL));
}

static bool queues(void)
{
  siginfo_t info = {.si_signo = SIGKILL, .si_code = SI_QUEUE};
  return eperm(syscall(SYS_rt_sigqueueinfo, victim, SIGKILL, &info));
}

static bool queues_to_a_thread(void)
{
  siginfo_t info = {.si_signo = SIGKILL, .si_code = SI_QUEUE};
  return eperm(syscall(SYS_rt_tgsigqueueinfo, victim, victim, SIGKILL, &info));
}

static bool opens_it(void)
{
  return eperm(syscall(SYS_pidfd_open, victim, 0));
}

static bool signals_a_descriptor(void)
{
  return eperm(syscall(SYS_pidfd_send_signal, victim_file, SIGKILL, NULL, 0));
}

static bool gives_a_descriptor_away(void)
{
  struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = victim};
  int pid = victim;
  return eperm(fcntl(victim_file, F_SETOWN, victim)) &&
         eperm(fcntl(victim_file, F_SETOWN_EX, &owner)) &&
         eperm(fcntl(victim_file, F_SETSIG, SIGKILL)) &&
         eperm(ioctl(victim_file, FIOSETOWN, &pid)) && eperm(ioctl(victim_file, SIOCSPGRP, &pid));
}

static bool limits_it(void)
{
  const struct rlimit none = {0};
  return eperm(prlimit(victim, RLIMIT_NOFILE, &none, NULL));
}

static bool schedules_it(void)
{
  const struct sched_param param = {0};
  char attr[56] = {sizeof(attr)};
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  return eperm(sched_setaffinity(victim, sizeof(set), &set)) &&
         eperm(sched_setscheduler(victim, SCHED_IDLE, &param)) &&
         eperm(sched_setparam(victim, &param)) &&
         eperm(syscall(SYS_sched_setattr, victim, attr, 0));
}

static bool slows_it(void)
{
  return eperm(setpriority(PRIO_PROCESS, (id_t)victim, 19)) &&
         eperm(setpriority(PRIO_PGRP, (id_t)victim, 19)) && eperm(setpriority(PRIO_USER, 0, 19)) &&
         eperm(syscall(SYS_ioprio_set, 1, victim, 0)) && eperm(syscall(SYS_ioprio_set, 3, 0, 0));
}

static bool looks_into_it(void)
{
  return eperm(ptrace(PTRACE_ATTACH, victim, NULL, NULL)) &&
         eperm(syscall(SYS_process_vm_readv, victim, NULL, 0, NULL, 0, 0)) &&
         eperm(syscall(SYS_process_vm_writev, victim, NULL, 0, NULL, 0, 0)) &&
         eperm(syscall(SYS_kcmp, getpid(), victim, 0, 0, 0)) &&
         eperm(syscall(SYS_pidfd_getfd, victim_file, 0, 0));
}

static bool (*const meddling[])(void) = {
    kills,
    stops,
    kills_the_group,
    kills_everybody,
    kills_by_thread,
    kills_by_thread_of_group,
    queues,
    queues_to_a_thread,
    opens_it,
    signals_a_descriptor,
    gives_a_descriptor_away,
    limits_it,
    schedules_it,
    slows_it,
    looks_into_it,
};

static const pf_confine plugin = {.user = "nobody"};

static void body_meddles(const void *context)
{
  make_victim();
  confine(&plugin, NULL, 0);
  EXPECT(meddling[*(const int *)context]());
  expect_unharmed();
}

START_TEST(no_other_process_is_harmed)
{
  in_child(body_meddles, &_i);
}
END_TEST

/* Numbers that differ from ours in a bit, that have some of our bits, and many others: for those
 * that nobody has, the kernel would say that there is no such process. */
static void body_numbers(const void *context)
{
  confine(&plugin, NULL, 0);
  pid_t self = getpid();
  for (unsigned i = 0; i < 32; i++)
    EXPECT(eperm(kill((pid_t)((unsigned)self ^ 1u << i), 0)) || ((unsigned)self ^ 1u << i) == 0);
  for (pid_t pid = 1; pid < 5000000; pid += pid < 70000 ? 1 : 977)
    EXPECT(pid == self || eperm(kill(pid, 0)));
  EXPECT(kill(self, 0) == 0 && kill(0, 0) == 0);
  EXPECT(syscall(SYS_kill, (long)self | 1L << 40, 0) == 0);
}

START_TEST(of_all_numbers_only_the_own_one_is_reached)
{
  in_child(body_numbers, NULL);
}
END_TEST

/* ---- what it can still do ---- */

static volatile sig_atomic_t got;

static void on_signal(int signum)
{
  got++;
}

static void *wait_for_cancel(void *arg)
{
  for (;;)
    (void)pause();
  return NULL;
}

static void body_for_itself(const void *context)
{
  struct rlimit files = {0};
  pthread_t thread;
  confine(&plugin, NULL, 0);
  EXPECT(signal(SIGUSR1, on_signal) != SIG_ERR);
  EXPECT(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0 && kill(0, SIGUSR1) == 0);
  EXPECT(got == 3);
  EXPECT(pthread_create(&thread, NULL, wait_for_cancel, NULL) == 0);
  EXPECT(pthread_kill(thread, SIGUSR1) == 0 && pthread_cancel(thread) == 0 &&
         pthread_join(thread, NULL) == 0);
  EXPECT(getrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_NOFILE, &files) == 0);
  EXPECT(prlimit(getpid(), RLIMIT_NOFILE, NULL, &files) == 0);
  EXPECT(setpriority(PRIO_PROCESS, 0, 5) == 0 && nice(1) == 6);
}

START_TEST(for_itself_everything_works)
{
  in_child(body_for_itself, NULL);
}
END_TEST

static void body_abort(const void *context)
{
  confine(&plugin, NULL, 0);
  abort();
}

START_TEST(an_abort_is_an_abort)
{
  int status = status_of_child(body_abort, NULL);
  ck_assert(WIFSIGNALED(status));
  ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

static void body_may_kill(const void *context)
{
  const pf_confine killer = {.user = "nobody", .privileges = PF_PRIV_KILL};
  const struct rlimit none = {0};
  make_victim();
  confine(&killer, NULL, 0);
  EXPECT(eperm(prlimit(victim, RLIMIT_NOFILE, &none, NULL)));
  EXPECT(kill(victim, SIGKILL) == 0);
}

START_TEST(with_the_privilege_it_kills)
{
  in_child(body_may_kill, NULL);
}
END_TEST

/* ---- where it may have children ---- */

static pid_t start_child(void)
{
  pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    for (;;)
      (void)pause();
  }
  return child;
}

static void body_children(const void *context)
{
  const pf_confine parent = {.user = "nobody", .processes = 4};
  int status = 0;
  make_victim();
  confine(&parent, NULL, 0);
  pid_t child = start_child();
  EXPECT(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
  EXPECT(WIFSIGNALED(status));
  EXPECT(kills_the_group() && kills_everybody() && gives_a_descriptor_away());
  EXPECT(limits_it() && looks_into_it());
  if (landlock_version() >= VERSION_SCOPE)
    EXPECT(kills() && stops() && queues());
  expect_unharmed();
}

START_TEST(children_are_its_own_to_end_but_nobody_else)
{
  in_child(body_children, NULL);
}
END_TEST

static void body_leaves(const void *context)
{
  const pf_confine parent = {.user = "nobody", .processes = 4};
  int status = 0;
  confine(&parent, NULL, 0);
  pid_t child = fork();
  if (child == 0)
    _exit(eperm(setsid()) && eperm(setpgid(0, 0)) ? 0 : 1);
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(eperm(setpgid(child, child)));
}

START_TEST(children_stay_in_the_group)
{
  in_child(body_leaves, NULL);
}
END_TEST

/* Confines, and leaves a child and a grandchild, which hold the descriptor; the child says when
 * both are there. */
static void leave_two(int fd)
{
  const pf_confine parent = {.user = "nobody", .processes = 4};
  confine(&parent, NULL, 0);
  pid_t child = fork();
  if (child != 0)
    return;
  (void)start_child();
  (void)!write(fd, "", 1);
  for (;;)
    (void)pause();
}

static void expect_end_of(int fd)
{
  char byte = 0;
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  ck_assert_int_eq(poll(&wait, 1, DEADLINE_MS), 1);
  ck_assert_int_eq(read(fd, &byte, 1), 0);
}

START_TEST(the_group_is_ended_with_one_call)
{
  int ends[2];
  char byte = 0;
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  pid_t host = fork();
  if (host == 0) {
    (void)close(ends[0]);
    leave_two(ends[1]);
    _exit(0);
  }
  (void)close(ends[1]);
  ck_assert_int_eq(read(ends[0], &byte, 1), 1);
  ck_assert_int_eq(waitpid(host, NULL, 0), host);
  /* The leader has gone; what it left holds the pipe. */
  ck_assert_int_eq(kill(-host, 0), 0);
  pf_process_kill_group(host);
  expect_end_of(ends[0]);
  (void)close(ends[0]);
}
END_TEST

static void body_followers(const void *context)
{
  int ends[2];
  char byte = 0;
  EXPECT(pipe2(ends, O_CLOEXEC) == 0);
  leave_two(ends[1]);
  (void)close(ends[1]);
  EXPECT(read(ends[0], &byte, 1) == 1);
  pf_process_end_followers();
  struct pollfd wait = {.fd = ends[0], .events = POLLIN};
  EXPECT(poll(&wait, 1, DEADLINE_MS) == 1 && read(ends[0], &byte, 1) == 0);
}

START_TEST(a_leader_ends_all_others_and_goes_on)
{
  in_child(body_followers, NULL);
}
END_TEST

/* ---- files ---- */

static void body_files(const void *context)
{
  const char *const *paths = context;
  const pf_confine c = {.user = "nobody", .state_dir = paths[0]};
  char report[1024];
  char from[PLACE_PATH_MAX];
  char to[PLACE_PATH_MAX];
  (void)snprintf(from, sizeof(from), "%s/sub/new", paths[0]);
  (void)snprintf(to, sizeof(to), "%s/file", paths[0]);
  int folder = open(paths[1], O_PATH | O_CLOEXEC);
  confine(&c, report, sizeof(report));
  EXPECT(strstr(report, landlock_version() > 0 ? "\"landlock\":true" : "\"landlock\":false"));
  (void)snprintf(to, sizeof(to), "%s/sub", paths[0]);
  EXPECT(mkdir(to, 0700) == 0);
  (void)snprintf(to, sizeof(to), "%s/file", paths[0]);
  EXPECT(open(from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) >= 0);
  EXPECT(rename(from, to) == 0 || landlock_version() == 1);
  EXPECT(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0);
  EXPECT(open(paths[2], O_RDONLY | O_CLOEXEC) >= 0);
  if (landlock_version() == 0)
    return;
  EXPECT(open(paths[2], O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES);
  EXPECT(openat(folder, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES);
  EXPECT(mkdirat(folder, "new", 0700) < 0 && errno == EACCES);
  EXPECT(mkfifo(paths[3], 0600) < 0 && errno == EACCES);
  EXPECT(symlink("/", paths[3]) < 0 && errno == EACCES);
  EXPECT(unlink(paths[2]) < 0 && errno == EACCES);
  EXPECT(rename(paths[2], paths[3]) < 0 && errno == EACCES);
  EXPECT(rename(to, paths[3]) < 0 && (errno == EACCES || errno == EXDEV));
  EXPECT(link(to, paths[3]) < 0 && (errno == EACCES || errno == EXDEV));
  EXPECT(truncate(paths[2], 0) < 0 || landlock_version() < 3);
}

/* Two folders of the same user, one of which is the plugin's. */
static const char *const *make_folders(void)
{
  static char texts[4][PLACE_PATH_MAX];
  static const char *paths[4] = {texts[0], texts[1], texts[2], texts[3]};
  static const char *const names[] = {"own", "other", "other/file", "other/new"};
  place_new();
  for (size_t i = 0; i < 4; i++)
    (void)snprintf(texts[i], sizeof(texts[i]), "%s", at(names[i]));
  make_dir(texts[0], 0700);
  make_dir(texts[1], 0755);
  make_file(texts[2], "theirs", 0666);
  const struct passwd *nobody = getpwnam("nobody");
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(chown(texts[i], nobody->pw_uid, nobody->pw_gid), 0);
  return paths;
}

START_TEST(only_below_its_folder_anything_changes)
{
  in_child(body_files, make_folders());
}
END_TEST

static void body_modes(const void *context)
{
  const char *const *paths = context;
  const pf_confine c = {.user = "nobody", .state_dir = paths[0]};
  confine(&c, NULL, 0);
  int fd = open(paths[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT(fd >= 0);
  EXPECT(eperm(chmod(paths[1], 0)) && eperm(fchmod(fd, 0)) &&
         eperm(fchmodat(AT_FDCWD, paths[1], 0, 0)));
  EXPECT(eperm(syscall(452, AT_FDCWD, paths[1], 0, 0)));
  EXPECT(eperm(setxattr(paths[2], "user.a", "a", 1, 0)));
  EXPECT(eperm(fsetxattr(fd, "system.posix_acl_access", "a", 1, 0)));
  EXPECT(eperm(removexattr(paths[2], "user.a")));
  EXPECT(eperm(syscall(463, AT_FDCWD, paths[2], 0, "user.a", NULL, 0)));
  EXPECT(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS);
}

START_TEST(nor_does_any_mode_change)
{
  in_child(body_modes, make_folders());
}
END_TEST

static void body_connects(const void *context)
{
  const struct sockaddr_un *address = context;
  const pf_confine c = {.user = "nobody"};
  confine(&c, NULL, 0);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT(fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0);
  EXPECT(write(fd, "PING", 4) == 4);
}

/* As a plugin does that asks a scanner's daemon. */
START_TEST(sockets_elsewhere_can_be_reached)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  place_new();
  ck_assert(cd_str_copy(address.sun_path, sizeof(address.sun_path), cd_str_from(at("daemon"))));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
  ck_assert_int_eq(chmod(address.sun_path, 0666), 0);
  ck_assert_int_eq(listen(fd, 1), 0);
  in_child(body_connects, &address);
  (void)close(fd);
}
END_TEST

static void body_missing(const void *context)
{
  const pf_confine c = {.user = "nobody", .state_dir = context};
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  EXPECT(pf_confine_self(&c, &out, &err) == (landlock_version() > 0 ? CD_E_UNAVAILABLE : CD_OK));
}

START_TEST(a_folder_that_is_not_there_is_a_failure)
{
  place_new();
  in_child(body_missing, at("none"));
}
END_TEST

static void body_root(const void *context)
{
  const pf_confine c = {.privileges = PF_PRIV_ROOT};
  make_victim();
  confine(&c, NULL, 0);
  int fd = open(context, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  EXPECT(fd >= 0 && fchmod(fd, 0644) == 0);
  EXPECT(kill(victim, SIGKILL) == 0);
}

START_TEST(root_is_left_alone)
{
  place_new();
  in_child(body_root, at("file"));
}
END_TEST

Suite *others_suite(void)
{
  Suite *s = suite_create("platform.others");
  TCase *c = tcase_create("others");
  tcase_set_timeout(c, 60);
  if (geteuid() == 0)
    tcase_add_loop_test(c, no_other_process_is_harmed, 0, (int)COUNT_OF(meddling));
  add_root_test(c, of_all_numbers_only_the_own_one_is_reached);
  add_root_test(c, for_itself_everything_works);
  add_root_test(c, an_abort_is_an_abort);
  add_root_test(c, with_the_privilege_it_kills);
  add_root_test(c, children_are_its_own_to_end_but_nobody_else);
  add_root_test(c, children_stay_in_the_group);
  add_root_test(c, the_group_is_ended_with_one_call);
  add_root_test(c, a_leader_ends_all_others_and_goes_on);
  add_root_test(c, only_below_its_folder_anything_changes);
  add_root_test(c, nor_does_any_mode_change);
  add_root_test(c, sockets_elsewhere_can_be_reached);
  add_root_test(c, a_folder_that_is_not_there_is_a_failure);
  add_root_test(c, root_is_left_alone);
  suite_add_tcase(s, c);
  return s;
}
