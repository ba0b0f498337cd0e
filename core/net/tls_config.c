/* Credentials and the rules of every connection, in mbedTLS's terms. */
#include "net/tls_config.h"

#include "entropy.h"
#include "protocol/secret.h"
#include "tls_private.h"

#include <mbedtls/error.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include <stdlib.h>

#include "base/banned.h"

/* Forward secrecy and authenticated encryption only. */
static const int suites[] = {MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                             MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                             0};
/* mbedTLS keeps the pointer and does not write through it. */
static const char *protocols[] = {"http/1.1", NULL};

static cd_code fail_mbedtls(cd_err *err, cd_code code, int rc, const char *what)
{
  char why[128];
  mbedtls_strerror(rc, why, sizeof(why));
  return cd_fail_os(err, code, rc, "%s: %s (-0x%04x)", what, why, (unsigned)-rc);
}

/* mbedTLS reads PEM up to a NUL. The copy is zeroed before it is freed, whatever was in it. */
static cd_code pem_copy(cd_str pem, const char *what, char **ret_copy, cd_err *err)
{
  if (pem.len == 0 || pem.len > NET_PEM_MAX)
    return cd_fail(err, CD_E_INVALID, "%s has %zu bytes of PEM, it must have 1 to %u", what,
                   pem.len, NET_PEM_MAX);
  *ret_copy = cd_str_dup(pem);
  if (*ret_copy == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for %s", what);
  return CD_OK;
}

static void pem_free(char *copy, cd_str pem)
{
  if (copy != NULL)
    cd_wipe(copy, pem.len);
  free(copy);
}

static cd_code read_certificates(mbedtls_x509_crt *into, cd_str pem, const char *what, cd_err *err)
{
  char *copy = NULL;
  cd_code code = pem_copy(pem, what, &copy, err);
  if (code != CD_OK)
    return code;
  int rc = mbedtls_x509_crt_parse(into, (const unsigned char *)copy, pem.len + 1);
  pem_free(copy, pem);
  if (rc < 0)
    return fail_mbedtls(err, CD_E_INVALID, rc, what);
  if (rc > 0)
    return cd_fail(err, CD_E_INVALID, "%s: %d of its certificates cannot be read", what, rc);
  return CD_OK;
}

static cd_code read_key(net_tls_config *c, cd_str pem, cd_err *err)
{
  char *copy = NULL;
  cd_code code = pem_copy(pem, "the TLS key", &copy, err);
  if (code != CD_OK)
    return code;
  int rc = mbedtls_pk_parse_key(&c->key, (const unsigned char *)copy, pem.len + 1, NULL, 0,
                                net_entropy, NULL);
  pem_free(copy, pem);
  if (rc != 0)
    return fail_mbedtls(err, CD_E_INVALID, rc, "the TLS key");
  if (mbedtls_pk_check_pair(&c->own.pk, &c->key, net_entropy, NULL) != 0)
    return cd_fail(err, CD_E_INVALID, "the TLS key is not that of the certificate");
  return CD_OK;
}

static cd_code read_credentials(net_tls_config *c, const net_tls_credentials *from, cd_err *err)
{
  cd_code code = read_certificates(&c->ca, from->ca, "the pinned CA certificate", err);
  if (code != CD_OK)
    return code;
  c->has_own = from->certificate.len > 0;
  if (!c->has_own)
    return from->key.len == 0
               ? CD_OK
               : cd_fail(err, CD_E_INVALID, "there is a TLS key, but no certificate");
  code = read_certificates(&c->own, from->certificate, "the TLS certificate", err);
  if (code == CD_OK)
    code = read_key(c, from->key, err);
  return code;
}

static int set_rules(net_tls_config *c)
{
  int rc = mbedtls_ssl_config_defaults(&c->conf, MBEDTLS_SSL_IS_CLIENT,
                                       MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (rc != 0)
    return rc;
  mbedtls_ssl_conf_min_tls_version(&c->conf, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_max_tls_version(&c->conf, MBEDTLS_SSL_VERSION_TLS1_3);
  mbedtls_ssl_conf_ciphersuites(&c->conf, suites);
  mbedtls_ssl_conf_rng(&c->conf, net_entropy, NULL);
  mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&c->conf, &c->ca, NULL);
  mbedtls_ssl_conf_session_tickets(&c->conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
  mbedtls_ssl_conf_tls13_key_exchange_modes(&c->conf,
                                            MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
  mbedtls_ssl_conf_renegotiation(&c->conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  rc = mbedtls_ssl_conf_alpn_protocols(&c->conf, protocols);
  if (rc == 0 && c->has_own)
    rc = mbedtls_ssl_conf_own_cert(&c->conf, &c->own, &c->key);
  return rc;
}

cd_code net_tls_config_new(const net_tls_credentials *from, net_tls_config **ret_config,
                           cd_err *err)
{
  /* TLS 1.3 computes in PSA's terms; asked for again it does nothing. */
  if (psa_crypto_init() != PSA_SUCCESS)
    return cd_fail(err, CD_E_INTERNAL, "mbedTLS's cryptography could not be started");
  net_tls_config *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for TLS");
  c->holds = 1;
  mbedtls_ssl_config_init(&c->conf);
  mbedtls_x509_crt_init(&c->ca);
  mbedtls_x509_crt_init(&c->own);
  mbedtls_pk_init(&c->key);
  cd_code code = read_credentials(c, from, err);
  if (code == CD_OK) {
    int rc = set_rules(c);
    if (rc != 0)
      code = fail_mbedtls(err, CD_E_INTERNAL, rc, "TLS cannot be set up");
  }
  if (code != CD_OK) {
    net_tls_config_free(c);
    return code;
  }
  *ret_config = c;
  return CD_OK;
}

net_tls_config *net_tls_config_hold(net_tls_config *config)
{
  config->holds++;
  return config;
}

void net_tls_config_free(net_tls_config *config)
{
  if (config == NULL || --config->holds > 0)
    return;
  mbedtls_ssl_config_free(&config->conf);
  mbedtls_x509_crt_free(&config->ca);
  mbedtls_x509_crt_free(&config->own);
  mbedtls_pk_free(&config->key); /* zeroes the key */
  free(config);
}
