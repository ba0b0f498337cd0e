/* cordon-plugin-host with a plugin that behaves: the messages, the life of an operation, and how
 * the process ends. */
#include "driver.h"

#include "ipc/message.h"

#include <check.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const driver_options good = {.member = "good"};

static void quit(driver *d)
{
  driver_send(d, IPC_QUIT, 0, "{}");
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_signal, 0);
  ck_assert_int_eq(d->exit_code, 0);
}

START_TEST(says_hello_with_what_it_can_do)
{
  driver *d = driver_start(&good);
  const driver_frame *hello = driver_wait_frame(d, IPC_HELLO, 0);
  ck_assert_str_eq(driver_text(hello, "protocol"), "1");
  ck_assert_str_eq(driver_text(hello, "plugin"), "org.cordon.test.good");
  ck_assert_str_eq(driver_text(hello, "version"), "1.0.0");
  ck_assert_str_eq(driver_text(hello, "concurrency"), "1");
  ck_assert_str_eq(driver_text(hello, "functions"),
                   "[\"probe\",\"apply\",\"release\",\"query\",\"verify\",\"watch\"]");
  ck_assert_ptr_nonnull(strstr(driver_text(hello, "confined"), "\"processes\":0"));
  quit(d);
  driver_stop(d);
}
END_TEST

START_TEST(runs_an_isolation_from_probe_to_release)
{
  static const char *const functions[] = {"probe", "apply", "query", "verify", "release", "query"};
  static const char *const results[] = {"\"features\"",           "\"state\":\"isolated\"",
                                        "\"state\":\"isolated\"", "\"holds\":true",
                                        "\"state\":\"released\"", "\"state\":\"released\""};
  driver *d = driver_start(&good);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
    uint64_t op = driver_call(d, functions[i], "{\"type\":\"full\"}", NULL);
    const driver_frame *end = driver_wait_end(d, op, "ok");
    ck_assert_str_eq(driver_text(end, "sentence"), "");
    ck_assert_str_eq(driver_text(end, "threads_left"), "0");
    ck_assert_str_eq(driver_text(end, "files_left"), "0");
    const driver_frame *result = driver_wait_frame(d, IPC_RESULT, op);
    ck_assert_msg(strstr(result->payload, results[i]) != NULL, "%s: %s", functions[i],
                  result->payload);
    ck_assert_msg(result < end, "the result came after the end");
  }
  quit(d);
  char calls[DRIVER_TEXT_MAX];
  ck_assert(driver_read_file(d, "calls", calls, sizeof(calls)));
  ck_assert_str_eq(calls, "create op=0\nprobe op=1\napply op=2\nquery op=3\nverify op=4\n"
                          "release op=5\nquery op=6\ndestroy op=0\n");
  driver_stop(d);
}
END_TEST

START_TEST(a_failing_verify_keeps_its_evidence_and_its_sentence)
{
  driver *d = driver_start(&(driver_options){.member = "good", .settings = "\"verify\":\"fails\""});
  uint64_t op = driver_call(d, "verify", NULL, NULL);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  const driver_frame *end = driver_wait_end(d, op, "unverified");
  ck_assert_str_eq(driver_text(end, "sentence"), "a probe got through");
  ck_assert_str_eq(driver_text(driver_wait_frame(d, IPC_RESULT, op), "holds"), "false");
  driver_stop(d);
}
END_TEST

START_TEST(a_watch_runs_beside_the_others_and_reports_what_others_change)
{
  driver *d = driver_start(&good);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t watch = driver_call(d, "watch", NULL, NULL);
  const driver_frame *record = driver_wait_frame(d, IPC_RECORD, watch);
  ck_assert_str_eq(driver_text(record, "event"), "watching");
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  driver_write_file(d, "state", "tampered\n");
  while (driver_count(d, IPC_RECORD, watch) < 2)
    (void)uv_run(&d->loop, UV_RUN_ONCE);
  /* Its own apply was no change by others. */
  ck_assert_uint_eq(driver_count(d, IPC_RECORD, watch), 2);
  driver_send(d, IPC_CANCEL, watch, "{}");
  (void)driver_wait_end(d, watch, "cancelled");
  quit(d);
  driver_stop(d);
}
END_TEST

