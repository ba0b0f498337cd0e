/* Frames between our processes on one machine. Pure functions over bytes; link.h puts them on a
 * pipe.
 *
 * A frame is a header of 20 bytes, big-endian, and a payload:
 *   0  u32 magic "CDN1"   4  u8 type   5  u8 flags (0)   6  u16 reserved (0)   8  u64 op   16  u32
 * length length is at most CD_FRAME_PAYLOAD_MAX. A decoder that met a malformed header stays
 * failed. */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define IPC_FRAME_MAGIC 0x43444e31u
#define IPC_FRAME_HEADER 20u
/* So many bytes may be fed at once to a decoder from which all whole frames were taken. */
#define IPC_FEED_MAX (1024u * 1024u)

typedef struct ipc_frame {
  uint8_t type;   /* ipc/message.h */
  uint64_t op;    /* the operation it belongs to; 0: none */
  cd_str payload; /* valid until the next call on the decoder */
} ipc_frame;

typedef struct ipc_decoder {
  cd_buf buf;
  size_t consumed; /* bytes at the front of buf that were handed out */
  uint32_t payload_max;
  cd_code failed;
} ipc_decoder;

/* payload_max: at most CD_FRAME_PAYLOAD_MAX; smaller for peers that are trusted less. */
void ipc_decoder_init(ipc_decoder *d, uint32_t payload_max);
void ipc_decoder_release(ipc_decoder *d);
/* Takes bytes as they come. Fails when there is no memory, when the decoder failed before, or when
 * frames are never taken out (CD_E_LIMIT). A feed of at most IPC_FEED_MAX after a next that wanted
 * more always fits. */
CD_MUST_USE cd_code ipc_decoder_feed(ipc_decoder *d, const void *bytes, size_t len, cd_err *err);
/* The next whole frame: CD_OK and *ret_frame; CD_E_NOTFOUND when more bytes are needed (no
 * sentence); CD_E_INVALID or CD_E_LIMIT for a malformed one, from then on always. */
CD_MUST_USE cd_code ipc_decoder_next(ipc_decoder *d, ipc_frame *ret_frame, cd_err *err);

/* Bytes of a frame that has not ended yet, or of frames that were not taken out: not 0 at the end
 * of a stream means it was cut. */
size_t ipc_decoder_pending(const ipc_decoder *d);

/* Writes the header for a payload of `length` bytes. */
void ipc_frame_header(uint8_t out[IPC_FRAME_HEADER], uint8_t type, uint64_t op, uint32_t length);

#endif
