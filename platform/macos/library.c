/* Laid out, not yet filled: the loader of macOS does not open libraries by descriptor. */
#include "posix/posix.h"

#include "base/banned.h"

cd_code pf_os_descriptor_path(int fd, char *out, size_t out_size, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "loading the library behind descriptor %d is not there on macOS yet", fd);
}
