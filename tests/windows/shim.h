/* What tests written for POSIX use and mingw lacks; included before everything else in the tests
 * that are built for both. */
#ifndef CORDON_TEST_SHIM_H
#define CORDON_TEST_SHIM_H

#include <fcntl.h>
#include <io.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <winsock2.h>

#include <windows.h>

/* Not windows.h's, and names in the tests. */
#undef near
#undef far

#define O_CLOEXEC (_O_NOINHERIT | _O_BINARY)

static inline int shim_pause(void)
{
  Sleep(INFINITE);
  return -1;
}
#define pause shim_pause

/* Over one that is there, as POSIX says. */
static inline int shim_rename(const char *from, const char *to)
{
  return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING) ? 0 : -1;
}
#define rename shim_rename

static inline int shim_dprintf(int fd, const char *format, ...)
{
  char text[1024];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  return len > 0 && (size_t)len < sizeof(text) ? _write(fd, text, (unsigned)len) : -1;
}
#define dprintf shim_dprintf

#define SIGXCPU 24

static inline int geteuid(void)
{
  return 0;
}

static inline int pipe2(int ends[2], int flags)
{
  return _pipe(ends, 4096, flags);
}

static inline char *shim_mkdtemp(char *name)
{
  char *x = name + strlen(name) - 6;
  unsigned seed = GetCurrentProcessId() * 2654435761u;
  for (int i = 0; i < 1000; i++) {
    seed = seed * 1103515245u + 12345u + (unsigned)GetTickCount64();
    (void)snprintf(x, 7, "%06x", seed & 0xffffffu);
    if (CreateDirectoryA(name, NULL))
      return name;
  }
  return NULL;
}
#define mkdtemp shim_mkdtemp

#endif
