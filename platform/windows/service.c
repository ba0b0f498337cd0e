/* The service control manager. A program that it did not start is no service: being ready or
 * stopping is then nobody's business. */
#include "platform/service.h"
#include "platform/system.h"

#include "base/limits.h"
#include "base/log.h"
#include "platform/paths.h"
#include "windows/event.h"
#include "windows/windows.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define NAME L"cordond"
#define HINT_MS 30000u
#define TICK_MS 2000u
/* Longer than plugins that were asked to end are waited for, shorter than what the manager grants
 * before the system goes down (install.c). */
#define STOP_MS 18000u
#define ERRORS_MAX 20u /* that are told to the event log */
#define ERRORS_MS 60000u
#define LOG_NAME "cordond.log"
#define LOG_MAX (8u * 1024u * 1024u) /* then it begins anew, at the next start */

static struct {
  int (*work)(void *context);
  void (*stop)(void *context);
  void *context;
  int code;
  SERVICE_STATUS_HANDLE handle; /* NULL: no service */
  HANDLE ticks;
  SRWLOCK lock; /* of what follows */
  DWORD state;
  DWORD progress; /* the manager wants to see it grow while something is pending */
  ULONGLONG since_ms;
  unsigned errors; /* told since errors_ms */
  ULONGLONG errors_ms;
} service = {.lock = SRWLOCK_INIT};

/* Under the lock. */
static bool say_state(DWORD state, DWORD exit_code)
{
  SERVICE_STATUS status = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS, .dwCurrentState = state};
  if (state == SERVICE_RUNNING)
    status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN;
  if (state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING) {
    status.dwWaitHint = HINT_MS;
    status.dwCheckPoint = ++service.progress;
  }
  if (exit_code != 0) {
    status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
    status.dwServiceSpecificExitCode = exit_code;
  }
  return SetServiceStatus(service.handle, &status) != 0;
}

/* It goes one way only: what is stopping does not run again. */
static bool report(DWORD state, DWORD exit_code)
{
  bool told = false;
  if (service.handle == NULL)
    return false;
  AcquireSRWLockExclusive(&service.lock);
  bool backwards = service.state == SERVICE_STOPPED ||
                   (service.state == SERVICE_STOP_PENDING && state == SERVICE_RUNNING);
  if (!backwards && service.state != state) {
    service.state = state;
    service.since_ms = GetTickCount64();
    told = say_state(state, exit_code);
  }
  ReleaseSRWLockExclusive(&service.lock);
  return told;
}

/* Who stopped the service wants it stopped, so it has not failed and is not started again. What is
 * in force stays so, and the journal is synced: the next start goes on from there. */
static void end_stuck(void)
{
  pf_event_write(PF_EVENT_STUCK, "What is in force stays in force.");
  (void)report(SERVICE_STOPPED, 0);
  (void)TerminateProcess(GetCurrentProcess(), 1);
}

static void CALLBACK on_tick(void *context, BOOLEAN fired)
{
  (void)context;
  (void)fired;
  AcquireSRWLockExclusive(&service.lock);
  bool pending = service.state == SERVICE_START_PENDING || service.state == SERVICE_STOP_PENDING;
  bool stuck =
      service.state == SERVICE_STOP_PENDING && GetTickCount64() - service.since_ms >= STOP_MS;
  if (pending && !stuck)
    (void)say_state(service.state, 0);
  ReleaseSRWLockExclusive(&service.lock);
  if (stuck)
    end_stuck();
}

/* A flood of errors is in the file; the event log is told of its start. */
static void on_error_line(cd_log_area area, cd_str text)
{
  char line[CD_LOG_LINE_MAX + 64];
  ULONGLONG now_ms = GetTickCount64();
  AcquireSRWLockExclusive(&service.lock);
  if (now_ms - service.errors_ms >= ERRORS_MS) {
    service.errors_ms = now_ms;
    service.errors = 0;
  }
  bool tells = service.errors < ERRORS_MAX;
  service.errors += tells ? 1 : 0;
  ReleaseSRWLockExclusive(&service.lock);
  (void)snprintf(line, sizeof(line), "%s: %.*s", cd_log_area_name(area), CD_STR_ARG(text));
  if (tells)
    pf_event_write(PF_EVENT_ERROR, line);
}

