/* Windows has no marks on sockets: its filtering platform knows a connection by program and user.
 */
#include "platform/socket.h"

#include <winsock2.h>

#include "windows/windows.h"

#include "base/banned.h"

cd_code pf_socket_marked(bool ipv6, uint32_t mark, uv_os_sock_t *ret_socket, cd_err *err)
{
  (void)mark;
  SOCKET made = WSASocketW(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  u_long yes = 1;
  if (made == INVALID_SOCKET)
    return pf_win_fail(err, (DWORD)WSAGetLastError(), "no socket");
  if (ioctlsocket(made, FIONBIO, &yes) != 0) {
    DWORD error = (DWORD)WSAGetLastError();
    (void)closesocket(made);
    return pf_win_fail(err, error, "no socket");
  }
  *ret_socket = made;
  return CD_OK;
}

/* libuv has a socket that it sends along a pipe listen first, which only one with an address can.
 */
bool pf_socket_travels(void)
{
  return false;
}

void pf_socket_close(uv_os_sock_t socket)
{
  if (socket != INVALID_SOCKET)
    (void)closesocket(socket);
}

cd_code pf_socket_of(const uv_tcp_t *handle, uv_os_sock_t *ret_socket, cd_err *err)
{
  uv_os_fd_t own = NULL;
  WSAPROTOCOL_INFOW info;
  int status = uv_fileno((const uv_handle_t *)handle, &own);
  if (status != 0)
    return cd_fail(err, CD_E_INVALID, "a closed connection has no socket: %s", uv_strerror(status));
  if (WSADuplicateSocketW((SOCKET)own, GetCurrentProcessId(), &info) != 0)
    return pf_win_fail(err, (DWORD)WSAGetLastError(), "a socket could not be doubled");
  SOCKET made = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (made == INVALID_SOCKET)
    return pf_win_fail(err, (DWORD)WSAGetLastError(), "a socket could not be doubled");
  *ret_socket = made;
  return CD_OK;
}
