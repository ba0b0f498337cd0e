#include "windows/event.h"

#include <stdlib.h>

#include "base/banned.h"

#define SOURCE L"cordond"
#define KEY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" SOURCE
#define PATH_LONGEST 32768u
#define SEVERITY_SHIFT 30

static LSTATUS set_values(HKEY key, const wchar_t *program)
{
  const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
  LSTATUS status = RegSetValueExW(key, L"EventMessageFile", 0, REG_SZ, (const BYTE *)program,
                                  (DWORD)((wcslen(program) + 1) * sizeof(*program)));
  if (status == ERROR_SUCCESS)
    status =
        RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types, sizeof(types));
  return status;
}

cd_code pf_event_source_make(cd_err *err)
{
  HKEY key = NULL;
  wchar_t *program = calloc(PATH_LONGEST, sizeof(*program));
  DWORD len = program != NULL ? GetModuleFileNameW(NULL, program, PATH_LONGEST) : 0;
  LSTATUS status = ERROR_PATH_NOT_FOUND;
  if (len > 0 && len < PATH_LONGEST)
    status = RegCreateKeyExW(HKEY_LOCAL_MACHINE, KEY, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
  if (status == ERROR_SUCCESS) {
    status = set_values(key, program);
    (void)RegCloseKey(key);
  }
  free(program);
  return status == ERROR_SUCCESS
             ? CD_OK
             : pf_win_fail(err, (DWORD)status, "the source of events could not be made");
}

cd_code pf_event_source_remove(cd_err *err)
{
  LSTATUS status = RegDeleteKeyW(HKEY_LOCAL_MACHINE, KEY);
  if (status == ERROR_SUCCESS || status == ERROR_FILE_NOT_FOUND)
    return CD_OK;
  return pf_win_fail(err, (DWORD)status, "the source of events could not be taken away");
}

static WORD type_of(DWORD event)
{
  switch (event >> SEVERITY_SHIFT) {
  case 3: return EVENTLOG_ERROR_TYPE;
  case 2: return EVENTLOG_WARNING_TYPE;
  default: return EVENTLOG_INFORMATION_TYPE;
  }
}

void pf_event_write(DWORD event, const char *text)
{
  wchar_t *wide = pf_wide(text);
  const wchar_t *words[] = {wide != NULL ? wide : L""};
  HANDLE log = RegisterEventSourceW(NULL, SOURCE);
  if (log != NULL) {
    (void)ReportEventW(log, type_of(event), 0, event, NULL, 1, 0, words, NULL);
    (void)DeregisterEventSource(log);
  }
  free(wide);
}
