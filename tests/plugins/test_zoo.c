/* cordon-plugin-host with each plugin of the zoo: the host says truthfully what happened, or ends
 * and leaves it to the agent to see that it did. */
#include "driver.h"

#include "ipc/message.h"
#include "platform/process.h"

#include <check.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static driver *start(const char *member, const char *settings)
{
  driver *d = driver_start(&(driver_options){.member = member, .settings = settings});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  return d;
}

/* The host still answers, and ends in order. */
static void still_serves(driver *d)
{
  uint64_t op = driver_call(d, "query", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  driver_send(d, IPC_QUIT, 0, "{}");
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_signal, 0);
  ck_assert_int_eq(d->exit_code, 0);
}

static void check_sentence(const driver_frame *end, const char *part)
{
  ck_assert_msg(strstr(driver_text(end, "sentence"), part) != NULL, "no '%s' in %s", part,
                end->payload);
}

/* Sanitizers turn a signal into an exit code of their own. */
static void check_died(const driver *d)
{
  ck_assert_msg(d->exit_signal != 0 || d->exit_code != 0, "it ended as if all were well");
}

static void check_refused(const driver_options *options, const char *status, const char *part)
{
  driver *d = driver_start(options);
  const driver_frame *refused = driver_wait_frame(d, IPC_REFUSED, 0);
  ck_assert_str_eq(driver_text(refused, "status"), status);
  check_sentence(refused, part);
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_signal, 0);
  ck_assert_int_eq(d->exit_code, 1);
  ck_assert_uint_eq(driver_count(d, IPC_HELLO, 0), 0);
  driver_stop(d);
}

START_TEST(crash_in_an_operation_ends_the_process_without_an_end)
{
  static const char *const calls[] = {"probe", "apply", "release", "query", "verify", "watch"};
  char settings[64];
  (void)snprintf(settings, sizeof(settings), "\"at\":\"%s\"", calls[_i]);
  driver *d = start("crash", settings);
  uint64_t op = driver_call(d, calls[_i], NULL, NULL);
  driver_wait_exit(d);
  check_died(d);
  ck_assert_uint_eq(driver_count(d, IPC_END, op), 0);
  driver_stop(d);
}
END_TEST

START_TEST(crash_while_loading_or_creating_ends_it_before_hello)
{
  static const driver_options options[] = {
      {.member = "crash", .settings = "\"at\":\"create\""},
      {.member = "crash_load"},
  };
  driver *d = driver_start(&options[_i]);
  driver_wait_exit(d);
  check_died(d);
  ck_assert_uint_eq(driver_count(d, IPC_HELLO, 0), 0);
  ck_assert_uint_eq(driver_count(d, IPC_REFUSED, 0), 0);
  driver_stop(d);
}
END_TEST

START_TEST(crash_in_destroy_comes_after_everything_was_said)
{
  driver *d = start("crash", "\"at\":\"destroy\"");
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  driver_send(d, IPC_QUIT, 0, "{}");
  driver_wait_exit(d);
  check_died(d);
  driver_stop(d);
}
END_TEST

START_TEST(hang_is_given_up_at_quit)
{
  driver *d = start("hang", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  driver_wait_in_file(d, "calls", "apply");
  driver_send(d, IPC_CANCEL, op, "{}");
  driver_settle(d);
  ck_assert_uint_eq(driver_count(d, IPC_END, op), 0);
  driver_send(d, IPC_QUIT, 0, "{}");
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 5);
  check_sentence(driver_wait_end(d, op, "deadline"), "did not end");
  driver_stop(d);
}
END_TEST

START_TEST(hang_in_an_operation_does_not_keep_the_process_when_the_agent_is_gone)
{
  driver *d = start("hang", NULL);
  (void)driver_call(d, "apply", NULL, NULL);
  driver_wait_in_file(d, "calls", "apply");
  ipc_link_close(&d->link);
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 3);
  driver_stop(d);
}
END_TEST

