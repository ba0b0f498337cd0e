/* The event log, as files that Windows' own viewer opens. A call that says yes is not believed: the
 * file is looked at. */
#include "items.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <winevt.h>

#include "file.h"
#include "path.h"
#include "support/wide.h"

#define LOG_MAX (256 * COL_MIB)

typedef BOOL WINAPI export_fn(EVT_HANDLE, LPCWSTR, LPCWSTR, LPCWSTR, DWORD);

/* Whether the file is an event log: its head says so. */
static bool is_log(const wchar_t *path)
{
  char head[8] = {0};
  win_file f;
  if (win_open(path, &f) != 0)
    return false;
  size_t len = win_read(&f, head, sizeof(head));
  win_close(&f);
  return (len == 8 && memcmp(head, "ElfFile", 8) == 0) ||
         (len == 8 && memcmp(head + 4, "LfLe", 4) == 0);
}

/* The way of Vista and later. */
static DWORD export_log(const wchar_t *channel, const wchar_t *to)
{
  export_fn *export_call = (export_fn *)sup_system_call(L"wevtapi.dll", "EvtExportLog");
  if (export_call == NULL)
    return ERROR_CALL_NOT_IMPLEMENTED;
  if (!export_call(NULL, channel, L"*", to, EvtExportLogChannelPath))
    return GetLastError();
  return is_log(to) ? 0 : ERROR_FILE_CORRUPT;
}

/* The way before, for channels that are logs themselves. */
static DWORD back_up_log(const wchar_t *log, const wchar_t *to)
{
  HANDLE h = OpenEventLogW(NULL, log);
  if (h == NULL)
    return GetLastError();
  DWORD error = BackupEventLogW(h, to) ? 0 : GetLastError();
  (void)CloseEventLog(h);
  if (error == 0 && !is_log(to))
    error = ERROR_FILE_CORRUPT;
  return error;
}

static void say_why(col_task *t, DWORD first, DWORD second)
{
  char why[COL_SENTENCE];
  if (second == ERROR_FILE_CORRUPT)
    (void)snprintf(why, sizeof(why), "BackupEventLog says yes and writes no log");
  else
    sup_os_text((int)second, why, sizeof(why));
  if (win_is_unsupported(first))
    col_mark(t, COL_ERROR, "unsupported here: EvtExportLog: error %lu; %s", (unsigned long)first,
             why);
  else
    win_mark(t, first, "EvtExportLog");
}

static void collect_channel(col_task *t, const char *name, const wchar_t *channel, bool is_classic)
{
  wchar_t folder[WIN_PATH];
  wchar_t file[WIN_PATH];
  char source[COL_SOURCE];
  sup_from_wide(channel, source, sizeof(source));
  col_begin(t, name, source);
  DWORD error = win_private_folder(folder);
  if (error != 0) {
    win_mark(t, error, "a folder for the copy");
    return;
  }
  if (win_join(folder, L"log.evtx", file)) {
    error = export_log(channel, file);
    DWORD older = error == 0 || !is_classic ? ERROR_NOT_SUPPORTED : back_up_log(channel, file);
    if (error == 0 || older == 0)
      win_copy_into(t, file, LOG_MAX);
    else if (error == ERROR_EVT_CHANNEL_NOT_FOUND)
      col_mark(t, COL_ABSENT, "there is no such channel");
    else
      say_why(t, error, older);
  }
  win_remove_folder(folder);
}

void win_security_log(col_task *t)
{
  collect_channel(t, "Security.evtx", L"Security", true);
}

void win_other_logs(col_task *t)
{
  static const struct {
    const char *name;
    const wchar_t *channel;
    bool is_classic;
  } logs[] = {
      {"System.evtx", L"System", true},
      {"Application.evtx", L"Application", true},
      {"PowerShell Operational.evtx", L"Microsoft-Windows-PowerShell/Operational", false},
      {"TaskScheduler Operational.evtx", L"Microsoft-Windows-TaskScheduler/Operational", false},
      {"WMI-Activity Operational.evtx", L"Microsoft-Windows-WMI-Activity/Operational", false},
      {"Sysmon Operational.evtx", L"Microsoft-Windows-Sysmon/Operational", false},
      {"RemoteConnectionManager.evtx",
       L"Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational", false},
      {"LocalSessionManager.evtx",
       L"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", false},
  };
  for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]) && !col_over(t); i++)
    collect_channel(t, logs[i].name, logs[i].channel, logs[i].is_classic);
}

void win_defender_log(col_task *t)
{
  collect_channel(t, "Windows Defender Operational.evtx",
                  L"Microsoft-Windows-Windows Defender/Operational", false);
}
