/* Laid out, not yet filled: pf knows a socket by its owner. */
#include "platform/socket.h"

#include "posix/posix.h"

#include "base/banned.h"

cd_code pf_os_socket_mark(int fd, uint32_t mark, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "sockets are not marked on macOS yet");
}
