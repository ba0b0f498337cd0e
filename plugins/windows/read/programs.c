/* Installed programs, as they wrote themselves down to be removed. */
#include "items.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "device.h"
#include "reg.h"
#include "support/wide.h"

#define UNINSTALL L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"

enum { PROGRAMS_MAX = 20000 };

typedef struct walk {
  col_task *task;
  const char *hive;
  const char *user;
} walk;

static bool put_program(void *data, HKEY key, const wchar_t *name)
{
  static const wchar_t *const texts[] = {L"DisplayName",     L"DisplayVersion",  L"Publisher",
                                         L"InstallDate",     L"InstallLocation", L"InstallSource",
                                         L"UninstallString", L"URLInfoAbout"};
  walk *w = data;
  col_task *t = w->task;
  wchar_t text[WIN_PATH];
  uint32_t number = 0;
  HKEY open = NULL;
  if (RegOpenKeyExW(key, name, 0, KEY_READ, &open) != 0) {
    col_mark(t, COL_PARTIAL, "some keys were refused");
    return true;
  }
  col_text(t, w->hive);
  col_text(t, w->user);
  win_text(t, name);
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    win_text(t, win_key_text(open, texts[i], text) ? text : NULL);
  if (win_key_number(open, L"EstimatedSize", &number))
    col_unum(t, number);
  else
    win_empty(t, 1);
  col_text(t, win_key_number(open, L"WindowsInstaller", &number) && number != 0 ? "yes" : "no");
  col_text(t, win_key_number(open, L"SystemComponent", &number) && number != 0 ? "yes" : "no");
  win_ticks(t, win_key_written(open));
  (void)RegCloseKey(open);
  if (col_rows(t) >= PROGRAMS_MAX) {
    col_cap(t, "there are more than %d programs", PROGRAMS_MAX);
    return false;
  }
  return col_row(t);
}

static void put_hive(walk *w, HKEY root, const wchar_t *below, REGSAM view)
{
  HKEY open = NULL;
  LSTATUS status = RegOpenKeyExW(root, below, 0, KEY_READ | view, &open);
  DWORD error = (DWORD)status;
  if (status == 0) {
    error = win_each_subkey(w->task, open, put_program, w);
    (void)RegCloseKey(open);
  }
  if (error != 0 && error != ERROR_FILE_NOT_FOUND)
    win_mark(w->task, error, w->hive);
}

void win_installed(col_task *t)
{
  walk w = {.task = t, .hive = "HKLM", .user = ""};
  col_head(t, "hive,user,key,name,version,publisher,installed,folder,source,uninstall,url,size_kib,"
              "windows_installer,system_component,key_written");
  put_hive(&w, HKEY_LOCAL_MACHINE, UNINSTALL, KEY_WOW64_64KEY);
  w.hive = "HKLM (32)";
  put_hive(&w, HKEY_LOCAL_MACHINE, UNINSTALL, KEY_WOW64_32KEY);
  const win_device *d = win_device_of(t);
  for (size_t i = 0; i < d->count && !col_stop(t); i++) {
    char sid[WIN_SID];
    char hive[WIN_SID + 8];
    sup_from_wide(d->users[i].sid, sid, sizeof(sid));
    (void)snprintf(hive, sizeof(hive), "HKU\\%s", sid);
    w.hive = hive;
    w.user = d->users[i].name;
    if (d->users[i].hive != NULL)
      put_hive(&w, d->users[i].hive, UNINSTALL, 0);
    else
      col_mark(t, COL_PARTIAL, "%.60s: %s", d->users[i].name, d->users[i].why);
  }
}
