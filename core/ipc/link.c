/* Frames on a libuv pipe. The owner's callbacks may pause, finish or close the link at any point,
 * so every loop here looks at the link's state again after each of them. Memory of the link belongs
 * to the owner and may be gone after on_closed. */
#include "ipc/link.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define READ_SIZE (64u * 1024u)

typedef struct link_write {
  uv_write_t req;
  ipc_link *link;
  size_t len;
  uint8_t bytes[];
} link_write;

/* Somewhere to put a handle that the owner did not take, only to close it. */
typedef union link_dropped {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_pipe_t pipe;
  uv_tcp_t tcp;
  uv_udp_t udp;
} link_dropped;

static void link_on_handle_closed(ipc_link *l)
{
  if (--l->open_handles > 0)
    return;
  ipc_decoder_release(&l->decoder);
  l->events->on_closed(l, l->why, l->sentence);
}

static void on_own_closed(uv_handle_t *h)
{
  link_on_handle_closed(h->data);
}

static void on_dropped_closed(uv_handle_t *h)
{
  ipc_link *l = h->data;
  free(h);
  link_on_handle_closed(l);
}

/* The one way to the end. Only the first reason counts. */
static void link_end(ipc_link *l, cd_code code, const char *sentence)
{
  if (l->closing)
    return;
  l->closing = true;
  l->why = code;
  if (sentence != l->sentence)
    (void)snprintf(l->sentence, sizeof(l->sentence), "%s", sentence);
  uv_close((uv_handle_t *)&l->pipe, on_own_closed);
  uv_close((uv_handle_t *)&l->drain, on_own_closed);
}

static void link_end_uv(ipc_link *l, int status, const char *what)
{
  cd_err err = {0};
  cd_code code = cd_fail_os(&err, cd_code_from_errno(status), -(int64_t)status, "link: %s: %s",
                            what, uv_strerror(status));
  link_end(l, code, err.text);
}

static bool link_is_reading(const ipc_link *l)
{
  return !l->closing && !l->finishing && !l->paused;
}

static void link_pump(ipc_link *l)
{
  l->in_frames = true;
  while (link_is_reading(l)) {
    ipc_frame frame = {0};
    cd_err err = {0};
    cd_code rc = ipc_decoder_next(&l->decoder, &frame, &err);
    if (rc == CD_E_NOTFOUND)
      break;
    if (rc != CD_OK) {
      link_end(l, rc, err.text);
      break;
    }
    l->events->on_frame(l, &frame);
  }
  l->in_frames = false;
}

static void link_on_timer(uv_timer_t *t);

/* The last deadline of the link begins. */
static void link_start_drain(ipc_link *l)
{
  /* The loop's time is that of its last turn; a callback that took long would else use up the
   * peer's time. */
  uv_update_time(l->pipe.loop);
  (void)uv_timer_start(&l->drain, link_on_timer, IPC_LINK_DRAIN_MS, 0);
}

static void link_on_timer(uv_timer_t *t)
{
  ipc_link *l = t->data;
  if (l->resuming) {
    l->resuming = false;
    if (l->write_failed)
      link_start_drain(l);
    link_pump(l);
    return;
  }
  if (l->write_failed) {
    link_end(l, l->why, l->sentence);
    return;
  }
  cd_err err = {0};
  cd_code code =
      cd_fail(&err, CD_E_DEADLINE, "link: the peer did not take the last %zu bytes within %d ms",
              l->queued, IPC_LINK_DRAIN_MS);
  link_end(l, code, err.text);
}

cd_code ipc_link_init(ipc_link *link, uv_loop_t *loop, bool pass_handles, uint32_t payload_max,
                      const ipc_link_events *events, void *owner, cd_err *err)
{
  *link = (ipc_link){.events = events, .owner = owner, .paused = true};
  int status = uv_pipe_init(loop, &link->pipe, pass_handles ? 1 : 0);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status, "link: no pipe: %s",
                      uv_strerror(status));
  /* It cannot fail: it only links the handle into the loop. */
  (void)uv_timer_init(loop, &link->drain);
  link->pipe.data = link;
  link->drain.data = link;
  link->open_handles = 2;
  ipc_decoder_init(&link->decoder, payload_max);
  return CD_OK;
}

static void link_on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
  ret_buf->base = malloc(READ_SIZE);
  ret_buf->len = ret_buf->base != NULL ? READ_SIZE : 0;
}

