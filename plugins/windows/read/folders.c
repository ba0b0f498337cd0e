/* Folders of which every file counts: Prefetch, start-up folders, what Defender keeps of itself. */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "device.h"
#include "file.h"
#include "path.h"
#include "sign.h"
#include "support/wide.h"

enum { PREFETCH_MAX = 2048, SUPPORT_MAX = 64, LISTED_MAX = 5000 };

/* ---- Prefetch ---- */

typedef struct copying {
  col_task *task;
  const wchar_t *suffix; /* only these; NULL: all */
  unsigned count;
  unsigned max;
  uint64_t max_bytes;
  bool more;
} copying;

static bool has_suffix(const wchar_t *name, const wchar_t *suffix)
{
  size_t len = wcslen(name);
  size_t end = wcslen(suffix);
  return len > end && _wcsicmp(name + len - end, suffix) == 0;
}

static bool copy_entry(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *e)
{
  copying *c = data;
  wchar_t path[WIN_PATH];
  char name[COL_NAME];
  static const DWORD no = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
  if ((e->dwFileAttributes & no) != 0 ||
      (c->suffix != NULL && !has_suffix(e->cFileName, c->suffix)) ||
      !win_join(folder, e->cFileName, path))
    return true;
  if (c->count == c->max) {
    c->more = true;
    return false;
  }
  c->count++;
  sup_from_wide(e->cFileName, name, sizeof(name));
  win_copy(c->task, name, path, c->max_bytes);
  return !col_over(c->task);
}

static bool list_prefetch(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *e)
{
  col_task *t = data;
  (void)folder;
  win_text(t, e->cFileName);
  col_unum(t, (uint64_t)e->nFileSizeHigh << 32 | e->nFileSizeLow);
  win_filetime(t, e->ftCreationTime);
  win_filetime(t, e->ftLastWriteTime);
  win_filetime(t, e->ftLastAccessTime);
  return col_row(t) && col_rows(t) < LISTED_MAX;
}

void win_prefetch(col_task *t)
{
  wchar_t path[WIN_PATH];
  copying c = {.task = t, .suffix = L".pf", .max = PREFETCH_MAX, .max_bytes = 4 * COL_MIB};
  bool known = win_place(WIN_WINDOWS, L"Prefetch", path);
  col_begin(t, "PrefetchFilesList.csv", "%windir%\\Prefetch");
  DWORD error = known ? GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES ? GetLastError() : 0
                      : ERROR_PATH_NOT_FOUND;
  if (error != 0) {
    win_mark(t, error, "%windir%\\Prefetch: Windows keeps none, as servers do");
    return;
  }
  col_head(t, "name,size,created,written,read");
  error = win_each(t, path, list_prefetch, t);
  if (error == 0 && !col_over(t))
    error = win_each(t, path, copy_entry, &c);
  if (error != 0)
    win_mark(t, error, "%windir%\\Prefetch");
  if (c.more) {
    col_begin(t, "Prefetch", "%windir%\\Prefetch");
    col_cap(t, "there are more than %d files, of which the others are left out", PREFETCH_MAX);
  }
}

/* ---- start-up folders ---- */

typedef struct startup {
  col_task *task;
  const char *user;
  win_programs *programs;
} startup;

static bool put_startup(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *e)
{
  startup *s = data;
  wchar_t path[WIN_PATH];
  static const DWORD no = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
  if (!win_join(folder, e->cFileName, path))
    return true;
  col_text(s->task, s->user);
  win_text(s->task, path);
  win_hex(s->task, e->dwFileAttributes);
  col_unum(s->task, (uint64_t)e->nFileSizeHigh << 32 | e->nFileSizeLow);
  win_filetime(s->task, e->ftCreationTime);
  win_filetime(s->task, e->ftLastWriteTime);
  win_program_fields(s->task, s->programs, (e->dwFileAttributes & no) == 0 ? path : NULL);
  return col_row(s->task) && col_rows(s->task) < LISTED_MAX;
}

static void list_startup(startup *s, const wchar_t *folder)
{
  DWORD error = win_each(s->task, folder, put_startup, s);
  if (error != 0 && error != ERROR_FILE_NOT_FOUND && error != ERROR_PATH_NOT_FOUND)
    win_mark(s->task, error, s->user);
}

void win_startup_folders(col_task *t)
{
  static const wchar_t below[] = L"Microsoft\\Windows\\Start Menu\\Programs\\Startup";
  wchar_t path[WIN_PATH];
  startup s = {.task = t, .user = "(all users)", .programs = win_programs_new()};
  const win_device *d = win_device_of(t);
  col_head(t, "user,path,attributes,size,created,written," WIN_PROGRAM_COLUMNS);
  if (win_place(WIN_PROGRAM_DATA, below, path))
    list_startup(&s, path);
  for (size_t i = 0; i < d->count && !col_stop(t); i++) {
    const win_user *u = &d->users[i];
    s.user = u->name;
    if (u->has_profile && win_join(u->profile, L"AppData\\Roaming", path) &&
        win_join(path, below, path))
      list_startup(&s, path);
  }
  win_mark_signatures(t);
  win_programs_free(s.programs);
}

/* ---- other files that start something ---- */

