/* What `cordon` makes of an answer. The first byte chooses what was asked and how it is shown, the
 * rest is the answer's payload. Whatever the payload holds, the text must be safe for a terminal,
 * and an exit code must come out. */
#include "response.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
  if (!fact)
    abort();
}

/* Without colour no control character but the newline comes out; and it is UTF-8. */
static void check_text(const cd_buf *out)
{
  require(cd_str_utf8_valid(cd_buf_view(out)));
  for (size_t i = 0; i < out->len; i++)
    require((unsigned char)out->ptr[i] >= ' ' || out->ptr[i] == '\n');
}

/* One document that reads back, on one line. */
static void check_json(const cd_buf *out)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  require(out->len > 1 && out->ptr[out->len - 1] == '\n');
  require(cd_json_parse((cd_str){out->ptr, out->len - 1}, CTL_OUTPUT_MAX, "it", &doc, &err) ==
          CD_OK);
  cd_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  unsigned choice = data[0];
  ctl_view view = {
      .kind = (ctl_kind)(choice % CTL_KIND_COUNT),
      .json = (choice / CTL_KIND_COUNT) % 2 == 1,
      .style = {.colour = (choice / CTL_KIND_COUNT / 2) % 2 == 1, .now_ms = 1795493300000}};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err why = {0};
  ctl_exit code = CTL_EXIT_FAILED;
  cd_code rc =
      ctl_response_render(&view, (cd_str){(const char *)data + 1, size - 1}, &out, &code, &why);
  require(code >= CTL_EXIT_DONE && code <= CTL_EXIT_UNPROVEN);
  require(rc == CD_OK || code != CTL_EXIT_DONE);
  require(code == CTL_EXIT_DONE || why.text[0] != '\0');
  if (rc == CD_OK && view.json)
    check_json(&out);
  if (rc == CD_OK && !view.style.colour)
    check_text(&out);
  cd_buf_release(&out);
  return 0;
}