START_TEST(refuses_more_at_once_than_the_plugin_allows)
{
  driver *d =
      driver_start(&(driver_options){.member = "good", .settings = "\"apply_delay_ms\":60000"});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t slow = driver_call(d, "apply", NULL, NULL);
  uint64_t second = driver_call(d, "query", NULL, NULL);
  const driver_frame *end = driver_wait_end(d, second, "limit");
  ck_assert_ptr_nonnull(strstr(driver_text(end, "sentence"), "1 operations at once"));
  driver_send(d, IPC_CANCEL, slow, "{}");
  (void)driver_wait_end(d, slow, "cancelled");
  driver_stop(d);
}
END_TEST

START_TEST(refuses_a_function_that_does_not_exist)
{
  driver *d = driver_start(&good);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t op = driver_call(d, "run", NULL, NULL);
  (void)driver_wait_end(d, op, "unsupported");
  driver_stop(d);
}
END_TEST

START_TEST(refuses_a_start_that_makes_no_sense)
{
  driver *d = driver_start(&good);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  driver_send(d, IPC_START, 7,
              "{\"function\":\"apply\",\"flags\":0,\"budget_ms\":0,\"cpu_s\":0,"
              "\"params\":[],\"undo\":null}");
  const driver_frame *end = driver_wait_end(d, 7, "invalid");
  ck_assert_ptr_nonnull(strstr(driver_text(end, "sentence"), "params"));
  driver_stop(d);
}
END_TEST

START_TEST(cancels_when_the_budget_has_passed)
{
  driver *d =
      driver_start(&(driver_options){.member = "good", .settings = "\"apply_delay_ms\":60000"});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t op = driver_call_with(d, "apply", 100, 0);
  const driver_frame *end = driver_wait_end(d, op, "deadline");
  ck_assert_ptr_nonnull(strstr(driver_text(end, "sentence"), "100 ms"));
  driver_stop(d);
}
END_TEST

START_TEST(quit_cancels_what_runs)
{
  driver *d =
      driver_start(&(driver_options){.member = "good", .settings = "\"apply_delay_ms\":60000"});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  uint64_t watch = driver_call(d, "watch", NULL, NULL);
  (void)driver_wait_frame(d, IPC_RECORD, watch);
  quit(d);
  (void)driver_wait_end(d, op, "cancelled");
  (void)driver_wait_end(d, watch, "cancelled");
  driver_stop(d);
}
END_TEST

START_TEST(waits_for_the_undo_record_to_be_kept)
{
  driver *d = driver_start(
      &(driver_options){.member = "half_done", .settings = "\"at\":\"none\",\"dies\":\"no\""});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  d->undo_answer = NULL;
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  const driver_frame *undo = driver_wait_frame(d, IPC_UNDO, op);
  ck_assert_str_eq(driver_text(undo, "step"), "1");
  driver_settle(d);
  char state[DRIVER_TEXT_MAX];
  ck_assert_msg(!driver_read_file(d, "state", state, sizeof(state)),
                "it changed before the answer");
  d->undo_answer = "ok";
  driver_send(d, IPC_UNDO_DONE, op, "{\"status\":\"ok\"}");
  (void)driver_wait_end(d, op, "ok");
  ck_assert_uint_eq(driver_count(d, IPC_UNDO, op), 2);
  driver_stop(d);
}
END_TEST

START_TEST(an_undo_record_that_was_not_kept_stops_the_change)
{
  driver *d = driver_start(&(driver_options){.member = "half_done"});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  d->undo_answer = "io";
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "io");
  char state[DRIVER_TEXT_MAX];
  ck_assert(!driver_read_file(d, "state", state, sizeof(state)));
  driver_stop(d);
}
END_TEST

