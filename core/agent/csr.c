#include "csr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include "enrolment.h"
#include "protocol/secret.h"

#include "base/banned.h"

static int random_bytes(void *context, unsigned char *bytes, size_t len)
{
  return agent_random.fill(context, bytes, len);
}

static cd_code write_csr(mbedtls_pk_context *pk, const char *name, cd_buf *out, cd_err *err)
{
  unsigned char pem[CD_CSR_MAX];
  char subject[CD_DEVICE_ID_MAX + 8];
  mbedtls_x509write_csr csr;
  mbedtls_x509write_csr_init(&csr);
  mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
  mbedtls_x509write_csr_set_key(&csr, pk);
  (void)snprintf(subject, sizeof(subject), "CN=%s", name);
  int rc = mbedtls_x509write_csr_set_subject_name(&csr, subject);
  if (rc == 0)
    rc = mbedtls_x509write_csr_pem(&csr, pem, sizeof(pem), random_bytes, NULL);
  mbedtls_x509write_csr_free(&csr);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, rc, "a request for a certificate could not be made");
  cd_buf_add_cstr(out, (const char *)pem);
  return cd_buf_status(out, "the request for a certificate", err);
}

cd_code agent_csr_make(const char *name, cd_key **ret_key, cd_buf *out, cd_err *err)
{
  cd_key *key = NULL;
  mbedtls_pk_context pk;
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  mbedtls_pk_init(&pk);
  cd_code rc = cd_key_generate(&agent_random, &key, err);
  if (rc == CD_OK)
    rc = cd_key_to_pem(key, &pem, err);
  if (rc == CD_OK && mbedtls_pk_parse_key(&pk, (const unsigned char *)cd_buf_cstr(&pem),
                                          pem.len + 1, NULL, 0, random_bytes, NULL) != 0)
    rc = cd_fail(err, CD_E_INTERNAL, "the new TLS key cannot be read");
  if (rc == CD_OK)
    rc = write_csr(&pk, name, out, err);
  mbedtls_pk_free(&pk);
  cd_buf_wipe(&pem);
  if (rc == CD_OK)
    *ret_key = key;
  else
    cd_key_free(key);
  return rc;
}

cd_code agent_certificate_key(cd_str pem, cd_public_key *ret_key, cd_err *err)
{
  unsigned char der[CD_KEY_DER_SIZE];
  int len = 0;
  mbedtls_x509_crt crt;
  char *copy = cd_str_dup(pem);
  if (copy == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a certificate");
  mbedtls_x509_crt_init(&crt);
  int rc = mbedtls_x509_crt_parse(&crt, (const unsigned char *)copy, pem.len + 1);
  if (rc == 0)
    len = mbedtls_pk_write_pubkey_der(&crt.pk, der, sizeof(der));
  mbedtls_x509_crt_free(&crt);
  free(copy);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INVALID, rc, "the CA of the token is no certificate in PEM");
  if (len != (int)CD_KEY_DER_SIZE)
    return cd_fail(err, CD_E_INVALID, "the CA of the token has no key on P-256");
  return cd_public_key_from_der((cd_str){(const char *)der, CD_KEY_DER_SIZE}, ret_key, err);
}
