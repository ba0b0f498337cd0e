/* What is the agent's own, and stays; and what is Windows', and is taken with force only. */
#include "remediate.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "support/wide.h"

/* Windows' installer of its parts, whom they belong to. */
#define TRUSTED_INSTALLER "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

typedef BOOL WINAPI protected_fn(HANDLE, const wchar_t *);

/* The folder of this very program or library. */
static bool folder_of(HMODULE module, wchar_t ret_folder[REM_PATH])
{
  wchar_t path[REM_PATH];
  wchar_t full[REM_PATH];
  DWORD len = GetModuleFileNameW(module, path, REM_PATH);
  if (len == 0 || len >= REM_PATH)
    return false;
  if (wcsncmp(path, L"\\\\?\\", 4) == 0)
    wmemcpy(full, path, len + 1);
  else if (!rem_join(L"\\\\?\\", path, full))
    return false;
  rem_above(full, ret_folder);
  return true;
}

/* Not the system's, where a test may run from. */
static bool is_of_us(const wchar_t *full, const wchar_t *folder)
{
  return wcslen(folder) > 7 && rem_is_below(full, folder);
}

/* Something that is in this library. */
static const char here = 0;

bool rem_own_file(const rem_job *j, const wchar_t *full)
{
  wchar_t folder[REM_PATH];
  wchar_t above[REM_PATH];
  HMODULE self = NULL;
  /* The private folder is <state>\plugins\<id>; all of <state>, and what is beside it, is ours. */
  if (j->state_dir[0] != L'\0') {
    rem_above(j->state_dir, above);
    rem_above(above, folder);
    if (is_of_us(full, folder))
      return true;
    rem_above(folder, above);
    if (wcslen(above) > 7 && _wcsicmp(wcsrchr(above, L'\\') + 1, L"Cordon") == 0 &&
        rem_is_below(full, above))
      return true;
  }
  if (folder_of(NULL, folder) && is_of_us(full, folder))
    return true;
  return GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (const wchar_t *)(const void *)&here, &self) &&
         folder_of(self, folder) && is_of_us(full, folder);
}

bool rem_own_image(HANDLE process)
{
  wchar_t path[REM_PATH];
  wchar_t full[REM_PATH];
  wchar_t folder[REM_PATH];
  DWORD len = REM_PATH;
  return QueryFullProcessImageNameW(process, 0, path, &len) && rem_join(L"\\\\?\\", path, full) &&
         folder_of(NULL, folder) && is_of_us(full, folder);
}

bool rem_windows_own(const rem_place *p, const char *owner, char ret_why[REM_SHOW])
{
  wchar_t windows[REM_PATH];
  protected_fn *is_protected = (protected_fn *)sup_system_call(L"sfc_os.dll", "SfcIsFileProtected");
  if (is_protected == NULL)
    is_protected = (protected_fn *)sup_system_call(L"sfc.dll", "SfcIsFileProtected");
  if (is_protected != NULL && is_protected(NULL, p->full + 4)) {
    (void)snprintf(ret_why, REM_SHOW, "it protects it");
    return true;
  }
  /* Where the call knows of nothing: whom it belongs to. */
  if (strcmp(owner, TRUSTED_INSTALLER) == 0) {
    (void)snprintf(ret_why, REM_SHOW, "it belongs to its installer");
    return true;
  }
  /* Its own programs and drivers, whomever they belong to: System32 and its like, but not what
   * anybody may write there. */
  if (!rem_windows_folder(windows) || !rem_is_below(p->full, windows))
    return false;
  static const wchar_t *const parts[] = {L"System32", L"SysWOW64", L"WinSxS", L"servicing"};
  static const wchar_t *const free_parts[] = {L"System32\\Tasks",
                                              L"System32\\spool\\drivers\\color",
                                              L"System32\\Microsoft\\Crypto\\RSA\\MachineKeys"};
  wchar_t folder[REM_PATH];
  for (size_t i = 0; i < sizeof(free_parts) / sizeof(free_parts[0]); i++)
    if (rem_join(windows, free_parts[i], folder) && rem_is_below(p->full, folder))
      return false;
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    if (rem_join(windows, parts[i], folder) && rem_is_below(p->full, folder)) {
      (void)snprintf(ret_why, REM_SHOW, "it is in its folder %ls", parts[i]);
      return true;
    }
  }
  return false;
}
