/* Rows of tables, and how times are written. */
#include <stdio.h>
#include <string.h>

#include "package/private.h"

static bool is_leap(int64_t year)
{
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static void put_digits(char *at, int64_t number, int digits)
{
  for (int i = digits - 1; i >= 0; i--, number /= 10)
    at[i] = (char)('0' + number % 10);
}

/* The year and what is left of its days, from days since 1970. */
static int64_t year_of(int64_t *days)
{
  int64_t year = 1970 + *days / 366;
  int64_t before = year - 1;
  int64_t first =
      (year - 1970) * 365 + (before / 4 - 492) - (before / 100 - 19) + (before / 400 - 4);
  for (int64_t len = is_leap(year) ? 366 : 365; *days - first >= len;
       len = is_leap(year) ? 366 : 365) {
    first += len;
    year++;
  }
  *days -= first;
  return year;
}

/* Tables have hundreds of thousands of times, and the C library's calls are slow. */
void col_utc(int64_t seconds, uint32_t ms, bool with_ms, char ret_text[40])
{
  static const int64_t last = 253402300799; /* of the year 9999 */
  static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  ret_text[0] = '\0';
  if (seconds < 0 || seconds > last)
    return;
  int64_t days = seconds / 86400;
  int64_t rest = seconds % 86400;
  int64_t year = year_of(&days);
  int month = 0;
  for (int64_t len = 31; days >= len;
       len = lengths[month] + (month == 1 && is_leap(year) ? 1 : 0)) {
    days -= len;
    month++;
  }
  memcpy(ret_text, "0000-00-00T00:00:00Z", 21);
  put_digits(ret_text, year, 4);
  put_digits(ret_text + 5, month + 1, 2);
  put_digits(ret_text + 8, days + 1, 2);
  put_digits(ret_text + 11, rest / 3600, 2);
  put_digits(ret_text + 14, rest / 60 % 60, 2);
  put_digits(ret_text + 17, rest % 60, 2);
  if (with_ms)
    (void)snprintf(ret_text + 19, 21, ".%03uZ", (unsigned)(ms % 1000));
}

void col_head(col_task *t, const char *columns)
{
  if (t->table != NULL) {
    col_table_head(t->table, columns);
    return;
  }
  (void)col_puts(t, columns);
  (void)col_puts(t, "\r\n");
}

void col_text(col_task *t, const char *text)
{
  if (t->table != NULL)
    col_table_bytes(t->table, text, text != NULL ? strlen(text) : 0);
  else
    sup_csv_text(&t->csv, text);
}

void col_bytes(col_task *t, const char *bytes, size_t len)
{
  if (t->table != NULL)
    col_table_bytes(t->table, bytes, len);
  else
    sup_csv_bytes(&t->csv, bytes, len);
}

void col_num(col_task *t, int64_t number)
{
  if (t->table != NULL)
    col_table_number(t->table, number);
  else
    sup_csv_number(&t->csv, number);
}

void col_unum(col_task *t, uint64_t number)
{
  if (t->table != NULL)
    col_table_unsigned(t->table, number);
  else
    sup_csv_unsigned(&t->csv, number);
}

/* Files next to each other were often changed in the same second. */
void col_time(col_task *t, int64_t seconds)
{
  col_said_time *said = &t->times[(uint64_t)seconds % COL_SAID_TIMES];
  if (seconds == 0) {
    col_plain(t, "", 0);
    return;
  }
  if (said->seconds != seconds) {
    said->seconds = seconds;
    col_utc(seconds, 0, false, said->text);
  }
  col_plain(t, said->text, strlen(said->text));
}

void col_flag(col_task *t, bool flag)
{
  if (t->table != NULL)
    col_table_flag(t->table, flag);
  else
    sup_csv_plain(&t->csv, flag ? "yes" : "no", flag ? 3 : 2);
}

void col_plain(col_task *t, const char *text, size_t len)
{
  if (t->table != NULL)
    col_table_bytes(t->table, text, len);
  else
    sup_csv_plain(&t->csv, text, len);
}

bool col_row(col_task *t)
{
  if (t->table != NULL) {
    col_table_row(t);
    return !col_stop(t);
  }
  sup_csv_end(&t->csv);
  col_settle(t);
  t->rows++;
  return !col_stop(t);
}

uint64_t col_rows(const col_task *t)
{
  return t->rows;
}
