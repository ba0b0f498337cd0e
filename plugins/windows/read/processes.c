/* Who runs: processes, and the libraries that they have loaded. */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <psapi.h>
#include <tlhelp32.h>
#include <winternl.h>

#include "sign.h"
#include "support/wide.h"

enum {
  PROCESSES_MAX = 65536,
  MODULES_MAX = 2048, /* of one process */
  MODULE_ROWS_MAX = 200000,
  COMMAND_UNITS = 32768,
  TOKEN_BYTES = 1024
};

typedef LONG NTAPI query_fn(HANDLE, ULONG, void *, ULONG, ULONG *);

typedef struct listed {
  DWORD pid;
  DWORD parent;
  DWORD threads;
  uint64_t started; /* 100 ns since 1601, 0: not told */
  wchar_t name[MAX_PATH];
} listed;

typedef struct listing {
  listed *items;
  size_t count;
} listing;

static uint64_t started_of(HANDLE process)
{
  FILETIME created = {0};
  FILETIME other[3];
  return process != NULL && GetProcessTimes(process, &created, &other[0], &other[1], &other[2])
             ? win_ticks_of(created)
             : 0;
}

static bool add_process(listing *l, const PROCESSENTRY32W *e)
{
  if (l->count == PROCESSES_MAX)
    return false;
  if ((l->count & (l->count - 1)) == 0) {
    size_t room = l->count == 0 ? 1 : l->count * 2;
    listed *grown = realloc(l->items, room * sizeof(*grown));
    if (grown == NULL)
      return false;
    l->items = grown;
  }
  listed *p = &l->items[l->count++];
  *p =
      (listed){.pid = e->th32ProcessID, .parent = e->th32ParentProcessID, .threads = e->cntThreads};
  wmemcpy(p->name, e->szExeFile, MAX_PATH - 1);
  HANDLE h = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, p->pid);
  p->started = started_of(h);
  if (h != NULL)
    (void)CloseHandle(h);
  return true;
}

static DWORD list_processes(listing *l)
{
  PROCESSENTRY32W e = {.dwSize = sizeof(e)};
  HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
  if (snapshot == INVALID_HANDLE_VALUE)
    return GetLastError();
  bool more = Process32FirstW(snapshot, &e);
  while (more)
    more = add_process(l, &e) && Process32NextW(snapshot, &e);
  (void)CloseHandle(snapshot);
  return 0;
}

/* Windows reuses numbers: whoever began later is not the parent, but has its number. */
static const listed *parent_of(const listing *l, const listed *p)
{
  for (size_t i = 0; i < l->count; i++) {
    const listed *other = &l->items[i];
    if (other->pid == p->parent && other != p)
      return other->started <= p->started || p->started == 0 ? other : NULL;
  }
  return NULL;
}

/* ---- the command line ---- */

static query_fn *query_call(void)
{
  return (query_fn *)sup_system_call(L"ntdll.dll", "NtQueryInformationProcess");
}

/* As the kernel tells it, from Windows 8.1 on. */
static bool command_of_kernel(HANDLE process, wchar_t *ret_text)
{
  enum { COMMAND_LINE = 60 };
  query_fn *query = query_call();
  size_t size = sizeof(UNICODE_STRING) + COMMAND_UNITS * sizeof(wchar_t);
  UNICODE_STRING *u = query != NULL ? calloc(1, size) : NULL;
  bool got = u != NULL && query(process, COMMAND_LINE, u, (ULONG)size, NULL) == 0;
  if (got) {
    size_t units = u->Length / sizeof(wchar_t);
    units = units < COMMAND_UNITS ? units : COMMAND_UNITS - 1;
    wmemcpy(ret_text, u->Buffer, units);
    ret_text[units] = L'\0';
  }
  free(u);
  return got;
}

static bool read_at(HANDLE process, uint64_t at, void *ret_bytes, size_t len)
{
  SIZE_T got = 0;
  return ReadProcessMemory(process, (const void *)(uintptr_t)at, ret_bytes, len, &got) &&
         got == len;
}

/* Out of the process's own memory, where the kernel does not tell: it may have been changed. */
static bool command_of_memory(HANDLE process, wchar_t *ret_text)
{
  enum { PARAMETERS = 0x20, COMMAND_LINE = 0x70 };
  PROCESS_BASIC_INFORMATION basic = {0};
  uint64_t parameters = 0;
  UNICODE_STRING u = {0};
  query_fn *query = query_call();
  if (query == NULL || query(process, ProcessBasicInformation, &basic, sizeof(basic), NULL) != 0 ||
      basic.PebBaseAddress == NULL)
    return false;
  uint64_t peb = (uintptr_t)basic.PebBaseAddress;
  if (!read_at(process, peb + PARAMETERS, &parameters, sizeof(parameters)) || parameters == 0 ||
      !read_at(process, parameters + COMMAND_LINE, &u, sizeof(u)))
    return false;
  size_t units = u.Length / sizeof(wchar_t);
  units = units < COMMAND_UNITS ? units : COMMAND_UNITS - 1;
  ret_text[units] = L'\0';
  return units == 0 || read_at(process, (uintptr_t)u.Buffer, ret_text, units * sizeof(wchar_t));
}

