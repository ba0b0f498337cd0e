/* Enrolment: how a device that was given a token comes to its certificate and its id. One HTTPS
 * request and its answer, before there is a connection of `cordon.v1`; docs/protocol.md has every
 * member. */
#ifndef CD_ENROLL_H
#define CD_ENROLL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "protocol/digest.h"
#include "protocol/jws.h"
#include "protocol/key.h"
#include "protocol/limits.h"

/* The device shows that it holds the device key, for this token and this certificate request, now:
 *
 *   {"token_hash":"sha256:...","csr_hash":"sha256:...","at":MS}  typ "cordon-enroll+1"
 *
 * The hashes are of the token's 32 bytes and of the certificate request's text as it is sent. */
typedef struct cd_enroll_proof {
  cd_digest token_hash;
  cd_digest csr_hash;
  int64_t at_ms; /* the device's clock: for people; a device whose clock is wrong may enrol */
} cd_enroll_proof;

CD_MUST_USE cd_code cd_enroll_proof_sign(const cd_enroll_proof *p, const cd_key *device_key,
                                         const cd_random *random, cd_buf *out, cd_err *err);
/* CD_E_DENIED: signed by another key. Whether the hashes are the right ones is the caller's to see.
 */
CD_MUST_USE cd_code cd_enroll_proof_verify(cd_str jws, const cd_public_key *device_key,
                                           cd_enroll_proof *ret_proof, cd_err *err);

/* The 32 bytes of a token's text. */
CD_MUST_USE cd_code cd_enroll_token_decode(cd_str text, uint8_t out[CD_TOKEN_SIZE], cd_err *err);

#define CD_ENROLL_TAGS_MAX 16u
#define CD_ENROLL_TAG_MAX 200u

/* What the device posts. Views; those that were read point into `doc`. */
typedef struct cd_enroll_request {
  cd_str token;             /* base64url of CD_TOKEN_SIZE bytes */
  cd_str csr;               /* PKCS#10 in PEM, of the TLS key */
  cd_public_key device_key; /* travels as base64url of its SubjectPublicKeyInfo */
  cd_str proof;             /* JWS */
  cd_str hostname;
  cd_str os;    /* "linux" */
  cd_str agent; /* its version */
  unsigned tag_count;
  cd_str tags[CD_ENROLL_TAGS_MAX]; /* which it asks for, of those that the token lets it choose */
  cd_json_doc *doc;
} cd_enroll_request;

/* The text holds the token: wipe it when it was sent. */
CD_MUST_USE cd_code cd_enroll_request_write(const cd_enroll_request *r, cd_buf *out, cd_err *err);
/* On success the caller releases *ret_request. */
CD_MUST_USE cd_code cd_enroll_request_read(cd_str text, cd_enroll_request *ret_request,
                                           cd_err *err);
void cd_enroll_request_release(cd_enroll_request *r);

/* What the console answers with 201. */
typedef struct cd_enroll_answer {
  cd_str device;      /* the id that it has from now on */
  cd_str certificate; /* the chain in PEM, the device's own first; CN is the device id */
  cd_str statement;   /* the device CA's about the device key */
  cd_str order_key;   /* the root's about the order key */
  unsigned agent_count;
  cd_str agents[CD_CONSOLES_MAX]; /* "host:port" of the agents' listeners */
  cd_json_doc *doc;
} cd_enroll_answer;

CD_MUST_USE cd_code cd_enroll_answer_write(const cd_enroll_answer *a, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_enroll_answer_read(cd_str text, cd_enroll_answer *ret_answer, cd_err *err);
void cd_enroll_answer_release(cd_enroll_answer *a);

/* "host:port": a DNS name, an IPv4 address, or an IPv6 address in brackets. `host` is without the
 * brackets. */
CD_MUST_USE cd_code cd_endpoint_parse(cd_str text, char ret_host[CD_HTTP_HOST_MAX + 1],
                                      uint16_t *ret_port, cd_err *err);

#endif
