/* The system call filter of a plugin host and of the channel: no children where none are allowed,
 * and no hands on other processes, which run as the same user. What is refused looks to the plugin
 * like a lack of permission. */
#include "linux/parts.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/banned.h"

/* Where clone() has its flags. */
#if defined(__s390__) || defined(__s390x__)
#define CLONE_FLAGS SCMP_A1
#else
#define CLONE_FLAGS SCMP_A0
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int refuse_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
  int rc = 0;
  for (size_t i = 0; i < count && rc == 0; i++)
    rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
  return rc;
}

/* RLIMIT_NPROC would not do: it does not bind root, and counts threads. */
static int no_children(scmp_filter_ctx filter)
{
  static const int starting[] = {SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execve),
                                 SCMP_SYS(execveat)};
  int rc = refuse_all(filter, starting, COUNT_OF(starting));
  if (rc == 0)
    rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                          CLONE_FLAGS(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  /* clone3 keeps its flags in memory, where a filter cannot look; told that there is none, the C
   * library uses clone. */
  if (rc == 0)
    rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  return rc;
}

/* Children stay in the group that is ended with the host. */
static int keep_group(scmp_filter_ctx filter)
{
  static const int leaving[] = {SCMP_SYS(setsid), SCMP_SYS(setpgid)};
  return refuse_all(filter, leaving, COUNT_OF(leaving));
}

/* io_uring makes sockets without the system call that the rule looks at. */
static int no_network(scmp_filter_ctx filter)
{
  int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
  if (rc == 0)
    rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
  return rc;
}

/* The kernel's larger and less travelled parts, where most of what lets a program out of its bounds
 * was found. What a library tries there and may do without gets an error that it knows. */
static int no_rare_calls(scmp_filter_ctx filter)
{
  static const int rare[] = {SCMP_SYS(listen),
                             SCMP_SYS(accept),
                             SCMP_SYS(accept4),
                             SCMP_SYS(ptrace),
                             SCMP_SYS(bpf),
                             SCMP_SYS(perf_event_open),
                             SCMP_SYS(userfaultfd),
                             SCMP_SYS(io_uring_setup),
                             SCMP_SYS(io_uring_enter),
                             SCMP_SYS(io_uring_register),
                             SCMP_SYS(keyctl),
                             SCMP_SYS(add_key),
                             SCMP_SYS(request_key),
                             SCMP_SYS(unshare),
                             SCMP_SYS(setns),
                             SCMP_SYS(mount),
                             SCMP_SYS(umount2),
                             SCMP_SYS(pivot_root),
                             SCMP_SYS(chroot),
                             SCMP_SYS(init_module),
                             SCMP_SYS(finit_module),
                             SCMP_SYS(delete_module),
                             SCMP_SYS(kexec_load),
                             SCMP_SYS(reboot),
                             SCMP_SYS(swapon),
                             SCMP_SYS(swapoff),
                             SCMP_SYS(acct),
                             SCMP_SYS(quotactl),
                             SCMP_SYS(personality),
                             SCMP_SYS(mknod),
                             SCMP_SYS(mknodat),
                             SCMP_SYS(shmget),
                             SCMP_SYS(shmat),
                             SCMP_SYS(msgget),
                             SCMP_SYS(semget),
                             SCMP_SYS(mq_open),
                             SCMP_SYS(memfd_create),
                             SCMP_SYS(fanotify_init),
                             SCMP_SYS(name_to_handle_at),
                             SCMP_SYS(open_by_handle_at),
                             SCMP_SYS(vhangup),
                             SCMP_SYS(syslog)};
  return refuse_all(filter, rare, COUNT_OF(rare));
}

/* Names are looked up over the network, over local sockets of name services, and with the kernel's
 * list of this machine's addresses. */
static int client_sockets(scmp_filter_ctx filter)
{
  static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
  int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0));
  for (unsigned family = 0; family <= AF_NETLINK && rc == 0; family++) {
    bool allowed = false;
    for (size_t i = 0; i < COUNT_OF(families); i++)
      allowed = allowed || families[i] == family;
    if (!allowed)
      rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, family, 0));
  }
  return rc;
}

static int load(scmp_filter_ctx filter, const pf_filter *f)
{
  /* A call by another architecture's numbers would pass the rules; nothing honest makes one. */
  int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (rc == 0)
    rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (rc == 0)
    rc = f->no_children ? no_children(filter) : keep_group(filter);
  if (rc == 0 && f->no_network)
    rc = no_network(filter);
  if (rc == 0)
    rc = pf_filter_others(filter, f);
  if (rc == 0 && f->client)
    rc = no_rare_calls(filter);
  if (rc == 0 && f->client)
    rc = client_sockets(filter);
  return rc == 0 ? seccomp_load(filter) : rc;
}

cd_code pf_filter_self(const pf_filter *f, cd_err *err)
{
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a system call filter");
  int rc = load(filter, f);
  seccomp_release(filter);
  if (rc != 0)
    return cd_fail_os(err, CD_E_UNAVAILABLE, -(int64_t)rc,
                      "the system call filter could not be loaded: %s", strerror(-rc));
  return CD_OK;
}
