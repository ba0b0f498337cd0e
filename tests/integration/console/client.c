#include "client.h"

#include "protocol/http_head.h"
#include "protocol/ws_handshake.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 20

static bool use_ca(SSL_CTX *ctx, const char *ca)
{
  BIO *in = BIO_new_mem_buf(ca, -1);
  X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
  bool good =
      certificate != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), certificate) == 1;
  X509_free(certificate);
  BIO_free(in);
  return good;
}

static bool use_own(SSL_CTX *ctx, const char *certificate, const char *key)
{
  BIO *in = BIO_new_mem_buf(certificate, -1);
  X509 *own = PEM_read_bio_X509(in, NULL, NULL, NULL);
  BIO *key_in = BIO_new_mem_buf(key, -1);
  EVP_PKEY *own_key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
  bool good = own != NULL && own_key != NULL && SSL_CTX_use_certificate(ctx, own) == 1 &&
              SSL_CTX_use_PrivateKey(ctx, own_key) == 1;
  X509_free(own);
  EVP_PKEY_free(own_key);
  BIO_free(in);
  BIO_free(key_in);
  return good;
}

static uint32_t come_from;

void tls_come_from(uint32_t address)
{
  come_from = address;
}

static int open_socket(uint16_t port)
{
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(come_from)};
  const struct timeval wait = {.tv_sec = WAIT_S};
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (come_from != 0)
    (void)bind(fd, (struct sockaddr *)&from, sizeof(from));
  if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
    return fd;
  (void)close(fd);
  return -1;
}

bool tls_connect(tls_end *t, uint16_t port, const char *ca, const char *certificate,
                 const char *key)
{
  *t = (tls_end){.fd = open_socket(port), .ctx = SSL_CTX_new(TLS_client_method())};
  if (t->fd < 0 || t->ctx == NULL || !use_ca(t->ctx, ca) ||
      (certificate != NULL && !use_own(t->ctx, certificate, key))) {
    (void)snprintf(t->why, sizeof(t->why), "no connection to port %u", (unsigned)port);
    tls_close(t);
    return false;
  }
  SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
  /* A console that was made to live later has a certificate of later; who it is, is what counts. */
  (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(t->ctx),
                                    X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  t->ssl = SSL_new(t->ctx);
  (void)X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), "127.0.0.1");
  (void)SSL_set_fd(t->ssl, t->fd);
  if (SSL_connect(t->ssl) != 1) {
    ERR_error_string_n(ERR_get_error(), t->why, sizeof(t->why));
    ERR_clear_error();
    tls_close(t);
    return false;
  }
  return true;
}

void tls_close(tls_end *t)
{
  SSL_free(t->ssl);
  SSL_CTX_free(t->ctx);
  if (t->fd >= 0)
    (void)close(t->fd);
  t->ssl = NULL;
  t->ctx = NULL;
  t->fd = -1;
}

bool tls_write(tls_end *t, const void *bytes, size_t len)
{
  return SSL_write(t->ssl, bytes, (int)len) == (int)len;
}

int tls_read(tls_end *t, void *bytes, size_t len)
{
  int n = SSL_read(t->ssl, bytes, (int)len);
  if (n > 0)
    return n;
  int why = SSL_get_error(t->ssl, n);
  ERR_clear_error();
  return why == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* ---- HTTP ---- */

static size_t length_of(const cd_buf *head)
{
  const char *at = strstr(cd_buf_cstr(head), "content-length: ");
  uint64_t len = 0;
  if (at == NULL)
    return 0;
  at += strlen("content-length: ");
  (void)cd_str_to_u64((cd_str){at, strspn(at, "0123456789")}, SIZE_MAX, &len);
  return (size_t)len;
}

static void read_answer(tls_end *t, http_answer *a)
{
  char bytes[16384];
  bool in_body = false;
  for (;;) {
    if (in_body && a->body.len >= length_of(&a->head))
      return;
    int n = tls_read(t, bytes, sizeof(bytes));
    if (n <= 0)
      return;
    cd_buf *to = in_body ? &a->body : &a->head;
    cd_buf_add(to, bytes, (size_t)n);
    const char *end = in_body ? NULL : strstr(cd_buf_cstr(&a->head), "\r\n\r\n");
    if (end == NULL)
      continue;
    in_body = true;
    size_t head_len = (size_t)(end - a->head.ptr) + 4;
    cd_buf_add(&a->body, a->head.ptr + head_len, a->head.len - head_len);
    cd_buf head = CD_BUF_INIT(65536);
    cd_buf_add(&head, a->head.ptr, head_len);
    cd_buf_release(&a->head);
    a->head = head;
  }
}

void http_ask_raw(uint16_t port, const char *ca, const char *request, http_answer *ret_answer)
{
  tls_end t;
  *ret_answer =
      (http_answer){.head = CD_BUF_INIT(1024 * 1024), .body = CD_BUF_INIT(64 * 1024 * 1024)};
  if (!tls_connect(&t, port, ca, NULL, NULL))
    return;
  if (tls_write(&t, request, strlen(request)))
    read_answer(&t, ret_answer);
  uint64_t status = 0;
  if (ret_answer->head.len > 12 &&
      cd_str_to_u64((cd_str){ret_answer->head.ptr + 9, 3}, 999, &status))
    ret_answer->status = (unsigned)status;
  tls_close(&t);
}

void http_ask(uint16_t port, const char *ca, const char *method, const char *path,
              const char *bearer, const char *body, http_answer *ret_answer)
{
  cd_buf request = CD_BUF_INIT(4 * 1024 * 1024);
  cd_buf_addf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", method, path, (unsigned)port);
  if (bearer != NULL)
    cd_buf_addf(&request, "Authorization: Bearer %s\r\n", bearer);
  if (body != NULL)
    cd_buf_addf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                strlen(body));
  cd_buf_addf(&request, "Connection: close\r\n\r\n%s", body != NULL ? body : "");
  http_ask_raw(port, ca, cd_buf_cstr(&request), ret_answer);
  cd_buf_release(&request);
}

