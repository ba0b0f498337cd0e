/* Services: off, with what they were on record. */
#include "remediate.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "support/json.h"
#include "support/wide.h"

enum { CONFIG = 8192, STOP_MS = 30000, STEP_MS = 100 };

typedef struct service {
  SC_HANDLE manager;
  SC_HANDLE handle;
  wchar_t wide[REM_NAME];
  char name[REM_NAME];
  DWORD start;
  DWORD state;
} service;

static void close_service(service *s)
{
  if (s->handle != NULL)
    (void)CloseServiceHandle(s->handle);
  if (s->manager != NULL)
    (void)CloseServiceHandle(s->manager);
}

static cordon_status read_service(service *s, sup_err *err)
{
  union {
    QUERY_SERVICE_CONFIGW config;
    unsigned char bytes[CONFIG];
  } c;
  SERVICE_STATUS_PROCESS now = {0};
  DWORD needed = 0;
  if (!QueryServiceConfigW(s->handle, &c.config, sizeof(c), &needed) ||
      !QueryServiceStatusEx(s->handle, SC_STATUS_PROCESS_INFO, (BYTE *)&now, sizeof(now), &needed))
    return sup_fail_os(err, (int)GetLastError(), "service %s does not tell its settings", s->name);
  s->start = c.config.dwStartType;
  s->state = now.dwCurrentState;
  return CORDON_OK;
}

static cordon_status open_service(const cJSON *from, service *ret, sup_err *err)
{
  *ret = (service){0};
  cordon_status status = rem_wide(from, "name", ret->wide, REM_NAME / 4, err);
  if (status != CORDON_OK)
    return status;
  sup_from_wide(ret->wide, ret->name, sizeof(ret->name));
  if (_wcsicmp(ret->wide, L"cordond") == 0)
    return sup_fail(err, CORDON_E_DENIED, "that is the agent's own service");
  ret->manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
  if (ret->manager == NULL)
    return sup_fail_os(err, (int)GetLastError(), "the service manager");
  ret->handle = OpenServiceW(ret->manager, ret->wide,
                             SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS | SERVICE_CHANGE_CONFIG |
                                 SERVICE_START | SERVICE_STOP);
  if (ret->handle == NULL)
    return sup_fail_os(err, (int)GetLastError(), "service %s cannot be opened", ret->name);
  return read_service(ret, err);
}

static cordon_status set_start(rem_job *j, service *s, DWORD start, sup_err *err)
{
  if (!ChangeServiceConfigW(s->handle, SERVICE_NO_CHANGE, start, SERVICE_NO_CHANGE, NULL, NULL,
                            NULL, NULL, NULL, NULL, NULL))
    return sup_fail_os(err, (int)GetLastError(), "the start of service %s could not be set",
                       s->name);
  rem_step(j, "start type", "done", "%s: %lu, before %lu", s->name, (unsigned long)start,
           (unsigned long)s->start);
  return CORDON_OK;
}

static cordon_status wait_for(rem_job *j, service *s, DWORD state, sup_err *err)
{
  uint64_t until = sup_call_until(j->call, STOP_MS);
  cordon_status status = read_service(s, err);
  while (status == CORDON_OK && s->state != state && sup_now_ms() < until) {
    status = sup_call_check(j->call, err);
    Sleep(STEP_MS);
    if (status == CORDON_OK)
      status = read_service(s, err);
  }
  return status;
}

static cordon_status stop(rem_job *j, service *s, sup_err *err)
{
  SERVICE_STATUS now = {0};
  if (s->state == SERVICE_STOPPED)
    return CORDON_OK;
  if (!ControlService(s->handle, SERVICE_CONTROL_STOP, &now) &&
      GetLastError() != ERROR_SERVICE_NOT_ACTIVE) {
    rem_step(j, "stop", "failed", "%s: error %lu", s->name, (unsigned long)GetLastError());
    j->partial = true;
    return CORDON_OK;
  }
  cordon_status status = wait_for(j, s, SERVICE_STOPPED, err);
  rem_step(j, "stop", s->state == SERVICE_STOPPED ? "done" : "failed", "%s", s->name);
  j->partial = j->partial || s->state != SERVICE_STOPPED;
  return status;
}

