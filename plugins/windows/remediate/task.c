/* Scheduled tasks: off by the service of tasks, which alone knows of a change. What runs goes on.
 */
#define COBJMACROS
#include "remediate.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <taskschd.h>

#include "support/json.h"
#include "support/wide.h"

enum { TASK_UNITS = 1024 };

typedef struct task {
  bool com;
  ITaskService *service;
  ITaskFolder *root;
  IRegisteredTask *task;
  wchar_t wide[TASK_UNITS];
  char name[REM_SHOW];
  bool enabled;
} task;

static void close_task(task *t)
{
  if (t->task != NULL)
    (void)IRegisteredTask_Release(t->task);
  if (t->root != NULL)
    (void)ITaskFolder_Release(t->root);
  if (t->service != NULL)
    (void)ITaskService_Release(t->service);
  if (t->com)
    CoUninitialize();
}

static cordon_status fail(HRESULT hr, const char *what, const task *t, sup_err *err)
{
  if (hr == E_NOTIMPL)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "%s of task %s is unsupported here: the service of tasks has no such call; "
                    "nothing was changed",
                    what, t->name);
  return sup_fail_os(err, (int)hr, "%s of task %s", what, t->name);
}

static HRESULT get_task(task *t)
{
  BSTR path = SysAllocString(t->wide);
  if (path == NULL)
    return E_OUTOFMEMORY;
  if (t->task != NULL)
    (void)IRegisteredTask_Release(t->task);
  t->task = NULL;
  HRESULT hr = ITaskFolder_GetTask(t->root, path, &t->task);
  SysFreeString(path);
  return hr;
}

/* Asked anew, so that it is the service's word and not what this process was told. */
static cordon_status read_enabled(task *t, sup_err *err)
{
  VARIANT_BOOL enabled = VARIANT_FALSE;
  HRESULT hr = get_task(t);
  if (FAILED(hr))
    return fail(hr, "the state", t, err);
  hr = IRegisteredTask_get_Enabled(t->task, &enabled);
  t->enabled = enabled != VARIANT_FALSE;
  return SUCCEEDED(hr) ? CORDON_OK : fail(hr, "the state", t, err);
}

static HRESULT connect_service(task *t)
{
  VARIANT none = {.vt = VT_EMPTY};
  HRESULT hr = CoInitializeEx(NULL, COINIT_MULTITHREADED);
  if (FAILED(hr))
    return hr;
  t->com = true;
  hr = CoCreateInstance(&CLSID_TaskScheduler, NULL, CLSCTX_INPROC_SERVER, &IID_ITaskService,
                        (void **)&t->service);
  if (FAILED(hr))
    return hr;
  hr = ITaskService_Connect(t->service, none, none, none, none);
  if (FAILED(hr))
    return hr;
  BSTR path = SysAllocString(L"\\");
  hr = path != NULL ? ITaskService_GetFolder(t->service, path, &t->root) : E_OUTOFMEMORY;
  SysFreeString(path);
  return hr;
}

static cordon_status open_task(const cJSON *from, task *ret, sup_err *err)
{
  *ret = (task){0};
  cordon_status status = rem_wide(from, "name", ret->wide, TASK_UNITS, err);
  if (status != CORDON_OK)
    return status;
  (void)rem_show_wide(ret->wide, ret->name);
  if (ret->wide[0] != L'\\' || ret->wide[1] == L'\0')
    return sup_fail(err, CORDON_E_INVALID, "'%s' is no path of a task, such as \\Folder\\Name",
                    ret->name);
  HRESULT hr = connect_service(ret);
  if (FAILED(hr))
    return fail(hr, "asking for the state", ret, err);
  hr = get_task(ret);
  if (hr == HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND) ||
      hr == HRESULT_FROM_WIN32(ERROR_PATH_NOT_FOUND))
    return sup_fail(err, CORDON_E_NOTFOUND, "there is no task %s", ret->name);
  return SUCCEEDED(hr) ? read_enabled(ret, err) : fail(hr, "the state", ret, err);
}

