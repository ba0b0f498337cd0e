/* Compact JWS with ES256 and one protected header for each kind of document. */
#include "protocol/jws.h"

#include "curve.h"
#include "protocol/base64.h"
#include "protocol/limits.h"
#include "protocol/secret.h"

#include <mbedtls/ecdsa.h>

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define HEADER_MAX 128u
#define HEADER_TEXT_MAX (CD_BASE64URL_LEN(HEADER_MAX) + 1)
#define SIGNATURE_TEXT_LEN CD_BASE64URL_LEN(CD_SIGNATURE_SIZE)

const cd_jws_kind cd_jws_order = {"the order", CD_JWS_HEADER("cordon-order+1"),
                                  CD_ORDER_PAYLOAD_MAX};
const cd_jws_kind cd_jws_result = {"the result", CD_JWS_HEADER("cordon-result+1"),
                                   CD_RESULT_PAYLOAD_MAX};
const cd_jws_kind cd_jws_report = {"the report", CD_JWS_HEADER("cordon-report+1"),
                                   CD_REPORT_PAYLOAD_MAX};
const cd_jws_kind cd_jws_statement = {"the key statement", CD_JWS_HEADER("cordon-key+1"),
                                      CD_STATEMENT_PAYLOAD_MAX};
const cd_jws_kind cd_jws_mark = {"the mark", CD_JWS_HEADER("cordon-mark+1"), CD_MARK_PAYLOAD_MAX};
const cd_jws_kind cd_jws_policy = {"the policy", CD_JWS_HEADER("cordon-policy+1"),
                                   CD_POLICY_PAYLOAD_MAX};

/* ---- ES256 ---- */

/* The numbers of one signature while it is made or checked. */
typedef struct numbers {
  cd_curve curve;
  mbedtls_mpi r;
  mbedtls_mpi s;
  mbedtls_mpi secret;
} numbers;

static void numbers_init(numbers *n)
{
  cd_curve_init(&n->curve);
  mbedtls_mpi_init(&n->r);
  mbedtls_mpi_init(&n->s);
  mbedtls_mpi_init(&n->secret);
}

static void numbers_free(numbers *n)
{
  mbedtls_mpi_free(&n->secret);
  mbedtls_mpi_free(&n->s);
  mbedtls_mpi_free(&n->r);
  cd_curve_free(&n->curve);
}

cd_code cd_es256_sign(const cd_key *key, const void *bytes, size_t len, const cd_random *random,
                      uint8_t ret_signature[CD_SIGNATURE_SIZE], cd_err *err)
{
  cd_digest hash;
  cd_code code = cd_digest_of(bytes, len, &hash, err);
  if (code != CD_OK)
    return code;
  numbers n;
  cd_random source = *random;
  uint8_t signature[CD_SIGNATURE_SIZE];
  numbers_init(&n);
  int rc = cd_curve_load(&n.curve, key->public.point);
  if (rc == 0)
    rc = mbedtls_mpi_read_binary(&n.secret, key->secret, sizeof(key->secret));
  if (rc == 0)
    rc =
        mbedtls_ecdsa_sign_det_ext(&n.curve.group, &n.r, &n.s, &n.secret, hash.bytes,
                                   sizeof(hash.bytes), MBEDTLS_MD_SHA256, cd_curve_random, &source);
  if (rc == 0)
    rc = mbedtls_mpi_write_binary(&n.r, signature, CD_SCALAR_SIZE);
  if (rc == 0)
    rc = mbedtls_mpi_write_binary(&n.s, signature + CD_SCALAR_SIZE, CD_SCALAR_SIZE);
  numbers_free(&n);
  if (rc != 0)
    return cd_fail_mbedtls(err, rc, "a signature could not be made");
  memcpy(ret_signature, signature, sizeof(signature));
  return CD_OK;
}

