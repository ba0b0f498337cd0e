/* Telling people on Windows, with the terminal services answered by the test: Wine lists no session
 * and shows no message. */
#include "notify.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json.h"

enum { SESSIONS = 70, TEXT = 2048 };

/* ---- terminal services of the test's own ---- */

static struct {
  WTS_SESSION_INFOW list[SESSIONS];
  wchar_t names[SESSIONS][32];
  const wchar_t *users[SESSIONS];
  DWORD count;
  DWORD list_error;
  DWORD send_error;  /* of every message; ~0: FALSE without one */
  DWORD send_answer; /* where it says yes */
  unsigned sent;
  DWORD sent_to[SESSIONS];
  char title[TEXT];
  char body[TEXT];
  bool waited;
} wts;

static void add_session(DWORD id, WTS_CONNECTSTATE_CLASS state, const wchar_t *user)
{
  DWORD i = wts.count++;
  (void)swprintf(wts.names[i], 32, L"Station%lu", (unsigned long)id);
  wts.users[i] = user;
  wts.list[i] =
      (WTS_SESSION_INFOW){.SessionId = id, .pWinStationName = wts.names[i], .State = state};
}

static BOOL WINAPI list_sessions(HANDLE server, DWORD reserved, DWORD version,
                                 WTS_SESSION_INFOW **ret_sessions, DWORD *ret_count)
{
  (void)server;
  (void)reserved;
  (void)version;
  SetLastError(wts.list_error);
  *ret_sessions = malloc(sizeof(wts.list));
  memcpy(*ret_sessions, wts.list, sizeof(wts.list));
  *ret_count = wts.count;
  return wts.list_error == 0;
}

static BOOL WINAPI ask(HANDLE server, DWORD session, WTS_INFO_CLASS what, LPWSTR *ret_text,
                       DWORD *ret_size)
{
  const wchar_t *text = L"LAB";
  (void)server;
  for (DWORD i = 0; i < wts.count && what == WTSUserName; i++) {
    if (wts.list[i].SessionId == session)
      text = wts.users[i];
  }
  if (text == NULL)
    return FALSE;
  *ret_size = (DWORD)((wcslen(text) + 1) * sizeof(wchar_t));
  *ret_text = malloc(*ret_size);
  memcpy(*ret_text, text, *ret_size);
  return TRUE;
}

/* NOLINTNEXTLINE(readability-function-size): it has the parameters of WTSSendMessageW */
static BOOL WINAPI show(HANDLE server, DWORD session, LPWSTR title, DWORD title_size, LPWSTR text,
                        DWORD text_size, DWORD style, DWORD seconds, DWORD *ret_answer, BOOL wait)
{
  (void)server;
  (void)style;
  (void)seconds;
  wts.sent_to[wts.sent++ % SESSIONS] = session;
  int len = WideCharToMultiByte(CP_UTF8, 0, title, (int)(title_size / sizeof(wchar_t)), wts.title,
                                TEXT - 1, NULL, NULL);
  wts.title[len] = '\0';
  len = WideCharToMultiByte(CP_UTF8, 0, text, (int)(text_size / sizeof(wchar_t)), wts.body,
                            TEXT - 1, NULL, NULL);
  wts.body[len] = '\0';
  wts.waited = wts.waited || wait;
  *ret_answer = wts.send_answer;
  if (wts.send_error != 0)
    SetLastError(wts.send_error == ~0u ? 0 : wts.send_error);
  return wts.send_error == 0;
}

static BOOL WINAPI no_token(ULONG session, HANDLE *ret_token)
{
  (void)session;
  (void)ret_token;
  return FALSE;
}

static void WINAPI release(PVOID memory)
{
  free(memory);
}

static const notify_calls calls = {
    .enumerate = list_sessions, .query = ask, .send = show, .token = no_token, .release = release};

/* ---- a host of the test's own ---- */

static cJSON *result;
static int32_t cancel_after;

static cordon_status CORDON_CALL on_result(const cordon_host *h, cordon_op op, const char *json,
                                           size_t len)
{
  sup_err err;
  (void)h;
  (void)op;
  cJSON_Delete(result);
  result = sup_json_parse(json, len, &err);
  return result != NULL ? CORDON_OK : CORDON_E_INVALID;
}

