/* Our end in the tests: one connection, WebSocket or request run to its end on a loop of its own,
 * and what it told. For tests only. */
#ifndef NET_TEST_CLIENT_H
#define NET_TEST_CLIENT_H

#include <netinet/in.h>

#include "base/buf.h"
#include "certs.h"
#include "net/https.h"
#include "net/ws.h"
#include "peer.h"

/* A config that pins CERT_CA and shows `own` (CERT_COUNT: nothing). */
net_tls_config *client_config(cert_name own);
/* 127.0.0.1:port under that name. */
typedef struct client_target {
  struct sockaddr_in address;
  net_endpoint endpoint;
} client_target;
void client_target_set(client_target *t, uint16_t port, const char *host);

/* What came of a plain TLS connection: text is sent when it opens; what comes is kept. */
typedef struct client_told {
  bool opened;
  bool closed;
  cd_code code;
  char sentence[CD_ERR_TEXT_MAX];
  char text[4096];
  size_t text_len;
} client_told;

/* Connects, says `say`, reads until `until` (then ends it) or the end; runs until closed. */
client_told client_run(const client_target *to, net_tls_config *config, uint32_t open_ms,
                       const char *say, const char *until);

#endif
