/* Descriptors that a child process is started with, and those of its own, kept away from code that
 * closes or prints to descriptors by number. */
#ifndef PF_INHERIT_H
#define PF_INHERIT_H

#include <uv.h>

#include "base/status.h"

/* Takes over the descriptor that this process was started with as `number`: *ret_file is the same
 * thing under a high number and closed on exec; under the old number there is now something that
 * swallows what is written. Before pf_confine_self(), which lowers how many there may be. */
CD_MUST_USE cd_code pf_inherit_take(int number, uv_file *ret_file, cd_err *err);
/* uv_loop_init() with the loop's own descriptors under high numbers as well. Before other threads
 * are started. */
CD_MUST_USE cd_code pf_inherit_loop(uv_loop_t *loop, cd_err *err);

#endif
