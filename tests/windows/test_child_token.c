/* What a child of Windows is started with, seen from outside and from inside: its token, its job,
 * its handles, and what becomes of those that it starts itself. What both systems do is in
 * tests/unit/platform/test_child.c. */
#include "platform/child.h"

#include "base/buf.h"
#include "windows/child.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 30000
#define CHILD_SLEEPS_MS 60000
#define EXIT_OF_ITS_OWN 7

static char self[1024];

/* ---- the child ---- */

/* Succeeds with a handle that nobody meant to give. */
static int child_signals(const char *handle)
{
  return SetEvent((HANDLE)(uintptr_t)strtoull(handle, NULL, 16)) ? 0 : 1;
}

static int child_with_child(void)
{
  wchar_t program[1024];
  wchar_t command[] = L"self child sleeps";
  STARTUPINFOW how = {.cb = sizeof(how)};
  PROCESS_INFORMATION made;
  if (GetModuleFileNameW(NULL, program, 1024) == 0 ||
      !CreateProcessW(program, command, NULL, NULL, FALSE, 0, NULL, NULL, &how, &made))
    return 1;
  (void)printf("%lu\n", (unsigned long)made.dwProcessId);
  (void)fflush(stdout);
  Sleep(CHILD_SLEEPS_MS);
  return 0;
}

/* With everything switched off first, as a service begins. */
static int child_confined(void)
{
  const pf_confine root = {.privileges = PF_PRIV_ROOT | PF_PRIV_WRITE_ALL, .processes = 1};
  cd_buf report = CD_BUF_INIT(4096);
  cd_err err = {0};
  HANDLE token = NULL;
  bool off = OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, &token) &&
             AdjustTokenPrivileges(token, TRUE, NULL, 0, NULL, NULL);
  cd_code rc = pf_confine_self(&root, &report, &err);
  bool told = rc == CD_OK && strstr(cd_buf_cstr(&report), "not in force") == NULL;
  (void)printf("off=%d report=%d %s\n", off, told, rc == CD_OK ? cd_buf_cstr(&report) : err.text);
  (void)fflush(stdout);
  cd_buf_release(&report);
  Sleep(CHILD_SLEEPS_MS);
  return 0;
}

static int be_child(int argc, char **argv)
{
  if (argc > 2 && strcmp(argv[2], "confined") == 0)
    return child_confined();
  if (argc > 3 && strcmp(argv[2], "signals") == 0)
    return child_signals(argv[3]);
  if (argc > 2 && strcmp(argv[2], "parent") == 0)
    return child_with_child();
  if (argc > 2 && strcmp(argv[2], "ends") == 0)
    return EXIT_OF_ITS_OWN;
  Sleep(CHILD_SLEEPS_MS);
  return 0;
}

/* ---- the parent ---- */

typedef struct play {
  uv_loop_t loop;
  uv_timer_t deadline;
  uv_pipe_t printed;
  char text[1024];
  size_t len;
  pf_child *child;
  bool closed;
  int64_t status;
  int signal;
} play;

static void on_deadline(uv_timer_t *timer)
{
  (void)timer;
  ck_abort_msg("the child takes too long");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
  play *p = handle->data;
  (void)suggested;
  *ret_buf = uv_buf_init(p->text + p->len, (unsigned)(sizeof(p->text) - 1 - p->len));
}

static void on_text(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
  play *p = stream->data;
  (void)buf;
  if (n > 0)
    p->len += (size_t)n;
  else if (n < 0)
    (void)uv_read_stop(stream);
}

static void on_closed(void *owner)
{
  ((play *)owner)->closed = true;
}

static void on_exit_of_child(void *owner, int64_t status, int signal)
{
  play *p = owner;
  p->status = status;
  p->signal = signal;
  pf_child_close(p->child, on_closed);
}

static void start(play *p, char *role, char *word, const pf_confine *confine)
{
  char child[] = "child";
  char *args[] = {self, child, role, word, NULL};
  cd_err err = {0};
  memset(p, 0, sizeof(*p));
  ck_assert_int_eq(uv_loop_init(&p->loop), 0);
  (void)uv_timer_init(&p->loop, &p->deadline);
  (void)uv_timer_start(&p->deadline, on_deadline, DEADLINE_MS, 0);
  (void)uv_pipe_init(&p->loop, &p->printed, 0);
  p->printed.data = p;
  uv_stdio_container_t stdio[2] = {
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->printed}};
  pf_child_options options = {.program = self,
                              .args = args,
                              .confine = confine,
                              .stdio = stdio,
                              .stdio_count = 2,
                              .on_exit = on_exit_of_child,
                              .owner = p};
  cd_code rc = pf_child_start(&p->loop, &options, &p->child, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  (void)uv_read_start((uv_stream_t *)&p->printed, on_alloc, on_text);
}

static void end(play *p)
{
  while (!p->closed)
    (void)uv_run(&p->loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&p->deadline, NULL);
  uv_close((uv_handle_t *)&p->printed, NULL);
  (void)uv_run(&p->loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&p->loop), 0);
}

