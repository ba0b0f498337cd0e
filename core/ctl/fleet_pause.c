/* A loop with a timer and three signals. */
#include "fleet_pause.h"

#include <uv.h>

#include <signal.h>
#include <stdlib.h>

#include "base/banned.h"

#define SIGNALS 3

struct fleet_pause {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_signal_t signals[SIGNALS];
  int watched;
  bool due;
  bool interrupted;
};

cd_code fleet_pause_open(fleet_pause **ret_pause, cd_err *err)
{
  fleet_pause *p = calloc(1, sizeof(*p));
  if (p == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory");
  int status = uv_loop_init(&p->loop);
  if (status != 0) {
    free(p);
    return cd_fail_os(err, CD_E_INTERNAL, -status, "cannot make an event loop: %s",
                      uv_strerror(status));
  }
  (void)uv_timer_init(&p->loop, &p->timer);
  p->timer.data = p;
  *ret_pause = p;
  return CD_OK;
}

static void on_signal(uv_signal_t *handle, int number)
{
  fleet_pause *p = handle->data;
  p->interrupted = true;
}

bool ctl_hangup_ignored(void)
{
  void (*was)(int) = signal(SIGHUP, SIG_DFL);
  if (was != SIG_DFL && was != SIG_ERR)
    (void)signal(SIGHUP, was);
  return was == SIG_IGN;
}

void fleet_pause_watch(fleet_pause *p)
{
  static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
  for (; p->watched < SIGNALS; p->watched++) {
    uv_signal_t *handle = &p->signals[p->watched];
    if (numbers[p->watched] == SIGHUP && ctl_hangup_ignored())
      return;
    if (uv_signal_init(&p->loop, handle) != 0)
      return;
    handle->data = p;
    (void)uv_signal_start(handle, on_signal, numbers[p->watched]);
  }
}

bool fleet_pause_interrupted(fleet_pause *p)
{
  (void)uv_run(&p->loop, UV_RUN_NOWAIT);
  return p->interrupted;
}

static void on_due(uv_timer_t *timer)
{
  fleet_pause *p = timer->data;
  p->due = true;
}

bool fleet_pause_ms(fleet_pause *p, uint64_t ms)
{
  p->due = false;
  uv_update_time(&p->loop);
  /* Repeating: a one-shot timer that is due before the loop polls would leave it polling for ever.
   */
  (void)uv_timer_start(&p->timer, on_due, ms, 1000);
  while (!p->due && !p->interrupted)
    (void)uv_run(&p->loop, UV_RUN_ONCE);
  (void)uv_timer_stop(&p->timer);
  return !p->interrupted;
}

void fleet_pause_close(fleet_pause *p)
{
  if (p == NULL)
    return;
  uv_close((uv_handle_t *)&p->timer, NULL);
  for (int i = 0; i < p->watched; i++)
    uv_close((uv_handle_t *)&p->signals[i], NULL);
  (void)uv_run(&p->loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&p->loop);
  free(p);
}
