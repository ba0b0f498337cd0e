/* How links end, and what they say about it. */
#include "ipc/link.h"

#include "base/clock.h"
#include "base/limits.h"
#include "ipc_tests.h"
#include "pair.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pair p;

START_TEST(an_end_between_frames_is_fine)
{
  uint8_t bytes[64];
  pair_make_raw(&p, 64);
  pair_raw_write(&p, bytes, frame_bytes(bytes, 1, 1, "{}"));
  pair_raw_close(&p);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_OK);
  ck_assert_str_eq(p.a.sentence, "");
  ck_assert_int_eq(p.a.frames, 1);
  pair_done(&p);
}
END_TEST

START_TEST(an_end_inside_a_frame_is_an_error)
{
  uint8_t bytes[64];
  size_t len = frame_bytes(bytes, 1, 1, "{}");
  for (size_t cut = 1; cut < len; cut++) {
    pair_make_raw(&p, 64);
    pair_raw_write(&p, bytes, cut);
    pair_raw_close(&p);
    pair_run_until(&p, &p.a.closed, 1);
    ck_assert_int_eq(p.a.code, CD_E_IO);
    ck_assert_ptr_nonnull(strstr(p.a.sentence, "middle of a frame"));
    ck_assert_int_eq(p.a.frames, 0);
    pair_done(&p);
  }
}
END_TEST

START_TEST(a_malformed_header_ends_the_link)
{
  uint8_t bytes[128];
  size_t len = frame_bytes(bytes, 1, 1, "{}");
  size_t bad = len;
  len += frame_bytes(bytes + len, 2, 1, "{}");
  len += frame_bytes(bytes + len, 3, 1, "{}");
  bytes[bad + 5] = 1;
  pair_make_raw(&p, 64);
  pair_raw_write(&p, bytes, len);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_E_INVALID);
  ck_assert_int_eq(p.a.frames, 1);
  pair_done(&p);
}
END_TEST

START_TEST(a_payload_over_the_limit_ends_the_link_before_it_comes)
{
  uint8_t header[IPC_FRAME_HEADER];
  ipc_frame_header(header, 1, 0, 65);
  pair_make_raw(&p, 64);
  pair_raw_write(&p, header, sizeof(header));
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_E_LIMIT);
  pair_done(&p);
}
END_TEST

START_TEST(the_last_words_of_a_peer_are_read)
{
  uint8_t bytes[128];
  cd_err err = {0};
  size_t len = frame_bytes(bytes, 17, 0, "{\"sentence\":\"no library\"}");
  pair_make_raw(&p, 64);
  /* The peer speaks and goes; we write to it before we have read. */
  ck_assert_int_eq(write(p.raw, bytes, len), (ssize_t)len);
  pair_raw_close(&p);
  ck_assert_int_eq(ipc_link_send(&p.a.link, 2, 1, CD_STR("{}"), &err), CD_OK);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.frames, 1);
  ck_assert_uint_eq(p.a.types[0], 17);
  pair_done(&p);
}
END_TEST

START_TEST(a_paused_link_whose_peer_went_ends_by_itself)
{
  cd_err err = {0};
  pair_make_raw(&p, 64);
  ipc_link_pause(&p.a.link);
  pair_raw_close(&p);
  ck_assert_int_eq(ipc_link_send(&p.a.link, 2, 1, CD_STR("{}"), &err), CD_OK);
  pair_run_idle(&p);
  ck_assert_int_eq(ipc_link_send(&p.a.link, 2, 1, CD_STR("{}"), &err), CD_E_IO);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_E_IO);
  ck_assert_ptr_nonnull(strstr(p.a.sentence, "takes nothing more"));
  pair_done(&p);
}
END_TEST

