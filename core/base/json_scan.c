/* Checks a JSON text against the grammar and our ceilings without building anything and without
 * recursion. */
#include "json_internal.h"

#include "base/limits.h"

#include <string.h>

#include "base/banned.h"

/* cJSON copies a number into 64 bytes before it converts it. */
#define NUMBER_TEXT_MAX 60u

_Static_assert(CD_JSON_DEPTH_MAX <= 64, "one bit per level");
_Static_assert(CD_JSON_DEPTH_MAX == 32 && CD_JSON_NODES_MAX == 100000, "the sentences name them");

typedef struct scan {
  const char *start;
  const char *at;
  const char *end;
  uint32_t depth;
  uint64_t objects; /* bit per open level: an object, else an array */
  size_t values;
  const char *what;
  cd_err *err;
} scan;

static cd_code bad(const scan *s, cd_code code, const char *why)
{
  return cd_fail(s->err, code, "%s: %s at byte %zu", s->what, why, (size_t)(s->at - s->start));
}

static int peek(const scan *s)
{
  return s->at < s->end ? (unsigned char)*s->at : -1;
}

static void skip_space(scan *s)
{
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
    s->at++;
}

static bool is_digit(int c)
{
  return c >= '0' && c <= '9';
}

/* Reads the four digits of \uXXXX that follow; false if they are not there. */
static bool take_hex4(scan *s, unsigned *ret_unit)
{
  unsigned char bytes[2];
  if (s->end - s->at < 4 || !cd_unhex(bytes, sizeof(bytes), (cd_str){s->at, 4}))
    return false;
  s->at += 4;
  *ret_unit = ((unsigned)bytes[0] << 8) | bytes[1];
  return true;
}

/* After the 'u' of an escape. Refuses U+0000 and half a surrogate pair, for which there is no text.
 */
static cd_code scan_unicode_escape(scan *s)
{
  unsigned unit = 0;
  if (!take_hex4(s, &unit))
    return bad(s, CD_E_INVALID, "\\u without four hex digits");
  if (unit == 0)
    return bad(s, CD_E_INVALID, "a NUL character in a string");
  if (unit < 0xd800 || unit > 0xdfff)
    return CD_OK;
  unsigned low = 0;
  bool pair = unit <= 0xdbff && s->end - s->at >= 2 && s->at[0] == '\\' && s->at[1] == 'u';
  if (pair)
    s->at += 2;
  if (!pair || !take_hex4(s, &low) || low < 0xdc00 || low > 0xdfff)
    return bad(s, CD_E_INVALID, "half a surrogate pair");
  return CD_OK;
}

static cd_code scan_string(scan *s)
{
  s->at++;
  for (;;) {
    int c = peek(s);
    if (c < 0)
      return bad(s, CD_E_INVALID, "a string without its end");
    if (c < 0x20)
      return bad(s, CD_E_INVALID, "a control character in a string");
    s->at++;
    if (c == '"')
      return CD_OK;
    if (c != '\\')
      continue;
    c = peek(s);
    if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL)
      return bad(s, CD_E_INVALID, "an unknown escape in a string");
    s->at++;
    if (c == 'u') {
      cd_code rc = scan_unicode_escape(s);
      if (rc != CD_OK)
        return rc;
    }
  }
}

/* Takes a run of digits; how many. */
static size_t take_digits(scan *s)
{
  const char *from = s->at;
  while (is_digit(peek(s)))
    s->at++;
  return (size_t)(s->at - from);
}

/* What is wrong with the number at s->at, or NULL with s->at behind it. */
static const char *scan_number_text(scan *s)
{
  const char *from = s->at;
  if (peek(s) == '-')
    s->at++;
  cd_str whole = {s->at, 0};
  whole.len = take_digits(s);
  if (whole.len == 0)
    return "a number without digits";
  if (whole.len > 1 && whole.ptr[0] == '0')
    return "a number with a leading zero";
  /* A double would silently become its neighbour. */
  uint64_t ignored = 0;
  if (!cd_str_to_u64(whole, CD_JSON_EXACT_MAX, &ignored))
    return "a number above 2^53, which must be a decimal string,";
  if (peek(s) == '.') {
    s->at++;
    if (take_digits(s) == 0)
      return "a number without digits after the point";
  }
  if (peek(s) == 'e' || peek(s) == 'E') {
    s->at++;
    if (peek(s) == '+' || peek(s) == '-')
      s->at++;
    if (take_digits(s) == 0)
      return "a number without digits in the exponent";
  }
  return (size_t)(s->at - from) > NUMBER_TEXT_MAX ? "a number of more than 60 characters" : NULL;
}

