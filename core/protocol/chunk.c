/* Stream chunks: header and order. */
#include "protocol/chunk.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

#define CHUNK_VERSION 1u

static void put_u64(uint8_t out[8], uint64_t v)
{
  for (unsigned i = 0; i < 8; i++)
    out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t in[8])
{
  uint64_t v = 0;
  for (unsigned i = 0; i < 8; i++)
    v = v << 8 | in[i];
  return v;
}

static cd_code check(const cd_chunk *c, cd_err *err)
{
  if (c->stream == 0)
    return cd_fail(err, CD_E_INVALID, "the chunk has the stream 0, which there is not");
  if (c->flags > CD_CHUNK_GONE)
    return cd_fail(err, CD_E_INVALID, "the chunk of stream %" PRIu64 " has unknown flags 0x%02x",
                   c->stream, c->flags);
  if (c->data.len == 0 && c->flags == 0)
    return cd_fail(err, CD_E_INVALID, "the chunk of stream %" PRIu64 " carries nothing", c->stream);
  if (c->data.len > CD_CHUNK_DATA_MAX)
    return cd_fail(err, CD_E_LIMIT,
                   "the chunk of stream %" PRIu64 " has %zu bytes of data, the limit is %u",
                   c->stream, c->data.len, CD_CHUNK_DATA_MAX);
  if (c->offset > CD_STREAM_SIZE_MAX || c->data.len > CD_STREAM_SIZE_MAX - c->offset)
    return cd_fail(err, CD_E_LIMIT,
                   "the chunk of stream %" PRIu64 " ends beyond the largest stream, 2^53 bytes",
                   c->stream);
  return CD_OK;
}

cd_code cd_chunk_write(const cd_chunk *c, cd_buf *out, cd_err *err)
{
  uint8_t header[CD_CHUNK_HEADER] = {CHUNK_VERSION, c->flags};
  cd_code rc = check(c, err);
  if (rc != CD_OK)
    return rc;
  put_u64(header + 4, c->stream);
  put_u64(header + 12, c->offset);
  cd_buf_add(out, header, sizeof(header));
  cd_buf_add_str(out, c->data);
  return cd_buf_status(out, "the chunk", err);
}

cd_code cd_chunk_read(cd_str message, cd_chunk *ret_chunk, cd_err *err)
{
  if (message.len < CD_CHUNK_HEADER)
    return cd_fail(err, CD_E_INVALID, "the binary message has %zu bytes, a chunk's header has %u",
                   message.len, CD_CHUNK_HEADER);
  uint8_t header[CD_CHUNK_HEADER];
  memcpy(header, message.ptr, sizeof(header));
  if (header[0] != CHUNK_VERSION)
    return cd_fail(err, CD_E_INVALID, "the chunk has the version %u, only %u is known", header[0],
                   CHUNK_VERSION);
  if (header[2] != 0 || header[3] != 0)
    return cd_fail(err, CD_E_INVALID, "the chunk has reserved bits set");
  cd_chunk c = {.stream = get_u64(header + 4),
                .offset = get_u64(header + 12),
                .flags = header[1],
                .data = {message.ptr + CD_CHUNK_HEADER, message.len - CD_CHUNK_HEADER}};
  cd_code rc = check(&c, err);
  if (rc == CD_OK)
    *ret_chunk = c;
  return rc;
}

void cd_stream_in_open(cd_stream_in *in, uint64_t stream, uint64_t offset, uint64_t max)
{
  *in = (cd_stream_in){.stream = stream, .offset = offset, .max = max, .phase = CD_STREAM_OPEN};
}

/* The sender's words, as far as they can stand in a sentence. */
static cd_code aborted(cd_stream_in *in, const cd_chunk *c, cd_err *err)
{
  cd_code code = c->flags == CD_CHUNK_GONE ? CD_E_NOTFOUND : CD_E_CANCELLED;
  in->phase = CD_STREAM_ABORTED;
  if (c->data.len == 0 || !cd_str_utf8_valid(c->data))
    return cd_fail(err, code, "the sender ended stream %" PRIu64 " without a reason", in->stream);
  size_t shown = cd_str_utf8_cut(c->data, 400);
  return cd_fail(err, code, "the sender ended stream %" PRIu64 ": %.*s", in->stream, (int)shown,
                 c->data.ptr);
}

cd_code cd_stream_in_take(cd_stream_in *in, const cd_chunk *c, uint64_t *ret_offset, cd_err *err)
{
  if (c->stream != in->stream)
    return cd_fail(err, CD_E_INVALID,
                   "the chunk is of stream %" PRIu64 ", this one is stream %" PRIu64, c->stream,
                   in->stream);
  if (in->phase != CD_STREAM_OPEN)
    return cd_fail(err, CD_E_INVALID, "stream %" PRIu64 " has ended, and another chunk came",
                   in->stream);
  if ((c->flags & CD_CHUNK_ABORT) != 0)
    return aborted(in, c, err);
  if (c->offset != in->offset)
    return cd_fail(err, CD_E_INVALID,
                   "the chunk of stream %" PRIu64 " begins at byte %" PRIu64 ", and %" PRIu64
                   " is next",
                   in->stream, c->offset, in->offset);
  if (in->offset > in->max || c->data.len > in->max - in->offset)
    return cd_fail(err, CD_E_LIMIT,
                   "stream %" PRIu64 " is longer than its limit of %" PRIu64 " bytes", in->stream,
                   in->max);
  *ret_offset = in->offset;
  in->offset += c->data.len;
  if (c->flags == CD_CHUNK_FIN)
    in->phase = CD_STREAM_DONE;
  return CD_OK;
}
