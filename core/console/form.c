#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/secret.h"

#include "base/banned.h"

/* Decodes in place what lies from `at` to `end`; the length that is left, or SIZE_MAX. */
static size_t decode(char *at, size_t len)
{
  size_t out = 0;
  for (size_t i = 0; i < len; i++) {
    char c = at[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      if (len - i < 3 || !cd_unhex(&c, 1, (cd_str){at + i + 1, 2}))
        return SIZE_MAX;
      i += 2;
    }
    if (c == '\0')
      return SIZE_MAX;
    at[out++] = c;
  }
  return out;
}

static cd_code add_field(con_form *f, char *at, size_t len, cd_err *err)
{
  char *sign = memchr(at, '=', len);
  size_t name_len = sign != NULL ? (size_t)(sign - at) : len;
  char *value = sign != NULL ? sign + 1 : at + len;
  size_t value_len = decode(value, len - name_len - (sign != NULL ? 1 : 0));
  name_len = decode(at, name_len);
  if (name_len == SIZE_MAX || value_len == SIZE_MAX || !cd_str_utf8_valid((cd_str){at, name_len}) ||
      !cd_str_utf8_valid((cd_str){value, value_len}))
    return cd_fail(err, CD_E_INVALID, "the form has a broken escape, or is not text in UTF-8");
  if (f->count >= CON_FORM_FIELDS)
    return cd_fail(err, CD_E_LIMIT, "the form has more than %u fields", CON_FORM_FIELDS);
  f->fields[f->count++] = (con_param){{at, name_len}, {value, value_len}};
  return CD_OK;
}

cd_code con_form_parse(cd_str body, con_form *ret_form, cd_err *err)
{
  con_form f = {0};
  cd_code rc = CD_OK;
  if (body.len > CON_FORM_MAX)
    return cd_fail(err, CD_E_LIMIT, "the form has %zu bytes, the limit is %u", body.len,
                   CON_FORM_MAX);
  f.memory = malloc(body.len + 1);
  if (f.memory == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a form");
  f.memory_len = body.len;
  if (body.len > 0)
    memcpy(f.memory, body.ptr, body.len);
  for (size_t at = 0; at < body.len && rc == CD_OK;) {
    char *end = memchr(f.memory + at, '&', body.len - at);
    size_t len = end != NULL ? (size_t)(end - f.memory) - at : body.len - at;
    if (len > 0)
      rc = add_field(&f, f.memory + at, len, err);
    at += len + 1;
  }
  if (rc != CD_OK) {
    con_form_release(&f);
    return rc;
  }
  *ret_form = f;
  return CD_OK;
}

void con_form_release(con_form *f)
{
  if (f->memory != NULL)
    cd_wipe(f->memory, f->memory_len);
  free(f->memory);
  *f = (con_form){0};
}

bool con_form_find(const con_form *f, const char *name, cd_str *ret_value)
{
  size_t found = 0;
  for (size_t i = 0; i < f->count; i++) {
    if (!cd_str_eq_cstr(f->fields[i].name, name))
      continue;
    *ret_value = f->fields[i].value;
    found++;
  }
  return found == 1;
}

void con_percent_add(cd_buf *out, cd_str s)
{
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 strchr("-._~$", c) != NULL;
    if (plain && c != '\0') {
      cd_buf_add_char(out, (char)c);
      continue;
    }
    cd_buf_add_char(out, '%');
    cd_buf_add_char(out, digits[c >> 4]);
    cd_buf_add_char(out, digits[c & 15]);
  }
}
