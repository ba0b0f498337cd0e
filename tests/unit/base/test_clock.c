/* base/clock.h: the calendar, and clocks that agree with the system's. */
#include "base/clock.h"

#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

START_TEST(times_are_rfc_3339_in_utc)
{
  static const struct {
    int64_t ms;
    const char *text;
  } rows[] = {
      {0, "1970-01-01T00:00:00.000Z"},
      {1, "1970-01-01T00:00:00.001Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {951782400000, "2000-02-29T00:00:00.000Z"},
      {951868799999, "2000-02-29T23:59:59.999Z"},
      {951868800000, "2000-03-01T00:00:00.000Z"},
      {1709164800000, "2024-02-29T00:00:00.000Z"},
      {1735689599999, "2024-12-31T23:59:59.999Z"},
      {1735689600000, "2025-01-01T00:00:00.000Z"},
      {4107542400000, "2100-03-01T00:00:00.000Z"}, /* 2100 has no 29 February */
      {4107456000000, "2100-02-28T00:00:00.000Z"},
      {-2203891200000, "1900-03-01T00:00:00.000Z"},
      {-62167219200000, "0000-01-01T00:00:00.000Z"},
      {253402300799999, "9999-12-31T23:59:59.999Z"},
      {253402300800000, "9999-12-31T23:59:59.999Z"}, /* outside: the nearest inside */
      {INT64_MAX, "9999-12-31T23:59:59.999Z"},
      {INT64_MIN, "0000-01-01T00:00:00.000Z"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char out[CD_TIME_TEXT_MAX];
    memset(out, 'x', sizeof(out));
    cd_time_text(rows[i].ms, out);
    ck_assert_msg(strcmp(out, rows[i].text) == 0, "row %zu: %s", i, out);
  }
}
END_TEST

START_TEST(the_calendar_is_the_system_s)
{
  time_t long_ago = (time_t)-11676096000;
  struct tm early;
  /* There are C libraries whose calendar begins in 1970. */
  for (int64_t s = gmtime_r(&long_ago, &early) != NULL ? -11676096000 : 0; s < 32503680000;
       s += 86400 * 13 + 12345) {
    char out[CD_TIME_TEXT_MAX];
    char want[CD_TIME_TEXT_MAX];
    time_t when = (time_t)s;
    struct tm parts;
    ck_assert_ptr_nonnull(gmtime_r(&when, &parts));
    ck_assert_uint_gt(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", &parts), 0);
    cd_time_text(s * 1000, out);
    ck_assert_str_eq(out, want);
  }
}
END_TEST

START_TEST(the_monotonic_clock_never_goes_back)
{
  uint64_t last = cd_mono_us();
  for (int i = 0; i < 10000; i++) {
    uint64_t now = cd_mono_us();
    ck_assert_uint_ge(now, last);
    last = now;
  }
  uint64_t ms = cd_mono_ms();
  ck_assert_uint_ge(ms, last / 1000);
  ck_assert_uint_le(ms, cd_mono_us() / 1000);
}
END_TEST

START_TEST(the_wall_clock_is_the_system_s)
{
  int64_t before = (int64_t)time(NULL) - 1;
  int64_t now = cd_wall_ms() / 1000;
  int64_t after = (int64_t)time(NULL) + 1;
  ck_assert_int_ge(now, before);
  ck_assert_int_le(now, after);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      times_are_rfc_3339_in_utc,
      the_calendar_is_the_system_s,
      the_monotonic_clock_never_goes_back,
      the_wall_clock_is_the_system_s,
  };
  return run_suite("base.clock", tests, COUNT_OF(tests));
}
