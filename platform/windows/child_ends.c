/* The handles that a child gets: its ends of pipes, and what it is handed on. */
#include "windows/child_start.h"

#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Of the C library, for a number that is open, is a pipe, is a device. */
#define CRT_OPEN 0x01
#define CRT_PIPE 0x08
#define CRT_DEVICE 0x40
#define PIPE_BYTES 65536u

static SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};

/* Both ends are made here and the pipe takes one client only; its name cannot be guessed, and who
 * is neither we nor an administrator is refused. */
static HANDLE make_server(const wchar_t *name, bool child_reads, cd_err *err)
{
  PSECURITY_DESCRIPTOR descriptor = NULL;
  if (pf_descriptor(0600, false, &descriptor, err) != CD_OK)
    return INVALID_HANDLE_VALUE;
  SECURITY_ATTRIBUTES who = {.nLength = sizeof(who), .lpSecurityDescriptor = descriptor};
  HANDLE server =
      CreateNamedPipeW(name,
                       (child_reads ? PIPE_ACCESS_DUPLEX : PIPE_ACCESS_INBOUND) |
                           FILE_FLAG_FIRST_PIPE_INSTANCE | FILE_FLAG_OVERLAPPED,
                       PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                       1, PIPE_BYTES, PIPE_BYTES, 0, &who);
  if (server == INVALID_HANDLE_VALUE)
    (void)pf_win_fail(err, GetLastError(), "a pipe for a child could not be made");
  (void)LocalFree(descriptor);
  return server;
}

