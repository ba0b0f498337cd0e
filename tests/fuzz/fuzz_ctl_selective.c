/* Any text as a file of exclusions: refused with a sentence, or an array of at least one object. */
#include "base/json.h"
#include "base/limits.h"
#include "fuzz_must.h"
#include "selective.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_code rc = ctl_selective_parse((cd_str){(const char *)data, size}, "the file", &out, &err);
  must_explain(rc, &err);
  if (rc == CD_OK) {
    rc = cd_json_parse(cd_buf_view(&out), CD_FRAME_PAYLOAD_MAX, "the exclusions", &doc, &err);
    must(rc == CD_OK && out.ptr[0] == '[', "exclusions that are no array");
  }
  cd_json_free(doc);
  cd_buf_release(&out);
  return 0;
}