static cordon_status note(rem_job *j, const task *t, sup_err *err)
{
  char name[3 * TASK_UNITS];
  sup_from_wide(t->wide, name, sizeof(name));
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "do", "task.settings");
  (void)cJSON_AddStringToObject(record, "name", name);
  (void)cJSON_AddBoolToObject(record, "enabled", t->enabled);
  return rem_note(j, record, err);
}

static cordon_status set(rem_job *j, task *t, bool enabled, sup_err *err)
{
  HRESULT hr = IRegisteredTask_put_Enabled(t->task, enabled ? VARIANT_TRUE : VARIANT_FALSE);
  if (FAILED(hr))
    return fail(hr, enabled ? "switching on" : "switching off", t, err);
  cordon_status status = read_enabled(t, err);
  if (status != CORDON_OK)
    return status;
  rem_measured(j, "enabled", "%s", t->enabled ? "yes" : "no");
  if (t->enabled == enabled) {
    rem_step(j, enabled ? "enable" : "disable", "done", "%s", t->name);
    return CORDON_OK;
  }
  if (!sup_is_wine())
    return sup_fail(err, CORDON_E_UNVERIFIED, "task %s is still %s", t->name,
                    t->enabled ? "on" : "off");
  j->changed = false;
  return sup_fail(err, CORDON_E_UNSUPPORTED,
                  "switching tasks is unsupported here: the service of tasks says yes, and task %s "
                  "is still %s",
                  t->name, t->enabled ? "on" : "off");
}

/* Instances that run go on: which process each is, is for process.stop. */
static void say_running(rem_job *j, const task *t)
{
  IRunningTaskCollection *running = NULL;
  LONG count = 0;
  HRESULT hr = IRegisteredTask_GetInstances(t->task, 0, &running);
  if (SUCCEEDED(hr))
    hr = IRunningTaskCollection_get_Count(running, &count);
  if (running != NULL)
    (void)IRunningTaskCollection_Release(running);
  if (FAILED(hr))
    rem_measured(j, "instances that run", "not known: 0x%08lx", (unsigned long)hr);
  else
    rem_measured(j, "instances that run", "%ld", (long)count);
}

cordon_status rem_task_run(rem_job *j, sup_err *err)
{
  task t;
  bool enable = strcmp(j->operation, "task.enable") == 0;
  cordon_status status = open_task(j->target, &t, err);
  if (status == CORDON_OK && t.enabled == enable) {
    rem_step(j, j->operation, "already", "%s", t.name);
    rem_measured(j, "enabled", "%s", t.enabled ? "yes" : "no");
  } else if (status == CORDON_OK && j->call->dry_run) {
    rem_step(j, j->operation, "planned", "%s", t.name);
  } else if (status == CORDON_OK) {
    status = note(j, &t, err);
    if (status == CORDON_OK)
      status = set(j, &t, enable, err);
  }
  if (status == CORDON_OK && !enable)
    say_running(j, &t);
  close_task(&t);
  return status;
}

cordon_status rem_task_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  task t;
  const cJSON *enabled = sup_json_get(record, "enabled");
  if (!cJSON_IsBool(enabled))
    return sup_fail(err, CORDON_E_INVALID, "an undo record of a task does not say how it was");
  cordon_status status = open_task(record, &t, err);
  if (status == CORDON_E_NOTFOUND) {
    rem_step(j, "task", "left", "%s", err->sentence);
    j->partial = true;
    status = CORDON_OK;
  } else if (status == CORDON_OK && t.enabled == cJSON_IsTrue(enabled)) {
    rem_step(j, "task", "already", "%s is %s", t.name, t.enabled ? "on" : "off");
  } else if (status == CORDON_OK) {
    status = set(j, &t, cJSON_IsTrue(enabled), err);
  }
  close_task(&t);
  return status;
}
