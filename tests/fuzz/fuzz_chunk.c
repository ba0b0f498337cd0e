/* A sequence of binary messages (u16 length, bytes) to one stream: what is read writes back the
 * same, and the stream never moves but by what it took. */
#include "protocol/chunk.h"

#include "fuzz_must.h"

#define STREAM_MAX 100000u

static void one(cd_stream_in *in, cd_str message)
{
  cd_chunk c = {0};
  cd_err err = {0};
  uint64_t at = 0;
  uint64_t before = in->offset;
  cd_buf again = CD_BUF_INIT(CD_CHUNK_MAX);
  cd_code rc = cd_chunk_read(message, &c, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return;
  must(cd_chunk_write(&c, &again, &err) == CD_OK, "what was read cannot be written");
  must(cd_str_eq(cd_buf_view(&again), message), "written differently");
  cd_buf_release(&again);
  c.stream = c.stream < 3 ? in->stream : c.stream; /* else hardly any gets this far */
  rc = cd_stream_in_take(in, &c, &at, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    must(at == before && in->offset == before + c.data.len && in->offset <= STREAM_MAX,
         "the stream lost count");
  else
    must(in->offset == before, "a refused chunk moved the stream");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_stream_in in;
  cd_stream_in_open(&in, 1, 0, STREAM_MAX);
  size_t at = 0;
  while (size - at >= 2) {
    size_t len = (size_t)data[at] << 8 | data[at + 1];
    at += 2;
    if (len > size - at)
      len = size - at;
    one(&in, (cd_str){(const char *)data + at, len});
    at += len;
  }
  return 0;
}
