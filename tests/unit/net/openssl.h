/* `openssl s_server -rev` for one connection, which sends each line back reversed: a TLS server by
 * other people. For tests only. */
#ifndef NET_TEST_OPENSSL_H
#define NET_TEST_OPENSSL_H

#include "certs.h"
#include "peer.h"

typedef struct openssl_rules {
  cert_name certificate;
  const char *version; /* "-tls1_3" or "-tls1_2" */
  bool asks_client;    /* a certificate of CERT_CA must be shown */
  const char *more;    /* one more option, or NULL */
} openssl_rules;

peer_process openssl_start(openssl_rules rules);
/* Waits for its end; how it judges the connection is not asked. */
void openssl_finish(const peer_process *process);

#endif
