/* Opening a file that code or policy comes from. It is opened so that nobody may write to it, move
 * it or delete it while the handle is open; then it and every folder above it are looked at, each
 * by a handle of its own. */
#include "platform/file.h"

#include "base/limits.h"
#include "windows/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FINAL_MAX 32768u

/* The name that the file really has: without links, relative parts and short names. */
static wchar_t *final_name(HANDLE file)
{
  wchar_t *name = calloc(FINAL_MAX, sizeof(*name));
  DWORD len = name != NULL ? GetFinalPathNameByHandleW(file, name, FINAL_MAX,
                                                       FILE_NAME_NORMALIZED | VOLUME_NAME_DOS)
                           : 0;
  if (len == 0 || len >= FINAL_MAX) {
    free(name);
    return NULL;
  }
  return name;
}

static cd_code check_folder(const wchar_t *folder, pf_trust what, const char *path, cd_err *err)
{
  char name[CD_PATH_MAX];
  if (!pf_narrow(folder, name, sizeof(name)))
    return cd_fail(err, CD_E_LIMIT,
                   "'%s' is not trusted: the name of a folder above it is too long", path);
  HANDLE handle = CreateFileW(
      folder, READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
      OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  if (handle == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, GetLastError(),
                       "'%s' is not trusted: the folder '%s' could not be examined", path, name);
  cd_code rc = pf_trust_check(handle, name, what, err);
  (void)CloseHandle(handle);
  return rc;
}

/* Upwards, one name less each time. `name` is as final_name() gives it: \\?\C:\..., or \\?\UNC\...
 */
static cd_code check_folders(wchar_t *name, const char *path, cd_err *err)
{
  pf_trust what = PF_TRUST_FOLDER;
  if (wcsncmp(name, L"\\\\?\\UNC\\", 8) == 0)
    return cd_fail(err, CD_E_DENIED, "'%s' is not trusted: it is on another machine", path);
  for (;;) {
    wchar_t *slash = wcsrchr(name, L'\\');
    /* The root keeps its backslash: \\?\C:\ */
    if (slash == NULL || slash - name < 6)
      return cd_fail(err, CD_E_INVALID, "'%s' is not a path below a drive", path);
    bool root = slash - name == 6;
    slash[root ? 1 : 0] = L'\0';
    cd_code rc = check_folder(name, what, path, err);
    if (rc != CD_OK || root)
      return rc;
    what = PF_TRUST_WAY;
  }
}

static cd_code check(HANDLE file, const char *path, cd_err *err)
{
  BY_HANDLE_FILE_INFORMATION info;
  if (GetFileType(file) != FILE_TYPE_DISK || !GetFileInformationByHandle(file, &info) ||
      (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    return cd_fail(err, CD_E_DENIED, "'%s' is not trusted: it is not a regular file", path);
  if ((info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    return cd_fail(err, CD_E_DENIED, "'%s' is not trusted: it is a symbolic link", path);
  cd_code rc = pf_trust_check(file, path, PF_TRUST_FILE, err);
  if (rc != CD_OK)
    return rc;
  wchar_t *name = final_name(file);
  if (name == NULL)
    return pf_win_fail(err, GetLastError(), "'%s' is not trusted: its name could not be read",
                       path);
  rc = check_folders(name, path, err);
  free(name);
  return rc;
}

cd_code pf_file_open_trusted(const char *path, uv_os_fd_t *ret_file, cd_err *err)
{
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is not the name of a file", path);
  HANDLE file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                            FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  DWORD error = GetLastError();
  free(wide);
  if (file == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, error, "'%s' could not be opened", path);
  cd_code rc = check(file, path, err);
  if (rc == CD_OK)
    *ret_file = file;
  else
    (void)CloseHandle(file);
  return rc;
}

cd_code pf_file_private(uv_os_fd_t file, const char *path, cd_err *err)
{
  return pf_trust_check(file, path, PF_TRUST_SECRET, err);
}
