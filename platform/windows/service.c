/* The service control manager. A program that it did not start is no service: being ready or stopping
 * is then nobody's business. */
#include "platform/service.h"
#include "platform/system.h"

#include "base/limits.h"
#include "platform/paths.h"
#include "windows/windows.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define NAME L"cordond"
#define HINT_MS 30000u
#define LOG_NAME "cordond.log"
#define LOG_MAX (8u * 1024u * 1024u) /* then it begins anew, at the next start */

static struct {
  int (*work)(void *context);
  void (*stop)(void *context);
  void *context;
  int code;
  SERVICE_STATUS_HANDLE handle; /* NULL: no service */
  SRWLOCK lock;                 /* of what follows */
  DWORD state;
} service = {.lock = SRWLOCK_INIT};

/* It goes one way only: what is stopping does not run again. */
static bool report(DWORD state, DWORD exit_code)
{
  SERVICE_STATUS status = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS, .dwCurrentState = state};
  bool told = false;
  if (service.handle == NULL)
    return false;
  if (state == SERVICE_RUNNING)
    status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN;
  if (state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING)
    status.dwWaitHint = HINT_MS;
  if (exit_code != 0) {
    status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
    status.dwServiceSpecificExitCode = exit_code;
  }
  AcquireSRWLockExclusive(&service.lock);
  bool backwards = service.state == SERVICE_STOPPED ||
                   (service.state == SERVICE_STOP_PENDING && state == SERVICE_RUNNING);
  if (!backwards && service.state != state) {
    service.state = state;
    told = SetServiceStatus(service.handle, &status) != 0;
  }
  ReleaseSRWLockExclusive(&service.lock);
  return told;
}

void pf_service_ready(void)
{
  (void)report(SERVICE_RUNNING, 0);
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

static void WINAPI service_main(DWORD count, wchar_t **arguments)
{
  service.handle = RegisterServiceCtrlHandlerExW(NAME, on_control, NULL);
  if (service.handle == NULL)
    return;
  (void)report(SERVICE_START_PENDING, 0);
  service.code = service.work(service.context);
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
      return cd_fail_os(err, CD_E_UNAVAILABLE, error, "the service manager did not start this program");
    return pf_win_fail(err, error, "the service manager cannot be talked to");
  }
  *ret_code = service.code;
  return CD_OK;
}