static cd_code scan_number(scan *s)
{
  const char *from = s->at;
  const char *why = scan_number_text(s);
  if (why == NULL)
    return CD_OK;
  s->at = from;
  return bad(s, CD_E_INVALID, why);
}

static cd_code scan_literal(scan *s)
{
  static const char *const literals[] = {"true", "false", "null"};
  for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
    size_t len = strlen(literals[i]);
    if ((size_t)(s->end - s->at) >= len && memcmp(s->at, literals[i], len) == 0) {
      s->at += len;
      return CD_OK;
    }
  }
  return bad(s, CD_E_INVALID,
             peek(s) < 0 ? "the text ends where a value should be" : "no JSON value");
}

/* The key and the colon. */
static cd_code scan_key(scan *s)
{
  skip_space(s);
  if (peek(s) != '"')
    return bad(s, CD_E_INVALID, "a key must be a string");
  cd_code rc = scan_string(s);
  if (rc != CD_OK)
    return rc;
  skip_space(s);
  if (peek(s) != ':')
    return bad(s, CD_E_INVALID, "no colon after a key");
  s->at++;
  return CD_OK;
}

/* After '{' or '['. *ret_empty: it is closed already. */
static cd_code open_level(scan *s, bool object, bool *ret_empty)
{
  if (s->depth == CD_JSON_DEPTH_MAX)
    return bad(s, CD_E_LIMIT, "nested deeper than 32 levels");
  s->at++;
  skip_space(s);
  *ret_empty = peek(s) == (object ? '}' : ']');
  if (*ret_empty) {
    s->at++;
    return CD_OK;
  }
  uint64_t bit = UINT64_C(1) << s->depth;
  s->objects = object ? s->objects | bit : s->objects & ~bit;
  s->depth++;
  return object ? scan_key(s) : CD_OK;
}

/* One value; of an object or array that is not empty only the beginning: *ret_open. */
static cd_code scan_value(scan *s, bool *ret_open)
{
  *ret_open = false;
  skip_space(s);
  if (++s->values > CD_JSON_NODES_MAX)
    return bad(s, CD_E_LIMIT, "more than 100000 values");
  int c = peek(s);
  if (c == '{' || c == '[') {
    bool empty = false;
    cd_code rc = open_level(s, c == '{', &empty);
    *ret_open = !empty;
    return rc;
  }
  if (c == '"')
    return scan_string(s);
  if (c == '-' || is_digit(c))
    return scan_number(s);
  return scan_literal(s);
}

/* After a whole value: closes levels until a comma asks for another value or all are closed. */
static cd_code after_value(scan *s)
{
  while (s->depth > 0) {
    bool object = (s->objects >> (s->depth - 1)) & 1;
    skip_space(s);
    int c = peek(s);
    if (c == ',') {
      s->at++;
      return object ? scan_key(s) : CD_OK;
    }
    if (c != (object ? '}' : ']'))
      return bad(s, CD_E_INVALID,
                 object ? "no ',' or '}' in an object" : "no ',' or ']' in an array");
    s->at++;
    s->depth--;
  }
  return CD_OK;
}

cd_code cd_json_scan(cd_str text, const char *what, cd_err *err)
{
  const char *start = text.ptr != NULL ? text.ptr : "";
  scan s = {.start = start, .at = start, .end = start + text.len, .what = what, .err = err};
  do {
    bool open = false;
    cd_code rc = scan_value(&s, &open);
    if (rc == CD_OK && !open)
      rc = after_value(&s);
    if (rc != CD_OK)
      return rc;
  } while (s.depth > 0);
  skip_space(&s);
  return s.at == s.end ? CD_OK : bad(&s, CD_E_INVALID, "something after the value");
}