/* Takes one pending handle out of the pipe and closes it. */
static void link_drop_handle(ipc_link *l, uv_handle_type type)
{
  link_dropped *d = calloc(1, sizeof(*d));
  if (d == NULL) {
    /* Closing the pipe closes what is pending in it. */
    link_end(l, CD_E_INTERNAL, "link: no memory to close a handle that nobody took");
    return;
  }
  uv_loop_t *loop = l->pipe.loop;
  int status = 0;
  if (type == UV_TCP)
    status = uv_tcp_init(loop, &d->tcp);
  else if (type == UV_UDP)
    status = uv_udp_init(loop, &d->udp);
  else
    status = uv_pipe_init(loop, &d->pipe, 0);
  if (status != 0) {
    free(d);
    link_end_uv(l, status, "a handle that nobody took could not be closed");
    return;
  }
  d->handle.data = l;
  l->open_handles++;
  status = uv_accept((uv_stream_t *)&l->pipe, &d->stream);
  uv_close(&d->handle, on_dropped_closed);
  if (status != 0)
    link_end_uv(l, status, "a handle that nobody took could not be closed");
}

static void link_take_handles(ipc_link *l)
{
  for (int pending = uv_pipe_pending_count(&l->pipe); pending > 0 && !l->closing;) {
    if (l->events->on_handle == NULL) {
      link_end(l, CD_E_INVALID, "link: the peer sent a handle, and none is taken here");
      return;
    }
    uv_handle_type type = uv_pipe_pending_type(&l->pipe);
    l->events->on_handle(l, type);
    if (l->closing)
      return;
    if (uv_pipe_pending_count(&l->pipe) >= pending)
      link_drop_handle(l, type);
    pending = l->closing ? 0 : uv_pipe_pending_count(&l->pipe);
  }
}

static void link_on_bytes(ipc_link *l, const char *bytes, size_t len)
{
  link_take_handles(l);
  if (l->closing)
    return;
  cd_err err = {0};
  cd_code rc = ipc_decoder_feed(&l->decoder, bytes, len, &err);
  if (rc != CD_OK)
    link_end(l, rc, err.text);
  else
    link_pump(l);
}

static void link_on_end(ipc_link *l, ssize_t status)
{
  /* Frames that a pause held back come before the end; if the owner pauses again, so does the end:
   * a stopped pipe tells it anew. */
  link_pump(l);
  if (!link_is_reading(l))
    return;
  size_t pending = ipc_decoder_pending(&l->decoder);
  if (l->write_failed) {
    link_end(l, l->why, l->sentence);
  } else if (status != UV_EOF) {
    link_end_uv(l, (int)status, "reading failed");
  } else if (pending > 0) {
    cd_err err = {0};
    cd_code code =
        cd_fail(&err, CD_E_IO,
                "link: the peer ended in the middle of a frame, after %zu of its bytes", pending);
    link_end(l, code, err.text);
  } else {
    link_end(l, CD_OK, "");
  }
}

static void link_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
  ipc_link *l = stream->data;
  if (!l->closing && count > 0)
    link_on_bytes(l, buf->base, (size_t)count);
  else if (!l->closing && count < 0)
    link_on_end(l, count);
  free(buf->base);
}

cd_code ipc_link_start(ipc_link *link, cd_err *err)
{
  if (link->closing || link->finishing)
    return cd_fail(err, CD_E_UNAVAILABLE, "link: it is closed");
  if (!link->paused)
    return CD_OK;
  int status = uv_read_start((uv_stream_t *)&link->pipe, link_on_alloc, link_on_read);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "link: it cannot be read: %s", uv_strerror(status));
  link->paused = false;
  if (ipc_decoder_pending(&link->decoder) > 0 && !link->in_frames) {
    link->resuming = true;
    (void)uv_timer_start(&link->drain, link_on_timer, 0, 0);
  }
  return CD_OK;
}

void ipc_link_pause(ipc_link *link)
{
  if (!link_is_reading(link))
    return;
  link->paused = true;
  (void)uv_read_stop((uv_stream_t *)&link->pipe);
}

/* The peer takes nothing more, but what it sent before may still wait to be read: the end comes
 * from the reading side. */
static void link_fail_writing(ipc_link *l, int status)
{
  cd_err err = {0};
  l->why = cd_fail_os(&err, CD_E_IO, -(int64_t)status, "link: the peer takes nothing more: %s",
                      uv_strerror(status));
  (void)snprintf(l->sentence, sizeof(l->sentence), "%s", err.text);
  if (l->finishing) {
    link_end(l, l->why, l->sentence);
    return;
  }
  l->write_failed = true;
  if (!l->resuming)
    link_start_drain(l);
}