START_TEST(a_cancel_ends_the_wait_for_an_undo_record)
{
  driver *d = driver_start(&(driver_options){.member = "half_done"});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  d->undo_answer = NULL;
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_frame(d, IPC_UNDO, op);
  driver_send(d, IPC_CANCEL, op, "{}");
  (void)driver_wait_end(d, op, "cancelled");
  driver_stop(d);
}
END_TEST

START_TEST(ends_when_the_link_closes)
{
  driver *d =
      driver_start(&(driver_options){.member = "good", .settings = "\"apply_delay_ms\":60000"});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  driver_wait_in_file(d, "calls", "apply");
  ipc_link_close(&d->link);
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 3);
  ck_assert_uint_eq(driver_count(d, IPC_END, op), 0);
  driver_stop(d);
}
END_TEST

static void write_nothing_more(uv_write_t *request, int status)
{
}

START_TEST(ends_at_a_malformed_frame)
{
  static char garbage[] = "this is not the header of a frame, although it is long enough";
  uv_write_t request;
  driver *d = driver_start(&good);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uv_buf_t bytes = uv_buf_init(garbage, sizeof(garbage));
  ck_assert_int_eq(uv_write(&request, (uv_stream_t *)&d->link.pipe, &bytes, 1, write_nothing_more),
                   0);
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 3);
  driver_stop(d);
}
END_TEST

START_TEST(ends_at_a_message_that_makes_no_sense)
{
  static const struct {
    uint8_t type;
    uint64_t op;
    const char *payload;
  } bad[] = {
      {IPC_END, 1, "{}"},
      {200, 0, "{}"},
      {IPC_START, 0, "{}"},
      {IPC_SETUP, 0, "{}"},
      {IPC_CREDIT, 1, "{\"records\":-1}"},
      {IPC_UNDO_DONE, 1, "{\"status\":\"perhaps\"}"},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    driver *d = driver_start(&good);
    (void)driver_wait_frame(d, IPC_HELLO, 0);
    driver_send(d, bad[i].type, bad[i].op, bad[i].payload);
    driver_wait_exit(d);
    ck_assert_int_eq(d->exit_code, 3);
    driver_stop(d);
  }
}
END_TEST

START_TEST(a_start_before_setup_ends_it)
{
  driver *d = driver_start(&(driver_options){0});
  (void)driver_call(d, "apply", NULL, NULL);
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 3);
  driver_stop(d);
}
END_TEST

START_TEST(does_not_wait_for_setup_for_ever)
{
  driver *d = driver_start(&(driver_options){0});
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 3);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&d->printed[1]), "no SETUP came"));
  driver_stop(d);
}
END_TEST

START_TEST(refuses_a_setup_that_makes_no_sense)
{
  driver *d = driver_start(&(driver_options){0});
  driver_send(d, IPC_SETUP, 0, "{\"protocol\":2}");
  const driver_frame *refused = driver_wait_frame(d, IPC_REFUSED, 0);
  ck_assert_str_eq(driver_text(refused, "status"), "invalid");
  ck_assert_ptr_nonnull(strstr(driver_text(refused, "sentence"), "different releases"));
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 1);
  driver_stop(d);
}
END_TEST

START_TEST(refuses_with_the_reason_that_create_logged)
{
  driver *d =
      driver_start(&(driver_options){.member = "good", .settings = "\"unavailable\":\"create\""});
  const driver_frame *refused = driver_wait_frame(d, IPC_REFUSED, 0);
  ck_assert_str_eq(driver_text(refused, "status"), "unavailable");
  ck_assert_ptr_nonnull(strstr(driver_text(refused, "sentence"), "there is no zoo"));
  ck_assert(driver_logged(d, "there is no zoo"));
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 1);
  driver_stop(d);
}
END_TEST

static void on_hand_exit(uv_process_t *process, int64_t code, int term_signal)
{
  *(int64_t *)process->data = code;
  uv_close((uv_handle_t *)process, NULL);
}