START_TEST(finish_writes_what_is_queued)
{
  char *payload = calloc(1, CD_FRAME_PAYLOAD_MAX);
  cd_err err = {0};
  pair_make(&p, false);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(ipc_link_send(&p.a.link, 1, 0, (cd_str){payload, CD_FRAME_PAYLOAD_MAX}, &err),
                     CD_OK);
  ipc_link_finish(&p.a.link);
  ipc_link_finish(&p.a.link);
  pair_run_until(&p, &p.b.closed, 1);
  ck_assert_int_eq(p.b.frames, 4);
  ck_assert_int_eq(p.b.code, CD_OK);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_OK);
  pair_done(&p);
  free(payload);
}
END_TEST

START_TEST(finish_with_nothing_queued_closes)
{
  pair_make_raw(&p, 64);
  ipc_link_finish(&p.a.link);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_OK);
  pair_done(&p);
}
END_TEST

START_TEST(finish_gives_up_on_a_peer_that_does_not_read)
{
  char *payload = calloc(1, CD_FRAME_PAYLOAD_MAX);
  cd_err err = {0};
  pair_make_raw(&p, 64);
  ck_assert_int_eq(ipc_link_send(&p.a.link, 1, 0, (cd_str){payload, CD_FRAME_PAYLOAD_MAX}, &err),
                   CD_OK);
  uint64_t start = cd_mono_ms();
  ipc_link_finish(&p.a.link);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_uint_ge(cd_mono_ms() - start + 5, IPC_LINK_DRAIN_MS);
  ck_assert_int_eq(p.a.code, CD_E_DEADLINE);
  pair_done(&p);
  free(payload);
}
END_TEST

START_TEST(a_link_that_was_never_opened_closes)
{
  cd_err err = {0};
  memset(&p, 0, sizeof(p));
  p.raw = -1;
  p.b.closed = 1;
  ck_assert_int_eq(uv_loop_init(&p.loop), 0);
  ck_assert_int_eq(ipc_link_init(&p.a.link, &p.loop, false, 64, &pair_events, &p.a, &err), CD_OK);
  ck_assert_int_ne(ipc_link_start(&p.a.link, &err), CD_OK);
  ck_assert_int_ne(ipc_link_send(&p.a.link, 1, 0, CD_STR("{}"), &err), CD_OK);
  ck_assert_uint_eq(p.a.link.queued, 0);
  pair_done(&p);
}
END_TEST

START_TEST(close_drops_what_is_queued)
{
  char *payload = calloc(1, CD_FRAME_PAYLOAD_MAX);
  cd_err err = {0};
  pair_make_raw(&p, 64);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(ipc_link_send(&p.a.link, 1, 0, (cd_str){payload, CD_FRAME_PAYLOAD_MAX}, &err),
                     CD_OK);
  ipc_link_close(&p.a.link);
  ck_assert_int_eq(p.a.closed, 0);
  pair_run_until(&p, &p.a.closed, 1);
  ck_assert_int_eq(p.a.code, CD_OK);
  pair_done(&p);
  free(payload);
}
END_TEST

Suite *link_end_suite(void)
{
  Suite *s = suite_create("ipc.link_end");
  TCase *c = tcase_create("ends");
  tcase_set_timeout(c, 30);
  tcase_add_test(c, an_end_between_frames_is_fine);
  tcase_add_test(c, an_end_inside_a_frame_is_an_error);
  tcase_add_test(c, a_malformed_header_ends_the_link);
  tcase_add_test(c, a_payload_over_the_limit_ends_the_link_before_it_comes);
  tcase_add_test(c, the_last_words_of_a_peer_are_read);
  tcase_add_test(c, a_paused_link_whose_peer_went_ends_by_itself);
  tcase_add_test(c, finish_writes_what_is_queued);
  tcase_add_test(c, finish_with_nothing_queued_closes);
  tcase_add_test(c, finish_gives_up_on_a_peer_that_does_not_read);
  tcase_add_test(c, a_link_that_was_never_opened_closes);
  tcase_add_test(c, close_drops_what_is_queued);
  suite_add_tcase(s, c);
  return s;
}
