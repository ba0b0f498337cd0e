/* The WebSocket decoder: bytes, cut anywhere, to messages (RFC 6455, section 5). */
#include "protocol/ws.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

/* An empty body that keeps more memory than this gives it back: most messages are small. */
#define BODY_KEPT (16u * 1024u)

void cd_ws_decoder_init(cd_ws_decoder *d, cd_ws_role role, size_t message_max)
{
  *d = (cd_ws_decoder){.role = role, .head_need = 2, .body = CD_BUF_INIT(message_max)};
}

void cd_ws_decoder_release(cd_ws_decoder *d)
{
  cd_buf_release(&d->body);
}

uint16_t cd_ws_decoder_close_code(const cd_ws_decoder *d)
{
  return d->failed != CD_OK ? d->close_code : 0;
}

bool cd_ws_decoder_pending(const cd_ws_decoder *d)
{
  return d->head_len > 0 || d->in_payload || d->message != CD_WS_CONTINUATION;
}

bool cd_ws_close_code_valid(uint16_t code)
{
  if (code >= 3000 && code <= 4999)
    return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

/* ---- failures: each ends the decoder ---- */

static void broken(cd_ws_decoder *d, uint16_t close_code)
{
  d->failed = close_code == CD_WS_CLOSE_TOO_BIG    ? CD_E_LIMIT
              : close_code == CD_WS_CLOSE_INTERNAL ? CD_E_INTERNAL
                                                   : CD_E_INVALID;
  d->close_code = close_code;
  cd_buf_release(&d->body);
}

static cd_code protocol_error(cd_ws_decoder *d, cd_err *err, const char *why)
{
  broken(d, CD_WS_CLOSE_PROTOCOL_ERROR);
  return cd_fail(err, CD_E_INVALID, "the WebSocket peer broke the protocol: %s", why);
}

static cd_code not_utf8(cd_ws_decoder *d, cd_err *err, const char *what)
{
  broken(d, CD_WS_CLOSE_BAD_DATA);
  return cd_fail(err, CD_E_INVALID, "the WebSocket peer sent a %s that is not UTF-8", what);
}

static cd_code body_failed(cd_ws_decoder *d, cd_err *err)
{
  broken(d, CD_WS_CLOSE_INTERNAL);
  return cd_fail(err, CD_E_INTERNAL, "no memory for a WebSocket message");
}

/* ---- UTF-8 that may be cut between any two bytes ---- */

static bool utf8_lead(cd_ws_decoder *d, uint8_t c)
{
  d->utf8_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  d->utf8_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  d->utf8_need = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
  return c >= 0xc2 && c <= 0xf4;
}

static bool utf8_take(cd_ws_decoder *d, const uint8_t *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    uint8_t c = bytes[i];
    if (d->utf8_need == 0) {
      if (c >= 0x80 && !utf8_lead(d, c))
        return false;
      continue;
    }
    if (c < d->utf8_low || c > d->utf8_high)
      return false;
    d->utf8_low = 0x80;
    d->utf8_high = 0xbf;
    d->utf8_need--;
  }
  return true;
}

/* ---- the header ---- */

static bool is_control(unsigned opcode)
{
  return opcode >= CD_WS_CLOSE;
}

