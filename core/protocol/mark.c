/* High-water marks, exchanged at connect. */
#include "protocol/mark.h"

#include "base/json.h"
#include "claims.h"
#include "payload.h"

#include "base/banned.h"

static const char *const from_names[] = {NULL, "device", "console", NULL};

static void write_mark(const cd_mark *m, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "from", (unsigned)m->from <= CD_MARK_FROM_CONSOLE ? from_names[m->from] : NULL);
  cd_jw_cstr(w, "device", m->device);
  cd_claim_write_nonce(w, "nonce", m->nonce);
  cd_jw_i64(w, "at", m->at_ms);
  cd_jw_u64(w, "key_generation", m->key_generation);
  cd_jw_arr(w, "states");
  for (int i = 1; i < CD_STATE_COUNT; i++) {
    cd_jw_obj(w, NULL);
    cd_jw_cstr(w, "state", cd_state_name((cd_state)i));
    cd_jw_u64(w, "generation", m->generations[i]);
    cd_jw_end_obj(w);
  }
  cd_jw_end_arr(w);
  cd_jw_end_obj(w);
}

static void read_states(cd_json *root, cd_mark *out)
{
  cd_json list = {0};
  bool there[CD_STATE_COUNT] = {false};
  cd_json_arr(root, "states", CD_STATE_COUNT - 1, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json one = {0};
    cd_str name = {0};
    cd_state state = CD_STATE_NONE;
    cd_json_at_obj(&list, i, &one);
    cd_json_str(&one, "state", CD_WORD_MAX, &name);
    if (name.ptr != NULL && !cd_state_from_name(name, &state))
      cd_json_bad(&one, "state", "is '%.*s', which is no state known here", CD_STR_ARG(name));
    if (there[state])
      cd_json_bad(&one, "state", "is there twice");
    there[state] = true;
    cd_json_u64(&one, "generation", CD_GENERATION_MAX, &out->generations[state]);
    cd_json_no_more(&one);
  }
}

static void read_mark(cd_json *root, cd_mark *out)
{
  int from = 0;
  cd_json_enum(root, "from", from_names + 1, &from);
  out->from = (cd_mark_from)(from + 1);
  cd_claim_device(root, "device", out->device);
  cd_claim_nonce(root, "nonce", out->nonce);
  cd_claim_time(root, "at", 0, &out->at_ms);
  cd_json_u64(root, "key_generation", CD_GENERATION_MAX, &out->key_generation);
  read_states(root, out);
  cd_json_no_more(root);
}

cd_code cd_mark_read(cd_str payload, cd_mark *ret_mark, cd_err *err)
{
  cd_mark x = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CD_MARK_PAYLOAD_MAX, cd_jws_mark.noun, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  read_mark(&root, &x);
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK)
    *ret_mark = x;
  return rc;
}

cd_code cd_mark_sign(const cd_mark *m, const cd_key *key, const cd_random *random, cd_buf *out,
                     cd_err *err)
{
  cd_jw w;
  cd_mark back;
  cd_buf payload = CD_BUF_INIT(CD_MARK_PAYLOAD_MAX);
  cd_jw_init(&w, &payload);
  write_mark(m, &w);
  cd_code rc = cd_jw_done(&w, cd_jws_mark.noun, err);
  if (rc == CD_OK)
    rc = cd_mark_read(cd_buf_view(&payload), &back, err);
  if (rc == CD_OK)
    rc = cd_jws_sign(&cd_jws_mark, cd_buf_view(&payload), key, random, out, err);
  cd_buf_release(&payload);
  return rc;
}

cd_code cd_mark_verify(cd_str jws, const cd_public_key *key, cd_mark_from from, cd_str device,
                       const uint8_t nonce[CD_NONCE_SIZE], cd_mark *ret_mark, cd_err *err)
{
  cd_mark m = {0};
  cd_buf payload = CD_BUF_INIT(CD_MARK_PAYLOAD_MAX);
  cd_code rc = cd_jws_verify(&cd_jws_mark, jws, key, &payload, err);
  if (rc == CD_OK)
    rc = cd_mark_read(cd_buf_view(&payload), &m, err);
  cd_buf_release(&payload);
  if (rc != CD_OK)
    return rc;
  if (m.from != from)
    return cd_fail(err, CD_E_DENIED, "the mark is one from the %s, not from the %s",
                   from_names[m.from], from_names[from]);
  if (!cd_str_eq_cstr(device, m.device))
    return cd_fail(err, CD_E_DENIED, "the mark is about the device %s, not about %.*s", m.device,
                   CD_STR_ARG(device));
  if (!cd_equal_constant_time(m.nonce, nonce, CD_NONCE_SIZE))
    return cd_fail(err, CD_E_CONFLICT, "the mark is of another connection");
  *ret_mark = m;
  return CD_OK;
}
