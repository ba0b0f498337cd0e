/* Laid out, not yet filled: GetDiskFreeSpaceEx. */
#include "platform/file.h"

#include "base/banned.h"

cd_code pf_file_room(uv_os_fd_t file, uint64_t *ret_bytes, cd_err *err)
{
  (void)file;
  (void)ret_bytes;
  return cd_fail(err, CD_E_UNSUPPORTED, "free space is not looked at on Windows yet");
}
