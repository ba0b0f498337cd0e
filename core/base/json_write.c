/* The JSON writer, and printing of parsed values through it. */
#include "json_internal.h"

#include "base/clock.h"
#include "base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

_Static_assert(CD_JSON_DEPTH_MAX <= 64, "one bit per level");

void cd_jw_init(cd_jw *w, cd_buf *out)
{
  *w = (cd_jw){.out = out};
}

static void write_text(cd_jw *w, cd_str s);

/* The comma and the key in front of a value. A key is for objects only, and the root is one value.
 */
static void begin(cd_jw *w, const char *key)
{
  bool in_object = w->depth > 0 && ((w->objects >> (w->depth - 1)) & 1) != 0;
  if (in_object != (key != NULL) || (w->depth == 0 && w->comma))
    w->misused = true;
  if (w->comma && w->depth > 0)
    cd_buf_add_char(w->out, ',');
  w->comma = true;
  if (key == NULL)
    return;
  write_text(w, cd_str_from(key));
  cd_buf_add_char(w->out, ':');
}

static void open_level(cd_jw *w, const char *key, bool object)
{
  begin(w, key);
  if (w->depth >= CD_JSON_DEPTH_MAX) {
    w->misused = true;
    return;
  }
  cd_buf_add_char(w->out, object ? '{' : '[');
  uint64_t bit = UINT64_C(1) << w->depth;
  w->objects = object ? w->objects | bit : w->objects & ~bit;
  w->depth++;
  w->comma = false;
}

static void close_level(cd_jw *w, bool object)
{
  if (w->misused)
    return;
  if (w->depth == 0 || (((w->objects >> (w->depth - 1)) & 1) != 0) != object) {
    w->misused = true;
    return;
  }
  w->depth--;
  w->comma = true;
  cd_buf_add_char(w->out, object ? '}' : ']');
}

void cd_jw_obj(cd_jw *w, const char *key)
{
  open_level(w, key, true);
}

void cd_jw_end_obj(cd_jw *w)
{
  close_level(w, true);
}

void cd_jw_arr(cd_jw *w, const char *key)
{
  open_level(w, key, false);
}

void cd_jw_end_arr(cd_jw *w)
{
  close_level(w, false);
}

/* The escape of one byte that may not stand in a string as it is, or NULL. */
static const char *escape_of(unsigned char c, char scratch[8])
{
  switch (c) {
  case '"': return "\\\"";
  case '\\': return "\\\\";
  case '\n': return "\\n";
  case '\r': return "\\r";
  case '\t': return "\\t";
  case '\0': return "\xef\xbf\xbd"; /* our own reader refuses \u0000 */
  default: break;
  }
  if (c >= 0x20)
    return NULL;
  (void)snprintf(scratch, 8, "\\u%04x", c);
  return scratch;
}

static void write_text(cd_jw *w, cd_str s)
{
  cd_buf_add_char(w->out, '"');
  size_t plain = 0; /* bytes from s.ptr that need no change */
  while (plain < s.len && w->out->failed == CD_OK) {
    char scratch[8];
    size_t n = cd_str_utf8_next((cd_str){s.ptr + plain, s.len - plain});
    const char *other = n == 0 ? "\xef\xbf\xbd" : escape_of((unsigned char)s.ptr[plain], scratch);
    if (other == NULL) {
      plain += n;
      continue;
    }
    cd_buf_add(w->out, s.ptr, plain);
    cd_buf_add_cstr(w->out, other);
    s = (cd_str){s.ptr + plain + 1, s.len - plain - 1};
    plain = 0;
  }
  cd_buf_add(w->out, s.ptr, plain);
  cd_buf_add_char(w->out, '"');
}

void cd_jw_str(cd_jw *w, const char *key, cd_str s)
{
  begin(w, key);
  write_text(w, s);
}

void cd_jw_cstr(cd_jw *w, const char *key, const char *s)
{
  if (s == NULL)
    cd_jw_null(w, key);
  else
    cd_jw_str(w, key, cd_str_from(s));
}

void cd_jw_strf(cd_jw *w, const char *key, const char *fmt, ...)
{
  cd_buf text = CD_BUF_INIT(w->out->max);
  va_list args;
  va_start(args, fmt);
  cd_buf_addv(&text, fmt, args);
  va_end(args);
  if (text.failed != CD_OK)
    cd_buf_fail(w->out, text.failed);
  cd_jw_str(w, key, cd_buf_view(&text));
  cd_buf_release(&text);
}

void cd_jw_u64(cd_jw *w, const char *key, uint64_t v)
{
  begin(w, key);
  const char *quote = v > CD_JSON_EXACT_MAX ? "\"" : "";
  cd_buf_addf(w->out, "%s%" PRIu64 "%s", quote, v, quote);
}

void cd_jw_i64(cd_jw *w, const char *key, int64_t v)
{
  begin(w, key);
  bool exact = v >= -(int64_t)CD_JSON_EXACT_MAX && v <= (int64_t)CD_JSON_EXACT_MAX;
  const char *quote = exact ? "" : "\"";
  cd_buf_addf(w->out, "%s%" PRId64 "%s", quote, v, quote);
}

