/* CONIN$ and CONOUT$ are the console, whatever the standard handles are. */
#include "platform/terminal.h"

#include "base/clock.h"
#include "windows/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

typedef struct asking {
  HANDLE in;
  HANDLE out;
  DWORD mode;
  wchar_t line[PF_SECRET_MAX];
  DWORD len;
} asking;

static void say(const asking *a, const wchar_t *text)
{
  DWORD wrote = 0;
  (void)WriteConsoleW(a->out, text, (DWORD)wcslen(text), &wrote, NULL);
}

/* One key: true when the line is complete. */
static bool take_key(asking *a, const KEY_EVENT_RECORD *key, cd_code *ret_code, cd_err *err)
{
  wchar_t ch = key->uChar.UnicodeChar;
  if (!key->bKeyDown || ch == L'\0')
    return false;
  if (ch == L'\r' || ch == L'\n')
    return true;
  if (ch == 3) {
    *ret_code = cd_fail(err, CD_E_CANCELLED, "interrupted");
    return true;
  }
  if (ch == L'\b') {
    a->len -= a->len > 0 ? 1 : 0;
  } else if (a->len + 1 < PF_SECRET_MAX) {
    a->line[a->len++] = ch;
  } else {
    *ret_code =
        cd_fail(err, CD_E_LIMIT, "what was typed is longer than %u characters", PF_SECRET_MAX - 1);
    return true;
  }
  return false;
}

static cd_code read_line(asking *a, uint64_t end_ms, cd_err *err)
{
  for (;;) {
    INPUT_RECORD event;
    DWORD count = 0;
    cd_code rc = CD_OK;
    uint64_t now_ms = cd_mono_ms();
    DWORD left = now_ms < end_ms ? (DWORD)(end_ms - now_ms) : 0;
    DWORD woke = WaitForSingleObject(a->in, left);
    if (woke == WAIT_TIMEOUT)
      return cd_fail(err, CD_E_DEADLINE, "nothing was typed in time");
    if (woke != WAIT_OBJECT_0 || !ReadConsoleInputW(a->in, &event, 1, &count))
      return pf_win_fail(err, GetLastError(), "the console could not be read");
    if (count == 1 && event.EventType == KEY_EVENT && take_key(a, &event.Event.KeyEvent, &rc, err))
      return rc;
  }
}

static cd_code hand_over(asking *a, cd_buf *out, cd_err *err)
{
  char text[PF_SECRET_MAX * 3];
  a->line[a->len] = L'\0';
  cd_code rc = CD_OK;
  if (!pf_narrow(a->line, text, sizeof(text)) || strlen(text) > PF_SECRET_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "what was typed is longer than %u bytes", PF_SECRET_MAX);
  else
    cd_buf_add(out, text, strlen(text));
  SecureZeroMemory(text, sizeof(text));
  return rc == CD_OK ? cd_buf_status(out, "what was typed", err) : rc;
}

cd_code pf_terminal_secret(const char *prompt, uint32_t timeout_ms, cd_buf *out, cd_err *err)
{
  asking a = {.in = INVALID_HANDLE_VALUE, .out = INVALID_HANDLE_VALUE};
  wchar_t *wide = pf_wide(prompt);
  a.in = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                     NULL, OPEN_EXISTING, 0, NULL);
  a.out = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                      NULL, OPEN_EXISTING, 0, NULL);
  cd_code rc = CD_OK;
  if (wide == NULL || a.in == INVALID_HANDLE_VALUE || a.out == INVALID_HANDLE_VALUE ||
      !GetConsoleMode(a.in, &a.mode) || !SetConsoleMode(a.in, 0)) {
    rc = cd_fail(err, CD_E_UNAVAILABLE, "there is no console to ask on");
  } else {
    say(&a, wide);
    rc = read_line(&a, cd_mono_ms() + timeout_ms, err);
    say(&a, L"\r\n");
    (void)SetConsoleMode(a.in, a.mode);
    if (rc == CD_OK)
      rc = hand_over(&a, out, err);
  }
  SecureZeroMemory(a.line, sizeof(a.line));
  if (a.in != INVALID_HANDLE_VALUE)
    (void)CloseHandle(a.in);
  if (a.out != INVALID_HANDLE_VALUE)
    (void)CloseHandle(a.out);
  free(wide);
  return rc;
}
