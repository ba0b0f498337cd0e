/* Scheduled tasks: as the service of tasks lists them, and as the files have them. Where both
 * answer, a task that only one has is what somebody hides. */
#define COBJMACROS
#include "items.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <taskschd.h>

#include "file.h"
#include "path.h"
#include "support/wide.h"
#include "task_xml.h"

enum { DEPTH_MAX = 16, TASKS_MAX = 20000 };

#define COLUMNS                                                                                    \
  "from,path,state,enabled,hidden,last_run,last_result,next_run,author,user,logon_type,run_level," \
  "triggers,actions,description,registered,file_written,whole"

typedef struct walk {
  col_task *task;
  unsigned listed;
  unsigned broken;
  HRESULT trouble; /* the first */
  wchar_t root[WIN_PATH];
  unsigned depth;
} walk;

static void put_xml(col_task *t, const win_task *x)
{
  col_text(t, x->author);
  col_text(t, x->user);
  col_text(t, x->logon_type);
  col_text(t, x->run_level);
  col_text(t, x->triggers);
  col_text(t, x->actions);
  col_text(t, x->description);
  col_text(t, x->date);
}

/* ---- from the service ---- */

static void put_date(col_task *t, DATE date)
{
  SYSTEMTIME local = {0};
  SYSTEMTIME utc = {0};
  FILETIME time = {0};
  if (date > 1 && VariantTimeToSystemTime(date, &local) &&
      TzSpecificLocalTimeToSystemTime(NULL, &local, &utc) && SystemTimeToFileTime(&utc, &time))
    win_filetime(t, time);
  else
    win_empty(t, 1);
}

static bool put_task(walk *w, IRegisteredTask *task)
{
  static const char *const states[] = {"unknown", "disabled", "queued", "ready", "running"};
  col_task *t = w->task;
  win_task x = {0};
  BSTR path = NULL;
  BSTR xml = NULL;
  TASK_STATE state = TASK_STATE_UNKNOWN;
  VARIANT_BOOL enabled = VARIANT_FALSE;
  DATE last = 0;
  DATE next = 0;
  LONG result = 0;
  (void)IRegisteredTask_get_Path(task, &path);
  (void)IRegisteredTask_get_State(task, &state);
  (void)IRegisteredTask_get_Enabled(task, &enabled);
  (void)IRegisteredTask_get_LastRunTime(task, &last);
  (void)IRegisteredTask_get_NextRunTime(task, &next);
  (void)IRegisteredTask_get_LastTaskResult(task, &result);
  bool whole = false;
  if (SUCCEEDED(IRegisteredTask_get_Xml(task, &xml)) && xml != NULL) {
    /* The text says that it is UTF-16, and has no mark of it. */
    size_t units = SysStringLen(xml);
    unsigned char *bytes = malloc(2 * units + 2);
    if (bytes != NULL) {
      bytes[0] = 0xff;
      bytes[1] = 0xfe;
      memcpy(bytes + 2, xml, 2 * units);
      whole = win_task_read(bytes, 2 * units + 2, &x);
      free(bytes);
    }
  }
  col_text(t, "service");
  win_text(t, path);
  col_text(t, (unsigned)state < 5 ? states[state] : "");
  col_flag(t, enabled != VARIANT_FALSE);
  col_text(t, x.hidden);
  put_date(t, last);
  win_hex(t, (uint32_t)result);
  put_date(t, next);
  put_xml(t, &x);
  win_empty(t, 1);
  col_flag(t, whole && !x.cut);
  w->broken += whole ? 0 : 1;
  w->listed++;
  SysFreeString(path);
  SysFreeString(xml);
  return col_row(t) && w->listed < TASKS_MAX;
}

static void note(walk *w, HRESULT hr)
{
  if (FAILED(hr) && SUCCEEDED(w->trouble))
    w->trouble = hr;
}

static void list_tasks(walk *w, ITaskFolder *folder)
{
  IRegisteredTaskCollection *tasks = NULL;
  LONG count = 0;
  HRESULT hr = ITaskFolder_GetTasks(folder, TASK_ENUM_HIDDEN, &tasks);
  if (SUCCEEDED(hr))
    hr = IRegisteredTaskCollection_get_Count(tasks, &count);
  note(w, hr);
  for (LONG i = 1; SUCCEEDED(hr) && i <= count && !col_stop(w->task); i++) {
    VARIANT at = {0};
    IRegisteredTask *task = NULL;
    V_VT(&at) = VT_I4;
    V_I4(&at) = i;
    if (FAILED(IRegisteredTaskCollection_get_Item(tasks, at, &task)))
      continue;
    bool more = put_task(w, task);
    (void)IRegisteredTask_Release(task);
    if (!more)
      break;
  }
  if (tasks != NULL)
    (void)IRegisteredTaskCollection_Release(tasks);
}

