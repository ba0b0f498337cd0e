/* The system call filter behind `processes: 0`. RLIMIT_NPROC would not do: it does not bind root,
 * and counts threads. */
#include "linux/parts.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>

#include "base/banned.h"

/* Where clone() has its flags. */
#if defined(__s390__) || defined(__s390x__)
#define CLONE_FLAGS SCMP_A1
#else
#define CLONE_FLAGS SCMP_A0
#endif

static int add_rules(scmp_filter_ctx filter)
{
  static const int refused[] = {SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execve),
                                SCMP_SYS(execveat)};
  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
    int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (rc != 0)
      return rc;
  }
  int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                            CLONE_FLAGS(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  /* clone3 keeps its flags in memory, where a filter cannot look; told that there is none, the C
   * library uses clone. */
  if (rc == 0)
    rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  return rc;
}

cd_code pf_no_children(cd_err *err)
{
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a system call filter");
  /* A call by another architecture's numbers would pass the rules; nothing honest makes one. */
  int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (rc == 0)
    rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (rc == 0)
    rc = add_rules(filter);
  if (rc == 0)
    rc = seccomp_load(filter);
  seccomp_release(filter);
  if (rc != 0)
    return cd_fail_os(err, CD_E_UNAVAILABLE, -(int64_t)rc,
                      "the system call filter could not be loaded: %s", strerror(-rc));
  return CD_OK;
}
