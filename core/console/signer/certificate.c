#include "certificate.h"

#include "base/clock.h"
#include "protocol/secret.h"
#include "random.h"

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PEM_MAX 4096u
#define NAMES_MAX 32u
#define TIME_SIZE 15u /* YYYYMMDDhhmmss */

typedef struct maker {
  mbedtls_x509write_cert crt;
  mbedtls_pk_context subject;
  mbedtls_pk_context issuer;
  uint8_t serial[SIG_SERIAL_SIZE];
} maker;

static void maker_init(maker *m)
{
  memset(m, 0, sizeof(*m));
  mbedtls_x509write_crt_init(&m->crt);
  mbedtls_pk_init(&m->subject);
  mbedtls_pk_init(&m->issuer);
}

static void maker_free(maker *m)
{
  mbedtls_x509write_crt_free(&m->crt);
  mbedtls_pk_free(&m->subject);
  mbedtls_pk_free(&m->issuer);
}

void sig_ca_name(const cd_public_key *key, char out[SIG_COMMON_NAME_MAX])
{
  char id[CD_KEY_ID_TEXT_MAX];
  cd_public_key_id(key, id);
  (void)snprintf(out, SIG_COMMON_NAME_MAX, "CN=Cordon CA %.16s,O=Cordon", id);
}

/* The digits of RFC 3339's text, which is what X.509 wants. */
static void time_digits(int64_t wall_ms, char out[TIME_SIZE])
{
  char text[CD_TIME_TEXT_MAX];
  size_t used = 0;
  cd_time_text(wall_ms, text);
  for (size_t i = 0; text[i] != '\0' && used < TIME_SIZE - 1; i++) {
    if (text[i] >= '0' && text[i] <= '9')
      out[used++] = text[i];
  }
  out[used] = '\0';
}

static int load_issuer(maker *m, const cd_key *key)
{
  cd_err ignored = {0};
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  int rc = MBEDTLS_ERR_PK_ALLOC_FAILED;
  if (cd_key_to_pem(key, &pem, &ignored) == CD_OK)
    rc = mbedtls_pk_parse_key(&m->issuer, (const unsigned char *)cd_buf_cstr(&pem), pem.len + 1,
                              NULL, 0, sig_random_fill, NULL);
  cd_buf_wipe(&pem);
  return rc;
}

static int load_subject(maker *m, const cd_public_key *key)
{
  uint8_t der[CD_KEY_DER_SIZE];
  cd_public_key_to_der(key, der);
  return mbedtls_pk_parse_public_key(&m->subject, der, sizeof(der));
}

/* Positive and of full length, whatever the random bytes are. */
static int make_serial(maker *m)
{
  int rc = sig_random_fill(NULL, m->serial, sizeof(m->serial));
  m->serial[0] = (uint8_t)((m->serial[0] & 0x7f) | 0x40);
  return rc != 0 ? rc : mbedtls_x509write_crt_set_serial_raw(&m->crt, m->serial, sizeof(m->serial));
}

static int set_basics(maker *m, const cd_public_key *subject, const char *subject_name,
                      const cd_key *issuer, int64_t from_ms, int64_t to_ms)
{
  char from[TIME_SIZE];
  char to[TIME_SIZE];
  char issuer_name[SIG_COMMON_NAME_MAX];
  time_digits(from_ms, from);
  time_digits(to_ms, to);
  sig_ca_name(cd_key_public(issuer), issuer_name);
  int rc = load_issuer(m, issuer);
  if (rc == 0)
    rc = load_subject(m, subject);
  if (rc != 0)
    return rc;
  mbedtls_x509write_crt_set_version(&m->crt, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&m->crt, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&m->crt, &m->subject);
  mbedtls_x509write_crt_set_issuer_key(&m->crt, &m->issuer);
  rc = mbedtls_x509write_crt_set_subject_name(&m->crt, subject_name);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_issuer_name(&m->crt, issuer_name);
  if (rc == 0)
    rc = make_serial(m);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_validity(&m->crt, from, to);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_subject_key_identifier(&m->crt);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_authority_key_identifier(&m->crt);
  return rc;
}

static cd_code write_pem(maker *m, int rc, cd_buf *out, cd_err *err)
{
  unsigned char pem[PEM_MAX];
  if (rc == 0)
    rc = mbedtls_x509write_crt_pem(&m->crt, pem, sizeof(pem), sig_random_fill, NULL);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, rc, "a certificate could not be made (-0x%04x)",
                      (unsigned)-rc);
  cd_buf_add_cstr(out, (const char *)pem);
  return cd_buf_status(out, "a certificate", err);
}

