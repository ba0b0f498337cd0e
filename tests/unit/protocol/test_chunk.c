/* Stream chunks: the header byte for byte, and that bytes come once and in order. */
#include "protocol/chunk.h"

#include "suite.h"

#include <string.h>

START_TEST(has_this_header)
{
  static const uint8_t expected[] = {1, 1, 0, 0, 0, 0, 0, 0, 0,   0,   0x12, 0x34,
                                     0, 0, 1, 0, 0, 0, 0, 5, 'e', 'n', 'd'};
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_CHUNK_MAX);
  cd_chunk c = {.stream = 0x1234,
                .offset = UINT64_C(0x10000000005),
                .flags = CD_CHUNK_FIN,
                .data = CD_STR("end")};
  cd_chunk back = {0};
  ck_assert_int_eq(cd_chunk_write(&c, &out, &err), CD_OK);
  ck_assert_uint_eq(out.len, sizeof(expected));
  ck_assert_mem_eq(out.ptr, expected, sizeof(expected));
  ck_assert_int_eq(cd_chunk_read(cd_buf_view(&out), &back, &err), CD_OK);
  ck_assert_uint_eq(back.stream, c.stream);
  ck_assert_uint_eq(back.offset, c.offset);
  ck_assert_uint_eq(back.flags, CD_CHUNK_FIN);
  ck_assert(cd_str_eq(back.data, c.data));
  cd_buf_release(&out);
}
END_TEST

