/* A release code, as somebody typed it at a device: anybody there may. */
#include "protocol/release_code.h"

#include "fuzz_must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t salt[CD_CODE_SALT_SIZE] = {1, 2, 3};
  cd_release_code code = {0};
  cd_release_code again = {0};
  char text[CD_RELEASE_CODE_TEXT];
  cd_digest digest;
  cd_err err = {0};
  bool is_of = false;
  cd_code rc = cd_release_code_parse((cd_str){(const char *)data, size}, &code, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return 0;
  cd_release_code_format(&code, text);
  must(strlen(text) == CD_RELEASE_CODE_TEXT - 1, "a code that is shown in another form");
  rc = cd_release_code_parse(cd_str_from(text), &again, &err);
  must(rc == CD_OK && memcmp(&code, &again, sizeof(code)) == 0, "what is shown cannot be read");
  rc = cd_release_code_is_of(&code, CD_STR("desk-1"), &is_of, &err);
  must(rc == CD_OK, "a code that is of no device");
  rc = cd_release_code_digest(&code, CD_STR("desk-1"), CD_STR("an-action"), salt, &digest, &err);
  must(rc == CD_OK, "a code without a digest");
  return 0;
}
