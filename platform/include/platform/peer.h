/* Local IPC security: who is at the other end of a local socket or named pipe. */
#ifndef PF_PEER_H
#define PF_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

typedef struct pf_identity {
  uint64_t user_id;    /* uid; on Windows 0 for LocalSystem and administrators */
  uint64_t process_id; /* 0 where unknown */
  char user[64];       /* the account's name, or the number as text where there is none */
  bool administrator;
} pf_identity;

/* Identity of the peer of a connected pipe, as the OS attests it. Does not block: `user` is the
 * account's number as text, or the administrator's name, until pf_peer_name() has looked it up. */
CD_MUST_USE cd_code pf_peer_of(uv_pipe_t *pipe, pf_identity *ret_identity, cd_err *err);
/* Looks up the account's name; keeps the number where there is none. May block on a directory
 * service: not on a loop's thread. */
void pf_peer_name(pf_identity *who);
/* This process's own identity. */
CD_MUST_USE cd_code pf_peer_self(pf_identity *ret_identity, cd_err *err);
/* Whether the user is a member (primary or supplementary) of the group; false, without an error, if
 * there is no such group. */
CD_MUST_USE cd_code pf_peer_in_group(const pf_identity *who, const char *group, bool *ret_member,
                                     cd_err *err);
/* Binds and protects a control socket: a stale one is replaced (never one that somebody listens on:
 * CD_E_CONFLICT), a file of another kind is not touched. Anyone may connect; what they may do is
 * decided by pf_peer_of(). */
CD_MUST_USE cd_code pf_peer_listen(uv_pipe_t *server, const char *name, int backlog,
                                   uv_connection_cb on_connection, cd_err *err);

/* Connects to a control socket; who listens there is then asked of pf_peer_of(). `on_connected`
 * comes with a status of libuv's, and may come before this returns. */
void pf_peer_connect(uv_connect_t *request, uv_pipe_t *pipe, const char *name,
                     uv_connect_cb on_connected);

#endif
