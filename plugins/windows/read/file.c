#include "file.h"
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <sddl.h>

#include "support/wide.h"

/* Not in the headers: its bytes would be fetched from a store of the network. */
#define RECALL_ON_OPEN 0x00040000u
#define RECALL_ON_DATA_ACCESS 0x00400000u

enum { COPY = 64 * 1024 };

bool win_long_path(const wchar_t *path, wchar_t ret_path[WIN_PATH])
{
  size_t len = wcslen(path);
  bool has_prefix = wcsncmp(path, L"\\\\?\\", 4) == 0;
  if (len + (has_prefix ? 0 : 4) >= WIN_PATH)
    return false;
  ret_path[0] = L'\0';
  if (!has_prefix)
    memcpy(ret_path, L"\\\\?\\", 5 * sizeof(wchar_t));
  wmemcpy(ret_path + wcslen(ret_path), path, len + 1);
  return true;
}

/* X:\ of a disk of this machine. */
static bool is_local(const wchar_t *full)
{
  wchar_t root[4] = {full[4], L':', L'\\', L'\0'};
  if (full[4] == L'\0' || full[5] != L':' || full[6] != L'\\')
    return false;
  UINT type = GetDriveTypeW(root);
  return type == DRIVE_FIXED || type == DRIVE_REMOVABLE || type == DRIVE_RAMDISK ||
         type == DRIVE_CDROM;
}

static bool is_same_path(const wchar_t *a, const wchar_t *b)
{
  return CompareStringOrdinal(a, -1, b, -1, TRUE) == CSTR_EQUAL;
}

/* Where the handle leads is where the path says: so no part of it is a link, not even one that was
 * put there since. Short names are made long first. */
static bool leads_there(HANDLE handle, const wchar_t *full)
{
  wchar_t real[WIN_PATH];
  wchar_t spelt[WIN_PATH];
  DWORD len = GetFinalPathNameByHandleW(handle, real, WIN_PATH, FILE_NAME_NORMALIZED);
  if (len == 0 || len >= WIN_PATH)
    return false;
  if (is_same_path(real, full))
    return true;
  len = GetLongPathNameW(full, spelt, WIN_PATH);
  return len > 0 && len < WIN_PATH && is_same_path(real, spelt);
}

static DWORD judge(HANDLE handle, const wchar_t *full, win_file *ret_file)
{
  BY_HANDLE_FILE_INFORMATION info = {0};
  static const DWORD elsewhere = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_OFFLINE |
                                 RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS;
  if (GetFileType(handle) != FILE_TYPE_DISK)
    return ERROR_CANT_ACCESS_FILE;
  if (!GetFileInformationByHandle(handle, &info))
    return GetLastError();
  if ((info.dwFileAttributes & (elsewhere | FILE_ATTRIBUTE_DIRECTORY)) != 0 ||
      !leads_there(handle, full))
    return ERROR_CANT_ACCESS_FILE;
  ret_file->bytes = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
  ret_file->modified = win_ticks_of(info.ftLastWriteTime);
  return 0;
}

DWORD win_open(const wchar_t *path, win_file *ret_file)
{
  wchar_t full[WIN_PATH];
  *ret_file = (win_file){.handle = INVALID_HANDLE_VALUE};
  if (!win_long_path(path, full))
    return ERROR_FILENAME_EXCED_RANGE;
  if (!is_local(full))
    return ERROR_CANT_ACCESS_FILE;
  ret_file->handle =
      CreateFileW(full, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                  OPEN_EXISTING,
                  FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT |
                      FILE_FLAG_OPEN_NO_RECALL | FILE_FLAG_SEQUENTIAL_SCAN,
                  NULL);
  if (ret_file->handle == INVALID_HANDLE_VALUE)
    return GetLastError();
  DWORD error = judge(ret_file->handle, full, ret_file);
  if (error != 0)
    win_close(ret_file);
  return error;
}

DWORD win_attributes(const wchar_t *path)
{
  wchar_t full[WIN_PATH];
  if (!win_long_path(path, full)) {
    SetLastError(ERROR_FILENAME_EXCED_RANGE);
    return INVALID_FILE_ATTRIBUTES;
  }
  return GetFileAttributesW(full);
}

