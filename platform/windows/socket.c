/* Laid out, not yet filled: the filtering platform knows a socket by its program and user. */
#include "platform/socket.h"

#include "base/banned.h"

cd_code pf_socket_marked(bool ipv6, uint32_t mark, uv_os_sock_t *ret_socket, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "sockets are not handed over on Windows yet");
}

void pf_socket_close(uv_os_sock_t socket)
{
}

cd_code pf_socket_of(const uv_tcp_t *handle, uv_os_sock_t *ret_socket, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "sockets are not handed over on Windows yet");
}
