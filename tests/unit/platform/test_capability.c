/* Exactly the capabilities that were asked for, and what the kernel then lets through. */
#include "platform/confine.h"

#include "child.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))

typedef struct row {
  const char *user;
  uint32_t privileges;
  uint64_t set;
} row;

static const row rows[] = {
    {"nobody", 0, 0},
    {"nobody", PF_PRIV_NET_ADMIN, BIT(CAP_NET_ADMIN)},
    {"nobody", PF_PRIV_NET_RAW, BIT(CAP_NET_RAW)},
    {"nobody", PF_PRIV_READ_ALL, BIT(CAP_DAC_READ_SEARCH)},
    {"nobody", PF_PRIV_TRACE, BIT(CAP_SYS_PTRACE)},
    {"nobody", PF_PRIV_KILL, BIT(CAP_KILL)},
    {"nobody", PF_PRIV_SYS_ADMIN, BIT(CAP_SYS_ADMIN)},
    {"nobody", PF_PRIV_NET_ADMIN | PF_PRIV_NET_RAW | PF_PRIV_KILL,
     BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_KILL)},
    {NULL, 0, 0},
    {NULL, PF_PRIV_NET_ADMIN, BIT(CAP_NET_ADMIN)},
    {"root", PF_PRIV_NET_RAW, BIT(CAP_NET_RAW)},
};

static void body_exact(const void *context)
{
  const row *r = context;
  const pf_confine c = {.user = r->user, .privileges = r->privileges};
  confine(&c, NULL, 0);
  EXPECT(own_status("CapPrm:", 16) == r->set);
  EXPECT(own_status("CapEff:", 16) == r->set);
  EXPECT(own_status("CapInh:", 16) == 0);
  EXPECT(own_status("CapBnd:", 16) == 0);
  EXPECT(own_status("CapAmb:", 16) == 0);
}

START_TEST(keeps_exactly_what_was_asked_for)
{
  in_child(body_exact, &rows[_i]);
}
END_TEST

static void body_root(const void *context)
{
  const pf_confine c = {.user = "nobody", .privileges = PF_PRIV_ROOT};
  uint64_t before = own_status("CapEff:", 16);
  confine(&c, NULL, 0);
  EXPECT(geteuid() == 0);
  EXPECT(own_status("CapEff:", 16) == before);
  EXPECT(own_status("NoNewPrivs:", 10) == 1);
  EXPECT(fork() < 0 && errno == EPERM);
}

START_TEST(root_keeps_all_but_cannot_fork)
{
  in_child(body_root, NULL);
}
END_TEST

static void body_root_user(const void *context)
{
  pf_confine c = {.user = "nobody", .privileges = PF_PRIV_ROOT_USER | PF_PRIV_WRITE_ALL};
  (void)context;
  char name[] = "/tmp/cordon-root-user-XXXXXX";
  int fd = mkstemp(name);
  confine(&c, NULL, 0);
  EXPECT(geteuid() == 0);
  /* chown, dac_override, fowner, fsetid, linux_immutable, setfcap; and no way to more. */
  EXPECT(own_status("CapEff:", 16) == 0x8000021bULL);
  EXPECT(own_status("CapBnd:", 16) == 0);
  EXPECT(own_status("NoNewPrivs:", 10) == 1);
  EXPECT(fchown(fd, 65534, 65534) == 0 && fchmod(fd, 0640) == 0);
  EXPECT(unlink(name) == 0);
  EXPECT(kill(getppid(), 0) != 0 && errno == EPERM);
  EXPECT(unshare(CLONE_NEWUTS) != 0 && errno == EPERM);
}

START_TEST(the_root_user_has_what_was_asked_for_and_no_more)
{
  in_child(body_root_user, NULL);
}
END_TEST

/* What each privilege is for: possible with it, refused without. None of them changes anything
 * outside the child. */
static bool can_mark(void)
{
  int mark = 1;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool can = setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
  (void)close(fd);
  return can;
}

static bool can_open_raw(void)
{
  int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1);
  if (fd >= 0)
    (void)close(fd);
  return fd >= 0;
}

static bool can_read_all(void)
{
  int fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC);
  if (fd >= 0)
    (void)close(fd);
  return fd >= 0;
}

static bool can_signal(void)
{
  return kill(getppid(), 0) == 0;
}

static bool can_unshare(void)
{
  return unshare(CLONE_NEWUTS) == 0;
}

static const struct {
  uint32_t privilege;
  bool (*can)(void);
} abilities[] = {
    {PF_PRIV_NET_ADMIN, can_mark},
    {PF_PRIV_READ_ALL, can_read_all},
    {PF_PRIV_KILL, can_signal},
    {PF_PRIV_SYS_ADMIN, can_unshare},
};

static void body_abilities(const void *context)
{
  const uint32_t *privilege = context;
  const pf_confine c = {.user = "nobody", .privileges = *privilege};
  confine(&c, NULL, 0);
  /* net_admin lets raw sockets be neither opened nor missed: only net_raw decides. */
  EXPECT(can_open_raw() == (*privilege == PF_PRIV_NET_RAW));
  for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++)
    if (abilities[i].can() != (abilities[i].privilege == *privilege) &&
        !(abilities[i].can == can_mark && *privilege == PF_PRIV_NET_RAW))
      child_fail("privilege 0x%x, ability %zu", *privilege, i);
  EXPECT(open("/etc/shadow", O_WRONLY | O_CLOEXEC) < 0);
}

START_TEST(privileges_open_what_they_are_for_and_nothing_else)
{
  static const uint32_t privileges[] = {0,
                                        PF_PRIV_NET_ADMIN,
                                        PF_PRIV_NET_RAW,
                                        PF_PRIV_READ_ALL,
                                        PF_PRIV_TRACE,
                                        PF_PRIV_KILL,
                                        PF_PRIV_SYS_ADMIN};
  for (size_t i = 0; i < sizeof(privileges) / sizeof(privileges[0]); i++)
    in_child(body_abilities, &privileges[i]);
}
END_TEST

Suite *capability_suite(void)
{
  Suite *s = suite_create("platform.capability");
  TCase *c = tcase_create("capability");
  tcase_set_timeout(c, 30);
  if (geteuid() == 0)
    tcase_add_loop_test(c, keeps_exactly_what_was_asked_for, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
  add_root_test(c, root_keeps_all_but_cannot_fork);
  add_root_test(c, the_root_user_has_what_was_asked_for_and_no_more);
  add_root_test(c, privileges_open_what_they_are_for_and_nothing_else);
  suite_add_tcase(s, c);
  return s;
}
