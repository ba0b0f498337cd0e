/* The head of an HTTP answer, whole and byte by byte: both say the same; whatever it is, it can be
 * judged as a console's and as a proxy's. */
#include "protocol/http_head.h"
#include "protocol/proxy.h"
#include "protocol/ws_handshake.h"

#include "fuzz_must.h"

#include <string.h>

static cd_code take(cd_http_head *h, cd_str input, size_t step, size_t *ret_used, cd_err *err)
{
  cd_code rc = CD_E_NOTFOUND;
  size_t at = 0;
  while (rc == CD_E_NOTFOUND && at < input.len) {
    cd_str piece = {input.ptr + at, input.len - at < step ? input.len - at : step};
    size_t before = piece.len;
    rc = cd_http_head_take(h, "the peer", &piece, err);
    at += before - piece.len;
  }
  *ret_used = at;
  return rc;
}

static void judge(const cd_http_head *h)
{
  const cd_ws_request request = {.host = CD_STR("c"),
                                 .port = 443,
                                 .path = CD_STR("/"),
                                 .key = CD_STR("dGhlIHNhbXBsZSBub25jZQ=="),
                                 .protocol = CD_STR("cordon.v1")};
  const cd_proxy_request proxy = {.host = CD_STR("c"), .port = 443};
  char status[CD_HTTP_STATUS_TEXT_MAX];
  cd_err err = {0};
  must_explain(cd_ws_response_check(h, &request, &err), &err);
  err = (cd_err){0};
  must_explain(cd_proxy_response_check(h, &proxy, &err), &err);
  must(cd_http_head_retry_after_s(h) <= CD_RETRY_AFTER_MAX_S, "too patient");
  cd_http_head_status_text(h, status);
  for (size_t i = 0; status[i] != '\0'; i++)
    must(status[i] >= 0x20 && status[i] <= 0x7e, "an unprintable status");
  for (unsigned i = 0; i < h->field_count; i++)
    must(h->fields[i].name.len > 0, "a field without a name");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static cd_http_head whole;
  static cd_http_head slow;
  cd_err err = {0};
  size_t used = 0;
  size_t used_slow = 0;
  cd_str input = {(const char *)data, size};
  cd_http_head_init(&whole);
  cd_http_head_init(&slow);
  cd_code rc = take(&whole, input, SIZE_MAX, &used, &err);
  if (rc != CD_E_NOTFOUND)
    must_explain(rc, &err);
  must(take(&slow, input, 1, &used_slow, &err) == rc, "another outcome byte by byte");
  if (rc == CD_OK) {
    must(used == used_slow && whole.field_count == slow.field_count, "another head byte by byte");
    judge(&whole);
  }
  cd_http_head_release(&whole);
  cd_http_head_release(&slow);
  /* The same bytes as a host: what is valid cannot break a line. */
  if (cd_http_host_valid(input)) {
    cd_buf text = CD_BUF_INIT(1000);
    cd_http_authority_add(&text, input, 443);
    must(text.failed == CD_OK && strpbrk(cd_buf_cstr(&text), " \r\n/@") == NULL,
         "a host that breaks");
    cd_buf_release(&text);
  }
  return 0;
}
