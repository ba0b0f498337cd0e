#include "console_tls.h"

#include "certs.h"

#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <psa/crypto.h>
#include <uv.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct ctls {
  mbedtls_ssl_config conf;
  mbedtls_x509_crt own;
  mbedtls_x509_crt ca;
  mbedtls_pk_context key;
  mbedtls_pk_context ca_key;
};

struct ctls_conn {
  int fd;
  mbedtls_ssl_context ssl;
};

static void must(int rc, const char *what)
{
  if (rc == 0)
    return;
  (void)fprintf(stderr, "console: %s failed: -0x%04x\n", what, (unsigned)-rc);
  abort();
}

static int random_bytes(void *context, unsigned char *bytes, size_t len)
{
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

static int parse_crt(mbedtls_x509_crt *into, cd_str pem)
{
  return mbedtls_x509_crt_parse(into, (const unsigned char *)pem.ptr, pem.len + 1);
}

static int parse_key(mbedtls_pk_context *into, cd_str pem)
{
  return mbedtls_pk_parse_key(into, (const unsigned char *)pem.ptr, pem.len + 1, NULL, 0,
                              random_bytes, NULL);
}

ctls *ctls_new(void)
{
  ctls *t = calloc(1, sizeof(*t));
  if (t == NULL)
    abort();
  must(psa_crypto_init() == PSA_SUCCESS ? 0 : -1, "PSA");
  mbedtls_ssl_config_init(&t->conf);
  mbedtls_x509_crt_init(&t->own);
  mbedtls_x509_crt_init(&t->ca);
  mbedtls_pk_init(&t->key);
  mbedtls_pk_init(&t->ca_key);
  must(parse_crt(&t->own, cert_pem(CERT_SERVER)), "its certificate");
  must(parse_crt(&t->ca, cert_pem(CERT_CA)), "its CA");
  must(parse_key(&t->key, cert_key(CERT_SERVER)), "its key");
  must(parse_key(&t->ca_key, cert_key(CERT_CA)), "its CA's key");
  must(mbedtls_ssl_config_defaults(&t->conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                   MBEDTLS_SSL_PRESET_DEFAULT),
       "TLS");
  mbedtls_ssl_conf_rng(&t->conf, random_bytes, NULL);
  mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
  mbedtls_ssl_conf_ca_chain(&t->conf, &t->ca, NULL);
  must(mbedtls_ssl_conf_own_cert(&t->conf, &t->own, &t->key), "its own certificate");
  return t;
}

void ctls_free(ctls *t)
{
  mbedtls_ssl_config_free(&t->conf);
  mbedtls_x509_crt_free(&t->own);
  mbedtls_x509_crt_free(&t->ca);
  mbedtls_pk_free(&t->key);
  mbedtls_pk_free(&t->ca_key);
  free(t);
}

cd_str ctls_ca(const ctls *t)
{
  return cert_pem(CERT_CA);
}

cd_str ctls_ca_key(const ctls *t)
{
  return cert_key(CERT_CA);
}

static void write_time(time_t at, char out[16])
{
  struct tm tm;
  (void)gmtime_r(&at, &tm);
  (void)strftime(out, 16, "%Y%m%d%H%M%S", &tm);
}

void ctls_issue(ctls *t, cd_str csr_pem, const char *name, unsigned left_s, bool other_key,
                char *out, size_t out_size)
{
  static const char client[] = MBEDTLS_OID_CLIENT_AUTH;
  mbedtls_x509_csr csr;
  mbedtls_x509write_cert crt;
  unsigned char serial[8];
  char subject[128];
  char from[16];
  char until[16];
  mbedtls_asn1_sequence use = {.buf = {.tag = MBEDTLS_ASN1_OID,
                                       .p = (unsigned char *)(uintptr_t)client,
                                       .len = sizeof(client) - 1}};
  mbedtls_x509_csr_init(&csr);
  must(mbedtls_x509_csr_parse(&csr, (const unsigned char *)csr_pem.ptr, csr_pem.len + 1), "a CSR");
  mbedtls_x509write_crt_init(&crt);
  (void)random_bytes(NULL, serial, sizeof(serial));
  serial[0] = (unsigned char)((serial[0] & 0x7f) | 1);
  (void)snprintf(subject, sizeof(subject), "CN=%s", name);
  write_time(time(NULL) + (time_t)left_s - 3600 - 5, from);
  write_time(time(NULL) + (time_t)left_s, until);
  must(mbedtls_x509write_crt_set_serial_raw(&crt, serial, sizeof(serial)), "the serial");
  mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&crt, other_key ? &t->key : &csr.pk);
  mbedtls_x509write_crt_set_issuer_key(&crt, &t->ca_key);
  must(mbedtls_x509write_crt_set_subject_name(&crt, subject), "the subject");
  must(mbedtls_x509write_crt_set_issuer_name(&crt, "CN=Test CA"), "the issuer");
  must(mbedtls_x509write_crt_set_validity(&crt, from, until), "the validity");
  must(mbedtls_x509write_crt_set_ext_key_usage(&crt, &use), "extended key usage");
  must(mbedtls_x509write_crt_pem(&crt, (unsigned char *)out, out_size, random_bytes, NULL),
       "a certificate");
  mbedtls_x509write_crt_free(&crt);
  mbedtls_x509_csr_free(&csr);
}

