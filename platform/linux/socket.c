#include "platform/socket.h"

#include "posix/posix.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/banned.h"

cd_code pf_os_socket_mark(int fd, uint32_t mark, cd_err *err)
{
  if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "a socket could not be marked: %s",
                      strerror(errno));
  return CD_OK;
}
