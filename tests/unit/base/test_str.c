/* base/str.h: views, UTF-8, numbers and hex. */
#include "base/str.h"

#include "suite.h"

#include <string.h>

START_TEST(views_compare_by_their_bytes)
{
  ck_assert(cd_str_eq(CD_STR("ab"), (cd_str){"abc", 2}));
  ck_assert(!cd_str_eq(CD_STR("ab"), CD_STR("aB")));
  ck_assert(!cd_str_eq(CD_STR("ab"), CD_STR("abc")));
  ck_assert(cd_str_eq((cd_str){NULL, 0}, CD_STR("")));
  ck_assert(cd_str_eq_cstr(CD_STR("ab"), "ab"));
  ck_assert(!cd_str_eq_cstr((cd_str){"a\0", 2}, "a"));
  ck_assert(cd_str_eq_cstr(cd_str_from(NULL), ""));
}
END_TEST

START_TEST(starts_and_ends_are_found)
{
  static const struct {
    const char *s, *part;
    bool starts, ends;
  } rows[] = {
      {"abc", "a", true, false}, {"abc", "c", false, true},     {"abc", "abc", true, true},
      {"abc", "", true, true},   {"abc", "abcd", false, false}, {"", "", true, true},
      {"", "a", false, false},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_str s = cd_str_from(rows[i].s);
    cd_str part = cd_str_from(rows[i].part);
    ck_assert_msg(cd_str_starts(s, part) == rows[i].starts, "row %zu: starts", i);
    ck_assert_msg(cd_str_ends(s, part) == rows[i].ends, "row %zu: ends", i);
  }
}
END_TEST

START_TEST(cut_gives_the_parts_in_turn)
{
  cd_str rest = CD_STR("a,,b");
  ck_assert(cd_str_eq_cstr(cd_str_cut(&rest, ','), "a"));
  ck_assert(cd_str_eq_cstr(cd_str_cut(&rest, ','), ""));
  ck_assert(cd_str_eq_cstr(rest, "b"));
  ck_assert(cd_str_eq_cstr(cd_str_cut(&rest, ','), "b"));
  ck_assert_uint_eq(rest.len, 0);
  ck_assert_uint_eq(cd_str_cut(&rest, ',').len, 0);
}
END_TEST

START_TEST(copies_that_do_not_fit_are_refused)
{
  char out[4] = "old";
  ck_assert(cd_str_copy(out, sizeof(out), CD_STR("abc")));
  ck_assert_str_eq(out, "abc");
  ck_assert(!cd_str_copy(out, sizeof(out), CD_STR("abcd")));
  ck_assert_str_eq(out, "");
  ck_assert(!cd_str_copy(out, sizeof(out), CD_STR("a\0")));
  ck_assert_str_eq(out, "");
  ck_assert(cd_str_copy(out, sizeof(out), (cd_str){NULL, 0}));
  ck_assert(!cd_str_copy(out, 0, CD_STR("")));
}
END_TEST

START_TEST(a_duplicate_is_terminated)
{
  char *copy = cd_str_dup((cd_str){"abcdef", 3});
  ck_assert_str_eq(copy, "abc");
  free(copy);
  copy = cd_str_dup((cd_str){NULL, 0});
  ck_assert_str_eq(copy, "");
  free(copy);
  ck_assert_ptr_null(cd_str_dup((cd_str){"", SIZE_MAX}));
}
END_TEST

