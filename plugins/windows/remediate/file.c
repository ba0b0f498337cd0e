/* Files by handle. A path is that of a file on a disk of this machine, and no part of it a link:
 * where the handle leads is compared with it. While a file is held nobody else can write to it,
 * move it or put another in its place, so that what was looked at is what is removed. */
#include "remediate.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "support/json.h"
#include "support/wide.h"

/* Not in the headers: its bytes would be fetched from a store of the network. */
#define RECALL_ON_OPEN 0x00040000u
#define RECALL_ON_DATA_ACCESS 0x00400000u
#define ELSEWHERE (FILE_ATTRIBUTE_OFFLINE | RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS)
/* Of FileDispositionInfoEx: gone at once when this handle is closed, and read-only ones too. */
#define DISPOSITION_EX ((FILE_INFO_BY_HANDLE_CLASS)21)
#define DISPOSITION_FLAGS 0x13u
#define PREFIX L"\\\\?\\"

enum { PREFIX_LEN = 4, HOLD_MS = 2000, STEP_MS = 50 };

/* ---- paths ---- */

static bool is_letter(wchar_t c)
{
  return (c >= L'A' && c <= L'Z') || (c >= L'a' && c <= L'z');
}

/* What stands behind C:\ has no empty part, no `.` or `..`, and no stream. */
static bool is_plain(const wchar_t *rest)
{
  size_t len = 0;
  if (*rest == L'\0')
    return false;
  for (const wchar_t *at = rest;; at += len + 1) {
    len = wcscspn(at, L"\\");
    if (len == 0 || (len == 1 && at[0] == L'.') || (len == 2 && wcsncmp(at, L"..", 2) == 0) ||
        wcscspn(at, L":") < len)
      return false;
    if (at[len] == L'\0')
      return true;
  }
}

cordon_status rem_place_of(const char *path, rem_place *ret_place, sup_err *err)
{
  char show[REM_SHOW];
  wchar_t *at = ret_place->full + PREFIX_LEN;
  *ret_place = (rem_place){.full = PREFIX};
  bool fits = sup_to_wide(path, at, REM_PATH - PREFIX_LEN);
  for (wchar_t *c = at; *c != L'\0'; c++)
    *c = *c == L'/' ? L'\\' : *c;
  if (!fits || !is_letter(at[0]) || at[1] != L':' || at[2] != L'\\' || !is_plain(at + 3))
    return sup_fail(err, CORDON_E_INVALID,
                    "'%s' is no absolute path of a file on a disk of this device, such as "
                    "C:\\folder\\file",
                    rem_show(path, show));
  sup_from_wide(at, ret_place->path, sizeof(ret_place->path));
  return CORDON_OK;
}

cordon_status rem_place_read(const cJSON *object, const char *name, rem_place *ret_place,
                             sup_err *err)
{
  const char *text = NULL;
  cordon_status status = sup_json_text(object, "target", name, 0, &text, err);
  return status == CORDON_OK ? rem_place_of(text, ret_place, err) : status;
}

bool rem_join(const wchar_t *folder, const wchar_t *name, wchar_t ret_path[REM_PATH])
{
  size_t len = wcslen(folder);
  size_t more = wcslen(name);
  if (len + more + 2 > REM_PATH)
    return false;
  wmemmove(ret_path, folder, len);
  if (len > 0 && ret_path[len - 1] != L'\\')
    ret_path[len++] = L'\\';
  wmemcpy(ret_path + len, name, more + 1);
  return true;
}

void rem_above(const wchar_t *full, wchar_t ret_folder[REM_PATH])
{
  const wchar_t *last = wcsrchr(full, L'\\');
  size_t len = last != NULL ? (size_t)(last - full) : 0;
  wmemcpy(ret_folder, full, len);
  ret_folder[len] = L'\0';
}

bool rem_is_below(const wchar_t *full, const wchar_t *folder)
{
  size_t len = wcslen(folder);
  return len > 0 && _wcsnicmp(full, folder, len) == 0 && (full[len] == L'\\' || full[len] == L'\0');
}

bool rem_windows_folder(wchar_t ret_path[REM_PATH])
{
  wchar_t folder[MAX_PATH];
  UINT len = GetSystemWindowsDirectoryW(folder, MAX_PATH);
  return len > 2 && len < MAX_PATH && rem_join(PREFIX, folder, ret_path);
}

static bool is_same_path(const wchar_t *a, const wchar_t *b)
{
  return CompareStringOrdinal(a, -1, b, -1, TRUE) == CSTR_EQUAL;
}

/* Short names are made long first. */
bool rem_leads_there(HANDLE h, const wchar_t *full)
{
  wchar_t real[REM_PATH];
  wchar_t spelt[REM_PATH];
  DWORD len = GetFinalPathNameByHandleW(h, real, REM_PATH, FILE_NAME_NORMALIZED);
  if (len == 0 || len >= REM_PATH)
    return false;
  if (is_same_path(real, full))
    return true;
  len = GetLongPathNameW(full, spelt, REM_PATH);
  return len > 0 && len < REM_PATH && is_same_path(real, spelt);
}

