/* The part of confinement and hardening that POSIX systems share. */
#include "platform/confine.h"

#include "posix/posix.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define PRIVATE_UMASK 077

cd_code pf_limit_set(int resource, rlim_t value, const char *what, cd_err *err)
{
  struct rlimit limit = {0};
  if (getrlimit(resource, &limit) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "the limit of %s is unknown: %s", what,
                      strerror(errno));
  if (limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max)
    limit.rlim_max = value;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(resource, &limit) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the limit of %s could not be set to %llu: %s", what,
                      (unsigned long long)value, strerror(errno));
  return CD_OK;
}

cd_code pf_signals_reset(cd_err *err)
{
  /* Only what was ignored is inherited across an exec; handlers were set by this program and are
   * its own business. */
  for (int n = 1; n < NSIG; n++) {
    struct sigaction now = {0};
    if (sigaction(n, NULL, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 ||
        now.sa_handler != SIG_IGN)
      continue;
    now.sa_handler = SIG_DFL;
    (void)sigaction(n, &now, NULL);
  }
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigset_t none;
  (void)sigemptyset(&none);
  if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0 ||
      sigprocmask(SIG_SETMASK, &none, NULL) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "the signals could not be set: %s",
                      strerror(errno));
  return CD_OK;
}

cd_code pf_confine_cpu(uint32_t seconds, cd_err *err)
{
  struct rlimit limit = {0};
  struct rusage used = {0};
  if (getrlimit(RLIMIT_CPU, &limit) != 0 || getrusage(RUSAGE_SELF, &used) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the processor time used is unknown: %s", strerror(errno));
  uint64_t used_us = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000u +
                     (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  /* Only the soft limit: the hard one could not be renewed. The limit is in whole seconds since the
   * start of the process, so that a second that has begun counts as used. */
  rlim_t total = (rlim_t)((used_us + 999999u) / 1000000u) + seconds;
  limit.rlim_cur = limit.rlim_max;
  if (seconds > 0 && (limit.rlim_max == RLIM_INFINITY || total < limit.rlim_max))
    limit.rlim_cur = total;
  if (setrlimit(RLIMIT_CPU, &limit) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the processor time could not be limited to %u s: %s", seconds,
                      strerror(errno));
  return CD_OK;
}

/* A program that is started without them would get its first file as standard output, and print
 * into it. */
static cd_code open_standard(cd_err *err)
{
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
      continue;
    int got = open("/dev/null", O_RDWR);
    if (got != fd) {
      int why = errno;
      if (got >= 0)
        (void)close(got);
      return cd_fail_os(err, CD_E_UNAVAILABLE, got < 0 ? why : 0,
                        "descriptor %d could not be opened on /dev/null", fd);
    }
  }
  return CD_OK;
}

cd_code pf_harden_self(cd_err *err)
{
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  (void)umask(PRIVATE_UMASK);
  if (sigaction(SIGPIPE, &ignore, NULL) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "SIGPIPE could not be ignored: %s",
                      strerror(errno));
  cd_code rc = open_standard(err);
  if (rc == CD_OK)
    rc = pf_os_close_on_exec(3, err);
  if (rc == CD_OK)
    rc = pf_limit_set(RLIMIT_CORE, 0, "core dumps", err);
  if (rc == CD_OK)
    rc = pf_os_undumpable(err);
  return rc;
}

cd_code pf_files_raise(uint64_t *ret_files, cd_err *err)
{
  struct rlimit limit = {0};
  int rc = getrlimit(RLIMIT_NOFILE, &limit);
  if (rc == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    rc = setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (rc != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the limit of open descriptors cannot be raised: %s", strerror(errno));
  *ret_files = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit.rlim_cur;
  return CD_OK;
}