START_TEST(only_decimal_digits_in_range_are_numbers)
{
  static const struct {
    const char *text;
    uint64_t max;
    bool good;
    uint64_t value;
  } rows[] = {
      {"0", 0, true, 0},
      {"007", 7, true, 7},
      {"65535", 65535, true, 65535},
      {"65536", 65535, false, 0},
      {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
      {"18446744073709551616", UINT64_MAX, false, 0},
      {"99999999999999999999999", UINT64_MAX, false, 0},
      {"", 9, false, 0},
      {"-1", 9, false, 0},
      {"+1", 9, false, 0},
      {" 1", 9, false, 0},
      {"1 ", 9, false, 0},
      {"0x1", 9, false, 0},
      {"1.0", 9, false, 0},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint64_t value = 42;
    bool good = cd_str_to_u64(cd_str_from(rows[i].text), rows[i].max, &value);
    ck_assert_msg(good == rows[i].good, "row %zu: '%s'", i, rows[i].text);
    ck_assert_uint_eq(value, good ? rows[i].value : 42);
  }
}
END_TEST

START_TEST(utf8_is_checked_to_the_letter)
{
  static const struct {
    cd_str text;
    size_t next;
    bool valid;
  } rows[] = {
      {CD_STR_INIT(""), 0, true},
      {CD_STR_INIT("a"), 1, true},
      {CD_STR_INIT("\0"), 1, true},
      {CD_STR_INIT("\x7f"), 1, true},
      {CD_STR_INIT("\xc3\xa9"), 2, true},
      {CD_STR_INIT("\xe3\x81\x82z"), 3, true},
      {CD_STR_INIT("\xf0\x9f\x98\x80"), 4, true},
      {CD_STR_INIT("\xf4\x8f\xbf\xbf"), 4, true},
      {CD_STR_INIT("\xed\x9f\xbf"), 3, true},
      {CD_STR_INIT("\xee\x80\x80"), 3, true},
      {CD_STR_INIT("\x80"), 0, false},             /* no lead byte */
      {CD_STR_INIT("\xc0\x80"), 0, false},         /* overlong */
      {CD_STR_INIT("\xc1\xbf"), 0, false},         /* overlong */
      {CD_STR_INIT("\xe0\x9f\xbf"), 0, false},     /* overlong */
      {CD_STR_INIT("\xf0\x8f\xbf\xbf"), 0, false}, /* overlong */
      {CD_STR_INIT("\xed\xa0\x80"), 0, false},     /* surrogate */
      {CD_STR_INIT("\xed\xbf\xbf"), 0, false},     /* surrogate */
      {CD_STR_INIT("\xf4\x90\x80\x80"), 0, false}, /* above U+10FFFF */
      {CD_STR_INIT("\xf5\x80\x80\x80"), 0, false},
      {CD_STR_INIT("\xff"), 0, false},
      {CD_STR_INIT("\xe3\x81"), 0, false}, /* cut short */
      {CD_STR_INIT("\xe3\x81z"), 0, false},
      {CD_STR_INIT("a\xff"), 1, false},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    ck_assert_msg(cd_str_utf8_next(rows[i].text) == rows[i].next, "row %zu: next", i);
    ck_assert_msg(cd_str_utf8_valid(rows[i].text) == rows[i].valid, "row %zu: valid", i);
  }
}
END_TEST

START_TEST(text_is_cut_between_characters)
{
  static const struct {
    cd_str text;
    size_t max, cut;
  } rows[] = {
      {CD_STR_INIT("abc"), 5, 3},
      {CD_STR_INIT("abc"), 2, 2},
      {CD_STR_INIT("abc"), 0, 0},
      {CD_STR_INIT("a\xc3\xa9"), 2, 1},
      {CD_STR_INIT("a\xc3\xa9"), 3, 3},
      {CD_STR_INIT("\xe3\x81\x82"), 2, 0},
      {CD_STR_INIT("\xe3\x81\x82"), 1, 0},
      {CD_STR_INIT("x\xf0\x9f\x98\x80"), 4, 1},
      {CD_STR_INIT("x\xf0\x9f\x98\x80"), 5, 5},
      {CD_STR_INIT("x\xe3\x81"), 9, 1},        /* it already ended inside one */
      {CD_STR_INIT("\x80\x80\x80\x80"), 3, 3}, /* no characters at all: nothing to spare */
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    ck_assert_msg(cd_str_utf8_cut(rows[i].text, rows[i].max) == rows[i].cut, "row %zu", i);
}
END_TEST

START_TEST(hex_goes_both_ways)
{
  static const unsigned char bytes[] = {0x00, 0x0f, 0xa5, 0xff};
  char text[9];
  unsigned char back[4];
  cd_hex(text, bytes, sizeof(bytes));
  ck_assert_str_eq(text, "000fa5ff");
  ck_assert(cd_unhex(back, sizeof(back), CD_STR("000FA5fF")));
  ck_assert_mem_eq(back, bytes, sizeof(bytes));
  cd_hex(text, NULL, 0);
  ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(bad_hex_is_refused_and_writes_nothing)
{
  static const char *const rows[] = {"", "0", "000", "00000", "00g0", "0x00", "00 0", "000000"};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    unsigned char out[2] = {7, 7};
    ck_assert_msg(!cd_unhex(out, sizeof(out), cd_str_from(rows[i])), "row %zu", i);
    ck_assert_msg(out[0] == 7 && out[1] == 7, "row %zu wrote", i);
  }
}
END_TEST

START_TEST(constant_time_equality_is_equality)
{
  ck_assert(cd_equal_constant_time("abc", "abc", 3));
  ck_assert(!cd_equal_constant_time("abc", "abd", 3));
  ck_assert(!cd_equal_constant_time("xbc", "abc", 3));
  ck_assert(cd_equal_constant_time("abc", "abd", 2));
  ck_assert(cd_equal_constant_time(NULL, NULL, 0));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      views_compare_by_their_bytes,
      starts_and_ends_are_found,
      cut_gives_the_parts_in_turn,
      copies_that_do_not_fit_are_refused,
      a_duplicate_is_terminated,
      only_decimal_digits_in_range_are_numbers,
      utf8_is_checked_to_the_letter,
      text_is_cut_between_characters,
      hex_goes_both_ways,
      bad_hex_is_refused_and_writes_nothing,
      constant_time_equality_is_equality,
  };
  return run_suite("base.str", tests, COUNT_OF(tests));
}
