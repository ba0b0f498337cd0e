/* Lines and words. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collect.h"
#include "parse.h"

col_view col_view_of(const char *text)
{
  return (col_view){.ptr = text, .len = strlen(text)};
}

static bool is_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

col_view col_trim(col_view v)
{
  while (v.len > 0 && is_blank(v.ptr[0])) {
    v.ptr++;
    v.len--;
  }
  while (v.len > 0 && is_blank(v.ptr[v.len - 1]))
    v.len--;
  return v;
}

bool col_view_is(col_view v, const char *text)
{
  return v.len == strlen(text) && memcmp(v.ptr, text, v.len) == 0;
}

bool col_view_begins(col_view v, const char *text)
{
  size_t len = strlen(text);
  return v.len >= len && memcmp(v.ptr, text, len) == 0;
}

bool col_view_has(col_view v, const char *text)
{
  size_t len = strlen(text);
  for (size_t i = 0; i + len <= v.len; i++) {
    if (strncasecmp(v.ptr + i, text, len) == 0)
      return true;
  }
  return false;
}

int64_t col_view_number(col_view v)
{
  int64_t number = 0;
  size_t i = 0;
  for (; i < v.len && isdigit((unsigned char)v.ptr[i]); i++) {
    if (number > (INT64_MAX - 9) / 10)
      return -1;
    number = number * 10 + (v.ptr[i] - '0');
  }
  return i > 0 ? number : -1;
}

size_t col_split(col_view line, char at, col_view *ret_fields, size_t max)
{
  size_t count = 0;
  while (count < max) {
    const char *end = count + 1 < max && line.len > 0 ? memchr(line.ptr, at, line.len) : NULL;
    size_t len = end != NULL ? (size_t)(end - line.ptr) : line.len;
    ret_fields[count++] = (col_view){.ptr = line.ptr, .len = len};
    if (end == NULL)
      break;
    line.ptr += len + 1;
    line.len -= len + 1;
  }
  return count;
}

bool col_word(col_view *rest, col_view *ret_word)
{
  *rest = col_trim(*rest);
  size_t len = 0;
  while (len < rest->len && !is_blank(rest->ptr[len]))
    len++;
  *ret_word = (col_view){.ptr = rest->ptr, .len = len};
  rest->ptr += len;
  rest->len -= len;
  return len > 0;
}

static bool pair_at(col_view line, char at, col_view *ret_key, col_view *ret_value)
{
  const char *end = line.len > 0 ? memchr(line.ptr, at, line.len) : NULL;
  if (end == NULL || end == line.ptr)
    return false;
  size_t len = (size_t)(end - line.ptr);
  *ret_key = col_trim((col_view){.ptr = line.ptr, .len = len});
  *ret_value = col_trim((col_view){.ptr = end + 1, .len = line.len - len - 1});
  return ret_key->len > 0;
}

bool col_header(col_view line, col_view *ret_key, col_view *ret_value)
{
  return line.len > 0 && !is_blank(line.ptr[0]) && pair_at(line, ':', ret_key, ret_value);
}

bool col_assignment(col_view line, col_view *ret_key, col_view *ret_value)
{
  line = col_trim(line);
  if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';' || line.ptr[0] == '[')
    return false;
  return pair_at(line, '=', ret_key, ret_value);
}

col_view col_value_after(const char *text, const char *key)
{
  size_t len = strlen(key);
  for (const char *line = text; line != NULL && *line != '\0';) {
    const char *end = strchr(line, '\n');
    size_t line_len = end != NULL ? (size_t)(end - line) : strlen(line);
    if (line_len >= len && memcmp(line, key, len) == 0)
      return col_trim((col_view){.ptr = line + len, .len = line_len - len});
    line = end != NULL ? end + 1 : NULL;
  }
  return (col_view){.ptr = "", .len = 0};
}

/* ---- cron ---- */

/* A setting of the environment: a name, `=`, and no blank in the name. */
static bool is_setting(col_view line, col_view *ret_name, col_view *ret_value)
{
  if (line.len == 0 || !(isalpha((unsigned char)line.ptr[0]) || line.ptr[0] == '_' ||
                         line.ptr[0] == '"' || line.ptr[0] == '\''))
    return false;
  if (!pair_at(line, '=', ret_name, ret_value))
    return false;
  for (size_t i = 0; i < ret_name->len; i++) {
    if (is_blank(ret_name->ptr[i]))
      return false;
  }
  return true;
}

bool col_cron_read(col_view line, bool with_user, col_cron_line *ret_line)
{
  col_view word = {0};
  line = col_trim(line);
  *ret_line = (col_cron_line){.user = {.ptr = "", .len = 0}};
  if (line.len == 0 || line.ptr[0] == '#')
    return false;
  if (is_setting(line, &ret_line->schedule, &ret_line->command)) {
    ret_line->setting = true;
    return true;
  }
  col_view rest = line;
  int fields = line.ptr[0] == '@' ? 1 : 5;
  for (int i = 0; i < fields; i++) {
    if (!col_word(&rest, &word))
      return false;
  }
  ret_line->schedule = (col_view){.ptr = line.ptr, .len = (size_t)(word.ptr + word.len - line.ptr)};
  if (with_user && !col_word(&rest, &ret_line->user))
    return false;
  ret_line->command = col_trim(rest);
  return ret_line->command.len > 0;
}