int ctls_listen(bool v6, uint16_t *ret_port)
{
  struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  struct sockaddr *any = v6 ? (struct sockaddr *)&any6 : (struct sockaddr *)&any4;
  socklen_t len = v6 ? sizeof(any6) : sizeof(any4);
  int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, any, len) != 0) {
    must(v6 ? 0 : -1, "bind");
    return -1;
  }
  must(listen(fd, 16), "listen");
  must(getsockname(fd, any, &len), "its port");
  *ret_port = ntohs(v6 ? any6.sin6_port : any4.sin_port);
  return fd;
}

int ctls_accept_socket(int listener)
{
  struct timeval limit = {.tv_sec = 20};
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0)
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  return fd;
}

static int on_send(void *context, const unsigned char *bytes, size_t len)
{
  const ctls_conn *c = context;
  ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
  return n < 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : (int)n;
}

static int on_receive(void *context, unsigned char *bytes, size_t len)
{
  const ctls_conn *c = context;
  ssize_t n = recv(c->fd, bytes, len, 0);
  return n < 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : (int)n;
}

ctls_conn *ctls_accept(ctls *t, int fd)
{
  ctls_conn *c = calloc(1, sizeof(*c));
  if (c == NULL)
    abort();
  c->fd = fd;
  mbedtls_ssl_init(&c->ssl);
  must(mbedtls_ssl_setup(&c->ssl, &t->conf), "TLS");
  mbedtls_ssl_set_bio(&c->ssl, c, on_send, on_receive, NULL);
  if (mbedtls_ssl_handshake(&c->ssl) == 0)
    return c;
  ctls_close(c);
  return NULL;
}

bool ctls_client_is_good(ctls_conn *c)
{
  return mbedtls_ssl_get_peer_cert(&c->ssl) != NULL && mbedtls_ssl_get_verify_result(&c->ssl) == 0;
}

bool ctls_wait(ctls_conn *c, int ms)
{
  struct pollfd p = {.fd = c->fd, .events = POLLIN};
  return mbedtls_ssl_check_pending(&c->ssl) != 0 || poll(&p, 1, ms) > 0;
}

int ctls_read(ctls_conn *c, char *out, size_t size)
{
  int n;
  do
    n = mbedtls_ssl_read(&c->ssl, (unsigned char *)out, size);
  while (n == MBEDTLS_ERR_SSL_WANT_READ || n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
  return n;
}

bool ctls_read_head(ctls_conn *c, char *out, size_t size)
{
  size_t len = 0;
  out[0] = '\0';
  while (len + 1 < size && strstr(out, "\r\n\r\n") == NULL) {
    if (ctls_read(c, out + len, 1) != 1)
      return false;
    out[++len] = '\0';
  }
  return true;
}

void ctls_write(ctls_conn *c, const char *bytes, size_t len)
{
  while (len > 0) {
    int n = mbedtls_ssl_write(&c->ssl, (const unsigned char *)bytes, len);
    if (n <= 0)
      return;
    bytes += n;
    len -= (size_t)n;
  }
}

void ctls_close(ctls_conn *c)
{
  (void)close(c->fd);
  mbedtls_ssl_free(&c->ssl);
  free(c);
}
