/* The folders of the agent: whose they are, who may open them, and taking them away. */
#include "platform/install.h"

#include "platform/file.h"
#include "platform/paths.h"
#include "windows/windows.h"

#include <aclapi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PROGRAM_RIGHTS L"D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)"
#define DATA_RIGHTS L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
#define LONG_PATH 32768u
#define DEPTH_MAX 64u

/* The path without its last name. */
static cd_code parent_of(const char *path, char out[CD_PATH_MAX], cd_err *err)
{
  const char *slash = strrchr(path, '\\');
  if (slash == NULL || (size_t)(slash - path) >= CD_PATH_MAX)
    return cd_fail(err, CD_E_INVALID, "'%.300s' lies in no folder", path);
  (void)snprintf(out, CD_PATH_MAX, "%.*s", (int)(slash - path), path);
  return CD_OK;
}

static cd_code own_program(char out[CD_PATH_MAX], cd_err *err)
{
  wchar_t *wide = calloc(LONG_PATH, sizeof(*wide));
  DWORD len = wide != NULL ? GetModuleFileNameW(NULL, wide, LONG_PATH) : 0;
  bool found = len > 0 && len < LONG_PATH && pf_narrow(wide, out, CD_PATH_MAX);
  free(wide);
  return found ? CD_OK
               : cd_fail(err, CD_E_INTERNAL, "where this program lies could not be found out");
}

cd_code pf_install_folder(char out[CD_PATH_MAX], cd_err *err)
{
  char path[CD_PATH_MAX] = "";
  cd_code rc = own_program(path, err);
  return rc == CD_OK ? parent_of(path, out, err) : rc;
}

