/* Looks that take an administrator, made for a child process that is none: which network namespaces
 * other processes are in, with sockets that were opened in them, and who holds a socket.
 *
 * The parent serves over a socket pair, whose other end the child is started with. It hands out
 * netlink sockets rather than namespaces: whoever has one can list and, with CAP_NET_ADMIN, end
 * what is in that namespace, and nothing else; it takes no privilege to enter one. */
#ifndef PF_SIGHT_H
#define PF_SIGHT_H

#include <stdint.h>
#include <uv.h>

#include "base/status.h"

#define PF_SIGHT_NAME_MAX 64u
#define PF_SIGHT_PATH_MAX 192u
#define PF_SIGHT_HOLDERS_MAX 32u
#define PF_SIGHT_SPACES_MAX 512u

/* A network namespace that some process other than ours is in. */
typedef struct pf_sight_space {
  uint64_t id;                  /* its inode */
  int32_t pid;                  /* the first process found in it */
  char name[PF_SIGHT_NAME_MAX]; /* of that process; may be nonsense */
} pf_sight_space;

typedef struct pf_sight_holder {
  int32_t pid;                     /* 0: nobody was found */
  char name[PF_SIGHT_NAME_MAX];    /* may be nonsense */
  char program[PF_SIGHT_PATH_MAX]; /* the file it runs; empty if that is not known */
} pf_sight_holder;

/* Begins to serve in a thread of its own, until the other end, *ret_child, is closed everywhere.
 * The caller gives it to the child and closes it. */
CD_MUST_USE cd_code pf_sight_serve(uv_file *ret_child, cd_err *err);

/* In the child. Number `index` of the namespaces other than the parent's own; number 0 looks anew.
 * CD_E_NOTFOUND: there are no more. With CD_OK the caller closes both sockets: one of
 * NETLINK_SOCK_DIAG, one of NETLINK_ROUTE, made in that namespace. With any other code *ret_space
 * tells which one could not be entered, if its id is not 0. One thread at a time. */
CD_MUST_USE cd_code pf_sight_space_at(uv_file sight, uint32_t index, pf_sight_space *ret_space,
                                      uv_file ret_sockets[2], cd_err *err);
/* In the child. Who holds these sockets, by inode. At most PF_SIGHT_HOLDERS_MAX. */
CD_MUST_USE cd_code pf_sight_holders(uv_file sight, const uint64_t *inodes, uint32_t count,
                                     pf_sight_holder *ret_holders, cd_err *err);

#endif
