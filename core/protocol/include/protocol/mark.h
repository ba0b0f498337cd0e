/* High-water marks: at connect each side tells the other the highest generations it knows, signed,
 * so that a console whose database was restored goes on above what its devices have seen instead of
 * being refused by them for ever, and a device learns that something newer exists than what it was
 * handed. The sender of a mark signs over the receiver's nonce, so that no old mark passes.
 *
 *   {"from":"device","device":ID,"nonce":BASE64URL,"at":MS,"key_generation":1,
 *    "states":[{"state":"isolate","generation":7}]}               typ "cordon-mark+1" */
#ifndef CD_MARK_H
#define CD_MARK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "protocol/jws.h"
#include "protocol/key.h"
#include "protocol/kind.h"
#include "protocol/limits.h"

typedef enum cd_mark_from { CD_MARK_FROM_DEVICE = 1, CD_MARK_FROM_CONSOLE } cd_mark_from;

typedef struct cd_mark {
  cd_mark_from from;
  char device[CD_DEVICE_ID_MAX + 1];    /* whom it is about, from either side */
  uint8_t nonce[CD_NONCE_SIZE];         /* the receiver's, of this connection */
  int64_t at_ms;                        /* the sender's wall clock */
  uint64_t key_generation;              /* of the order key that the sender took or uses */
  uint64_t generations[CD_STATE_COUNT]; /* 0: none */
} cd_mark;

/* With the device's key or the order key. */
CD_MUST_USE cd_code cd_mark_sign(const cd_mark *m, const cd_key *key, const cd_random *random,
                                 cd_buf *out, cd_err *err);
/* Refuses a forged mark, one of the other direction and one about another device (CD_E_DENIED), and
 * one for another nonce (CD_E_CONFLICT). */
CD_MUST_USE cd_code cd_mark_verify(cd_str jws, const cd_public_key *key, cd_mark_from from,
                                   cd_str device, const uint8_t nonce[CD_NONCE_SIZE],
                                   cd_mark *ret_mark, cd_err *err);

#endif
