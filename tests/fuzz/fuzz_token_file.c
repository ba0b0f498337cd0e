/* The token file, which an administrator was given by somebody. */
#include "protocol/token_file.h"

#include "fuzz_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_token_file f = {0};
  cd_err err = {0};
  cd_code rc = cd_token_file_read((cd_str){(const char *)data, size}, &f, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return 0;
  must(f.enroll_count > 0 && f.agent_count > 0 && f.root.point[0] == 4, "a token for nowhere");
  cd_buf text = CD_BUF_INIT(CD_TOKEN_FILE_MAX);
  cd_token_file again = {0};
  rc = cd_token_file_write(&f, &text, &err);
  must(rc == CD_OK, "what was read cannot be written");
  rc = cd_token_file_read(cd_buf_view(&text), &again, &err);
  must(rc == CD_OK && again.agent_count == f.agent_count, "what was written cannot be read");
  cd_token_file_release(&again);
  cd_token_file_release(&f);
  cd_buf_release(&text);
  return 0;
}