/* ---- the token ---- */

static const char *integrity_name(DWORD rid, char ret_number[16])
{
  static const struct {
    DWORD rid;
    const char *name;
  } names[] = {{SECURITY_MANDATORY_UNTRUSTED_RID, "untrusted"},
               {SECURITY_MANDATORY_LOW_RID, "low"},
               {SECURITY_MANDATORY_MEDIUM_RID, "medium"},
               {SECURITY_MANDATORY_HIGH_RID, "high"},
               {SECURITY_MANDATORY_SYSTEM_RID, "system"}};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (names[i].rid == rid)
      return names[i].name;
  }
  (void)snprintf(ret_number, 16, "0x%lx", (unsigned long)rid);
  return ret_number;
}

static void put_token(col_task *t, HANDLE process)
{
  union {
    TOKEN_USER user;
    TOKEN_MANDATORY_LABEL label;
    unsigned char bytes[TOKEN_BYTES];
  } info;
  HANDLE token = NULL;
  DWORD size = 0;
  char sid[WIN_SID] = "";
  char account[WIN_ACCOUNT] = "";
  char number[16];
  const char *integrity = "";
  TOKEN_ELEVATION elevation = {0};
  bool elevated = false;
  if (process != NULL && OpenProcessToken(process, TOKEN_QUERY, &token)) {
    if (GetTokenInformation(token, TokenUser, &info, sizeof(info), &size)) {
      win_sid_text(info.user.User.Sid, sid);
      win_account(t, info.user.User.Sid, account);
    }
    if (GetTokenInformation(token, TokenIntegrityLevel, &info, sizeof(info), &size)) {
      PSID label = info.label.Label.Sid;
      BYTE parts = *GetSidSubAuthorityCount(label);
      integrity = parts > 0 ? integrity_name(*GetSidSubAuthority(label, parts - 1u), number) : "";
    }
    if (GetTokenInformation(token, TokenElevation, &elevation, sizeof(elevation), &size))
      elevated = elevation.TokenIsElevated != 0;
    (void)CloseHandle(token);
  }
  col_text(t, account);
  col_text(t, sid);
  col_text(t, integrity);
  col_text(t, sid[0] == '\0' ? "" : elevated ? "yes" : "no");
}

static void put_use(col_task *t, HANDLE process)
{
  PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof(memory)};
  FILETIME created = {0};
  FILETIME ended = {0};
  FILETIME kernel = {0};
  FILETIME user = {0};
  DWORD handles = 0;
  if (process == NULL || !GetProcessTimes(process, &created, &ended, &kernel, &user)) {
    win_empty(t, 5);
    return;
  }
  win_filetime(t, created);
  /* Exactly: by number and this, a process is named in an order. */
  col_unum(t, win_ticks_of(created));
  col_unum(t, (win_ticks_of(kernel) + win_ticks_of(user)) / 10000000);
  if (GetProcessMemoryInfo(process, &memory, sizeof(memory)))
    col_unum(t, memory.WorkingSetSize / 1024);
  else
    win_empty(t, 1);
  if (GetProcessHandleCount(process, &handles))
    col_unum(t, handles);
  else
    win_empty(t, 1);
}

typedef struct walk {
  col_task *task;
  win_programs *programs;
  wchar_t *command;
  unsigned denied;
} walk;

static void put_command(walk *w, HANDLE process)
{
  if (process != NULL &&
      (command_of_kernel(process, w->command) || command_of_memory(process, w->command)))
    win_text(w->task, w->command);
  else
    col_text(w->task, "(not told)");
}

static bool put_process(walk *w, const listing *l, const listed *p)
{
  col_task *t = w->task;
  wchar_t path[WIN_PATH] = {0};
  DWORD len = WIN_PATH;
  DWORD session = 0;
  HANDLE h = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ, FALSE, p->pid);
  if (h == NULL)
    h = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, p->pid);
  if (h == NULL && p->pid > 4)
    w->denied++;
  if (h == NULL || !QueryFullProcessImageNameW(h, 0, path, &len))
    path[0] = L'\0';
  const listed *parent = parent_of(l, p);
  col_unum(t, p->pid);
  col_unum(t, p->parent);
  win_text(t, p->name);
  win_text(t, parent != NULL ? parent->name : NULL);
  win_text(t, path);
  win_program_fields(t, w->programs, path);
  put_command(w, h);
  put_token(t, h);
  if (ProcessIdToSessionId(p->pid, &session))
    col_unum(t, session);
  else
    win_empty(t, 1);
  put_use(t, h);
  col_unum(t, p->threads);
  if (h != NULL)
    (void)CloseHandle(h);
  return col_row(t);
}