START_TEST(started_by_hand_it_says_so)
{
  static char program[] = CORDON_HOST;
  char *args[] = {program, NULL};
  int out[2] = {-1, -1};
  int64_t code = -1;
  uv_loop_t loop;
  uv_process_t process = {.data = &code};
  ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
  uv_stdio_container_t stdio[3] = {
      {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = out[1]}};
  uv_process_options_t options = {
      .file = program, .args = args, .stdio = stdio, .stdio_count = 3, .exit_cb = on_hand_exit};
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(uv_spawn(&loop, &process, &options), 0);
  (void)close(out[1]);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  char line[DRIVER_TEXT_MAX] = "";
  ck_assert_int_gt(read(out[0], line, sizeof(line) - 1), 0);
  ck_assert_ptr_nonnull(strstr(line, "started by cordond"));
  ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
  ck_assert_int_eq(code, 2);
  (void)close(out[0]);
}
END_TEST

START_TEST(a_late_word_about_processor_time_ends_nothing)
{
  driver *d = driver_start(&good);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t watch = driver_call_with(d, "watch", 0, 60);
  (void)driver_wait_frame(d, IPC_RECORD, watch);
  ck_assert_int_eq(uv_process_kill(&d->process, SIGXCPU), 0);
  uint64_t op = driver_call_with(d, "query", 0, 60);
  (void)driver_wait_end(d, op, "ok");
  ck_assert_uint_eq(driver_count(d, IPC_END, watch), 0);
  quit(d);
  driver_stop(d);
}
END_TEST

#ifdef CORDON_FAULT_POINTS
START_TEST(the_kill_points_are_where_they_should_be)
{
  static const struct {
    const char *member;
    const char *fault;
    bool applied;
  } points[] = {{"good", "host.before_start=kill", false},
                {"good", "host.before_end=kill", true},
                {"half_done", "host.undo_wait=kill", false}};
  for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
    char state[DRIVER_TEXT_MAX];
    driver *d =
        driver_start(&(driver_options){.member = points[i].member, .fault = points[i].fault});
    (void)driver_wait_frame(d, IPC_HELLO, 0);
    uint64_t op = driver_call(d, "apply", NULL, NULL);
    driver_wait_exit(d);
    driver_check_killed(d);
    ck_assert_uint_eq(driver_count(d, IPC_END, op), 0);
    ck_assert(driver_read_file(d, "state", state, sizeof(state)) == points[i].applied);
    driver_stop(d);
  }
}
END_TEST
#endif

int main(void)
{
  Suite *suite = suite_create("host");
  TCase *tc = tcase_create("host");
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, says_hello_with_what_it_can_do);
  tcase_add_test(tc, runs_an_isolation_from_probe_to_release);
  tcase_add_test(tc, a_failing_verify_keeps_its_evidence_and_its_sentence);
  tcase_add_test(tc, a_watch_runs_beside_the_others_and_reports_what_others_change);
  tcase_add_test(tc, refuses_more_at_once_than_the_plugin_allows);
  tcase_add_test(tc, refuses_a_function_that_does_not_exist);
  tcase_add_test(tc, refuses_a_start_that_makes_no_sense);
  tcase_add_test(tc, cancels_when_the_budget_has_passed);
  tcase_add_test(tc, quit_cancels_what_runs);
  tcase_add_test(tc, waits_for_the_undo_record_to_be_kept);
  tcase_add_test(tc, an_undo_record_that_was_not_kept_stops_the_change);
  tcase_add_test(tc, a_cancel_ends_the_wait_for_an_undo_record);
  tcase_add_test(tc, ends_when_the_link_closes);
  tcase_add_test(tc, ends_at_a_malformed_frame);
  tcase_add_test(tc, ends_at_a_message_that_makes_no_sense);
  tcase_add_test(tc, a_start_before_setup_ends_it);
  tcase_add_test(tc, does_not_wait_for_setup_for_ever);
  tcase_add_test(tc, refuses_a_setup_that_makes_no_sense);
  tcase_add_test(tc, refuses_with_the_reason_that_create_logged);
  tcase_add_test(tc, started_by_hand_it_says_so);
  driver_add_unix_test(tc, a_late_word_about_processor_time_ends_nothing);
#ifdef CORDON_FAULT_POINTS
  tcase_add_test(tc, the_kill_points_are_where_they_should_be);
#endif
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
