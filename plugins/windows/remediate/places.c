/* Where files are looked for by what they are: programs that services and the registry start,
 * start-up folders, and the places where what does not belong there is usually put. No link is
 * followed. */
#include "remediate.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { DEPTH = 16, PARTS = 64, TEXT = 2048, VALUES = 4096 };

#define PROFILES L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
#define SERVICES L"SYSTEM\\CurrentControlSet\\Services"

typedef struct walk {
  const rem_search *search;
  bool whole; /* the place is looked into to the ground, and what is deeper still is told */
  bool over;
} walk;

static bool goes_on(walk *w)
{
  w->over = w->over || !w->search->goes_on(w->search->data);
  return !w->over;
}

static void offer(walk *w, const wchar_t *full)
{
  if (goes_on(w) && !w->search->file(w->search->data, full))
    w->over = true;
}

/* ---- folders ---- */

static bool is_link(const wchar_t *full)
{
  DWORD attributes = GetFileAttributesW(full);
  return attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

/* `depth` folders below this one too. */
static void look_into(walk *w, const wchar_t *folder, unsigned depth)
{
  WIN32_FIND_DATAW e;
  wchar_t *path = malloc(REM_PATH * sizeof(wchar_t));
  HANDLE find = INVALID_HANDLE_VALUE;
  if (path != NULL && rem_join(folder, L"*", path) && !is_link(folder))
    find = FindFirstFileExW(path, FindExInfoBasic, &e, FindExSearchNameMatch, NULL,
                            FIND_FIRST_EX_LARGE_FETCH);
  if (find == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED)
    w->search->missed(w->search->data, folder, ERROR_ACCESS_DENIED);
  for (bool more = find != INVALID_HANDLE_VALUE; more && goes_on(w);
       more = FindNextFileW(find, &e)) {
    bool is_folder = (e.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if ((e.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 ||
        wcscmp(e.cFileName, L".") == 0 || wcscmp(e.cFileName, L"..") == 0 ||
        !rem_join(folder, e.cFileName, path))
      continue;
    if (!is_folder)
      offer(w, path);
    else if (depth > 0)
      look_into(w, path, depth - 1);
    else if (w->whole)
      w->search->missed(w->search->data, path, ERROR_FILENAME_EXCED_RANGE);
  }
  if (find != INVALID_HANDLE_VALUE)
    (void)FindClose(find);
  free(path);
}

static void look_below(walk *w, const wchar_t *folder, const wchar_t *part, unsigned depth)
{
  wchar_t path[REM_PATH];
  w->whole = depth == DEPTH;
  if (rem_join(folder, part, path))
    look_into(w, path, depth);
}

static void look_into_profile(walk *w, const wchar_t *profile)
{
  static const struct {
    const wchar_t *part;
    unsigned depth;
  } places[] = {{L"Downloads", DEPTH},
                {L"Desktop", DEPTH},
                {L"AppData\\Local\\Temp", DEPTH},
                {L"AppData\\Roaming", 3},
                {L"AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\Startup", 0},
                {L"AppData\\LocalLow", 3},
                {L"AppData\\Local", 1},
                {L"", 0}};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    look_below(w, profile, places[i].part, places[i].depth);
}

/* An environment of somebody else's says nothing here. */
static bool expand(const wchar_t *text, const wchar_t *windows, wchar_t ret_full[REM_PATH])
{
  static const wchar_t *const roots[] = {L"%SystemRoot%", L"%windir%", L"\\SystemRoot"};
  wchar_t drive[8];
  wmemcpy(drive, windows, 6); /* \\?\C: */
  drive[6] = L'\0';
  for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
    size_t len = wcslen(roots[i]);
    if (_wcsnicmp(text, roots[i], len) == 0 && text[len] == L'\\')
      return rem_join(windows, text + len + 1, ret_full);
  }
  if (_wcsnicmp(text, L"%SystemDrive%\\", 14) == 0)
    return rem_join(drive, text + 14, ret_full);
  if (_wcsnicmp(text, L"%ProgramFiles%\\", 15) == 0)
    return rem_join(drive, L"Program Files", ret_full) && rem_join(ret_full, text + 15, ret_full);
  if (wcsncmp(text, L"\\??\\", 4) == 0)
    text += 4;
  if (_wcsnicmp(text, L"system32\\", 9) == 0)
    return rem_join(windows, text, ret_full);
  return text[0] != L'\0' && text[1] == L':' && text[2] == L'\\' &&
         rem_join(L"\\\\?\\", text, ret_full);
}

/* ---- what the registry starts ---- */

static bool is_file(const wchar_t *full)
{
  DWORD attributes = GetFileAttributesW(full);
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

/* The program of a command line: without quotes each blank may be its end. */
static void offer_command(walk *w, const wchar_t *command, const wchar_t *windows)
{
  wchar_t text[TEXT];
  wchar_t full[REM_PATH];
  const wchar_t *from = command + wcsspn(command, L" \t");
  bool quoted = *from == L'"';
  from += quoted ? 1 : 0;
  for (size_t len = wcscspn(from, quoted ? L"\"" : L" ");;
       len += 1 + wcscspn(from + len + 1, L" ")) {
    if (len >= TEXT)
      return;
    wmemcpy(text, from, len);
    text[len] = L'\0';
    if (expand(text, windows, full) && is_file(full)) {
      offer(w, full);
      return;
    }
    if (quoted || from[len] == L'\0')
      return;
  }
}

/* A text of the registry; false: it is none. */
static bool read_text(HKEY key, const wchar_t *name, wchar_t ret_text[TEXT])
{
  DWORD type = 0;
  DWORD size = (TEXT - 1) * sizeof(wchar_t);
  if (RegQueryValueExW(key, name, NULL, &type, (BYTE *)ret_text, &size) != 0 ||
      (type != REG_SZ && type != REG_EXPAND_SZ))
    return false;
  ret_text[size / sizeof(wchar_t)] = L'\0';
  return true;
}

static void offer_values(walk *w, HKEY root, const wchar_t *path, const wchar_t *windows)
{
  HKEY key = NULL;
  wchar_t name[REM_NAME];
  wchar_t text[TEXT];
  if (RegOpenKeyExW(root, path, 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY, &key) != 0)
    return;
  for (DWORD i = 0; i < VALUES && goes_on(w); i++) {
    DWORD len = REM_NAME;
    LSTATUS status = RegEnumValueW(key, i, name, &len, NULL, NULL, NULL, NULL);
    if (status == ERROR_NO_MORE_ITEMS)
      break;
    if (status == 0 && read_text(key, name, text))
      offer_command(w, text, windows);
  }
  (void)RegCloseKey(key);
}

static void offer_runs(walk *w, HKEY root, const wchar_t *prefix, const wchar_t *windows)
{
  static const wchar_t *const keys[] = {
      L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run",
      L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\RunOnce",
      L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer\\Run",
      L"SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Run",
      L"SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\RunOnce"};
  wchar_t path[REM_PATH];
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
    if (rem_join(prefix, keys[i], path))
      offer_values(w, root, prefix[0] != L'\0' ? path : keys[i], windows);
}

typedef void key_fn(walk *w, HKEY parent, const wchar_t *name, const wchar_t *windows);

static void each_key(walk *w, HKEY root, const wchar_t *path, key_fn *fn, const wchar_t *windows)
{
  HKEY key = root;
  wchar_t name[REM_NAME];
  if (path != NULL && RegOpenKeyExW(root, path, 0, KEY_READ | KEY_WOW64_64KEY, &key) != 0)
    return;
  for (DWORD i = 0; i < VALUES && goes_on(w); i++) {
    DWORD len = REM_NAME;
    LSTATUS status = RegEnumKeyExW(key, i, name, &len, NULL, NULL, NULL, NULL);
    if (status == ERROR_NO_MORE_ITEMS)
      break;
    if (status == 0)
      fn(w, key, name, windows);
  }
  if (path != NULL)
    (void)RegCloseKey(key);
}

static void on_service(walk *w, HKEY services, const wchar_t *name, const wchar_t *windows)
{
  HKEY key = NULL;
  wchar_t text[TEXT];
  wchar_t below[REM_NAME + 16];
  if (RegOpenKeyExW(services, name, 0, KEY_QUERY_VALUE, &key) != 0)
    return;
  if (read_text(key, L"ImagePath", text))
    offer_command(w, text, windows);
  (void)RegCloseKey(key);
  (void)swprintf(below, sizeof(below) / sizeof(below[0]), L"%ls\\Parameters", name);
  if (RegOpenKeyExW(services, below, 0, KEY_QUERY_VALUE, &key) != 0)
    return;
  if (read_text(key, L"ServiceDll", text))
    offer_command(w, text, windows);
  (void)RegCloseKey(key);
}

static void on_hive(walk *w, HKEY users, const wchar_t *name, const wchar_t *windows)
{
  offer_runs(w, users, name, windows);
}

static void on_profile(walk *w, HKEY profiles, const wchar_t *name, const wchar_t *windows)
{
  HKEY key = NULL;
  wchar_t text[TEXT];
  wchar_t full[REM_PATH];
  if (RegOpenKeyExW(profiles, name, 0, KEY_QUERY_VALUE, &key) != 0)
    return;
  bool known = read_text(key, L"ProfileImagePath", text) && expand(text, windows, full);
  (void)RegCloseKey(key);
  if (known)
    look_into_profile(w, full);
}

/* The profiles are those that Windows knows, so that none is missed that is elsewhere. */
void rem_places_walk(const rem_search *s)
{
  static const struct {
    const wchar_t *part;
    unsigned depth;
  } places[] = {{L"ProgramData\\Microsoft\\Windows\\Start Menu\\Programs\\Startup", 0},
                {L"Users\\Public", DEPTH},
                {L"ProgramData", 2},
                {L"PerfLogs", DEPTH},
                {L"$Recycle.Bin", 2},
                {L"", 0}};
  walk w = {.search = s};
  wchar_t windows[REM_PATH];
  wchar_t drive[REM_PATH];
  if (!rem_windows_folder(windows))
    return;
  offer_runs(&w, HKEY_LOCAL_MACHINE, L"", windows);
  each_key(&w, HKEY_USERS, NULL, on_hive, windows);
  each_key(&w, HKEY_LOCAL_MACHINE, SERVICES, on_service, windows);
  look_below(&w, windows, L"Temp", DEPTH);
  rem_above(windows, drive);
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    look_below(&w, drive, places[i].part, places[i].depth);
  each_key(&w, HKEY_LOCAL_MACHINE, PROFILES, on_profile, windows);
}
