/* WebSocket frames (RFC 6455), for both ends, without extensions.
 *
 * The decoder takes bytes as they come, cut anywhere, and hands out whole messages; it holds no
 * more than one message and one control frame. What breaks the protocol ends it for good, with the
 * close code that the peer is to be told. The encoder writes one frame; the mask key is passed in.
 */
#ifndef CD_WS_H
#define CD_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* Which end this side is: a client masks what it sends and refuses masked frames, a server the
 * reverse (section 5.1). */
typedef enum cd_ws_role { CD_WS_CLIENT = 1, CD_WS_SERVER } cd_ws_role;

typedef enum cd_ws_opcode {
  CD_WS_CONTINUATION = 0,
  CD_WS_TEXT = 1,
  CD_WS_BINARY = 2,
  CD_WS_CLOSE = 8,
  CD_WS_PING = 9,
  CD_WS_PONG = 10
} cd_ws_opcode;

#define CD_WS_CONTROL_MAX 125u
#define CD_WS_REASON_MAX 123u
#define CD_WS_FRAME_HEADER_MAX 14u
#define CD_WS_MASK_SIZE 4u

/* Close codes (section 7.4.1 and IANA's registry). */
#define CD_WS_CLOSE_NORMAL 1000u
#define CD_WS_CLOSE_GOING_AWAY 1001u
#define CD_WS_CLOSE_PROTOCOL_ERROR 1002u
#define CD_WS_CLOSE_UNSUPPORTED 1003u
#define CD_WS_CLOSE_NO_STATUS 1005u /* never on the wire: a close frame without a code */
#define CD_WS_CLOSE_BAD_DATA 1007u
#define CD_WS_CLOSE_POLICY 1008u
#define CD_WS_CLOSE_TOO_BIG 1009u
#define CD_WS_CLOSE_INTERNAL 1011u
#define CD_WS_CLOSE_RESTART 1012u
#define CD_WS_CLOSE_TRY_LATER 1013u

/* May be sent: 1000 to 1014 but for those reserved, and 3000 to 4999. */
bool cd_ws_close_code_valid(uint16_t code);

typedef struct cd_ws_event {
  cd_ws_opcode type;   /* CD_WS_TEXT or CD_WS_BINARY: a whole message; CD_WS_PING, PONG, CLOSE */
  cd_str payload;      /* valid until the next call on the decoder; of a close, the reason */
  uint16_t close_code; /* of a close; CD_WS_CLOSE_NO_STATUS if it had none */
} cd_ws_event;

/* Lives in the object that uses it; cd_ws_decoder_release() frees what it holds. */
typedef struct cd_ws_decoder {
  cd_ws_role role;
  uint8_t head[CD_WS_FRAME_HEADER_MAX];
  uint8_t head_len;
  uint8_t head_need; /* bytes of the header as far as it is known */
  bool in_payload;
  bool ended; /* a close frame was handed out: what follows is not read */
  bool handed_out;
  uint64_t left;        /* payload bytes of this frame to come */
  uint32_t mask_at;     /* payload bytes of this frame so far, modulo 4 */
  cd_ws_opcode message; /* of the message that is being put together; 0: none */
  cd_buf body;          /* the message */
  uint8_t utf8_need;    /* continuation bytes that the text still owes */
  uint8_t utf8_low;     /* the range of the next one */
  uint8_t utf8_high;
  uint8_t control[CD_WS_CONTROL_MAX];
  uint8_t control_len;
  cd_code failed;
  uint16_t close_code; /* why it failed */
} cd_ws_decoder;

/* `message_max`: bytes of one message, all its frames together. */
void cd_ws_decoder_init(cd_ws_decoder *d, cd_ws_role role, size_t message_max);
void cd_ws_decoder_release(cd_ws_decoder *d);
/* Reads from the front of *input, which moves on. CD_OK: *ret_event; call again with what is left.
 * CD_E_NOTFOUND (no sentence): all of it was read, more is needed. CD_E_INVALID or CD_E_LIMIT, and
 * from then on always: the connection has failed; cd_ws_decoder_close_code() says with what.
 * After a close event all further bytes are read and dropped. */
CD_MUST_USE cd_code cd_ws_decoder_next(cd_ws_decoder *d, cd_str *input, cd_ws_event *ret_event,
                                       cd_err *err);
/* 1002, 1007, 1009 or 1011 after a failure, 0 before. */
uint16_t cd_ws_decoder_close_code(const cd_ws_decoder *d);
/* True in the middle of a frame or of a message: at the end of a stream it was cut. */
bool cd_ws_decoder_pending(const cd_ws_decoder *d);

/* Appends one frame. `mask`: the four fresh random bytes of a client's frame, NULL for a server's.
 * CD_E_INVALID for a control frame that is fragmented or longer than 125 bytes. */
CD_MUST_USE cd_code cd_ws_frame_add(cd_buf *out, cd_ws_opcode opcode, bool fin, cd_str payload,
                                    const uint8_t *mask, cd_err *err);
/* Appends a close frame; CD_WS_CLOSE_NO_STATUS makes an empty one. A reason that is too long is cut
 * at a character. */
CD_MUST_USE cd_code cd_ws_close_add(cd_buf *out, uint16_t code, cd_str reason, const uint8_t *mask,
                                    cd_err *err);

#endif
