/* Files with an access list of their own: this process's user, SYSTEM and administrators, and
 * nobody else. */
#include "platform/private.h"

#include "windows/windows.h"

#include <stdlib.h>

#include "base/banned.h"

cd_code pf_private_check(uv_file file, const char *path, cd_err *err)
{
  HANDLE handle = uv_get_osfhandle(file);
  BY_HANDLE_FILE_INFORMATION facts;
  if (GetFileType(handle) != FILE_TYPE_DISK)
    return cd_fail(err, CD_E_INVALID, "%.300s is not a file", path);
  if (!GetFileInformationByHandle(handle, &facts))
    return pf_win_fail(err, GetLastError(), "cannot look at %.300s", path);
  if ((facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    return cd_fail(err, CD_E_INVALID, "%.300s is not a file", path);
  return pf_trust_check(handle, path, PF_TRUST_SECRET, err);
}

/* What nobody can write to or close is not left behind. */
static cd_code number_of(HANDLE handle, const wchar_t *path, const char *name, uv_file *ret_file,
                         cd_err *err)
{
  uv_file file = uv_open_osfhandle(handle);
  if (file < 0) {
    (void)CloseHandle(handle);
    (void)DeleteFileW(path);
    return cd_fail(err, CD_E_LIMIT, "cannot make %.300s: there is no number left for a file", name);
  }
  *ret_file = file;
  return CD_OK;
}

/* Without FILE_FLAG_OPEN_REPARSE_POINT a link that leads nowhere would have its target made. */
cd_code pf_private_make(const char *path, const char *name, uv_file *ret_file, cd_err *err)
{
  PSECURITY_DESCRIPTOR descriptor = NULL;
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "cannot make %.300s: its name is not UTF-8", name);
  cd_code rc = pf_descriptor(0600, false, &descriptor, err);
  if (rc == CD_OK) {
    SECURITY_ATTRIBUTES who = {.nLength = sizeof(who), .lpSecurityDescriptor = descriptor};
    HANDLE handle = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE | READ_CONTROL,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &who,
                                CREATE_NEW, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    rc = handle == INVALID_HANDLE_VALUE
             ? pf_win_fail(err, GetLastError(), "cannot make %.300s", name)
             : number_of(handle, wide, name, ret_file, err);
  }
  (void)LocalFree(descriptor);
  free(wide);
  return rc;
}

cd_code pf_private_folder(const char *path, cd_err *err)
{
  PSECURITY_DESCRIPTOR descriptor = NULL;
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "cannot make %.300s: its name is not UTF-8", path);
  cd_code rc = pf_descriptor(0700, true, &descriptor, err);
  if (rc == CD_OK) {
    SECURITY_ATTRIBUTES who = {.nLength = sizeof(who), .lpSecurityDescriptor = descriptor};
    if (!CreateDirectoryW(wide, &who))
      rc = pf_win_fail(err, GetLastError(), "cannot make %.300s", path);
  }
  (void)LocalFree(descriptor);
  free(wide);
  return rc;
}
