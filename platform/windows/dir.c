/* Folders: made with an access list of our own, and listed in a stable order. */
#include "platform/file.h"

#include "base/limits.h"
#include "windows/windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static cd_code check_existing(const char *path, const wchar_t *wide, cd_err *err)
{
  HANDLE folder =
      CreateFileW(wide, READ_CONTROL | FILE_READ_ATTRIBUTES,
                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                  FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  if (folder == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, GetLastError(), "the folder '%s' could not be opened", path);
  BY_HANDLE_FILE_INFORMATION info;
  cd_code rc = CD_OK;
  if (!GetFileInformationByHandle(folder, &info))
    rc = pf_win_fail(err, GetLastError(), "the folder '%s' could not be examined", path);
  else if ((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
           (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    rc = cd_fail(err, CD_E_DENIED, "'%s' is not a folder", path);
  else
    rc = pf_trust_check(folder, path, PF_TRUST_FOLDER, err);
  (void)CloseHandle(folder);
  return rc;
}

cd_code pf_dir_ensure(const char *path, unsigned mode, const char *owner, cd_err *err)
{
  SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
  if (owner != NULL)
    return cd_fail(err, CD_E_UNSUPPORTED,
                   "the folder '%s' was not made for '%s': folders of other accounts are not there "
                   "on Windows yet",
                   path, owner);
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is not the name of a folder", path);
  cd_code rc = pf_descriptor(mode, true, &security.lpSecurityDescriptor, err);
  if (rc == CD_OK && !CreateDirectoryW(wide, &security)) {
    DWORD error = GetLastError();
    rc = error == ERROR_ALREADY_EXISTS
             ? check_existing(path, wide, err)
             : pf_win_fail(err, error, "the folder '%s' could not be made", path);
  }
  if (security.lpSecurityDescriptor != NULL)
    (void)LocalFree(security.lpSecurityDescriptor);
  free(wide);
  return rc;
}

typedef struct name_list {
  char **names;
  size_t count;
} name_list;

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static cd_code add_name(name_list *l, const wchar_t *wide, const char *path, const char *suffix,
                        size_t max, cd_err *err)
{
  char name[MAX_PATH * 4];
  if (wcscmp(wide, L".") == 0 || wcscmp(wide, L"..") == 0)
    return CD_OK;
  /* A name that is no UTF-16 cannot be said in UTF-8, and none of ours is one. */
  if (!pf_narrow(wide, name, sizeof(name)) || !cd_str_ends(cd_str_from(name), cd_str_from(suffix)))
    return CD_OK;
  if (l->count == max)
    return cd_fail(err, CD_E_LIMIT, "the folder '%s' holds more than %zu names ending in '%s'",
                   path, max, suffix);
  l->names[l->count] = cd_str_dup(cd_str_from(name));
  if (l->names[l->count] == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to list the folder '%s'", path);
  l->count++;
  return CD_OK;
}

static cd_code collect(name_list *l, const char *path, const char *suffix, size_t max, cd_err *err)
{
  char pattern[CD_PATH_MAX];
  WIN32_FIND_DATAW found;
  int n = snprintf(pattern, sizeof(pattern), "%s\\*", path);
  wchar_t *wide = n > 0 && (size_t)n < sizeof(pattern) ? pf_wide_path(pattern) : NULL;
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is not the name of a folder", path);
  HANDLE search = FindFirstFileExW(wide, FindExInfoBasic, &found, FindExSearchNameMatch, NULL, 0);
  DWORD error = GetLastError();
  free(wide);
  if (search == INVALID_HANDLE_VALUE)
    return pf_win_fail(err, error, "the folder '%s' could not be opened", path);
  cd_code rc = CD_OK;
  BOOL more = TRUE;
  for (; more && rc == CD_OK; more = FindNextFileW(search, &found))
    rc = add_name(l, found.cFileName, path, suffix, max, err);
  error = GetLastError();
  (void)FindClose(search);
  if (rc == CD_OK && error != ERROR_NO_MORE_FILES)
    rc = pf_win_fail(err, error, "the folder '%s' could not be listed", path);
  return rc;
}

cd_code pf_dir_list(const char *path, const char *suffix, size_t max,
                    cd_code (*each)(void *context, const char *name, cd_err *err), void *context,
                    cd_err *err)
{
  name_list list = {.names = calloc(max > 0 ? max : 1, sizeof(*list.names))};
  if (list.names == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to list the folder '%s'", path);
  cd_code rc = collect(&list, path, suffix, max, err);
  if (rc == CD_OK && list.count > 0)
    qsort(list.names, list.count, sizeof(*list.names), compare_names);
  for (size_t i = 0; rc == CD_OK && i < list.count; i++)
    rc = each(context, list.names[i], err);
  for (size_t i = 0; i < list.count; i++)
    free(list.names[i]);
  free(list.names);
  return rc;
}
