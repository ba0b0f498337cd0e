/* A child is made suspended and in a job, with the handles it is meant to have and no others and a
 * token that has less; when all that is seen to be so it begins. Its end comes from the system's
 * pool of waits. */
#include "platform/child.h"

#include "base/fault.h"
#include "windows/child.h"
#include "windows/child_start.h"

#include <sddl.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define SDDL_MAX 256
#define KILLED 1u
#define STATUS_DLL_INIT_FAILED_CODE 0xC0000142u
#define STATUS_ACCESS_DENIED_CODE 0xC0000022u

/* Bits of PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY: no libraries by the old ways into each process,
 * none from shares, none of low integrity, those of the system first. */
#define MITIGATIONS ((1ull << 32) | (1ull << 52) | (1ull << 56) | (1ull << 60))

struct pf_child {
  uv_async_t ended;
  HANDLE process;
  HANDLE job;
  HANDLE wait;
  DWORD pid;
  bool killed;
  bool other_account;
  void (*on_exit)(void *owner, int64_t status, int signal);
  void (*on_closed)(void *owner);
  void *owner;
};

/* A token of another account may be one that this system does not let a program start with; then
 * ours with less has to do, and what the child says of itself shows it. */
static volatile LONG other_account_fails;

/* ---- the end ---- */

/* It ended while its libraries were loaded, without a word to anyone. */
static bool never_began(HANDLE process, DWORD status)
{
  IO_COUNTERS counts = {0};
  return (status == STATUS_DLL_INIT_FAILED_CODE || status == STATUS_ACCESS_DENIED_CODE) &&
         GetProcessIoCounters(process, &counts) && counts.WriteOperationCount == 0;
}

static void on_ended(uv_async_t *async)
{
  pf_child *c = async->data;
  DWORD status = KILLED;
  if (c->wait == NULL)
    return;
  (void)UnregisterWaitEx(c->wait, INVALID_HANDLE_VALUE);
  c->wait = NULL;
  (void)GetExitCodeProcess(c->process, &status);
  if (c->other_account && !c->killed && never_began(c->process, status))
    (void)InterlockedExchange(&other_account_fails, 1);
  /* With everything that it started. */
  (void)TerminateJobObject(c->job, KILLED);
  c->on_exit(c->owner, (int64_t)status, c->killed && status == KILLED ? SIGKILL : 0);
}

static void CALLBACK on_wait(void *context, BOOLEAN timed_out)
{
  pf_child *c = context;
  (void)timed_out;
  (void)uv_async_send(&c->ended);
}

static void on_async_closed(uv_handle_t *handle)
{
  pf_child *c = handle->data;
  void (*on_closed)(void *) = c->on_closed;
  void *owner = c->owner;
  if (c->process != NULL)
    (void)CloseHandle(c->process);
  if (c->job != NULL)
    (void)CloseHandle(c->job);
  free(c);
  if (on_closed != NULL)
    on_closed(owner);
}

int pf_child_pid(const pf_child *child)
{
  return (int)child->pid;
}

uv_os_fd_t pf_child_handle(const pf_child *child)
{
  return child->process;
}

void pf_child_kill(pf_child *child)
{
  /* What has ended by itself is not said to have been ended, also before its end was told. */
  if (child->wait == NULL || WaitForSingleObject(child->process, 0) == WAIT_OBJECT_0)
    return;
  child->killed = true;
  (void)TerminateJobObject(child->job, KILLED);
  (void)TerminateProcess(child->process, KILLED);
}

void pf_child_close(pf_child *child, void (*on_closed)(void *owner))
{
  child->on_closed = on_closed;
  if (child->wait != NULL)
    (void)UnregisterWaitEx(child->wait, INVALID_HANDLE_VALUE);
  child->wait = NULL;
  uv_close((uv_handle_t *)&child->ended, on_async_closed);
}

/* ---- the start ---- */

typedef struct start {
  const pf_child_options *options;
  pf_child_ends ends;
  pf_child_token token;
  wchar_t *program;
  wchar_t *command;
  wchar_t *environment;
  BYTE *block;
  WORD block_size;
  PSECURITY_DESCRIPTOR access;
  LPPROC_THREAD_ATTRIBUTE_LIST attributes;
  HANDLE listed[PF_CHILD_NUMBERS];
  DWORD64 mitigations;
  DWORD no_children;
  HANDLE thread;
} start;

