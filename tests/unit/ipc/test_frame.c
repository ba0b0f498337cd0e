#include "ipc/frame.h"

#include "base/limits.h"
#include "ipc_tests.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t known[] = {0x43, 0x44, 0x4e, 0x31, 0x12, 0, 0, 0, 1, 2,   3,
                                4,    5,    6,    7,    8,    0, 0, 0, 2, '{', '}'};

START_TEST(header_is_big_endian_as_documented)
{
  uint8_t out[IPC_FRAME_HEADER];
  ipc_frame_header(out, 0x12, UINT64_C(0x0102030405060708), 2);
  ck_assert_mem_eq(out, known, sizeof(out));
}
END_TEST

START_TEST(reads_a_frame_whole_and_in_every_cut)
{
  for (size_t cut = 0; cut <= sizeof(known); cut++) {
    ipc_decoder d;
    ipc_frame f = {0};
    cd_err err = {0};
    ipc_decoder_init(&d, 16);
    ck_assert_int_eq(ipc_decoder_feed(&d, known, cut, &err), CD_OK);
    if (cut < sizeof(known)) {
      ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_E_NOTFOUND);
      ck_assert_uint_eq(ipc_decoder_pending(&d), cut);
    }
    ck_assert_int_eq(ipc_decoder_feed(&d, known + cut, sizeof(known) - cut, &err), CD_OK);
    ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_OK);
    ck_assert_uint_eq(f.type, 0x12);
    ck_assert_uint_eq(f.op, UINT64_C(0x0102030405060708));
    ck_assert(cd_str_eq_cstr(f.payload, "{}"));
    ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_E_NOTFOUND);
    ck_assert_uint_eq(ipc_decoder_pending(&d), 0);
    ipc_decoder_release(&d);
  }
}
END_TEST

START_TEST(hands_out_many_frames_of_one_feed)
{
  enum { COUNT = 1000 };
  uint8_t *bytes = malloc(COUNT * sizeof(known));
  ipc_decoder d;
  ipc_frame f = {0};
  cd_err err = {0};
  ipc_decoder_init(&d, CD_FRAME_PAYLOAD_MAX);
  for (size_t i = 0; i < COUNT; i++) {
    memcpy(bytes + i * sizeof(known), known, sizeof(known));
    bytes[i * sizeof(known) + 14] = (uint8_t)(i >> 8);
    bytes[i * sizeof(known) + 15] = (uint8_t)i;
  }
  ck_assert_int_eq(ipc_decoder_feed(&d, bytes, COUNT * sizeof(known), &err), CD_OK);
  for (size_t i = 0; i < COUNT; i++) {
    ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_OK);
    ck_assert_uint_eq(f.op & 0xffff, i);
  }
  ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_E_NOTFOUND);
  ipc_decoder_release(&d);
  free(bytes);
}
END_TEST

/* One changed byte of a good header, or another limit, and what comes of it. */
static const struct {
  size_t at;
  uint8_t value;
  cd_code expected;
} rows[] = {
    {0, 0x44, CD_E_INVALID}, {3, 0x32, CD_E_INVALID}, {5, 1, CD_E_INVALID}, {6, 1, CD_E_INVALID},
    {7, 0x80, CD_E_INVALID}, {16, 1, CD_E_LIMIT},     {17, 1, CD_E_LIMIT},  {19, 17, CD_E_LIMIT},
    {4, 0, CD_OK},           {4, 255, CD_OK},         {8, 255, CD_OK},      {19, 0, CD_OK},
};

START_TEST(judges_the_header)
{
  uint8_t bytes[sizeof(known)];
  ipc_decoder d;
  ipc_frame f = {0};
  cd_err err = {0};
  memcpy(bytes, known, sizeof(known));
  bytes[rows[_i].at] = rows[_i].value;
  ipc_decoder_init(&d, 16);
  ck_assert_int_eq(ipc_decoder_feed(&d, bytes, sizeof(bytes), &err), CD_OK);
  ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), rows[_i].expected);
  if (rows[_i].expected != CD_OK) {
    ck_assert_int_eq(err.code, rows[_i].expected);
    ck_assert_uint_gt(strlen(err.text), 0);
    /* From then on always, even for good bytes. */
    ck_assert_int_eq(ipc_decoder_feed(&d, known, sizeof(known), &err), rows[_i].expected);
    ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), rows[_i].expected);
  }
  ipc_decoder_release(&d);
}
END_TEST

START_TEST(takes_the_largest_payload_and_gives_its_memory_back)
{
  uint8_t header[IPC_FRAME_HEADER];
  char *payload = calloc(1, CD_FRAME_PAYLOAD_MAX);
  ipc_decoder d;
  ipc_frame f = {0};
  cd_err err = {0};
  ipc_decoder_init(&d, UINT32_MAX);
  ck_assert_uint_eq(d.payload_max, CD_FRAME_PAYLOAD_MAX);
  ipc_frame_header(header, 1, 0, CD_FRAME_PAYLOAD_MAX);
  ck_assert_int_eq(ipc_decoder_feed(&d, header, sizeof(header), &err), CD_OK);
  ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_E_NOTFOUND);
  ck_assert_int_eq(ipc_decoder_feed(&d, payload, CD_FRAME_PAYLOAD_MAX, &err), CD_OK);
  ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_OK);
  ck_assert_uint_eq(f.payload.len, CD_FRAME_PAYLOAD_MAX);
  ck_assert_int_eq(ipc_decoder_next(&d, &f, &err), CD_E_NOTFOUND);
  ck_assert_uint_lt(d.buf.cap, 64u * 1024u);
  free(payload);
  ipc_decoder_release(&d);
}
END_TEST

START_TEST(does_not_hoard_frames_that_nobody_takes)
{
  char *bytes = calloc(1, IPC_FEED_MAX);
  ipc_decoder d;
  cd_err err = {0};
  ipc_decoder_init(&d, 16);
  ck_assert_int_eq(ipc_decoder_feed(&d, bytes, IPC_FEED_MAX, &err), CD_OK);
  ck_assert_int_eq(ipc_decoder_feed(&d, bytes, IPC_FEED_MAX, &err), CD_E_LIMIT);
  ck_assert_int_eq(ipc_decoder_feed(&d, bytes, 1, &err), CD_E_LIMIT);
  ipc_decoder_release(&d);
  free(bytes);
}
END_TEST

Suite *frame_suite(void)
{
  Suite *s = suite_create("ipc.frame");
  TCase *c = tcase_create("frame");
  tcase_add_test(c, header_is_big_endian_as_documented);
  tcase_add_test(c, reads_a_frame_whole_and_in_every_cut);
  tcase_add_test(c, hands_out_many_frames_of_one_feed);
  tcase_add_loop_test(c, judges_the_header, 0, (int)(sizeof(rows) / sizeof(rows[0])));
  tcase_add_test(c, takes_the_largest_payload_and_gives_its_memory_back);
  tcase_add_test(c, does_not_hoard_frames_that_nobody_takes);
  suite_add_tcase(s, c);
  return s;
}
