/* Keys in PEM. What is written has one form; what is read may be what OpenSSL or another tool
 * wrote. */
#include "protocol/key.h"

#include "curve.h"
#include "protocol/secret.h"

#include <mbedtls/error.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const char private_begin[] = "-----BEGIN PRIVATE KEY-----\n";
static const char private_end[] = "-----END PRIVATE KEY-----\n";
static const char public_begin[] = "-----BEGIN PUBLIC KEY-----\n";
static const char public_end[] = "-----END PUBLIC KEY-----\n";

/* SEQUENCE { 0, { id-ecPublicKey, prime256v1 }, OCTET STRING { SEQUENCE { 1, OCTET STRING of 32 */
static const uint8_t pkcs8_prefix[] = {0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06,
                                       0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                       0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
                                       0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
/* [1] BIT STRING of 66 */
static const uint8_t pkcs8_middle[] = {0xa1, 0x44, 0x03, 0x42, 0x00};
#define PKCS8_SIZE                                                                                 \
  (sizeof(pkcs8_prefix) + CD_SCALAR_SIZE + sizeof(pkcs8_middle) + CD_KEY_POINT_SIZE)

static cd_code write_pem(const char *begin, const char *end, const uint8_t *der, size_t len,
                         cd_buf *out, cd_err *err)
{
  uint8_t text[512];
  size_t used = 0; /* with the NUL */
  int rc = mbedtls_pem_write_buffer(begin, end, der, len, text, sizeof(text), &used);
  if (rc != 0)
    return cd_fail_mbedtls(err, rc, "the key could not be written as PEM");
  cd_buf_add(out, text, used - 1);
  cd_wipe(text, sizeof(text));
  return cd_buf_status(out, "the key as PEM", err);
}

cd_code cd_key_to_pem(const cd_key *key, cd_buf *out, cd_err *err)
{
  uint8_t der[PKCS8_SIZE];
  uint8_t *at = der;
  memcpy(at, pkcs8_prefix, sizeof(pkcs8_prefix));
  at += sizeof(pkcs8_prefix);
  memcpy(at, key->secret, CD_SCALAR_SIZE);
  at += CD_SCALAR_SIZE;
  memcpy(at, pkcs8_middle, sizeof(pkcs8_middle));
  at += sizeof(pkcs8_middle);
  memcpy(at, key->public.point, CD_KEY_POINT_SIZE);
  cd_code rc = write_pem(private_begin, private_end, der, sizeof(der), out, err);
  cd_wipe(der, sizeof(der));
  return rc;
}

cd_code cd_public_key_to_pem(const cd_public_key *key, cd_buf *out, cd_err *err)
{
  uint8_t der[CD_KEY_DER_SIZE];
  cd_public_key_to_der(key, der);
  return write_pem(public_begin, public_end, der, sizeof(der), out, err);
}

/* A copy with a NUL behind it, which is how mbedTLS wants PEM; to be wiped and freed. */
static cd_code terminated(cd_str pem, char **ret_copy, cd_err *err)
{
  if (pem.len > CD_KEY_PEM_MAX)
    return cd_fail(err, CD_E_LIMIT, "the key file has %zu bytes, the limit is %u", pem.len,
                   CD_KEY_PEM_MAX);
  if (pem.len > 0 && memchr(pem.ptr, '\0', pem.len) != NULL)
    return cd_fail(err, CD_E_INVALID, "the key file is no PEM text: it holds a zero byte");
  char *copy = cd_str_dup(pem);
  if (copy == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to read a key");
  *ret_copy = copy;
  return CD_OK;
}

static void wipe_and_free(char *copy)
{
  if (copy != NULL)
    cd_wipe(copy, strlen(copy));
  free(copy);
}

cd_code cd_public_key_from_pem(cd_str pem, cd_public_key *ret_key, cd_err *err)
{
  char *copy = NULL;
  size_t used = 0;
  size_t len = 0;
  mbedtls_pem_context block;
  cd_code rc = terminated(pem, &copy, err);
  if (rc != CD_OK)
    return rc;
  mbedtls_pem_init(&block);
  int mrc =
      mbedtls_pem_read_buffer(&block, "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----",
                              (const unsigned char *)copy, NULL, 0, &used);
  if (mrc == MBEDTLS_ERR_PEM_ALLOC_FAILED) {
    rc = cd_fail(err, CD_E_INTERNAL, "no memory to read a key");
  } else if (mrc != 0) {
    rc = cd_fail(err, CD_E_INVALID, "the key file holds no whole PEM block 'PUBLIC KEY'");
  } else {
    const unsigned char *der = mbedtls_pem_get_buffer(&block, &len);
    rc = cd_public_key_from_der((cd_str){(const char *)der, len}, ret_key, err);
  }
  mbedtls_pem_free(&block);
  wipe_and_free(copy);
  return rc;
}

/* What mbedTLS found wrong with a private key, in words. The codes of its parser come with a detail
 * of the ASN.1 layer added. */
static cd_code fail_parse(cd_err *err, int rc)
{
  switch (rc) {
  case MBEDTLS_ERR_PK_PASSWORD_REQUIRED:
  case MBEDTLS_ERR_PK_PASSWORD_MISMATCH:
  case MBEDTLS_ERR_PEM_PASSWORD_REQUIRED:
    return cd_fail(err, CD_E_UNSUPPORTED,
                   "the private key is encrypted, and keys are read without a password only");
  case MBEDTLS_ERR_PK_ALLOC_FAILED:
  case MBEDTLS_ERR_PEM_ALLOC_FAILED:
  case MBEDTLS_ERR_MPI_ALLOC_FAILED: return cd_fail(err, CD_E_INTERNAL, "no memory to read a key");
  case MBEDTLS_ERR_ECP_RANDOM_FAILED:
    return cd_fail_mbedtls(err, rc, "the private key could not be used");
  default:
    return cd_fail(err, CD_E_INVALID,
                   "the key file holds no private key in PEM that can be read (mbedTLS error "
                   "-0x%04x)",
                   (unsigned)-rc);
  }
}

/* The numbers of a parsed key of any kind, if it is one on P-256. */
static cd_code take_numbers(const mbedtls_pk_context *pk, cd_key *key, cd_err *err)
{
  if (mbedtls_pk_get_type(pk) != MBEDTLS_PK_ECKEY)
    return cd_fail(err, CD_E_UNSUPPORTED, "the private key is not one on an elliptic curve");
  const mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*pk);
  if (mbedtls_ecp_keypair_get_group_id(pair) != MBEDTLS_ECP_DP_SECP256R1)
    return cd_fail(err, CD_E_UNSUPPORTED, "the private key is not one on the curve P-256");
  uint8_t point[CD_KEY_POINT_SIZE];
  size_t len = 0;
  size_t secret_len = 0;
  int rc = mbedtls_ecp_write_key_ext(pair, &secret_len, key->secret, sizeof(key->secret));
  if (rc == 0)
    rc =
        mbedtls_ecp_write_public_key(pair, MBEDTLS_ECP_PF_UNCOMPRESSED, &len, point, sizeof(point));
  if (rc != 0)
    return cd_fail_mbedtls(err, rc, "the numbers of a private key could not be taken");
  return cd_public_key_from_point(point, &key->public, err);
}

/* A file whose public half belongs to another private key would sign what nobody can verify. */
static cd_code check_halves(const mbedtls_pk_context *pk, cd_random *source, cd_err *err)
{
  const mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*pk);
  int rc = mbedtls_ecp_check_pub_priv(pair, pair, cd_curve_random, source);
  if (rc == MBEDTLS_ERR_ECP_BAD_INPUT_DATA)
    return cd_fail(err, CD_E_INVALID,
                   "the two halves of the key in the file do not belong together");
  return rc == 0 ? CD_OK : cd_fail_mbedtls(err, rc, "the halves of a key could not be compared");
}

cd_code cd_key_from_pem(cd_str pem, const cd_random *random, cd_key **ret_key, cd_err *err)
{
  char *copy = NULL;
  cd_key *key = NULL;
  cd_random source = *random;
  mbedtls_pk_context pk;
  mbedtls_pk_init(&pk);
  cd_code rc = terminated(pem, &copy, err);
  if (rc != CD_OK)
    goto done;
  key = calloc(1, sizeof(*key));
  if (key == NULL) {
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for a key");
    goto done;
  }
  int mrc = mbedtls_pk_parse_key(&pk, (const unsigned char *)copy, pem.len + 1, NULL, 0,
                                 cd_curve_random, &source);
  rc = mrc != 0 ? fail_parse(err, mrc) : take_numbers(&pk, key, err);
  if (rc != CD_OK)
    goto done;
  rc = check_halves(&pk, &source, err);
  if (rc != CD_OK)
    goto done;
  *ret_key = key;
  key = NULL;
done:
  mbedtls_pk_free(&pk);
  cd_key_free(key);
  wipe_and_free(copy);
  return rc;
}
