/* Streams: large things (a package, a file, a session's output) in pieces, one to a WebSocket
 * binary message, so that they can go on where they stopped when the connection is lost.
 *
 *   0  u8 version (1)   1  u8 flags   2  u16 reserved (0)   4  u64 stream   12  u64 offset
 *   20 data, to the end of the message
 *
 * Big-endian. Flags: 1 FIN, these are the last bytes (they may be none); 2 ABORT, the stream ends
 * here, and the data is one sentence that says why; 3, both: and it will never come. Offsets follow
 * each other without a gap or an overlap. Which stream is which, and from where on the receiver
 * wants it, is said in JSON-RPC. */
#ifndef CD_CHUNK_H
#define CD_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/limits.h"

#define CD_CHUNK_HEADER 20u
#define CD_CHUNK_MAX (CD_CHUNK_HEADER + CD_CHUNK_DATA_MAX)
#define CD_CHUNK_FIN 1u
#define CD_CHUNK_ABORT 2u
#define CD_CHUNK_GONE (CD_CHUNK_FIN | CD_CHUNK_ABORT)
#define CD_STREAM_SIZE_MAX (UINT64_C(1) << 53)

typedef struct cd_chunk {
  uint64_t stream; /* at least 1 */
  uint64_t offset; /* of the first byte of data */
  uint8_t flags;   /* CD_CHUNK_FIN, CD_CHUNK_ABORT, CD_CHUNK_GONE or 0 */
  cd_str data;     /* a view into the message; empty only with a flag */
} cd_chunk;

/* Appends one message. CD_E_INVALID or CD_E_LIMIT for what cd_chunk_read() would refuse. */
CD_MUST_USE cd_code cd_chunk_write(const cd_chunk *c, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code cd_chunk_read(cd_str message, cd_chunk *ret_chunk, cd_err *err);

/* The receiving end of one stream: it checks and counts, the data is the caller's to keep. */
typedef enum cd_stream_phase {
  CD_STREAM_OPEN = 1,
  CD_STREAM_DONE,
  CD_STREAM_ABORTED
} cd_stream_phase;

typedef struct cd_stream_in {
  uint64_t stream;
  uint64_t offset; /* of the next byte: what to ask for when the stream is resumed */
  uint64_t max;    /* bytes of the whole stream */
  cd_stream_phase phase;
} cd_stream_in;

/* `offset` is 0, or how much of the stream is kept already. */
void cd_stream_in_open(cd_stream_in *in, uint64_t stream, uint64_t offset, uint64_t max);
/* Takes the next chunk in turn. CD_OK: c->data belongs at *ret_offset, and in->phase says whether
 * more comes. CD_E_INVALID: of another stream, out of turn, or after the end; CD_E_LIMIT: more than
 * `max`; CD_E_CANCELLED: aborted, CD_E_NOTFOUND: gone, both with the sender's sentence. Nothing has
 * moved after a refusal. */
CD_MUST_USE cd_code cd_stream_in_take(cd_stream_in *in, const cd_chunk *c, uint64_t *ret_offset,
                                      cd_err *err);

#endif
