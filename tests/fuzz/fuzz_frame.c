/* Bytes of a peer into the frame decoder. The first byte chooses how they are cut; whatever the
 * cuts, the same frames must come out, each within its limits, and a decoder that failed once must
 * go on failing. */
#include "ipc/frame.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
  uint64_t hash; /* of all that came out */
  size_t frames;
  cd_code failed; /* CD_OK while none was malformed */
  size_t pending;
} outcome;

static void check(int holds)
{
  if (!holds)
    abort();
}

static void mix(outcome *o, const void *bytes, size_t len)
{
  const uint8_t *p = bytes;
  for (size_t i = 0; i < len; i++)
    o->hash = (o->hash ^ p[i]) * UINT64_C(1099511628211);
}

static void take(ipc_decoder *d, outcome *o)
{
  for (;;) {
    ipc_frame f = {0};
    cd_err err = {0};
    cd_code rc = ipc_decoder_next(d, &f, &err);
    if (rc == CD_E_NOTFOUND)
      return;
    if (rc != CD_OK) {
      check(rc == CD_E_INVALID || rc == CD_E_LIMIT);
      check(err.text[0] != '\0');
      check(ipc_decoder_next(d, &f, &err) == rc);
      o->failed = rc;
      return;
    }
    check(f.payload.len <= PAYLOAD_MAX);
    uint8_t header[IPC_FRAME_HEADER];
    ipc_frame_header(header, f.type, f.op, (uint32_t)f.payload.len);
    mix(o, header, sizeof(header));
    mix(o, f.payload.ptr, f.payload.len);
    o->frames++;
  }
}

static outcome decode(const uint8_t *data, size_t size, size_t step)
{
  outcome o = {0};
  ipc_decoder d;
  cd_err err = {0};
  ipc_decoder_init(&d, PAYLOAD_MAX);
  for (size_t at = 0; at < size && o.failed == CD_OK; at += step) {
    size_t len = size - at < step ? size - at : step;
    check(ipc_decoder_feed(&d, data + at, len, &err) == CD_OK);
    take(&d, &o);
  }
  if (o.failed != CD_OK)
    check(ipc_decoder_feed(&d, data, size, &err) == o.failed);
  o.pending = ipc_decoder_pending(&d);
  ipc_decoder_release(&d);
  return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1 || size > IPC_FEED_MAX)
    return 0;
  outcome whole = decode(data + 1, size - 1, IPC_FEED_MAX);
  outcome cut = decode(data + 1, size - 1, (size_t)data[0] % 64 + 1);
  check(whole.hash == cut.hash && whole.frames == cut.frames);
  check(whole.failed == cut.failed && whole.pending == cut.pending);
  return 0;
}
