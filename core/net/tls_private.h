/* Private to core/net: the insides of the TLS end, shared by its files. */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include <mbedtls/ssl.h>

#include "base/buf.h"
#include "net/tls.h"
#include "protocol/limits.h"

struct net_tls_config {
  unsigned holds;
  mbedtls_ssl_config conf;
  mbedtls_x509_crt ca;
  mbedtls_x509_crt own;
  mbedtls_pk_context key;
  bool has_own;
};

net_tls_config *net_tls_config_hold(net_tls_config *config);

/* What was seen of the server's chain while it was verified: only for the sentence. */
typedef struct net_tls_seen {
  uint32_t flags;     /* MBEDTLS_X509_BADCERT_... of the whole chain */
  char names[160];    /* what the certificate is for */
  char issuer[128];   /* who vouches for it */
  char untimely[128]; /* the certificate that is not valid now */
  char until[32];     /* until when it was valid, or since when it will be */
} net_tls_seen;

#define NET_TLS_READ_SIZE (16u * 1024u)

struct net_tls {
  net_tls_config *config;
  uv_stream_t *stream;
  const net_tls_events *events;
  void *owner;
  char host[CD_HTTP_HOST_MAX + 1];
  mbedtls_ssl_context ssl;
  net_tls_seen seen;
  cd_buf out; /* encrypted, not handed to the stream yet */
  size_t writing;
  size_t in_at; /* of `in`, read by mbedTLS up to here */
  size_t in_len;
  bool open;
  bool got_data;
  bool paused;
  bool pumping;
  bool shut;
  bool ended;
  bool write_failed;
  char in[NET_TLS_READ_SIZE];
  char plain[NET_TLS_READ_SIZE];
};

/* mbedTLS's verification callback; `context` is the net_tls. Adds what mbedTLS leaves out. */
int net_tls_on_certificate(void *context, mbedtls_x509_crt *crt, int depth, uint32_t *flags);

/* The failure of a call of mbedTLS, as a code and its one sentence. */
cd_code net_tls_why(const net_tls *t, int rc, cd_err *err);
/* The stream has ended (UV_EOF) or failed, and nobody said close_notify. */
cd_code net_tls_why_stream(const net_tls *t, int status, cd_err *err);

#endif
