/* The service: this program is installed as one, in the place of cordond. What the real one does
 * after an installation is seen by msi.sh. */
#include "platform/install.h"
#include "platform/paths.h"
#include "platform/service.h"
#include "platform/system.h"

#include "base/log.h"
#include "windows/event.h"

#include <aclapi.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME L"cordond"
#define SOURCE L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\cordond"
#define STUCK L"cordon-test-stuck"
#define DEADLINE_MS 40000u
#define LOOK_MS 50u

/* ---- the service ---- */

static HANDLE told_to_stop;

static void stop(void *context)
{
  (void)context;
  (void)SetEvent(told_to_stop);
}

/* In the folder of temporary files, for a service has no arguments of ours. */
static bool is_stuck(void)
{
  wchar_t path[MAX_PATH + 32];
  DWORD len = GetWindowsDirectoryW(path, MAX_PATH);
  return len > 0 && len < MAX_PATH && wcscat(path, L"\\Temp\\" STUCK) != NULL &&
         GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

static int work(void *context)
{
  (void)context;
  pf_service_ready();
  cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "an error for the event log");
  (void)WaitForSingleObject(told_to_stop, INFINITE);
  if (is_stuck())
    Sleep(INFINITE);
  return 0;
}

static int be_service(void)
{
  cd_err err = {0};
  int code = 1;
  told_to_stop = CreateEventW(NULL, TRUE, FALSE, NULL);
  return pf_service_run(work, stop, NULL, &code, &err) == CD_OK ? code : 1;
}

/* ---- who looks at it ---- */

static void good(cd_code rc, const cd_err *err)
{
  ck_assert_msg(rc == CD_OK, "%s", err->text);
}

static SC_HANDLE open_it(DWORD access)
{
  SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
  ck_assert_ptr_nonnull(manager);
  SC_HANDLE service = OpenServiceW(manager, NAME, access);
  (void)CloseServiceHandle(manager);
  return service;
}

static SERVICE_STATUS_PROCESS status(void)
{
  SERVICE_STATUS_PROCESS is = {0};
  DWORD size = 0;
  SC_HANDLE service = open_it(SERVICE_QUERY_STATUS);
  ck_assert_ptr_nonnull(service);
  ck_assert(QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&is, sizeof(is), &size));
  (void)CloseServiceHandle(service);
  return is;
}

static HANDLE process_of_it(void)
{
  HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, status().dwProcessId);
  ck_assert_ptr_nonnull(process);
  return process;
}

static void install(void)
{
  cd_err err = {0};
  good(pf_install_service(&err), &err);
}

static void uninstall(void)
{
  cd_err err = {0};
  good(pf_uninstall_stop(&err), &err);
  good(pf_uninstall_service(&err), &err);
}

static bool has_source(void)
{
  wchar_t program[1024] = L"";
  wchar_t self[1024] = L"";
  DWORD size = sizeof(program);
  DWORD types = 0;
  DWORD types_size = sizeof(types);
  if (RegGetValueW(HKEY_LOCAL_MACHINE, SOURCE, L"EventMessageFile", RRF_RT_REG_SZ, NULL, program,
                   &size) != ERROR_SUCCESS)
    return false;
  ck_assert(GetModuleFileNameW(NULL, self, 1024) > 0);
  ck_assert_int_eq(wcscmp(program, self), 0);
  ck_assert(RegGetValueW(HKEY_LOCAL_MACHINE, SOURCE, L"TypesSupported", RRF_RT_REG_DWORD, NULL,
                         &types, &types_size) == ERROR_SUCCESS);
  ck_assert_uint_eq(types, 7);
  return true;
}

START_TEST(it_is_made_twice_started_twice_stopped_twice_and_taken_away_twice)
{
  cd_err err = {0};
  install();
  install();
  ck_assert(has_source());
  good(pf_install_start(&err), &err);
  SERVICE_STATUS_PROCESS first = status();
  ck_assert_uint_eq(first.dwCurrentState, SERVICE_RUNNING);
  ck_assert_uint_eq(first.dwControlsAccepted, SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN);
  good(pf_install_start(&err), &err);
  ck_assert_uint_eq(status().dwProcessId, first.dwProcessId);
  HANDLE process = process_of_it();
  good(pf_uninstall_stop(&err), &err);
  ck_assert_int_eq(WaitForSingleObject(process, DEADLINE_MS), WAIT_OBJECT_0);
  (void)CloseHandle(process);
  ck_assert_uint_eq(status().dwWin32ExitCode, NO_ERROR);
  good(pf_uninstall_stop(&err), &err);
  uninstall();
  uninstall();
  ck_assert_ptr_null(open_it(SERVICE_QUERY_STATUS));
  ck_assert(!has_source());
}
END_TEST