static int32_t CORDON_CALL on_cancelled(const cordon_host *h, cordon_op op)
{
  (void)h;
  (void)op;
  return cancel_after > 0 && --cancel_after == 0;
}

static const cordon_host host = {
    .struct_size = sizeof(host), .cancelled = on_cancelled, .result = on_result};

static sup_err err;

static cordon_status run(const char *params)
{
  sup_call call;
  cordon_request request = {.struct_size = sizeof(request),
                            .op = 1,
                            .budget_ms = 60000,
                            .params = params,
                            .params_len = strlen(params)};
  err = (sup_err){0};
  cJSON_Delete(result);
  result = NULL;
  sup_call_begin(&call, &host, &request);
  return notify_run(&calls, &call, &err);
}

static int number(const char *name)
{
  return sup_json_get(result, name)->valueint;
}

static const char *session_text(int i, const char *name)
{
  const cJSON *v = sup_json_get(cJSON_GetArrayItem(sup_json_get(result, "sessions"), i), name);
  return v != NULL ? v->valuestring : "";
}

static void begin(void)
{
  memset(&wts, 0, sizeof(wts));
  wts.send_answer = IDASYNC;
  cancel_after = 0;
  add_session(0, WTSDisconnected, L"");
}

#define ISOLATED "{\"event\":\"isolated\",\"contact\":\"Grüße, 内線 123\"}"

/* ---- facts ---- */

START_TEST(each_session_with_a_user_is_told_once_and_nobody_else)
{
  begin();
  add_session(1, WTSActive, L"ada");
  add_session(2, WTSConnected, L""); /* a screen that nobody is logged in at */
  add_session(3, WTSDisconnected, L"bob");
  add_session(65536, WTSListen, L"");
  ck_assert_int_eq(run(ISOLATED), CORDON_OK);
  ck_assert_uint_eq(wts.sent, 2);
  ck_assert_uint_eq(wts.sent_to[0], 1);
  ck_assert_uint_eq(wts.sent_to[1], 3);
  ck_assert_int_eq(number("told"), 2);
  ck_assert_int_eq(number("failed"), 0);
  ck_assert_str_eq(session_text(0, "user"), "LAB\\ada");
  ck_assert_str_eq(session_text(0, "kind"), "desktop");
  ck_assert_str_eq(session_text(0, "place"), "session 1 (Station1)");
  ck_assert_str_eq(session_text(0, "note"), "");
  ck_assert_ptr_nonnull(strstr(session_text(1, "note"), "disconnected"));
  ck_assert(!wts.waited);
}
END_TEST

START_TEST(the_text_is_whole_in_utf_16)
{
  begin();
  add_session(1, WTSActive, L"ada");
  ck_assert_int_eq(run(ISOLATED), CORDON_OK);
  char body[NOTIFY_BODY_MAX];
  notify_body(NOTIFY_ISOLATED, NOTIFY_EN, "Grüße, 内線 123", body, sizeof(body));
  ck_assert_str_eq(wts.title, notify_title(NOTIFY_ISOLATED, NOTIFY_EN));
  ck_assert_str_eq(wts.body, body);
}
END_TEST

