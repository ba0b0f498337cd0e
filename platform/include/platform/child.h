/* Starting a program of ours that does what must not be done here: a plugin host, the channel. */
#ifndef PF_CHILD_H
#define PF_CHILD_H

#include <uv.h>

#include "base/status.h"
#include "platform/confine.h"

typedef struct pf_child pf_child;

typedef struct pf_child_options {
  const char *program; /* its whole path, and it was looked at before */
  char **args;         /* the program's name first, NULL last */
  char **env;          /* NULL last, or NULL: beside the few that each program needs */
  /* What the child will take from itself (pf_confine_self()). Where the system lets the one who
   * starts it do so, it is taken before the program's first instruction, and looked at; where not,
   * it is left to the child. NULL: nothing. */
  const pf_confine *confine;
  uv_stdio_container_t *stdio; /* as for uv_spawn(); the child gets these and no others. Pipes that
                                  pass handles need UV_NONBLOCK_PIPE */
  int stdio_count;
  /* Once, on the loop's thread. A signal: it was killed by pf_child_kill(), or by one. */
  void (*on_exit)(void *owner, int64_t status, int signal);
  void *owner;
} pf_child_options;

CD_MUST_USE cd_code pf_child_start(uv_loop_t *loop, const pf_child_options *options,
                                   pf_child **ret_child, cd_err *err);
int pf_child_pid(const pf_child *child);
/* The process as a handle, which stays the child's until it is closed; where there are none it is
 * what no open file is. */
uv_os_fd_t pf_child_handle(const pf_child *child);
/* Ends the child; on Windows with all that it started, elsewhere see pf_process_kill_group(). */
void pf_child_kill(pf_child *child);
/* After on_exit. The child is freed, and on_closed comes from the loop. */
void pf_child_close(pf_child *child, void (*on_closed)(void *owner));

#endif
