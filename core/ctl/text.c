/* Escaping and measuring text for a terminal, and times for people. */
#include "text.h"

#include "base/banned.h"

#define FRACTION_MAX 9u /* nanoseconds */

typedef struct range {
  uint32_t first;
  uint32_t last;
} range;

/* Cc and Cf of Unicode, and what breaks a line or hides: none of these is shown as itself. */
static const range unseen[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x0600, 0x0605},
    {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},   {0x180b, 0x180f},
    {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0xfeff, 0xfeff},
    {0xfff0, 0xfffb},   {0x110bd, 0x110cd}, {0x13430, 0x1345f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

/* East Asian wide and the common emoji take two columns. */
static const range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

/* Marks that sit on the character before them. */
static const range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
    {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

#define WITHIN(point, table) within(point, table, sizeof(table) / sizeof((table)[0]))

static bool within(uint32_t point, const range *table, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (point >= table[i].first && point <= table[i].last)
      return true;
  return false;
}

/* The code point at the front of `s` and its length in bytes; length 0 if the byte there starts no
 * valid sequence. */
static uint32_t point_at(cd_str s, size_t *ret_len)
{
  static const uint8_t lead_bits[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  size_t len = cd_str_utf8_next(s);
  *ret_len = len;
  if (len == 0 || len > 4)
    return 0;
  uint32_t point = (uint8_t)s.ptr[0] & lead_bits[len];
  for (size_t i = 1; i < len; i++)
    point = (point << 6) | ((uint8_t)s.ptr[i] & 0x3f);
  return point;
}

static void add_escape(cd_buf *out, uint32_t point)
{
  switch (point) {
  case '\n': cd_buf_add_cstr(out, "\\n"); return;
  case '\r': cd_buf_add_cstr(out, "\\r"); return;
  case '\t': cd_buf_add_cstr(out, "\\t"); return;
  default: break;
  }
  if (point < 0x80)
    cd_buf_addf(out, "\\x%02x", (unsigned)point);
  else
    cd_buf_addf(out, "\\u{%x}", (unsigned)point);
}

static void add_json_escape(cd_buf *out, uint32_t point)
{
  if (point < 0x10000) {
    cd_buf_addf(out, "\\u%04x", (unsigned)point);
    return;
  }
  unsigned rest = (unsigned)point - 0x10000;
  cd_buf_addf(out, "\\u%04x\\u%04x", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
}

void ctl_text_add(cd_buf *out, cd_str s)
{
  while (s.len > 0) {
    size_t len = 0;
    uint32_t point = point_at(s, &len);
    if (len == 0) {
      cd_buf_addf(out, "\\x%02x", (unsigned)(uint8_t)s.ptr[0]);
      len = 1;
    } else if (WITHIN(point, unseen)) {
      add_escape(out, point);
    } else {
      cd_buf_add(out, s.ptr, len);
    }
    s.ptr += len;
    s.len -= len;
  }
}

void ctl_text_add_json(cd_buf *out, cd_str json)
{
  while (json.len > 0) {
    size_t len = 0;
    uint32_t point = point_at(json, &len);
    if (len == 0) {
      /* A printed document is UTF-8; should it ever not be, it stays one. */
      cd_buf_add_cstr(out, "\\ufffd");
      len = 1;
    } else if (WITHIN(point, unseen)) {
      add_json_escape(out, point);
    } else {
      cd_buf_add(out, json.ptr, len);
    }
    json.ptr += len;
    json.len -= len;
  }
}

static size_t point_width(uint32_t point)
{
  if (WITHIN(point, combining))
    return 0;
  return WITHIN(point, wide) ? 2 : 1;
}

cd_str ctl_text_fit(cd_str s, size_t columns)
{
  cd_str rest = s;
  size_t used = 0;
  while (rest.len > 0) {
    size_t len = 0;
    uint32_t point = point_at(rest, &len);
    size_t width = len == 0 ? 1 : point_width(point);
    if (used + width > columns)
      break;
    used += width;
    rest.ptr += len == 0 ? 1 : len;
    rest.len -= len == 0 ? 1 : len;
  }
  return (cd_str){s.ptr, s.len - rest.len};
}

size_t ctl_text_width(cd_str s)
{
  size_t width = 0;
  while (s.len > 0) {
    size_t len = 0;
    uint32_t point = point_at(s, &len);
    width += len == 0 ? 1 : point_width(point);
    s.ptr += len == 0 ? 1 : len;
    s.len -= len == 0 ? 1 : len;
  }
  return width;
}

/* Reads `digits` digits at `at`, at most `max`; -1 if they are none. */
static int64_t number_at(cd_str s, size_t at, size_t digits, uint64_t max)
{
  uint64_t value = 0;
  if (s.len < at + digits || !cd_str_to_u64((cd_str){s.ptr + at, digits}, max, &value))
    return -1;
  return (int64_t)value;
}

/* ".5", ".123", ".1234567" and the Z behind it, as milliseconds; -1 if it is none. The agent writes
 * three digits, the machine-action API seven. */
static int64_t fraction_at(cd_str s, size_t at)
{
  size_t digits = s.len - at - 2;
  int64_t ms = 0;
  if (s.ptr[at] != '.' || digits == 0 || digits > FRACTION_MAX ||
      number_at(s, at + 1, digits, UINT64_MAX) < 0)
    return -1;
  for (size_t i = 0; i < 3; i++)
    ms = ms * 10 + (i < digits ? s.ptr[at + 1 + i] - '0' : 0);
  return ms;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, for years from 0 on: years
 * are counted from March, so that the leap day is the last of its year. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool ctl_time_read(cd_str s, int64_t *ret_ms)
{
  static const char shape[] = "0000-00-00T00:00:00";
  if (s.len < sizeof(shape) || s.ptr[s.len - 1] != 'Z')
    return false;
  for (size_t i = 0; i < sizeof(shape) - 1; i++)
    if (shape[i] != '0' && s.ptr[i] != shape[i])
      return false;
  int64_t part[6] = {
      number_at(s, 0, 4, 9999), number_at(s, 5, 2, 12),  number_at(s, 8, 2, 31),
      number_at(s, 11, 2, 23),  number_at(s, 14, 2, 59), number_at(s, 17, 2, 60),
  };
  int64_t ms = 0;
  if (s.len > sizeof(shape))
    ms = fraction_at(s, sizeof(shape) - 1);
  for (size_t i = 0; i < 6; i++)
    if (part[i] < 0)
      return false;
  if (ms < 0 || part[1] == 0 || part[2] == 0)
    return false;
  int64_t days = days_to(part[0], part[1], part[2]);
  *ret_ms = (((days * 24 + part[3]) * 60 + part[4]) * 60 + part[5]) * 1000 + ms;
  return true;
}

void ctl_time_add(cd_buf *out, cd_str s)
{
  int64_t ms = 0;
  if (!ctl_time_read(s, &ms)) {
    ctl_text_add(out, s);
    return;
  }
  cd_buf_add(out, s.ptr, 10);
  cd_buf_add_char(out, ' ');
  cd_buf_add(out, s.ptr + 11, 8);
  cd_buf_add_char(out, 'Z');
}

void ctl_time_add_age(cd_buf *out, cd_str s, int64_t now_ms)
{
  int64_t ms = 0;
  if (!ctl_time_read(s, &ms) || ms > now_ms + 1000) {
    ctl_time_add(out, s);
    return;
  }
  long long seconds = now_ms > ms ? (now_ms - ms) / 1000 : 0;
  if (seconds < 120)
    cd_buf_addf(out, "%lld s ago", seconds);
  else if (seconds < 120 * 60)
    cd_buf_addf(out, "%lld min ago", seconds / 60);
  else if (seconds < 48 * 3600)
    cd_buf_addf(out, "%lld h ago", seconds / 3600);
  else
    cd_buf_addf(out, "%lld days ago", seconds / 86400);
}

void ctl_time_add_span(cd_buf *out, int64_t span_ms)
{
  long long ms = span_ms > 0 ? span_ms : 0;
  if (ms < 1000)
    cd_buf_addf(out, "%lld ms", ms);
  else if (ms < 120 * 1000)
    cd_buf_addf(out, "%lld.%lld s", ms / 1000, ms % 1000 / 100);
  else
    cd_buf_addf(out, "%lld min", ms / 60000);
}