START_TEST(hang_in_create_and_destroy_is_for_the_agent_to_end)
{
  driver *d = driver_start(&(driver_options){.member = "hang", .settings = "\"at\":\"create\""});
  driver_wait_in_file(d, "calls", "create");
  ck_assert_uint_eq(driver_count(d, IPC_HELLO, 0), 0);
  driver_stop(d);
  d = start("hang", "\"at\":\"destroy\"");
  driver_send(d, IPC_QUIT, 0, "{}");
  driver_wait_in_file(d, "calls", "destroy");
  ck_assert(!d->exited);
  driver_stop(d);
}
END_TEST

START_TEST(spin_ends_when_the_processor_time_is_used_up)
{
  static const char *const calls[] = {"apply", "watch"};
  char settings[64];
  (void)snprintf(settings, sizeof(settings), "\"at\":\"%s\"", calls[_i]);
  driver *d = start("spin", settings);
  uint64_t op = driver_call_with(d, calls[_i], 0, 1);
  check_sentence(driver_wait_end(d, op, "limit"), "1 seconds of processor time");
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_code, 4);
  driver_stop(d);
}
END_TEST

START_TEST(ignore_cancel_ends_as_it_says)
{
  driver *d = start("ignore_cancel", "\"for_ms\":200");
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  driver_send(d, IPC_CANCEL, op, "{}");
  (void)driver_wait_end(d, op, "ok");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(flood_of_records_waits_for_credits)
{
  driver *d = start("flood", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  while (driver_count(d, IPC_RECORD, op) < 64)
    (void)uv_run(&d->loop, UV_RUN_ONCE);
  driver_settle(d);
  ck_assert_uint_eq(driver_count(d, IPC_RECORD, op), 64);
  driver_send(d, IPC_CREDIT, op, "{\"records\":3}");
  while (driver_count(d, IPC_RECORD, op) < 67)
    (void)uv_run(&d->loop, UV_RUN_ONCE);
  driver_settle(d);
  ck_assert_uint_eq(driver_count(d, IPC_RECORD, op), 67);
  driver_send(d, IPC_CANCEL, op, "{}");
  (void)driver_wait_end(d, op, "cancelled");
  still_serves(d);
  driver_stop(d);
}
END_TEST

/* How many records the plugin got rid of, once that number stands still for a while. */
static unsigned long count_at_standstill(driver *d)
{
  char now[DRIVER_TEXT_MAX] = "";
  char before[DRIVER_TEXT_MAX] = "";
  int still = 0;
  for (int turn = 0; turn < 2000 && still < 60; turn++) {
    driver_turn(d, 5);
    (void)driver_read_file(d, "state", now, sizeof(now));
    still = now[0] != '\0' && strcmp(now, before) == 0 ? still + 1 : 0;
    memcpy(before, now, sizeof(before));
  }
  return strtoul(now, NULL, 10);
}

START_TEST(flood_of_large_records_waits_for_an_agent_that_does_not_read)
{
  driver *d = start("flood", "\"bytes\":1000000,\"count\":\"yes\"");
  cd_err err = {0};
  ipc_link_pause(&d->link);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  unsigned long count = count_at_standstill(d);
  ck_assert_uint_ge(count, 1);
  ck_assert_uint_le(count, 8);
  ck_assert_int_eq(ipc_link_start(&d->link, &err), CD_OK);
  while (driver_count(d, IPC_RECORD, op) < 64)
    (void)uv_run(&d->loop, UV_RUN_ONCE);
  driver_send(d, IPC_CANCEL, op, "{}");
  (void)driver_wait_end(d, op, "cancelled");
  ck_assert_uint_eq(driver_count(d, IPC_RECORD, op), 64);
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(flood_of_log_lines_is_counted_and_dropped)
{
  driver *d = start("flood", "\"what\":\"logs\"");
  uint64_t begun_ms = uv_hrtime() / 1000000u;
  uint64_t op = driver_call_with(d, "apply", 1500, 0);
  (void)driver_wait_end(d, op, "deadline");
  while (!driver_logged(d, "log lines were dropped"))
    (void)uv_run(&d->loop, UV_RUN_ONCE);
  /* 200 in each second that it took, the first and the last of which were not whole. */
  uint64_t seconds = (uv_hrtime() / 1000000u - begun_ms) / 1000 + 2;
  ck_assert_uint_le(driver_count(d, IPC_LOG, 0), seconds * 200 + seconds);
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(flood_of_progress_costs_a_few_messages)
{
  driver *d = start("flood", "\"what\":\"progress\"");
  uint64_t begun_ms = uv_hrtime() / 1000000u;
  uint64_t op = driver_call_with(d, "apply", 500, 0);
  (void)driver_wait_end(d, op, "deadline");
  /* Ten a second. */
  uint64_t tenths = (uv_hrtime() / 1000000u - begun_ms) / 100 + 2;
  ck_assert_uint_ge(driver_count(d, IPC_PROGRESS, op), 2);
  ck_assert_uint_le(driver_count(d, IPC_PROGRESS, op), tenths);
  ck_assert_str_eq(driver_text(driver_wait_frame(d, IPC_PROGRESS, op), "what"), "flooding");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(garbage_ends_the_operation_as_internal)
{
  static const struct {
    const char *settings;
    const char *said;
  } rows[] = {
      {"\"what\":\"record\"", "not JSON"},     {"\"what\":\"result\"", "not JSON"},
      {"\"what\":\"array\"", "not an object"}, {"\"what\":\"undo\"", "not JSON"},
      {"\"what\":\"null\"", "null pointer"},   {"\"what\":\"large\"", "1048577 bytes"},
  };
  driver *d = start("garbage", rows[_i].settings);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  check_sentence(driver_wait_end(d, op, "internal"), rows[_i].said);
  ck_assert_uint_eq(driver_count(d, IPC_RECORD, op), 0);
  ck_assert_uint_eq(driver_count(d, IPC_UNDO, op), 0);
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(garbage_after_the_end_is_logged)
{
  driver *d = start("garbage", "\"what\":\"late\"");
  d->grant_credits = true;
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_frame(d, IPC_END, op);
  while (!driver_logged(d, "which does not run"))
    (void)uv_run(&d->loop, UV_RUN_ONCE);
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(chatter_goes_to_the_pipes_and_nowhere_else)
{
  driver *d = start("chatter", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  still_serves(d);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&d->printed[0]), "printed with printf\n"));
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&d->printed[1]), "printed to standard error\n"));
  for (int i = 0; i < 2; i++)
    ck_assert(cd_str_ends(cd_buf_view(&d->printed[i]), CD_STR("no newline at the end")));
  driver_stop(d);
}
END_TEST

START_TEST(leak_is_counted)
{
  driver *d = start("leak", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  const driver_frame *end = driver_wait_end(d, op, "ok");
  ck_assert_str_eq(driver_text(end, "threads_left"), "3");
  ck_assert_str_eq(driver_text(end, "files_left"), "5");
  op = driver_call(d, "query", NULL, NULL);
  end = driver_wait_end(d, op, "ok");
  ck_assert_str_eq(driver_text(end, "threads_left"), "0");
  ck_assert_str_eq(driver_text(end, "files_left"), "0");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(old_struct_is_served_for_what_it_has)
{
  driver *d = start("old_struct", NULL);
  ck_assert_str_eq(driver_text(driver_wait_frame(d, IPC_HELLO, 0), "functions"),
                   "[\"probe\",\"apply\",\"release\",\"query\",\"verify\"]");
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  driver_send(d, IPC_CANCEL, op, "{}");
  (void)driver_wait_frame(d, IPC_END, op);
  op = driver_call(d, "watch", NULL, NULL);
  (void)driver_wait_end(d, op, "unsupported");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(what_is_no_fitting_plugin_is_refused)
{
  static const struct {
    driver_options options;
    const char *status;
    const char *said;
  } rows[] = {
      {{.member = "new_major"}, "unsupported", "no plugin for ABI 1"},
      {{.member = "no_symbol"}, "unsupported", "no plugin for ABI 1"},
      {{.member = "wrong_id"}, "conflict", "org.cordon.test.somebody-else"},
      {{.member = "good", .id = "org.cordon.test.else"}, "conflict", "org.cordon.test.good"},
      {{.member = "good", .version = "1.0.1"}, "conflict", "version '1.0.0'"},
      {{.member = "good", .user = "no-such-user"}, NULL, "no-such-user"},
      {{.member = "undefined_symbol"}, "invalid", "zoo_nobody_has_this"},
  };
  if (rows[_i].status != NULL) {
    check_refused(&rows[_i].options, rows[_i].status, rows[_i].said);
    return;
  }
  driver *d = driver_start(&rows[_i].options);
  check_sentence(driver_wait_frame(d, IPC_REFUSED, 0), rows[_i].said);
  driver_stop(d);
}
END_TEST

START_TEST(bad_status_ends_as_internal)
{
  driver *d = start("bad_status", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  check_sentence(driver_wait_end(d, op, "internal"), "77");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(half_done_is_taken_back_from_the_records)
{
  static const driver_options half_done = {.member = "half_done"};
  char state[DRIVER_TEXT_MAX];
  driver *d = start("half_done", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  driver_wait_exit(d);
  check_died(d);
  ck_assert_uint_eq(driver_count(d, IPC_UNDO, op), 1);
  ck_assert(driver_read_file(d, "state", state, sizeof(state)));
  ck_assert_str_eq(state, "half\n");
  driver_restart(d, &half_done);
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  op = driver_call(d, "release", NULL, NULL);
  check_sentence(driver_wait_end(d, op, "conflict"), "no record");
  op = driver_call(d, "release", NULL, "[{\"step\":1}]");
  (void)driver_wait_end(d, op, "ok");
  ck_assert(!driver_read_file(d, "state", state, sizeof(state)));
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(eats_memory_only_up_to_its_limit)
{
  driver *d = start("eats_memory", NULL);
  const driver_frame *hello = driver_wait_frame(d, IPC_HELLO, 0);
  bool limited = strstr(hello->payload, "memory is not limited") == NULL;
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  const driver_frame *end = driver_wait_end(d, op, limited ? "limit" : "ok");
  if (limited)
    check_sentence(end, "no memory after");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(forks_no_process)
{
  static const char *const settings[] = {"\"how\":\"fork\"", "\"how\":\"exec\"",
                                         "\"how\":\"spawn\""};
  driver *d = start("forks", settings[_i]);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  const char *details = driver_text(driver_wait_frame(d, IPC_RESULT, op), "details");
  ck_assert_msg(strstr(details, "\"started\":false") != NULL, "%s", details);
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(closes_fds_but_not_the_hosts)
{
  driver *d = start("closes_fds", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(double_result_sends_the_last)
{
  driver *d = start("double_result", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  ck_assert_uint_eq(driver_count(d, IPC_RESULT, op), 1);
  ck_assert_str_eq(driver_text(driver_wait_frame(d, IPC_RESULT, op), "state"), "isolated");
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(exits_without_an_end)
{
  driver *d = start("exits", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  driver_wait_exit(d);
  ck_assert_uint_eq(driver_count(d, IPC_END, op), 0);
  driver_stop(d);
}
END_TEST

START_TEST(kills_parent_in_vain)
{
  /* Without root there is nobody else to run it as. */
  if (geteuid() != 0)
    return;
  char expected[64];
  driver *d = driver_start(&(driver_options){.member = "kills_parent", .user = "nobody"});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  (void)snprintf(expected, sizeof(expected), "{\"killed\":false,\"os_error\":%d}", EPERM);
  ck_assert_str_eq(driver_text(driver_wait_frame(d, IPC_RESULT, op), "details"), expected);
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(big_undo_is_not_sent)
{
  driver *d = start("big_undo", NULL);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  check_sentence(driver_wait_end(d, op, "internal"), "the limit is 65536");
  ck_assert_uint_eq(driver_count(d, IPC_UNDO, op), 0);
  still_serves(d);
  driver_stop(d);
}
END_TEST

START_TEST(leak_is_counted_beside_a_watch)
{
  driver *d = start("leak", NULL);
  uint64_t watch = driver_call(d, "watch", NULL, NULL);
  (void)driver_wait_frame(d, IPC_RECORD, watch);
  const char *threads = "0";
  const char *files = "0";
  /* What happens once may have been the watch's; what happens again is the operation's. */
  for (int i = 0; i < 3; i++) {
    uint64_t op = driver_call(d, "apply", NULL, NULL);
    const driver_frame *end = driver_wait_end(d, op, "ok");
    ck_assert_str_eq(driver_text(end, "threads_left"), threads);
    ck_assert_str_eq(driver_text(end, "files_left"), files);
    op = driver_call(d, "query", NULL, NULL);
    end = driver_wait_end(d, op, "ok");
    ck_assert_str_eq(driver_text(end, "threads_left"), "0");
    ck_assert_str_eq(driver_text(end, "files_left"), "0");
    threads = "3";
    files = "5";
  }
  driver_stop(d);
}
END_TEST

START_TEST(no_leak_is_seen_where_there_is_none)
{
  driver *d = start("good", NULL);
  d->grant_credits = true;
  (void)driver_call(d, "watch", NULL, NULL);
  for (int i = 0; i < 50; i++) {
    uint64_t op = driver_call(d, i % 2 == 0 ? "apply" : "release", NULL, NULL);
    const driver_frame *end = driver_wait_end(d, op, "ok");
    ck_assert_str_eq(driver_text(end, "threads_left"), "0");
    ck_assert_str_eq(driver_text(end, "files_left"), "0");
  }
  still_serves(d);
  driver_stop(d);
}
END_TEST

/* Whether the kernel knows Landlock, as HELLO tells it. */
static bool has_landlock(driver *d)
{
  const char *confined = driver_text(driver_wait_frame(d, IPC_HELLO, 0), "confined");
  return strstr(confined, "\"landlock\":true") != NULL;
}

START_TEST(meddles_in_vain_with_another_plugin)
{
  /* Without root there is no user to share. */
  if (geteuid() != 0)
    return;
  char settings[256];
  char expected[256];
  char state[DRIVER_TEXT_MAX];
  driver *other = driver_start(&(driver_options){.member = "good", .user = "nobody"});
  (void)driver_wait_frame(other, IPC_HELLO, 0);
  (void)driver_wait_end(other, driver_call(other, "apply", NULL, NULL), "ok");
  (void)snprintf(settings, sizeof(settings), "\"victim\":%d,\"folder\":\"%s\"", other->process.pid,
                 other->folder);
  driver *d =
      driver_start(&(driver_options){.member = "meddles", .user = "nobody", .settings = settings});
  if (has_landlock(d)) {
    uint64_t op = driver_call(d, "apply", NULL, NULL);
    (void)driver_wait_end(d, op, "ok");
    (void)snprintf(expected, sizeof(expected),
                   "{\"limit\":%d,\"mode\":%d,\"stop\":%d,\"kill\":%d,\"make\":%d,\"change\":%d}",
                   EPERM, EPERM, EPERM, EPERM, EACCES, EACCES);
    ck_assert_str_eq(driver_text(driver_wait_frame(d, IPC_RESULT, op), "details"), expected);
    ck_assert(driver_read_file(other, "state", state, sizeof(state)));
    ck_assert_ptr_nonnull(strstr(state, "isolated"));
  }
  still_serves(d);
  driver_stop(d);
  still_serves(other);
  driver_stop(other);
}
END_TEST

/* driver_wait_exit() waits for the end of what the host prints to, which a child would hold. */
START_TEST(leaves_child_which_ends_with_the_host)
{
  driver *d = driver_start(&(driver_options){.member = "leaves_child", .processes = 4});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  uint64_t op = driver_call(d, "apply", NULL, NULL);
  (void)driver_wait_end(d, op, "ok");
  const char *details = driver_text(driver_wait_frame(d, IPC_RESULT, op), "details");
  ck_assert_ptr_nonnull(strstr(details, "\"left_group\":false"));
  if (_i == 0) {
    still_serves(d);
  } else {
    ipc_link_close(&d->link);
    driver_wait_exit(d);
    ck_assert_int_eq(d->exit_code, 3);
  }
  driver_stop(d);
}
END_TEST

START_TEST(leaves_child_which_the_agent_ends_with_the_group)
{
  driver *d = driver_start(&(driver_options){
      .member = "leaves_child", .processes = 4, .settings = "\"then\":\"exits\""});
  (void)driver_wait_frame(d, IPC_HELLO, 0);
  (void)driver_call(d, "apply", NULL, NULL);
  while (!d->exited)
    driver_turn(d, 5);
  ck_assert(!uv_is_closing((uv_handle_t *)&d->out[0]));
  pf_process_kill_group(d->process.pid);
  driver_wait_exit(d);
  driver_stop(d);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("zoo");
  TCase *tc = tcase_create("zoo");
  tcase_set_timeout(tc, 60);
  tcase_add_loop_test(tc, crash_in_an_operation_ends_the_process_without_an_end, 0, 6);
  tcase_add_loop_test(tc, crash_while_loading_or_creating_ends_it_before_hello, 0, 1);
  /* The loader of Windows catches it, and the host says that it could not load. */
  driver_add_unix_loop_test(tc, crash_while_loading_or_creating_ends_it_before_hello, 1, 2);
  tcase_add_test(tc, crash_in_destroy_comes_after_everything_was_said);
  tcase_add_test(tc, hang_is_given_up_at_quit);
  tcase_add_test(tc, hang_in_an_operation_does_not_keep_the_process_when_the_agent_is_gone);
  tcase_add_test(tc, hang_in_create_and_destroy_is_for_the_agent_to_end);
  tcase_add_loop_test(tc, spin_ends_when_the_processor_time_is_used_up, 0, 2);
  tcase_add_test(tc, ignore_cancel_ends_as_it_says);
  tcase_add_test(tc, flood_of_records_waits_for_credits);
  tcase_add_test(tc, flood_of_large_records_waits_for_an_agent_that_does_not_read);
  tcase_add_test(tc, flood_of_log_lines_is_counted_and_dropped);
  tcase_add_test(tc, flood_of_progress_costs_a_few_messages);
  tcase_add_loop_test(tc, garbage_ends_the_operation_as_internal, 0, 6);
  tcase_add_test(tc, garbage_after_the_end_is_logged);
  tcase_add_test(tc, chatter_goes_to_the_pipes_and_nowhere_else);
  /* Wine counts no handles. */
  driver_add_unix_test(tc, leak_is_counted);
  driver_add_unix_test(tc, leak_is_counted_beside_a_watch);
  tcase_add_test(tc, no_leak_is_seen_where_there_is_none);
  tcase_add_test(tc, old_struct_is_served_for_what_it_has);
  tcase_add_loop_test(tc, what_is_no_fitting_plugin_is_refused, 0, 6);
  /* A DLL with an undefined symbol cannot be made. */
  driver_add_unix_loop_test(tc, what_is_no_fitting_plugin_is_refused, 6, 7);
  tcase_add_test(tc, bad_status_ends_as_internal);
  tcase_add_test(tc, half_done_is_taken_back_from_the_records);
  /* Wine counts no memory. */
  driver_add_unix_test(tc, eats_memory_only_up_to_its_limit);
  driver_add_unix_loop_test(tc, forks_no_process, 0, 3);
  tcase_add_test(tc, closes_fds_but_not_the_hosts);
  tcase_add_test(tc, double_result_sends_the_last);
  tcase_add_test(tc, exits_without_an_end);
  driver_add_unix_test(tc, kills_parent_in_vain);
  tcase_add_test(tc, big_undo_is_not_sent);
  driver_add_unix_test(tc, meddles_in_vain_with_another_plugin);
  driver_add_unix_loop_test(tc, leaves_child_which_ends_with_the_host, 0, 2);
  driver_add_unix_test(tc, leaves_child_which_the_agent_ends_with_the_group);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
