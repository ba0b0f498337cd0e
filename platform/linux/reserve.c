#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/banned.h"

static cd_code code_of(int os_error)
{
  if (os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG)
    return CD_E_LIMIT;
  if (os_error == EOPNOTSUPP || os_error == ENOSYS)
    return CD_E_UNSUPPORTED;
  return cd_code_from_errno(os_error);
}

cd_code pf_file_reserve(uv_os_fd_t file, uint64_t offset, uint64_t len, cd_err *err)
{
  int rc = 0;
  do
    rc = fallocate(file, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
  while (rc != 0 && errno == EINTR);
  if (rc != 0)
    return cd_fail_os(err, code_of(errno), errno, "no room could be set aside: %s",
                      strerror(errno));
  return CD_OK;
}