static DWORD WINAPI let_go(void *service)
{
  Sleep(1000);
  return CloseServiceHandle(service) ? 0 : 1;
}

/* As by somebody who looks at services meanwhile: it is marked, and goes when he lets go. */
START_TEST(one_that_others_look_at_is_made_anew_when_they_let_go)
{
  cd_err err = {0};
  install();
  SC_HANDLE theirs = open_it(SERVICE_QUERY_STATUS);
  ck_assert_ptr_nonnull(theirs);
  uninstall();
  good(pf_uninstall_service(&err), &err);
  HANDLE thread = CreateThread(NULL, 0, let_go, theirs, 0, NULL);
  ck_assert_ptr_nonnull(thread);
  ULONGLONG from_ms = GetTickCount64();
  install();
  ck_assert_uint_ge(GetTickCount64() - from_ms, 500);
  ck_assert_int_eq(WaitForSingleObject(thread, DEADLINE_MS), WAIT_OBJECT_0);
  (void)CloseHandle(thread);
  good(pf_install_start(&err), &err);
  ck_assert_uint_eq(status().dwCurrentState, SERVICE_RUNNING);
  uninstall();
  ck_assert_ptr_null(open_it(SERVICE_QUERY_STATUS));
}
END_TEST

/* One with a key below it cannot be removed. */
START_TEST(a_source_of_events_that_stays_keeps_no_service)
{
  HKEY key = NULL;
  install();
  ck_assert(RegCreateKeyExW(HKEY_LOCAL_MACHINE, SOURCE L"\\theirs", 0, NULL, 0, KEY_READ, NULL,
                            &key, NULL) == ERROR_SUCCESS);
  (void)RegCloseKey(key);
  uninstall();
  ck_assert_ptr_null(open_it(SERVICE_QUERY_STATUS));
  ck_assert(has_source());
  ck_assert(RegDeleteKeyW(HKEY_LOCAL_MACHINE, SOURCE L"\\theirs") == ERROR_SUCCESS);
  uninstall();
  ck_assert(!has_source());
}
END_TEST

START_TEST(what_it_does_when_it_fails_and_at_the_end_is_set)
{
  BYTE room[1024];
  SERVICE_PRESHUTDOWN_INFO before = {0};
  DWORD size = 0;
  install();
  SC_HANDLE service = open_it(SERVICE_QUERY_CONFIG);
  ck_assert_ptr_nonnull(service);
  if (QueryServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, room, sizeof(room), &size)) {
    const SERVICE_FAILURE_ACTIONSW *actions = (const SERVICE_FAILURE_ACTIONSW *)(const void *)room;
    ck_assert_uint_eq(actions->cActions, 3);
    ck_assert_int_eq(actions->lpsaActions[0].Type, SC_ACTION_RESTART);
  } else {
    /* Wine takes them and cannot be asked for them. */
    ck_assert_uint_eq(GetLastError(), ERROR_INVALID_LEVEL);
  }
  ck_assert(QueryServiceConfig2W(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, (BYTE *)&before,
                                 sizeof(before), &size));
  ck_assert_uint_eq(before.dwPreshutdownTimeout, 20000);
  (void)CloseServiceHandle(service);
  uninstall();
}
END_TEST

START_TEST(it_ends_when_the_system_does)
{
  SERVICE_STATUS answer = {0};
  cd_err err = {0};
  install();
  good(pf_install_start(&err), &err);
  HANDLE process = process_of_it();
  SC_HANDLE service = open_it(SERVICE_ALL_ACCESS);
  ck_assert_ptr_nonnull(service);
  /* Only the system may on Windows; Wine passes it on. */
  bool passed = ControlService(service, SERVICE_CONTROL_PRESHUTDOWN, &answer) != 0;
  (void)CloseServiceHandle(service);
  if (passed)
    ck_assert_int_eq(WaitForSingleObject(process, DEADLINE_MS), WAIT_OBJECT_0);
  else
    (void)printf("preshutdown was not passed on: %lu\n", (unsigned long)GetLastError());
  (void)CloseHandle(process);
  uninstall();
}
END_TEST

