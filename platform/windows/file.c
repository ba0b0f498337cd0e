/* Whole files: reading with a ceiling, replacing so that a reader or a power cut sees the old or
 * the new one. Windows has no call that syncs a folder: names are written through with the call
 * that makes or moves them. */
#include "platform/file.h"

#include "base/id.h"
#include "base/limits.h"
#include "windows/windows.h"

#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define CHUNK (64u * 1024u)

void pf_file_close(uv_os_fd_t file)
{
  if (file != NULL && file != INVALID_HANDLE_VALUE)
    (void)CloseHandle(file);
}

void pf_number_close(uv_file number)
{
  if (number >= 0)
    (void)_close(number);
}

/* At an offset, so that the handle's own position does not matter; it does move, which nobody here
 * relies on. */
static cd_code read_at(HANDLE file, const char *name, uint64_t offset, char *chunk, DWORD *ret_got,
                       cd_err *err)
{
  OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
  *ret_got = 0;
  if (ReadFile(file, chunk, CHUNK, ret_got, &at) || GetLastError() == ERROR_HANDLE_EOF)
    return CD_OK;
  return pf_win_fail(err, GetLastError(), "'%s' could not be read", name);
}

static cd_code read_chunks(HANDLE file, const char *name, size_t max, char *chunk, cd_buf *out,
                           cd_err *err)
{
  size_t total = 0;
  for (;;) {
    DWORD got = 0;
    cd_code rc = read_at(file, name, total, chunk, &got, err);
    if (rc != CD_OK)
      return rc;
    if (got == 0)
      return cd_buf_status(out, name, err);
    total += got;
    if (total > max)
      return cd_fail(err, CD_E_LIMIT, "'%s' is larger than %zu bytes, which is the limit", name,
                     max);
    cd_buf_add(out, chunk, got);
  }
}

cd_code pf_file_read_open(uv_os_fd_t file, const char *name, size_t max, cd_buf *out, cd_err *err)
{
  BY_HANDLE_FILE_INFORMATION info;
  if (GetFileType(file) != FILE_TYPE_DISK || !GetFileInformationByHandle(file, &info) ||
      (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    return cd_fail(err, CD_E_INVALID, "'%s' is not a regular file", name);
  char *chunk = malloc(CHUNK);
  if (chunk == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to read '%s'", name);
  cd_code rc = read_chunks(file, name, max, chunk, out, err);
  free(chunk);
  return rc;
}

static HANDLE open_path(const char *path, DWORD access, DWORD share, DWORD how, DWORD flags,
                        SECURITY_ATTRIBUTES *security)
{
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL) {
    SetLastError(ERROR_INVALID_NAME);
    return INVALID_HANDLE_VALUE;
  }
  HANDLE file =
      CreateFileW(wide, access, share, security, how, flags | FILE_FLAG_BACKUP_SEMANTICS, NULL);
  DWORD error = GetLastError();
  free(wide);
  SetLastError(error);
  return file;
}

cd_code pf_file_read(const char *path, size_t max, cd_buf *out, cd_err *err)
{
  HANDLE file =
      open_path(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, GetLastError(), "'%s' could not be opened", path);
  cd_code rc = pf_file_read_open(file, path, max, out, err);
  pf_file_close(file);
  return rc;
}

static cd_code write_all(HANDLE file, const char *path, cd_str content, cd_err *err)
{
  size_t done = 0;
  while (done < content.len) {
    DWORD wrote = 0;
    DWORD part = content.len - done > CHUNK ? CHUNK : (DWORD)(content.len - done);
    if (!WriteFile(file, content.ptr + done, part, &wrote, NULL))
      return pf_win_fail(err, GetLastError(), "'%s' could not be written", path);
    done += wrote;
  }
  if (!FlushFileBuffers(file))
    return pf_win_fail(err, GetLastError(), "'%s' could not be synced", path);
  return CD_OK;
}

static cd_code write_new(const char *temp, const char *path, cd_str content, unsigned mode,
                         cd_err *err)
{
  SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
  cd_code rc = pf_descriptor(mode, false, &security.lpSecurityDescriptor, err);
  if (rc != CD_OK)
    return rc;
  HANDLE file = open_path(temp, GENERIC_WRITE, 0, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, &security);
  DWORD error = GetLastError();
  (void)LocalFree(security.lpSecurityDescriptor);
  if (file == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, error, "'%s' could not be replaced", path);
  rc = write_all(file, path, content, err);
  pf_file_close(file);
  return rc;
}

/* Where the last name of the path begins. */
static size_t folder_len(const char *path)
{
  size_t len = strlen(path);
  while (len > 0 && path[len - 1] != '\\' && path[len - 1] != '/')
    len--;
  return len;
}

static cd_code move_over(const char *from, const char *to, cd_err *err)
{
  wchar_t *wide_from = pf_wide_path(from);
  wchar_t *wide_to = pf_wide_path(to);
  cd_code rc = CD_OK;
  if (wide_from == NULL || wide_to == NULL)
    rc = cd_fail(err, CD_E_INVALID, "'%s' is not the name of a file", to);
  else if (!MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
    rc = pf_win_fail(err, GetLastError(), "'%s' could not be replaced", to);
  free(wide_from);
  free(wide_to);
  return rc;
}

cd_code pf_file_replace(const char *path, cd_str content, unsigned mode, cd_err *err)
{
  char temp[CD_PATH_MAX];
  char id[CD_ID_SIZE];
  size_t len = folder_len(path);
  if (path[len] == '\0')
    return cd_fail(err, CD_E_INVALID, "'%s' does not name a file", path);
  cd_code rc = cd_id_make(id, err);
  if (rc != CD_OK)
    return rc;
  int n = snprintf(temp, sizeof(temp), "%.*s.%s.tmp", (int)len, path, id);
  if (n < 0 || (size_t)n >= sizeof(temp))
    return cd_fail(err, CD_E_INVALID, "the path '%.64s...' is too long", path);
  rc = write_new(temp, path, content, mode, err);
  if (rc == CD_OK)
    rc = move_over(temp, path, err);
  if (rc != CD_OK)
    (void)!pf_file_remove(temp, NULL);
  return rc;
}

cd_code pf_file_remove(const char *path, cd_err *err)
{
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is not the name of a file", path);
  BOOL gone = DeleteFileW(wide);
  DWORD error = GetLastError();
  free(wide);
  if (gone || error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
    return CD_OK;
  return pf_win_fail(err, error, "'%s' could not be removed", path);
}

/* The names of NTFS are in its log before the call that makes them returns a handle that is then
 * flushed: the file's own flush is what there is. */
cd_code pf_file_sync_name(const char *path, cd_err *err)
{
  HANDLE file =
      open_path(path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, GetLastError(), "'%s' could not be synced", path);
  cd_code rc = CD_OK;
  if (!FlushFileBuffers(file))
    rc = pf_win_fail(err, GetLastError(), "'%s' could not be synced", path);
  pf_file_close(file);
  return rc;
}
