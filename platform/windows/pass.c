/* A pipe; a message is the number, with that of a handle beside it which the parent has made in the
 * child: the child needs no rights over its parent. */
#include "platform/pass.h"

#include "platform/file.h"
#include "windows/windows.h"

#include "base/banned.h"

/* The pipe holds a whole number of messages, so that none is written by halves. */
#define MESSAGE_BYTES 16u
#define MESSAGES_HELD 256u

typedef struct message {
  uint64_t number;
  uint64_t handle; /* of the process that takes it */
} message;
_Static_assert(sizeof(message) == MESSAGE_BYTES, "a message has a size of its own");

static cd_code number_of(HANDLE handle, uv_file *ret_number, cd_err *err)
{
  uv_file number = uv_open_osfhandle(handle);
  if (number < 0) {
    pf_file_close(handle);
    return cd_fail(err, CD_E_LIMIT, "there is no number left for a file");
  }
  *ret_number = number;
  return CD_OK;
}

cd_code pf_pass_pair(uv_file *ret_parent, uv_file *ret_child, cd_err *err)
{
  HANDLE child = NULL;
  HANDLE parent = NULL;
  DWORD mode = PIPE_READMODE_BYTE | PIPE_NOWAIT;
  uv_file taken = -1;
  if (!CreatePipe(&child, &parent, NULL, MESSAGES_HELD * MESSAGE_BYTES))
    return pf_win_fail(err, GetLastError(), "no pipe to hand files over");
  if (!SetNamedPipeHandleState(parent, &mode, NULL, NULL)) {
    cd_code rc = pf_win_fail(err, GetLastError(), "a pipe to hand files over would wait");
    pf_file_close(child);
    pf_file_close(parent);
    return rc;
  }
  cd_code rc = number_of(child, &taken, err);
  if (rc != CD_OK) {
    pf_file_close(parent);
    return rc;
  }
  rc = number_of(parent, ret_parent, err);
  if (rc == CD_OK)
    *ret_child = taken;
  else
    pf_number_close(taken);
  return rc;
}

cd_code pf_pass_give(uv_file parent, uv_os_fd_t child, uint64_t number, uv_file file, cd_err *err)
{
  HANDLE own = uv_get_osfhandle(file);
  HANDLE given = NULL;
  DWORD wrote = 0;
  /* What a number that is none has for a handle means this very process. */
  if (own == INVALID_HANDLE_VALUE || GetFileType(own) != FILE_TYPE_DISK)
    return cd_fail(err, CD_E_INVALID, "what is to be handed over is no file");
  if (!DuplicateHandle(GetCurrentProcess(), own, child, &given, 0, FALSE, DUPLICATE_SAME_ACCESS))
    return cd_fail_os(err, CD_E_IO, GetLastError(), "a file could not be handed over: error %lu",
                      GetLastError());
  message m = {.number = number, .handle = (uintptr_t)given};
  BOOL written = WriteFile(uv_get_osfhandle(parent), &m, sizeof(m), &wrote, NULL);
  if (written && wrote == sizeof(m))
    return CD_OK;
  DWORD error = written ? ERROR_PIPE_BUSY : GetLastError();
  /* Nobody will ever hear of it: it is closed where it is. */
  (void)DuplicateHandle(child, given, NULL, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE);
  if (written)
    return cd_fail_os(err, CD_E_LIMIT, error,
                      "a file could not be handed over: those before it were not taken");
  (void)pf_win_fail(err, error, "a file could not be handed over");
  return cd_fail_os(err, CD_E_IO, error, "%s", err->text);
}

/* 1: one was taken; 0: none is there; else the error, negative. */
static int take_next(HANDLE pipe, message *m)
{
  DWORD there = 0;
  DWORD got = 0;
  if (!PeekNamedPipe(pipe, NULL, 0, NULL, &there, NULL))
    return -(int)GetLastError();
  if (there < sizeof(*m))
    return 0;
  if (!ReadFile(pipe, m, sizeof(*m), &got, NULL))
    return -(int)GetLastError();
  return got == sizeof(*m) ? 1 : -ERROR_INVALID_DATA;
}

cd_code pf_pass_take(uv_file child, uint64_t number, uv_file *ret_file, cd_err *err)
{
  for (;;) {
    message m = {0};
    int got = take_next(uv_get_osfhandle(child), &m);
    if (got == 1 && m.number == number)
      return number_of((HANDLE)(uintptr_t)m.handle, ret_file, err);
    if (got == 0)
      return cd_fail(err, CD_E_NOTFOUND, "no file was handed over under the number %llu",
                     (unsigned long long)number);
    if (got < 0) {
      cd_err why = {0};
      (void)pf_win_fail(&why, (DWORD)-got, "a file could not be taken over");
      return cd_fail_os(err, CD_E_IO, -got, "%s", why.text);
    }
    pf_file_close((HANDLE)(uintptr_t)m.handle);
  }
}
