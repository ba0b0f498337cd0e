/* The TLS engine between a libuv stream and its owner. mbedTLS reads from what the last read of the
 * stream brought and writes into a buffer that goes out in one write at a time. The owner's
 * callbacks may pause, shut down or close at any point, so every loop looks again after each. */
#include "net/tls.h"

#include "protocol/secret.h"
#include "tls_private.h"

#include <mbedtls/error.h>

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Alerts and handshake messages fit even when data has filled the queue. */
#define OUT_SLACK (64u * 1024u)
/* What a record adds to at most 16 KiB of data: header, nonce or type, tag. */
#define RECORD_DATA (16u * 1024u)
#define RECORD_OVERHEAD 64u

typedef struct tls_write {
  uv_write_t req;
  net_tls *tls;
  char *bytes;
  size_t len;
} tls_write;

static bool is_over(const net_tls *t)
{
  return t->ended || uv_is_closing((const uv_handle_t *)t->stream);
}

static void stop_reading(net_tls *t)
{
  if (!uv_is_closing((uv_handle_t *)t->stream))
    (void)uv_read_stop(t->stream);
}

static void end(net_tls *t, cd_code code, const char *sentence)
{
  if (is_over(t))
    return;
  t->ended = true;
  stop_reading(t);
  t->events->on_end(t->owner, code, sentence);
}

static void end_stream(net_tls *t, int status)
{
  cd_err err = {0};
  cd_code code = net_tls_why_stream(t, status, &err);
  end(t, code, err.text);
}

/* ---- writing ---- */

static void on_written(uv_write_t *req, int status);

static void flush(net_tls *t)
{
  if (t->writing > 0 || t->out.len == 0 || t->write_failed ||
      uv_is_closing((uv_handle_t *)t->stream))
    return;
  tls_write *w = calloc(1, sizeof(*w));
  if (w == NULL) {
    end(t, CD_E_INTERNAL, "no memory to write to a TLS connection");
    return;
  }
  w->req.data = w;
  w->tls = t;
  w->bytes = cd_buf_steal(&t->out, &w->len);
  t->writing = w->len;
  uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)w->len);
  int status = uv_write(&w->req, t->stream, &buf, 1, on_written);
  if (status != 0) {
    t->writing = 0;
    free(w->bytes);
    free(w);
    end_stream(t, status);
  }
}

/* What the peer said before it went may still wait to be read, and is often why it went: the end
 * comes from the reading side, unless nobody reads any more. */
static void fail_writing(net_tls *t, int status)
{
  t->write_failed = true;
  if (t->shut)
    end_stream(t, status);
}

static void on_written(uv_write_t *req, int status)
{
  tls_write *w = req->data;
  net_tls *t = w->tls;
  free(w->bytes);
  free(w);
  t->writing = 0;
  if (is_over(t))
    return;
  if (status != 0) {
    fail_writing(t, status);
    return;
  }
  flush(t);
  if (!is_over(t) && t->open && t->writing == 0)
    t->events->on_drained(t->owner);
}

static int on_send(void *context, const unsigned char *bytes, size_t len)
{
  net_tls *t = context;
  cd_buf_add(&t->out, bytes, len);
  return t->out.failed == CD_OK ? (int)len : MBEDTLS_ERR_SSL_ALLOC_FAILED;
}

size_t net_tls_queued(const net_tls *t)
{
  return t->writing + t->out.len;
}

static cd_code check_writable(const net_tls *t, size_t len, cd_err *err)
{
  if (!t->open || t->shut || is_over(t))
    return cd_fail(err, CD_E_UNAVAILABLE, "the TLS connection to '%s' is not open", t->host);
  if (t->write_failed)
    return cd_fail(err, CD_E_UNAVAILABLE, "'%s' takes nothing more", t->host);
  size_t cost = len + (len / RECORD_DATA + 1) * RECORD_OVERHEAD;
  size_t queued = net_tls_queued(t);
  if (cost > NET_QUEUE_MAX || queued > NET_QUEUE_MAX - cost)
    return cd_fail(err, CD_E_LIMIT,
                   "'%s' does not read: %zu bytes wait for it, and %zu more do not fit below %u",
                   t->host, queued, len, NET_QUEUE_MAX);
  return CD_OK;
}

cd_code net_tls_write(net_tls *t, cd_str bytes, cd_err *err)
{
  cd_code code = check_writable(t, bytes.len, err);
  while (code == CD_OK && bytes.len > 0) {
    int n = mbedtls_ssl_write(&t->ssl, (const unsigned char *)bytes.ptr, bytes.len);
    if (n <= 0) {
      code = net_tls_why(t, n, err);
    } else {
      bytes.ptr += n;
      bytes.len -= (size_t)n;
    }
  }
  flush(t);
  return code;
}

void net_tls_shutdown(net_tls *t)
{
  if (t->shut || is_over(t))
    return;
  t->shut = true;
  stop_reading(t);
  if (t->write_failed) {
    end(t, CD_E_IO, "the peer takes nothing more");
    return;
  }
  int rc = mbedtls_ssl_close_notify(&t->ssl);
  if (rc != 0) {
    cd_err err = {0};
    cd_code code = net_tls_why(t, rc, &err);
    end(t, code, err.text);
    return;
  }
  flush(t);
}

