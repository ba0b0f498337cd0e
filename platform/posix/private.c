/* Modes of files. */
#include "platform/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define OTHERS 077u

cd_code pf_private_check(uv_file file, const char *path, cd_err *err)
{
  struct stat facts;
  if (fstat(file, &facts) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "cannot look at %.300s: %s", path,
                      strerror(errno));
  if (!S_ISREG(facts.st_mode))
    return cd_fail(err, CD_E_INVALID, "%.300s is not a file", path);
  if (facts.st_uid != geteuid() && facts.st_uid != 0)
    return cd_fail(err, CD_E_DENIED,
                   "%.300s belongs to another user; a file with a secret must be your own", path);
  if ((facts.st_mode & OTHERS) != 0)
    return cd_fail(err, CD_E_DENIED,
                   "%.300s is open to other users (its mode is %03o); close it with chmod 600",
                   path, (unsigned)(facts.st_mode & 0777u));
  return CD_OK;
}

cd_code pf_private_make(const char *path, const char *name, uv_file *ret_file, cd_err *err)
{
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "cannot make %.300s: %s", name,
                      strerror(errno));
  *ret_file = file;
  return CD_OK;
}

cd_code pf_private_folder(const char *path, cd_err *err)
{
  if (mkdir(path, 0700) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "cannot make %.300s: %s", path,
                      strerror(errno));
  return CD_OK;
}
