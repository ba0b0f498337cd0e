/* One-time release codes: what a person reads over the phone to somebody at an isolated device that
 * reaches no console.
 *
 *   GFZM9-YK8XJ-7WH6V-G5TFX
 *
 * 20 symbols of Crockford's base32: two that say for which device the code is, 17 of chance (85
 * bits), and one that checks the other 19. An order to isolate carries a salt and the digest of its
 * code, never the code:
 *
 *   SHA-256("cordon-release-code-1\n" DEVICE "\n" ACTION "\n" SALT "\n" SYMBOLS)
 *
 * SALT in base64url, SYMBOLS in upper case without dashes. None of the parts can hold a line feed,
 * so no two sets of parts have one encoding. */
#ifndef CD_RELEASE_CODE_H
#define CD_RELEASE_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "protocol/digest.h"
#include "protocol/terms.h"

#define CD_RELEASE_CODE_SYMBOLS 20u
#define CD_RELEASE_CODE_TEXT 24u       /* four groups of five, three dashes and the NUL */
#define CD_RELEASE_CODE_RANDOM 17u     /* bytes that make one; five bits of each count */
#define CD_RELEASE_CODE_INPUT_MAX 100u /* what a person may type, with spaces and dashes */

/* Canonical: upper case, no dashes. A secret: cd_wipe() it. */
typedef struct cd_release_code {
  char symbols[CD_RELEASE_CODE_SYMBOLS + 1];
} cd_release_code;

/* A code for that device out of random bytes. */
CD_MUST_USE cd_code cd_release_code_make(cd_str device,
                                         const uint8_t random[CD_RELEASE_CODE_RANDOM],
                                         cd_release_code *ret_code, cd_err *err);
/* As it is shown: "GFZM9-YK8XJ-7WH6V-G5TFX". */
void cd_release_code_format(const cd_release_code *code, char out[CD_RELEASE_CODE_TEXT]);
/* Reads what somebody heard and typed: any case, spaces and dashes anywhere, O for 0, I and L for
 * 1. The sentence of a refusal says what is wrong with the form and nothing of the code itself. */
CD_MUST_USE cd_code cd_release_code_parse(cd_str text, cd_release_code *ret_code, cd_err *err);
/* False: it was made for another device. True says nothing yet. */
CD_MUST_USE cd_code cd_release_code_is_of(const cd_release_code *code, cd_str device,
                                          bool *ret_is_of, cd_err *err);
/* The digest that the order of that action carries. `device` and `action` as they stand in orders.
 */
CD_MUST_USE cd_code cd_release_code_digest(const cd_release_code *code, cd_str device,
                                           cd_str action, const uint8_t salt[CD_CODE_SALT_SIZE],
                                           cd_digest *ret_digest, cd_err *err);

#endif