static void link_on_written(uv_write_t *req, int status)
{
  link_write *w = req->data;
  ipc_link *l = w->link;
  l->queued -= w->len;
  free(w);
  if (l->closing || l->write_failed)
    return;
  if (status != 0)
    link_fail_writing(l, status);
  else if (l->finishing && l->queued == 0)
    link_end(l, CD_OK, "");
}

static cd_code check_sendable(ipc_link *l, uint8_t type, size_t len, cd_err *err)
{
  if (l->closing || l->finishing)
    return cd_fail(err, CD_E_UNAVAILABLE, "link: it is closed, a frame of type %u was not sent",
                   type);
  if (l->write_failed)
    return cd_fail(err, l->why, "%s", l->sentence);
  if (len > CD_FRAME_PAYLOAD_MAX)
    return cd_fail(err, CD_E_LIMIT, "frame of type %u: its payload is %zu bytes, the limit is %u",
                   type, len, CD_FRAME_PAYLOAD_MAX);
  if (l->queued + IPC_FRAME_HEADER + len <= CD_LINK_QUEUE_MAX)
    return CD_OK;
  cd_err why = {0};
  cd_code code = cd_fail(&why, CD_E_LIMIT,
                         "link: the peer does not read, %zu bytes wait for it and the limit is %u",
                         l->queued, CD_LINK_QUEUE_MAX);
  link_end(l, code, why.text);
  return cd_fail(err, code, "%s", why.text);
}

static cd_code link_write_frame(ipc_link *l, uint8_t type, uint64_t op, cd_str payload,
                                uv_stream_t *handle, cd_err *err)
{
  cd_code rc = check_sendable(l, type, payload.len, err);
  if (rc != CD_OK)
    return rc;
  size_t len = IPC_FRAME_HEADER + payload.len;
  link_write *w = malloc(sizeof(*w) + len);
  if (w == NULL)
    return cd_fail(err, CD_E_INTERNAL, "link: no memory for a frame of %zu bytes", len);
  w->req.data = w;
  w->link = l;
  w->len = len;
  ipc_frame_header(w->bytes, type, op, (uint32_t)payload.len);
  if (payload.len > 0)
    memcpy(w->bytes + IPC_FRAME_HEADER, payload.ptr, payload.len);
  uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)len);
  int status = handle == NULL
                   ? uv_write(&w->req, (uv_stream_t *)&l->pipe, &buf, 1, link_on_written)
                   : uv_write2(&w->req, (uv_stream_t *)&l->pipe, &buf, 1, handle, link_on_written);
  if (status != 0) {
    free(w);
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "link: a frame of type %u could not be sent: %s", type, uv_strerror(status));
  }
  l->queued += len;
  return CD_OK;
}

cd_code ipc_link_send(ipc_link *link, uint8_t type, uint64_t op, cd_str payload, cd_err *err)
{
  return link_write_frame(link, type, op, payload, NULL, err);
}

cd_code ipc_link_send_handle(ipc_link *link, uint8_t type, uint64_t op, cd_str payload,
                             uv_stream_t *handle, cd_err *err)
{
  return link_write_frame(link, type, op, payload, handle, err);
}

cd_code ipc_link_accept(ipc_link *link, uv_stream_t *into, cd_err *err)
{
  if (link->closing)
    return cd_fail(err, CD_E_UNAVAILABLE, "link: it is closed");
  if (uv_pipe_pending_count(&link->pipe) == 0)
    return cd_fail(err, CD_E_NOTFOUND, "link: no handle is waiting");
  int status = uv_accept((uv_stream_t *)&link->pipe, into);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "link: the handle could not be taken: %s", uv_strerror(status));
  return CD_OK;
}

void ipc_link_close(ipc_link *link)
{
  link_end(link, CD_OK, "");
}

void ipc_link_finish(ipc_link *link)
{
  if (link->closing || link->finishing)
    return;
  link->finishing = true;
  link->resuming = false;
  (void)uv_read_stop((uv_stream_t *)&link->pipe);
  if (link->write_failed)
    link_end(link, link->why, link->sentence);
  else if (link->queued == 0)
    link_end(link, CD_OK, "");
  else
    link_start_drain(link);
}

bool ipc_link_is_closing(const ipc_link *link)
{
  return link->closing;
}