static HANDLE token_of(const play *p)
{
  HANDLE token = NULL;
  ck_assert(OpenProcessToken(pf_child_handle(p->child), TOKEN_QUERY, &token));
  return token;
}

static bool has_privilege(HANDLE token, const wchar_t *name)
{
  TOKEN_PRIVILEGES *all = pf_token_facts(token, TokenPrivileges);
  LUID wanted;
  bool found = false;
  ck_assert_ptr_nonnull(all);
  ck_assert(LookupPrivilegeValueW(NULL, name, &wanted));
  for (DWORD i = 0; i < all->PrivilegeCount; i++)
    found |= all->Privileges[i].Luid.LowPart == wanted.LowPart;
  free(all);
  return found;
}

static bool has_power(HANDLE token)
{
  TOKEN_GROUPS *groups = pf_token_facts(token, TokenGroups);
  bool found = false;
  ck_assert_ptr_nonnull(groups);
  for (DWORD i = 0; i < groups->GroupCount; i++)
    found |= (groups->Groups[i].Attributes & SE_GROUP_ENABLED) != 0 &&
             pf_sid_powerful(groups->Groups[i].Sid);
  free(groups);
  return found;
}

/* Without these in our own token nothing is shown below. */
START_TEST(we_are_an_administrator_with_privileges)
{
  const pf_confine nothing = {0};
  HANDLE token = NULL;
  cd_err err = {0};
  ck_assert(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
  ck_assert(has_power(token));
  ck_assert(has_privilege(token, L"SeDebugPrivilege"));
  ck_assert_int_eq(pf_token_check(token, &nothing, &err), CD_E_DENIED);
  ck_assert_msg(strstr(err.text, "administrators") != NULL, "%s", err.text);
  (void)CloseHandle(token);
}
END_TEST

START_TEST(a_child_that_asks_for_nothing_has_neither_groups_nor_privileges)
{
  const pf_confine nothing = {0};
  char role[] = "sleeps";
  BOOL inside = FALSE;
  cd_err err = {0};
  play p;
  start(&p, role, NULL, &nothing);
  HANDLE token = token_of(&p);
  ck_assert(!has_power(token));
  ck_assert(!has_privilege(token, L"SeDebugPrivilege"));
  ck_assert(!has_privilege(token, L"SeBackupPrivilege"));
  ck_assert(has_privilege(token, L"SeChangeNotifyPrivilege"));
  ck_assert_int_eq(pf_token_check(token, &nothing, &err), CD_OK);
  ck_assert(IsProcessInJob(pf_child_handle(p.child), NULL, &inside) && inside);
  (void)CloseHandle(token);
  pf_child_kill(p.child);
  end(&p);
}
END_TEST

START_TEST(a_child_keeps_what_its_words_mean)
{
  const pf_confine reader = {.privileges = PF_PRIV_READ_ALL};
  const pf_confine killer = {.privileges = PF_PRIV_KILL};
  char role[] = "sleeps";
  play p;
  start(&p, role, NULL, &reader);
  HANDLE token = token_of(&p);
  ck_assert(has_power(token));
  ck_assert(has_privilege(token, L"SeBackupPrivilege"));
  ck_assert(!has_privilege(token, L"SeRestorePrivilege"));
  ck_assert(!has_privilege(token, L"SeDebugPrivilege"));
  (void)CloseHandle(token);
  pf_child_kill(p.child);
  end(&p);
  start(&p, role, NULL, &killer);
  token = token_of(&p);
  ck_assert(!has_power(token));
  ck_assert(has_privilege(token, L"SeDebugPrivilege"));
  (void)CloseHandle(token);
  pf_child_kill(p.child);
  end(&p);
}
END_TEST

static bool is_in_force(HANDLE token, const wchar_t *name)
{
  TOKEN_PRIVILEGES *all = pf_token_facts(token, TokenPrivileges);
  LUID wanted;
  bool found = false;
  ck_assert_ptr_nonnull(all);
  ck_assert(LookupPrivilegeValueW(NULL, name, &wanted));
  for (DWORD i = 0; i < all->PrivilegeCount; i++)
    found |= all->Privileges[i].Luid.LowPart == wanted.LowPart &&
             (all->Privileges[i].Attributes & SE_PRIVILEGE_ENABLED) != 0;
  free(all);
  return found;
}

static void await_line(play *p)
{
  while (strchr(p->text, '\n') == NULL)
    (void)uv_run(&p->loop, UV_RUN_ONCE);
}

/* The system's own account has them, and has them switched off. */
START_TEST(who_keeps_all_has_what_its_words_mean_switched_on)
{
  const pf_confine root = {.privileges = PF_PRIV_ROOT | PF_PRIV_WRITE_ALL, .processes = 1};
  char role[] = "confined";
  play p;
  start(&p, role, NULL, &root);
  await_line(&p);
  ck_assert_msg(strstr(p.text, "off=1 report=1") != NULL, "%s", p.text);
  HANDLE token = token_of(&p);
  ck_assert(is_in_force(token, L"SeRestorePrivilege"));
  ck_assert(is_in_force(token, L"SeTakeOwnershipPrivilege"));
  ck_assert(is_in_force(token, L"SeBackupPrivilege"));
  ck_assert(!is_in_force(token, L"SeDebugPrivilege"));
  ck_assert(has_privilege(token, L"SeDebugPrivilege"));
  (void)CloseHandle(token);
  pf_child_kill(p.child);
  end(&p);
}
END_TEST

/* Wine's LogonUser() says yes and gives no token: that is none of another account. */
START_TEST(a_client_has_another_account_only_where_its_token_says_so)
{
  const pf_confine client = {.client = true};
  pf_child_token token = {0};
  cd_err err = {0};
  char role[] = "sleeps";
  play p;
  ck_assert_int_eq(pf_token_for(&client, true, &token, &err), CD_OK);
  ck_assert_int_eq(token.other_account, pf_token_is_local_service(token.token));
  ck_assert_int_eq(pf_token_check(token.token, &client, &err), CD_OK);
  (void)CloseHandle(token.token);
  start(&p, role, NULL, &client);
  HANDLE started = token_of(&p);
  ck_assert_int_eq(pf_token_is_local_service(started), token.other_account);
  ck_assert(!has_power(started));
  ck_assert(!has_privilege(started, L"SeImpersonatePrivilege"));
  (void)CloseHandle(started);
  pf_child_kill(p.child);
  end(&p);
}
END_TEST

START_TEST(a_handle_that_anyone_could_inherit_does_not_come_along)
{
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  HANDLE event = CreateEventW(&inherited, TRUE, FALSE, NULL);
  char role[] = "signals";
  char word[32];
  play p;
  ck_assert_ptr_nonnull(event);
  (void)snprintf(word, sizeof(word), "%llx", (unsigned long long)(uintptr_t)event);
  start(&p, role, word, NULL);
  end(&p);
  ck_assert_int_eq(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
  (void)CloseHandle(event);
}
END_TEST

START_TEST(what_a_child_started_ends_with_it)
{
  const pf_confine parent = {.processes = 1};
  char role[] = "parent";
  play p;
  start(&p, role, NULL, &parent);
  await_line(&p);
  HANDLE below = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)strtoul(p.text, NULL, 10));
  ck_assert_ptr_nonnull(below);
  ck_assert_int_eq(WaitForSingleObject(below, 0), WAIT_TIMEOUT);
  /* The child alone, as if it had crashed. */
  ck_assert(TerminateProcess(pf_child_handle(p.child), 3));
  end(&p);
  ck_assert_int_eq(p.status, 3);
  ck_assert_int_eq(WaitForSingleObject(below, DEADLINE_MS), WAIT_OBJECT_0);
  (void)CloseHandle(below);
}
END_TEST

