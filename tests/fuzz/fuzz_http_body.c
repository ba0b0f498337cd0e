/* A whole HTTP answer, head and body, at once and byte by byte: both say the same, and no more is
 * kept than may be. */
#include "http_body.h"

#include "fuzz_must.h"

#define BODY_MAX 1000u

typedef struct outcome {
  cd_code rc;
  size_t used;
  net_body body;
} outcome;

static void must_say(cd_code rc, const cd_err *err)
{
  if (rc != CD_E_NOTFOUND)
    must_explain(rc, err);
}

static outcome read_body(const cd_http_head *head, cd_str input, size_t step)
{
  outcome o = {.rc = CD_OK};
  cd_err err = {0};
  o.rc = net_body_begin(&o.body, head, BODY_MAX, &err);
  must_say(o.rc, &err);
  if (o.rc == CD_OK)
    o.rc = CD_E_NOTFOUND;
  while (o.rc == CD_E_NOTFOUND && o.used < input.len) {
    size_t n = input.len - o.used < step ? input.len - o.used : step;
    cd_str piece = {input.ptr + o.used, n};
    o.rc = net_body_take(&o.body, &piece, &err);
    must_say(o.rc, &err);
    o.used += n - piece.len;
    must(o.rc != CD_E_NOTFOUND || piece.len == 0, "not all was read");
  }
  must(o.body.bytes.len <= BODY_MAX, "more than may be was kept");
  return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static cd_http_head head;
  cd_err err = {0};
  cd_str input = {(const char *)data, size};
  cd_http_head_init(&head);
  if (cd_http_head_take(&head, "the server", &input, &err) == CD_OK) {
    outcome whole = read_body(&head, input, SIZE_MAX);
    outcome slow = read_body(&head, input, 1);
    must(whole.rc == slow.rc, "another outcome byte by byte");
    if (whole.rc == CD_OK || whole.rc == CD_E_NOTFOUND)
      must(whole.used == slow.used &&
               cd_str_eq(cd_buf_view(&whole.body.bytes), cd_buf_view(&slow.body.bytes)),
           "another body byte by byte");
    must(net_body_end(&whole.body, &err) == net_body_end(&slow.body, &err), "another end");
    net_body_release(&whole.body);
    net_body_release(&slow.body);
  }
  cd_http_head_release(&head);
  return 0;
}
