/* One agent per state folder. The lock is on a byte far behind the content, so that others can
 * still read who holds it; Windows lets go of it when the process ends, however it ends. */
#include "platform/file.h"

#include "base/str.h"
#include "windows/windows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define LOCK_AT 0x40000000u
#define PID_TEXT_MAX 24

static cd_code held(HANDLE file, const char *path, cd_err *err)
{
  char text[PID_TEXT_MAX] = {0};
  DWORD got = 0;
  OVERLAPPED at = {0};
  (void)ReadFile(file, text, sizeof(text) - 1, &got, &at);
  cd_str rest = {.ptr = text, .len = got};
  cd_str digits = cd_str_cut(&rest, '\n');
  uint64_t pid = 0;
  if (cd_str_to_u64(digits, UINT32_MAX, &pid) && pid > 0)
    return cd_fail(err, CD_E_CONFLICT, "'%s' is locked by process %llu", path,
                   (unsigned long long)pid);
  return cd_fail(err, CD_E_CONFLICT, "'%s' is locked by another process", path);
}

static cd_code write_pid(HANDLE file, const char *path, cd_err *err)
{
  char text[PID_TEXT_MAX];
  DWORD wrote = 0;
  int len = snprintf(text, sizeof(text), "%lu\n", (unsigned long)GetCurrentProcessId());
  if (!SetEndOfFile(file) || !WriteFile(file, text, (DWORD)len, &wrote, NULL) ||
      wrote != (DWORD)len)
    return pf_win_fail(err, GetLastError(), "the lock file '%s' could not be written", path);
  return CD_OK;
}

cd_code pf_file_lock(const char *path, cd_err *err)
{
  SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is not the name of a file", path);
  cd_code rc = pf_descriptor(0600, false, &security.lpSecurityDescriptor, err);
  if (rc != CD_OK) {
    free(wide);
    return rc;
  }
  HANDLE file = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                            &security, OPEN_ALWAYS, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  DWORD error = GetLastError();
  (void)LocalFree(security.lpSecurityDescriptor);
  free(wide);
  if (file == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, error, "the lock file '%s' could not be opened", path);
  OVERLAPPED at = {.Offset = LOCK_AT};
  if (LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at))
    rc = write_pid(file, path, err);
  else if (GetLastError() == ERROR_LOCK_VIOLATION || GetLastError() == ERROR_IO_PENDING)
    rc = held(file, path, err);
  else
    rc = pf_win_fail(err, GetLastError(), "'%s' could not be locked", path);
  if (rc != CD_OK)
    (void)CloseHandle(file);
  return rc;
}
