/* A bearer token that this server did not make is never taken. */
#include "oauth.h"

#include "fuzz_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t key[CON_BEARER_KEY_SIZE] = {'k', 'e', 'y'};
  cd_str text = {(const char *)data, size};
  cd_str token = {0};
  con_bearer b = {0};
  cd_err err = {0};
  if (con_bearer_of_header(text, &token))
    must(token.len > 0 && token.len <= CON_BEARER_MAX, "a token without a ceiling");
  cd_code rc = con_bearer_check(key, text, 1000, &b, &err);
  must_explain(rc, &err);
  must(rc != CD_OK, "a forged token");
  return 0;
}
