#include "platform/file.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/banned.h"

cd_code pf_file_room(uv_os_fd_t file, uint64_t *ret_bytes, cd_err *err)
{
  struct statvfs fs;
  if (fstatvfs(file, &fs) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "how much room the file system has is unknown: %s", strerror(errno));
  *ret_bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
  return CD_OK;
}
