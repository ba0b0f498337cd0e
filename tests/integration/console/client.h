/* The other end of the console's listeners, for tests: blocking TLS by OpenSSL, one request or one
 * WebSocket at a time. */
#ifndef CONSOLE_CLIENT_H
#define CONSOLE_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "protocol/ws.h"

typedef struct tls_end {
  int fd;
  SSL_CTX *ctx;
  SSL *ssl;
  char why[256]; /* it could not be made */
} tls_end;

/* `ca` verifies the server at 127.0.0.1; `certificate` and `key` (PEM) may be NULL. */
bool tls_connect(tls_end *t, uint16_t port, const char *ca, const char *certificate,
                 const char *key);
/* From now on connections come from this address of the loopback, such as 0x7f000105 for 127.0.1.5:
 * limits go by the address. 0: from 127.0.0.1. */
void tls_come_from(uint32_t address);
void tls_close(tls_end *t);
bool tls_write(tls_end *t, const void *bytes, size_t len);
/* 0 at the end, below 0 when nothing came for 20 seconds. */
int tls_read(tls_end *t, void *bytes, size_t len);

typedef struct http_answer {
  unsigned status; /* 0: there was none */
  cd_buf head;
  cd_buf body;
} http_answer;

/* One request on a connection of its own. `bearer` and `body` may be NULL. */
void http_ask(uint16_t port, const char *ca, const char *method, const char *path,
              const char *bearer, const char *body, http_answer *ret_answer);
/* The same, byte for byte. */
void http_ask_raw(uint16_t port, const char *ca, const char *request, http_answer *ret_answer);
void http_release(http_answer *a);

typedef struct ws_end {
  tls_end tls;
  cd_ws_decoder decoder;
  char input[16384];
  cd_str rest;
  bool shows_pings; /* ws_next() returns them as well */
} ws_end;

/* The status of the answer to the upgrade: 101 is good; 0: TLS failed or the connection ended. */
unsigned ws_connect(ws_end *w, uint16_t port, const char *ca, const char *certificate,
                    const char *key, const char *path, const char *protocol);
bool ws_send(ws_end *w, cd_ws_opcode opcode, cd_str text);
/* False: the connection ended. Answers pings. */
bool ws_next(ws_end *w, cd_ws_event *ret_event);
void ws_close(ws_end *w);

#endif
