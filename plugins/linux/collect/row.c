/* Rows of tables, and how times are written. */
#include <stdio.h>
#include <string.h>

#include "package.h"

int64_t col_wall_ms(void)
{
  struct timespec now = {0};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void col_utc(int64_t seconds, uint32_t ms, bool with_ms, char ret_text[40])
{
  time_t when = (time_t)seconds;
  struct tm utc = {0};
  char text[24];
  ret_text[0] = '\0';
  if (gmtime_r(&when, &utc) == NULL || utc.tm_year > 8099 ||
      strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
    return;
  if (with_ms)
    (void)snprintf(ret_text, 40, "%s.%03uZ", text, (unsigned)(ms % 1000));
  else
    (void)snprintf(ret_text, 40, "%sZ", text);
}

void col_head(col_task *t, const char *columns)
{
  (void)col_puts(t, columns);
  (void)col_puts(t, "\r\n");
}

void col_text(col_task *t, const char *text)
{
  sup_csv_text(&t->csv, text);
}

void col_bytes(col_task *t, const char *bytes, size_t len)
{
  sup_csv_bytes(&t->csv, bytes, len);
}

void col_num(col_task *t, int64_t number)
{
  sup_csv_number(&t->csv, number);
}

void col_unum(col_task *t, uint64_t number)
{
  char text[24];
  (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
  sup_csv_text(&t->csv, text);
}

void col_time(col_task *t, int64_t seconds)
{
  char text[40] = "";
  if (seconds != 0)
    col_utc(seconds, 0, false, text);
  sup_csv_text(&t->csv, text);
}

void col_octal(col_task *t, uint32_t mode)
{
  char text[16];
  (void)snprintf(text, sizeof(text), "%04o", mode);
  sup_csv_text(&t->csv, text);
}

void col_flag(col_task *t, bool flag)
{
  sup_csv_text(&t->csv, flag ? "yes" : "no");
}

void col_stat(col_task *t, const struct stat *st)
{
  col_octal(t, st->st_mode & 07777);
  col_num(t, st->st_uid);
  col_num(t, st->st_gid);
  col_num(t, st->st_size);
  col_time(t, st->st_mtim.tv_sec);
  col_time(t, st->st_ctim.tv_sec);
  col_time(t, st->st_atim.tv_sec);
}

bool col_row(col_task *t)
{
  sup_csv_end(&t->csv);
  t->rows++;
  return !col_stop(t);
}

uint64_t col_rows(const col_task *t)
{
  return t->rows;
}