static void list_folder(walk *w, ITaskFolder *folder, unsigned depth)
{
  ITaskFolderCollection *folders = NULL;
  LONG count = 0;
  list_tasks(w, folder);
  if (depth == DEPTH_MAX)
    return;
  HRESULT hr = ITaskFolder_GetFolders(folder, 0, &folders);
  if (SUCCEEDED(hr))
    hr = ITaskFolderCollection_get_Count(folders, &count);
  note(w, hr);
  for (LONG i = 1; SUCCEEDED(hr) && i <= count && !col_stop(w->task); i++) {
    VARIANT at = {0};
    ITaskFolder *below = NULL;
    V_VT(&at) = VT_I4;
    V_I4(&at) = i;
    if (FAILED(ITaskFolderCollection_get_Item(folders, at, &below)))
      continue;
    list_folder(w, below, depth + 1);
    (void)ITaskFolder_Release(below);
  }
  if (folders != NULL)
    (void)ITaskFolderCollection_Release(folders);
}

static HRESULT ask_service(walk *w)
{
  ITaskService *service = NULL;
  ITaskFolder *folder = NULL;
  VARIANT none = {0};
  BSTR root = SysAllocString(L"\\");
  HRESULT hr = CoCreateInstance(&CLSID_TaskScheduler, NULL, CLSCTX_INPROC_SERVER, &IID_ITaskService,
                                (void **)&service);
  if (SUCCEEDED(hr))
    hr = ITaskService_Connect(service, none, none, none, none);
  if (SUCCEEDED(hr))
    hr = ITaskService_GetFolder(service, root, &folder);
  if (SUCCEEDED(hr))
    list_folder(w, folder, 0);
  if (folder != NULL)
    (void)ITaskFolder_Release(folder);
  if (service != NULL)
    (void)ITaskService_Release(service);
  SysFreeString(root);
  return hr;
}

/* ---- from the files ---- */

static void put_file(walk *w, const wchar_t *path, const WIN32_FIND_DATAW *entry)
{
  col_task *t = w->task;
  win_task x = {0};
  char *bytes = NULL;
  size_t len = 0;
  bool whole = win_read_all(path, TASK_XML_MAX, &bytes, &len) == 0 && win_task_read(bytes, len, &x);
  free(bytes);
  col_text(t, "file");
  win_text(t, path + wcslen(w->root));
  win_empty(t, 1);
  col_text(t, x.enabled);
  col_text(t, x.hidden);
  win_empty(t, 3);
  put_xml(t, &x);
  win_filetime(t, entry->ftLastWriteTime);
  col_flag(t, whole && !x.cut);
  w->broken += whole ? 0 : 1;
  w->listed++;
  (void)col_row(t);
}

static bool take_entry(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *entry)
{
  walk *w = data;
  wchar_t path[WIN_PATH];
  if (!win_join(folder, entry->cFileName, path))
    return true;
  if ((entry->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    return true;
  if ((entry->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
    put_file(w, path, entry);
  } else if (w->depth < DEPTH_MAX) {
    w->depth++;
    (void)win_each(w->task, path, take_entry, w);
    w->depth--;
  }
  return !col_stop(w->task) && w->listed < TASKS_MAX;
}

void win_tasks(col_task *t)
{
  walk w = {.task = t};
  col_head(t, COLUMNS);
  HRESULT com = CoInitializeEx(NULL, COINIT_MULTITHREADED);
  HRESULT hr = ask_service(&w);
  if (SUCCEEDED(com))
    CoUninitialize();
  if (FAILED(hr))
    win_mark_hr(t, hr, "the service of tasks; the rows are of the files");
  else if (FAILED(w.trouble))
    win_mark_hr(t, w.trouble, "the list of the service of tasks; the rows are of the files");
  else if (w.listed == 0)
    win_mark_pretended(t, "the service of tasks lists none; the rows are of the files");
  w.listed = 0;
  DWORD error = win_place(WIN_WINDOWS, L"System32\\Tasks", w.root)
                    ? win_each(t, w.root, take_entry, &w)
                    : ERROR_PATH_NOT_FOUND;
  if (error != 0)
    win_mark(t, error, "%windir%\\System32\\Tasks");
  if (w.broken > 0)
    col_mark(t, COL_PARTIAL, "%u tasks are no XML that can be read", w.broken);
}
