/* The service of the agent. */
#include "platform/install.h"

#include "base/clock.h"
#include "base/log.h"
#include "windows/event.h"
#include "windows/windows.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/banned.h"

#define NAME L"cordond"
#define TITLE L"Cordon agent"
#define DESCRIPTION                                                                                \
  L"Takes response actions on this device as its console or an administrator orders."
#define SWITCH L"--service"
#define COMMAND_MAX 32768u
#define PATIENCE_MS 30000u
#define LOOK_MS 50u
#define FORGET_S 86400u
#define PRESHUTDOWN_MS 20000u

static cd_code open_manager(DWORD access, SC_HANDLE *ret_manager, cd_err *err)
{
  *ret_manager = OpenSCManagerW(NULL, NULL, access);
  if (*ret_manager == NULL)
    return pf_win_fail(err, GetLastError(), "the service manager could not be opened");
  return CD_OK;
}

/* The program in quotes: it may lie under a name with blanks. */
static wchar_t *command_line(void)
{
  wchar_t *out = calloc(COMMAND_MAX, sizeof(*out));
  wchar_t *path = calloc(COMMAND_MAX, sizeof(*path));
  DWORD len = path != NULL ? GetModuleFileNameW(NULL, path, COMMAND_MAX) : 0;
  bool good = out != NULL && len > 0 && len < COMMAND_MAX &&
              swprintf(out, COMMAND_MAX, L"\"%ls\" %ls", path, SWITCH) > 0;
  free(path);
  if (good)
    return out;
  free(out);
  return NULL;
}

/* One that was taken away is there until the last who looks at it lets go: waited for. */
static SC_HANDLE create(SC_HANDLE manager, const wchar_t *command)
{
  uint64_t until_ms = cd_mono_ms() + PATIENCE_MS;
  while (true) {
    SC_HANDLE service = CreateServiceW(manager, NAME, TITLE, SERVICE_ALL_ACCESS,
                                       SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                       SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL);
    if (service != NULL || GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE ||
        cd_mono_ms() > until_ms)
      return service;
    Sleep(LOOK_MS);
  }
}

static SC_HANDLE make(SC_HANDLE manager, const wchar_t *command)
{
  SC_HANDLE service = create(manager, command);
  if (service != NULL || GetLastError() != ERROR_SERVICE_EXISTS)
    return service;
  service = OpenServiceW(manager, NAME, SERVICE_ALL_ACCESS);
  if (service != NULL && !ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS,
                                               SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command,
                                               NULL, NULL, NULL, L"LocalSystem", NULL, TITLE)) {
    DWORD error = GetLastError();
    (void)CloseServiceHandle(service);
    SetLastError(error);
    return NULL;
  }
  return service;
}

/* Started again after 5, 10 and 60 seconds, also when it ends with a failure instead of crashing;
 * and with time to end in before the system does. The last two are refinements that Wine does not
 * know. */
static cd_code set_recovery(SC_HANDLE service, cd_err *err)
{
  SC_ACTION again[] = {
      {SC_ACTION_RESTART, 5000}, {SC_ACTION_RESTART, 10000}, {SC_ACTION_RESTART, 60000}};
  SERVICE_FAILURE_ACTIONSW actions = {
      .dwResetPeriod = FORGET_S, .cActions = 3, .lpsaActions = again};
  SERVICE_FAILURE_ACTIONS_FLAG also = {.fFailureActionsOnNonCrashFailures = TRUE};
  SERVICE_PRESHUTDOWN_INFO before = {.dwPreshutdownTimeout = PRESHUTDOWN_MS};
  SERVICE_DESCRIPTIONW text = {.lpDescription = (wchar_t[]){DESCRIPTION}};
  const struct {
    DWORD level;
    bool may_be_unknown;
    void *value;
  } wishes[] = {
      {SERVICE_CONFIG_DESCRIPTION, false, &text},
      {SERVICE_CONFIG_FAILURE_ACTIONS, false, &actions},
      {SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, true, &also},
      {SERVICE_CONFIG_PRESHUTDOWN_INFO, true, &before},
  };
  for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
    if (ChangeServiceConfig2W(service, wishes[i].level, wishes[i].value))
      continue;
    DWORD error = GetLastError();
    if (error != ERROR_INVALID_LEVEL || !wishes[i].may_be_unknown)
      return pf_win_fail(err, error, "setting %lu of the service could not be made",
                         (unsigned long)wishes[i].level);
  }
  return CD_OK;
}

