/* One TCP connection of lab-serve: echo, HTTP with an endless download, or DNS over TCP.
 *
 * The connection owns its two handles and frees itself in the last close callback. It stops reading
 * while an answer waits to be written, so that a peer that does not read costs one piece of memory,
 * not many. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 4096
/* An endless download sends this much this often: 50 KiB/s, slow enough to be harmless for days. */
#define ENDLESS_BYTES 1024
#define ENDLESS_EVERY_MS 20
#define ENDLESS_QUEUE_MAX (64 * 1024)

typedef struct conn {
  serve *owner;
  serve_kind kind;
  uv_tcp_t tcp;
  uv_timer_t timer;
  uv_write_t write;
  uv_shutdown_t shutdown;
  unsigned open_handles;
  int close_after_write;
  size_t in_len;
  char in[PIECE];
  char out[PIECE];
} conn;

static void on_closed(uv_handle_t *handle)
{
  conn *c = handle->data;
  if (--c->open_handles > 0)
    return;
  c->owner->connections--;
  free(c);
}

static void conn_close(conn *c)
{
  if (!uv_is_closing((uv_handle_t *)&c->tcp))
    uv_close((uv_handle_t *)&c->tcp, on_closed);
  if (!uv_is_closing((uv_handle_t *)&c->timer))
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  conn *c = handle->data;
  *buf = uv_buf_init(c->in + c->in_len, (unsigned)(sizeof c->in - c->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf);

static void on_shut(uv_shutdown_t *request, int status)
{
  conn_close(request->handle->data);
}

static void on_written(uv_write_t *request, int status)
{
  conn *c = request->handle->data;
  if (status < 0 || uv_is_closing((uv_handle_t *)&c->tcp))
    conn_close(c);
  else if (c->close_after_write) {
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shut) < 0)
      conn_close(c);
  } else if (uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read) < 0)
    conn_close(c);
}

/* Sends what is in `out` and reads no more until it is gone. */
static void conn_send(conn *c, size_t len)
{
  uv_buf_t buf = uv_buf_init(c->out, (unsigned)len);
  uv_read_stop((uv_stream_t *)&c->tcp);
  if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) < 0)
    conn_close(c);
}

static void on_tick(uv_timer_t *timer)
{
  static char bytes[ENDLESS_BYTES];
  conn *c = timer->data;
  if (uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) > ENDLESS_QUEUE_MAX)
    return;
  uv_buf_t buf = uv_buf_init(bytes, sizeof bytes);
  int rc = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
  if (rc < 0 && rc != UV_EAGAIN)
    conn_close(c);
}

static void conn_http(conn *c)
{
  if (!memmem(c->in, c->in_len, "\r\n\r\n", 4)) {
    if (c->in_len == sizeof c->in)
      conn_close(c);
    return;
  }
  static const char endless[] = "GET /endless ";
  int is_endless = c->in_len > sizeof endless && memcmp(c->in, endless, sizeof endless - 1) == 0;
  c->in_len = 0;
  if (is_endless) {
    int len = snprintf(c->out, sizeof c->out,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n");
    conn_send(c, (size_t)len);
    uv_timer_start(&c->timer, on_tick, ENDLESS_EVERY_MS, ENDLESS_EVERY_MS);
    return;
  }
  char body[160];
  int body_len = snprintf(body, sizeof body, "This is %s of the Cordon lab.\n", c->owner->name);
  int len = snprintf(c->out, sizeof c->out,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
                     "%d\r\nConnection: close\r\n\r\n%s",
                     body_len, body);
  c->close_after_write = 1;
  conn_send(c, (size_t)len);
}

static void conn_dns(conn *c)
{
  const unsigned char *in = (const unsigned char *)c->in;
  unsigned char *out = (unsigned char *)c->out;
  size_t want = c->in_len >= 2 ? (size_t)in[0] << 8 | in[1] : PIECE;
  if (want > 512 && c->in_len >= 2) {
    conn_close(c);
    return;
  }
  if (c->in_len < want + 2)
    return;
  size_t len = serve_dns_answer(c->owner, in + 2, want, out + 2, sizeof c->out - 2);
  if (len == 0) {
    conn_close(c);
    return;
  }
  out[0] = (unsigned char)(len >> 8);
  out[1] = (unsigned char)len;
  c->in_len = 0;
  conn_send(c, len + 2);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
  conn *c = stream->data;
  if (got < 0) {
    conn_close(c);
    return;
  }
  c->in_len += (size_t)got;
  if (got == 0)
    return;
  if (c->kind == SERVE_HTTP) {
    conn_http(c);
  } else if (c->kind == SERVE_DNS) {
    conn_dns(c);
  } else {
    size_t len = c->in_len;
    memcpy(c->out, c->in, len);
    c->in_len = 0;
    conn_send(c, len);
  }
}

void serve_accept(uv_stream_t *server, int status)
{
  serve_listener *from = server->data;
  if (status < 0)
    return;
  conn *c = calloc(1, sizeof *c);
  if (!c)
    abort();
  c->owner = from->owner;
  c->kind = from->kind;
  c->tcp.data = c->timer.data = c;
  c->open_handles = 2;
  c->owner->connections++;
  if (uv_tcp_init(&c->owner->loop, &c->tcp) < 0 || uv_timer_init(&c->owner->loop, &c->timer) < 0)
    abort();
  if (uv_accept(server, (uv_stream_t *)&c->tcp) < 0 ||
      c->owner->connections > SERVE_CONNECTIONS_MAX ||
      uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read) < 0)
    conn_close(c);
}