void win_close(win_file *f)
{
  if (f->handle != INVALID_HANDLE_VALUE)
    (void)CloseHandle(f->handle);
  f->handle = INVALID_HANDLE_VALUE;
}

size_t win_read(const win_file *f, void *ret_bytes, size_t max)
{
  size_t len = 0;
  char *at = ret_bytes;
  while (len < max) {
    DWORD got = 0;
    DWORD want = max - len < COPY ? (DWORD)(max - len) : COPY;
    if (!ReadFile(f->handle, at + len, want, &got, NULL) || got == 0)
      break;
    len += got;
  }
  return len;
}

DWORD win_read_all(const wchar_t *path, size_t max, char **ret_bytes, size_t *ret_len)
{
  win_file f;
  DWORD error = win_open(path, &f);
  if (error != 0)
    return error;
  size_t size = f.bytes < max ? (size_t)f.bytes : max;
  char *bytes = f.bytes <= max ? malloc(size + 2) : NULL;
  if (bytes == NULL) {
    win_close(&f);
    return f.bytes <= max ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_TOO_LARGE;
  }
  *ret_len = win_read(&f, bytes, size);
  memset(bytes + *ret_len, 0, 2);
  win_close(&f);
  *ret_bytes = bytes;
  return 0;
}

static void say_why(col_task *t, DWORD error, const wchar_t *path)
{
  char text[COL_SOURCE];
  sup_from_wide(path, text, sizeof(text));
  if (error == ERROR_CANT_ACCESS_FILE)
    col_mark(t, COL_DENIED,
             "%s is behind a link, no plain file, or would be fetched from elsewhere: not read",
             text);
  else
    win_mark(t, error, text);
}

void win_copy_into(col_task *t, const wchar_t *path, uint64_t max)
{
  win_file f;
  DWORD error = win_open(path, &f);
  char *buffer = error == 0 ? malloc(COPY) : NULL;
  if (error != 0 || buffer == NULL) {
    say_why(t, error != 0 ? error : ERROR_NOT_ENOUGH_MEMORY, path);
    win_close(&f);
    return;
  }
  if (f.bytes > max) {
    LARGE_INTEGER from = {.QuadPart = (LONGLONG)(f.bytes - max)};
    (void)SetFilePointerEx(f.handle, from, NULL, FILE_BEGIN);
    col_cap(t, "it is longer than %llu bytes: the last of them", (unsigned long long)max);
  }
  col_set_mtime(t, (int64_t)(f.modified / 10000000) - 11644473600);
  for (uint64_t left = max; left > 0 && !col_stop(t);) {
    size_t got = win_read(&f, buffer, left < COPY ? (size_t)left : COPY);
    if (got == 0 || !col_put(t, buffer, got))
      break;
    left -= got;
  }
  free(buffer);
  win_close(&f);
}

void win_copy(col_task *t, const char *name, const wchar_t *path, uint64_t max)
{
  char source[COL_SOURCE];
  sup_from_wide(path, source, sizeof(source));
  col_begin(t, name, source);
  win_copy_into(t, path, max);
  col_end(t);
}

DWORD win_sha256(const col_task *t, const wchar_t *path, uint64_t max,
                 char ret_hex[COL_SHA256_HEX + 1])
{
  win_file f;
  ret_hex[0] = '\0';
  DWORD error = win_open(path, &f);
  if (error != 0)
    return error;
  char *buffer = malloc(COPY);
  col_sha256 *sha = col_sha256_new();
  if (f.bytes > max)
    error = ERROR_FILE_TOO_LARGE;
  else if (buffer == NULL || sha == NULL)
    error = ERROR_NOT_ENOUGH_MEMORY;
  while (error == 0 && !col_stop(t)) {
    size_t got = win_read(&f, buffer, COPY);
    if (got == 0)
      break;
    col_sha256_add(sha, buffer, got);
  }
  if (error == 0 && (col_stop(t) || !col_sha256_end(sha, ret_hex)))
    error = ERROR_CANCELLED;
  col_sha256_free(sha);
  free(buffer);
  win_close(&f);
  return error;
}

