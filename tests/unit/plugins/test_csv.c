/* CSV: what goes in comes out of a reader of RFC 4180, and no spreadsheet runs it. */
#include "support/csv.h"
#include "support/text.h"
#include "support/utf8.h"

#include "suite.h"

#include <string.h>

static void into_text(void *data, const char *bytes, size_t len)
{
  sup_text_bytes(data, bytes, len);
}

static const struct field_case {
  const char *bytes;
  size_t len;
  const char *field;
} field_cases[] = {
    {"plain", 5, "plain"},
    {"", 0, ""},
    {"a,b", 3, "\"a,b\""},
    {"say \"hi\"", 8, "\"say \"\"hi\"\"\""},
    {"two\nlines", 9, "\"two\nlines\""},
    {" blank", 6, "\" blank\""},
    {"blank ", 6, "\"blank \""},
    {"\xe5\xbe\xa1", 3, "\xe5\xbe\xa1"},
    {"a\xff"
     "b",
     3, "a\\xffb"},
    {"\xc3", 1, "\\xc3"},
    {"nul\0in", 6, "nul\\x00in"},
    {"esc\x1b[31m", 8, "esc\\x1b[31m"},
    {"\\xff", 4, "\\x5cxff"},
    {"C:\\dir", 6, "C:\\dir"},
    {"=1+1", 4, "'=1+1"},
    {"+1", 2, "'+1"},
    {"-bash", 5, "'-bash"},
    {"@SUM(A1)", 8, "'@SUM(A1)"},
    {"\ttab", 4, "'\ttab"},
    {"\rcr", 3, "\"'\rcr\""},
    {"'quoted", 7, "''quoted"},
    {"\xef\xbc\x9d"
     "1",
     4,
     "'\xef\xbc\x9d"
     "1"},
    {"=\"a\",b", 6, "\"'=\"\"a\"\",b\""},
    {"a;=1", 4, "a\\x3b=1"},
    {"a;; +1", 6, "a;\\x3b +1"},
    {"a;\"=1", 5, "\"a\\x3b\"\"=1\""},
    {"a\t @x", 5, "a\\x09 @x"},
    {"a\n-1", 4, "\"a\\x0a-1\""},
    {"a;\xef\xbc\x9d"
     "1",
     6,
     "a\\x3b\xef\xbc\x9d"
     "1"},
    {"a;b\tc;", 6, "a;b\tc;"},
};

START_TEST(fields_are_quoted_escaped_and_defused)
{
  for (size_t i = 0; i < COUNT_OF(field_cases); i++) {
    sup_text t = SUP_TEXT_INIT(1024);
    sup_csv c;
    sup_csv_init(&c, into_text, &t);
    sup_csv_bytes(&c, field_cases[i].bytes, field_cases[i].len);
    sup_csv_end(&c);
    char want[64];
    (void)snprintf(want, sizeof(want), "%s\r\n", field_cases[i].field);
    ck_assert_str_eq(sup_text_get(&t), want);
    sup_text_release(&t);
  }
}
END_TEST

START_TEST(rows_have_commas_between_fields_and_numbers_are_left_alone)
{
  sup_text t = SUP_TEXT_INIT(1024);
  sup_csv c;
  sup_csv_init(&c, into_text, &t);
  sup_csv_number(&c, -5);
  sup_csv_text(&c, NULL);
  sup_csv_text(&c, "x");
  sup_csv_end(&c);
  sup_csv_text(&c, "");
  sup_csv_number(&c, 7);
  sup_csv_end(&c);
  ck_assert_str_eq(sup_text_get(&t), "-5,,x\r\n,7\r\n");
  sup_text_release(&t);
}
END_TEST

START_TEST(a_long_field_is_whole)
{
  char long_field[5000];
  sup_text t = SUP_TEXT_INIT(20000);
  sup_csv c;
  memset(long_field, '"', sizeof(long_field));
  sup_csv_init(&c, into_text, &t);
  sup_csv_bytes(&c, long_field, sizeof(long_field));
  sup_csv_end(&c);
  ck_assert_uint_eq(t.len, 2 * sizeof(long_field) + 4);
  sup_text_release(&t);
}
END_TEST

START_TEST(an_escaped_text_ends_before_what_does_not_fit)
{
  char text[6];
  sup_csv_escape("ab\xff", 3, text, sizeof(text));
  ck_assert_str_eq(text, "ab");
  sup_csv_escape("abc\xe5\xbe\xa1", 6, text, sizeof(text));
  ck_assert_str_eq(text, "abc");
  sup_csv_escape("a\nb", 3, text, sizeof(text));
  ck_assert_str_eq(text, "a\nb");
}
END_TEST

START_TEST(a_sequence_that_is_cut_short_is_none)
{
  ck_assert_uint_eq(sup_utf8_sequence("\xe5\xbe\xa1", 3), 3);
  ck_assert_uint_eq(sup_utf8_sequence("\xe5\xbe\xa1", 2), 0);
  ck_assert_uint_eq(sup_utf8_sequence("", 0), 0);
  ck_assert_uint_eq(sup_utf8_sequence("\xed\xa0\x80", 3), 0);
  ck_assert_uint_eq(sup_utf8_sequence("\xf4\x90\x80\x80", 4), 0);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      fields_are_quoted_escaped_and_defused,
      rows_have_commas_between_fields_and_numbers_are_left_alone, a_long_field_is_whole,
      an_escaped_text_ends_before_what_does_not_fit, a_sequence_that_is_cut_short_is_none};
  return run_suite("plugins.csv", tests, COUNT_OF(tests));
}