START_TEST(one_that_does_not_end_is_ended)
{
  wchar_t path[MAX_PATH + 32];
  cd_err err = {0};
  ck_assert(GetWindowsDirectoryW(path, MAX_PATH) > 0);
  (void)wcscat(path, L"\\Temp\\" STUCK);
  HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
  ck_assert(file != INVALID_HANDLE_VALUE);
  (void)CloseHandle(file);
  install();
  good(pf_install_start(&err), &err);
  HANDLE process = process_of_it();
  ULONGLONG from_ms = GetTickCount64();
  good(pf_uninstall_stop(&err), &err);
  ck_assert_int_eq(WaitForSingleObject(process, DEADLINE_MS), WAIT_OBJECT_0);
  ULONGLONG took_ms = GetTickCount64() - from_ms;
  ck_assert_msg(took_ms >= 15000 && took_ms < 30000, "it took %llu ms",
                (unsigned long long)took_ms);
  (void)CloseHandle(process);
  (void)DeleteFileW(path);
  uninstall();
}
END_TEST

/* The texts are those that cordond.exe carries. */
START_TEST(each_event_has_its_text)
{
  static const struct {
    DWORD event;
    const wchar_t *text;
  } events[] = {{PF_EVENT_STARTED, L"The Cordon agent has started."},
                {PF_EVENT_STOPPED, L"The Cordon agent has stopped."},
                {PF_EVENT_FAILED, L"The Cordon agent has ended with a failure. WORD"},
                {PF_EVENT_ERROR, L"The Cordon agent reports: WORD"},
                {PF_EVENT_STUCK, L"The Cordon agent did not end in time after it was told to stop, "
                                 L"and was ended. WORD"}};
  wchar_t word[] = L"WORD";
  DWORD_PTR words[] = {(DWORD_PTR)word};
  HMODULE program = LoadLibraryExA(CORDON_AGENT, NULL, LOAD_LIBRARY_AS_DATAFILE);
  ck_assert_ptr_nonnull(program);
  for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
    wchar_t text[256] = L"";
    ck_assert_msg(FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY,
                                 program, events[i].event, 0, text, 256, (va_list *)words) > 0,
                  "event %zu has no text", i);
    ck_assert_msg(wcsncmp(text, events[i].text, wcslen(events[i].text)) == 0, "event %zu: %ls", i,
                  text);
  }
  (void)FreeLibrary(program);
}
END_TEST

static void set_mode(const wchar_t *path, const wchar_t *sddl)
{
  PSECURITY_DESCRIPTOR descriptor = NULL;
  cd_err err = {0};
  good(pf_descriptor_from(sddl, &descriptor, &err), &err);
  ck_assert(SetFileSecurityW(path, DACL_SECURITY_INFORMATION, descriptor));
  (void)LocalFree(descriptor);
}

START_TEST(folders_that_others_may_change_are_seen)
{
  char folder[CD_PATH_MAX];
  cd_err err = {0};
  const char *config = pf_paths_installed()->config_file;
  (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(config, '\\') - config), config);
  wchar_t *wide = pf_wide(folder);
  ck_assert_ptr_nonnull(wide);
  bool made = CreateDirectoryW(wide, NULL) != 0;
  set_mode(wide, L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
  good(pf_install_check(&err), &err);
  set_mode(wide, L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)");
  ck_assert_int_eq(pf_install_check(&err), CD_E_DENIED);
  ck_assert_msg(strstr(err.text, folder) != NULL, "%s", err.text);
  set_mode(wide, L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
  if (made)
    (void)RemoveDirectoryW(wide);
  free(wide);
}
END_TEST

int main(int argc, char **argv)
{
  if (argc > 1 && strcmp(argv[1], "--service") == 0)
    return be_service();
  Suite *s = suite_create("windows.service");
  TCase *c = tcase_create("service");
  tcase_set_timeout(c, 120);
  tcase_add_test(c, it_is_made_twice_started_twice_stopped_twice_and_taken_away_twice);
  tcase_add_test(c, one_that_others_look_at_is_made_anew_when_they_let_go);
  tcase_add_test(c, a_source_of_events_that_stays_keeps_no_service);
  tcase_add_test(c, what_it_does_when_it_fails_and_at_the_end_is_set);
  tcase_add_test(c, it_ends_when_the_system_does);
  tcase_add_test(c, one_that_does_not_end_is_ended);
  tcase_add_test(c, each_event_has_its_text);
  tcase_add_test(c, folders_that_others_may_change_are_seen);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
