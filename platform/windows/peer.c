/* Named pipes: one with an access list of ours, and who is at its other end, seen from either side.
 */
#include "platform/peer.h"

#include "base/str.h"
#include "windows/windows.h"

#include <aclapi.h>
#include <sddl.h>

#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PIPE_PREFIX "\\\\.\\pipe\\"
/* Read, write, and change how the own end reads; not FILE_CREATE_PIPE_INSTANCE, which would let a
 * client take the place of the server. */
#define CLIENT_RIGHTS (FILE_GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA)
/* Who comes over the network is refused, even an administrator; the rights are CLIENT_RIGHTS. */
#define PIPE_SDDL L"D:P(D;;FA;;;NU)(D;;FA;;;AN)(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x12019b;;;AU)"

/* Told apart by all of its bytes; 0 is for administrators. */
static uint64_t number_of(PSID sid)
{
  uint64_t hash = UINT64_C(14695981039346656037);
  const uint8_t *byte = sid;
  for (DWORD i = 0; i < GetLengthSid(sid); i++)
    hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
  return hash != 0 ? hash : 1;
}

static bool is_administrator(HANDLE token)
{
  SID_IDENTIFIER_AUTHORITY authority = {SECURITY_NT_AUTHORITY};
  PSID administrators = NULL;
  HANDLE looked_at = NULL;
  BOOL member = FALSE;
  if (!AllocateAndInitializeSid(&authority, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS,
                                0, 0, 0, 0, 0, 0, &administrators))
    return false;
  /* One that says no because rights are not raised counts as none. */
  if (!DuplicateTokenEx(token, TOKEN_QUERY | TOKEN_IMPERSONATE, NULL, SecurityIdentification,
                        TokenImpersonation, &looked_at) ||
      !CheckTokenMembership(looked_at, administrators, &member))
    member = FALSE;
  if (looked_at != NULL)
    (void)CloseHandle(looked_at);
  (void)FreeSid(administrators);
  return member != FALSE;
}

static cd_code identity_of(HANDLE token, DWORD pid, pf_identity *out, cd_err *err)
{
  wchar_t *text = NULL;
  TOKEN_USER *user = pf_token_user(token);
  if (user == NULL || !ConvertSidToStringSidW(user->User.Sid, &text)) {
    DWORD error = GetLastError();
    free(user);
    return pf_win_fail(err, error, "the user of process %lu could not be read", (unsigned long)pid);
  }
  *out = (pf_identity){.process_id = pid,
                       .administrator = is_administrator(token) ||
                                        IsWellKnownSid(user->User.Sid, WinLocalSystemSid)};
  out->user_id = out->administrator ? 0 : number_of(user->User.Sid);
  bool fits = pf_narrow(text, out->user, sizeof(out->user));
  (void)LocalFree(text);
  free(user);
  return fits ? CD_OK
              : cd_fail(err, CD_E_LIMIT, "the user of process %lu has too long a number",
                        (unsigned long)pid);
}

static cd_code identity_of_process(DWORD pid, pf_identity *out, cd_err *err)
{
  HANDLE token = NULL;
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
  if (process == NULL || !OpenProcessToken(process, TOKEN_QUERY | TOKEN_DUPLICATE, &token)) {
    DWORD error = GetLastError();
    if (process != NULL)
      (void)CloseHandle(process);
    return pf_win_fail(err, error, "process %lu could not be looked at", (unsigned long)pid);
  }
  cd_code rc = identity_of(token, pid, out, err);
  (void)CloseHandle(token);
  (void)CloseHandle(process);
  return rc;
}

/* The token that the client showed when it wrote; there is none before something of it was read. */
static bool identity_by_impersonation(HANDLE pipe, DWORD pid, pf_identity *out)
{
  HANDLE token = NULL;
  if (!ImpersonateNamedPipeClient(pipe))
    return false;
  BOOL opened = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_DUPLICATE, TRUE, &token);
  /* To go on as the client would be worse than to end. */
  if (!RevertToSelf())
    abort();
  bool known = opened && identity_of(token, pid, out, NULL) == CD_OK;
  if (opened)
    (void)CloseHandle(token);
  return known;
}

cd_code pf_peer_of(uv_pipe_t *pipe, pf_identity *ret_identity, cd_err *err)
{
  uv_os_fd_t handle = NULL;
  ULONG pid = 0;
  DWORD flags = 0;
  int status = uv_fileno((const uv_handle_t *)pipe, &handle);
  if (status != 0)
    return cd_fail(err, CD_E_INVALID, "the peer of a closed pipe is unknown: %s",
                   uv_strerror(status));
  if (!GetNamedPipeInfo(handle, &flags, NULL, NULL, NULL))
    return pf_win_fail(err, GetLastError(), "the peer of a pipe is unknown");
  bool server = (flags & PIPE_SERVER_END) != 0;
  if (!(server ? GetNamedPipeClientProcessId(handle, &pid)
               : GetNamedPipeServerProcessId(handle, &pid)))
    return pf_win_fail(err, GetLastError(), "the peer of a pipe is unknown");
  if (server && identity_by_impersonation(handle, pid, ret_identity))
    return CD_OK;
  return identity_of_process(pid, ret_identity, err);
}

