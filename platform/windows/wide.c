/* UTF-8 outside, UTF-16 inside, and what Windows says about an error. */
#include "windows/windows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Longer ones need the prefix that switches off what the file calls do to names. */
#define PLAIN_PATH_MAX 240u

wchar_t *pf_wide(const char *utf8)
{
  int len = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8, -1, NULL, 0);
  if (len <= 0)
    return NULL;
  wchar_t *wide = calloc((size_t)len, sizeof(*wide));
  if (wide != NULL &&
      MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8, -1, wide, len) != len) {
    free(wide);
    return NULL;
  }
  return wide;
}

/* The whole name, with the prefix: of a drive's path, or of a share's. */
static wchar_t *long_form(const wchar_t *plain)
{
  DWORD room = GetFullPathNameW(plain, 0, NULL, NULL);
  wchar_t *out = room > 0 ? calloc((size_t)room + 8, sizeof(*out)) : NULL;
  if (out == NULL)
    return NULL;
  wchar_t *at = out + 8;
  DWORD len = GetFullPathNameW(plain, room, at, NULL);
  if (len == 0 || len >= room) {
    free(out);
    return NULL;
  }
  bool share = at[0] == L'\\' && at[1] == L'\\';
  if (share && (at[2] == L'?' || at[2] == L'.')) {
    memmove(out, at, ((size_t)len + 1) * sizeof(*out));
    return out;
  }
  const wchar_t *prefix = share ? L"\\\\?\\UNC" : L"\\\\?\\";
  size_t prefix_len = share ? 7 : 4;
  /* A share keeps one of its two backslashes. */
  size_t from = share ? 1 : 0;
  memmove(out + prefix_len, at + from, ((size_t)len + 1 - from) * sizeof(*out));
  memcpy(out, prefix, prefix_len * sizeof(*out));
  return out;
}

wchar_t *pf_wide_path(const char *utf8)
{
  wchar_t *plain = pf_wide(utf8);
  if (plain == NULL || wcslen(plain) < PLAIN_PATH_MAX)
    return plain;
  wchar_t *whole = long_form(plain);
  free(plain);
  return whole;
}

wchar_t *pf_wide_long(const char *utf8)
{
  wchar_t *plain = pf_wide(utf8);
  wchar_t *whole = plain != NULL ? long_form(plain) : NULL;
  free(plain);
  return whole;
}

bool pf_narrow(const wchar_t *wide, char *out, size_t size)
{
  int len = size <= INT32_MAX ? WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, out,
                                                    (int)size, NULL, NULL)
                              : 0;
  if (len <= 0 && size > 0)
    out[0] = '\0';
  return len > 0;
}

static void error_text(DWORD error, char *out, size_t size)
{
  wchar_t text[256];
  DWORD len = FormatMessageW(
      FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK,
      NULL, error, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), text, 255, NULL);
  while (len > 0 && (text[len - 1] == L' ' || text[len - 1] == L'.'))
    len--;
  text[len] = L'\0';
  if (len == 0 || !pf_narrow(text, out, size))
    (void)snprintf(out, size, "error %lu", (unsigned long)error);
}

cd_code pf_win_fail(cd_err *err, DWORD error, const char *fmt, ...)
{
  char what[CD_ERR_TEXT_MAX];
  char why[512];
  va_list args;
  va_start(args, fmt);
  if (vsnprintf(what, sizeof(what), fmt, args) < 0)
    what[0] = '\0';
  va_end(args);
  error_text(error, why, sizeof(why));
  /* 0 would be a success. */
  cd_code code = error == 0 ? CD_E_IO : cd_code_from_errno((int)error);
  return cd_fail_os(err, code, error, "%s: %s", what, why);
}
