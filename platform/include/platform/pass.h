/* Open files for a child process, one for each piece of work that needs one, while it runs. The
 * parent keeps one end of a pair, the child is started with the other. */
#ifndef PF_PASS_H
#define PF_PASS_H

#include <stdint.h>
#include <uv.h>

#include "base/status.h"

/* Both ends are closed on exec; the caller closes them. */
CD_MUST_USE cd_code pf_pass_pair(uv_file *ret_parent, uv_file *ret_child, cd_err *err);
/* Hands over the file under a number to the process that was started with the other end: its
 * handle, where processes have one (pf_child_handle()); one that is none, -1, is this process
 * itself. Never waits: CD_E_LIMIT when the child does not take what it was given. The caller may
 * close its own descriptor of it afterwards. */
CD_MUST_USE cd_code pf_pass_give(uv_file parent, uv_os_fd_t child, uint64_t number, uv_file file,
                                 cd_err *err);
/* In the child: the file that was given under that number, which the caller closes; those that were
 * given before it are closed. Never waits: CD_E_NOTFOUND if it was not given. */
CD_MUST_USE cd_code pf_pass_take(uv_file child, uint64_t number, uv_file *ret_file, cd_err *err);

#endif