cd_code cd_es256_verify(const cd_public_key *key, const void *bytes, size_t len,
                        const uint8_t signature[CD_SIGNATURE_SIZE], cd_err *err)
{
  cd_digest hash;
  cd_code code = cd_digest_of(bytes, len, &hash, err);
  if (code != CD_OK)
    return code;
  numbers n;
  numbers_init(&n);
  int rc = cd_curve_load(&n.curve, key->point);
  if (rc == 0)
    rc = mbedtls_mpi_read_binary(&n.r, signature, CD_SCALAR_SIZE);
  if (rc == 0)
    rc = mbedtls_mpi_read_binary(&n.s, signature + CD_SCALAR_SIZE, CD_SCALAR_SIZE);
  if (rc == 0)
    rc = mbedtls_ecdsa_verify(&n.curve.group, hash.bytes, sizeof(hash.bytes), &n.curve.point, &n.r,
                              &n.s);
  numbers_free(&n);
  if (rc == 0)
    return CD_OK;
  /* Numbers out of range are a bad signature too; only want of memory is not its fault. */
  if (rc == MBEDTLS_ERR_MPI_ALLOC_FAILED || rc == MBEDTLS_ERR_ECP_ALLOC_FAILED)
    return cd_fail(err, CD_E_INTERNAL, "no memory to check a signature");
  return CD_E_DENIED;
}

/* ---- the compact form ---- */

size_t cd_jws_max(const cd_jws_kind *kind)
{
  return CD_BASE64URL_LEN(kind->header.len) + 1 + CD_BASE64URL_LEN(kind->payload_max) + 1 +
         SIGNATURE_TEXT_LEN;
}

cd_code cd_jws_sign(const cd_jws_kind *kind, cd_str payload, const cd_key *key,
                    const cd_random *random, cd_buf *out, cd_err *err)
{
  if (payload.len == 0)
    return cd_fail(err, CD_E_INVALID, "%s is empty", kind->noun);
  if (payload.len > kind->payload_max)
    return cd_fail(err, CD_E_LIMIT, "%s has %zu bytes, the limit is %zu", kind->noun, payload.len,
                   kind->payload_max);
  cd_buf text = CD_BUF_INIT(cd_jws_max(kind));
  uint8_t signature[CD_SIGNATURE_SIZE];
  cd_base64url_add(&text, kind->header.ptr, kind->header.len);
  cd_buf_add_char(&text, '.');
  cd_base64url_add(&text, payload.ptr, payload.len);
  cd_code rc = cd_buf_status(&text, kind->noun, err);
  if (rc == CD_OK)
    rc = cd_es256_sign(key, text.ptr, text.len, random, signature, err);
  if (rc == CD_OK) {
    cd_buf_add_char(&text, '.');
    cd_base64url_add(&text, signature, sizeof(signature));
    rc = cd_buf_status(&text, kind->noun, err);
  }
  if (rc == CD_OK) {
    cd_buf_add_str(out, cd_buf_view(&text));
    rc = cd_buf_status(out, kind->noun, err);
  }
  cd_buf_release(&text);
  return rc;
}

/* The parts of a compact JWS as they stand in it. */
typedef struct parts {
  cd_str header;
  cd_str payload;
  cd_str signature;
  cd_str signed_text; /* header and payload with the dot between */
} parts;

static bool split(cd_str jws, parts *ret)
{
  cd_str rest = jws;
  ret->header = cd_str_cut(&rest, '.');
  ret->payload = cd_str_cut(&rest, '.');
  ret->signature = rest;
  ret->signed_text = (cd_str){jws.ptr, ret->header.len + 1 + ret->payload.len};
  return ret->header.len > 0 && ret->payload.len > 0 && ret->signature.len > 0 &&
         memchr(rest.ptr, '.', rest.len) == NULL;
}

