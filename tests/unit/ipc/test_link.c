/* Frames through a link: order, cuts, pauses, ceilings, and owners that close in the middle. */
#include "ipc/link.h"

#include "base/limits.h"
#include "ipc_tests.h"
#include "pair.h"

#include <stdlib.h>
#include <string.h>

static pair p;

static void send_text(pair_end *end, uint8_t type, uint64_t op, const char *text)
{
  cd_err err = {0};
  ck_assert_msg(ipc_link_send(&end->link, type, op, cd_str_from(text), &err) == CD_OK, "%s",
                err.text);
}

START_TEST(delivers_in_order_both_ways)
{
  pair_make(&p, false);
  for (int i = 0; i < 200; i++) {
    send_text(&p.a, (uint8_t)i, (uint64_t)i, "from a");
    send_text(&p.b, (uint8_t)(255 - i), (uint64_t)i, "");
  }
  pair_run_until(&p, &p.a.frames, 200);
  pair_run_until(&p, &p.b.frames, 200);
  for (int i = 0; i < 200; i++) {
    ck_assert_uint_eq(p.b.types[i], (uint8_t)i);
    ck_assert_uint_eq(p.a.types[i], (uint8_t)(255 - i));
  }
  ck_assert_str_eq(p.b.last, "from a");
  ck_assert_uint_eq(p.b.last_op, 199);
  pair_done(&p);
  ck_assert_int_eq(p.a.code, CD_OK);
}
END_TEST

START_TEST(carries_frames_of_the_largest_size)
{
  char *payload = malloc(CD_FRAME_PAYLOAD_MAX + 1);
  cd_err err = {0};
  memset(payload, 'x', CD_FRAME_PAYLOAD_MAX + 1);
  pair_make(&p, false);
  for (int i = 0; i < 5; i++)
    ck_assert_int_eq(ipc_link_send(&p.a.link, 7, 1, (cd_str){payload, CD_FRAME_PAYLOAD_MAX}, &err),
                     CD_OK);
  ck_assert_int_eq(
      ipc_link_send(&p.a.link, 7, 1, (cd_str){payload, CD_FRAME_PAYLOAD_MAX + 1}, &err),
      CD_E_LIMIT);
  pair_run_until(&p, &p.b.frames, 5);
  ck_assert_uint_eq(p.b.bytes, 5u * CD_FRAME_PAYLOAD_MAX);
  ck_assert_int_eq(p.a.closed, 0);
  pair_done(&p);
  free(payload);
}
END_TEST

START_TEST(takes_bytes_one_by_one)
{
  uint8_t bytes[128];
  pair_make_raw(&p, 64);
  for (int n = 0; n < 3; n++) {
    size_t len = frame_bytes(bytes, (uint8_t)(n + 1), 9, "{\"slow\":true}");
    for (size_t i = 0; i < len; i++) {
      ck_assert_int_eq(p.a.frames, n);
      pair_raw_write(&p, bytes + i, 1);
    }
  }
  pair_run_until(&p, &p.a.frames, 3);
  ck_assert_str_eq(p.a.last, "{\"slow\":true}");
  pair_done(&p);
}
END_TEST

static void close_at_second(pair_end *end)
{
  if (end->frames != 2)
    return;
  cd_err err = {0};
  ipc_link_close(&end->link);
  ipc_link_close(&end->link);
  ipc_link_finish(&end->link);
  ck_assert_int_eq(ipc_link_send(&end->link, 1, 0, CD_STR("late"), &err), CD_E_UNAVAILABLE);
  ck_assert_int_eq(ipc_link_start(&end->link, &err), CD_E_UNAVAILABLE);
}

/* Five frames in one write, so that they come in one read. */
static void write_five(void)
{
  uint8_t bytes[256];
  size_t len = 0;
  for (uint8_t i = 1; i <= 5; i++)
    len += frame_bytes(bytes + len, i, i, "{}");
  pair_raw_write(&p, bytes, len);
}

START_TEST(hands_out_nothing_after_a_close_inside_on_frame)
{
  pair_make_raw(&p, 64);
  p.a.then = close_at_second;
  write_five();
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.frames, 2);
  ck_assert_int_eq(p.a.code, CD_OK);
  pair_done(&p);
}
END_TEST

static void finish_at_second(pair_end *end)
{
  if (end->frames != 2)
    return;
  send_text(end, 9, 0, "bye");
  ipc_link_finish(&end->link);
  cd_err err = {0};
  ck_assert_int_eq(ipc_link_send(&end->link, 1, 0, CD_STR("late"), &err), CD_E_UNAVAILABLE);
}

START_TEST(hands_out_nothing_after_a_finish_inside_on_frame)
{
  pair_make(&p, false);
  p.b.then = finish_at_second;
  for (uint8_t i = 0; i < 5; i++)
    send_text(&p.a, i, i, "{}");
  pair_run_until(&p, &p.b.closed, 1);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.b.frames, 2);
  ck_assert_int_eq(p.b.code, CD_OK);
  ck_assert_str_eq(p.a.last, "bye");
  pair_done(&p);
}
END_TEST

static void pause_each(pair_end *end)
{
  ipc_link_pause(&end->link);
}

