/* Certificates as a console's CA would make them, and as it would not. */
#include "certs.h"

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

typedef struct recipe {
  const char *subject;
  cert_name issuer;
  const char *from;
  const char *until;
  bool is_ca;
  const char *name; /* of its subjectAltName */
  bool addresses;   /* 127.0.0.1 and ::1 too */
  const char *use;
  size_t use_len;
} recipe;

#define NOW "20200101000000", "20991231235959"
#define PAST "20200101000000", "20200201000000"
#define LATER "20980101000000", "20991231235959"
#define SERVERS MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)
#define CLIENTS MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)
#define HOST "console.test"

static const recipe recipes[CERT_COUNT] = {
    [CERT_CA] = {"CN=Test CA", CERT_CA, NOW, true, NULL, false, NULL, 0},
    [CERT_CA_OTHER] = {"CN=Test CA", CERT_CA_OTHER, NOW, true, NULL, false, NULL, 0},
    [CERT_SERVER] = {"CN=server", CERT_CA, NOW, false, HOST, true, SERVERS},
    [CERT_NAME_ONLY] = {"CN=server", CERT_CA, NOW, false, HOST, false, SERVERS},
    [CERT_COMMON_NAME] = {"CN=" HOST, CERT_CA, NOW, false, NULL, false, SERVERS},
    [CERT_EXPIRED] = {"CN=server", CERT_CA, PAST, false, HOST, true, SERVERS},
    [CERT_FUTURE] = {"CN=server", CERT_CA, LATER, false, HOST, true, SERVERS},
    [CERT_CLIENT_USE] = {"CN=server", CERT_CA, NOW, false, HOST, true, CLIENTS},
    [CERT_ANY_USE] = {"CN=server", CERT_CA, NOW, false, HOST, true, NULL, 0},
    [CERT_FOREIGN] = {"CN=server", CERT_CA_OTHER, NOW, false, HOST, true, SERVERS},
    [CERT_DEVICE] = {"CN=device-1", CERT_CA, NOW, false, NULL, false, CLIENTS},
    [CERT_DEVICE_EXPIRED] = {"CN=device-1", CERT_CA, PAST, false, NULL, false, CLIENTS},
    [CERT_DEVICE_FOREIGN] = {"CN=device-1", CERT_CA_OTHER, NOW, false, NULL, false, CLIENTS},
};

static cert_pair pairs[CERT_COUNT];
static mbedtls_pk_context keys[CERT_COUNT];

static void must(int rc, const char *what)
{
  if (rc == 0)
    return;
  (void)fprintf(stderr, "certs: %s failed: -0x%04x\n", what, (unsigned)-rc);
  exit(1);
}

static int random_bytes(void *context, unsigned char *bytes, size_t len)
{
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

static void make_key(cert_name name)
{
  mbedtls_pk_context *key = &keys[name];
  mbedtls_pk_init(key);
  must(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), "a key");
  must(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), random_bytes, NULL),
       "a key");
  must(mbedtls_pk_write_key_pem(key, (unsigned char *)pairs[name].key, CERT_PEM_MAX), "its PEM");
}

static void add_names(mbedtls_x509write_cert *crt, const recipe *r)
{
  static const unsigned char v4[] = {127, 0, 0, 1};
  static const unsigned char v6[16] = {[15] = 1};
  mbedtls_x509_san_list list[3] = {0};
  if (r->name == NULL)
    return;
  list[0].node.type = MBEDTLS_X509_SAN_DNS_NAME;
  list[0].node.san.unstructured_name.p = (unsigned char *)(uintptr_t)r->name;
  list[0].node.san.unstructured_name.len = strlen(r->name);
  list[1].node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
  list[1].node.san.unstructured_name.p = (unsigned char *)(uintptr_t)v4;
  list[1].node.san.unstructured_name.len = sizeof(v4);
  list[2].node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
  list[2].node.san.unstructured_name.p = (unsigned char *)(uintptr_t)v6;
  list[2].node.san.unstructured_name.len = sizeof(v6);
  if (r->addresses) {
    list[0].next = &list[1];
    list[1].next = &list[2];
  }
  must(mbedtls_x509write_crt_set_subject_alternative_name(crt, list), "subjectAltName");
}

static void add_use(mbedtls_x509write_cert *crt, const recipe *r)
{
  mbedtls_asn1_sequence use = {
      .buf = {.tag = MBEDTLS_ASN1_OID, .p = (unsigned char *)(uintptr_t)r->use, .len = r->use_len}};
  if (r->use != NULL)
    must(mbedtls_x509write_crt_set_ext_key_usage(crt, &use), "extended key usage");
}

static void make(cert_name name)
{
  const recipe *r = &recipes[name];
  unsigned char serial[8];
  mbedtls_x509write_cert crt;
  if (r->issuer != name)
    (void)cert_of(r->issuer);
  make_key(name);
  mbedtls_x509write_crt_init(&crt);
  must(random_bytes(NULL, serial, sizeof(serial)), "random bytes");
  serial[0] = (unsigned char)((serial[0] & 0x7f) | 1);
  must(mbedtls_x509write_crt_set_serial_raw(&crt, serial, sizeof(serial)), "the serial");
  mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&crt, &keys[name]);
  mbedtls_x509write_crt_set_issuer_key(&crt, &keys[r->issuer]);
  must(mbedtls_x509write_crt_set_subject_name(&crt, r->subject), "the subject");
  must(mbedtls_x509write_crt_set_issuer_name(&crt, recipes[r->issuer].subject), "the issuer");
  must(mbedtls_x509write_crt_set_validity(&crt, r->from, r->until), "the validity");
  must(mbedtls_x509write_crt_set_basic_constraints(&crt, r->is_ca, -1), "basic constraints");
  add_names(&crt, r);
  add_use(&crt, r);
  must(mbedtls_x509write_crt_pem(&crt, (unsigned char *)pairs[name].certificate, CERT_PEM_MAX,
                                 random_bytes, NULL),
       "the certificate");
  mbedtls_x509write_crt_free(&crt);
}

const cert_pair *cert_of(cert_name name)
{
  if (pairs[name].certificate[0] == '\0') {
    must(psa_crypto_init() == PSA_SUCCESS ? 0 : -1, "PSA");
    make(name);
  }
  return &pairs[name];
}

cd_str cert_pem(cert_name name)
{
  return cd_str_from(cert_of(name)->certificate);
}

cd_str cert_key(cert_name name)
{
  return cd_str_from(cert_of(name)->key);
}
