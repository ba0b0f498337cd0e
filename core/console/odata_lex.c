#include "odata_private.h"

#include "base/clock.h"

#include "base/banned.h"

static bool is_letter(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool con_same(cd_str a, cd_str b)
{
  if (a.len != b.len)
    return false;
  for (size_t i = 0; i < a.len; i++) {
    if (lower(a.ptr[i]) != lower(b.ptr[i]))
      return false;
  }
  return true;
}

static cd_str take(cd_str *input, size_t len)
{
  cd_str taken = {input->ptr, len};
  *input = (cd_str){input->ptr + len, input->len - len};
  return taken;
}

static con_lexeme take_string(cd_str *input)
{
  size_t at = 1;
  for (; at < input->len; at++) {
    if (input->ptr[at] != '\'')
      continue;
    if (at + 1 < input->len && input->ptr[at + 1] == '\'') {
      at++;
      continue;
    }
    cd_str whole = take(input, at + 1);
    return (con_lexeme){CON_LEX_STRING, {whole.ptr + 1, whole.len - 2}};
  }
  return (con_lexeme){CON_LEX_BAD, take(input, input->len)};
}

/* A '+' belongs to it only as the sign of a time's zone. */
static size_t bare_length(cd_str s)
{
  bool has_clock = false;
  size_t at = 1;
  for (; at < s.len; at++) {
    char c = s.ptr[at];
    if (c == 'T' || c == 't')
      has_clock = true;
    if (!is_digit(c) && !is_letter(c) && c != '-' && c != ':' && c != '.' &&
        !(c == '+' && has_clock && at + 1 < s.len && is_digit(s.ptr[at + 1])))
      break;
  }
  return at;
}

con_lexeme con_lex_next(cd_str *input)
{
  while (input->len > 0 && (input->ptr[0] == ' ' || input->ptr[0] == '\t' || input->ptr[0] == '+'))
    (void)take(input, 1);
  if (input->len == 0)
    return (con_lexeme){.type = CON_LEX_END};
  char c = input->ptr[0];
  if (c == '\'')
    return take_string(input);
  if (c == '(' || c == ')' || c == ',' || c == ':' || c == '/')
    return (con_lexeme){CON_LEX_PUNCT, take(input, 1)};
  if (is_digit(c) || c == '-')
    return (con_lexeme){CON_LEX_BARE, take(input, bare_length(*input))};
  if (!is_letter(c))
    return (con_lexeme){CON_LEX_BAD, take(input, 1)};
  size_t len = 1;
  while (len < input->len && (is_letter(input->ptr[len]) || is_digit(input->ptr[len])))
    len++;
  return (con_lexeme){CON_LEX_NAME, take(input, len)};
}

bool con_lex_is(const con_lexeme *t, char punct)
{
  return t->type == CON_LEX_PUNCT && t->text.ptr[0] == punct;
}

/* ---- times ---- */

/* `digits` decimal digits at the front, at most `max`. */
static bool take_number(cd_str *s, size_t digits, int64_t max, int64_t *ret_number)
{
  uint64_t n = 0;
  if (s->len < digits || !cd_str_to_u64((cd_str){s->ptr, digits}, (uint64_t)max, &n))
    return false;
  *ret_number = (int64_t)n;
  (void)take(s, digits);
  return true;
}

static bool take_char(cd_str *s, char c)
{
  if (s->len == 0 || lower(s->ptr[0]) != lower(c))
    return false;
  (void)take(s, 1);
  return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar: years begin in March, so that the leap
 * day is the last one. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return 365 * y + y / 4 - y / 100 + y / 400 + of_year - 719468;
}

static bool take_date(cd_str *s, int64_t *ret_days)
{
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t year = 0;
  int64_t month = 0;
  int64_t day = 0;
  if (!take_number(s, 4, 9999, &year) || !take_char(s, '-') || !take_number(s, 2, 12, &month) ||
      !take_char(s, '-') || !take_number(s, 2, 31, &day) || year < 1 || month < 1 || day < 1)
    return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > lengths[month - 1] + (month == 2 && leap ? 1 : 0))
    return false;
  *ret_days = days_of(year, month, day);
  return true;
}

/* HH:MM[:SS[.fffffff]] in units of 100 ns. */
static bool take_clock(cd_str *s, int64_t *ret_ticks)
{
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t fraction = 0;
  if (!take_number(s, 2, 23, &hour) || !take_char(s, ':') || !take_number(s, 2, 59, &minute))
    return false;
  if (take_char(s, ':')) {
    if (!take_number(s, 2, 59, &second))
      return false;
    if (take_char(s, '.')) {
      size_t digits = 0;
      for (; s->len > 0 && is_digit(s->ptr[0]) && digits < 7; digits++)
        fraction = fraction * 10 + (take(s, 1).ptr[0] - '0');
      if (digits == 0)
        return false;
      for (; digits < 7; digits++)
        fraction *= 10;
    }
  }
  *ret_ticks = ((hour * 60 + minute) * 60 + second) * 10000000 + fraction;
  return true;
}

static bool take_zone(cd_str *s, int64_t *ret_ticks)
{
  int64_t hour = 0;
  int64_t minute = 0;
  *ret_ticks = 0;
  if (s->len == 0 || take_char(s, 'Z'))
    return true;
  int64_t sign = 0;
  if (take_char(s, '+'))
    sign = 1;
  else if (take_char(s, '-'))
    sign = -1;
  if (sign == 0 || !take_number(s, 2, 14, &hour) || !take_char(s, ':') ||
      !take_number(s, 2, 59, &minute))
    return false;
  *ret_ticks = sign * (hour * 60 + minute) * 600000000;
  return true;
}

bool con_time_parse(cd_str text, int64_t *ret_ticks)
{
  int64_t days = 0;
  int64_t clock = 0;
  int64_t zone = 0;
  if (!take_date(&text, &days))
    return false;
  if (take_char(&text, 'T') && !take_clock(&text, &clock))
    return false;
  if (!take_zone(&text, &zone) || text.len != 0)
    return false;
  *ret_ticks = days * 864000000000 + clock - zone;
  return true;
}

void con_time_text(int64_t wall_ms, char out[CON_TIME_TEXT_MAX])
{
  char short_text[CD_TIME_TEXT_MAX];
  size_t len = 0;
  cd_time_text(wall_ms, short_text);
  for (; short_text[len] != '\0' && short_text[len] != 'Z'; len++)
    out[len] = short_text[len];
  for (const char *rest = "0000Z"; *rest != '\0'; rest++)
    out[len++] = *rest;
  out[len] = '\0';
}
