/* One request to the agent over its control socket. Blocks until the answer, with a deadline on
 * every wait. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stdbool.h>

#include "exit.h"

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define CTL_CONNECT_MS 3000u /* an agent that is there takes a connection at once */
#define CTL_TIMEOUT_S                                                                              \
  15u /* reading the journal or starting a facts provider takes a second or two */
#define CTL_ORDER_TIMEOUT_S                                                                        \
  120u /* an isolation with probes takes seconds; with a product that must start, longer */
#define CTL_TIMEOUT_MAX_S 86400u
#define CTL_SOCKET_PATH_MAX                                                                        \
  107u /* sun_path on Linux; libuv would cut a longer one without a word */

typedef struct ctl_request {
  const char *socket;
  const char *method;
  cd_str params;      /* a JSON object */
  uint64_t timeout_s; /* from the connection to the answer */
  bool changes; /* when waiting ends early, what was asked for may go on: CTL_EXIT_WAITING, also for
                   an interrupt */
  /* Each event; a failing code ends the wait. May be NULL. */
  cd_code (*on_event)(void *context, cd_str payload, cd_err *err);
  /* Bytes before the answer; a failing code ends the wait. NULL: none are expected. */
  cd_code (*on_data)(void *context, cd_str bytes, cd_err *err);
  void *context;
} ctl_request;

/* CTL_EXIT_DONE with the answer's payload, unread, in `ret_response`; else the exit code, with the
 * sentence in `err`. */
ctl_exit ctl_client_ask(const ctl_request *request, cd_buf *ret_response, cd_err *err);

#endif