cd_code sig_ca_certificate(const cd_public_key *subject, const cd_key *issuer, int64_t from_ms,
                           int64_t to_ms, cd_buf *out, cd_err *err)
{
  maker m;
  char name[SIG_COMMON_NAME_MAX];
  maker_init(&m);
  sig_ca_name(subject, name);
  int rc = set_basics(&m, subject, name, issuer, from_ms, to_ms);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_basic_constraints(&m.crt, 1, -1);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_key_usage(&m.crt, MBEDTLS_X509_KU_KEY_CERT_SIGN |
                                                         MBEDTLS_X509_KU_CRL_SIGN);
  cd_code code = write_pem(&m, rc, out, err);
  maker_free(&m);
  return code;
}

static int set_use(maker *m, sig_use use)
{
  mbedtls_asn1_sequence usage = {0};
  usage.buf.tag = MBEDTLS_ASN1_OID;
  const char *oid = use == SIG_USE_SERVER ? MBEDTLS_OID_SERVER_AUTH : MBEDTLS_OID_CLIENT_AUTH;
  unsigned char bytes[16];
  size_t len = strlen(oid);
  memcpy(bytes, oid, len);
  usage.buf.p = bytes;
  usage.buf.len = len;
  return mbedtls_x509write_crt_set_ext_key_usage(&m->crt, &usage);
}

/* A literal address into `bytes`, or the name as it is. */
static void set_name(mbedtls_x509_san_list *one, cd_str name, char *text, unsigned char *bytes)
{
  mbedtls_x509_subject_alternative_name *n = &one->node;
  if (uv_inet_pton(AF_INET, text, bytes) == 0 || uv_inet_pton(AF_INET6, text, bytes) == 0) {
    n->type = MBEDTLS_X509_SAN_IP_ADDRESS;
    n->san.unstructured_name.p = bytes;
    n->san.unstructured_name.len = strchr(text, ':') != NULL ? 16 : 4;
    return;
  }
  n->type = MBEDTLS_X509_SAN_DNS_NAME;
  n->san.unstructured_name.p = (unsigned char *)text;
  n->san.unstructured_name.len = name.len;
}

static int set_names(maker *m, const cd_str *names, size_t count)
{
  mbedtls_x509_san_list list[NAMES_MAX];
  unsigned char bytes[NAMES_MAX][16];
  char *texts[NAMES_MAX] = {NULL};
  int rc = 0;
  if (count == 0)
    return 0;
  if (count > NAMES_MAX)
    return MBEDTLS_ERR_X509_BAD_INPUT_DATA;
  memset(list, 0, sizeof(list));
  for (size_t i = 0; i < count && rc == 0; i++) {
    texts[i] = cd_str_dup(names[i]);
    if (texts[i] == NULL)
      rc = MBEDTLS_ERR_X509_ALLOC_FAILED;
    else
      set_name(&list[i], names[i], texts[i], bytes[i]);
    list[i].next = i + 1 < count ? &list[i + 1] : NULL;
  }
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_subject_alternative_name(&m->crt, list);
  for (size_t i = 0; i < count; i++)
    free(texts[i]);
  return rc;
}

cd_code sig_leaf_certificate(const sig_leaf *leaf, const cd_key *issuer, cd_buf *out,
                             char ret_serial[SIG_SERIAL_TEXT], cd_err *err)
{
  maker m;
  char name[SIG_COMMON_NAME_MAX];
  maker_init(&m);
  (void)snprintf(name, sizeof(name), "CN=%.64s", leaf->common_name);
  int rc = set_basics(&m, leaf->key, name, issuer, leaf->from_ms, leaf->to_ms);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_basic_constraints(&m.crt, 0, -1);
  if (rc == 0)
    rc = mbedtls_x509write_crt_set_key_usage(&m.crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
  if (rc == 0)
    rc = set_use(&m, leaf->use);
  if (rc == 0)
    rc = set_names(&m, leaf->names, leaf->name_count);
  cd_code code = write_pem(&m, rc, out, err);
  if (code == CD_OK)
    cd_hex(ret_serial, m.serial, sizeof(m.serial));
  maker_free(&m);
  return code;
}

cd_code sig_certificate_key(cd_str pem, cd_public_key *ret_key, cd_err *err)
{
  mbedtls_x509_crt crt;
  uint8_t der[CD_KEY_DER_SIZE + 64];
  char *text = cd_str_dup(pem);
  if (text == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a certificate");
  mbedtls_x509_crt_init(&crt);
  int rc = mbedtls_x509_crt_parse(&crt, (const unsigned char *)text, pem.len + 1);
  int len = rc == 0 ? mbedtls_pk_write_pubkey_der(&crt.pk, der, sizeof(der)) : -1;
  cd_code code = CD_OK;
  if (len <= 0)
    code = cd_fail_os(err, CD_E_INVALID, rc, "a certificate of the CA cannot be read");
  else
    code = cd_public_key_from_der(
        (cd_str){(const char *)der + sizeof(der) - (size_t)len, (size_t)len}, ret_key, err);
  mbedtls_x509_crt_free(&crt);
  free(text);
  return code;
}
