/* A growing byte buffer with a ceiling. A failure empties it and stays until it is released or
 * reset. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FIRST_CAP 64u

void cd_buf_init(cd_buf *b, size_t max)
{
  *b = (cd_buf){.max = max};
}

void cd_buf_release(cd_buf *b)
{
  free(b->ptr);
  cd_buf_init(b, b->max);
}

void cd_buf_reset(cd_buf *b)
{
  b->len = 0;
  b->failed = CD_OK;
  if (b->ptr != NULL)
    b->ptr[0] = '\0';
}

void cd_buf_fail(cd_buf *b, cd_code code)
{
  cd_code first = b->failed != CD_OK ? b->failed : code;
  cd_buf_release(b);
  b->failed = first;
}

/* Makes room for `more` bytes and the NUL; false after a failure. */
static bool make_room(cd_buf *b, size_t more)
{
  if (b->failed != CD_OK)
    return false;
  if (b->len > b->max || more > b->max - b->len || more >= SIZE_MAX - b->len) {
    cd_buf_fail(b, CD_E_LIMIT);
    return false;
  }
  size_t need = b->len + more + 1;
  if (need <= b->cap)
    return true;

  size_t most = b->max < SIZE_MAX ? b->max + 1 : SIZE_MAX;
  size_t cap = b->cap > FIRST_CAP ? b->cap : FIRST_CAP;
  while (cap < need && cap <= most / 2)
    cap *= 2;
  if (cap < need || cap > most)
    cap = most;
  char *grown = realloc(b->ptr, cap);
  if (grown == NULL) {
    cd_buf_fail(b, CD_E_INTERNAL);
    return false;
  }
  b->ptr = grown;
  b->cap = cap;
  return true;
}

void cd_buf_add(cd_buf *b, const void *bytes, size_t len)
{
  if (len == 0 || !make_room(b, len))
    return;
  memcpy(b->ptr + b->len, bytes, len);
  b->len += len;
  b->ptr[b->len] = '\0';
}

void cd_buf_add_str(cd_buf *b, cd_str s)
{
  cd_buf_add(b, s.ptr, s.len);
}

void cd_buf_add_cstr(cd_buf *b, const char *s)
{
  cd_buf_add_str(b, cd_str_from(s));
}

void cd_buf_add_char(cd_buf *b, char c)
{
  cd_buf_add(b, &c, 1);
}

void cd_buf_addf(cd_buf *b, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  cd_buf_addv(b, fmt, args);
  va_end(args);
}

void cd_buf_addv(cd_buf *b, const char *fmt, va_list args)
{
  if (b->failed != CD_OK)
    return;
  va_list again;
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, fmt, args);
  if (len < 0) {
    cd_buf_fail(b, CD_E_INTERNAL);
  } else if (len > 0 && make_room(b, (size_t)len)) {
    (void)vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, again);
    b->len += (size_t)len;
  }
  va_end(again);
}

void cd_buf_drop_front(cd_buf *b, size_t len)
{
  if (len == 0 || b->ptr == NULL)
    return;
  size_t drop = len < b->len ? len : b->len;
  b->len -= drop;
  memmove(b->ptr, b->ptr + drop, b->len);
  b->ptr[b->len] = '\0';
}

cd_code cd_buf_status(const cd_buf *b, const char *what, cd_err *err)
{
  if (b->failed == CD_OK)
    return CD_OK;
  if (b->failed == CD_E_LIMIT)
    return cd_fail(err, CD_E_LIMIT, "%s is larger than its limit of %zu bytes", what, b->max);
  return cd_fail(err, b->failed, "%s could not be built: no memory", what);
}

const char *cd_buf_cstr(const cd_buf *b)
{
  return b->ptr != NULL ? b->ptr : "";
}

cd_str cd_buf_view(const cd_buf *b)
{
  return (cd_str){cd_buf_cstr(b), b->len};
}

char *cd_buf_steal(cd_buf *b, size_t *ret_len)
{
  if (b->failed != CD_OK || b->len == 0)
    return NULL;
  char *mine = b->ptr;
  if (ret_len != NULL)
    *ret_len = b->len;
  cd_buf_init(b, b->max);
  return mine;
}