/* ---- audit, XML ---- */

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static bool is_hex(col_view v)
{
  for (size_t i = 0; i < v.len; i++) {
    if (hex_digit(v.ptr[i]) < 0)
      return false;
  }
  return v.len >= 2 && v.len % 2 == 0;
}

static int64_t copy_view(col_view v, char *ret_text, size_t size)
{
  size_t len = v.len < size - 1 ? v.len : size - 1;
  if (len > 0)
    memcpy(ret_text, v.ptr, len);
  ret_text[len] = '\0';
  return (int64_t)len;
}

static int64_t take_audit_value(col_view v, bool text, char *ret_text, size_t size)
{
  if (v.len > 0 && v.ptr[0] == '"') {
    v.ptr++;
    v.len--;
    const char *end = v.len > 0 ? memchr(v.ptr, '"', v.len) : NULL;
    if (end != NULL)
      v.len = (size_t)(end - v.ptr);
    return copy_view(v, ret_text, size);
  }
  col_view word = {0};
  (void)col_word(&v, &word);
  if (!text || !is_hex(word))
    return copy_view(word, ret_text, size);
  size_t len = 0;
  for (size_t i = 0; i + 1 < word.len && len + 1 < size; i += 2) {
    char c = (char)(hex_digit(word.ptr[i]) * 16 + hex_digit(word.ptr[i + 1]));
    ret_text[len++] = c != '\0' ? c : ' ';
  }
  ret_text[len] = '\0';
  return (int64_t)len;
}

int64_t col_audit_field(col_view line, const char *name, bool text, char *ret_text, size_t size)
{
  size_t len = strlen(name);
  for (size_t i = 0; i + len < line.len; i++) {
    if ((i == 0 || line.ptr[i - 1] == ' ') && memcmp(line.ptr + i, name, len) == 0 &&
        line.ptr[i + len] == '=') {
      col_view value = {.ptr = line.ptr + i + len + 1, .len = line.len - i - len - 1};
      return take_audit_value(value, text, ret_text, size);
    }
  }
  ret_text[0] = '\0';
  return -1;
}

/* How long `a3=` or `a3[2]=` at the front is; 0: it is none. `ret_part`: of a word in parts. */
static size_t argument_name(col_view v, bool *ret_part)
{
  size_t i = 1;
  if (v.len < 3 || v.ptr[0] != 'a' || !isdigit((unsigned char)v.ptr[1]))
    return 0;
  while (i < v.len && isdigit((unsigned char)v.ptr[i]))
    i++;
  *ret_part = i + 1 < v.len && v.ptr[i] == '[' && v.ptr[i + 1] != '0';
  if (i < v.len && v.ptr[i] == '[') {
    while (i < v.len && v.ptr[i] != ']' && v.ptr[i] != ' ')
      i++;
    i++;
  }
  return i < v.len && v.ptr[i] == '=' ? i + 1 : 0;
}

bool col_audit_arguments(col_view line, char *ret_text, size_t size)
{
  col_view word;
  size_t at = 0;
  size_t end = size - sizeof(COL_CUT);
  while (at < end && col_word(&line, &word)) {
    bool part = false;
    size_t name = argument_name(word, &part);
    if (name == 0)
      continue;
    if (at > 0 && !part)
      ret_text[at++] = ' ';
    col_view value = {.ptr = word.ptr + name, .len = word.len - name};
    /* What it begins with fits always, so a word that fills the rest is one too many. */
    at += (size_t)take_audit_value(value, true, ret_text + at, end + 1 - at);
  }
  ret_text[at] = '\0';
  if (at < end)
    return true;
  memcpy(ret_text + at, COL_CUT, sizeof(COL_CUT));
  return false;
}

static size_t entity(col_view v, char *ret_char)
{
  static const struct {
    const char *text;
    char c;
  } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
    if (col_view_begins(v, entities[i].text)) {
      *ret_char = entities[i].c;
      return strlen(entities[i].text);
    }
  }
  *ret_char = v.ptr[0];
  return 1;
}

int64_t col_xml_attribute(col_view tag, const char *name, char *ret_text, size_t size)
{
  size_t name_len = strlen(name);
  size_t len = 0;
  ret_text[0] = '\0';
  for (size_t i = 1; i + name_len + 2 <= tag.len; i++) {
    if (!is_blank(tag.ptr[i - 1]) || memcmp(tag.ptr + i, name, name_len) != 0 ||
        tag.ptr[i + name_len] != '=' || tag.ptr[i + name_len + 1] != '"')
      continue;
    col_view v = {.ptr = tag.ptr + i + name_len + 2, .len = tag.len - i - name_len - 2};
    while (v.len > 0 && v.ptr[0] != '"' && len + 1 < size) {
      size_t used = entity(v, &ret_text[len++]);
      v.ptr += used;
      v.len -= used;
    }
    ret_text[len] = '\0';
    return (int64_t)len;
  }
  return -1;
}
