/* Which processes run a file, or have loaded it as a library. A path alone is not enough, for a
 * program may have been renamed, and another put in its place: the files are compared. */
#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <tlhelp32.h>

#include "support/wide.h"

enum { ROUNDS = 32, END_MS = 10000, STEP_MS = 50, AGAIN = 8 };

static bool same_path(const wchar_t *a, const wchar_t *b)
{
  return CompareStringOrdinal(a, -1, b, -1, TRUE) == CSTR_EQUAL;
}

static bool with_prefix(const wchar_t *path, wchar_t ret_full[REM_PATH])
{
  if (wcsncmp(path, L"\\\\?\\", 4) == 0) {
    size_t len = wcslen(path);
    if (len >= REM_PATH)
      return false;
    wmemcpy(ret_full, path, len + 1);
    return true;
  }
  return path[0] != L'\0' && path[1] == L':' && rem_join(L"\\\\?\\", path, ret_full);
}

/* It is held, so whoever opens it now gets a sharing violation only for what it denies: to look at
 * it nothing is. */
static bool is_file(const wchar_t *path, const rem_place *p, const rem_identity *identity)
{
  wchar_t full[REM_PATH];
  rem_look look;
  if (!with_prefix(path, full))
    return false;
  HANDLE h = CreateFileW(full, FILE_READ_ATTRIBUTES,
                         FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                         OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
  if (h == INVALID_HANDLE_VALUE)
    return same_path(full, p->full);
  bool same = rem_look_at(h, &look) && rem_same_file(&look.identity, identity);
  (void)CloseHandle(h);
  return same;
}

/* A snapshot of libraries fails while one is being loaded. */
static HANDLE modules_of(DWORD pid)
{
  HANDLE snapshot = INVALID_HANDLE_VALUE;
  for (int i = 0; i < AGAIN && snapshot == INVALID_HANDLE_VALUE; i++) {
    snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32, pid);
    if (snapshot == INVALID_HANDLE_VALUE && GetLastError() != ERROR_BAD_LENGTH)
      break;
  }
  return snapshot;
}

/* Calls `fn` for the program of a process and for its libraries until it says false. */
static bool each_of(DWORD pid, HANDLE process, rem_image_fn *fn, void *data)
{
  wchar_t path[REM_PATH];
  DWORD len = REM_PATH;
  MODULEENTRY32W m = {.dwSize = sizeof(m)};
  if (process != NULL && QueryFullProcessImageNameW(process, 0, path, &len) && !fn(data, path))
    return false;
  HANDLE snapshot = modules_of(pid);
  bool more = true;
  if (snapshot == INVALID_HANDLE_VALUE)
    return true;
  for (BOOL there = Module32FirstW(snapshot, &m); there && more;
       there = Module32NextW(snapshot, &m))
    more = fn(data, m.szExePath);
  (void)CloseHandle(snapshot);
  return more;
}

typedef bool process_fn(void *data, const PROCESSENTRY32W *e, HANDLE process);

static void each_process(process_fn *fn, void *data)
{
  PROCESSENTRY32W e = {.dwSize = sizeof(e)};
  HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
  bool more = true;
  if (snapshot == INVALID_HANDLE_VALUE)
    return;
  for (BOOL there = Process32FirstW(snapshot, &e); there && more;
       there = Process32NextW(snapshot, &e)) {
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, e.th32ProcessID);
    more = fn(data, &e, process);
    if (process != NULL)
      (void)CloseHandle(process);
  }
  (void)CloseHandle(snapshot);
}

/* ---- who runs one file ---- */

typedef struct looking {
  const rem_place *place;
  const rem_identity *identity;
  rem_running *found;
  bool runs;
} looking;

static const wchar_t *last_part(const wchar_t *path)
{
  const wchar_t *last = wcsrchr(path, L'\\');
  return last != NULL ? last + 1 : path;
}

static bool on_image(void *data, const wchar_t *path)
{
  looking *l = data;
  l->runs = is_file(path, l->place, l->identity);
  return !l->runs;
}

