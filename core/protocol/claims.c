/* The claims that several signed documents share. */
#include "claims.h"

#include "protocol/base64.h"
#include "protocol/statement.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* ---- reading ---- */

void cd_claim_text(cd_json *obj, const char *key, char *out, size_t out_size)
{
  cd_str text = {0};
  cd_json_str(obj, key, out_size - 1, &text);
  if (text.len > 0)
    (void)cd_str_copy(out, out_size, text);
}

void cd_claim_opt_text(cd_json *obj, const char *key, char *out, size_t out_size)
{
  cd_str text = {0};
  if (cd_json_opt_str(obj, key, out_size - 1, &text) && text.len > 0)
    (void)cd_str_copy(out, out_size, text);
}

void cd_claim_device(cd_json *obj, const char *key, char out[CD_DEVICE_ID_MAX + 1])
{
  cd_str text = {0};
  cd_json_str(obj, key, CD_DEVICE_ID_MAX, &text);
  if (text.ptr == NULL)
    return;
  if (!cd_device_id_valid(text))
    cd_json_bad(obj, key, "must be the id of a device: 1 to %u of a-z, 0-9 and -",
                CD_DEVICE_ID_MAX);
  else
    (void)cd_str_copy(out, CD_DEVICE_ID_MAX + 1, text);
}

void cd_claim_action(cd_json *obj, const char *key, char out[CD_ID_SIZE])
{
  cd_str text = {0};
  cd_json_str(obj, key, CD_ID_SIZE - 1, &text);
  if (text.ptr == NULL)
    return;
  if (!cd_id_valid(text))
    cd_json_bad(obj, key, "must be the id of an action: a UUID in lower case");
  else
    (void)cd_str_copy(out, CD_ID_SIZE, text);
}

void cd_claim_kind(cd_json *obj, cd_order_kind *out)
{
  cd_str text = {0};
  cd_json_str(obj, "kind", CD_WORD_MAX, &text);
  if (text.ptr != NULL && !cd_order_kind_from_name(text, out))
    cd_json_bad(obj, "kind", "is '%.*s', which is no kind of order known here", CD_STR_ARG(text));
}

void cd_claim_generation(cd_json *obj, cd_order_kind kind, uint64_t *out)
{
  cd_str text = {0};
  const char *state = cd_state_name(cd_order_kind_state(kind));
  bool has = cd_json_opt_str(obj, "state", CD_WORD_MAX, &text);
  cd_json_u64(obj, "generation", CD_GENERATION_MAX, out);
  if (cd_order_kind_name(kind) == NULL)
    return; /* the kind has failed already */
  if (state == NULL && (has || *out != 0))
    cd_json_bad(obj, "state", "must be null and the generation 0 with kind %s, which has no state",
                cd_order_kind_name(kind));
  else if (state != NULL && (!has || !cd_str_eq_cstr(text, state)))
    cd_json_bad(obj, "state", "must be '%s' with kind %s", state, cd_order_kind_name(kind));
  else if (state != NULL && *out == 0)
    cd_json_bad(obj, "generation", "must be at least 1");
}

void cd_claim_time(cd_json *obj, const char *key, int64_t min, int64_t *out)
{
  cd_json_i64(obj, key, min, CD_WALL_MS_MAX, out);
}

void cd_claim_opt_time(cd_json *obj, const char *key, int64_t *out)
{
  (void)cd_json_opt_i64(obj, key, 1, CD_WALL_MS_MAX, out);
}

void cd_claim_digest(cd_json *obj, const char *key, cd_digest *out)
{
  cd_str text = {0};
  cd_json_str(obj, key, CD_DIGEST_TEXT_MAX - 1, &text);
  if (text.ptr != NULL && !cd_digest_from_text(text, out))
    cd_json_bad(obj, key, "must be 'sha256:' and 64 hex digits");
}

void cd_claim_nonce(cd_json *obj, const char *key, uint8_t out[CD_NONCE_SIZE])
{
  cd_str text = {0};
  size_t len = 0;
  cd_json_str(obj, key, CD_BASE64URL_LEN(CD_NONCE_SIZE), &text);
  if (text.ptr != NULL &&
      (!cd_base64url_decode(text, out, CD_NONCE_SIZE, &len) || len != CD_NONCE_SIZE))
    cd_json_bad(obj, key, "must be %u bytes in base64url", CD_NONCE_SIZE);
}

/* ---- writing ---- */

void cd_claim_write_generation(cd_jw *w, cd_order_kind kind, uint64_t generation)
{
  cd_jw_cstr(w, "kind", cd_order_kind_name(kind));
  cd_jw_cstr(w, "state", cd_state_name(cd_order_kind_state(kind)));
  cd_jw_u64(w, "generation", generation);
}

void cd_claim_write_opt(cd_jw *w, const char *key, const char *text)
{
  cd_jw_cstr(w, key, text[0] != '\0' ? text : NULL);
}

void cd_claim_write_time(cd_jw *w, const char *key, int64_t ms)
{
  if (ms == 0)
    cd_jw_null(w, key);
  else
    cd_jw_i64(w, key, ms);
}

void cd_claim_write_digest(cd_jw *w, const char *key, const cd_digest *digest)
{
  char text[CD_DIGEST_TEXT_MAX];
  cd_digest_text(digest, text);
  cd_jw_cstr(w, key, text);
}

void cd_claim_write_nonce(cd_jw *w, const char *key, const uint8_t nonce[CD_NONCE_SIZE])
{
  char text[CD_BASE64URL_LEN(CD_NONCE_SIZE) + 1];
  cd_base64url_text(text, nonce, CD_NONCE_SIZE);
  cd_jw_cstr(w, key, text);
}

cd_code cd_claims_keep(cd_str *first, cd_str *second, char **ret_memory, cd_err *err)
{
  char *memory = malloc(first->len + second->len + 2);
  if (memory == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the texts of a signed document");
  char *behind = memory + first->len + 1;
  if (first->len > 0)
    memcpy(memory, first->ptr, first->len);
  memory[first->len] = '\0';
  if (second->len > 0)
    memcpy(behind, second->ptr, second->len);
  behind[second->len] = '\0';
  first->ptr = memory;
  second->ptr = behind;
  *ret_memory = memory;
  return CD_OK;
}