void pf_service_ready(void)
{
  if (report(SERVICE_RUNNING, 0))
    pf_event_write(PF_EVENT_STARTED, "");
}

void pf_service_stopping(void)
{
  (void)report(SERVICE_STOP_PENDING, 0);
}

static DWORD WINAPI on_control(DWORD control, DWORD event, void *data, void *context)
{
  switch (control) {
  case SERVICE_CONTROL_STOP:
  case SERVICE_CONTROL_PRESHUTDOWN:
    /* Only the first one. */
    if (report(SERVICE_STOP_PENDING, 0))
      service.stop(service.context);
    return NO_ERROR;
  case SERVICE_CONTROL_INTERROGATE: return NO_ERROR;
  default: return ERROR_CALL_NOT_IMPLEMENTED;
  }
}

/* A service has no standard error. Without the file it has none still, and works. */
static void open_log(void)
{
  char path[CD_PATH_MAX];
  LARGE_INTEGER size = {.QuadPart = 0};
  PSECURITY_DESCRIPTOR descriptor = NULL;
  cd_err ignored = {0};
  const char *config = pf_paths_installed()->config_file;
  const char *slash = strrchr(config, '\\');
  if (slash == NULL || snprintf(path, sizeof(path), "%.*s\\%s", (int)(slash - config), config,
                                LOG_NAME) >= (int)sizeof(path))
    return;
  wchar_t *wide = pf_wide_path(path);
  if (wide == NULL || pf_descriptor(0600, false, &descriptor, &ignored) != CD_OK) {
    free(wide);
    return;
  }
  SECURITY_ATTRIBUTES who = {.nLength = sizeof(who), .lpSecurityDescriptor = descriptor};
  HANDLE file =
      CreateFileW(wide, FILE_APPEND_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE,
                  FILE_SHARE_READ, &who, OPEN_ALWAYS, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  (void)LocalFree(descriptor);
  free(wide);
  if (file == INVALID_HANDLE_VALUE)
    return;
  if (GetFileSizeEx(file, &size) && size.QuadPart > LOG_MAX)
    (void)SetEndOfFile(file);
  (void)SetFilePointer(file, 0, NULL, FILE_END);
  int number = _open_osfhandle((intptr_t)file, _O_APPEND | _O_BINARY);
  if (number < 0)
    (void)CloseHandle(file);
  else if (number != 2 && _dup2(number, 2) == 0)
    (void)_close(number);
  (void)SetStdHandle(STD_ERROR_HANDLE, (HANDLE)_get_osfhandle(2));
}

static void write_end(int code)
{
  char text[64];
  (void)snprintf(text, sizeof(text), "Its code is %d.", code);
  pf_event_write(code == 0 ? PF_EVENT_STOPPED : PF_EVENT_FAILED, code == 0 ? "" : text);
}

static void WINAPI service_main(DWORD count, wchar_t **arguments)
{
  service.handle = RegisterServiceCtrlHandlerExW(NAME, on_control, NULL);
  if (service.handle == NULL) {
    pf_event_write(PF_EVENT_FAILED, "The service manager takes no handler for its controls.");
    return;
  }
  (void)report(SERVICE_START_PENDING, 0);
  (void)CreateTimerQueueTimer(&service.ticks, NULL, on_tick, NULL, TICK_MS, TICK_MS,
                              WT_EXECUTEDEFAULT);
  cd_log_errors_to(on_error_line);
  service.code = service.work(service.context);
  cd_log_errors_to(NULL);
  write_end(service.code);
  (void)report(SERVICE_STOPPED, (DWORD)service.code);
}

cd_code pf_service_run(int (*work)(void *context), void (*stop)(void *context), void *context,
                       int *ret_code, cd_err *err)
{
  const SERVICE_TABLE_ENTRYW table[] = {{(wchar_t[]){NAME}, service_main}, {NULL, NULL}};
  service.work = work;
  service.stop = stop;
  service.context = context;
  service.code = 1;
  open_log();
  if (!StartServiceCtrlDispatcherW(table)) {
    DWORD error = GetLastError();
    if (error == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT)
      return cd_fail_os(err, CD_E_UNAVAILABLE, error,
                        "the service manager did not start this program");
    return pf_win_fail(err, error, "the service manager cannot be talked to");
  }
  *ret_code = service.code;
  return CD_OK;
}
