/* The loader takes names, so what was hashed is what is loaded only because the agent and this
 * process hold the file open and let nobody write, move or delete it meanwhile. Its own imports
 * come from System32 alone. */
#include "platform/library.h"

#include "windows/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FINAL_MAX 32768u

struct pf_library {
  HMODULE module;
};

/* Without the prefix, which the loader of some versions does not take. */
static wchar_t *name_of(HANDLE file)
{
  wchar_t *name = calloc(FINAL_MAX, sizeof(*name));
  DWORD len = name != NULL ? GetFinalPathNameByHandleW(file, name, FINAL_MAX,
                                                       FILE_NAME_NORMALIZED | VOLUME_NAME_DOS)
                           : 0;
  if (len < 7 || len >= FINAL_MAX || wcsncmp(name, L"\\\\?\\", 4) != 0 || name[5] != L':') {
    free(name);
    return NULL;
  }
  if (len < MAX_PATH)
    memmove(name, name + 4, ((size_t)len - 3) * sizeof(*name));
  return name;
}

static cd_code load(const wchar_t *path, DWORD flags, const char *name, cd_code failure,
                    pf_library **ret_library, cd_err *err)
{
  pf_library *library = calloc(1, sizeof(*library));
  if (library == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to load '%s'", name);
  library->module = LoadLibraryExW(path, NULL, flags);
  if (library->module == NULL) {
    DWORD error = GetLastError();
    free(library);
    (void)pf_win_fail(err, error, "'%s' could not be loaded", name);
    if (err != NULL)
      err->code = failure;
    return failure;
  }
  *ret_library = library;
  return CD_OK;
}

cd_code pf_library_load(uv_os_fd_t file, const char *name, pf_library **ret_library, cd_err *err)
{
  wchar_t *path = name_of(file);
  if (path == NULL)
    return cd_fail(err, CD_E_INVALID,
                   "'%s' could not be loaded: it is no file on a drive of this machine", name);
  cd_code rc = load(path, LOAD_LIBRARY_SEARCH_SYSTEM32, name, CD_E_INVALID, ret_library, err);
  free(path);
  return rc;
}

cd_code pf_library_data(pf_library *library, const char *symbol, const void **ret_address,
                        cd_err *err)
{
  FARPROC found = GetProcAddress(library->module, symbol);
  if (found == NULL)
    return cd_fail(err, CD_E_NOTFOUND, "the library has no symbol '%s'", symbol);
  memcpy(ret_address, &found, sizeof(found));
  return CD_OK;
}

cd_code pf_library_system(const char *name, pf_library **ret_library, cd_err *err)
{
  wchar_t *wide = pf_wide(name);
  if (wide == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is not the name of a library", name);
  cd_code rc = load(wide, LOAD_LIBRARY_SEARCH_SYSTEM32, name, CD_E_UNAVAILABLE, ret_library, err);
  free(wide);
  return rc;
}

cd_code pf_library_function(pf_library *library, const char *symbol, pf_function *ret_function,
                            cd_err *err)
{
  FARPROC found = GetProcAddress(library->module, symbol);
  if (found == NULL)
    return cd_fail(err, CD_E_NOTFOUND, "the library has no function '%s'", symbol);
  memcpy(ret_function, &found, sizeof(found));
  return CD_OK;
}