static bool on_process(void *data, const PROCESSENTRY32W *e, HANDLE process)
{
  looking *l = data;
  l->runs = false;
  if (e->th32ProcessID == GetCurrentProcessId())
    return true;
  (void)each_of(e->th32ProcessID, process, on_image, l);
  if (!l->runs)
    return true;
  rem_running *r = l->found;
  if (r->count >= REM_RUNNING) {
    r->more++;
    return true;
  }
  r->items[r->count].pid = e->th32ProcessID;
  r->items[r->count].start = process != NULL ? rem_process_start(process) : 0;
  sup_from_wide(last_part(e->szExeFile), r->items[r->count].name, sizeof(r->items[r->count].name));
  r->count++;
  return true;
}

void rem_running_find(const rem_place *p, const rem_identity *identity, rem_running *ret_running)
{
  looking l = {.place = p, .identity = identity, .found = ret_running};
  *ret_running = (rem_running){0};
  each_process(on_process, &l);
}

/* True: it is gone. */
static bool end_one(rem_job *j, DWORD pid, uint64_t start, const char *name)
{
  char why[REM_SHOW];
  uint64_t until = sup_call_until(j->call, END_MS);
  HANDLE h =
      OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
  if (h == NULL && GetLastError() == ERROR_INVALID_PARAMETER)
    return true;
  if (h == NULL) {
    rem_step(j, "stop", "failed", "process %lu (%s) cannot be opened: error %lu",
             (unsigned long)pid, name, (unsigned long)GetLastError());
    return false;
  }
  bool ended = rem_process_start(h) != start || WaitForSingleObject(h, 0) == WAIT_OBJECT_0;
  if (ended) {
    (void)CloseHandle(h);
    return true;
  }
  if (rem_process_protected(h, pid, why)) {
    rem_step(j, "stop", "left", "process %lu (%s): %s", (unsigned long)pid, name, why);
  } else if (!TerminateProcess(h, 1)) {
    rem_step(j, "stop", "failed", "process %lu (%s): error %lu", (unsigned long)pid, name,
             (unsigned long)GetLastError());
  } else {
    while (!(ended = WaitForSingleObject(h, STEP_MS) == WAIT_OBJECT_0) && sup_now_ms() < until &&
           !sup_call_cancelled(j->call))
      continue;
    rem_step(j, "stop", ended ? "done" : "failed", "process %lu (%s) ran it and %s",
             (unsigned long)pid, name, ended ? "was ended" : "has not ended");
  }
  if (ended && j->no_undo[0] == '\0')
    (void)snprintf(j->no_undo, sizeof(j->no_undo),
                   "a process that has ended cannot be brought back");
  (void)CloseHandle(h);
  return ended;
}

cordon_status rem_running_stop(rem_job *j, const rem_place *p, const rem_identity *identity,
                               rem_running *ret_left, sup_err *err)
{
  bool ended = true;
  /* As often as there are new ones: each may have started others before it ended. */
  rem_running_find(p, identity, ret_left);
  for (int round = 0; ended && ret_left->count > 0 && round < ROUNDS; round++) {
    ended = false;
    for (size_t i = 0; i < ret_left->count; i++) {
      cordon_status status = sup_call_check(j->call, err);
      if (status != CORDON_OK)
        return status;
      ended =
          end_one(j, ret_left->items[i].pid, ret_left->items[i].start, ret_left->items[i].name) ||
          ended;
    }
    rem_running_find(p, identity, ret_left);
  }
  return CORDON_OK;
}

/* ---- all that runs ---- */

typedef struct all {
  rem_image_fn *fn;
  void *data;
} all;

static bool hand_on(void *data, const wchar_t *path)
{
  const all *a = data;
  wchar_t full[REM_PATH];
  return !with_prefix(path, full) || a->fn(a->data, full);
}

static bool of_process(void *data, const PROCESSENTRY32W *e, HANDLE process)
{
  return each_of(e->th32ProcessID, process, hand_on, data);
}

void rem_images_each(rem_image_fn *fn, void *data)
{
  all a = {.fn = fn, .data = data};
  each_process(of_process, &a);
}
