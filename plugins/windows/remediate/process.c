/* Processes by identity: number and the moment of their start, in 100 ns since 1601. A number is
 * given anew, so that everything is done through a handle whose process was compared first. */
#include "remediate.h"

#include <stdio.h>
#include <string.h>

#include <tlhelp32.h>

#include "support/json.h"
#include "support/wide.h"

enum { END_MS = 10000, STEP_MS = 100, FIRST_PID = 5, DEPTH_MAX = 64 };

/* In 1917; the ticks of 31 years. */
#define FIRST_MOMENT 100000000000000000ull

typedef LONG NTAPI all_fn(HANDLE);
typedef LONG NTAPI query_fn(HANDLE, ULONG, void *, ULONG, ULONG *);

typedef struct process {
  HANDLE handle;
  DWORD pid;
  uint64_t start;
  bool slip; /* there cannot have been the process that is named */
} process;

uint64_t rem_process_start(HANDLE h)
{
  FILETIME created = {0};
  FILETIME other[3];
  if (!GetProcessTimes(h, &created, &other[0], &other[1], &other[2]))
    return 0;
  return (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
}

/* Windows ends with such a process. */
static bool is_critical(HANDLE h)
{
  enum { BREAK_ON_TERMINATION = 29 };
  ULONG critical = 0;
  query_fn *query = (query_fn *)sup_system_call(L"ntdll.dll", "NtQueryInformationProcess");
  return query != NULL && query(h, BREAK_ON_TERMINATION, &critical, sizeof(critical), NULL) == 0 &&
         critical != 0;
}

/* Who started it; 0: nobody, or that is not known. */
static DWORD parent_of(HANDLE h)
{
  struct {
    LONG status;
    void *peb;
    ULONG_PTR processors;
    LONG priority;
    ULONG_PTR pid;
    ULONG_PTR parent;
  } basic = {0};
  query_fn *query = (query_fn *)sup_system_call(L"ntdll.dll", "NtQueryInformationProcess");
  return query != NULL && query(h, 0, &basic, sizeof(basic), NULL) == 0 ? (DWORD)basic.parent : 0;
}

/* The agent is who started this process. A number is given anew when a process has ended, so that
 * nobody is the child of one that is younger. */
static bool is_agents(HANDLE h, DWORD pid)
{
  DWORD agent = parent_of(GetCurrentProcess());
  DWORD at = pid;
  uint64_t start = rem_process_start(h);
  DWORD above = parent_of(h);
  if (agent == 0)
    return false;
  if (at == agent)
    return start <= rem_process_start(GetCurrentProcess());
  for (int i = 0; i < DEPTH_MAX && above != 0; i++) {
    HANDLE parent = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, above);
    uint64_t before = parent != NULL ? rem_process_start(parent) : 0;
    DWORD next = parent != NULL ? parent_of(parent) : 0;
    if (parent != NULL)
      (void)CloseHandle(parent);
    if (before > start)
      return false;
    if (above == agent || above == GetCurrentProcessId())
      return true;
    start = before;
    above = next;
  }
  return false;
}

bool rem_process_protected(HANDLE h, DWORD pid, char ret_why[REM_SHOW])
{
  const char *why = pid < FIRST_PID ? "it is the system's own"
                    : pid == GetCurrentProcessId() || rem_own_image(h) || is_agents(h, pid)
                        ? "it is the agent's own"
                    : is_critical(h) ? "Windows itself ends with it"
                                     : NULL;
  if (why != NULL)
    (void)snprintf(ret_why, REM_SHOW, "%s", why);
  return why != NULL;
}

static void close_process(process *p)
{
  if (p->handle != NULL)
    (void)CloseHandle(p->handle);
  p->handle = NULL;
}

