#include "posix/posix.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/banned.h"

cd_code pf_os_peer(int socket, uid_t *ret_uid, pid_t *ret_pid, cd_err *err)
{
  struct ucred peer = {0};
  socklen_t len = sizeof(peer);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer))
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the peer of the socket is unknown: %s", strerror(errno));
  /* A socket that is not connected has no peer, and the kernel says so with these numbers. */
  if (peer.pid == 0 && peer.uid == (uid_t)-1)
    return cd_fail(err, CD_E_UNAVAILABLE, "the peer of the socket is unknown: it is not connected");
  *ret_uid = peer.uid;
  *ret_pid = peer.pid;
  return CD_OK;
}
