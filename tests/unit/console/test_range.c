/* The header Range of a file of 1000 bytes, at its edges. */
#include "range.h"

#include "web_suites.h"

#define SIZE 1000u

static const struct {
  const char *text;
  con_range_kind kind;
  uint64_t offset;
  uint64_t length;
} rows[] = {
    {"bytes=0-0", CON_RANGE_PART, 0, 1},
    {"bytes=0-", CON_RANGE_PART, 0, 1000},
    {"bytes=0-999", CON_RANGE_PART, 0, 1000},
    {"bytes=999-", CON_RANGE_PART, 999, 1},
    {"bytes=999-999", CON_RANGE_PART, 999, 1},
    {"bytes=10-19", CON_RANGE_PART, 10, 10},
    {"Bytes=10-19", CON_RANGE_PART, 10, 10},
    /* An end that is too far is the end. */
    {"bytes=990-1000", CON_RANGE_PART, 990, 10},
    {"bytes=990-18446744073709551615", CON_RANGE_PART, 990, 10},
    {"bytes=990-99999999999999999999999", CON_RANGE_PART, 990, 10},
    /* The last so many bytes. */
    {"bytes=-1", CON_RANGE_PART, 999, 1},
    {"bytes=-1000", CON_RANGE_PART, 0, 1000},
    {"bytes=-1001", CON_RANGE_PART, 0, 1000},
    {"bytes=-99999999999999999999999", CON_RANGE_PART, 0, 1000},
    /* Nothing of it is there. */
    {"bytes=1000-", CON_RANGE_NONE, 0, 0},
    {"bytes=1000-1000", CON_RANGE_NONE, 0, 0},
    {"bytes=18446744073709551615-", CON_RANGE_NONE, 0, 0},
    {"bytes=99999999999999999999999-", CON_RANGE_NONE, 0, 0},
    {"bytes=-0", CON_RANGE_NONE, 0, 0},
    /* What is no range of ours, the whole file answers. */
    {"", CON_RANGE_ALL, 0, 0},
    {"bytes", CON_RANGE_ALL, 0, 0},
    {"bytes=", CON_RANGE_ALL, 0, 0},
    {"bytes=-", CON_RANGE_ALL, 0, 0},
    {"bytes=5", CON_RANGE_ALL, 0, 0},
    {"bytes=19-10", CON_RANGE_ALL, 0, 0},
    {"bytes=2000-1999", CON_RANGE_ALL, 0, 0},
    {"bytes=--5", CON_RANGE_ALL, 0, 0},
    {"bytes=+1-2", CON_RANGE_ALL, 0, 0},
    {"bytes= 1-2", CON_RANGE_ALL, 0, 0},
    {"bytes=0x1-2", CON_RANGE_ALL, 0, 0},
    {"bytes=0-1,4-5", CON_RANGE_ALL, 0, 0},
    {"bytes=0-1, -5", CON_RANGE_ALL, 0, 0},
    {"lines=0-1", CON_RANGE_ALL, 0, 0},
    {"0-1", CON_RANGE_ALL, 0, 0},
};

START_TEST(a_range_is_read_at_its_edges)
{
  uint64_t offset = 0;
  uint64_t length = 0;
  con_range_kind kind = con_range_read(cd_str_from(rows[_i].text), SIZE, &offset, &length);
  ck_assert_msg(kind == rows[_i].kind && offset == rows[_i].offset && length == rows[_i].length,
                "%s: kind %d, %llu bytes from %llu on", rows[_i].text, (int)kind,
                (unsigned long long)length, (unsigned long long)offset);
}
END_TEST

Suite *suite_range(void)
{
  Suite *s = suite_create("console.range");
  TCase *t = tcase_create("range");
  tcase_add_loop_test(t, a_range_is_read_at_its_edges, 0, sizeof(rows) / sizeof(rows[0]));
  suite_add_tcase(s, t);
  return s;
}
