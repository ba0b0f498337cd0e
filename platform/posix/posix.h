/* Private to the POSIX folders: what linux/ and macos/ each provide, and what posix/ shares among
 * its files. */
#ifndef PF_POSIX_H
#define PF_POSIX_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/status.h"

/* Folders are opened only to look at them and to go on from there; where the OS can, without
 * needing to list them. */
#ifdef O_PATH
#define PF_OPEN_FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#else
#define PF_OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#endif

/* ---- posix/account.c ---- */

#define PF_ACCOUNT_NAME_MAX 64

typedef struct pf_account {
  uid_t uid;
  gid_t gid; /* the primary group */
  char name[PF_ACCOUNT_NAME_MAX];
} pf_account;

/* CD_E_NOTFOUND if there is none. */
CD_MUST_USE cd_code pf_account_by_name(const char *name, pf_account *ret_account, cd_err *err);
CD_MUST_USE cd_code pf_account_by_uid(uid_t uid, pf_account *ret_account, cd_err *err);

/* ---- posix/confine.c ---- */

/* The limit, soft and hard, or the present hard limit if that is lower. */
CD_MUST_USE cd_code pf_limit_set(int resource, rlim_t value, const char *what, cd_err *err);
/* Signals that the starter ignored or blocked are taken back to what a new program expects; a write
 * to a closed pipe or past the file size limit stays an error and does not end the process. */
CD_MUST_USE cd_code pf_signals_reset(cd_err *err);

/* ---- linux/ and macos/ ---- */

/* Who is connected to this socket, as the OS attests it (peer.c). */
CD_MUST_USE cd_code pf_os_peer(int socket, uid_t *ret_uid, pid_t *ret_pid, cd_err *err);
/* A name under which the dynamic loader opens the very file that the descriptor holds (library.c).
 */
CD_MUST_USE cd_code pf_os_descriptor_path(int fd, char *out, size_t out_size, cd_err *err);
/* Not readable by other processes' debuggers (confine.c). */
CD_MUST_USE cd_code pf_os_undumpable(cd_err *err);
/* Every descriptor from `first` on is closed on exec (confine.c). */
CD_MUST_USE cd_code pf_os_close_on_exec(int first, cd_err *err);

/* ---- socket.c of each system ---- */

CD_MUST_USE cd_code pf_os_socket_mark(int fd, uint32_t mark, cd_err *err);

#endif
