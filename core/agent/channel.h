/* The process cordon-channel: started, given sockets, ended. What it says about the console goes to
 * its owner; nothing that it says is believed, and nothing that becomes of it disturbs anything
 * else. */
#ifndef AGENT_CHANNEL_H
#define AGENT_CHANNEL_H

#include <uv.h>

#include "base/status.h"
#include "base/str.h"
#include "ipc/frame.h"

typedef struct agent_channel agent_channel;

typedef struct agent_channel_events {
  /* A frame about the console; ipc/message.h says which there are. */
  void (*on_frame)(void *owner, const ipc_frame *frame);
  /* Once, last: the process is gone and the object frees itself. */
  void (*on_ended)(void *owner, const char *sentence);
} agent_channel_events;

typedef struct agent_channel_options {
  uv_loop_t *loop;
  const char *program;
  uint32_t mark; /* of its sockets */
  cd_str setup;  /* SETUP; wiped by the caller */
  const agent_channel_events *events;
  void *owner;
} agent_channel_options;

#define AGENT_CHANNEL_START_MS 10000 /* from its start to HELLO */
#define AGENT_CHANNEL_PONG_MS 30000  /* it answers whether it lives within this time */

CD_MUST_USE cd_code agent_channel_start(const agent_channel_options *options,
                                        agent_channel **ret_channel, cd_err *err);
/* What cannot be sent ends the process. */
void agent_channel_send(agent_channel *c, uint8_t type, uint64_t op, cd_str payload);
/* Asks whether it lives; it is ended if it does not say so in time. */
void agent_channel_check(agent_channel *c);
/* Kills the process; it keeps nothing that could be lost. on_ended comes later, with that
 * sentence. */
void agent_channel_end(agent_channel *c, const char *sentence);
int agent_channel_pid(const agent_channel *c); /* 0: it is gone */

#endif
