#include "platform/socket.h"

#include "posix/posix.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

static cd_code prepare(int fd, uint32_t mark, cd_err *err)
{
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "a socket could not be set up: %s",
                      strerror(errno));
  return pf_os_socket_mark(fd, mark, err);
}

cd_code pf_socket_marked(bool ipv6, uint32_t mark, uv_os_sock_t *ret_socket, cd_err *err)
{
  int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (fd < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "a socket could not be opened: %s",
                      strerror(errno));
  cd_code rc = prepare(fd, mark, err);
  if (rc == CD_OK)
    *ret_socket = fd;
  else
    (void)close(fd);
  return rc;
}

bool pf_socket_travels(void)
{
  return true;
}

void pf_socket_close(uv_os_sock_t socket)
{
  if (socket >= 0)
    (void)close(socket);
}

cd_code pf_socket_of(const uv_tcp_t *handle, uv_os_sock_t *ret_socket, cd_err *err)
{
  uv_os_fd_t fd = -1;
  int uv = uv_fileno((const uv_handle_t *)handle, &fd);
  if (uv != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -uv, "a connection has no socket: %s", uv_strerror(uv));
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "a socket could not be kept: %s",
                      strerror(errno));
  *ret_socket = copy;
  return CD_OK;
}