/* Of each user: those of Windows' own PowerShell and of PowerShell 7, for one host and for all. */
static void copy_profiles(col_task *t, const win_user *u)
{
  static const wchar_t *const profiles[] = {
      L"WindowsPowerShell\\profile.ps1",
      L"WindowsPowerShell\\Microsoft.PowerShell_profile.ps1",
      L"WindowsPowerShell\\Microsoft.PowerShellISE_profile.ps1",
      L"PowerShell\\profile.ps1",
      L"PowerShell\\Microsoft.PowerShell_profile.ps1",
      L"PowerShell\\Microsoft.VSCode_profile.ps1"};
  for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]) && !col_over(t); i++) {
    wchar_t documents[WIN_PATH];
    wchar_t path[WIN_PATH];
    char name[COL_NAME];
    char below[COL_NAME];
    if (!win_join(u->profile, L"Documents", documents) || !win_join(documents, profiles[i], path))
      continue;
    DWORD error = GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES ? GetLastError() : 0;
    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
      continue;
    sup_from_wide(profiles[i], below, sizeof(below));
    (void)snprintf(name, sizeof(name), "%.60s %.100s", u->name, below);
    win_copy(t, name, path, COL_MIB);
  }
}

void win_startup_files(col_task *t)
{
  static const struct {
    int place;
    const wchar_t *path;
    const char *name; /* in the package */
  } files[] = {
      {WIN_WINDOWS, L"win.ini", "win.ini"},
      {WIN_WINDOWS, L"system.ini", "system.ini"},
      {WIN_WINDOWS, L"System32\\GroupPolicy\\Machine\\Scripts\\scripts.ini", "machine scripts.ini"},
      {WIN_WINDOWS, L"System32\\GroupPolicy\\Machine\\Scripts\\psscripts.ini",
       "machine psscripts.ini"},
      {WIN_WINDOWS, L"System32\\GroupPolicy\\User\\Scripts\\scripts.ini", "user scripts.ini"},
      {WIN_WINDOWS, L"System32\\GroupPolicy\\User\\Scripts\\psscripts.ini", "user psscripts.ini"},
      {WIN_WINDOWS, L"System32\\WindowsPowerShell\\v1.0\\profile.ps1", "profile.ps1"},
      {WIN_WINDOWS, L"System32\\WindowsPowerShell\\v1.0\\Microsoft.PowerShell_profile.ps1",
       "Microsoft.PowerShell_profile.ps1"},
      {WIN_WINDOWS, L"System32\\WindowsPowerShell\\v1.0\\Microsoft.PowerShellISE_profile.ps1",
       "Microsoft.PowerShellISE_profile.ps1"},
      {WIN_WINDOWS, L"SysWOW64\\WindowsPowerShell\\v1.0\\profile.ps1", "profile.ps1 (32 bits)"},
      {WIN_WINDOWS, L"SysWOW64\\WindowsPowerShell\\v1.0\\Microsoft.PowerShell_profile.ps1",
       "Microsoft.PowerShell_profile.ps1 (32 bits)"},
      {WIN_PROGRAM_FILES, L"PowerShell\\7\\profile.ps1", "PowerShell 7 profile.ps1"},
      {WIN_PROGRAM_FILES, L"PowerShell\\7\\Microsoft.PowerShell_profile.ps1",
       "PowerShell 7 Microsoft.PowerShell_profile.ps1"},
      {WIN_PROGRAM_FILES, L"PowerShell\\7\\Microsoft.VSCode_profile.ps1",
       "PowerShell 7 Microsoft.VSCode_profile.ps1"}};
  wchar_t path[WIN_PATH];
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !col_over(t); i++)
    if (win_place(files[i].place, files[i].path, path))
      win_copy(t, files[i].name, path, COL_MIB);
  const win_device *d = win_device_of(t);
  for (size_t i = 0; i < d->count && !col_over(t); i++)
    if (d->users[i].has_profile)
      copy_profiles(t, &d->users[i]);
}

/* ---- what Defender keeps of itself ---- */

static void copy_folder(col_task *t, const char *name, const wchar_t *below, const wchar_t *suffix)
{
  wchar_t path[WIN_PATH];
  char source[COL_SOURCE];
  copying c = {.task = t, .suffix = suffix, .max = SUPPORT_MAX, .max_bytes = 32 * COL_MIB};
  bool known = win_place(WIN_PROGRAM_DATA, below, path);
  sup_from_wide(known ? path : below, source, sizeof(source));
  DWORD error = !known                                                ? ERROR_PATH_NOT_FOUND
                : GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES ? GetLastError()
                                                                      : 0;
  if (error == 0)
    error = win_each(t, path, copy_entry, &c);
  if (error != 0) {
    col_begin(t, name, source);
    win_mark(t, error, source);
  } else if (c.more || c.count == 0) {
    col_begin(t, name, source);
    if (c.more)
      col_cap(t, "there are more than %d files, of which the others are left out", SUPPORT_MAX);
    else
      col_mark(t, COL_ABSENT, "%s holds none", source);
  }
  col_end(t);
}

void win_support_logs(col_task *t)
{
  copy_folder(t, "Defender Support", L"Microsoft\\Windows Defender\\Support", NULL);
  copy_folder(t, "Defender for Endpoint logs",
              L"Microsoft\\Windows Defender Advanced Threat Protection\\Temp", NULL);
}
