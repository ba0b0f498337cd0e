/* Services and drivers, as the service manager and the registry have them. */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "path.h"
#include "reg.h"
#include "sign.h"
#include "support/wide.h"

enum { BUFFER = 64 * 1024, CONFIG_MAX = 8 * 1024 };

typedef struct walk {
  col_task *task;
  SC_HANDLE manager;
  win_programs *programs;
  unsigned char *config;
  unsigned denied;
  DWORD lacking; /* the first error of what this system does not tell of any service */
} walk;

static const char *state_name(DWORD state)
{
  static const char *const names[] = {"",        "stopped",    "starting", "stopping",
                                      "running", "continuing", "pausing",  "paused"};
  return state < sizeof(names) / sizeof(names[0]) ? names[state] : "";
}

static const char *start_name(DWORD start)
{
  static const char *const names[] = {"boot", "system", "automatic", "on demand", "disabled"};
  return start < sizeof(names) / sizeof(names[0]) ? names[start] : "";
}

static const char *type_name(DWORD type)
{
  if ((type & SERVICE_KERNEL_DRIVER) != 0)
    return "kernel driver";
  if ((type & SERVICE_FILE_SYSTEM_DRIVER) != 0)
    return "file system driver";
  if ((type & SERVICE_WIN32_SHARE_PROCESS) != 0)
    return (type & 0x40) != 0 ? "shared process, per user" : "shared process";
  return (type & 0x40) != 0 ? "own process, per user" : "own process";
}

/* One of the structures of QueryServiceConfig2(), or NULL. */
static const void *read_config2(walk *w, SC_HANDLE service, DWORD level)
{
  DWORD needed = 0;
  if (QueryServiceConfig2W(service, level, w->config, BUFFER, &needed))
    return w->config;
  if (w->lacking == 0 && win_is_unsupported(GetLastError()))
    w->lacking = GetLastError();
  return NULL;
}

static void put_list(col_task *t, const wchar_t *list)
{
  wchar_t text[CONFIG_MAX / 2];
  size_t at = 0;
  for (; list != NULL && *list != L'\0'; list += wcslen(list) + 1) {
    size_t len = wcslen(list);
    if (at + len + 2 >= CONFIG_MAX / 2)
      break;
    if (at > 0)
      text[at++] = L' ';
    wmemcpy(text + at, list, len);
    at += len;
  }
  win_text_n(t, text, at);
}

static void put_more(walk *w, SC_HANDLE service)
{
  col_task *t = w->task;
  const SERVICE_DESCRIPTIONW *d = read_config2(w, service, SERVICE_CONFIG_DESCRIPTION);
  win_text(t, d != NULL ? d->lpDescription : NULL);
  const SERVICE_DELAYED_AUTO_START_INFO *late =
      read_config2(w, service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO);
  col_text(t, late == NULL ? "" : late->fDelayedAutostart ? "yes" : "no");
  const SERVICE_FAILURE_ACTIONSW *f = read_config2(w, service, SERVICE_CONFIG_FAILURE_ACTIONS);
  win_text(t, f != NULL ? f->lpCommand : NULL);
  const DWORD *triggers = read_config2(w, service, 8 /* SERVICE_CONFIG_TRIGGER_INFO */);
  if (triggers != NULL)
    col_unum(t, *triggers);
  else
    win_empty(t, 1);
}

/* The library that a shared process runs. */
static void service_library(const wchar_t *name, wchar_t ret_path[WIN_PATH])
{
  wchar_t key[512];
  wchar_t raw[WIN_PATH];
  ret_path[0] = L'\0';
  (void)swprintf(key, sizeof(key) / sizeof(key[0]),
                 L"SYSTEM\\CurrentControlSet\\Services\\%.256ls\\Parameters", name);
  if (win_reg_text(HKEY_LOCAL_MACHINE, key, L"ServiceDll", raw))
    (void)win_expand(raw, ret_path);
}