/* The first two bytes say how long the header is, and most of what can be wrong with it. */
static cd_code check_first_two(cd_ws_decoder *d, cd_err *err)
{
  unsigned opcode = d->head[0] & 0x0f;
  bool fin = (d->head[0] & 0x80) != 0;
  bool masked = (d->head[1] & 0x80) != 0;
  unsigned len = d->head[1] & 0x7f;
  if ((d->head[0] & 0x70) != 0)
    return protocol_error(d, err, "a reserved bit is set, and no extension was agreed on");
  if (opcode > CD_WS_PONG || (opcode > CD_WS_BINARY && opcode < CD_WS_CLOSE))
    return protocol_error(d, err, "an opcode that there is not");
  if (masked && d->role == CD_WS_CLIENT)
    return protocol_error(d, err, "a server's frame is masked");
  if (!masked && d->role == CD_WS_SERVER)
    return protocol_error(d, err, "a client's frame is not masked");
  if (is_control(opcode)) {
    if (!fin)
      return protocol_error(d, err, "a control frame is fragmented");
    if (len > CD_WS_CONTROL_MAX)
      return protocol_error(d, err, "a control frame is longer than 125 bytes");
  } else if (opcode == CD_WS_CONTINUATION && d->message == CD_WS_CONTINUATION) {
    return protocol_error(d, err, "a continuation of no message");
  } else if (opcode != CD_WS_CONTINUATION && d->message != CD_WS_CONTINUATION) {
    return protocol_error(d, err, "a message within an unfinished message");
  }
  d->head_need = (uint8_t)(2 + (len == 126 ? 2 : len == 127 ? 8 : 0) + (masked ? 4 : 0));
  return CD_OK;
}

static cd_code frame_length(cd_ws_decoder *d, uint64_t *ret_len, cd_err *err)
{
  unsigned len = d->head[1] & 0x7f;
  unsigned bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
  uint64_t v = bytes == 0 ? len : 0;
  for (unsigned i = 0; i < bytes; i++)
    v = v << 8 | d->head[2 + i];
  if (v >> 63 != 0)
    return protocol_error(d, err, "a length has its highest bit set");
  if ((bytes == 2 && v < 126) || (bytes == 8 && v < 65536))
    return protocol_error(d, err, "a length is not in its shortest form");
  *ret_len = v;
  return CD_OK;
}

/* The whole header is there: what comes is known. */
static cd_code begin_frame(cd_ws_decoder *d, cd_err *err)
{
  unsigned opcode = d->head[0] & 0x0f;
  cd_code rc = frame_length(d, &d->left, err);
  if (rc != CD_OK)
    return rc;
  d->mask_at = 0;
  d->in_payload = true;
  if (is_control(opcode)) {
    d->control_len = 0;
    return CD_OK;
  }
  if (opcode != CD_WS_CONTINUATION) {
    d->message = (cd_ws_opcode)opcode;
    d->utf8_need = 0;
  }
  if (d->left > d->body.max - d->body.len) {
    uint64_t len = d->left;
    size_t max = d->body.max;
    broken(d, CD_WS_CLOSE_TOO_BIG);
    return cd_fail(err, CD_E_LIMIT,
                   "the WebSocket peer sent a message with a frame of %" PRIu64
                   " bytes, the limit of a message is %zu",
                   len, max);
  }
  return CD_OK;
}

/* CD_E_NOTFOUND as long as bytes of the header are missing. */
static cd_code take_header(cd_ws_decoder *d, cd_str *input, cd_err *err)
{
  while (input->len > 0 && d->head_len < d->head_need) {
    d->head[d->head_len++] = (uint8_t)input->ptr[0];
    *input = (cd_str){input->ptr + 1, input->len - 1};
    if (d->head_len == 2) {
      cd_code rc = check_first_two(d, err);
      if (rc != CD_OK)
        return rc;
    }
  }
  return d->head_len < d->head_need ? CD_E_NOTFOUND : begin_frame(d, err);
}

/* ---- the payload ---- */

/* Copies with the mask taken off; the mask is the last four bytes of the header. */
static void unmask(cd_ws_decoder *d, uint8_t *out, const char *in, size_t len)
{
  const uint8_t *mask = d->head + d->head_need - CD_WS_MASK_SIZE;
  if (d->role == CD_WS_CLIENT) {
    memcpy(out, in, len);
    return;
  }
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)((uint8_t)in[i] ^ mask[(d->mask_at + i) % CD_WS_MASK_SIZE]);
  d->mask_at = (uint32_t)((d->mask_at + len) % CD_WS_MASK_SIZE);
}

