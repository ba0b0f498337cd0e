/* TCP sockets that one process opens and another one uses. */
#ifndef PF_SOCKET_H
#define PF_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

/* A TCP socket that is not connected, non-blocking and closed on exec, with this mark, by which
 * firewall rules know it (SO_MARK on Linux). The mark stays when the socket goes to a process that
 * could not set it. CD_E_DENIED: this process may not mark. */
CD_MUST_USE cd_code pf_socket_marked(bool ipv6, uint32_t mark, uv_os_sock_t *ret_socket,
                                     cd_err *err);
/* Whether a link can carry a socket that is not connected. Where it cannot, whoever needs one opens
 * it: firewall rules there know a connection by its program, and not by a mark. */
bool pf_socket_travels(void);
void pf_socket_close(uv_os_sock_t socket); /* a negative or invalid one is fine */
/* The handle's socket under a number of its own, so that the handle can be closed and the socket
 * stays. */
CD_MUST_USE cd_code pf_socket_of(const uv_tcp_t *handle, uv_os_sock_t *ret_socket, cd_err *err);

#endif