static void release(start *s)
{
  pf_child_ends_release(&s->ends);
  if (s->token.token != NULL)
    (void)CloseHandle(s->token.token);
  if (s->access != NULL)
    (void)LocalFree(s->access);
  if (s->attributes != NULL)
    DeleteProcThreadAttributeList(s->attributes);
  if (s->thread != NULL)
    (void)CloseHandle(s->thread);
  free(s->attributes);
  free(s->program);
  free(s->command);
  free(s->environment);
  free(s->block);
}

/* Who may open the child: not others of the account that it has. */
static cd_code make_access(start *s, cd_err *err)
{
  wchar_t sddl[SDDL_MAX];
  wchar_t *name = NULL;
  HANDLE token = NULL;
  TOKEN_USER *user = NULL;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
    user = pf_token_user(token);
    (void)CloseHandle(token);
  }
  cd_code rc = CD_OK;
  if (user == NULL || !ConvertSidToStringSidW(user->User.Sid, &name) ||
      swprintf(sddl, SDDL_MAX, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;%ls)", name) <= 0)
    rc = pf_win_fail(err, GetLastError(), "this process's user could not be looked up");
  else
    rc = pf_descriptor_from(sddl, &s->access, err);
  if (name != NULL)
    (void)LocalFree(name);
  free(user);
  return rc;
}

/* Only the list of handles must be taken; what an older Windows does not know of the rest it goes
 * without, and the child says what it has. */
static cd_code make_attributes(start *s, HANDLE *job, cd_err *err)
{
  SIZE_T size = 0;
  SIZE_T count = 0;
  const pf_confine *c = s->options->confine;
  (void)InitializeProcThreadAttributeList(NULL, 4, 0, &size);
  s->attributes = calloc(1, size);
  if (s->attributes == NULL || !InitializeProcThreadAttributeList(s->attributes, 4, 0, &size)) {
    free(s->attributes);
    s->attributes = NULL;
    return pf_win_fail(err, GetLastError(), "what a child gets could not be listed");
  }
  for (int i = 0; i < s->ends.count; i++) {
    if (s->ends.child[i] != INVALID_HANDLE_VALUE)
      s->listed[count++] = s->ends.child[i];
  }
  if (!UpdateProcThreadAttribute(s->attributes, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, s->listed,
                                 count * sizeof(HANDLE), NULL, NULL))
    return pf_win_fail(err, GetLastError(), "the handles of a child could not be listed");
  (void)UpdateProcThreadAttribute(s->attributes, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, job,
                                  sizeof(*job), NULL, NULL);
  if (c == NULL)
    return CD_OK;
  s->mitigations = MITIGATIONS;
  (void)UpdateProcThreadAttribute(s->attributes, 0, PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY,
                                  &s->mitigations, sizeof(s->mitigations), NULL, NULL);
  s->no_children = 1;
  if (c->processes == 0)
    (void)UpdateProcThreadAttribute(s->attributes, 0,
                                    ProcThreadAttributeValue(14, FALSE, TRUE, FALSE),
                                    &s->no_children, sizeof(s->no_children), NULL, NULL);
  return CD_OK;
}

static const pf_confine *limits_of(const start *s)
{
  static const pf_confine none = {.privileges = PF_PRIV_ROOT, .processes = UINT16_MAX};
  return s->options->confine != NULL ? s->options->confine : &none;
}

/* The child is born in it, so that there is no moment in which it could outlive this process. */
static cd_code make_job(const start *s, pf_child *c, cd_err *err)
{
  c->job = CreateJobObjectW(NULL, NULL);
  if (c->job == NULL)
    return pf_win_fail(err, GetLastError(), "no job object for '%.300s'", s->options->program);
  return pf_job_limit(c->job, limits_of(s), err);
}

static cd_code prepare(start *s, pf_child *c, cd_err *err)
{
  const pf_child_options *o = s->options;
  cd_code rc = pf_child_ends_make(o, &s->ends, err);
  if (rc == CD_OK && o->confine != NULL)
    rc = pf_token_for(o->confine, other_account_fails == 0, &s->token, err);
  if (rc == CD_OK)
    rc = make_access(s, err);
  if (rc == CD_OK)
    rc = make_job(s, c, err);
  if (rc == CD_OK)
    rc = make_attributes(s, &c->job, err);
  if (rc != CD_OK)
    return rc;
  s->program = pf_wide(o->program);
  s->command = pf_child_command(o->args);
  s->environment = pf_child_environment(o->env, s->token.other_account);
  s->block = pf_child_ends_block(&s->ends, &s->block_size);
  if (s->program == NULL || s->command == NULL || s->environment == NULL || s->block == NULL)
    return cd_fail(err, CD_E_INVALID, "the command line of '%.300s' is not UTF-8, or too long",
                   o->program);
  return CD_OK;
}

