/* Taking secrets out of memory. */
#ifndef CD_SECRET_H
#define CD_SECRET_H

#include <stddef.h>

#include "base/buf.h"

/* Zeroes in a way that no compiler leaves out. */
void cd_wipe(void *bytes, size_t len);
/* Zeroes all memory that the buffer holds and releases it. What the buffer held before it last grew
 * was given back unzeroed: a secret is put into a buffer in one append. */
void cd_buf_wipe(cd_buf *b);

#endif
