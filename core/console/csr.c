/* Reading a certificate request with mbedTLS. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* mbedTLS gives no other way to a request's signature */
#include "csr.h"

#include "protocol/limits.h"

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_csr.h>

#include <string.h>

#include "base/banned.h"

#define BEGIN CD_STR("-----BEGIN CERTIFICATE REQUEST-----")

static cd_code take_key(mbedtls_x509_csr *csr, cd_public_key *ret_key, cd_err *err)
{
  uint8_t der[CD_KEY_DER_SIZE + 64];
  int len = mbedtls_pk_write_pubkey_der(&csr->pk, der, sizeof(der));
  /* It is written at the end. */
  if (len <= 0)
    return cd_fail(err, CD_E_INVALID, "the certificate request has no key on P-256");
  return cd_public_key_from_der(
      (cd_str){(const char *)der + sizeof(der) - (size_t)len, (size_t)len}, ret_key, err);
}

static cd_code check_signature(mbedtls_x509_csr *csr, cd_err *err)
{
  cd_digest hash;
  if (csr->sig_md != MBEDTLS_MD_SHA256 || csr->sig_pk != MBEDTLS_PK_ECDSA)
    return cd_fail(err, CD_E_INVALID, "the certificate request is not signed with ECDSA, SHA-256");
  cd_code rc = cd_digest_of(csr->cri.p, csr->cri.len, &hash, err);
  if (rc != CD_OK)
    return rc;
  if (mbedtls_pk_verify(&csr->pk, MBEDTLS_MD_SHA256, hash.bytes, sizeof(hash.bytes), csr->sig.p,
                        csr->sig.len) != 0)
    return cd_fail(err, CD_E_DENIED, "the certificate request is not signed by its own key");
  return CD_OK;
}

cd_code con_csr_key(cd_str pem, cd_public_key *ret_key, cd_err *err)
{
  unsigned char text[CD_CSR_MAX + 1];
  mbedtls_x509_csr csr;
  cd_public_key key;
  if (pem.len == 0 || pem.len > CD_CSR_MAX || !cd_str_starts(pem, BEGIN) ||
      memchr(pem.ptr, 0, pem.len) != NULL)
    return cd_fail(err, CD_E_INVALID,
                   "the certificate request is not one in PEM of at most %u bytes", CD_CSR_MAX);
  memcpy(text, pem.ptr, pem.len);
  text[pem.len] = '\0';
  mbedtls_x509_csr_init(&csr);
  int tls = mbedtls_x509_csr_parse(&csr, text, pem.len + 1);
  cd_code rc = CD_OK;
  if (tls != 0)
    rc = cd_fail_os(err, CD_E_INVALID, tls, "the certificate request cannot be read (-0x%04x)",
                    (unsigned)-tls);
  if (rc == CD_OK)
    rc = take_key(&csr, &key, err);
  if (rc == CD_OK)
    rc = check_signature(&csr, err);
  if (rc == CD_OK)
    *ret_key = key;
  mbedtls_x509_csr_free(&csr);
  return rc;
}
