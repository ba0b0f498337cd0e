/* Laid out, not yet filled: LOCAL_PEERCRED and LOCAL_PEERPID. */
#include "posix/posix.h"

#include "base/banned.h"

cd_code pf_os_peer(int socket, uid_t *ret_uid, pid_t *ret_pid, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "telling who is at the other end of socket %d is not there on macOS yet", socket);
}
