/* The other end, in a process of its own, because mbedTLS as it is built here keeps state that two
 * threads must not share. */
#include "peer.h"

#include <mbedtls/net_sockets.h>
#include <uv.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define LIFE_S 20

static void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "peer: %s\n", what);
  _exit(1);
}

static int random_bytes(void *context, unsigned char *bytes, size_t len)
{
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

static int on_send(void *context, const unsigned char *bytes, size_t len)
{
  ssize_t n = send(((peer *)context)->fd, bytes, len, MSG_NOSIGNAL);
  return n < 0 ? MBEDTLS_ERR_NET_SEND_FAILED : (int)n;
}

static int on_receive(void *context, unsigned char *bytes, size_t len)
{
  ssize_t n = recv(((peer *)context)->fd, bytes, len, 0);
  return n < 0 ? MBEDTLS_ERR_NET_RECV_FAILED : (int)n;
}

static void set_up(peer *p, peer_rules rules)
{
  static mbedtls_ssl_config conf;
  static mbedtls_x509_crt own;
  static mbedtls_x509_crt ca;
  static mbedtls_pk_context key;
  const cert_pair *pair = cert_of(rules.certificate);
  cd_str pem = cert_pem(CERT_CA);
  mbedtls_ssl_config_init(&conf);
  mbedtls_x509_crt_init(&own);
  mbedtls_x509_crt_init(&ca);
  mbedtls_pk_init(&key);
  mbedtls_ssl_init(&p->ssl);
  must(mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                   MBEDTLS_SSL_PRESET_DEFAULT) == 0,
       "no defaults");
  mbedtls_ssl_conf_rng(&conf, random_bytes, NULL);
  if (rules.version != MBEDTLS_SSL_VERSION_UNKNOWN) {
    mbedtls_ssl_conf_min_tls_version(&conf, rules.version);
    mbedtls_ssl_conf_max_tls_version(&conf, rules.version);
  }
  must(mbedtls_x509_crt_parse(&own, (const unsigned char *)pair->certificate,
                              strlen(pair->certificate) + 1) == 0,
       "the certificate");
  must(mbedtls_x509_crt_parse(&ca, (const unsigned char *)pem.ptr, pem.len + 1) == 0, "the CA");
  must(mbedtls_pk_parse_key(&key, (const unsigned char *)pair->key, strlen(pair->key) + 1, NULL, 0,
                            random_bytes, NULL) == 0,
       "the key");
  must(mbedtls_ssl_conf_own_cert(&conf, &own, &key) == 0, "its own certificate");
  if (rules.asks_client) {
    mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
  }
  must(mbedtls_ssl_setup(&p->ssl, &conf) == 0, "TLS");
  mbedtls_ssl_set_bio(&p->ssl, p, on_send, on_receive, NULL);
}

static int listen_on_loopback(uint16_t *ret_port)
{
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof(any);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
  ck_assert_int_eq(listen(fd, 1), 0);
  ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&any, &len), 0);
  *ret_port = ntohs(any.sin_port);
  return fd;
}

peer_process peer_start(peer_rules rules, void (*act)(peer *p))
{
  static peer p;
  peer_process process = {0};
  int listener = listen_on_loopback(&process.port);
  (void)cert_of(rules.certificate); /* so that both processes know the same */
  (void)cert_of(CERT_CA);
  process.pid = fork();
  ck_assert_int_ge(process.pid, 0);
  if (process.pid > 0) {
    (void)close(listener);
    return process;
  }
  (void)alarm(LIFE_S);
  p.fd = accept(listener, NULL, NULL);
  (void)close(listener);
  must(p.fd >= 0, "nobody came");
  set_up(&p, rules);
  act(&p);
  (void)close(p.fd);
  _exit(0);
}

void peer_finish(const peer_process *process)
{
  int status = 0;
  ck_assert_int_eq(waitpid(process->pid, &status, 0), process->pid);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the peer ended with 0x%x",
                (unsigned)status);
}

void peer_kill(const peer_process *process)
{
  ck_assert_int_eq(kill(process->pid, SIGKILL), 0);
  ck_assert_int_eq(waitpid(process->pid, NULL, 0), process->pid);
}

bool peer_tls_try(peer *p)
{
  return mbedtls_ssl_handshake(&p->ssl) == 0;
}

void peer_tls(peer *p)
{
  int rc = mbedtls_ssl_handshake(&p->ssl);
  if (rc != 0)
    (void)fprintf(stderr, "peer: handshake: -0x%04x\n", (unsigned)-rc);
  must(rc == 0, "no handshake");
}

void peer_send(peer *p, const void *bytes, size_t len)
{
  const unsigned char *at = bytes;
  while (len > 0) {
    int n = mbedtls_ssl_write(&p->ssl, at, len);
    must(n > 0, "writing failed");
    at += n;
    len -= (size_t)n;
  }
}

void peer_say(peer *p, const char *text)
{
  peer_send(p, text, strlen(text));
}

static bool ends_with(const peer *p, const char *end)
{
  return cd_str_ends((cd_str){p->text, p->text_len}, cd_str_from(end));
}

static void read_some(peer *p, size_t most)
{
  size_t room = sizeof(p->text) - p->text_len;
  int n =
      mbedtls_ssl_read(&p->ssl, (unsigned char *)p->text + p->text_len, most < room ? most : room);
  must(n > 0, "reading failed");
  p->text_len += (size_t)n;
}

void peer_read_to(peer *p, const char *end)
{
  while (!ends_with(p, end))
    read_some(p, 1);
}

void peer_read(peer *p, size_t len)
{
  for (size_t end = p->text_len + len; p->text_len < end;)
    read_some(p, end - p->text_len);
}

void peer_raw_say(peer *p, const char *text)
{
  must(send(p->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text), "writing failed");
}

void peer_raw_read(peer *p, size_t len)
{
  for (; len > 0; len--) {
    must(recv(p->fd, p->text + p->text_len, 1, 0) == 1, "reading failed");
    p->text_len = (p->text_len + 1) % sizeof(p->text);
  }
}

void peer_raw_read_to(peer *p, const char *end)
{
  while (!ends_with(p, end))
    peer_raw_read(p, 1);
}

void peer_raw_wait_end(peer *p)
{
  char dropped[4096];
  while (recv(p->fd, dropped, sizeof(dropped), 0) > 0)
    continue;
}

void peer_close_notify(peer *p)
{
  must(mbedtls_ssl_close_notify(&p->ssl) == 0, "no close_notify");
}

void peer_reset(peer *p)
{
  const struct linger at_once = {.l_onoff = 1};
  must(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0, "no linger");
}

void peer_hang(void)
{
  for (;;)
    (void)pause();
}
