/* One agent per state folder. The lock belongs to the open file, which is never closed: the OS lets
 * go of it when the process ends, however it ends. It is closed on exec, so no child keeps it. */
#include "platform/file.h"

#include "posix/posix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define PID_TEXT_MAX 24

/* Somebody has the lock: the sentence says who, if the file tells it. */
static cd_code held(int fd, const char *path, cd_err *err)
{
  char text[PID_TEXT_MAX] = {0};
  ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
  cd_str digits = {.ptr = text, .len = n > 0 ? (size_t)n : 0};
  digits = cd_str_cut(&digits, '\n');
  uint64_t pid = 0;
  if (cd_str_to_u64(digits, UINT32_MAX, &pid) && pid > 0)
    return cd_fail(err, CD_E_CONFLICT, "'%s' is locked by process %llu", path,
                   (unsigned long long)pid);
  return cd_fail(err, CD_E_CONFLICT, "'%s' is locked by another process", path);
}

static cd_code write_pid(int fd, const char *path, cd_err *err)
{
  char text[PID_TEXT_MAX];
  int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the lock file '%s' could not be written: %s", path, strerror(errno));
  return CD_OK;
}

cd_code pf_file_lock(const char *path, cd_err *err)
{
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the lock file '%s' could not be opened: %s", path, strerror(errno));
  struct stat st;
  cd_code rc = CD_OK;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    rc = cd_fail(err, CD_E_INVALID, "the lock file '%s' is not a regular file", path);
  else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
    rc = write_pid(fd, path, err);
  else if (errno == EWOULDBLOCK)
    rc = held(fd, path, err);
  else
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be locked: %s", path,
                    strerror(errno));
  if (rc != CD_OK)
    (void)close(fd);
  return rc;
}