/* As the manager has it now; what it cannot be asked for (Wine's) is taken to be so. */
static cd_code look_at_recovery(SC_HANDLE service, cd_err *err)
{
  union {
    SERVICE_FAILURE_ACTIONSW actions;
    SERVICE_PRESHUTDOWN_INFO before;
    BYTE room[1024];
  } is;
  DWORD size = 0;
  if (QueryServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, is.room, sizeof(is), &size)) {
    if (is.actions.cActions == 0 || is.actions.lpsaActions[0].Type != SC_ACTION_RESTART)
      return cd_fail(err, CD_E_UNVERIFIED, "the service is not started again when it fails");
  } else if (GetLastError() != ERROR_INVALID_LEVEL) {
    return pf_win_fail(err, GetLastError(), "what the service does when it fails is not known");
  }
  if (QueryServiceConfig2W(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, is.room, sizeof(is), &size)) {
    if (is.before.dwPreshutdownTimeout != PRESHUTDOWN_MS)
      return cd_fail(err, CD_E_UNVERIFIED, "the service has %lu ms before the system goes down",
                     (unsigned long)is.before.dwPreshutdownTimeout);
  } else if (GetLastError() != ERROR_INVALID_LEVEL) {
    return pf_win_fail(err, GetLastError(), "how long the service has at the end is not known");
  }
  return CD_OK;
}

cd_code pf_install_service(cd_err *err)
{
  SC_HANDLE manager = NULL;
  cd_code rc = open_manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE, &manager, err);
  if (rc != CD_OK)
    return rc;
  wchar_t *command = command_line();
  SC_HANDLE service = command != NULL ? make(manager, command) : NULL;
  if (command == NULL)
    rc = cd_fail(err, CD_E_INTERNAL, "where this program lies could not be found out");
  else if (service == NULL)
    rc = pf_win_fail(err, GetLastError(), "the service could not be made");
  else
    rc = set_recovery(service, err);
  if (rc == CD_OK)
    rc = look_at_recovery(service, err);
  if (rc == CD_OK)
    rc = pf_event_source_make(err);
  free(command);
  if (service != NULL)
    (void)CloseServiceHandle(service);
  (void)CloseServiceHandle(manager);
  return rc;
}

static cd_code await(SC_HANDLE service, DWORD wanted, const char *what, cd_err *err)
{
  SERVICE_STATUS status = {0};
  uint64_t until_ms = cd_mono_ms() + PATIENCE_MS;
  do {
    if (!QueryServiceStatus(service, &status))
      return pf_win_fail(err, GetLastError(), "the state of the service could not be read");
    if (status.dwCurrentState == wanted)
      return CD_OK;
    if (wanted == SERVICE_RUNNING && status.dwCurrentState == SERVICE_STOPPED)
      return cd_fail(err, CD_E_UNAVAILABLE, "the service ended at once, with %lu",
                     (unsigned long)status.dwWin32ExitCode);
    Sleep(LOOK_MS);
  } while (cd_mono_ms() < until_ms);
  return cd_fail(err, CD_E_DEADLINE, "the service did not %s within %u s", what,
                 PATIENCE_MS / 1000);
}

