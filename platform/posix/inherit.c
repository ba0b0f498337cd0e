/* Descriptors out of reach, with F_DUPFD: POSIX gives the lowest free number at or above one that
 * is asked for. */
#include "platform/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define PF_HIGH                                                                                    \
  256 /* above what a loop over low numbers reaches, below the usual limit of 1024                 \
       */

static cd_code open_null(int *ret_fd, cd_err *err)
{
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "cannot open /dev/null: %s",
                      strerror(errno));
  *ret_fd = fd;
  return CD_OK;
}

cd_code pf_inherit_take(int number, uv_file *ret_file, cd_err *err)
{
  int null_fd = -1;
  int high = fcntl(number, F_DUPFD_CLOEXEC, PF_HIGH);
  if (high < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "cannot take over descriptor %d: %s",
                      number, strerror(errno));
  cd_code rc = open_null(&null_fd, err);
  if (rc == CD_OK && (dup2(null_fd, number) < 0 || fcntl(number, F_SETFD, FD_CLOEXEC) < 0))
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno, "cannot replace descriptor %d: %s",
                    number, strerror(errno));
  if (null_fd >= 0)
    (void)close(null_fd);
  if (rc != CD_OK) {
    (void)close(high);
    return rc;
  }
  *ret_file = high;
  return CD_OK;
}

cd_code pf_inherit_loop(uv_loop_t *loop, cd_err *err)
{
  bool filled[PF_HIGH] = {false};
  int null_fd = -1;
  cd_code rc = open_null(&null_fd, err);
  if (rc != CD_OK)
    return rc;
  /* While the low numbers are taken, the loop gets high ones. */
  for (int fd = dup(null_fd); fd >= 0; fd = dup(null_fd)) {
    if (fd >= PF_HIGH) {
      (void)close(fd);
      break;
    }
    filled[fd] = true;
  }
  int failed = uv_loop_init(loop);
  if (failed != 0)
    rc = cd_fail_os(err, cd_code_from_errno(failed), -failed, "cannot make an event loop: %s",
                    uv_strerror(failed));
  for (int fd = 0; fd < PF_HIGH; fd++) {
    if (filled[fd])
      (void)close(fd);
  }
  (void)close(null_fd);
  return rc;
}