START_TEST(refuses_a_malformed_chunk)
{
  static const struct {
    uint8_t bytes[24];
    size_t len;
    const char *text;
  } bad[] = {
      {{1}, 0, "the binary message has 0 bytes, a chunk's header has 20"},
      {{1}, 19, "the binary message has 19 bytes, a chunk's header has 20"},
      {{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 21, "the chunk has the version 2, only 1 is known"},
      {{1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 21, "the chunk has reserved bits set"},
      {{1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 21, "the chunk has reserved bits set"},
      {{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 21, "the chunk has the stream 0, which there is not"},
      {{1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 21, "the chunk of stream 1 has unknown flags 0x04"},
      {{1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 21, "the chunk of stream 1 has unknown flags 0x80"},
      {{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 20, "the chunk of stream 1 carries nothing"},
      {{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x20, 0, 0, 0, 0, 0, 0},
       21,
       "the chunk of stream 1 ends beyond the largest stream, 2^53 bytes"},
      {{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
       21,
       "the chunk of stream 1 ends beyond the largest stream, 2^53 bytes"},
  };
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_chunk c = {0};
    cd_err err = {0};
    cd_code rc = cd_chunk_read((cd_str){(const char *)bad[i].bytes, bad[i].len}, &c, &err);
    ck_assert_msg(rc == CD_E_INVALID || rc == CD_E_LIMIT, "%zu: %s", i, cd_code_name(rc));
    ck_assert_str_eq(err.text, bad[i].text);
  }
}
END_TEST

START_TEST(carries_64_kib_and_not_more)
{
  static char data[CD_CHUNK_DATA_MAX + 1];
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_CHUNK_MAX + 1);
  cd_chunk c = {.stream = 1, .data = {data, CD_CHUNK_DATA_MAX}};
  cd_chunk back = {0};
  ck_assert_int_eq(cd_chunk_write(&c, &out, &err), CD_OK);
  ck_assert_uint_eq(out.len, CD_CHUNK_MAX);
  ck_assert_int_eq(cd_chunk_read(cd_buf_view(&out), &back, &err), CD_OK);
  cd_buf_add_char(&out, 'x');
  ck_assert_int_eq(cd_chunk_read(cd_buf_view(&out), &back, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, "the chunk of stream 1 has 65537 bytes of data, the limit is 65536");
  c.data.len++;
  ck_assert_int_eq(cd_chunk_write(&c, &out, &err), CD_E_LIMIT);
  cd_buf_release(&out);
}
END_TEST

static cd_code take(cd_stream_in *in, uint64_t offset, const char *data, uint8_t flags, cd_err *err)
{
  uint64_t at = 0;
  cd_chunk c = {.stream = in->stream, .offset = offset, .flags = flags, .data = cd_str_from(data)};
  cd_code rc = cd_stream_in_take(in, &c, &at, err);
  if (rc == CD_OK)
    ck_assert_uint_eq(at, offset);
  return rc;
}

START_TEST(takes_bytes_once_and_in_order)
{
  cd_stream_in in;
  cd_err err = {0};
  cd_stream_in_open(&in, 7, 0, 100);
  ck_assert_int_eq(take(&in, 0, "abc", 0, &err), CD_OK);
  ck_assert_int_eq(take(&in, 0, "abc", 0, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the chunk of stream 7 begins at byte 0, and 3 is next");
  ck_assert_int_eq(take(&in, 4, "e", 0, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the chunk of stream 7 begins at byte 4, and 3 is next");
  ck_assert_int_eq(take(&in, 3, "d", 0, &err), CD_OK);
  ck_assert_int_eq(take(&in, 4, "", CD_CHUNK_FIN, &err), CD_OK);
  ck_assert_int_eq(in.phase, CD_STREAM_DONE);
  ck_assert_uint_eq(in.offset, 4);
  ck_assert_int_eq(take(&in, 4, "x", 0, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "stream 7 has ended, and another chunk came");
}
END_TEST

START_TEST(goes_on_where_it_stopped)
{
  cd_stream_in in;
  cd_err err = {0};
  cd_stream_in_open(&in, 7, 0, 100);
  ck_assert_int_eq(take(&in, 0, "abc", 0, &err), CD_OK);
  /* The connection is lost; what was kept is asked for from there on. */
  cd_stream_in_open(&in, 9, in.offset, 100);
  ck_assert_int_eq(take(&in, 0, "abc", 0, &err), CD_E_INVALID);
  ck_assert_int_eq(take(&in, 3, "def", CD_CHUNK_FIN, &err), CD_OK);
  ck_assert_int_eq(in.phase, CD_STREAM_DONE);
}
END_TEST

START_TEST(keeps_streams_apart_and_to_their_size)
{
  cd_stream_in in;
  cd_err err = {0};
  uint64_t at = 99;
  cd_stream_in_open(&in, 7, 0, 4);
  cd_chunk other = {.stream = 8, .data = CD_STR("x")};
  ck_assert_int_eq(cd_stream_in_take(&in, &other, &at, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the chunk is of stream 8, this one is stream 7");
  ck_assert_int_eq(take(&in, 0, "abcde", 0, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, "stream 7 is longer than its limit of 4 bytes");
  ck_assert_uint_eq(in.offset, 0);
  ck_assert_uint_eq(at, 99);
  ck_assert_int_eq(take(&in, 0, "abcd", CD_CHUNK_FIN, &err), CD_OK);
}
END_TEST

START_TEST(an_abort_carries_its_reason)
{
  static const struct {
    const char *data;
    const char *text;
  } aborts[] = {
      {"the file is gone", "the sender ended stream 7: the file is gone"},
      {"", "the sender ended stream 7 without a reason"},
      {"\xff", "the sender ended stream 7 without a reason"},
  };
  for (size_t i = 0; i < COUNT_OF(aborts); i++) {
    cd_stream_in in;
    cd_err err = {0};
    cd_stream_in_open(&in, 7, 0, 100);
    ck_assert_int_eq(take(&in, 50, aborts[i].data, CD_CHUNK_ABORT, &err), CD_E_CANCELLED);
    ck_assert_str_eq(err.text, aborts[i].text);
    ck_assert_int_eq(in.phase, CD_STREAM_ABORTED);
    ck_assert_int_eq(take(&in, 0, "x", 0, &err), CD_E_INVALID);
    cd_stream_in_open(&in, 7, 0, 100);
    ck_assert_int_eq(take(&in, 50, aborts[i].data, CD_CHUNK_GONE, &err), CD_E_NOTFOUND);
    ck_assert_str_eq(err.text, aborts[i].text);
    ck_assert_int_eq(in.phase, CD_STREAM_ABORTED);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      has_this_header,
      refuses_a_malformed_chunk,
      carries_64_kib_and_not_more,
      takes_bytes_once_and_in_order,
      goes_on_where_it_stopped,
      keeps_streams_apart_and_to_their_size,
      an_abort_carries_its_reason,
  };
  return run_suite("protocol.chunk", tests, COUNT_OF(tests));
}