/* CORDON_E_NOTFOUND: it has ended, or its number is another's now. */
static cordon_status open_process(const cJSON *from, process *ret, sup_err *err)
{
  uint64_t pid = 0;
  uint64_t start = 0;
  *ret = (process){0};
  if (!rem_number(from, "pid", &pid) || pid > UINT32_MAX || !rem_number(from, "start", &start))
    return sup_fail(err, CORDON_E_INVALID, "target.pid or target.start is missing or no number");
  if (start < FIRST_MOMENT)
    return sup_fail(err, CORDON_E_INVALID,
                    "target.start is no moment in 100 ns since 1601, as processes of Windows have "
                    "it: ticks since a boot are those of another system");
  if (pid < FIRST_PID || pid == GetCurrentProcessId())
    return sup_fail(err, CORDON_E_DENIED, "process %llu is the system's own, or the agent's",
                    (unsigned long long)pid);
  ret->pid = (DWORD)pid;
  ret->handle = OpenProcess(PROCESS_TERMINATE | PROCESS_SUSPEND_RESUME | SYNCHRONIZE |
                                PROCESS_QUERY_LIMITED_INFORMATION,
                            FALSE, ret->pid);
  if (ret->handle == NULL && GetLastError() == ERROR_INVALID_PARAMETER)
    return sup_fail(err, CORDON_E_NOTFOUND, "there is no process %llu", (unsigned long long)pid);
  if (ret->handle == NULL)
    return sup_fail_os(err, (int)GetLastError(), "process %llu cannot be opened",
                       (unsigned long long)pid);
  ret->start = rem_process_start(ret->handle);
  if (ret->start == start && WaitForSingleObject(ret->handle, 0) == WAIT_TIMEOUT)
    return CORDON_OK;
  uint64_t other = ret->start;
  close_process(ret);
  /* Who has the number since before that start leaves no room for another of that number. */
  ret->slip = other != 0 && other < start;
  if (ret->slip)
    return sup_fail(err, CORDON_E_NOTFOUND,
                    "there was no process %llu of that start: another has had the number since "
                    "%llu; nothing was changed",
                    (unsigned long long)pid, (unsigned long long)other);
  return sup_fail(err, CORDON_E_NOTFOUND,
                  "process %llu has ended, or is another one than that which was named",
                  (unsigned long long)pid);
}

/* ---- threads ---- */

typedef struct counted {
  unsigned threads;
  unsigned held;
} counted;

/* How many of its threads are held: each is asked for its count by raising and lowering it. */
static bool count_held(const process *p, counted *ret)
{
  THREADENTRY32 e = {.dwSize = sizeof(e)};
  HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
  *ret = (counted){0};
  if (snapshot == INVALID_HANDLE_VALUE)
    return false;
  for (BOOL more = Thread32First(snapshot, &e); more; more = Thread32Next(snapshot, &e)) {
    if (e.th32OwnerProcessID != p->pid)
      continue;
    HANDLE thread = OpenThread(THREAD_SUSPEND_RESUME, FALSE, e.th32ThreadID);
    DWORD before = thread != NULL ? SuspendThread(thread) : (DWORD)-1;
    if (before != (DWORD)-1) {
      (void)ResumeThread(thread);
      ret->threads++;
      ret->held += before > 0 ? 1 : 0;
    }
    if (thread != NULL)
      (void)CloseHandle(thread);
  }
  (void)CloseHandle(snapshot);
  return ret->threads > 0;
}

static cordon_status hold(rem_job *j, const process *p, bool held, sup_err *err)
{
  counted c = {0};
  all_fn *call =
      (all_fn *)sup_system_call(L"ntdll.dll", held ? "NtSuspendProcess" : "NtResumeProcess");
  LONG status = call != NULL ? call(p->handle) : -1;
  if (status != 0)
    return sup_fail(err, CORDON_E_IO, "process %lu could not be %s: status 0x%08lx",
                    (unsigned long)p->pid, held ? "suspended" : "resumed", (unsigned long)status);
  rem_step(j, held ? "suspend" : "resume", "done", "process %lu", (unsigned long)p->pid);
  if (!count_held(p, &c))
    return sup_fail(err, CORDON_E_UNVERIFIED, "the threads of process %lu could not be counted",
                    (unsigned long)p->pid);
  rem_measured(j, "threads that are held", "%u of %u", c.held, c.threads);
  if (held ? c.held != c.threads : c.held != 0)
    return sup_fail(err, CORDON_E_UNVERIFIED, "%u of %u threads of process %lu are held", c.held,
                    c.threads, (unsigned long)p->pid);
  return CORDON_OK;
}

