/* The two clocks and RFC 3339 text. The calendar is computed here, because the C library's is not
 * thread-safe. */
#include "base/clock.h"

#include <uv.h>

#include <stdio.h>

#include "base/banned.h"

#define MS_PER_DAY (INT64_C(86400) * 1000)
#define YEAR_0_MS (-INT64_C(719528) * MS_PER_DAY)        /* 0000-01-01T00:00:00.000Z */
#define YEAR_9999_MS (INT64_C(2932897) * MS_PER_DAY - 1) /* 9999-12-31T23:59:59.999Z */

uint64_t cd_mono_ms(void)
{
  return uv_hrtime() / 1000000u;
}

uint64_t cd_mono_us(void)
{
  return uv_hrtime() / 1000u;
}

int64_t cd_wall_ms(void)
{
  uv_timeval64_t now = {0};
  if (uv_gettimeofday(&now) != 0)
    return 0;
  return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

static bool is_leap(int year)
{
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 0000-01-01 of the Gregorian calendar, not negative, to a date. */
static void date_of(int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
  static const int month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = (int)(day / 146097) * 400; /* 400 years are 146,097 days */
  int left = (int)(day % 146097);
  for (int days = 366; left >= days; days = is_leap(year) ? 366 : 365) {
    left -= days;
    year++;
  }
  int month = 0;
  for (;;) {
    int days = month_days[month] + (month == 1 && is_leap(year) ? 1 : 0);
    if (left < days)
      break;
    left -= days;
    month++;
  }
  *ret_year = year;
  *ret_month = month + 1;
  *ret_day = left + 1;
}

void cd_time_text(int64_t wall_ms, char out[CD_TIME_TEXT_MAX])
{
  /* RFC 3339 has four digits for the year; a time outside is shown as the nearest one inside. */
  int64_t ms = wall_ms < YEAR_0_MS ? YEAR_0_MS : wall_ms > YEAR_9999_MS ? YEAR_9999_MS : wall_ms;
  ms -= YEAR_0_MS;
  int year = 0;
  int month = 0;
  int day = 0;
  date_of(ms / MS_PER_DAY, &year, &month, &day);
  unsigned rest = (unsigned)(ms % MS_PER_DAY);
  (void)snprintf(out, CD_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                 (unsigned)year % 10000u, (unsigned)month % 100u, (unsigned)day % 100u,
                 rest / 3600000u % 100u, rest / 60000u % 60u, rest / 1000u % 60u, rest % 1000u);
}
