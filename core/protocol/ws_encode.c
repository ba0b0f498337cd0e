/* The WebSocket encoder: one frame (RFC 6455, section 5.2). */
#include "protocol/ws.h"

#include <string.h>

#include "base/banned.h"

static size_t put_header(uint8_t out[CD_WS_FRAME_HEADER_MAX], cd_ws_opcode opcode, bool fin,
                         uint64_t len, const uint8_t *mask)
{
  unsigned bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;
  size_t n = 0;
  out[n++] = (uint8_t)((fin ? 0x80u : 0u) | (unsigned)opcode);
  out[n++] = (uint8_t)((mask != NULL ? 0x80u : 0u) | (bytes == 0   ? (unsigned)len
                                                      : bytes == 2 ? 126u
                                                                   : 127u));
  for (unsigned i = 0; i < bytes; i++)
    out[n++] = (uint8_t)(len >> (8 * (bytes - 1 - i)));
  if (mask != NULL) {
    memcpy(out + n, mask, CD_WS_MASK_SIZE);
    n += CD_WS_MASK_SIZE;
  }
  return n;
}

static void add_masked(cd_buf *out, cd_str payload, const uint8_t *mask)
{
  uint8_t block[1024]; /* a multiple of the mask's length */
  for (size_t at = 0; at < payload.len; at += sizeof(block)) {
    size_t n = payload.len - at < sizeof(block) ? payload.len - at : sizeof(block);
    for (size_t i = 0; i < n; i++)
      block[i] = (uint8_t)((uint8_t)payload.ptr[at + i] ^ mask[i % CD_WS_MASK_SIZE]);
    cd_buf_add(out, block, n);
  }
}

cd_code cd_ws_frame_add(cd_buf *out, cd_ws_opcode opcode, bool fin, cd_str payload,
                        const uint8_t *mask, cd_err *err)
{
  uint8_t header[CD_WS_FRAME_HEADER_MAX];
  if (opcode >= CD_WS_CLOSE && (!fin || payload.len > CD_WS_CONTROL_MAX))
    return cd_fail(
        err, CD_E_INVALID,
        "a WebSocket control frame of %zu bytes%s was to be sent, the limit is %u in one "
        "piece",
        payload.len, fin ? "" : " in pieces", CD_WS_CONTROL_MAX);
  cd_buf_add(out, header, put_header(header, opcode, fin, payload.len, mask));
  if (mask != NULL)
    add_masked(out, payload, mask);
  else
    cd_buf_add_str(out, payload);
  return cd_buf_status(out, "a WebSocket frame", err);
}

cd_code cd_ws_close_add(cd_buf *out, uint16_t code, cd_str reason, const uint8_t *mask, cd_err *err)
{
  char payload[CD_WS_CONTROL_MAX];
  if (code == CD_WS_CLOSE_NO_STATUS)
    return cd_ws_frame_add(out, CD_WS_CLOSE, true, (cd_str){"", 0}, mask, err);
  if (!cd_ws_close_code_valid(code))
    return cd_fail(err, CD_E_INVALID, "the WebSocket close code %u may not be sent", code);
  size_t len = cd_str_utf8_cut(reason, CD_WS_REASON_MAX);
  payload[0] = (char)(code >> 8);
  payload[1] = (char)(code & 0xff);
  if (len > 0)
    memcpy(payload + 2, reason.ptr, len);
  return cd_ws_frame_add(out, CD_WS_CLOSE, true, (cd_str){payload, len + 2}, mask, err);
}
