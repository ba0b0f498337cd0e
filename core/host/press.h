/* The zip on a thread of its own: what compresses does not keep waiting what reads. Bytes lie in a
 * ring of a fixed size until it is their turn; whoever adds waits for room in it. What goes wrong
 * on the thread is told by the next call, and by every one after it. One thread at a time calls. */
#ifndef PH_PRESS_H
#define PH_PRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

typedef struct ph_press ph_press;

/* As the calls of zip.h, whose library is loaded before. */
CD_MUST_USE cd_code ph_press_new(uv_file file, ph_press **ret_press, cd_err *err);
CD_MUST_USE cd_code ph_press_begin(ph_press *p, const char *name, int64_t mtime_s, bool store,
                                   cd_err *err);
CD_MUST_USE cd_code ph_press_add(ph_press *p, const void *bytes, size_t len, cd_err *err);
CD_MUST_USE cd_code ph_press_end(ph_press *p, cd_err *err);
/* Comes back when all is in the file. */
CD_MUST_USE cd_code ph_press_finish(ph_press *p, cd_err *err);
/* Waits until nothing lies in the ring. False: nothing did. */
bool ph_press_settle(ph_press *p);
/* Bytes in the file, and at most so many of what lies in the ring. */
uint64_t ph_press_size(ph_press *p);
/* Ends the thread and throws away what lies in the ring. NULL is fine. */
void ph_press_free(ph_press *p);

#endif