void http_release(http_answer *a)
{
  cd_buf_release(&a->head);
  cd_buf_release(&a->body);
}

/* ---- WebSocket ---- */

static unsigned upgrade(ws_end *w, uint16_t port, const char *path, const char *protocol)
{
  char key[CD_WS_KEY_MAX];
  cd_err err = {0};
  cd_http_head head;
  cd_buf out = CD_BUF_INIT(4096);
  cd_ws_key((const uint8_t *)"the sample nonce", key);
  const cd_ws_request r = {.host = CD_STR("127.0.0.1"),
                           .port = port,
                           .path = cd_str_from(path),
                           .key = cd_str_from(key),
                           .protocol = cd_str_from(protocol)};
  cd_code rc = cd_ws_request_write(&r, &out, &err);
  bool sent = rc == CD_OK && tls_write(&w->tls, out.ptr, out.len);
  cd_buf_release(&out);
  cd_http_head_init(&head);
  rc = sent ? CD_E_NOTFOUND : CD_E_IO;
  while (rc == CD_E_NOTFOUND) {
    int n = tls_read(&w->tls, w->input, sizeof(w->input));
    if (n <= 0)
      break;
    w->rest = (cd_str){w->input, (size_t)n};
    rc = cd_http_head_take(&head, "the console", &w->rest, &err);
  }
  unsigned status = rc == CD_OK ? head.status : 0;
  cd_http_head_release(&head);
  return status;
}

unsigned ws_connect(ws_end *w, uint16_t port, const char *ca, const char *certificate,
                    const char *key, const char *path, const char *protocol)
{
  *w = (ws_end){.rest = {w->input, 0}};
  cd_ws_decoder_init(&w->decoder, CD_WS_CLIENT, 1024 * 1024);
  if (!tls_connect(&w->tls, port, ca, certificate, key))
    return 0;
  return upgrade(w, port, path, protocol);
}

bool ws_send(ws_end *w, cd_ws_opcode opcode, cd_str text)
{
  static const uint8_t mask[CD_WS_MASK_SIZE] = {1, 2, 3, 4};
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4 * 1024 * 1024);
  bool good = w->tls.ssl != NULL &&
              cd_ws_frame_add(&out, opcode, true, text, mask, &err) == CD_OK &&
              tls_write(&w->tls, out.ptr, out.len);
  cd_buf_release(&out);
  return good;
}

bool ws_next(ws_end *w, cd_ws_event *ret_event)
{
  cd_err err = {0};
  for (;;) {
    cd_code rc = cd_ws_decoder_next(&w->decoder, &w->rest, ret_event, &err);
    if (rc == CD_OK && ret_event->type == CD_WS_PING) {
      (void)ws_send(w, CD_WS_PONG, ret_event->payload);
      if (w->shows_pings)
        return true;
      continue;
    }
    if (rc == CD_OK)
      return true;
    if (rc != CD_E_NOTFOUND || w->tls.ssl == NULL)
      return false;
    int n = tls_read(&w->tls, w->input, sizeof(w->input));
    if (n <= 0)
      return false;
    w->rest = (cd_str){w->input, (size_t)n};
  }
}

void ws_close(ws_end *w)
{
  cd_ws_decoder_release(&w->decoder);
  tls_close(&w->tls);
}
