#include "support/wide.h"

#include <wchar.h>

#include "support/utf16.h"

void sup_from_wide(const wchar_t *text, char *ret_text, size_t size)
{
  (void)sup_utf16_text(text, text != NULL ? wcslen(text) : 0, ret_text, size, NULL);
}

bool sup_to_wide(const char *text, wchar_t *ret_text, size_t units)
{
  int made = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, ret_text, (int)units);
  if (made <= 0)
    ret_text[0] = L'\0';
  return made > 0;
}

sup_function *sup_system_call(const wchar_t *library, const char *name)
{
  HMODULE module = LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
  return module != NULL ? (sup_function *)GetProcAddress(module, name) : NULL;
}

bool sup_is_wine(void)
{
  HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
  return ntdll != NULL && GetProcAddress(ntdll, "wine_get_version") != NULL;
}