/* ---- reading ---- */

static int on_receive(void *context, unsigned char *out, size_t len)
{
  net_tls *t = context;
  size_t n = t->in_len - t->in_at;
  if (n == 0)
    return MBEDTLS_ERR_SSL_WANT_READ;
  n = n < len ? n : len;
  memcpy(out, t->in + t->in_at, n);
  t->in_at += n;
  return (int)n;
}

/* One step of mbedTLS: false when it needs more, or all is over. */
static bool step(net_tls *t)
{
  int rc = t->open ? mbedtls_ssl_read(&t->ssl, (unsigned char *)t->plain, sizeof(t->plain))
                   : mbedtls_ssl_handshake(&t->ssl);
  if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE)
    return false;
  /* A TLS 1.3 server sends tickets unasked; nothing is resumed here. */
  if (rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
    return true;
  if (rc == 0 && !t->open) {
    t->open = true;
    t->events->on_open(t->owner);
    return true;
  }
  if (rc > 0 && t->open) {
    t->got_data = true;
    t->events->on_data(t->owner, (cd_str){t->plain, (size_t)rc});
    return true;
  }
  if (t->open && (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || rc == 0)) {
    end(t, CD_OK, "");
    return false;
  }
  cd_err err = {0};
  cd_code code = net_tls_why(t, rc, &err);
  flush(t); /* the alert that says so to the peer */
  end(t, code, err.text);
  return false;
}

static void pump(net_tls *t)
{
  t->pumping = true;
  while (!is_over(t) && !t->paused && !t->shut && step(t))
    continue;
  t->pumping = false;
  if (!is_over(t))
    flush(t);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
  net_tls *t = h->data;
  *ret_buf = uv_buf_init(t->in, sizeof(t->in));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
  net_tls *t = stream->data;
  if (count > 0) {
    t->in_at = 0;
    t->in_len = (size_t)count;
    pump(t);
  } else if (count < 0) {
    end_stream(t, (int)count);
  }
}

static cd_code start_reading(net_tls *t, cd_err *err)
{
  int status = uv_read_start(t->stream, on_alloc, on_read);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "the connection to '%s' cannot be read: %s", t->host, uv_strerror(status));
  return CD_OK;
}

void net_tls_pause(net_tls *t)
{
  if (t->paused || is_over(t))
    return;
  t->paused = true;
  stop_reading(t);
}

/* The buffer of the stream is mbedTLS's until it has read all of it, so what is left there comes
 * before the stream is read again. */
void net_tls_resume(net_tls *t)
{
  cd_err err = {0};
  if (!t->paused || is_over(t) || t->shut)
    return;
  t->paused = false;
  if (t->pumping) {
    if (start_reading(t, &err) != CD_OK)
      end(t, err.code, err.text);
    return;
  }
  pump(t);
  if (!t->paused && !t->shut && !is_over(t) && start_reading(t, &err) != CD_OK)
    end(t, err.code, err.text);
}

/* ---- life ---- */

cd_code net_tls_new(net_tls_config *config, uv_stream_t *stream, cd_str host,
                    const net_tls_events *events, void *owner, net_tls **ret_tls, cd_err *err)
{
  net_tls *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a TLS connection");
  t->config = net_tls_config_hold(config);
  t->stream = stream;
  t->events = events;
  t->owner = owner;
  cd_buf_init(&t->out, NET_QUEUE_MAX + OUT_SLACK);
  mbedtls_ssl_init(&t->ssl);
  if (host.len == 0 || !cd_str_copy(t->host, sizeof(t->host), host)) {
    net_tls_free(t);
    return cd_fail(err, CD_E_INVALID, "a server's name has 1 to %u bytes", CD_HTTP_HOST_MAX);
  }
  int rc = mbedtls_ssl_setup(&t->ssl, &config->conf);
  if (rc == 0)
    rc = mbedtls_ssl_set_hostname(&t->ssl, t->host);
  if (rc != 0) {
    cd_code code = net_tls_why(t, rc, err);
    net_tls_free(t);
    return code;
  }
  mbedtls_ssl_set_verify(&t->ssl, net_tls_on_certificate, t);
  mbedtls_ssl_set_bio(&t->ssl, t, on_send, on_receive, NULL);
  *ret_tls = t;
  return CD_OK;
}

cd_code net_tls_start(net_tls *t, cd_err *err)
{
  t->stream->data = t;
  int rc = mbedtls_ssl_handshake(&t->ssl);
  if (rc != MBEDTLS_ERR_SSL_WANT_READ)
    return net_tls_why(t, rc, err);
  cd_code code = start_reading(t, err);
  if (code == CD_OK)
    flush(t);
  return code;
}

void net_tls_free(net_tls *t)
{
  if (t == NULL)
    return;
  mbedtls_ssl_free(&t->ssl);
  cd_buf_release(&t->out);
  net_tls_config_free(t->config);
  cd_wipe(t->plain, sizeof(t->plain));
  free(t);
}
