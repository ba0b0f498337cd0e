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
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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

/* ---- the time of access ---- */

typedef struct old_file {
  char folder[64];
  char path[80];
} old_file;

/* Of somebody else's, and read long before it was written. */
static old_file make_old_file(void)
{
  const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1700000000}};
  old_file f = {.folder = "/var/tmp/cordon-atime-XXXXXX"};
  ck_assert_ptr_nonnull(mkdtemp(f.folder));
  (void)snprintf(f.path, sizeof(f.path), "%s/file", f.folder);
  int fd = open(f.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, "text", 4), 4);
  ck_assert_int_eq(futimens(fd, times), 0);
  (void)close(fd);
  return f;
}

static void remove_old_file(const old_file *f)
{
  (void)unlink(f->path);
  (void)rmdir(f->folder);
}

static int64_t atime_of(const old_file *f)
{
  struct stat st = {0};
  ck_assert_int_eq(stat(f->path, &st), 0);
  return st.st_atim.tv_sec;
}

static void read_old_file(const char *path)
{
  char text[8];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  EXPECT(fd >= 0 && read(fd, text, sizeof(text)) == 4);
  (void)close(fd);
}

static const pf_confine reader = {
    .user = "nobody", .privileges = PF_PRIV_READ_ALL, .keep_atime = true};

static bool has_set_attributes(void)
{
  return syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) == 0 || errno != ENOSYS;
}

