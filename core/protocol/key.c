/* Keys on P-256 as values, and their two DER forms. Both forms have one fixed layout for this curve
 * (RFC 5480 and RFC 5958 with RFC 5915), so they are a prefix and the numbers. */
#include "protocol/key.h"

#include "curve.h"
#include "protocol/secret.h"

#include <mbedtls/ecp.h>
#include <mbedtls/md.h>

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 66 bytes */
static const uint8_t spki_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
_Static_assert(sizeof(spki_prefix) + CD_KEY_POINT_SIZE == CD_KEY_DER_SIZE, "prefix and point");

cd_code cd_fail_mbedtls(cd_err *err, int rc, const char *what)
{
  if (rc == MBEDTLS_ERR_MPI_ALLOC_FAILED || rc == MBEDTLS_ERR_ECP_ALLOC_FAILED ||
      rc == MBEDTLS_ERR_MD_ALLOC_FAILED)
    return cd_fail(err, CD_E_INTERNAL, "%s: no memory", what);
  if (rc == MBEDTLS_ERR_ECP_RANDOM_FAILED)
    return cd_fail(err, CD_E_UNAVAILABLE, "%s: there are no random bytes", what);
  return cd_fail_os(err, CD_E_INTERNAL, rc, "%s: mbedTLS gave error -0x%04x", what, (unsigned)-rc);
}

int cd_curve_random(void *random, unsigned char *bytes, size_t len)
{
  const cd_random *r = random;
  return r->fill(r->context, bytes, len) == 0 ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

void cd_curve_init(cd_curve *c)
{
  mbedtls_ecp_group_init(&c->group);
  mbedtls_ecp_point_init(&c->point);
}

int cd_curve_load(cd_curve *c, const uint8_t point[CD_KEY_POINT_SIZE])
{
  int rc = mbedtls_ecp_group_load(&c->group, MBEDTLS_ECP_DP_SECP256R1);
  if (rc == 0)
    rc = mbedtls_ecp_point_read_binary(&c->group, &c->point, point, CD_KEY_POINT_SIZE);
  if (rc == 0)
    rc = mbedtls_ecp_check_pubkey(&c->group, &c->point);
  return rc;
}

void cd_curve_free(cd_curve *c)
{
  mbedtls_ecp_point_free(&c->point);
  mbedtls_ecp_group_free(&c->group);
}

/* ---- public keys ---- */

void cd_public_key_to_der(const cd_public_key *key, uint8_t out[CD_KEY_DER_SIZE])
{
  memcpy(out, spki_prefix, sizeof(spki_prefix));
  memcpy(out + sizeof(spki_prefix), key->point, CD_KEY_POINT_SIZE);
}

cd_code cd_public_key_from_point(const uint8_t point[CD_KEY_POINT_SIZE], cd_public_key *ret_key,
                                 cd_err *err)
{
  cd_curve curve;
  cd_curve_init(&curve);
  int rc = cd_curve_load(&curve, point);
  cd_curve_free(&curve);
  if (rc == MBEDTLS_ERR_MPI_ALLOC_FAILED)
    return cd_fail(err, CD_E_INTERNAL, "no memory to check a public key");
  if (rc != 0)
    return cd_fail(err, CD_E_INVALID, "the public key is no point on the curve P-256");

  cd_public_key key = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  memcpy(key.point, point, CD_KEY_POINT_SIZE);
  cd_public_key_to_der(&key, der);
  cd_code code = cd_digest_of(der, sizeof(der), &key.id, err);
  if (code == CD_OK)
    *ret_key = key;
  return code;
}

cd_code cd_public_key_from_der(cd_str der, cd_public_key *ret_key, cd_err *err)
{
  if (der.len != CD_KEY_DER_SIZE || memcmp(der.ptr, spki_prefix, sizeof(spki_prefix)) != 0)
    return cd_fail(err, CD_E_INVALID,
                   "the public key is no SubjectPublicKeyInfo with an uncompressed point on P-256");
  return cd_public_key_from_point((const uint8_t *)der.ptr + sizeof(spki_prefix), ret_key, err);
}

bool cd_public_key_equal(const cd_public_key *a, const cd_public_key *b)
{
  return memcmp(a->point, b->point, CD_KEY_POINT_SIZE) == 0;
}

void cd_public_key_id(const cd_public_key *key, char out[CD_KEY_ID_TEXT_MAX])
{
  cd_hex(out, key->id.bytes, sizeof(key->id.bytes));
}

/* ---- private keys ---- */

cd_code cd_key_generate(const cd_random *random, cd_key **ret_key, cd_err *err)
{
  cd_code code = CD_OK;
  size_t len = 0;
  uint8_t point[CD_KEY_POINT_SIZE];
  cd_random source = *random;
  mbedtls_mpi secret;
  cd_curve curve;
  mbedtls_mpi_init(&secret);
  cd_curve_init(&curve);
  cd_key *key = calloc(1, sizeof(*key));
  if (key == NULL) {
    code = cd_fail(err, CD_E_INTERNAL, "no memory for a key");
    goto done;
  }
  int rc = mbedtls_ecp_group_load(&curve.group, MBEDTLS_ECP_DP_SECP256R1);
  if (rc == 0)
    rc = mbedtls_ecp_gen_keypair(&curve.group, &secret, &curve.point, cd_curve_random, &source);
  if (rc == 0)
    rc = mbedtls_mpi_write_binary(&secret, key->secret, sizeof(key->secret));
  if (rc == 0)
    rc = mbedtls_ecp_point_write_binary(&curve.group, &curve.point, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                        &len, point, sizeof(point));
  if (rc != 0) {
    code = cd_fail_mbedtls(err, rc, "a key could not be made");
    goto done;
  }
  code = cd_public_key_from_point(point, &key->public, err);
  if (code == CD_OK) {
    *ret_key = key;
    key = NULL;
  }
done:
  cd_key_free(key);
  cd_curve_free(&curve);
  mbedtls_mpi_free(&secret);
  return code;
}

const cd_public_key *cd_key_public(const cd_key *key)
{
  return &key->public;
}

void cd_key_free(cd_key *key)
{
  if (key == NULL)
    return;
  cd_wipe(key, sizeof(*key));
  free(key);
}
