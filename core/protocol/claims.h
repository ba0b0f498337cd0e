/* Private to core/protocol: reading and writing the claims that several signed documents share. */
#ifndef CD_CLAIMS_H
#define CD_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/json.h"
#include "base/status.h"
#include "protocol/digest.h"
#include "protocol/jws.h"
#include "protocol/kind.h"
#include "protocol/limits.h"

/* Mandatory texts into fixed arrays; failures stick to the document. */
void cd_claim_text(cd_json *obj, const char *key, char *out, size_t out_size);
/* A text or null, which becomes the empty text. */
void cd_claim_opt_text(cd_json *obj, const char *key, char *out, size_t out_size);
void cd_claim_device(cd_json *obj, const char *key, char out[CD_DEVICE_ID_MAX + 1]);
void cd_claim_action(cd_json *obj, const char *key, char out[CD_ID_SIZE]);
void cd_claim_kind(cd_json *obj, cd_order_kind *out);
/* `state` and `generation` as they belong to the kind. */
void cd_claim_generation(cd_json *obj, cd_order_kind kind, uint64_t *out);
void cd_claim_time(cd_json *obj, const char *key, int64_t min, int64_t *out);
/* A time or null, which becomes 0. */
void cd_claim_opt_time(cd_json *obj, const char *key, int64_t *out);
void cd_claim_digest(cd_json *obj, const char *key, cd_digest *out);
void cd_claim_nonce(cd_json *obj, const char *key, uint8_t out[CD_NONCE_SIZE]);

void cd_claim_write_generation(cd_jw *w, cd_order_kind kind, uint64_t generation);
/* An empty text, and a time of 0, is null. */
void cd_claim_write_opt(cd_jw *w, const char *key, const char *text);
void cd_claim_write_time(cd_jw *w, const char *key, int64_t ms);
void cd_claim_write_digest(cd_jw *w, const char *key, const cd_digest *digest);
void cd_claim_write_nonce(cd_jw *w, const char *key, const uint8_t nonce[CD_NONCE_SIZE]);

/* Keeps copies of two texts in one allocation and turns the views into views of it. */
CD_MUST_USE cd_code cd_claims_keep(cd_str *first, cd_str *second, char **ret_memory, cd_err *err);

#endif