/* A namespace of its own, where all propagates or nothing does. */
static void have_mounts(unsigned long propagation)
{
  EXPECT(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  EXPECT(mount(NULL, "/", NULL, MS_REC | propagation, NULL) == 0);
}

static void body_reads_quietly(const void *context)
{
  char report[1024];
  have_mounts(MS_SHARED);
  confine(&reader, report, sizeof(report));
  if (strstr(report, "\"atime_kept\":true") == NULL)
    child_fail("%s", report);
  read_old_file(context);
}

static void body_reads(const void *context)
{
  const pf_confine plain = {.user = "nobody", .privileges = PF_PRIV_READ_ALL};
  char report[1024];
  have_mounts(MS_SHARED);
  confine(&plain, report, sizeof(report));
  EXPECT(strstr(report, "atime") == NULL);
  read_old_file(context);
}

START_TEST(what_is_read_keeps_its_time_of_access)
{
  if (!has_set_attributes())
    return;
  old_file f = make_old_file();
  in_child(body_reads_quietly, f.path);
  ck_assert_int_eq(atime_of(&f), 1000000000);
  in_child(body_reads, f.path);
  ck_assert_int_gt(atime_of(&f), 1700000000);
  remove_old_file(&f);
}
END_TEST

typedef struct places {
  const char *folder;
  int to_child[2];
  int to_parent[2];
} places;

static bool sees_file(const char *folder)
{
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/new", folder);
  return access(path, F_OK) == 0;
}

/* In turns with the one outside: mounted, and unmounted. */
static void body_follows(const void *context)
{
  const places *p = context;
  char turn = 0;
  confine(&reader, NULL, 0);
  EXPECT(write(p->to_parent[1], "1", 1) == 1 && read(p->to_child[0], &turn, 1) == 1);
  EXPECT(sees_file(p->folder));
  EXPECT(write(p->to_parent[1], "2", 1) == 1 && read(p->to_child[0], &turn, 1) == 1);
  EXPECT(!sees_file(p->folder));
}

/* As on a device with systemd. */
static void body_mounts_meanwhile(const void *context)
{
  char new_file[160];
  char turn = 0;
  places p = {.folder = context};
  have_mounts(MS_SHARED);
  EXPECT(mount("outer", p.folder, "tmpfs", 0, "mode=755") == 0);
  char inner[128];
  (void)snprintf(inner, sizeof(inner), "%s/inner", p.folder);
  EXPECT(mkdir(inner, 0755) == 0 && pipe(p.to_child) == 0 && pipe(p.to_parent) == 0);
  p.folder = inner;
  pid_t pid = fork();
  EXPECT(pid >= 0);
  if (pid == 0) {
    body_follows(&p);
    _exit(0);
  }
  (void)close(p.to_parent[1]);
  EXPECT(read(p.to_parent[0], &turn, 1) == 1);
  EXPECT(mount("inner", inner, "tmpfs", 0, "mode=755") == 0);
  (void)snprintf(new_file, sizeof(new_file), "%s/new", inner);
  EXPECT(mkdir(new_file, 0755) == 0 && write(p.to_child[1], "1", 1) == 1);
  EXPECT(read(p.to_parent[0], &turn, 1) == 1);
  EXPECT(umount(inner) == 0 && write(p.to_child[1], "2", 1) == 1);
  int status = -1;
  EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

START_TEST(what_is_mounted_and_unmounted_meanwhile_is_for_the_reader_too)
{
  char folder[] = "/var/tmp/cordon-mounts-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(folder));
  in_child(body_mounts_meanwhile, folder);
  (void)rmdir(folder);
}
END_TEST

static void own_namespace(char ret_name[64])
{
  ssize_t len = readlink("/proc/self/ns/mnt", ret_name, 63);
  EXPECT(len > 0);
  ret_name[len] = '\0';
}

/* Its program never answers. */
static void body_silent(const void *context)
{
  char report[1024];
  char options[128];
  int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  have_mounts(MS_SHARED);
  (void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  if (fd < 0 || mount("silent", context, "fuse", 0, options) != 0)
    return;
  confine(&reader, report, sizeof(report));
  EXPECT(strstr(report, "\"atime_kept\":true") != NULL);
}

START_TEST(no_file_system_is_asked)
{
  char folder[] = "/var/tmp/cordon-silent-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(folder));
  if (has_set_attributes())
    in_child(body_silent, folder);
  (void)rmdir(folder);
}
END_TEST

/* A copy would hold what is unmounted there. */
static void body_private(const void *context)
{
  char before[64];
  char after[64];
  char report[1024];
  have_mounts(MS_PRIVATE);
  own_namespace(before);
  confine(&reader, report, sizeof(report));
  own_namespace(after);
  EXPECT(strcmp(before, after) == 0);
  EXPECT(strstr(report, "\"atime_kept\":false") != NULL);
}

START_TEST(where_nothing_propagates_no_mounts_are_copied)
{
  in_child(body_private, NULL);
}
END_TEST

/* As on a kernel before 5.12, and as a container may have it. */
static void body_refused(const void *context)
{
  const int *how = context;
  char before[64];
  char after[64];
  char report[1024];
  pf_confine c = {.keep_atime = true};
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  EXPECT(filter != NULL);
  if (geteuid() == 0)
    have_mounts(MS_SHARED);
  EXPECT(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)how[1]), how[0], 0) == 0);
  EXPECT(seccomp_load(filter) == 0);
  own_namespace(before);
  confine(&c, report, sizeof(report));
  own_namespace(after);
  EXPECT(strcmp(before, after) == 0);
  if (strstr(report, "\"atime_kept\":false") == NULL)
    child_fail("%s", report);
}

START_TEST(where_that_cannot_be_it_is_no_failure)
{
  static const int refused[][2] = {{SYS_mount_setattr, ENOSYS}, {SCMP_SYS(unshare), EPERM}};
  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
    in_child(body_refused, refused[i]);
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
  add_root_test(c, what_is_read_keeps_its_time_of_access);
  add_root_test(c, what_is_mounted_and_unmounted_meanwhile_is_for_the_reader_too);
  add_root_test(c, no_file_system_is_asked);
  add_root_test(c, where_nothing_propagates_no_mounts_are_copied);
  tcase_add_test(c, where_that_cannot_be_it_is_no_failure);
  add_root_test(c, fails_when_not_root_cannot_give_it);
  add_root_test(c, ends_with_its_parent);
  tcase_add_test(c, fails_when_the_parent_has_gone_already);
  tcase_add_test(c, knows_privileges_by_name);
  suite_add_tcase(s, c);
  return s;
}