void win_processes(col_task *t)
{
  listing l = {0};
  walk w = {.task = t,
            .programs = win_programs_new(),
            .command = calloc(COMMAND_UNITS + 1, sizeof(wchar_t))};
  DWORD error =
      w.programs != NULL && w.command != NULL ? list_processes(&l) : ERROR_NOT_ENOUGH_MEMORY;
  if (error != 0) {
    win_mark(t, error, "the processes cannot be listed");
  } else {
    col_head(t,
             "pid,parent_pid,name,parent,path," WIN_PROGRAM_COLUMNS
             ",command,user,sid,integrity,elevated,session,started,start,cpu_seconds,resident_kib,"
             "handles,threads");
    for (size_t i = 0; i < l.count && put_process(&w, &l, &l.items[i]); i++)
      continue;
    if (w.denied > 0)
      col_mark(t, COL_PARTIAL, "%u processes could not be opened", w.denied);
    win_mark_signatures(t);
  }
  free(l.items);
  free(w.command);
  win_programs_free(w.programs);
}

/* ---- modules ---- */

static bool is_of_system(const wchar_t *path)
{
  wchar_t windows[WIN_PATH];
  UINT len = GetSystemWindowsDirectoryW(windows, WIN_PATH);
  return len > 0 && len < WIN_PATH && _wcsnicmp(path, windows, len) == 0 && path[len] == L'\\';
}

static bool put_module(walk *w, const listed *p, HANDLE process, HMODULE module)
{
  wchar_t path[WIN_PATH] = {0};
  MODULEINFO info = {0};
  col_task *t = w->task;
  DWORD len = GetModuleFileNameExW(process, module, path, WIN_PATH);
  if (len == 0 || len >= WIN_PATH)
    path[0] = L'\0';
  (void)GetModuleInformation(process, module, &info, sizeof(info));
  char base[32];
  (void)snprintf(base, sizeof(base), "0x%llx", (unsigned long long)(uintptr_t)info.lpBaseOfDll);
  col_unum(t, p->pid);
  win_text(t, p->name);
  win_text(t, path);
  col_text(t, base);
  col_unum(t, info.SizeOfImage);
  bool looked = !is_of_system(path) || col_options_of(t)->extended;
  if (looked)
    win_program_fields(t, w->programs, path);
  else
    win_empty(t, 3);
  return col_row(t);
}

static bool put_modules(walk *w, const listed *p, HMODULE *modules)
{
  DWORD size = 0;
  bool more = true;
  HANDLE h = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, p->pid);
  if (h == NULL ||
      !EnumProcessModulesEx(h, modules, MODULES_MAX * sizeof(*modules), &size, LIST_MODULES_ALL)) {
    w->denied += p->pid > 4 ? 1 : 0;
    if (h != NULL)
      (void)CloseHandle(h);
    return true;
  }
  size_t count = size / sizeof(*modules);
  if (count > MODULES_MAX) {
    col_cap(w->task, "a process has more than %d modules", MODULES_MAX);
    count = MODULES_MAX;
  }
  for (size_t i = 0; i < count && more; i++)
    more = put_module(w, p, h, modules[i]);
  (void)CloseHandle(h);
  if (col_rows(w->task) >= MODULE_ROWS_MAX) {
    col_cap(w->task, "there are more than %d modules", MODULE_ROWS_MAX);
    more = false;
  }
  return more;
}

void win_modules(col_task *t)
{
  listing l = {0};
  walk w = {.task = t, .programs = win_programs_new()};
  HMODULE *modules = calloc(MODULES_MAX, sizeof(*modules));
  DWORD error =
      w.programs != NULL && modules != NULL ? list_processes(&l) : ERROR_NOT_ENOUGH_MEMORY;
  if (error != 0) {
    win_mark(t, error, "the processes cannot be listed");
  } else {
    col_head(t, "pid,process,path,base,bytes," WIN_PROGRAM_COLUMNS);
    for (size_t i = 0; i < l.count && put_modules(&w, &l.items[i], modules); i++)
      continue;
    if (w.denied > 0)
      col_mark(t, COL_PARTIAL, "the modules of %u processes were not told", w.denied);
    win_mark_signatures(t);
  }
  free(l.items);
  free(modules);
  win_programs_free(w.programs);
}
