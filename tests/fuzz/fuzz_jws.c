/* Any text as a signed document of each kind: only what the key has signed is taken, and it has a
 * digest. The seeds are signed with the private half of RFC 7515's key, appendix A.3. */
#include "protocol/base64.h"
#include "protocol/jws.h"
#include "protocol/limits.h"
#include "protocol/order.h"
#include "protocol/statement.h"

#include "fuzz_must.h"

static cd_public_key key_of_the_seeds(void)
{
  uint8_t point[CD_KEY_POINT_SIZE] = {4};
  size_t len = 0;
  cd_public_key key = {0};
  cd_err err = {0};
  must(cd_base64url_decode(CD_STR("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), point + 1, 32,
                           &len),
       "x");
  must(cd_base64url_decode(CD_STR("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"), point + 33, 32,
                           &len),
       "y");
  must(cd_public_key_from_point(point, &key, &err) == CD_OK, "the key");
  return key;
}

static void verify(const cd_jws_kind *kind, cd_str jws, const cd_public_key *key)
{
  cd_err err = {0};
  cd_digest digest;
  cd_buf payload = CD_BUF_INIT(kind->payload_max);
  cd_code rc = cd_jws_verify(kind, jws, key, &payload, &err);
  must_explain(rc, &err);
  must((rc == CD_OK) == (payload.len > 0), "a payload of what was refused");
  if (rc == CD_OK)
    must(cd_jws_digest(jws, &digest, &err) == CD_OK, "no digest of what is good");
  cd_buf_release(&payload);
}

/* By its digest: the payload of that document and of no other, whoever signed it. */
static void open_one(const cd_jws_kind *kind, cd_str jws)
{
  cd_err err = {0};
  cd_digest digest;
  cd_buf peeked = CD_BUF_INIT(kind->payload_max);
  cd_buf opened = CD_BUF_INIT(kind->payload_max);
  cd_code rc = cd_jws_peek(kind, jws, &peeked, &err);
  must_explain(rc, &err);
  if (cd_jws_digest(jws, &digest, &err) == CD_OK) {
    must((cd_jws_open(kind, jws, &digest, &opened, &err) == CD_OK) == (rc == CD_OK),
         "opened what cannot be read, or the reverse");
    must(cd_str_eq(cd_buf_view(&opened), cd_buf_view(&peeked)), "another payload");
    digest.bytes[0] ^= 1;
    cd_buf_reset(&opened);
    must(cd_jws_open(kind, jws, &digest, &opened, &err) != CD_OK && opened.len == 0,
         "opened by another digest");
  }
  cd_buf_release(&peeked);
  cd_buf_release(&opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static cd_public_key key;
  cd_str text = {(const char *)data, size};
  if (key.point[0] == 0)
    key = key_of_the_seeds();
  verify(&cd_jws_order, text, &key);
  verify(&cd_jws_result, text, &key);
  verify(&cd_jws_report, text, &key);
  verify(&cd_jws_statement, text, &key);
  verify(&cd_jws_mark, text, &key);
  open_one(&cd_jws_order, text);
  open_one(&cd_jws_result, text);
  return 0;
}
