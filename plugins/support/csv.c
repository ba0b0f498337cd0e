#include "support/csv.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/utf8.h"

/* So many blanks are taken for a formula, whatever is behind them. */
enum { BLANKS_MAX = 256 };

void sup_csv_init(sup_csv *c, sup_csv_fn *put, void *data)
{
  c->put = put;
  c->data = data;
  c->fields = 0;
  c->used = 0;
}

static void flush(sup_csv *c)
{
  if (c->used > 0)
    c->put(c->data, c->buffer, c->used);
  c->used = 0;
}

static void add(sup_csv *c, const char *bytes, size_t len)
{
  if (len > sizeof(c->buffer) - c->used)
    flush(c);
  memcpy(c->buffer + c->used, bytes, len);
  c->used += len;
}

static bool begins_formula(const char *bytes, size_t len)
{
  static const char *const wide[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
                                     "\xef\xbc\xa0"};
  if (len == 0)
    return false;
  if (memchr("=+-@", bytes[0], 4) != NULL)
    return true;
  for (size_t i = 0; i < 4; i++) {
    if (len >= 3 && memcmp(bytes, wide[i], 3) == 0)
      return true;
  }
  return false;
}

static bool is_formula(const char *bytes, size_t len)
{
  return len > 0 && (memchr("\t\r'", bytes[0], 3) != NULL || begins_formula(bytes, len));
}

/* A spreadsheet may be told that semicolons or tabs stand between fields, or be so by its language:
 * then a formula may begin behind one, or with the line that it takes for a row. */
static bool separates_formula(const char *bytes, size_t len)
{
  if (memchr(";\t\n\r", bytes[0], 4) == NULL)
    return false;
  size_t i = 1;
  while (i < len && i <= BLANKS_MAX && memchr(" \t\n\r\"'", bytes[i], 6) != NULL)
    i++;
  return i > BLANKS_MAX || begins_formula(bytes + i, len - i);
}

static bool wants_quotes(const char *bytes, size_t len)
{
  if (len == 0)
    return false;
  if (bytes[0] == ' ' || bytes[len - 1] == ' ')
    return true;
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] == ',' || bytes[i] == '"' || bytes[i] == '\r' || bytes[i] == '\n')
      return true;
  }
  return false;
}

/* How many bytes at the front are written as they are: most are. */
static size_t plain_run(const char *bytes, size_t len)
{
  size_t max = len < SUP_CSV_BUFFER / 2 ? len : SUP_CSV_BUFFER / 2;
  size_t i = 0;
  while (i < max && bytes[i] >= ' ' && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\' &&
         bytes[i] != ';')
    i++;
  return i;
}

/* How the front of the bytes is written, as it is or as an escape; how many bytes that took. */
static size_t next_piece(const char *bytes, size_t len, char ret_piece[8], size_t *ret_len)
{
  size_t used = sup_utf8_sequence(bytes, len);
  unsigned char c = (unsigned char)bytes[0];
  bool plain =
      used > 1 || (used == 1 && c >= ' ' && c != 0x7f) || c == '\t' || c == '\n' || c == '\r';
  if (c == '\\' && len > 1 && bytes[1] == 'x')
    plain = false;
  if (plain && separates_formula(bytes, len))
    plain = false;
  if (plain) {
    memcpy(ret_piece, bytes, used);
    *ret_len = used;
    return used;
  }
  *ret_len = (size_t)snprintf(ret_piece, 8, "\\x%02x", c);
  return 1;
}

/* Whether it is written as it is: letters, digits and most signs, no blank at an end. Tables are
 * made of little else, and have millions of fields. */
static bool is_plain(const char *bytes, size_t len)
{
  /* A bit for each of the signs from blank to `?`, and from `@` to `~`. */
  static const uint64_t low = 0xffffffff00000000 & ~(1ull << '"' | 1ull << ',' | 1ull << ';');
  static const uint64_t high = 0x7fffffffffffffff & ~(1ull << ('\\' - 64));
  uint64_t all = 1;
  if (len == 0)
    return true;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)bytes[i];
    all &= (c < 64 ? low : c < 128 ? high : 0) >> (c % 64);
  }
  return all != 0 && memchr(" =+-@'", bytes[0], 6) == NULL && bytes[len - 1] != ' ';
}

void sup_csv_plain(sup_csv *c, const char *text, size_t len)
{
  if (len >= sizeof(c->buffer) - c->used)
    flush(c);
  if (c->fields++ > 0)
    c->buffer[c->used++] = ',';
  memcpy(c->buffer + c->used, text, len);
  c->used += len;
}

void sup_csv_bytes(sup_csv *c, const char *bytes, size_t len)
{
  if (len <= SUP_CSV_PLAIN && is_plain(bytes, len)) {
    sup_csv_plain(c, bytes, len);
    return;
  }
  bool quotes = wants_quotes(bytes, len);
  if (c->fields++ > 0)
    add(c, ",", 1);
  if (quotes)
    add(c, "\"", 1);
  if (is_formula(bytes, len))
    add(c, "'", 1);
  while (len > 0) {
    char piece[8];
    size_t piece_len = 0;
    size_t used = plain_run(bytes, len);
    if (used > 0) {
      add(c, bytes, used);
      bytes += used;
      len -= used;
      continue;
    }
    used = next_piece(bytes, len, piece, &piece_len);
    if (bytes[0] == '"')
      add(c, "\"", 1);
    add(c, piece, piece_len);
    bytes += used;
    len -= used;
  }
  if (quotes)
    add(c, "\"", 1);
}

void sup_csv_text(sup_csv *c, const char *text)
{
  sup_csv_bytes(c, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

void sup_csv_unsigned(sup_csv *c, uint64_t number)
{
  char digits[20];
  size_t at = sizeof(digits);
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  sup_csv_plain(c, digits + at, sizeof(digits) - at);
}

void sup_csv_number(sup_csv *c, int64_t number)
{
  char text[24];
  if (number >= 0) {
    sup_csv_unsigned(c, (uint64_t)number);
    return;
  }
  int len = snprintf(text, sizeof(text), "%lld", (long long)number);
  sup_csv_plain(c, text, (size_t)len);
}

void sup_csv_end(sup_csv *c)
{
  add(c, "\r\n", 2);
  c->fields = 0;
  flush(c);
}

void sup_csv_escape(const char *bytes, size_t len, char *ret_text, size_t size)
{
  size_t at = 0;
  while (len > 0) {
    char piece[8];
    size_t piece_len = 0;
    size_t used = next_piece(bytes, len, piece, &piece_len);
    if (piece_len >= size - at)
      break;
    memcpy(ret_text + at, piece, piece_len);
    at += piece_len;
    bytes += used;
    len -= used;
  }
  ret_text[at] = '\0';
}