/* A folder that is one, and not a link to one. */
static cd_code open_folder(const char *path, HANDLE *ret_folder, cd_err *err)
{
  BY_HANDLE_FILE_INFORMATION facts = {0};
  wchar_t *wide = pf_wide_path(path);
  *ret_folder = INVALID_HANDLE_VALUE;
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "'%.300s' is not UTF-8", path);
  HANDLE folder = CreateFileW(wide, READ_CONTROL | FILE_READ_ATTRIBUTES,
                              FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  free(wide);
  if (folder == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, GetLastError(), "the folder '%.300s' could not be opened", path);
  bool plain = GetFileInformationByHandle(folder, &facts) &&
               (facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 &&
               (facts.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0;
  if (!plain) {
    (void)CloseHandle(folder);
    return cd_fail(err, CD_E_DENIED, "'%.300s' is no folder, or a link", path);
  }
  *ret_folder = folder;
  return CD_OK;
}

static DWORD set_rights(const char *path, PSECURITY_DESCRIPTOR descriptor)
{
  PACL list = NULL;
  BOOL present = FALSE;
  BOOL defaulted = FALSE;
  wchar_t *wide = pf_wide(path);
  if (wide == NULL || !GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted)) {
    free(wide);
    return ERROR_INVALID_NAME;
  }
  DWORD error = SetNamedSecurityInfoW(
      wide, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL,
      NULL, list, NULL);
  free(wide);
  return error;
}

/* What is there must be an administrator's before it is given rights: who owns a thing can change
 * them again. It is held open, so that it stays the folder that was looked at, and looked at again
 * afterwards. */
static cd_code protect(const char *path, const wchar_t *sddl, cd_err *err)
{
  HANDLE folder = INVALID_HANDLE_VALUE;
  PSECURITY_DESCRIPTOR descriptor = NULL;
  cd_code rc = open_folder(path, &folder, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_trust_check(folder, path, PF_TRUST_FOLDER, err);
  if (rc == CD_OK)
    rc = pf_descriptor_from(sddl, &descriptor, err);
  if (rc == CD_OK) {
    DWORD error = set_rights(path, descriptor);
    if (error != ERROR_SUCCESS)
      rc = pf_win_fail(err, error, "the rights of '%.300s' could not be set", path);
  }
  if (rc == CD_OK)
    rc = pf_trust_check(folder, path, PF_TRUST_FOLDER, err);
  (void)LocalFree(descriptor);
  (void)CloseHandle(folder);
  return rc;
}

static cd_code make_folder(const char *path, cd_err *err)
{
  PSECURITY_DESCRIPTOR descriptor = NULL;
  wchar_t *wide = pf_wide_path(path);
  cd_code rc = wide == NULL ? cd_fail(err, CD_E_INVALID, "'%.300s' is not UTF-8", path)
                            : pf_descriptor_from(DATA_RIGHTS, &descriptor, err);
  if (rc == CD_OK) {
    SECURITY_ATTRIBUTES who = {.nLength = sizeof(who), .lpSecurityDescriptor = descriptor};
    if (!CreateDirectoryW(wide, &who) && GetLastError() != ERROR_ALREADY_EXISTS)
      rc = pf_win_fail(err, GetLastError(), "the folder '%.300s' could not be made", path);
  }
  (void)LocalFree(descriptor);
  free(wide);
  return rc;
}

cd_code pf_install_folders(cd_err *err)
{
  char programs[CD_PATH_MAX];
  char data[CD_PATH_MAX];
  cd_code rc = pf_install_folder(programs, err);
  if (rc == CD_OK)
    rc = protect(programs, PROGRAM_RIGHTS, err);
  if (rc == CD_OK)
    rc = parent_of(pf_paths_installed()->config_file, data, err);
  if (rc == CD_OK)
    rc = make_folder(data, err);
  return rc == CD_OK ? protect(data, DATA_RIGHTS, err) : rc;
}

cd_code pf_install_check(cd_err *err)
{
  char path[CD_PATH_MAX] = "";
  HANDLE handle = INVALID_HANDLE_VALUE;
  cd_code rc = own_program(path, err);
  if (rc == CD_OK)
    rc = pf_file_open_trusted(path, &handle, err);
  if (rc == CD_OK) {
    pf_file_close(handle);
    rc = parent_of(pf_paths_installed()->config_file, path, err);
  }
  if (rc == CD_OK)
    rc = open_folder(path, &handle, err);
  if (rc == CD_OK) {
    rc = pf_trust_check(handle, path, PF_TRUST_FOLDER, err);
    (void)CloseHandle(handle);
  }
  return rc;
}

static DWORD remove_all(const wchar_t *path, unsigned depth);

static DWORD remove_one(const wchar_t *folder, const WIN32_FIND_DATAW *found, unsigned depth)
{
  wchar_t *path = calloc(LONG_PATH, sizeof(*path));
  DWORD error = ERROR_SUCCESS;
  bool is_folder = (found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  bool is_link = (found->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
  if (path == NULL || swprintf(path, LONG_PATH, L"%ls\\%ls", folder, found->cFileName) <= 0)
    error = ERROR_NOT_ENOUGH_MEMORY;
  else if (is_folder && !is_link)
    error = remove_all(path, depth + 1);
  else if (!(is_folder ? RemoveDirectoryW(path) : DeleteFileW(path)))
    error = GetLastError();
  free(path);
  return error;
}

/* The first error is kept; the rest is removed all the same. */
static DWORD remove_all(const wchar_t *path, unsigned depth)
{
  WIN32_FIND_DATAW found;
  wchar_t *pattern = calloc(LONG_PATH, sizeof(*pattern));
  DWORD first = ERROR_SUCCESS;
  if (pattern == NULL || depth > DEPTH_MAX || swprintf(pattern, LONG_PATH, L"%ls\\*", path) <= 0) {
    free(pattern);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  HANDLE search = FindFirstFileW(pattern, &found);
  free(pattern);
  if (search == INVALID_HANDLE_VALUE)
    return GetLastError();
  do {
    bool itself = wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0;
    DWORD error = itself ? ERROR_SUCCESS : remove_one(path, &found, depth);
    first = first == ERROR_SUCCESS ? error : first;
  } while (FindNextFileW(search, &found));
  (void)FindClose(search);
  if (!RemoveDirectoryW(path) && first == ERROR_SUCCESS)
    first = GetLastError();
  return first;
}

cd_code pf_uninstall_data(cd_err *err)
{
  char data[CD_PATH_MAX];
  HANDLE folder = INVALID_HANDLE_VALUE;
  cd_err why = {0};
  cd_code rc = parent_of(pf_paths_installed()->config_file, data, err);
  if (rc != CD_OK)
    return rc;
  rc = open_folder(data, &folder, &why);
  if (rc == CD_E_NOTFOUND)
    return CD_OK;
  if (rc != CD_OK)
    return cd_fail_os(err, rc, why.os_error, "%s", why.text);
  (void)CloseHandle(folder);
  wchar_t *wide = pf_wide_long(data);
  DWORD error = wide != NULL ? remove_all(wide, 0) : ERROR_INVALID_NAME;
  free(wide);
  if (error != ERROR_SUCCESS)
    return pf_win_fail(err, error, "'%.300s' could not be removed", data);
  return CD_OK;
}
