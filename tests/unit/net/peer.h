/* A server in a process of its own that does to one client what a test tells it: mbedTLS's server
 * over a blocking socket on loopback. For tests only. */
#ifndef NET_TEST_PEER_H
#define NET_TEST_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <mbedtls/ssl.h>

#include "certs.h"

typedef struct peer {
  int fd; /* the client's connection */
  mbedtls_ssl_context ssl;
  char text[8192]; /* what was read */
  size_t text_len;
} peer;

typedef struct peer_rules {
  cert_name certificate;
  mbedtls_ssl_protocol_version version; /* 0: 1.3 or 1.2 */
  bool asks_client;                     /* a certificate of CERT_CA must be shown */
} peer_rules;

typedef struct peer_process {
  pid_t pid;
  uint16_t port;
} peer_process;

/* Serves one connection and ends with 0 when `act` returns. */
peer_process peer_start(peer_rules rules, void (*act)(peer *p));
/* It has done all that it should; killed if it is still at it after 10 s, which fails the test. */
void peer_finish(const peer_process *process);
/* For one that waits for ever by its nature. */
void peer_kill(const peer_process *process);

/* In the act. A failure ends the process with 1. */
void peer_tls(peer *p);
bool peer_tls_try(peer *p);
void peer_send(peer *p, const void *bytes, size_t len);
void peer_say(peer *p, const char *text);
/* Reads decrypted bytes until `text` ends with this. */
void peer_read_to(peer *p, const char *end);
/* Reads at least so many decrypted bytes into `text`. */
void peer_read(peer *p, size_t len);
void peer_raw_say(peer *p, const char *text);
void peer_raw_read(peer *p, size_t len);
void peer_raw_read_to(peer *p, const char *end);
/* Until the client ends the connection. */
void peer_raw_wait_end(peer *p);
void peer_close_notify(peer *p);
/* The connection ends with a reset. */
void peer_reset(peer *p);
void peer_hang(void);

#endif