/* ---- folders ---- */

static DWORD check_folder(const wchar_t *full)
{
  HANDLE h = CreateFileW(
      full, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
      OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  BY_HANDLE_FILE_INFORMATION info = {0};
  if (h == INVALID_HANDLE_VALUE)
    return GetLastError();
  DWORD error = GetFileInformationByHandle(h, &info) ? 0 : GetLastError();
  if (error == 0 && (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
    error = ERROR_DIRECTORY;
  else if (error == 0 &&
           ((info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 || !leads_there(h, full)))
    error = ERROR_CANT_ACCESS_FILE;
  (void)CloseHandle(h);
  return error;
}

DWORD win_each(const col_task *t, const wchar_t *folder, win_entry_fn *fn, void *data)
{
  wchar_t full[WIN_PATH];
  wchar_t pattern[WIN_PATH];
  WIN32_FIND_DATAW entry;
  if (!win_long_path(folder, full) || !win_join(full, L"*", pattern))
    return ERROR_FILENAME_EXCED_RANGE;
  if (!is_local(full))
    return ERROR_CANT_ACCESS_FILE;
  DWORD error = check_folder(full);
  if (error != 0)
    return error;
  HANDLE find = FindFirstFileExW(pattern, FindExInfoBasic, &entry, FindExSearchNameMatch, NULL,
                                 FIND_FIRST_EX_LARGE_FETCH);
  if (find == INVALID_HANDLE_VALUE) {
    error = GetLastError();
    return error == ERROR_FILE_NOT_FOUND ? 0 : error;
  }
  bool more = true;
  do {
    if (wcscmp(entry.cFileName, L".") != 0 && wcscmp(entry.cFileName, L"..") != 0)
      more = fn(data, folder, &entry);
  } while (more && !col_over(t) && FindNextFileW(find, &entry));
  (void)FindClose(find);
  return 0;
}

DWORD win_private_folder(wchar_t ret_path[WIN_PATH])
{
  PSECURITY_DESCRIPTOR sd = NULL;
  wchar_t name[64];
  wchar_t temp[WIN_PATH];
  uint64_t number = GetTickCount64();
  if (!win_place(WIN_WINDOWS, L"Temp", temp))
    return ERROR_PATH_NOT_FOUND;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)",
                                                            SDDL_REVISION_1, &sd, NULL))
    return GetLastError();
  SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes), .lpSecurityDescriptor = sd};
  DWORD error = ERROR_ALREADY_EXISTS;
  /* A folder that is there already is somebody else's. */
  for (unsigned i = 0; i < 16 && error == ERROR_ALREADY_EXISTS; i++) {
    (void)swprintf(name, sizeof(name) / sizeof(name[0]), L"cordon-%lu-%llu-%u",
                   (unsigned long)GetCurrentProcessId(), (unsigned long long)number, i);
    error = !win_join(temp, name, ret_path)           ? ERROR_FILENAME_EXCED_RANGE
            : CreateDirectoryW(ret_path, &attributes) ? 0
                                                      : GetLastError();
  }
  (void)LocalFree(sd);
  return error;
}

static bool remove_entry(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *entry)
{
  wchar_t path[WIN_PATH];
  (void)data;
  if ((entry->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0 &&
      win_join(folder, entry->cFileName, path)) {
    (void)SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
    (void)DeleteFileW(path);
  }
  return true;
}

void win_remove_folder(const wchar_t *path)
{
  wchar_t pattern[WIN_PATH];
  WIN32_FIND_DATAW entry;
  if (!win_join(path, L"*", pattern))
    return;
  HANDLE find = FindFirstFileW(pattern, &entry);
  if (find != INVALID_HANDLE_VALUE) {
    do {
      (void)remove_entry(NULL, path, &entry);
    } while (FindNextFileW(find, &entry));
    (void)FindClose(find);
  }
  (void)RemoveDirectoryW(path);
}
