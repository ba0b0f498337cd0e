/* CONNECT over a borrowed stream: one write, one head of an answer. */
#include "net/tunnel.h"

#include "protocol/secret.h"

#include <stdlib.h>

#include "base/banned.h"

#define REQUEST_MAX 2048u
#define READ_SIZE 4096u

struct net_tunnel {
  uv_stream_t *stream;
  net_tunnel_done done;
  void *owner;
  cd_proxy_request request; /* without its secrets: for judging the answer */
  char host[CD_HTTP_HOST_MAX + 1];
  cd_buf text; /* with them, until it is written */
  uv_write_t write;
  bool writing;
  bool answered; /* while it was being written */
  size_t rest;   /* bytes that came behind that answer */
  bool finished;
  cd_http_head head;
  char in[READ_SIZE];
};

static void finish(net_tunnel *t, cd_code code, const char *sentence)
{
  if (t->finished)
    return;
  t->finished = true;
  (void)uv_read_stop(t->stream);
  t->done(t->owner, code, sentence, code != CD_OK ? cd_http_head_retry_after_s(&t->head) : 0);
}

/* `written`: a status of libuv's. May be the last that is done with it. */
static void judge(net_tunnel *t, size_t rest, int written)
{
  cd_err err = {0};
  cd_code code = cd_proxy_response_check(&t->head, &t->request, &err);
  /* A TLS server waits for the client: whatever comes by itself is not from it. */
  if (code == CD_OK && rest > 0)
    code = cd_fail(&err, CD_E_INVALID,
                   "the proxy sent %zu bytes behind its answer before anything was asked", rest);
  /* It stands, and was never asked for. */
  if (code == CD_OK && written != 0)
    code = cd_fail_os(&err, CD_E_IO, -(int64_t)written, "the proxy could not be asked: %s",
                      uv_strerror(written));
  finish(t, code, code == CD_OK ? "" : err.text);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
  net_tunnel *t = h->data;
  *ret_buf = uv_buf_init(t->in, sizeof(t->in));
}

static void on_end(net_tunnel *t, int status)
{
  cd_err err = {0};
  cd_code code =
      cd_fail_os(&err, CD_E_IO, -(int64_t)status,
                 "the proxy ended the connection before it had answered: %s", uv_strerror(status));
  finish(t, code, err.text);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
  net_tunnel *t = stream->data;
  cd_err err = {0};
  if (count < 0) {
    on_end(t, (int)count);
    return;
  }
  cd_str input = {buf->base, (size_t)count};
  cd_code code = cd_http_head_take(&t->head, "the proxy", &input, &err);
  if (code == CD_E_NOTFOUND)
    return;
  if (code != CD_OK) {
    finish(t, code, err.text);
    return;
  }
  if (!t->writing) {
    judge(t, input.len, 0);
    return;
  }
  /* Where the system tells of what was read and of what was written each by its own way (Windows),
   * a quick answer may be told of first. */
  (void)uv_read_stop(stream);
  t->answered = true;
  t->rest = input.len;
}

static void on_written(uv_write_t *req, int status)
{
  net_tunnel *t = req->data;
  t->writing = false;
  cd_buf_wipe(&t->text);
  /* A proxy that refuses at once may close before it has read everything; its answer is read. */
  if (status != 0 && status != UV_EPIPE && status != UV_ECONNRESET &&
      !uv_is_closing((uv_handle_t *)t->stream))
    on_end(t, status);
  else if (t->answered && !uv_is_closing((uv_handle_t *)t->stream))
    judge(t, t->rest, status);
}

static cd_code start(net_tunnel *t, cd_err *err)
{
  int status = uv_read_start(t->stream, on_alloc, on_read);
  if (status == 0) {
    uv_buf_t buf = uv_buf_init(t->text.ptr, (unsigned)t->text.len);
    t->write.data = t;
    status = uv_write(&t->write, t->stream, &buf, 1, on_written);
    t->writing = status == 0;
  }
  if (status != 0) {
    (void)uv_read_stop(t->stream);
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "the proxy could not be asked: %s", uv_strerror(status));
  }
  return CD_OK;
}

cd_code net_tunnel_start(uv_stream_t *stream, const cd_proxy_request *request, net_tunnel_done done,
                         void *owner, net_tunnel **ret_tunnel, cd_err *err)
{
  net_tunnel *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a tunnel through the proxy");
  cd_buf_init(&t->text, REQUEST_MAX);
  cd_http_head_init(&t->head);
  t->stream = stream;
  t->done = done;
  t->owner = owner;
  cd_code code = cd_proxy_request_write(request, &t->text, err);
  if (code == CD_OK && !cd_str_copy(t->host, sizeof(t->host), request->host))
    code = cd_fail(err, CD_E_INVALID, "the console's host is too long for a proxy");
  if (code == CD_OK) {
    t->request = (cd_proxy_request){.host = cd_str_from(t->host),
                                    .port = request->port,
                                    .has_credentials = request->has_credentials};
    stream->data = t;
    code = start(t, err);
  }
  if (code != CD_OK) {
    net_tunnel_free(t);
    return code;
  }
  *ret_tunnel = t;
  return CD_OK;
}

void net_tunnel_free(net_tunnel *t)
{
  if (t == NULL)
    return;
  cd_buf_wipe(&t->text);
  cd_http_head_release(&t->head);
  free(t);
}