void pf_peer_name(pf_identity *who)
{
  PSID sid = NULL;
  wchar_t name[256];
  wchar_t domain[256];
  DWORD name_len = 256;
  DWORD domain_len = 256;
  SID_NAME_USE use;
  char text[sizeof(who->user)];
  wchar_t *wide = pf_wide(who->user);
  if (wide != NULL && ConvertStringSidToSidW(wide, &sid) &&
      LookupAccountSidW(NULL, sid, name, &name_len, domain, &domain_len, &use) &&
      pf_narrow(name, text, sizeof(text)))
    memcpy(who->user, text, sizeof(text));
  if (sid != NULL)
    (void)LocalFree(sid);
  free(wide);
}

cd_code pf_peer_self(pf_identity *ret_identity, cd_err *err)
{
  return identity_of_process(GetCurrentProcessId(), ret_identity, err);
}

cd_code pf_peer_in_group(const pf_identity *who, const char *group, bool *ret_member, cd_err *err)
{
  (void)who;
  (void)ret_member;
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "the members of '%s' are not looked up on Windows yet: administrators are let in "
                 "by what they are",
                 group);
}

/* Of all instances: they share one descriptor. */
static cd_code protect(uv_pipe_t *server, const char *name, cd_err *err)
{
  PSECURITY_DESCRIPTOR descriptor = NULL;
  PACL list = NULL;
  BOOL present = FALSE;
  BOOL defaulted = FALSE;
  /* uv_fileno() has none for a server: libuv keeps the instances that wait. */
  HANDLE first = server->pipe.serv.accept_reqs[0].pipeHandle;
  cd_code rc = pf_descriptor_from(PIPE_SDDL, &descriptor, err);
  if (rc != CD_OK)
    return rc;
  DWORD error = ERROR_INVALID_HANDLE;
  if (GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) &&
      first != INVALID_HANDLE_VALUE)
    error = SetSecurityInfo(first, SE_KERNEL_OBJECT,
                            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL,
                            NULL, list, NULL);
  (void)LocalFree(descriptor);
  return error == ERROR_SUCCESS
             ? CD_OK
             : pf_win_fail(err, error, "the pipe '%s' could not be protected", name);
}

cd_code pf_peer_listen(uv_pipe_t *server, const char *name, int backlog,
                       uv_connection_cb on_connection, cd_err *err)
{
  if (strncmp(name, PIPE_PREFIX, strlen(PIPE_PREFIX)) != 0 || strlen(name) > 255)
    return cd_fail(err, CD_E_INVALID, "'%s' is not the name of a pipe", name);
  /* Wine does not enforce what libuv asks for, that ours is the first of this name: ask as a client
   * would. */
  wchar_t *wide = pf_wide(name);
  bool there = wide != NULL && (WaitNamedPipeW(wide, 1) || GetLastError() == ERROR_SEM_TIMEOUT);
  free(wide);
  if (there)
    return cd_fail(err, CD_E_CONFLICT, "another process already listens on '%s'", name);
  int status = uv_pipe_bind(server, name);
  if (status != 0)
    return cd_fail_os(err, status == UV_EACCES ? CD_E_CONFLICT : cd_code_from_errno(status),
                      -(int64_t)status, "the pipe '%s' could not be made: %s", name,
                      uv_strerror(status));
  /* libuv makes it with the system's own descriptor, by which others may open it to read; nothing
   * is written to a connection before it is accepted, which is after this. */
  cd_code rc = protect(server, name, err);
  if (rc != CD_OK)
    return rc;
  status = uv_listen((uv_stream_t *)server, backlog, on_connection);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "nothing can listen on '%s': %s", name, uv_strerror(status));
  return CD_OK;
}

/* A status of libuv's. */
static int open_pipe(uv_pipe_t *pipe, const char *name)
{
  wchar_t *wide = pf_wide(name);
  if (wide == NULL)
    return UV_EINVAL;
  /* The server may learn who we are, and not act as us. */
  HANDLE handle =
      CreateFileW(wide, CLIENT_RIGHTS, 0, NULL, OPEN_EXISTING,
                  FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
  DWORD error = GetLastError();
  free(wide);
  if (handle == INVALID_HANDLE_VALUE)
    return error == ERROR_PIPE_BUSY ? UV_EAGAIN : uv_translate_sys_error((int)error);
  int file = uv_open_osfhandle(handle);
  if (file < 0) {
    (void)CloseHandle(handle);
    return UV_EMFILE;
  }
  int status = uv_pipe_open(pipe, file);
  if (status != 0)
    (void)_close(file);
  return status;
}

void pf_peer_connect(uv_connect_t *request, uv_pipe_t *pipe, const char *name,
                     uv_connect_cb on_connected)
{
  request->handle = (uv_stream_t *)pipe;
  on_connected(request, open_pipe(pipe, name));
}