static void put_config(walk *w, SC_HANDLE service, const wchar_t *name)
{
  col_task *t = w->task;
  wchar_t program[WIN_PATH] = {0};
  wchar_t library[WIN_PATH];
  DWORD needed = 0;
  QUERY_SERVICE_CONFIGW *c = (QUERY_SERVICE_CONFIGW *)(void *)w->config;
  if (!QueryServiceConfigW(service, c, BUFFER, &needed)) {
    w->denied++;
    win_empty(t, 15);
    return;
  }
  col_text(t, start_name(c->dwStartType));
  win_text(t, c->lpServiceStartName);
  win_text(t, c->lpBinaryPathName);
  put_list(t, c->lpDependencies);
  win_text(t, c->lpLoadOrderGroup);
  if (c->lpBinaryPathName != NULL && c->lpBinaryPathName[0] != L'\0')
    (void)win_program_of(c->lpBinaryPathName, program);
  put_more(w, service);
  win_program_fields(t, w->programs, program);
  service_library(name, library);
  win_text(t, library);
  if (library[0] != L'\0') {
    win_signature s;
    win_signature_of(library, &s);
    col_text(t, s.verdict);
    col_text(t, s.signer);
  } else {
    win_empty(t, 2);
  }
}

static bool put_service(walk *w, const ENUM_SERVICE_STATUS_PROCESSW *e)
{
  col_task *t = w->task;
  SC_HANDLE service = OpenServiceW(w->manager, e->lpServiceName, SERVICE_QUERY_CONFIG);
  win_text(t, e->lpServiceName);
  win_text(t, e->lpDisplayName);
  col_text(t, state_name(e->ServiceStatusProcess.dwCurrentState));
  col_unum(t, e->ServiceStatusProcess.dwProcessId);
  col_text(t, type_name(e->ServiceStatusProcess.dwServiceType));
  if (service != NULL) {
    put_config(w, service, e->lpServiceName);
    (void)CloseServiceHandle(service);
  } else {
    w->denied++;
    win_empty(t, 15);
  }
  return col_row(t);
}

static DWORD put_services(walk *w, DWORD types, unsigned char *buffer)
{
  DWORD resume = 0;
  for (bool more = true; more && !col_stop(w->task);) {
    DWORD needed = 0;
    DWORD count = 0;
    const ENUM_SERVICE_STATUS_PROCESSW *e = (const ENUM_SERVICE_STATUS_PROCESSW *)(void *)buffer;
    BOOL all = EnumServicesStatusExW(w->manager, SC_ENUM_PROCESS_INFO, types, SERVICE_STATE_ALL,
                                     buffer, BUFFER, &needed, &count, &resume, NULL);
    DWORD error = all ? 0 : GetLastError();
    if (error != 0 && error != ERROR_MORE_DATA)
      return error;
    /* A list that says there is more and gives nothing would go on for ever. */
    more = !all && count > 0;
    for (DWORD i = 0; i < count && !col_stop(w->task); i++)
      (void)put_service(w, &e[i]);
  }
  return 0;
}

static void list_services(col_task *t, DWORD types)
{
  walk w = {.task = t, .programs = win_programs_new(), .config = malloc(BUFFER)};
  unsigned char *buffer = malloc(BUFFER);
  DWORD error = ERROR_NOT_ENOUGH_MEMORY;
  if (w.programs != NULL && w.config != NULL && buffer != NULL) {
    w.manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ENUMERATE_SERVICE | SC_MANAGER_CONNECT);
    error = w.manager != NULL ? 0 : GetLastError();
  }
  if (error == 0) {
    col_head(t, "name,display_name,state,pid,type,start,account,command,depends_on,group,"
                "description,delayed,failure_command,triggers," WIN_PROGRAM_COLUMNS
                ",library,library_signature,library_signer");
    error = put_services(&w, types, buffer);
  }
  if (error != 0)
    win_mark(t, error, "the service manager");
  if (w.denied > 0)
    col_mark(t, COL_PARTIAL, "%u could not be asked for their settings", w.denied);
  if (w.lacking != 0)
    win_mark(t, w.lacking, "some of delayed start, failure command and triggers");
  win_mark_signatures(t);
  if (w.manager != NULL)
    (void)CloseServiceHandle(w.manager);
  free(buffer);
  free(w.config);
  win_programs_free(w.programs);
}

void win_services(col_task *t)
{
  list_services(t, SERVICE_WIN32);
}

void win_drivers(col_task *t)
{
  list_services(t, SERVICE_DRIVER);
}
