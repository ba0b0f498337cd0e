/* The codec of local frames. The decoder keeps what was fed in one buffer and hands out views into
 * it; bytes that were handed out are moved away only when new ones come, so that a burst of small
 * frames costs one move and not one each. */
#include "ipc/frame.h"

#include "base/limits.h"

#include <string.h>

#include "base/banned.h"

/* A buffer that grew for a large frame is given back once it is empty: an idle link holds little.
 */
#define IDLE_BUFFER_MAX (16u * 1024u)

static uint32_t read_u32(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void write_u32(uint8_t *p, uint32_t v)
{
  p[0] = (uint8_t)(v >> 24);
  p[1] = (uint8_t)(v >> 16);
  p[2] = (uint8_t)(v >> 8);
  p[3] = (uint8_t)v;
}

void ipc_decoder_init(ipc_decoder *d, uint32_t payload_max)
{
  *d = (ipc_decoder){
      .payload_max = payload_max < CD_FRAME_PAYLOAD_MAX ? payload_max : CD_FRAME_PAYLOAD_MAX,
  };
  cd_buf_init(&d->buf, (size_t)IPC_FRAME_HEADER + d->payload_max + IPC_FEED_MAX);
}

void ipc_decoder_release(ipc_decoder *d)
{
  cd_buf_release(&d->buf);
  d->consumed = 0;
}

size_t ipc_decoder_pending(const ipc_decoder *d)
{
  return d->buf.len - d->consumed;
}

/* Forgets the bytes that were handed out. */
static void drop_consumed(ipc_decoder *d)
{
  if (d->consumed == 0)
    return;
  if (d->consumed < d->buf.len)
    cd_buf_drop_front(&d->buf, d->consumed);
  else if (d->buf.cap > IDLE_BUFFER_MAX)
    cd_buf_release(&d->buf);
  else
    cd_buf_reset(&d->buf);
  d->consumed = 0;
}

static cd_code decoder_fail(ipc_decoder *d, cd_code code)
{
  d->failed = code;
  cd_buf_release(&d->buf);
  d->consumed = 0;
  return code;
}

cd_code ipc_decoder_feed(ipc_decoder *d, const void *bytes, size_t len, cd_err *err)
{
  if (d->failed != CD_OK)
    return cd_fail(err, d->failed, "frames: nothing is read after a malformed frame");
  drop_consumed(d);
  if (len == 0)
    return CD_OK;
  cd_buf_add(&d->buf, bytes, len);
  cd_code rc = cd_buf_status(&d->buf, "frames that were not taken out", err);
  if (rc != CD_OK)
    return decoder_fail(d, rc);
  return CD_OK;
}

/* Checks a header and tells the length of its payload. */
static cd_code check_header(const ipc_decoder *d, const uint8_t *h, uint32_t *ret_length,
                            cd_err *err)
{
  uint32_t magic = read_u32(h);
  if (magic != IPC_FRAME_MAGIC)
    return cd_fail(err, CD_E_INVALID, "frame: it begins with 0x%08x instead of 0x%08x", magic,
                   IPC_FRAME_MAGIC);
  if (h[5] != 0 || h[6] != 0 || h[7] != 0)
    return cd_fail(err, CD_E_INVALID, "frame of type %u: its flags and reserved bytes are not 0",
                   h[4]);
  uint32_t length = read_u32(h + 16);
  if (length > d->payload_max)
    return cd_fail(err, CD_E_LIMIT, "frame of type %u: its payload is %u bytes, the limit is %u",
                   h[4], length, d->payload_max);
  *ret_length = length;
  return CD_OK;
}

cd_code ipc_decoder_next(ipc_decoder *d, ipc_frame *ret_frame, cd_err *err)
{
  if (d->failed != CD_OK)
    return cd_fail(err, d->failed, "frames: nothing is read after a malformed frame");
  size_t pending = ipc_decoder_pending(d);
  if (pending < IPC_FRAME_HEADER) {
    /* The last frame's view has ended with this call. */
    if (pending == 0)
      drop_consumed(d);
    return CD_E_NOTFOUND;
  }
  const uint8_t *h = (const uint8_t *)d->buf.ptr + d->consumed;
  uint32_t length = 0;
  cd_code rc = check_header(d, h, &length, err);
  if (rc != CD_OK)
    return decoder_fail(d, rc);
  if (pending - IPC_FRAME_HEADER < length)
    return CD_E_NOTFOUND;
  *ret_frame = (ipc_frame){
      .type = h[4],
      .op = (uint64_t)read_u32(h + 8) << 32 | read_u32(h + 12),
      .payload = {.ptr = (const char *)h + IPC_FRAME_HEADER, .len = length},
  };
  d->consumed += IPC_FRAME_HEADER + (size_t)length;
  return CD_OK;
}

void ipc_frame_header(uint8_t out[IPC_FRAME_HEADER], uint8_t type, uint64_t op, uint32_t length)
{
  memset(out, 0, IPC_FRAME_HEADER);
  write_u32(out, IPC_FRAME_MAGIC);
  out[4] = type;
  write_u32(out + 8, (uint32_t)(op >> 32));
  write_u32(out + 12, (uint32_t)op);
  write_u32(out + 16, length);
}
