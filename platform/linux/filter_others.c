/* The rules about other processes and what belongs to them. All plugins share a user, so that the
 * kernel's own checks would let one end, stop, starve or lock out another.
 *
 * A call that names a process is allowed for the process itself. A filter compares an argument with
 * one value at a time and refuses where a comparison holds, so that "is neither 0 nor our number"
 * takes one comparison for each bit of the number. */
#include "linux/parts.h"

#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/banned.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ID_BITS 32u
#define NEGATIVE (UINT64_C(1) << 31)

/* In Linux' table for all architectures; younger than the library that we link with. */
#define CALL_FCHMODAT2 452
#define CALL_SETXATTRAT 463
#define CALL_REMOVEXATTRAT 466

/* A call and which of its arguments names the process. */
typedef struct call_of {
  int number;
  unsigned argument;
} call_of;

static int refuse(scmp_filter_ctx filter, int call)
{
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
}

static int refuse_where(scmp_filter_ctx filter, int call, struct scmp_arg_cmp where)
{
  return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &where);
}

/* Process numbers are 32 bits; what a caller puts above them, the kernel does not look at. */
static struct scmp_arg_cmp bits(unsigned argument, uint64_t mask, uint64_t value)
{
  return (struct scmp_arg_cmp){
      .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/* The next higher bit of `id` after `bit`, going round. */
static uint64_t next_bit(uint64_t id, unsigned bit)
{
  unsigned at = bit;
  do
    at = (at + 1) % ID_BITS;
  while ((id >> at & 1u) == 0);
  return UINT64_C(1) << at;
}

/* Refused unless the argument is 0 or `self`: where it has a bit that `self` lacks; and where it
 * has a bit of `self` but not the next one, which is so for any that has some of them but not all.
 */
static int only_self(scmp_filter_ctx filter, const call_of *call, uint64_t self)
{
  int rc = 0;
  for (unsigned i = 0; i < ID_BITS && rc == 0; i++) {
    uint64_t bit = UINT64_C(1) << i;
    uint64_t next = (self & bit) != 0 ? next_bit(self, i) : 0;
    if (next != bit)
      rc = refuse_where(filter, call->number, bits(call->argument, bit | next, bit));
  }
  return rc;
}

/* Of the groups (negative numbers), only our own. */
static int only_own_group(scmp_filter_ctx filter, uint64_t self)
{
  uint64_t own = ~self + 1;
  int rc = 0;
  for (unsigned i = 0; i < ID_BITS - 1 && rc == 0; i++) {
    uint64_t bit = UINT64_C(1) << i;
    rc = refuse_where(filter, SCMP_SYS(kill), bits(0, NEGATIVE | bit, NEGATIVE | (~own & bit)));
  }
  return rc;
}

static int only_self_each(scmp_filter_ctx filter, const call_of *calls, size_t count, uint64_t self)
{
  int rc = 0;
  for (size_t i = 0; i < count && rc == 0; i++)
    rc = only_self(filter, &calls[i], self);
  return rc;
}

/* A signal also comes from a descriptor that has been given an owner. */
static int no_owners(scmp_filter_ctx filter)
{
  static const uint64_t controls[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
  static const uint64_t ioctls[] = {FIOSETOWN, SIOCSPGRP};
  int rc = 0;
  for (size_t i = 0; i < COUNT_OF(controls) && rc == 0; i++)
    rc = refuse_where(filter, SCMP_SYS(fcntl), bits(1, UINT32_MAX, controls[i]));
  for (size_t i = 0; i < COUNT_OF(ioctls) && rc == 0; i++)
    rc = refuse_where(filter, SCMP_SYS(ioctl), bits(1, UINT32_MAX, ioctls[i]));
  return rc;
}

static int signals(scmp_filter_ctx filter, const pf_filter *f, uint64_t self)
{
  static const call_of calls[] = {{SCMP_SYS(kill), 0},
                                  {SCMP_SYS(tkill), 0},
                                  {SCMP_SYS(tgkill), 0},
                                  {SCMP_SYS(rt_sigqueueinfo), 0},
                                  {SCMP_SYS(rt_tgsigqueueinfo), 0}};
  if (f->signals == PF_SIGNALS_ANY)
    return 0;
  int rc = no_owners(filter);
  if (rc == 0 && f->signals == PF_SIGNALS_GROUP)
    return only_own_group(filter, self);
  if (rc == 0)
    rc = only_self_each(filter, calls, COUNT_OF(calls), self);
  if (rc == 0)
    rc = refuse(filter, SCMP_SYS(pidfd_send_signal));
  if (rc == 0 && f->no_looking)
    rc = refuse(filter, SCMP_SYS(pidfd_open));
  return rc;
}

static int looking(scmp_filter_ctx filter)
{
  static const int calls[] = {SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
                              SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp), SCMP_SYS(pidfd_getfd)};
  int rc = 0;
  for (size_t i = 0; i < COUNT_OF(calls) && rc == 0; i++)
    rc = refuse(filter, calls[i]);
  return rc;
}

/* What others may use, and when they run. */
static int limits(scmp_filter_ctx filter, uint64_t self)
{
  static const call_of calls[] = {
      {SCMP_SYS(prlimit64), 0},          {SCMP_SYS(sched_setaffinity), 0},
      {SCMP_SYS(sched_setattr), 0},      {SCMP_SYS(sched_setparam), 0},
      {SCMP_SYS(sched_setscheduler), 0}, {SCMP_SYS(setpriority), 1},
      {SCMP_SYS(ioprio_set), 1}};
  int rc = only_self_each(filter, calls, COUNT_OF(calls), self);
  /* Groups and users have other processes in them. */
  if (rc == 0)
    rc = refuse_where(filter, SCMP_SYS(setpriority), SCMP_A0(SCMP_CMP_NE, PRIO_PROCESS, 0));
  if (rc == 0)
    rc = refuse_where(filter, SCMP_SYS(ioprio_set), SCMP_A0(SCMP_CMP_NE, IOPRIO_WHO_PROCESS, 0));
  return rc;
}

/* What Landlock does not know of: the owner of a file, who is all plugins, may change its mode and
 * attributes, and so lock out or let in. io_uring does it, and opens files, without a system call.
 */
static int files(scmp_filter_ctx filter)
{
  static const int calls[] = {SCMP_SYS(chmod),       SCMP_SYS(fchmod),       SCMP_SYS(fchmodat),
                              SCMP_SYS(setxattr),    SCMP_SYS(lsetxattr),    SCMP_SYS(fsetxattr),
                              SCMP_SYS(removexattr), SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr),
                              CALL_FCHMODAT2,        CALL_SETXATTRAT,        CALL_REMOVEXATTRAT};
  int rc = 0;
  for (size_t i = 0; i < COUNT_OF(calls) && rc == 0; i++)
    rc = refuse(filter, calls[i]);
  if (rc == 0)
    rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
  return rc;
}

int pf_filter_others(void *filter, const pf_filter *f)
{
  uint64_t self = (uint64_t)getpid();
  int rc = signals(filter, f, self);
  if (rc == 0 && f->no_looking)
    rc = looking(filter);
  if (rc == 0 && f->own_limits)
    rc = limits(filter, self);
  if (rc == 0 && f->own_files)
    rc = files(filter);
  return rc;
}
