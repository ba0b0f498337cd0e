/* Frames over a libuv pipe: between agent and plugin host, and on the control socket.
 *
 * One owner; all calls and callbacks on the loop's thread. A link is closed by ipc_link_close() or
 * by itself when the peer goes, sends a malformed frame, or does not read (CD_LINK_QUEUE_MAX);
 * on_closed comes exactly once, last, and the owner may free the link in it. A peer that can no
 * longer be written to is still read to its end, for at most IPC_LINK_DRAIN_MS: what it said last
 * is often why it went. Programs ignore SIGPIPE (pf_harden_self() does). */
#ifndef IPC_LINK_H
#define IPC_LINK_H

#include <uv.h>

#include "base/status.h"
#include "ipc/frame.h"

typedef struct ipc_link ipc_link;

typedef struct ipc_link_events {
  /* One frame. The payload is valid during the call. ipc_link_close() may be called from here. */
  void (*on_frame)(ipc_link *link, const ipc_frame *frame);
  /* A handle that came with a frame; the callee must ipc_link_accept() it or it is closed. It comes
   * before the on_frame of the frame that carried it, perhaps also before those of earlier frames:
   * keep it until that frame. NULL: a handle is refused, and the link closes. */
  void (*on_handle)(ipc_link *link, uv_handle_type type);
  /* CD_OK: closed by us, or the peer ended cleanly; else why. */
  void (*on_closed)(ipc_link *link, cd_code code, const char *sentence);
} ipc_link_events;

struct ipc_link {
  uv_pipe_t pipe; /* public only so that the owner can accept or open it */
  const ipc_link_events *events;
  void *owner;
  /* private from here */
  ipc_decoder decoder;
  size_t queued;
  cd_code why;
  char sentence[CD_ERR_TEXT_MAX];
  uv_timer_t drain;
  int open_handles;
  bool closing;
  bool finishing;
  bool in_frames;
  bool paused;
  bool resuming;
  bool write_failed;
};

/* Prepares the pipe; afterwards uv_pipe_open(), uv_accept(), uv_pipe_connect() or uv_spawn() it,
 * then ipc_link_start(). After a successful init the link must be closed. pass_handles: both ends
 * must agree. */
CD_MUST_USE cd_code ipc_link_init(ipc_link *link, uv_loop_t *loop, bool pass_handles,
                                  uint32_t payload_max, const ipc_link_events *events, void *owner,
                                  cd_err *err);
/* Starts reading, or goes on after a pause: frames that were held back come from the loop, never
 * from inside this call. */
CD_MUST_USE cd_code ipc_link_start(ipc_link *link, cd_err *err);
/* Stops reading until started again: the way to make a fast peer wait. No on_frame comes meanwhile,
 * and no end is noticed. */
void ipc_link_pause(ipc_link *link);
/* Copies and queues a frame. Fails if the link is closed or finishing, the payload too long, or the
 * queue full (then the link closes). */
CD_MUST_USE cd_code ipc_link_send(ipc_link *link, uint8_t type, uint64_t op, cd_str payload,
                                  cd_err *err);
/* The same with a handle, which must stay open until the peer has it; the sender closes its own
 * later. */
CD_MUST_USE cd_code ipc_link_send_handle(ipc_link *link, uint8_t type, uint64_t op, cd_str payload,
                                         uv_stream_t *handle, cd_err *err);
/* Takes the pending handle of on_handle into `into`, which the caller has initialised with the
 * right type. */
CD_MUST_USE cd_code ipc_link_accept(ipc_link *link, uv_stream_t *into, cd_err *err);
/* Closes at once; what is queued is dropped. Twice is harmless. */
void ipc_link_close(ipc_link *link);
/* Reads no more, and closes when what is queued was written, or after IPC_LINK_DRAIN_MS, whichever
 * is first. */
#define IPC_LINK_DRAIN_MS 2000
void ipc_link_finish(ipc_link *link);
/* It was closed, by whoever: the peer may know that already, on_closed is still to come. */
bool ipc_link_is_closing(const ipc_link *link);

#endif
