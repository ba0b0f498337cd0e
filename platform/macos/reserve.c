/* Laid out, not yet filled: fcntl F_PREALLOCATE. */
#include "platform/file.h"

#include "base/banned.h"

cd_code pf_file_reserve(uv_os_fd_t file, uint64_t offset, uint64_t len, cd_err *err)
{
  (void)file;
  (void)offset;
  (void)len;
  return cd_fail(err, CD_E_UNSUPPORTED, "no room is set aside on macOS yet");
}
