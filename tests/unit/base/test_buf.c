/* base/buf.h: ceilings, sticky failures, and what is promised about `ptr`. */
#include "base/buf.h"

#include "suite.h"

#include <stdint.h>
#include <string.h>

START_TEST(is_empty_text_before_the_first_append)
{
  cd_buf b = CD_BUF_INIT(10);
  ck_assert_str_eq(cd_buf_cstr(&b), "");
  ck_assert_uint_eq(cd_buf_view(&b).len, 0);
  ck_assert_ptr_null(cd_buf_steal(&b, NULL));
  cd_buf_release(&b);
}
END_TEST

START_TEST(holds_exactly_its_limit)
{
  cd_buf b = CD_BUF_INIT(8);
  cd_buf_add_cstr(&b, "12345678");
  ck_assert_int_eq(cd_buf_status(&b, "text", NULL), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&b), "12345678");
  ck_assert_uint_le(b.cap, 9);
  cd_buf_release(&b);
}
END_TEST

START_TEST(refuses_to_grow_past_its_limit)
{
  cd_buf b = CD_BUF_INIT(8);
  cd_err err = {0};
  cd_buf_add_cstr(&b, "12345678");
  cd_buf_add_char(&b, '9');
  ck_assert_int_eq(cd_buf_status(&b, "the reply", &err), CD_E_LIMIT);
  ck_assert_int_eq(err.code, CD_E_LIMIT);
  ck_assert_str_eq(err.text, "the reply is larger than its limit of 8 bytes");
  ck_assert_uint_eq(b.len, 0);
  ck_assert_ptr_null(b.ptr);
  cd_buf_release(&b);
}
END_TEST

START_TEST(stays_failed_until_it_is_reset)
{
  cd_buf b = CD_BUF_INIT(4);
  cd_buf_add_cstr(&b, "12345");
  cd_buf_add_cstr(&b, "1");
  cd_buf_addf(&b, "%d", 7);
  cd_buf_fail(&b, CD_E_INTERNAL);
  ck_assert_str_eq(cd_buf_cstr(&b), "");
  ck_assert_int_eq(cd_buf_status(&b, "x", NULL), CD_E_LIMIT);
  ck_assert_ptr_null(cd_buf_steal(&b, NULL));
  cd_buf_reset(&b);
  cd_buf_add_cstr(&b, "1234");
  ck_assert_str_eq(cd_buf_cstr(&b), "1234");
  cd_buf_release(&b);
}
END_TEST

START_TEST(keeps_its_limit_when_it_is_released)
{
  cd_buf b = CD_BUF_INIT(4);
  cd_buf_add_cstr(&b, "1234");
  cd_buf_release(&b);
  ck_assert_uint_eq(b.max, 4);
  ck_assert_ptr_null(b.ptr);
  cd_buf_add_cstr(&b, "12345");
  ck_assert_int_eq(b.failed, CD_E_LIMIT);
  cd_buf_release(&b);
}
END_TEST

START_TEST(a_reset_keeps_the_memory_and_empties_the_text)
{
  cd_buf b = CD_BUF_INIT(100);
  cd_buf_add_cstr(&b, "some text");
  const char *memory = b.ptr;
  cd_buf_reset(&b);
  ck_assert_str_eq(cd_buf_cstr(&b), "");
  ck_assert_uint_eq(b.len, 0);
  cd_buf_add_cstr(&b, "other");
  ck_assert_ptr_eq(b.ptr, memory);
  ck_assert_str_eq(cd_buf_cstr(&b), "other");
  cd_buf_release(&b);
}
END_TEST

START_TEST(a_limit_of_nothing_takes_nothing)
{
  cd_buf b = {0};
  cd_buf_add(&b, NULL, 0);
  cd_buf_add_cstr(&b, NULL);
  cd_buf_addf(&b, "%s", "");
  ck_assert_int_eq(b.failed, CD_OK);
  cd_buf_add_char(&b, 'x');
  ck_assert_int_eq(b.failed, CD_E_LIMIT);
  cd_buf_release(&b);
}
END_TEST

START_TEST(survives_lengths_at_the_end_of_the_address_space)
{
  cd_buf b = CD_BUF_INIT(SIZE_MAX);
  cd_buf_add_cstr(&b, "abc");
  cd_buf_add(&b, "x", SIZE_MAX - 3);
  ck_assert_int_eq(b.failed, CD_E_LIMIT);
  cd_buf_release(&b);
}
END_TEST

START_TEST(grows_over_many_appends_and_stays_terminated)
{
  cd_buf b = CD_BUF_INIT(100000);
  for (int i = 0; i < 10000; i++) {
    cd_buf_addf(&b, "%04d,", i);
    ck_assert_int_eq(b.ptr[b.len], '\0');
    ck_assert_uint_le(b.cap, 100001);
  }
  ck_assert_uint_eq(b.len, 50000);
  ck_assert_int_eq(strncmp(b.ptr + 5 * 1234, "1234,", 5), 0);
  cd_buf_release(&b);
}
END_TEST

START_TEST(takes_bytes_with_nul)
{
  cd_buf b = CD_BUF_INIT(16);
  cd_buf_add(&b, "a\0b", 3);
  cd_buf_add_str(&b, CD_STR("c"));
  ck_assert_uint_eq(b.len, 4);
  ck_assert_int_eq(memcmp(b.ptr, "a\0bc", 5), 0);
  cd_buf_release(&b);
}
END_TEST

START_TEST(drops_from_the_front)
{
  cd_buf b = CD_BUF_INIT(16);
  cd_buf_drop_front(&b, 0);
  cd_buf_drop_front(&b, 3);
  cd_buf_add_cstr(&b, "headtail");
  cd_buf_drop_front(&b, 4);
  ck_assert_str_eq(cd_buf_cstr(&b), "tail");
  cd_buf_drop_front(&b, 99);
  ck_assert_str_eq(cd_buf_cstr(&b), "");
  cd_buf_release(&b);
}
END_TEST

START_TEST(hands_its_memory_over_once)
{
  cd_buf b = CD_BUF_INIT(16);
  size_t len = 99;
  cd_buf_add_cstr(&b, "mine");
  char *mine = cd_buf_steal(&b, &len);
  ck_assert_str_eq(mine, "mine");
  ck_assert_uint_eq(len, 4);
  ck_assert_ptr_null(b.ptr);
  ck_assert_ptr_null(cd_buf_steal(&b, &len));
  ck_assert_uint_eq(len, 4);
  cd_buf_add_cstr(&b, "again");
  ck_assert_str_eq(cd_buf_cstr(&b), "again");
  free(mine);
  cd_buf_release(&b);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      is_empty_text_before_the_first_append,
      holds_exactly_its_limit,
      refuses_to_grow_past_its_limit,
      stays_failed_until_it_is_reset,
      keeps_its_limit_when_it_is_released,
      a_reset_keeps_the_memory_and_empties_the_text,
      a_limit_of_nothing_takes_nothing,
      survives_lengths_at_the_end_of_the_address_space,
      grows_over_many_appends_and_stays_terminated,
      takes_bytes_with_nul,
      drops_from_the_front,
      hands_its_memory_over_once,
  };
  return run_suite("base.buf", tests, COUNT_OF(tests));
}
