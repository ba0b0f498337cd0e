#include "support/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_fail(sup_text *t)
{
  free(t->ptr);
  t->ptr = NULL;
  t->len = 0;
  t->room = 0;
  t->failed = true;
}

static bool text_reserve(sup_text *t, size_t more)
{
  if (t->failed)
    return false;
  if (more > t->limit - t->len) {
    text_fail(t);
    return false;
  }
  size_t need = t->len + more + 1;
  if (need <= t->room)
    return true;
  size_t room = t->room < 256 ? 256 : t->room * 2;
  if (room < need)
    room = need;
  char *grown = realloc(t->ptr, room);
  if (grown == NULL) {
    text_fail(t);
    return false;
  }
  t->ptr = grown;
  t->room = room;
  return true;
}

void sup_text_bytes(sup_text *t, const char *bytes, size_t len)
{
  if (!text_reserve(t, len))
    return;
  if (len > 0)
    memcpy(t->ptr + t->len, bytes, len);
  t->len += len;
  t->ptr[t->len] = '\0';
}

void sup_text_add(sup_text *t, const char *text)
{
  sup_text_bytes(t, text, strlen(text));
}

void sup_text_addf(sup_text *t, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  va_list again;
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0)
    text_fail(t);
  else if (text_reserve(t, (size_t)len)) {
    (void)vsnprintf(t->ptr + t->len, (size_t)len + 1, format, again);
    t->len += (size_t)len;
  }
  va_end(again);
}

const char *sup_text_get(const sup_text *t)
{
  return t->ptr != NULL ? t->ptr : "";
}

void sup_text_release(sup_text *t)
{
  free(t->ptr);
  *t = (sup_text){.limit = t->limit};
}