static cd_code check_form(const cd_jws_kind *kind, cd_str jws, parts *ret,
                          uint8_t ret_signature[CD_SIGNATURE_SIZE], cd_err *err)
{
  char header[HEADER_TEXT_MAX];
  size_t len = 0;
  if (jws.len > cd_jws_max(kind))
    return cd_fail(err, CD_E_LIMIT, "%s has %zu bytes, the limit is %zu", kind->noun, jws.len,
                   cd_jws_max(kind));
  if (!split(jws, ret))
    return cd_fail(err, CD_E_INVALID, "%s is no compact JWS: three parts with dots between them",
                   kind->noun);
  if (kind->header.len > HEADER_MAX)
    return cd_fail(err, CD_E_INTERNAL, "%s has a header of more than %u bytes", kind->noun,
                   HEADER_MAX);
  cd_base64url_text(header, kind->header.ptr, kind->header.len);
  if (!cd_str_eq_cstr(ret->header, header))
    return cd_fail(err, CD_E_INVALID, "%s does not have the only header that it may have, %.*s",
                   kind->noun, CD_STR_ARG(kind->header));
  if (ret->signature.len != SIGNATURE_TEXT_LEN ||
      !cd_base64url_decode(ret->signature, ret_signature, CD_SIGNATURE_SIZE, &len) ||
      len != CD_SIGNATURE_SIZE)
    return cd_fail(err, CD_E_INVALID, "%s has no signature of %u bytes in base64url", kind->noun,
                   CD_SIGNATURE_SIZE);
  return CD_OK;
}

static cd_code decode_payload(const cd_jws_kind *kind, cd_str text, cd_buf *out, cd_err *err)
{
  size_t size = CD_BASE64_DECODED_MAX(text.len);
  size_t len = 0;
  uint8_t *bytes = malloc(size);
  if (bytes == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for %s", kind->noun);
  cd_code rc = CD_OK;
  if (!cd_base64url_decode(text, bytes, size, &len)) {
    rc = cd_fail(err, CD_E_INVALID, "%s has a payload that is not base64url", kind->noun);
  } else {
    cd_buf_add(out, bytes, len);
    rc = cd_buf_status(out, kind->noun, err);
  }
  free(bytes);
  return rc;
}

cd_code cd_jws_verify(const cd_jws_kind *kind, cd_str jws, const cd_public_key *key, cd_buf *out,
                      cd_err *err)
{
  parts p;
  uint8_t signature[CD_SIGNATURE_SIZE];
  cd_code rc = check_form(kind, jws, &p, signature, err);
  if (rc != CD_OK)
    return rc;
  rc = cd_es256_verify(key, p.signed_text.ptr, p.signed_text.len, signature, err);
  if (rc == CD_E_DENIED) {
    char id[CD_KEY_ID_TEXT_MAX];
    cd_public_key_id(key, id);
    return cd_fail(err, CD_E_DENIED, "%s is forged: its signature is not of the key %s", kind->noun,
                   id);
  }
  if (rc != CD_OK)
    return rc;
  return decode_payload(kind, p.payload, out, err);
}

cd_code cd_jws_digest(cd_str jws, cd_digest *ret_digest, cd_err *err)
{
  parts p;
  if (!split(jws, &p))
    return cd_fail(err, CD_E_INVALID, "the signed document is no compact JWS");
  return cd_digest_of(p.signed_text.ptr, p.signed_text.len, ret_digest, err);
}

cd_code cd_jws_peek(const cd_jws_kind *kind, cd_str jws, cd_buf *out, cd_err *err)
{
  parts p;
  uint8_t signature[CD_SIGNATURE_SIZE];
  cd_code rc = check_form(kind, jws, &p, signature, err);
  return rc == CD_OK ? decode_payload(kind, p.payload, out, err) : rc;
}

cd_code cd_jws_open(const cd_jws_kind *kind, cd_str jws, const cd_digest *digest, cd_buf *out,
                    cd_err *err)
{
  cd_digest own;
  cd_code rc = cd_jws_digest(jws, &own, err);
  if (rc == CD_OK && !cd_digest_equal(&own, digest))
    rc = cd_fail(err, CD_E_DENIED, "%s is another one than the one that is known", kind->noun);
  return rc == CD_OK ? cd_jws_peek(kind, jws, out, err) : rc;
}