START_TEST(what_is_refused_is_told_with_its_reason)
{
  static const struct {
    DWORD error;
    const char *words;
  } rows[] = {{ERROR_ACCESS_DENIED, "takes no message"},
              {ERROR_CALL_NOT_IMPLEMENTED, "unsupported here"},
              {~0u, "unsupported here: WTSSendMessage refuses without a reason"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    begin();
    add_session(1, WTSActive, L"ada");
    wts.send_error = rows[i].error;
    ck_assert_int_eq(run(ISOLATED), CORDON_OK);
    ck_assert_int_eq(number("told"), 0);
    ck_assert_int_eq(number("failed"), 1);
    ck_assert_msg(strstr(session_text(0, "note"), rows[i].words) != NULL, "%s",
                  session_text(0, "note"));
  }
}
END_TEST

START_TEST(a_yes_that_takes_no_message_is_no_success)
{
  begin();
  add_session(1, WTSActive, L"ada");
  wts.send_answer = 0;
  ck_assert_int_eq(run(ISOLATED), CORDON_OK);
  ck_assert_int_eq(number("told"), 0);
  ck_assert_int_eq(number("failed"), 1);
  ck_assert_ptr_nonnull(strstr(session_text(0, "note"), "says yes and took no message"));
}
END_TEST

START_TEST(a_list_that_cannot_be_right_is_unsupported)
{
  begin();
  wts.count = 0;
  ck_assert_int_eq(run(ISOLATED), CORDON_E_UNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(err.sentence, "unsupported here"));
  ck_assert_ptr_null(result);
  begin();
  wts.list_error = ERROR_ACCESS_DENIED;
  ck_assert_int_eq(run(ISOLATED), CORDON_E_DENIED);
}
END_TEST

START_TEST(nobody_there_is_no_failure)
{
  begin();
  ck_assert_int_eq(run(ISOLATED), CORDON_OK);
  ck_assert_int_eq(number("told") + number("failed"), 0);
}
END_TEST

START_TEST(sessions_beyond_the_ceiling_are_counted)
{
  begin();
  for (DWORD i = 1; i < SESSIONS; i++)
    add_session(i, WTSActive, L"ada");
  ck_assert_int_eq(run(ISOLATED), CORDON_OK);
  ck_assert_int_eq(number("told"), NOTIFY_SESSIONS_MAX);
  ck_assert_int_eq(number("failed"), SESSIONS - 1 - NOTIFY_SESSIONS_MAX);
}
END_TEST

START_TEST(a_user_who_cannot_be_named_is_told_as_well)
{
  begin();
  add_session(1, WTSActive, NULL);
  ck_assert_int_eq(run(ISOLATED), CORDON_OK);
  ck_assert_int_eq(number("told"), 1);
}
END_TEST

START_TEST(a_cancel_ends_it_between_two_sessions)
{
  begin();
  add_session(1, WTSActive, L"ada");
  add_session(2, WTSActive, L"bob");
  cancel_after = 2;
  ck_assert_int_eq(run(ISOLATED), CORDON_E_CANCELLED);
  ck_assert_uint_eq(wts.sent, 1);
}
END_TEST

START_TEST(params_that_make_no_sense_tell_nobody)
{
  static const char *const bad[] = {"{}",
                                    "{\"event\":\"restarted\"}",
                                    "{\"event\":7}",
                                    "{\"event\":\"isolated\",\"contact\":\"a\\nb\"}",
                                    "{\"event\":\"isolated\",\"more\":1}",
                                    "[]"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    begin();
    add_session(1, WTSActive, L"ada");
    ck_assert_msg(run(bad[i]) == CORDON_E_INVALID, "%s", bad[i]);
    ck_assert_uint_eq(wts.sent, 0);
  }
  char params[TEXT];
  char contact[NOTIFY_CONTACT_MAX + 2];
  memset(contact, 'x', sizeof(contact) - 1);
  contact[sizeof(contact) - 1] = '\0';
  (void)snprintf(params, sizeof(params), "{\"event\":\"isolated\",\"contact\":\"%s\"}", contact);
  ck_assert_int_eq(run(params), CORDON_E_LIMIT);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {each_session_with_a_user_is_told_once_and_nobody_else,
                                the_text_is_whole_in_utf_16,
                                what_is_refused_is_told_with_its_reason,
                                a_yes_that_takes_no_message_is_no_success,
                                a_list_that_cannot_be_right_is_unsupported,
                                nobody_there_is_no_failure,
                                sessions_beyond_the_ceiling_are_counted,
                                a_user_who_cannot_be_named_is_told_as_well,
                                a_cancel_ends_it_between_two_sessions,
                                params_that_make_no_sense_tell_nobody};
  Suite *suite = suite_create("windows notify");
  TCase *facts = tcase_create("facts");
  for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    tcase_add_test(facts, tests[i]);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  cJSON_Delete(result);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
