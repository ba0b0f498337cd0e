/* The arguments come as UTF-16; the console is told that UTF-8 comes, and to heed escape
 * sequences. */
#include "platform/console.h"

#include "windows/windows.h"

#include <shellapi.h>

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

#include "base/banned.h"

#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 0x0004
#endif

/* Bytes that are no UTF-16 become replacement characters: such an argument finds nothing, and is
 * not taken for another. */
static char *narrow(const wchar_t *wide)
{
  int len = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  char *out = len > 0 ? calloc((size_t)len, 1) : NULL;
  if (out != NULL && WideCharToMultiByte(CP_UTF8, 0, wide, -1, out, len, NULL, NULL) != len) {
    free(out);
    return NULL;
  }
  return out;
}

static void take_arguments(int *argc, char ***argv)
{
  int count = 0;
  wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
  char **out = wide != NULL && count > 0 ? calloc((size_t)count + 1, sizeof(*out)) : NULL;
  int done = 0;
  while (out != NULL && done < count && (out[done] = narrow(wide[done])) != NULL)
    done++;
  (void)LocalFree(wide);
  if (out != NULL && done == count) {
    *argc = count;
    *argv = out;
    return;
  }
  while (done > 0)
    free(out[--done]);
  free(out);
}

void pf_console_begin(int *argc, char ***argv)
{
  take_arguments(argc, argv);
  (void)SetConsoleOutputCP(CP_UTF8);
  (void)_setmode(0, _O_BINARY);
  (void)_setmode(1, _O_BINARY);
  (void)_setmode(2, _O_BINARY);
}

bool pf_console_moves(int descriptor)
{
  HANDLE handle = (HANDLE)_get_osfhandle(descriptor);
  DWORD mode = 0;
  if (handle == INVALID_HANDLE_VALUE || !GetConsoleMode(handle, &mode))
    return false;
  return SetConsoleMode(handle,
                        mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}
