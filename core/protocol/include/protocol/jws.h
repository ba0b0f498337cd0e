/* Signed documents: compact JWS (RFC 7515) with ES256 (RFC 7518, section 3.4).
 *
 * There is one protected header for each kind of document, compared byte for byte in its encoded
 * form: no algorithm, key or extension is ever chosen by what was received. The signature is
 * verified before the payload is decoded, and nothing in here parses a payload. Signing is
 * deterministic (RFC 6979); random bytes only blind it. */
#ifndef CD_JWS_H
#define CD_JWS_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/digest.h"
#include "protocol/key.h"
#include "protocol/random.h"

#define CD_SIGNATURE_SIZE 64u /* r and s, 32 bytes each, big-endian */

/* A kind of signed document. Other folders may have kinds of their own: a `static const` one with a
 * `typ` that no other kind has, so that a document of one kind never passes for one of another. */
typedef struct cd_jws_kind {
  const char *noun;   /* for sentences, with its article: "the order" */
  cd_str header;      /* CD_JWS_HEADER("cordon-order+1") */
  size_t payload_max; /* bytes */
} cd_jws_kind;

#define CD_JWS_HEADER(typ) CD_STR_INIT("{\"alg\":\"ES256\",\"typ\":\"" typ "\"}")

extern const cd_jws_kind cd_jws_order;
extern const cd_jws_kind cd_jws_result;
extern const cd_jws_kind cd_jws_report;
extern const cd_jws_kind cd_jws_statement;
extern const cd_jws_kind cd_jws_mark;
extern const cd_jws_kind cd_jws_enroll;
extern const cd_jws_kind cd_jws_policy;

/* The longest text of this kind. */
size_t cd_jws_max(const cd_jws_kind *kind);

/* Appends the JWS over `payload` (not empty, at most kind->payload_max) to `out`. */
CD_MUST_USE cd_code cd_jws_sign(const cd_jws_kind *kind, cd_str payload, const cd_key *key,
                                const cd_random *random, cd_buf *out, cd_err *err);

/* Appends the payload to `out` if `jws` is of that kind and signed by `key`, else leaves it as it
 * was. CD_E_LIMIT: too large; CD_E_INVALID: no JWS of that kind; CD_E_DENIED: another signature. */
CD_MUST_USE cd_code cd_jws_verify(const cd_jws_kind *kind, cd_str jws, const cd_public_key *key,
                                  cd_buf *out, cd_err *err);

/* What names a signed document: the SHA-256 of its signing input (header and payload in their
 * encoded form, with the dot between), so that who signed it again, or turned the signature into
 * another valid one, has not made another document. Only of what was verified. */
CD_MUST_USE cd_code cd_jws_digest(cd_str jws, cd_digest *ret_digest, cd_err *err);

/* Appends the payload of a document of that kind whose digest is known by other means than its
 * signature, say because whoever verified it noted that. CD_E_INVALID: no JWS of that kind;
 * CD_E_DENIED: another document. */
CD_MUST_USE cd_code cd_jws_open(const cd_jws_kind *kind, cd_str jws, const cd_digest *digest,
                                cd_buf *out, cd_err *err);
/* The payload, whoever signed it: only for what is compared with something then. */
CD_MUST_USE cd_code cd_jws_peek(const cd_jws_kind *kind, cd_str jws, cd_buf *out, cd_err *err);

/* ES256 over any bytes: the part of the above that needs no JSON. */
CD_MUST_USE cd_code cd_es256_sign(const cd_key *key, const void *bytes, size_t len,
                                  const cd_random *random, uint8_t ret_signature[CD_SIGNATURE_SIZE],
                                  cd_err *err);
/* CD_E_DENIED without a sentence if the signature is not that key's. */
CD_MUST_USE cd_code cd_es256_verify(const cd_public_key *key, const void *bytes, size_t len,
                                    const uint8_t signature[CD_SIGNATURE_SIZE], cd_err *err);

#endif