static cd_code create(start *s, pf_child *c, cd_err *err)
{
  PROCESS_INFORMATION made = {0};
  wchar_t folder[MAX_PATH] = L"";
  wchar_t new_desktop[] = L"";
  STARTUPINFOEXW how = {.StartupInfo = {.cb = sizeof(how),
                                        /* Another account has no say on ours. */
                                        .lpDesktop = s->token.other_account ? new_desktop : NULL,
                                        .dwFlags = STARTF_USESTDHANDLES | STARTF_USESHOWWINDOW,
                                        .wShowWindow = SW_HIDE,
                                        .cbReserved2 = s->block_size,
                                        .lpReserved2 = s->block,
                                        .hStdInput = s->ends.child[0],
                                        .hStdOutput = s->ends.child[1],
                                        .hStdError = s->ends.child[2]},
                        .lpAttributeList = s->attributes};
  SECURITY_ATTRIBUTES who = {.nLength = sizeof(who), .lpSecurityDescriptor = s->access};
  /* Without a console: the process behind one would count in the job. */
  DWORD flags = CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | DETACHED_PROCESS |
                EXTENDED_STARTUPINFO_PRESENT;
  UINT len = GetSystemDirectoryW(folder, MAX_PATH);
  if (len == 0 || len >= MAX_PATH)
    return pf_win_fail(err, GetLastError(), "the folder of the system could not be found out");
  BOOL good = s->token.token != NULL
                  ? CreateProcessAsUserW(s->token.token, s->program, s->command, &who, &who, TRUE,
                                         flags, s->environment, folder, &how.StartupInfo, &made)
                  : CreateProcessW(s->program, s->command, &who, &who, TRUE, flags, s->environment,
                                   folder, &how.StartupInfo, &made);
  if (!good)
    return pf_win_fail(err, GetLastError(), "cannot start '%.300s'", s->options->program);
  c->process = made.hProcess;
  c->pid = made.dwProcessId;
  c->other_account = s->token.other_account;
  s->thread = made.hThread;
  return CD_OK;
}

/* It has not run yet: now or never. */
static cd_code confine(const start *s, pf_child *c, cd_err *err)
{
  HANDLE token = NULL;
  cd_code rc = pf_job_enter(c->job, c->process, err);
  if (rc != CD_OK || s->token.token == NULL)
    return rc;
  if (!OpenProcessToken(c->process, TOKEN_QUERY, &token))
    return pf_win_fail(err, GetLastError(), "the token of '%.300s' could not be looked at",
                       s->options->program);
  rc = pf_token_check(token, limits_of(s), err);
  (void)CloseHandle(token);
  return rc;
}

static cd_code begin(start *s, pf_child *c, cd_err *err)
{
  cd_code rc = prepare(s, c, err);
  if (rc == CD_OK)
    rc = create(s, c, err);
  CD_FAULT_POINT("child.created");
  if (rc == CD_OK)
    rc = confine(s, c, err);
  if (rc == CD_OK)
    rc = pf_child_ends_open(&s->ends, s->options, c->pid, err);
  if (rc == CD_OK && !RegisterWaitForSingleObject(&c->wait, c->process, on_wait, c, INFINITE,
                                                  WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE)) {
    c->wait = NULL;
    rc = pf_win_fail(err, GetLastError(), "the end of '%.300s' cannot be waited for",
                     s->options->program);
  }
  if (rc == CD_OK && ResumeThread(s->thread) == (DWORD)-1)
    rc = pf_win_fail(err, GetLastError(), "'%.300s' could not be let go", s->options->program);
  if (rc != CD_OK && c->process != NULL)
    (void)TerminateProcess(c->process, KILLED);
  return rc;
}

cd_code pf_child_start(uv_loop_t *loop, const pf_child_options *options, pf_child **ret_child,
                       cd_err *err)
{
  start s = {.options = options};
  pf_child *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to start '%s'", options->program);
  int failed = uv_async_init(loop, &c->ended, on_ended);
  if (failed != 0) {
    free(c);
    return cd_fail(err, CD_E_INTERNAL, "cannot start '%s': %s", options->program,
                   uv_strerror(failed));
  }
  c->ended.data = c;
  c->on_exit = options->on_exit;
  c->owner = options->owner;
  cd_code rc = begin(&s, c, err);
  release(&s);
  if (rc == CD_OK)
    *ret_child = c;
  else
    pf_child_close(c, NULL);
  return rc;
}
