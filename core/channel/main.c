/* cordon-channel: started by cordond with its end of the link as descriptor 3; it takes no
 * arguments and reads no file. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "chan.h"
#include "ipc/message.h"
#include "platform/confine.h"
#include "platform/inherit.h"

#include "base/banned.h"

/* LeakSanitizer stops the process with ptrace, which the confinement forbids. */
#if defined(__SANITIZE_ADDRESS__)
#define CHAN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHAN_SANITIZED 1
#endif
#endif

#ifdef CHAN_SANITIZED
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
  return "detect_leaks=0";
}
#endif

int main(int argc, char **argv)
{
  cd_err err = {0};
  uv_file control = -1;
  if (uv_guess_handle(IPC_CHANNEL_FD) != UV_NAMED_PIPE) {
    (void)fputs("cordon-channel is started by cordond and does nothing when started by hand: "
                "descriptor 3 is not a socket.\n",
                stderr);
    return CHAN_EXIT_BY_HAND;
  }
  chan *c = calloc(1, sizeof(*c));
  cd_code rc = c != NULL ? pf_harden_self(&err)
                         : cd_fail(&err, CD_E_INTERNAL, "there is no memory to start with");
  if (rc == CD_OK)
    rc = pf_inherit_take(IPC_CHANNEL_FD, &control, &err);
  if (rc == CD_OK)
    rc = pf_inherit_loop(&c->loop, &err);
  if (rc == CD_OK) {
    (void)uv_timer_init(&c->loop, &c->timer);
    c->timer.data = c;
    chan_dial_init(c);
    rc = chan_link_open(c, control, &err);
  }
  if (rc == CD_OK)
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
  cd_log(CD_AREA_CHANNEL, CD_LOG_ERROR, "%s", err.text);
  free(c);
  return CHAN_EXIT_LINK;
}
