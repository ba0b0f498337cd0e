/* Any bytes to a decoder of either role (the first byte says which, and in what pieces): cut
 * anywhere it says the same, and what it hands out can be written and is read again. */
#include "protocol/ws.h"

#include "fuzz_must.h"

#define MESSAGE_MAX 5000u

/* What was handed out, as the frames of a server. */
static void note(const cd_ws_event *e, cd_buf *out)
{
  cd_err err = {0};
  cd_code rc = e->type == CD_WS_CLOSE ? cd_ws_close_add(out, e->close_code, e->payload, NULL, &err)
                                      : cd_ws_frame_add(out, e->type, true, e->payload, NULL, &err);
  must(rc == CD_OK, "what was read cannot be written");
  must(e->type != CD_WS_TEXT || cd_str_utf8_valid(e->payload), "a text that is not UTF-8");
  must(e->payload.len <= MESSAGE_MAX, "a message beyond the limit");
}

static cd_code decode(cd_ws_role role, cd_str input, size_t step, cd_buf *out)
{
  cd_ws_decoder d;
  cd_ws_event e = {0};
  cd_err err = {0};
  cd_code rc = CD_E_NOTFOUND;
  cd_ws_decoder_init(&d, role, MESSAGE_MAX);
  for (size_t at = 0; at < input.len && rc == CD_E_NOTFOUND; at += step) {
    cd_str piece = {input.ptr + at, input.len - at < step ? input.len - at : step};
    while ((rc = cd_ws_decoder_next(&d, &piece, &e, &err)) == CD_OK)
      note(&e, out);
    if (rc == CD_E_NOTFOUND)
      must(piece.len == 0, "bytes that were not read");
    else
      must_explain(rc, &err);
  }
  must((rc == CD_E_NOTFOUND) == (cd_ws_decoder_close_code(&d) == 0), "a failure without its code");
  cd_ws_decoder_release(&d);
  return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  cd_ws_role role = (data[0] & 1) != 0 ? CD_WS_SERVER : CD_WS_CLIENT;
  cd_str input = {(const char *)data + 1, size - 1};
  cd_buf whole = CD_BUF_INIT(SIZE_MAX);
  cd_buf cut = CD_BUF_INIT(SIZE_MAX);
  cd_buf again = CD_BUF_INIT(SIZE_MAX);
  cd_code rc = decode(role, input, SIZE_MAX - size, &whole);
  must(decode(role, input, 1 + data[0] / 2, &cut) == rc, "another outcome when cut");
  must(cd_str_eq(cd_buf_view(&whole), cd_buf_view(&cut)), "other messages when cut");
  must(decode(CD_WS_CLIENT, cd_buf_view(&whole), SIZE_MAX / 2, &again) == CD_E_NOTFOUND,
       "what was written is refused");
  must(cd_str_eq(cd_buf_view(&whole), cd_buf_view(&again)), "what was written reads differently");
  cd_buf_release(&whole);
  cd_buf_release(&cut);
  cd_buf_release(&again);
  return 0;
}
