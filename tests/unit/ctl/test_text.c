#include "text.h"

#include "suites.h"

#include <string.h>

typedef struct row {
  const char *in;
  const char *out;
} row;

static const row escapes[] = {
    {"plain", "plain"},
    {"", ""},
    {"caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac", "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac"},
    {"a\nb\rc\td", "a\\nb\\rc\\td"},
    {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
    {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
    {"\x7f", "\\x7f"},
    {"\xc2\x9b"
     "31m",
     "\\u{9b}31m"},
    {"a\xe2\x80\xae"
     "b",
     "a\\u{202e}b"},
    {"a\xe2\x80\x8b"
     "b",
     "a\\u{200b}b"},
    {"\xf3\xa0\x81\x81", "\\u{e0041}"},
    {"\xff\xfe", "\\xff\\xfe"},
    {"\xc0\xaf", "\\xc0\\xaf"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
    {"\xe6\x97", "\\xe6\\x97"},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
};

START_TEST(escapes_what_a_terminal_would_obey)
{
  cd_buf out = CD_BUF_INIT(1024);
  ctl_text_add(&out, cd_str_from(escapes[_i].in));
  ck_assert_str_eq(cd_buf_cstr(&out), escapes[_i].out);
  cd_buf_release(&out);
}
END_TEST

START_TEST(escapes_a_zero_byte)
{
  cd_buf out = CD_BUF_INIT(64);
  ctl_text_add(&out, CD_STR("a\0b"));
  ck_assert_str_eq(cd_buf_cstr(&out), "a\\x00b");
  cd_buf_release(&out);
}
END_TEST

static const row json_escapes[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"b\"}"},
    {"\"\xc2\x9b\"", "\"\\u009b\""},
    {"\"\x7f\"", "\"\\u007f\""},
    {"\"\xe2\x80\xae\"", "\"\\u202e\""},
    {"\"\xf3\xa0\x81\x81\"", "\"\\udb40\\udc41\""},
    {"\"\xff\"", "\"\\ufffd\""},
    {"\"\xe6\x97\xa5\"", "\"\xe6\x97\xa5\""},
};

START_TEST(escapes_json_as_json)
{
  cd_buf out = CD_BUF_INIT(1024);
  ctl_text_add_json(&out, cd_str_from(json_escapes[_i].in));
  ck_assert_str_eq(cd_buf_cstr(&out), json_escapes[_i].out);
  cd_buf_release(&out);
}
END_TEST

START_TEST(measures_columns)
{
  ck_assert_uint_eq(ctl_text_width(CD_STR("abc")), 3);
  ck_assert_uint_eq(ctl_text_width(CD_STR("\xe6\x97\xa5\xe6\x9c\xac")), 4);
  ck_assert_uint_eq(ctl_text_width(CD_STR("e\xcc\x81")), 1);
  ck_assert_uint_eq(ctl_text_width(CD_STR("\xf0\x9f\x98\x80")), 2);
}
END_TEST

START_TEST(fits_whole_characters)
{
  cd_str text = CD_STR("a\xe6\x97\xa5\xe6\x9c\xac");
  ck_assert_uint_eq(ctl_text_fit(text, 0).len, 0);
  ck_assert_uint_eq(ctl_text_fit(text, 2).len, 1);
  ck_assert_uint_eq(ctl_text_fit(text, 3).len, 4);
  ck_assert_uint_eq(ctl_text_fit(text, 4).len, 4);
  ck_assert_uint_eq(ctl_text_fit(text, 99).len, 7);
}
END_TEST

typedef struct time_row {
  const char *text;
  long long ms; /* -1: no time */
} time_row;

static const time_row times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.001Z", 1},
    {"2000-02-29T12:00:00Z", 951825600000},
    {"2026-11-24T04:08:16.123Z", 1795493296123},
    {"2100-03-01T00:00:00Z", 4107542400000},
    {"2026-11-24T04:08:16.123", -1},
    {"2026-11-24 04:08:16Z", -1},
    {"2026-11-24T04:08:16.12Z", 1795493296120},
    {"2026-11-24T04:08:16.1234567Z", 1795493296123},
    {"2026-11-24T04:08:16.123456789Z", 1795493296123},
    {"2026-11-24T04:08:16.1234567890Z", -1},
    {"2026-11-24T04:08:16.Z", -1},
    {"2026-11-24T04:08:16.x23Z", -1},
    {"2026-11-24T04:08:16.12xZ", -1},
    {"2026-11-24T04:08:16x123Z", -1},
    {"2026-11-24T04:08:16+01:00", -1},
    {"2026-13-24T04:08:16Z", -1},
    {"2026-00-24T04:08:16Z", -1},
    {"2026-11-00T04:08:16Z", -1},
    {"2026-11-24T24:08:16Z", -1},
    {"x026-11-24T04:08:16Z", -1},
    {"Z", -1},
    {"", -1},
};

START_TEST(reads_times)
{
  int64_t ms = -1;
  bool ok = ctl_time_read(cd_str_from(times[_i].text), &ms);
  ck_assert_int_eq(ok, times[_i].ms >= 0);
  ck_assert_int_eq(ms, times[_i].ms);
}
END_TEST

typedef struct age_row {
  long long age_ms;
  const char *text;
} age_row;

static const age_row ages[] = {
    {0, "0 s ago"},
    {3999, "3 s ago"},
    {-500, "0 s ago"},
    {119 * 1000, "119 s ago"},
    {120 * 1000, "2 min ago"},
    {7199 * 1000, "119 min ago"},
    {7200 * 1000, "2 h ago"},
    {86400LL * 3 * 1000, "3 days ago"},
    {-5000, "2026-11-24 04:08:16Z"},
};

START_TEST(tells_ages)
{
  cd_buf out = CD_BUF_INIT(1024);
  ctl_time_add_age(&out, CD_STR("2026-11-24T04:08:16.123Z"), 1795493296123 + ages[_i].age_ms);
  ck_assert_str_eq(cd_buf_cstr(&out), ages[_i].text);
  cd_buf_release(&out);
}
END_TEST

START_TEST(shows_what_is_no_time_as_it_is)
{
  cd_buf out = CD_BUF_INIT(1024);
  ctl_time_add_age(&out, CD_STR("soon\x1b"), 0);
  ck_assert_str_eq(cd_buf_cstr(&out), "soon\\x1b");
  cd_buf_release(&out);
}
END_TEST

START_TEST(tells_spans)
{
  cd_buf out = CD_BUF_INIT(1024);
  ctl_time_add_span(&out, 412);
  cd_buf_add_char(&out, '|');
  ctl_time_add_span(&out, 3299);
  cd_buf_add_char(&out, '|');
  ctl_time_add_span(&out, 14 * 60000);
  cd_buf_add_char(&out, '|');
  ctl_time_add_span(&out, -5);
  ck_assert_str_eq(cd_buf_cstr(&out), "412 ms|3.2 s|14 min|0 ms");
  cd_buf_release(&out);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_text(void)
{
  Suite *s = suite_create("ctl.text");
  TCase *tc = tcase_create("text");
  tcase_add_loop_test(tc, escapes_what_a_terminal_would_obey, 0, ROWS(escapes));
  tcase_add_test(tc, escapes_a_zero_byte);
  tcase_add_loop_test(tc, escapes_json_as_json, 0, ROWS(json_escapes));
  tcase_add_test(tc, measures_columns);
  tcase_add_test(tc, fits_whole_characters);
  tcase_add_loop_test(tc, reads_times, 0, ROWS(times));
  tcase_add_loop_test(tc, tells_ages, 0, ROWS(ages));
  tcase_add_test(tc, shows_what_is_no_time_as_it_is);
  tcase_add_test(tc, tells_spans);
  suite_add_tcase(s, tc);
  return s;
}