/* ---- looking ---- */

bool rem_look_at(HANDLE h, rem_look *ret_look)
{
  BY_HANDLE_FILE_INFORMATION info = {0};
  *ret_look = (rem_look){0};
  if (!GetFileInformationByHandle(h, &info))
    return false;
  *ret_look =
      (rem_look){.identity = {.volume = info.dwVolumeSerialNumber,
                              .index = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow},
                 .size = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow,
                 .links = info.nNumberOfLinks,
                 .attributes = info.dwFileAttributes};
  return true;
}

bool rem_same_file(const rem_identity *a, const rem_identity *b)
{
  return a->volume == b->volume && a->index == b->index;
}

static bool is_local(const wchar_t *full)
{
  wchar_t root[4] = {full[PREFIX_LEN], L':', L'\\', L'\0'};
  UINT type = GetDriveTypeW(root);
  return type == DRIVE_FIXED || type == DRIVE_REMOVABLE || type == DRIVE_RAMDISK;
}

void rem_close(HANDLE *h)
{
  if (*h != NULL && *h != INVALID_HANDLE_VALUE)
    (void)CloseHandle(*h);
  *h = INVALID_HANDLE_VALUE;
}

static HANDLE open_as_it_is(const wchar_t *full, DWORD rights, DWORD share)
{
  return CreateFileW(full, rights, share, NULL, OPEN_EXISTING,
                     FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT |
                         FILE_FLAG_OPEN_NO_RECALL | FILE_FLAG_SEQUENTIAL_SCAN,
                     NULL);
}