static cd_code add_to_body(cd_ws_decoder *d, const char *in, size_t len, cd_err *err)
{
  uint8_t plain[1024];
  while (len > 0) {
    size_t n = len < sizeof(plain) ? len : sizeof(plain);
    unmask(d, plain, in, n);
    if (d->message == CD_WS_TEXT && !utf8_take(d, plain, n))
      return not_utf8(d, err, "text message");
    cd_buf_add(&d->body, plain, n);
    if (d->body.failed != CD_OK)
      return body_failed(d, err);
    in += n;
    len -= n;
  }
  return CD_OK;
}

static cd_code take_payload(cd_ws_decoder *d, cd_str *input, cd_err *err)
{
  size_t n = input->len < d->left ? input->len : (size_t)d->left;
  cd_code rc = CD_OK;
  if (n == 0)
    return rc;
  if (is_control(d->head[0] & 0x0f)) {
    unmask(d, d->control + d->control_len, input->ptr, n);
    d->control_len = (uint8_t)(d->control_len + n);
  } else {
    rc = add_to_body(d, input->ptr, n, err);
  }
  *input = (cd_str){input->ptr + n, input->len - n};
  d->left -= n;
  return rc;
}

/* ---- the end of a frame ---- */

static cd_code end_close(cd_ws_decoder *d, cd_ws_event *ret_event, cd_err *err)
{
  cd_ws_event e = {.type = CD_WS_CLOSE, .close_code = CD_WS_CLOSE_NO_STATUS, .payload = {"", 0}};
  if (d->control_len == 1)
    return protocol_error(d, err, "a close frame holds half a close code");
  if (d->control_len >= 2) {
    e.close_code = (uint16_t)(d->control[0] << 8 | d->control[1]);
    e.payload = (cd_str){(const char *)d->control + 2, d->control_len - 2u};
    if (!cd_ws_close_code_valid(e.close_code))
      return protocol_error(d, err, "a close code that may not be sent");
    if (!cd_str_utf8_valid(e.payload))
      return not_utf8(d, err, "close reason");
  }
  d->ended = true;
  *ret_event = e;
  return CD_OK;
}

/* CD_E_NOTFOUND for a frame that ends no message. */
static cd_code end_frame(cd_ws_decoder *d, cd_ws_event *ret_event, cd_err *err)
{
  unsigned opcode = d->head[0] & 0x0f;
  bool fin = (d->head[0] & 0x80) != 0;
  d->in_payload = false;
  d->head_len = 0;
  d->head_need = 2;
  if (opcode == CD_WS_CLOSE)
    return end_close(d, ret_event, err);
  if (is_control(opcode)) {
    *ret_event = (cd_ws_event){.type = (cd_ws_opcode)opcode,
                               .payload = {(const char *)d->control, d->control_len}};
    return CD_OK;
  }
  if (!fin)
    return CD_E_NOTFOUND;
  if (d->message == CD_WS_TEXT && d->utf8_need > 0)
    return not_utf8(d, err, "text message");
  *ret_event = (cd_ws_event){.type = d->message, .payload = cd_buf_view(&d->body)};
  d->message = CD_WS_CONTINUATION;
  d->handed_out = true;
  return CD_OK;
}

static void drop_handed_out(cd_ws_decoder *d)
{
  if (d->handed_out && d->body.cap > BODY_KEPT)
    cd_buf_release(&d->body);
  else if (d->handed_out)
    cd_buf_reset(&d->body);
  d->handed_out = false;
}

cd_code cd_ws_decoder_next(cd_ws_decoder *d, cd_str *input, cd_ws_event *ret_event, cd_err *err)
{
  if (d->failed != CD_OK)
    return cd_fail(err, d->failed, "the WebSocket connection has failed already");
  drop_handed_out(d);
  cd_code rc = CD_E_NOTFOUND;
  while (rc == CD_E_NOTFOUND && !d->ended) {
    if (!d->in_payload) {
      rc = take_header(d, input, err);
      if (rc != CD_OK)
        return rc;
    }
    rc = take_payload(d, input, err);
    if (rc != CD_OK)
      return rc;
    if (d->left > 0)
      return CD_E_NOTFOUND;
    rc = end_frame(d, ret_event, err);
  }
  if (rc == CD_E_NOTFOUND)
    *input = (cd_str){"", 0};
  return rc;
}
