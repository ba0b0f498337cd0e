#include "posix/posix.h"

#include <stdio.h>

#include "base/banned.h"

cd_code pf_os_descriptor_path(int fd, char *out, size_t out_size, cd_err *err)
{
  /* The kernel opens this name as the file behind the descriptor, not as the path that it once had.
   */
  int n = snprintf(out, out_size, "/proc/self/fd/%d", fd);
  if (fd < 0 || n < 0 || (size_t)n >= out_size)
    return cd_fail(err, CD_E_INVALID, "%d is not a descriptor", fd);
  return CD_OK;
}