static cd_code open_service(DWORD access, SC_HANDLE *ret_service, cd_err *err)
{
  SC_HANDLE manager = NULL;
  cd_code rc = open_manager(SC_MANAGER_CONNECT, &manager, err);
  if (rc != CD_OK)
    return rc;
  *ret_service = OpenServiceW(manager, NAME, access);
  if (*ret_service == NULL && GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no service of the agent");
  else if (*ret_service == NULL)
    rc = pf_win_fail(err, GetLastError(), "the service could not be opened");
  (void)CloseServiceHandle(manager);
  return rc;
}

/* One that runs is started already; one that is on its way down is waited for, and started then. */
static cd_code start(SC_HANDLE service, cd_err *err)
{
  uint64_t until_ms = cd_mono_ms() + PATIENCE_MS;
  while (!StartServiceW(service, 0, NULL)) {
    DWORD error = GetLastError();
    SERVICE_STATUS status = {0};
    if (error != ERROR_SERVICE_ALREADY_RUNNING || cd_mono_ms() > until_ms)
      return pf_win_fail(err, error, "the service could not be started");
    if (!QueryServiceStatus(service, &status))
      return pf_win_fail(err, GetLastError(), "the state of the service could not be read");
    if (status.dwCurrentState != SERVICE_STOP_PENDING && status.dwCurrentState != SERVICE_STOPPED)
      break;
    Sleep(LOOK_MS);
  }
  return await(service, SERVICE_RUNNING, "start", err);
}

cd_code pf_install_start(cd_err *err)
{
  SC_HANDLE service = NULL;
  cd_code rc = open_service(SERVICE_START | SERVICE_QUERY_STATUS, &service, err);
  if (rc != CD_OK)
    return rc;
  rc = start(service, err);
  (void)CloseServiceHandle(service);
  return rc;
}

/* One that is on its way up does not listen yet: it is told again. */
static cd_code stop(SC_HANDLE service, cd_err *err)
{
  SERVICE_STATUS status = {0};
  uint64_t until_ms = cd_mono_ms() + PATIENCE_MS;
  while (!ControlService(service, SERVICE_CONTROL_STOP, &status)) {
    DWORD error = GetLastError();
    if (error == ERROR_SERVICE_NOT_ACTIVE)
      return CD_OK;
    if ((error != ERROR_SERVICE_CANNOT_ACCEPT_CTRL && error != ERROR_INVALID_SERVICE_CONTROL) ||
        cd_mono_ms() > until_ms)
      return pf_win_fail(err, error, "the service could not be stopped");
    Sleep(LOOK_MS);
  }
  return await(service, SERVICE_STOPPED, "stop", err);
}

/* NULL in *ret_service, and a success: there is none. */
static cd_code open_to_end(SC_HANDLE *ret_service, cd_err *err)
{
  cd_err why = {0};
  *ret_service = NULL;
  cd_code rc = open_service(SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE, ret_service, &why);
  if (rc == CD_OK || rc == CD_E_NOTFOUND)
    return CD_OK;
  return cd_fail_os(err, rc, why.os_error, "%s", why.text);
}

cd_code pf_uninstall_stop(cd_err *err)
{
  SC_HANDLE service = NULL;
  cd_code rc = open_to_end(&service, err);
  if (service == NULL)
    return rc;
  rc = stop(service, err);
  (void)CloseServiceHandle(service);
  return rc;
}

/* It goes at once, or with the last handle that others have of it: then it cannot be started any
 * more. A second time says that it is so. */
static cd_code take_away(SC_HANDLE service, cd_err *err)
{
  if (!DeleteService(service) && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
    return pf_win_fail(err, GetLastError(), "the service could not be taken away");
  if (DeleteService(service) || GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
    return cd_fail(err, CD_E_UNVERIFIED, "the service was taken away and is there still");
  return CD_OK;
}

/* A source of events that stays does no harm: that is only told. */
cd_code pf_uninstall_service(cd_err *err)
{
  SC_HANDLE service = NULL;
  cd_err why = {0};
  cd_code rc = open_to_end(&service, err);
  if (service != NULL) {
    rc = take_away(service, err);
    (void)CloseServiceHandle(service);
  }
  if (rc == CD_OK && pf_event_source_remove(&why) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "%s; going on", why.text);
  return rc;
}