/* Its end is known to the system before it is told to us. */
START_TEST(what_has_ended_by_itself_was_not_killed)
{
  play p;
  char role[] = "ends";
  start(&p, role, NULL, NULL);
  ck_assert_uint_eq(WaitForSingleObject(pf_child_handle(p.child), DEADLINE_MS), WAIT_OBJECT_0);
  pf_child_kill(p.child);
  end(&p);
  ck_assert_int_eq(p.status, EXIT_OF_ITS_OWN);
  ck_assert_int_eq(p.signal, 0);
}
END_TEST

START_TEST(what_was_killed_is_said_to_have_been)
{
  play p;
  char role[] = "sleeps";
  start(&p, role, NULL, NULL);
  pf_child_kill(p.child);
  end(&p);
  ck_assert_int_eq(p.signal, SIGKILL);
}
END_TEST

int main(int argc, char **argv)
{
  size_t size = sizeof(self);
  if (argc > 1 && strcmp(argv[1], "child") == 0)
    return be_child(argc, argv);
  if (uv_exepath(self, &size) != 0)
    return EXIT_FAILURE;
  Suite *s = suite_create("windows.child");
  TCase *c = tcase_create("child");
  tcase_set_timeout(c, 60);
  tcase_add_test(c, we_are_an_administrator_with_privileges);
  tcase_add_test(c, a_child_that_asks_for_nothing_has_neither_groups_nor_privileges);
  tcase_add_test(c, a_child_keeps_what_its_words_mean);
  tcase_add_test(c, who_keeps_all_has_what_its_words_mean_switched_on);
  tcase_add_test(c, a_client_has_another_account_only_where_its_token_says_so);
  tcase_add_test(c, a_handle_that_anyone_could_inherit_does_not_come_along);
  tcase_add_test(c, what_a_child_started_ends_with_it);
  tcase_add_test(c, what_has_ended_by_itself_was_not_killed);
  tcase_add_test(c, what_was_killed_is_said_to_have_been);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
