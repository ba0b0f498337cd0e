/* A growing byte buffer that is born with a ceiling.
 *
 * Append many times, test once: after a failed append (ceiling or memory) the buffer is empty,
 * stays failed, and further appends do nothing. `ptr` is always NUL-terminated when not NULL. */
#ifndef CD_BUF_H
#define CD_BUF_H

#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

typedef struct cd_buf {
  char *ptr;
  size_t len;
  size_t cap;
  size_t max;     /* ceiling of len */
  cd_code failed; /* CD_OK, CD_E_LIMIT or CD_E_INTERNAL (no memory) */
} cd_buf;

#define CD_BUF_INIT(limit)                                                                         \
  {                                                                                                \
    .max = (limit)                                                                                 \
  }

void cd_buf_init(cd_buf *b, size_t max);
/* Frees the memory; the buffer may be used again with the same ceiling. */
void cd_buf_release(cd_buf *b);
/* Empties the buffer and clears its failure, keeping memory. */
void cd_buf_reset(cd_buf *b);

void cd_buf_add(cd_buf *b, const void *bytes, size_t len);
void cd_buf_add_str(cd_buf *b, cd_str s);
void cd_buf_add_cstr(cd_buf *b, const char *s);
void cd_buf_add_char(cd_buf *b, char c);
void cd_buf_addf(cd_buf *b, const char *fmt, ...) CD_PRINTF(2, 3);
void cd_buf_addv(cd_buf *b, const char *fmt, va_list args) CD_PRINTF(2, 0);
/* Fails the buffer as a failed append does; an earlier failure stays. For what builds upon it. */
void cd_buf_fail(cd_buf *b, cd_code code);
/* Drops `len` bytes from the front (len <= b->len). */
void cd_buf_drop_front(cd_buf *b, size_t len);

/* CD_OK, or the first failure with a sentence that names `what`. */
CD_MUST_USE cd_code cd_buf_status(const cd_buf *b, const char *what, cd_err *err);
/* The text so far, never NULL. Valid until the next change. */
const char *cd_buf_cstr(const cd_buf *b);
cd_str cd_buf_view(const cd_buf *b);
/* Hands the memory to the caller (free()); the buffer is empty afterwards. NULL when failed or
 * empty. */
char *cd_buf_steal(cd_buf *b, size_t *ret_len);

#endif