static void write_literal(cd_jw *w, const char *key, const char *literal)
{
  begin(w, key);
  cd_buf_add_cstr(w->out, literal);
}

void cd_jw_bool(cd_jw *w, const char *key, bool v)
{
  write_literal(w, key, v ? "true" : "false");
}

void cd_jw_null(cd_jw *w, const char *key)
{
  write_literal(w, key, "null");
}

void cd_jw_time(cd_jw *w, const char *key, int64_t wall_ms)
{
  if (wall_ms == 0) {
    cd_jw_null(w, key);
    return;
  }
  char text[CD_TIME_TEXT_MAX];
  cd_time_text(wall_ms, text);
  cd_jw_cstr(w, key, text);
}

void cd_jw_raw(cd_jw *w, const char *key, cd_str json)
{
  if (json.len == 0) {
    cd_jw_null(w, key);
    return;
  }
  begin(w, key);
  cd_buf_add_str(w->out, json);
}

/* ---- printing what was parsed ---- */

/* The shortest of three precisions that reads back as the same double. Above 2^53 always with an
 * exponent, because the reader refuses whole numbers that are larger. The C library writes the
 * decimal point of the locale. */
static void write_double(cd_jw *w, double d)
{
  char text[64];
  if (cd_json_is_whole(d)) {
    cd_buf_addf(w->out, "%" PRId64, (int64_t)d);
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    (void)snprintf(text, sizeof(text), "%.*g", digits, d);
    if (!cd_json_is_exact(d) && strchr(text, 'e') == NULL)
      (void)snprintf(text, sizeof(text), "%.*e", digits - 1, d);
    if (strtod(text, NULL) == d)
      break;
  }
  static const char plain[] = "+-0123456789e";
  size_t head = strspn(text, plain);
  size_t point = strcspn(text + head, plain);
  cd_buf_add(w->out, text, head);
  if (point > 0)
    cd_buf_add_char(w->out, '.');
  cd_buf_add_cstr(w->out, text + head + point);
}

/* The reader has bounded the depth of the recursion. */
static void write_node(cd_jw *w, const char *key, const cJSON *node)
{
  if (cJSON_IsObject(node) || cJSON_IsArray(node)) {
    bool object = cJSON_IsObject(node);
    open_level(w, key, object);
    for (const cJSON *c = node->child; c != NULL && !w->misused; c = c->next)
      write_node(w, object ? c->string : NULL, c);
    close_level(w, object);
  } else if (cJSON_IsString(node)) {
    cd_jw_cstr(w, key, node->valuestring);
  } else if (cJSON_IsNumber(node)) {
    begin(w, key);
    write_double(w, node->valuedouble);
  } else if (cJSON_IsBool(node)) {
    cd_jw_bool(w, key, cJSON_IsTrue(node));
  } else {
    cd_jw_null(w, key);
  }
}

void cd_jw_value(cd_jw *w, const char *key, const cd_json *value)
{
  if (value->node == NULL)
    cd_jw_null(w, key);
  else
    write_node(w, key, value->node);
}

void cd_jw_members(cd_jw *w, const cd_json *obj, const char *except)
{
  const cJSON *node = obj->node;
  for (const cJSON *c = node != NULL ? node->child : NULL; c != NULL; c = c->next) {
    if (except == NULL || strcmp(c->string, except) != 0)
      write_node(w, c->string, c);
  }
}

void cd_json_print(const cd_json *value, cd_buf *out)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_value(&w, NULL, value);
}

static const cJSON *member(const cJSON *obj, const char *key)
{
  return cJSON_GetObjectItemCaseSensitive(obj, key);
}

/* As deep as the documents are, which the parser has bounded. */
static void write_joined(cd_jw *w, const char *key, const cJSON *under, const cJSON *over)
{
  if (!cJSON_IsObject(under) || !cJSON_IsObject(over)) {
    write_node(w, key, over);
    return;
  }
  cd_jw_obj(w, key);
  for (const cJSON *c = under->child; c != NULL; c = c->next) {
    const cJSON *by = member(over, c->string);
    if (by != NULL)
      write_joined(w, c->string, c, by);
    else
      write_node(w, c->string, c);
  }
  for (const cJSON *c = over->child; c != NULL; c = c->next) {
    if (member(under, c->string) == NULL)
      write_node(w, c->string, c);
  }
  cd_jw_end_obj(w);
}

void cd_json_overlay(const cd_json *under, const cd_json *over, cd_buf *out)
{
  cd_jw w;
  cd_jw_init(&w, out);
  if (under->node == NULL || over->node == NULL)
    cd_jw_value(&w, NULL, over->node != NULL ? over : under);
  else
    write_joined(&w, NULL, under->node, over->node);
}

cd_code cd_jw_done(cd_jw *w, const char *what, cd_err *err)
{
  if (w->out->failed != CD_OK)
    return cd_buf_status(w->out, what, err);
  if (w->misused || w->depth > 0 || !w->comma)
    return cd_fail(err, CD_E_INTERNAL, "%s was written as unbalanced JSON", what);
  return CD_OK;
}