/* What the manager says now, not what was asked for. */
static cordon_status verify(rem_job *j, service *s, DWORD start, sup_err *err)
{
  cordon_status status = read_service(s, err);
  if (status != CORDON_OK)
    return status;
  rem_measured(j, "start type", "%lu", (unsigned long)s->start);
  rem_measured(j, "state", "%lu", (unsigned long)s->state);
  return s->start == start
             ? CORDON_OK
             : sup_fail(err, CORDON_E_UNVERIFIED, "service %s has start type %lu and not %lu",
                        s->name, (unsigned long)s->start, (unsigned long)start);
}

static cordon_status note(rem_job *j, const service *s, sup_err *err)
{
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "do", "service.settings");
  (void)cJSON_AddStringToObject(record, "name", s->name);
  (void)cJSON_AddNumberToObject(record, "start", s->start);
  (void)cJSON_AddBoolToObject(record, "runs", s->state == SERVICE_RUNNING);
  return rem_note(j, record, err);
}

static cordon_status start_again(rem_job *j, service *s, sup_err *err)
{
  if (s->state == SERVICE_RUNNING)
    return CORDON_OK;
  if (!StartServiceW(s->handle, 0, NULL) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING) {
    rem_step(j, "start", "failed", "%s: error %lu", s->name, (unsigned long)GetLastError());
    j->partial = true;
    return CORDON_OK;
  }
  cordon_status status = wait_for(j, s, SERVICE_RUNNING, err);
  rem_step(j, "start", s->state == SERVICE_RUNNING ? "done" : "failed", "%s", s->name);
  j->partial = j->partial || s->state != SERVICE_RUNNING;
  return status;
}

static cordon_status change(rem_job *j, service *s, bool disable, sup_err *err)
{
  DWORD start = disable ? SERVICE_DISABLED : SERVICE_AUTO_START;
  bool is_off = s->start == SERVICE_DISABLED;
  if (is_off == disable && (!disable || s->state == SERVICE_STOPPED)) {
    rem_step(j, j->operation, "already", "%s", s->name);
    return verify(j, s, s->start, err);
  }
  if (j->call->dry_run) {
    rem_step(j, j->operation, "planned", "%s", s->name);
    return CORDON_OK;
  }
  cordon_status status = note(j, s, err);
  if (status == CORDON_OK && s->start != start)
    status = set_start(j, s, start, err);
  if (status == CORDON_OK)
    status = disable ? stop(j, s, err) : start_again(j, s, err);
  return status == CORDON_OK ? verify(j, s, start, err) : status;
}

cordon_status rem_service_run(rem_job *j, sup_err *err)
{
  service s;
  cordon_status status = open_service(j->target, &s, err);
  if (status == CORDON_OK)
    status = change(j, &s, strcmp(j->operation, "service.disable") == 0, err);
  close_service(&s);
  return status;
}

cordon_status rem_service_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  service s;
  uint64_t start = 0;
  bool runs = cJSON_IsTrue(sup_json_get(record, "runs"));
  if (!rem_number(record, "start", &start) || start > SERVICE_DISABLED)
    return sup_fail(err, CORDON_E_INVALID, "an undo record of a service has no start type");
  cordon_status status = open_service(record, &s, err);
  if (status == CORDON_E_NOTFOUND) {
    rem_step(j, "service", "left", "%s", err->sentence);
    j->partial = true;
    status = CORDON_OK;
  } else if (status == CORDON_OK) {
    if (s.start == (DWORD)start)
      rem_step(j, "start type", "already", "%s: %lu", s.name, (unsigned long)s.start);
    else
      status = set_start(j, &s, (DWORD)start, err);
    if (status == CORDON_OK && runs)
      status = start_again(j, &s, err);
    if (status == CORDON_OK)
      status = verify(j, &s, (DWORD)start, err);
  }
  close_service(&s);
  return status;
}
