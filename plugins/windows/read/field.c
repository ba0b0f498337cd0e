/* Fields of tables, and what is said of a source that did not answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "read.h"
#include "support/err.h"
#include "support/utf16.h"
#include "support/wide.h"

void win_text_n(col_task *t, const wchar_t *text, size_t units)
{
  char small[512];
  bool cut = false;
  if (units == 0) {
    col_plain(t, "", 0);
    return;
  }
  size_t len = sup_utf16_bytes(text, units, small, sizeof(small), &cut);
  if (!cut) {
    col_bytes(t, small, len);
    return;
  }
  char *big = malloc(WIN_FIELD + sizeof(COL_CUT));
  if (big == NULL) {
    col_bytes(t, small, len);
    col_mark(t, COL_PARTIAL, "there was no memory for a text, which was cut");
    return;
  }
  len = sup_utf16_bytes(text, units, big, WIN_FIELD, &cut);
  if (cut) {
    memcpy(big + len, COL_CUT, sizeof(COL_CUT));
    len += strlen(COL_CUT);
  }
  col_bytes(t, big, len);
  free(big);
}

void win_text(col_task *t, const wchar_t *text)
{
  win_text_n(t, text, text != NULL ? wcslen(text) : 0);
}

uint64_t win_ticks_of(FILETIME time)
{
  return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

void win_ticks(col_task *t, uint64_t ticks)
{
  static const uint64_t unix_epoch = 116444736000000000;
  col_time(t, ticks > unix_epoch ? (int64_t)((ticks - unix_epoch) / 10000000) : 0);
}

void win_filetime(col_task *t, FILETIME time)
{
  win_ticks(t, win_ticks_of(time));
}

void win_hex(col_task *t, uint32_t number)
{
  char text[16];
  int len = snprintf(text, sizeof(text), "0x%08lx", (unsigned long)number);
  col_plain(t, text, (size_t)len);
}

void win_empty(col_task *t, unsigned count)
{
  while (count-- > 0)
    col_plain(t, "", 0);
}

bool win_is_unsupported(DWORD error)
{
  return sup_status_of((int)error) == CORDON_E_UNSUPPORTED;
}

void win_mark(col_task *t, DWORD error, const char *what)
{
  char text[COL_SENTENCE];
  cordon_status status = sup_status_of((int)error);
  sup_os_text((int)error, text, sizeof(text));
  col_status mark = status == CORDON_E_NOTFOUND ? COL_ABSENT
                    : status == CORDON_E_DENIED ? COL_DENIED
                                                : COL_ERROR;
  col_mark(t, mark, "%s%s: %s", status == CORDON_E_UNSUPPORTED ? "unsupported here: " : "", what,
           text);
}

void win_mark_hr(col_task *t, HRESULT hr, const char *what)
{
  win_mark(t, (DWORD)hr, what);
}

void win_mark_pretended(col_task *t, const char *what)
{
  col_mark(t, COL_ERROR, "unsupported here: %s%s", what, sup_is_wine() ? " (this is Wine)" : "");
}

void win_say_none(col_task *t, const char *name, const char *sentence)
{
  if (col_rows(t) > 0 || col_is_marked(t) || col_over(t))
    return;
  col_begin(t, name, "the table beside it");
  (void)col_printf(t, "none: %s\n", sentence);
}