DWORD rem_peek(const wchar_t *full, HANDLE *ret_handle, rem_look *ret_look)
{
  *ret_handle = INVALID_HANDLE_VALUE;
  if (!is_local(full))
    return ERROR_CANT_ACCESS_FILE;
  HANDLE h =
      open_as_it_is(full, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
  if (h == INVALID_HANDLE_VALUE)
    return GetLastError();
  DWORD error = 0;
  if (GetFileType(h) != FILE_TYPE_DISK)
    error = ERROR_CANT_ACCESS_FILE;
  else if (!rem_look_at(h, ret_look))
    error = GetLastError();
  else if ((ret_look->attributes &
            (ELSEWHERE | FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY)) != 0 ||
           !rem_leads_there(h, full))
    error = ERROR_CANT_ACCESS_FILE;
  if (error != 0)
    rem_close(&h);
  *ret_handle = h;
  return error;
}

/* Why the opened thing is not taken. */
static cordon_status judge(HANDLE h, const rem_place *p, rem_look *ret_look, sup_err *err)
{
  char show[REM_SHOW];
  const char *path = rem_show(p->path, show);
  if (GetFileType(h) != FILE_TYPE_DISK)
    return sup_fail(err, CORDON_E_INVALID, "'%s' is a device or a pipe and no file", path);
  if (!rem_look_at(h, ret_look))
    return sup_fail_os(err, (int)GetLastError(), "'%s' cannot be looked at", path);
  if ((ret_look->attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    return sup_fail(err, CORDON_E_INVALID,
                    "'%s' is a link, or kept elsewhere, and links are not followed: name the file "
                    "by its own path",
                    path);
  if ((ret_look->attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    return sup_fail(err, CORDON_E_INVALID, "'%s' is a folder and no plain file", path);
  if ((ret_look->attributes & ELSEWHERE) != 0)
    return sup_fail(err, CORDON_E_INVALID,
                    "the bytes of '%s' are kept elsewhere and would be fetched: it was left", path);
  if (!rem_leads_there(h, p->full))
    return sup_fail(err, CORDON_E_INVALID,
                    "a folder on the way to '%s' is a link, and links are not followed: name the "
                    "file by its own path",
                    path);
  return CORDON_OK;
}

/* A short name of a folder is that of the agent, or of Windows, as well as the long one. */
static cordon_status name_as_it_is(HANDLE h, rem_place *p, sup_err *err)
{
  char show[REM_SHOW];
  DWORD len = GetFinalPathNameByHandleW(h, p->full, REM_PATH, FILE_NAME_NORMALIZED);
  if (len <= PREFIX_LEN || len >= REM_PATH)
    return sup_fail(err, CORDON_E_IO, "the real name of '%s' is not known",
                    rem_show(p->path, show));
  if (!rem_text_of(p->full + PREFIX_LEN, p->path, sizeof(p->path)))
    return sup_fail(err, CORDON_E_LIMIT,
                    "the real name of '%s' is too long to be kept, or no text: the file could not "
                    "be given back, and was left",
                    rem_show(p->path, show));
  return CORDON_OK;
}

cordon_status rem_glance(rem_place *p, rem_look *ret_look, char ret_owner[REM_NAME], sup_err *err)
{
  char show[REM_SHOW];
  HANDLE h = open_as_it_is(p->full, FILE_READ_ATTRIBUTES | READ_CONTROL,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
  if (h == INVALID_HANDLE_VALUE)
    return sup_fail_os(err, (int)GetLastError(), "'%s'", rem_show(p->path, show));
  cordon_status status = judge(h, p, ret_look, err);
  if (status == CORDON_OK)
    status = name_as_it_is(h, p, err);
  if (status == CORDON_OK && !rem_owner_read(h, ret_owner))
    status = sup_fail_os(err, (int)GetLastError(), "whose '%s' is cannot be read",
                         rem_show(p->path, show));
  rem_close(&h);
  return status;
}

cordon_status rem_hold(rem_place *p, HANDLE *ret_handle, rem_look *ret_look, sup_err *err)
{
  return rem_hold_for(p, 0, ret_handle, ret_look, err);
}

cordon_status rem_hold_for(rem_place *p, DWORD more_rights, HANDLE *ret_handle, rem_look *ret_look,
                           sup_err *err)
{
  const DWORD rights = GENERIC_READ | DELETE | FILE_WRITE_ATTRIBUTES | READ_CONTROL | more_rights;
  char show[REM_SHOW];
  ULONGLONG until = GetTickCount64() + HOLD_MS;
  DWORD error = 0;
  if (!is_local(p->full))
    return sup_fail(err, CORDON_E_INVALID, "'%s' is on no disk of this device that can be changed",
                    rem_show(p->path, show));
  do {
    *ret_handle = open_as_it_is(p->full, rights, FILE_SHARE_READ);
    error = *ret_handle == INVALID_HANDLE_VALUE ? GetLastError() : 0;
    if (error == ERROR_SHARING_VIOLATION)
      Sleep(STEP_MS);
  } while (error == ERROR_SHARING_VIOLATION && GetTickCount64() < until);
  if (error == ERROR_SHARING_VIOLATION)
    return sup_fail(err, CORDON_E_CONFLICT,
                    "'%s' is held open by a process that lets nobody remove it, or writes to it: "
                    "end that first",
                    rem_show(p->path, show));
  if (error != 0)
    return sup_fail_os(err, (int)error, "'%s'", rem_show(p->path, show));
  cordon_status status = judge(*ret_handle, p, ret_look, err);
  if (status == CORDON_OK)
    status = name_as_it_is(*ret_handle, p, err);
  if (status != CORDON_OK)
    rem_close(ret_handle);
  return status;
}

/* ---- changing ---- */

static bool set_attributes(HANDLE h, DWORD attributes)
{
  FILE_BASIC_INFO basic = {.FileAttributes = attributes};
  return SetFileInformationByHandle(h, FileBasicInfo, &basic, sizeof(basic));
}

DWORD rem_remove(HANDLE h, const rem_look *look)
{
  DWORD flags = DISPOSITION_FLAGS;
  FILE_DISPOSITION_INFO plain = {.DeleteFile = TRUE};
  if (SetFileInformationByHandle(h, DISPOSITION_EX, &flags, sizeof(flags)))
    return 0;
  DWORD error = GetLastError();
  /* An older Windows, or a file system that has it not. What is said else is the answer. */
  if (error != ERROR_INVALID_PARAMETER && error != ERROR_INVALID_FUNCTION &&
      error != ERROR_NOT_SUPPORTED && error != ERROR_CALL_NOT_IMPLEMENTED)
    return error;
  bool fixed = (look->attributes & FILE_ATTRIBUTE_READONLY) != 0;
  DWORD without = look->attributes & ~(DWORD)FILE_ATTRIBUTE_READONLY;
  if (fixed && !set_attributes(h, without != 0 ? without : FILE_ATTRIBUTE_NORMAL))
    return GetLastError();
  if (SetFileInformationByHandle(h, FileDispositionInfo, &plain, sizeof(plain)))
    return 0;
  error = GetLastError();
  if (fixed)
    (void)set_attributes(h, look->attributes);
  return error;
}

DWORD rem_move(HANDLE h, const wchar_t *full)
{
  size_t bytes = wcslen(full) * sizeof(wchar_t);
  size_t size = offsetof(FILE_RENAME_INFO, FileName) + bytes + sizeof(wchar_t);
  FILE_RENAME_INFO *info = calloc(1, size);
  if (info == NULL)
    return ERROR_NOT_ENOUGH_MEMORY;
  info->FileNameLength = (DWORD)bytes;
  memcpy(info->FileName, full, bytes);
  DWORD error =
      SetFileInformationByHandle(h, FileRenameInfo, info, (DWORD)size) ? 0 : GetLastError();
  free(info);
  return error;
}