static cordon_status suspend(rem_job *j, const process *p, sup_err *err)
{
  char start[24];
  counted c = {0};
  if (count_held(p, &c) && c.held == c.threads) {
    rem_step(j, "suspend", "already", "all %u threads are held", c.threads);
    return CORDON_OK;
  }
  cJSON *record = cJSON_CreateObject();
  (void)snprintf(start, sizeof(start), "%llu", (unsigned long long)p->start);
  (void)cJSON_AddStringToObject(record, "do", "process.resume");
  (void)cJSON_AddNumberToObject(record, "pid", p->pid);
  (void)cJSON_AddStringToObject(record, "start", start);
  cordon_status status = rem_note(j, record, err);
  return status == CORDON_OK ? hold(j, p, true, err) : status;
}

static cordon_status stop(rem_job *j, const process *p, sup_err *err)
{
  uint64_t until = sup_call_until(j->call, END_MS);
  (void)snprintf(j->no_undo, sizeof(j->no_undo), "a process that has ended does not come back");
  if (!TerminateProcess(p->handle, 1))
    return sup_fail_os(err, (int)GetLastError(), "process %lu could not be ended",
                       (unsigned long)p->pid);
  rem_step(j, "end", "done", "process %lu", (unsigned long)p->pid);
  while (WaitForSingleObject(p->handle, STEP_MS) == WAIT_TIMEOUT) {
    if (sup_now_ms() >= until || sup_call_cancelled(j->call))
      return sup_fail(err, CORDON_E_UNVERIFIED, "process %lu was told to end, and has not ended",
                      (unsigned long)p->pid);
  }
  rem_measured(j, "process", "%lu has ended", (unsigned long)p->pid);
  return CORDON_OK;
}

cordon_status rem_process_run(rem_job *j, sup_err *err)
{
  process p;
  char why[REM_SHOW];
  bool stops = strcmp(j->operation, "process.stop") == 0;
  cordon_status status = open_process(j->target, &p, err);
  if (status == CORDON_E_NOTFOUND && stops && !p.slip) {
    rem_step(j, "end", "already", "%s", err->sentence);
    return CORDON_OK;
  }
  if (status != CORDON_OK)
    return status;
  if (rem_process_protected(p.handle, p.pid, why))
    status =
        sup_fail(err, CORDON_E_DENIED, "process %lu is left alone: %s", (unsigned long)p.pid, why);
  else if (j->call->dry_run)
    rem_step(j, j->operation, "planned", "process %lu", (unsigned long)p.pid);
  else if (stops)
    status = stop(j, &p, err);
  else if (strcmp(j->operation, "process.suspend") == 0)
    status = suspend(j, &p, err);
  else
    status = hold(j, &p, false, err);
  close_process(&p);
  return status;
}

cordon_status rem_process_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  process p;
  counted c = {0};
  cordon_status status = open_process(record, &p, err);
  if (status == CORDON_E_NOTFOUND) {
    rem_step(j, "resume", "already", "%s", err->sentence);
    return CORDON_OK;
  }
  if (status != CORDON_OK)
    return status;
  if (count_held(&p, &c) && c.held == 0)
    rem_step(j, "resume", "already", "none of %u threads is held", c.threads);
  else
    status = hold(j, &p, false, err);
  close_process(&p);
  return status;
}
