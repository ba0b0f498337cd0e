#include "conn.h"

#include "protocol/ws_handshake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 20

void check(bool holds, const char *fmt, ...)
{
  if (holds)
    return;
  va_list args;
  va_start(args, fmt);
  (void)fprintf(stderr, "ws_peer: ");
  (void)vfprintf(stderr, fmt, args);
  (void)fputc('\n', stderr);
  va_end(args);
  exit(1);
}

static int new_socket(void)
{
  const struct timeval wait = {.tv_sec = WAIT_S};
  const int one = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(fd >= 0, "no socket");
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  (void)signal(SIGPIPE, SIG_IGN);
  return fd;
}

int conn_listen(uint16_t *ret_port)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof(a);
  int fd = new_socket();
  check(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 8) == 0 &&
            getsockname(fd, (struct sockaddr *)&a, &len) == 0,
        "cannot listen");
  *ret_port = ntohs(a.sin_port);
  return fd;
}

void conn_send_raw(conn *c, const void *bytes, size_t len)
{
  const char *at = bytes;
  while (len > 0) {
    ssize_t n = send(c->fd, at, len, 0);
    check(n > 0, "the peer takes no more bytes");
    at += n;
    len -= (size_t)n;
  }
}

/* False at the end of the stream. */
static bool more_input(conn *c)
{
  ssize_t n = recv(c->fd, c->input, sizeof(c->input), 0);
  check(n >= 0 || c->decoder.ended, "waited %d s for the peer, or it was reset", WAIT_S);
  c->rest = (cd_str){c->input, n > 0 ? (size_t)n : 0};
  return n > 0;
}

static void start(conn *c, int fd, cd_ws_role role)
{
  *c = (conn){.fd = fd, .role = role, .rest = {"", 0}};
  cd_ws_decoder_init(&c->decoder, role, PEER_MESSAGE_MAX);
}

void conn_connect(uint16_t port, conn *c)
{
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  char key[CD_WS_KEY_MAX];
  cd_http_head head;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  start(c, new_socket(), CD_WS_CLIENT);
  check(connect(c->fd, (struct sockaddr *)&a, sizeof(a)) == 0, "cannot connect to port %u", port);
  cd_ws_key((const uint8_t *)"the sample nonce", key);
  const cd_ws_request r = {.host = CD_STR("127.0.0.1"),
                           .port = port,
                           .path = CD_STR("/"),
                           .key = cd_str_from(key),
                           .protocol = CD_STR(PEER_PROTOCOL)};
  check(cd_ws_request_write(&r, &out, &err) == CD_OK, "%s", err.text);
  conn_send_raw(c, out.ptr, out.len);
  cd_buf_release(&out);
  cd_http_head_init(&head);
  cd_code rc = CD_E_NOTFOUND;
  while (rc == CD_E_NOTFOUND) {
    check(more_input(c), "the peer closed during the handshake");
    rc = cd_http_head_take(&head, "the peer", &c->rest, &err);
  }
  check(rc == CD_OK && cd_ws_response_check(&head, &r, &err) == CD_OK, "%s", err.text);
  cd_http_head_release(&head);
}

/* The value of a field of the request, which ends with an empty line. */
static cd_str request_field(char *request, const char *name)
{
  for (char *line = request; line != NULL; line = strstr(line, "\r\n")) {
    line += strncmp(line, "\r\n", 2) == 0 ? 2 : 0;
    size_t len = strlen(name);
    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
      continue;
    char *value = line + len + 1 + strspn(line + len + 1, " ");
    return (cd_str){value, strcspn(value, "\r\n")};
  }
  return (cd_str){"", 0};
}

void conn_accept(int listener, conn *c)
{
  char request[4096] = "";
  size_t len = 0;
  char accept_text[CD_WS_ACCEPT_MAX];
  cd_err err = {0};
  int fd = accept(listener, NULL, NULL);
  check(fd >= 0, "waited %d s for a client", WAIT_S);
  const struct timeval wait = {.tv_sec = WAIT_S};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  start(c, fd, CD_WS_SERVER);
  while (strstr(request, "\r\n\r\n") == NULL) {
    check(len + 1 < sizeof(request), "the peer's request is too long");
    ssize_t n = recv(fd, request + len, 1, 0); /* so that nothing behind it is taken */
    check(n == 1, "the peer closed during the handshake");
    request[++len] = '\0';
  }
  cd_str offered = request_field(request, "Sec-WebSocket-Protocol");
  check(cd_str_eq_cstr(offered, PEER_PROTOCOL), "the peer offers another protocol");
  check(cd_ws_accept(request_field(request, "Sec-WebSocket-Key"), accept_text, &err) == CD_OK, "%s",
        err.text);
  cd_buf out = CD_BUF_INIT(4096);
  cd_buf_addf(&out,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: " PEER_PROTOCOL "\r\n\r\n",
              accept_text);
  conn_send_raw(c, out.ptr, out.len);
  cd_buf_release(&out);
}

void conn_close(conn *c)
{
  cd_ws_decoder_release(&c->decoder);
  (void)close(c->fd);
}

static const uint8_t *next_mask(conn *c, uint8_t mask[CD_WS_MASK_SIZE])
{
  c->mask = c->mask * 1664525u + 1013904223u;
  memcpy(mask, &c->mask, CD_WS_MASK_SIZE);
  return c->role == CD_WS_CLIENT ? mask : NULL;
}

void conn_send(conn *c, cd_ws_opcode opcode, bool fin, cd_str payload)
{
  uint8_t mask[CD_WS_MASK_SIZE];
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(SIZE_MAX);
  check(cd_ws_frame_add(&out, opcode, fin, payload, next_mask(c, mask), &err) == CD_OK, "%s",
        err.text);
  conn_send_raw(c, out.ptr, out.len);
  cd_buf_release(&out);
}

void conn_send_close(conn *c, uint16_t code, const char *reason)
{
  uint8_t mask[CD_WS_MASK_SIZE];
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(SIZE_MAX);
  check(cd_ws_close_add(&out, code, cd_str_from(reason), next_mask(c, mask), &err) == CD_OK, "%s",
        err.text);
  /* The peer may be gone already. */
  (void)send(c->fd, out.ptr, out.len, MSG_NOSIGNAL);
  cd_buf_release(&out);
}

conn_got conn_next(conn *c, cd_ws_event *ret_event)
{
  cd_err err = {0};
  for (;;) {
    cd_code rc = cd_ws_decoder_next(&c->decoder, &c->rest, ret_event, &err);
    if (rc == CD_OK)
      return CONN_EVENT;
    if (rc != CD_E_NOTFOUND) {
      (void)printf("refused: %s\n", err.text);
      return CONN_BROKEN;
    }
    if (!more_input(c)) {
      check(c->decoder.ended || !cd_ws_decoder_pending(&c->decoder), "the peer's stream was cut");
      return CONN_ENDED;
    }
  }
}
