/* The header Range (RFC 9110, 14.2) of a file that is there whole. A pure function. */
#ifndef CON_RANGE_H
#define CON_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

typedef enum con_range_kind {
  CON_RANGE_ALL = 1, /* there is no such header, it is none, or asks for several parts */
  CON_RANGE_PART,
  CON_RANGE_NONE /* nothing of what it asks for is in the file */
} con_range_kind;

/* `size` is at least 1. *ret_offset and *ret_length are set for a part. */
con_range_kind con_range_read(cd_str text, uint64_t size, uint64_t *ret_offset,
                              uint64_t *ret_length);

#endif
