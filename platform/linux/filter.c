/* The system call filter of a plugin host: no children where none are allowed, and no hands on
 * other processes, which run as the same user. What is refused looks to the plugin like a lack of
 * permission. */
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
