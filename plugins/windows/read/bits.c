/* Jobs of the Background Intelligent Transfer Service: what is fetched, and what is started when it
 * is there. The service itself is asked; its own file is in a form that nobody has written down. */
#define COBJMACROS
#include <stdio.h>
#include <string.h>

#include "items.h"
#include "wmi.h"

/* No library of mingw-w64 has these identifiers. */
#include <initguid.h>

#include <bits.h>
#include <bits1_5.h>

#include "support/wide.h"

enum { JOBS_MAX = 1000 };

/* What could not be asked of a job, and the first reason. */
typedef struct unasked {
  HRESULT hr;
  char what[128];
} unasked;

static void note(unasked *u, HRESULT hr, const char *what)
{
  size_t len = strlen(u->what);
  if (SUCCEEDED(hr))
    return;
  if (len == 0)
    u->hr = hr;
  (void)snprintf(u->what + len, sizeof(u->what) - len, "%s%s", len > 0 ? ", " : "", what);
}

static void put_owned(col_task *t, HRESULT hr, wchar_t *text)
{
  if (SUCCEEDED(hr) && text != NULL)
    win_text(t, text);
  else
    win_empty(t, 1);
  CoTaskMemFree(text);
}

static const char *state_name(BG_JOB_STATE state)
{
  static const char *const names[] = {"queued",      "connecting",   "transferring",
                                      "suspended",   "error",        "transient error",
                                      "transferred", "acknowledged", "cancelled"};
  return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

/* What is run when the job ends. */
static HRESULT put_command(col_task *t, IBackgroundCopyJob *job)
{
  IBackgroundCopyJob2 *more = NULL;
  wchar_t *program = NULL;
  wchar_t *parameters = NULL;
  HRESULT hr = IBackgroundCopyJob_QueryInterface(job, &IID_IBackgroundCopyJob2, (void **)&more);
  if (SUCCEEDED(hr)) {
    win_com_blanket((IUnknown *)more);
    hr = IBackgroundCopyJob2_GetNotifyCmdLine(more, &program, &parameters);
  }
  put_owned(t, hr, program);
  put_owned(t, hr, parameters);
  if (more != NULL)
    (void)IBackgroundCopyJob2_Release(more);
  return hr;
}

/* The first one's two names; S_FALSE: the job has none. */
static HRESULT put_first_file(col_task *t, IEnumBackgroundCopyFiles *files)
{
  IBackgroundCopyFile *file = NULL;
  wchar_t *remote = NULL;
  wchar_t *local = NULL;
  HRESULT hr = IEnumBackgroundCopyFiles_Next(files, 1, &file, NULL);
  if (hr == S_OK) {
    win_com_blanket((IUnknown *)file);
    hr = IBackgroundCopyFile_GetRemoteName(file, &remote);
    HRESULT named = IBackgroundCopyFile_GetLocalName(file, &local);
    hr = FAILED(hr) ? hr : named;
    (void)IBackgroundCopyFile_Release(file);
  }
  put_owned(t, S_OK, remote);
  put_owned(t, S_OK, local);
  return hr;
}

/* How many files there are, and the first. */
static HRESULT put_files(col_task *t, IBackgroundCopyJob *job)
{
  IEnumBackgroundCopyFiles *files = NULL;
  ULONG count = 0;
  HRESULT hr = IBackgroundCopyJob_EnumFiles(job, &files);
  if (SUCCEEDED(hr)) {
    win_com_blanket((IUnknown *)files);
    hr = IEnumBackgroundCopyFiles_GetCount(files, &count);
  }
  if (FAILED(hr)) {
    win_empty(t, 3);
  } else {
    col_num(t, (int64_t)count);
    hr = put_first_file(t, files);
  }
  if (files != NULL)
    (void)IEnumBackgroundCopyFiles_Release(files);
  return hr;
}

/* Which job it is, whose, and how far. */
static void put_identity(col_task *t, IBackgroundCopyJob *job, unasked *u)
{
  wchar_t id[64] = L"";
  wchar_t *text = NULL;
  GUID guid = {0};
  BG_JOB_STATE state = BG_JOB_STATE_CANCELLED;
  HRESULT hr = IBackgroundCopyJob_GetId(job, &guid);
  if (SUCCEEDED(hr))
    (void)StringFromGUID2(&guid, id, 64);
  note(u, hr, "its id");
  win_text(t, id);
  hr = IBackgroundCopyJob_GetDisplayName(job, &text);
  note(u, hr, "its name");
  put_owned(t, hr, text);
  text = NULL;
  hr = IBackgroundCopyJob_GetOwner(job, &text);
  note(u, hr, "its owner");
  put_owned(t, hr, text);
  hr = IBackgroundCopyJob_GetState(job, &state);
  note(u, hr, "its state");
  col_text(t, SUCCEEDED(hr) ? state_name(state) : "unknown");
}

static void put_job(col_task *t, IBackgroundCopyJob *job)
{
  unasked u = {.hr = S_OK};
  char what[sizeof(u.what) + 16];
  put_identity(t, job, &u);
  note(&u, put_command(t, job), "what it runs when it ends");
  note(&u, put_files(t, job), "what it fetches");
  (void)col_row(t);
  if (FAILED(u.hr)) {
    (void)snprintf(what, sizeof(what), "of a job: %s", u.what);
    win_mark_hr(t, u.hr, what);
  }
}

static HRESULT read_jobs(col_task *t, IEnumBackgroundCopyJobs *jobs)
{
  for (unsigned i = 0; !col_stop(t); i++) {
    IBackgroundCopyJob *job = NULL;
    HRESULT hr = IEnumBackgroundCopyJobs_Next(jobs, 1, &job, NULL);
    if (hr != S_OK)
      return FAILED(hr) ? hr : S_OK;
    win_com_blanket((IUnknown *)job);
    if (i < JOBS_MAX)
      put_job(t, job);
    (void)IBackgroundCopyJob_Release(job);
    if (i == JOBS_MAX) {
      col_cap(t, "only %d jobs are told", JOBS_MAX);
      return S_OK;
    }
  }
  return S_OK;
}

void win_bits_jobs(col_task *t)
{
  IBackgroundCopyManager *manager = NULL;
  IEnumBackgroundCopyJobs *jobs = NULL;
  HRESULT com = CoInitializeEx(NULL, COINIT_MULTITHREADED);
  col_head(t, "id,name,owner_sid,state,notify_program,notify_parameters,files,url,local_file");
  HRESULT hr = CoCreateInstance(&CLSID_BackgroundCopyManager, NULL, CLSCTX_LOCAL_SERVER,
                                &IID_IBackgroundCopyManager, (void **)&manager);
  if (SUCCEEDED(hr)) {
    win_com_blanket((IUnknown *)manager);
    hr = IBackgroundCopyManager_EnumJobs(manager, BG_JOB_ENUM_ALL_USERS, &jobs);
  }
  if (SUCCEEDED(hr)) {
    win_com_blanket((IUnknown *)jobs);
    hr = read_jobs(t, jobs);
  }
  if (FAILED(hr))
    win_mark_hr(t, hr, "the jobs of BITS");
  if (jobs != NULL)
    (void)IEnumBackgroundCopyJobs_Release(jobs);
  if (manager != NULL)
    (void)IBackgroundCopyManager_Release(manager);
  if (SUCCEEDED(com))
    CoUninitialize();
}
