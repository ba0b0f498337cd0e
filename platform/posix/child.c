/* uv_spawn() hands on what it is told to and nothing else; the child confines itself. */
#include "platform/child.h"

#include <signal.h>
#include <stdlib.h>

#include "base/banned.h"

#define ENV_MAX 16

struct pf_child {
  uv_process_t process;
  void (*on_exit)(void *owner, int64_t status, int signal);
  void (*on_closed)(void *owner);
  void *owner;
};

static void on_process_closed(uv_handle_t *handle)
{
  pf_child *c = handle->data;
  void (*on_closed)(void *) = c->on_closed;
  void *owner = c->owner;
  free(c);
  if (on_closed != NULL)
    on_closed(owner);
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal)
{
  pf_child *c = process->data;
  c->on_exit(c->owner, status, signal);
}

static cd_code fill_env(const pf_child_options *options, char *env[ENV_MAX], cd_err *err)
{
  static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  static char lang[] = "LANG=C.UTF-8";
  size_t n = 0;
  env[n++] = path;
  env[n++] = lang;
  for (size_t i = 0; options->env != NULL && options->env[i] != NULL; i++) {
    if (n + 1 == ENV_MAX)
      return cd_fail(err, CD_E_LIMIT, "more than %d variables for '%s'", ENV_MAX - 3,
                     options->program);
    env[n++] = options->env[i];
  }
  env[n] = NULL;
  return CD_OK;
}

cd_code pf_child_start(uv_loop_t *loop, const pf_child_options *options, pf_child **ret_child,
                       cd_err *err)
{
  char *env[ENV_MAX];
  cd_code rc = fill_env(options, env, err);
  if (rc != CD_OK)
    return rc;
  pf_child *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to start '%s'", options->program);
  c->on_exit = options->on_exit;
  c->owner = options->owner;
  c->process.data = c;
  uv_process_options_t how = {.file = options->program,
                              .args = options->args,
                              .env = env,
                              .cwd = "/",
                              .stdio = options->stdio,
                              .stdio_count = options->stdio_count,
                              .exit_cb = on_process_exit};
  int failed = uv_spawn(loop, &c->process, &how);
  if (failed != 0) {
    /* The handle is one even so, and has to be closed. */
    uv_close((uv_handle_t *)&c->process, on_process_closed);
    return cd_fail_os(err, cd_code_from_errno(failed), -failed, "cannot start '%s': %s",
                      options->program, uv_strerror(failed));
  }
  *ret_child = c;
  return CD_OK;
}

int pf_child_pid(const pf_child *child)
{
  return child->process.pid;
}

uv_os_fd_t pf_child_handle(const pf_child *child)
{
  (void)child;
  return (uv_os_fd_t)-1;
}

void pf_child_kill(pf_child *child)
{
  (void)uv_process_kill(&child->process, SIGKILL);
}

void pf_child_close(pf_child *child, void (*on_closed)(void *owner))
{
  child->on_closed = on_closed;
  uv_close((uv_handle_t *)&child->process, on_process_closed);
}