START_TEST(holds_frames_back_while_paused)
{
  cd_err err = {0};
  pair_make_raw(&p, 64);
  p.a.then = pause_each;
  write_five();
  for (int n = 1; n <= 5; n++) {
    pair_run_idle(&p);
    ck_assert_int_eq(p.a.frames, n);
    ck_assert_int_eq(ipc_link_start(&p.a.link, &err), CD_OK);
    /* Nothing comes from inside the call. */
    ck_assert_int_eq(p.a.frames, n);
  }
  pair_done(&p);
}
END_TEST

START_TEST(tells_held_frames_before_the_end)
{
  cd_err err = {0};
  pair_make_raw(&p, 64);
  p.a.then = pause_each;
  write_five();
  pair_raw_close(&p);
  for (int n = 1; n <= 5; n++) {
    pair_run_idle(&p);
    ck_assert_int_eq(p.a.frames, n);
    ck_assert_int_eq(p.a.closed, 0);
    ck_assert_int_eq(ipc_link_start(&p.a.link, &err), CD_OK);
  }
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_msg(p.a.code == CD_OK, "%s", p.a.sentence);
  pair_done(&p);
}
END_TEST

static void start_before_the_poll(uv_prepare_t *prepare)
{
  cd_err err = {0};
  ck_assert_int_eq(ipc_link_start(&p.a.link, &err), CD_OK);
  uv_close((uv_handle_t *)prepare, NULL);
}

/* The loop looks at descriptors before it looks at timers again: the end is seen while frames are
 * still held. */
START_TEST(tells_held_frames_before_an_end_that_is_seen_first)
{
  uv_prepare_t prepare;
  pair_make_raw(&p, 64);
  p.a.then = pause_each;
  write_five();
  pair_raw_close(&p);
  ck_assert_int_eq(p.a.frames, 1);
  p.a.then = NULL;
  ck_assert_int_eq(uv_prepare_init(&p.loop, &prepare), 0);
  ck_assert_int_eq(uv_prepare_start(&prepare, start_before_the_poll), 0);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_msg(p.a.code == CD_OK, "%s", p.a.sentence);
  ck_assert_int_eq(p.a.frames, 5);
  pair_done(&p);
}
END_TEST

static void pause_and_start(pair_end *end)
{
  cd_err err = {0};
  ipc_link_pause(&end->link);
  ck_assert_int_eq(ipc_link_start(&end->link, &err), CD_OK);
}

START_TEST(may_be_paused_and_started_inside_on_frame)
{
  pair_make_raw(&p, 64);
  p.a.then = pause_and_start;
  write_five();
  pair_run_until(&p, &p.a.frames, 5);
  pair_done(&p);
  ck_assert_int_eq(p.a.frames, 5);
}
END_TEST

static void send_back(pair_end *end)
{
  send_text(end, 1, end->last_op, end->last);
}

START_TEST(stays_whole_under_a_storm_of_answers)
{
  pair_make(&p, false);
  p.b.then = send_back;
  for (int i = 0; i < 20000; i++)
    send_text(&p.a, 1, (uint64_t)i, "storm");
  pair_run_until(&p, &p.a.frames, 20000);
  ck_assert_uint_eq(p.a.last_op, 19999);
  ck_assert_uint_eq(p.a.bytes, 20000u * 5u);
  pair_done(&p);
}
END_TEST

START_TEST(closes_on_a_peer_that_does_not_read)
{
  char *payload = calloc(1, CD_FRAME_PAYLOAD_MAX);
  cd_err err = {0};
  cd_code rc = CD_OK;
  int sent = 0;
  pair_make_raw(&p, 64);
  for (; rc == CD_OK && sent < 100; sent++) {
    rc = ipc_link_send(&p.a.link, 1, 0, (cd_str){payload, CD_FRAME_PAYLOAD_MAX}, &err);
    (void)uv_run(&p.loop, UV_RUN_NOWAIT);
  }
  ck_assert_int_eq(rc, CD_E_LIMIT);
  ck_assert_int_eq(sent, 8);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_E_LIMIT);
  ck_assert_ptr_nonnull(strstr(p.a.sentence, "does not read"));
  ck_assert_uint_eq(p.a.link.queued, 0);
  pair_done(&p);
  free(payload);
}
END_TEST

Suite *link_suite(void)
{
  Suite *s = suite_create("ipc.link");
  TCase *c = tcase_create("frames");
  tcase_set_timeout(c, 30);
  tcase_add_test(c, delivers_in_order_both_ways);
  tcase_add_test(c, carries_frames_of_the_largest_size);
  tcase_add_test(c, takes_bytes_one_by_one);
  tcase_add_test(c, hands_out_nothing_after_a_close_inside_on_frame);
  tcase_add_test(c, hands_out_nothing_after_a_finish_inside_on_frame);
  tcase_add_test(c, holds_frames_back_while_paused);
  tcase_add_test(c, tells_held_frames_before_the_end);
  tcase_add_test(c, tells_held_frames_before_an_end_that_is_seen_first);
  tcase_add_test(c, may_be_paused_and_started_inside_on_frame);
  tcase_add_test(c, stays_whole_under_a_storm_of_answers);
  tcase_add_test(c, closes_on_a_peer_that_does_not_read);
  suite_add_tcase(s, c);
  return s;
}