static cd_code make_pipe(pf_child_ends *ends, int i, unsigned flags, bool passes, cd_err *err)
{
  unsigned char random[16];
  wchar_t name[96] = L"\\\\.\\pipe\\cordon-child-";
  size_t len = wcslen(name);
  bool reads = (flags & UV_READABLE_PIPE) != 0;
  bool writes = (flags & UV_WRITABLE_PIPE) != 0;
  int failed = uv_random(NULL, NULL, random, sizeof(random), 0, NULL);
  if (failed != 0)
    return cd_fail(err, CD_E_INTERNAL, "no random name for a pipe: %s", uv_strerror(failed));
  for (size_t k = 0; k < sizeof(random); k++)
    (void)swprintf(name + len + 2 * k, 3, L"%02x", random[k]);
  ends->parent[i] = make_server(name, reads, err);
  if (ends->parent[i] == INVALID_HANDLE_VALUE)
    return CD_E_IO;
  DWORD access = (reads ? GENERIC_READ : FILE_READ_ATTRIBUTES) |
                 (writes ? GENERIC_WRITE : FILE_WRITE_ATTRIBUTES);
  DWORD how = (flags & UV_NONBLOCK_PIPE) != 0 || passes ? FILE_FLAG_OVERLAPPED : 0;
  ends->child[i] = CreateFileW(name, access, 0, &inherited, OPEN_EXISTING,
                               how | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
  if (ends->child[i] == INVALID_HANDLE_VALUE ||
      (!ConnectNamedPipe(ends->parent[i], NULL) && GetLastError() != ERROR_PIPE_CONNECTED))
    return pf_win_fail(err, GetLastError(), "a pipe for a child could not be opened");
  ends->flags[i] = CRT_OPEN | CRT_PIPE;
  return CD_OK;
}

static cd_code hand_on(pf_child_ends *ends, int i, int number, cd_err *err)
{
  HANDLE ours = uv_get_osfhandle(number);
  if (ours == INVALID_HANDLE_VALUE ||
      !DuplicateHandle(GetCurrentProcess(), ours, GetCurrentProcess(), &ends->child[i], 0, TRUE,
                       DUPLICATE_SAME_ACCESS)) {
    ends->child[i] = INVALID_HANDLE_VALUE;
    return pf_win_fail(err, GetLastError(), "file %d cannot be handed on", number);
  }
  DWORD type = GetFileType(ends->child[i]);
  ends->flags[i] = CRT_OPEN | (type == FILE_TYPE_PIPE   ? CRT_PIPE
                               : type == FILE_TYPE_CHAR ? CRT_DEVICE
                                                        : 0);
  return CD_OK;
}

/* The first three are there, whatever they lead to. */
static cd_code give_nothing(pf_child_ends *ends, int i, cd_err *err)
{
  if (i > 2)
    return CD_OK;
  ends->child[i] =
      CreateFileW(L"NUL", i == 0 ? GENERIC_READ : GENERIC_WRITE | FILE_READ_ATTRIBUTES,
                  FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
  if (ends->child[i] == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, GetLastError(), "NUL could not be opened");
  ends->flags[i] = CRT_OPEN | CRT_DEVICE;
  return CD_OK;
}

cd_code pf_child_ends_make(const pf_child_options *options, pf_child_ends *ret_ends, cd_err *err)
{
  cd_code rc = CD_OK;
  *ret_ends = (pf_child_ends){.count = options->stdio_count < 3 ? 3 : options->stdio_count};
  for (int i = 0; i < PF_CHILD_NUMBERS; i++)
    ret_ends->child[i] = ret_ends->parent[i] = INVALID_HANDLE_VALUE;
  if (ret_ends->count > PF_CHILD_NUMBERS) {
    ret_ends->count = 0;
    return cd_fail(err, CD_E_LIMIT, "more than %d files for a child", PF_CHILD_NUMBERS);
  }
  for (int i = 0; i < ret_ends->count && rc == CD_OK; i++) {
    const uv_stdio_container_t *what = i < options->stdio_count ? &options->stdio[i] : NULL;
    if (what != NULL && (what->flags & UV_CREATE_PIPE) != 0)
      rc = make_pipe(ret_ends, i, (unsigned)what->flags, ((uv_pipe_t *)what->data.stream)->ipc != 0,
                     err);
    else if (what != NULL && (what->flags & UV_INHERIT_FD) != 0)
      rc = hand_on(ret_ends, i, what->data.fd, err);
    else
      rc = give_nothing(ret_ends, i, err);
  }
  return rc;
}

cd_code pf_child_ends_open(pf_child_ends *ends, const pf_child_options *options, DWORD child_pid,
                           cd_err *err)
{
  for (int i = 0; i < ends->count; i++) {
    if (ends->parent[i] == INVALID_HANDLE_VALUE)
      continue;
    uv_pipe_t *pipe = (uv_pipe_t *)options->stdio[i].data.stream;
    int number = _open_osfhandle((intptr_t)ends->parent[i], 0);
    if (number < 0)
      return cd_fail(err, CD_E_LIMIT, "there is no number left for a pipe to a child");
    ends->parent[i] = INVALID_HANDLE_VALUE;
    int failed = uv_pipe_open(pipe, number);
    if (failed != 0) {
      (void)_close(number);
      return cd_fail(err, CD_E_INTERNAL, "a pipe to a child could not be taken: %s",
                     uv_strerror(failed));
    }
    /* libuv takes who opens a pipe for the child; sockets are to go to this one. */
    if (pipe->ipc)
      pipe->pipe.conn.ipc_remote_pid = child_pid;
  }
  return CD_OK;
}

void pf_child_ends_release(pf_child_ends *ends)
{
  for (int i = 0; i < ends->count; i++) {
    if (ends->child[i] != INVALID_HANDLE_VALUE)
      (void)CloseHandle(ends->child[i]);
    if (ends->parent[i] != INVALID_HANDLE_VALUE)
      (void)CloseHandle(ends->parent[i]);
    ends->child[i] = ends->parent[i] = INVALID_HANDLE_VALUE;
  }
}

/* How many there are, a byte of flags for each, a handle for each. */
BYTE *pf_child_ends_block(const pf_child_ends *ends, WORD *ret_size)
{
  size_t count = (size_t)ends->count;
  size_t size = sizeof(int) + count * (1 + sizeof(HANDLE));
  BYTE *block = calloc(1, size);
  if (block == NULL)
    return NULL;
  memcpy(block, &ends->count, sizeof(int));
  memcpy(block + sizeof(int), ends->flags, count);
  memcpy(block + sizeof(int) + count, ends->child, count * sizeof(HANDLE));
  *ret_size = (WORD)size;
  return block;
}
