#include "path.h"

#include <wchar.h>

#include "reg.h"

#define VERSION_KEY L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion"
#define PROFILES_KEY L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"

bool win_join(const wchar_t *folder, const wchar_t *name, wchar_t ret_path[WIN_PATH])
{
  size_t len = wcslen(folder);
  size_t more = wcslen(name);
  if (len + 1 + more >= WIN_PATH)
    return false;
  wmemmove(ret_path, folder, len);
  if (len > 0 && folder[len - 1] != L'\\')
    ret_path[len++] = L'\\';
  wmemcpy(ret_path + len, name, more + 1);
  return true;
}

static bool windows_folder(wchar_t ret_path[WIN_PATH])
{
  UINT len = GetSystemWindowsDirectoryW(ret_path, WIN_PATH);
  return len > 2 && len < WIN_PATH;
}

static bool from_registry(const wchar_t *key, const wchar_t *value, wchar_t ret_path[WIN_PATH])
{
  wchar_t raw[WIN_PATH];
  return win_reg_text(HKEY_LOCAL_MACHINE, key, value, raw) && win_expand(raw, ret_path);
}

bool win_place(win_where where, const wchar_t *rest, wchar_t ret_path[WIN_PATH])
{
  bool known = false;
  switch (where) {
  case WIN_WINDOWS: known = windows_folder(ret_path); break;
  case WIN_SYSTEM_DRIVE:
    known = windows_folder(ret_path);
    ret_path[known ? 2 : 0] = L'\0';
    break;
  case WIN_PROGRAM_FILES: known = from_registry(VERSION_KEY, L"ProgramFilesDir", ret_path); break;
  case WIN_PROGRAM_FILES_X86:
    known = from_registry(VERSION_KEY, L"ProgramFilesDir (x86)", ret_path);
    break;
  case WIN_PROGRAM_DATA:
    known = from_registry(PROFILES_KEY, L"ProgramData", ret_path) ||
            (win_place(WIN_SYSTEM_DRIVE, L"", ret_path) &&
             win_join(ret_path, L"ProgramData", ret_path));
    break;
  }
  return known && (rest[0] == L'\0' || win_join(ret_path, rest, ret_path));
}

static const struct {
  const wchar_t *name;
  win_where where;
} variables[] = {
    {L"%SystemRoot%", WIN_WINDOWS},
    {L"%windir%", WIN_WINDOWS},
    {L"%SystemDrive%", WIN_SYSTEM_DRIVE},
    {L"%ProgramFiles%", WIN_PROGRAM_FILES},
    {L"%ProgramData%", WIN_PROGRAM_DATA},
    {L"%ALLUSERSPROFILE%", WIN_PROGRAM_DATA},
    {L"%ProgramFiles(x86)%", WIN_PROGRAM_FILES_X86},
};

/* How long the variable at the front of a text is; 0: it is none that is known. */
static size_t variable_at(const wchar_t *text, wchar_t ret_value[WIN_PATH])
{
  for (size_t i = 0; text[0] == L'%' && i < sizeof(variables) / sizeof(variables[0]); i++) {
    size_t len = wcslen(variables[i].name);
    if (_wcsnicmp(text, variables[i].name, len) == 0 &&
        win_place(variables[i].where, L"", ret_value))
      return len;
  }
  return 0;
}

bool win_expand(const wchar_t *text, wchar_t ret_text[WIN_PATH])
{
  wchar_t value[WIN_PATH];
  size_t at = 0;
  while (*text != L'\0') {
    size_t len = variable_at(text, value);
    size_t more = len > 0 ? wcslen(value) : 1;
    if (at + more >= WIN_PATH)
      return false;
    if (len > 0)
      wmemcpy(ret_text + at, value, more);
    else
      ret_text[at] = *text;
    at += more;
    text += len > 0 ? len : 1;
  }
  ret_text[at] = L'\0';
  return true;
}

static bool is_file(const wchar_t *path)
{
  DWORD attributes = GetFileAttributesW(path);
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

/* Without quotes the system tries each blank for the end; so does this. */
static bool end_at_blank(wchar_t path[WIN_PATH])
{
  wchar_t with_exe[WIN_PATH];
  if (is_file(path))
    return true;
  for (wchar_t *blank = wcschr(path, L' '); blank != NULL; blank = wcschr(blank + 1, L' ')) {
    *blank = L'\0';
    if (is_file(path))
      return true;
    if (swprintf(with_exe, WIN_PATH, L"%ls.exe", path) > 0 && is_file(with_exe)) {
      wmemcpy(path, with_exe, wcslen(with_exe) + 1);
      return true;
    }
    *blank = L' ';
  }
  path[wcscspn(path, L" ")] = L'\0';
  return true;
}

/* An absolute path of what a driver's or a service's entry has. */
static bool make_absolute(const wchar_t *text, wchar_t ret_path[WIN_PATH])
{
  if (_wcsnicmp(text, L"\\SystemRoot\\", 12) == 0)
    return win_place(WIN_WINDOWS, text + 12, ret_path);
  if (wcsncmp(text, L"\\??\\", 4) == 0 || wcsncmp(text, L"\\\\?\\", 4) == 0)
    text += 4;
  if (text[0] != L'\0' && text[1] == L':')
    return wcslen(text) < WIN_PATH && wcscpy_s(ret_path, WIN_PATH, text) == 0;
  if (_wcsnicmp(text, L"system32\\", 9) == 0 || _wcsnicmp(text, L"syswow64\\", 9) == 0)
    return win_place(WIN_WINDOWS, text, ret_path);
  wchar_t below[WIN_PATH];
  return text[0] != L'\0' && text[0] != L'\\' && win_join(L"System32", text, below) &&
         win_place(WIN_WINDOWS, below, ret_path);
}

bool win_program_of(const wchar_t *command, wchar_t ret_path[WIN_PATH])
{
  wchar_t text[WIN_PATH];
  ret_path[0] = L'\0';
  if (!win_expand(command, text))
    return false;
  const wchar_t *from = text + wcsspn(text, L" \t");
  if (*from == L'"') {
    wchar_t *end = wcschr(++from, L'"');
    if (end != NULL)
      *end = L'\0';
    return make_absolute(from, ret_path);
  }
  return make_absolute(from, ret_path) && end_at_blank(ret_path);
}
