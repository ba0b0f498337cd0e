/* The end of the processor time is a signal here. */
#include "platform/confine.h"

#include <signal.h>
#include <stdlib.h>

#include "base/banned.h"

struct pf_cpu_watch {
  uv_signal_t signal;
  void (*on_used_up)(void *context);
  void *context;
};

static void on_signal(uv_signal_t *signal, int number)
{
  pf_cpu_watch *watch = signal->data;
  watch->on_used_up(watch->context);
}

cd_code pf_cpu_watch_new(uv_loop_t *loop, void (*on_used_up)(void *context), void *context,
                         pf_cpu_watch **ret_watch, cd_err *err)
{
  pf_cpu_watch *watch = calloc(1, sizeof(*watch));
  int rc = watch != NULL ? uv_signal_init(loop, &watch->signal) : UV_ENOMEM;
  if (rc != 0) {
    free(watch);
    return cd_fail_os(err, CD_E_INTERNAL, -rc, "the processor time cannot be watched: %s",
                      uv_strerror(rc));
  }
  watch->signal.data = watch;
  watch->on_used_up = on_used_up;
  watch->context = context;
  *ret_watch = watch;
  return CD_OK;
}

cd_code pf_cpu_watch_start(pf_cpu_watch *watch, cd_err *err)
{
  int rc = uv_signal_start(&watch->signal, on_signal, SIGXCPU);
  if (rc != 0)
    return cd_fail_os(err, cd_code_from_errno(rc), -rc,
                      "the signal that ends the processor time cannot be caught: %s",
                      uv_strerror(rc));
  return CD_OK;
}
