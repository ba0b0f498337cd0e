#include "protocol/path.h"

#include "protocol/base64.h"

#include <string.h>

#include "base/banned.h"

#define TEXT_MAX (CD_PATH_MAX - 1)

bool cd_path_is_absolute(cd_str p)
{
  bool letter =
      p.len > 2 && ((p.ptr[0] >= 'A' && p.ptr[0] <= 'Z') || (p.ptr[0] >= 'a' && p.ptr[0] <= 'z'));
  bool drive = letter && p.ptr[1] == ':' && (p.ptr[2] == '\\' || p.ptr[2] == '/');
  return (p.len > 0 && p.ptr[0] == '/') || drive || cd_str_starts(p, CD_STR("\\\\"));
}

/* `place` has the path at `key`; NULL: it is the encoded form itself. */
static void check(cd_json *place, const char *key, const cd_path *p, bool absolute)
{
  char bytes[CD_PATH_MAX];
  if (p->text.ptr == NULL)
    return;
  if (p->text.len == 0) {
    cd_json_bad(place, key, "must not be empty");
    return;
  }
  size_t len = cd_path_bytes(p, bytes);
  if (len == 0 || memchr(bytes, '\0', len) != NULL)
    cd_json_bad(place, key, "must be the bytes of a path in base64url");
  else if (absolute && !cd_path_is_absolute((cd_str){bytes, len}))
    cd_json_bad(place, key, "must be an absolute path");
}

static void read_encoded(cd_json *obj, bool absolute, cd_path *out)
{
  cd_json_str(obj, "base64", CD_BASE64URL_LEN(TEXT_MAX), &out->text);
  out->encoded = true;
  cd_json_no_more(obj);
  check(obj, "base64", out, absolute);
}

static void read_member(cd_json *obj, const char *key, bool absolute, cd_path *out)
{
  cd_json value = {0};
  cd_json_value(obj, key, &value);
  if (cd_json_is_object(&value)) {
    read_encoded(&value, absolute, out);
    return;
  }
  cd_json_str(obj, key, TEXT_MAX, &out->text);
  check(obj, key, out, absolute);
}

static void read_element(cd_json *arr, size_t i, bool absolute, cd_path *out)
{
  cd_json value = {0};
  cd_json_at_value(arr, i, &value);
  if (cd_json_is_object(&value)) {
    read_encoded(&value, absolute, out);
    return;
  }
  cd_json_at_str(arr, i, TEXT_MAX, &out->text);
  check(&value, NULL, out, absolute);
}

void cd_path_read(cd_json *obj, const char *key, cd_path *ret_path)
{
  *ret_path = (cd_path){0};
  read_member(obj, key, false, ret_path);
}

void cd_path_read_at(cd_json *arr, size_t i, cd_path *ret_path)
{
  *ret_path = (cd_path){0};
  read_element(arr, i, false, ret_path);
}

void cd_path_read_absolute(cd_json *obj, const char *key, cd_path *ret_path)
{
  *ret_path = (cd_path){0};
  read_member(obj, key, true, ret_path);
}

void cd_path_read_absolute_at(cd_json *arr, size_t i, cd_path *ret_path)
{
  *ret_path = (cd_path){0};
  read_element(arr, i, true, ret_path);
}

size_t cd_path_bytes(const cd_path *path, char out[CD_PATH_MAX])
{
  size_t len = 0;
  out[0] = '\0';
  if (!path->encoded)
    return cd_str_copy(out, CD_PATH_MAX, path->text) ? path->text.len : 0;
  if (!cd_base64url_decode(path->text, out, TEXT_MAX, &len))
    len = 0;
  out[len] = '\0';
  return len;
}

void cd_path_write(cd_jw *w, const char *key, cd_str bytes)
{
  char text[CD_BASE64URL_LEN(TEXT_MAX) + 1];
  if (bytes.len > TEXT_MAX || cd_str_utf8_valid(bytes)) {
    cd_jw_str(w, key, bytes);
    return;
  }
  cd_base64url_text(text, bytes.ptr, bytes.len);
  cd_jw_obj(w, key);
  cd_jw_cstr(w, "base64", text);
  cd_jw_end_obj(w);
}

void cd_path_show(const cd_path *path, cd_buf *out)
{
  char bytes[CD_PATH_MAX];
  if (!path->encoded) {
    cd_buf_add_str(out, path->text);
    return;
  }
  cd_str rest = {bytes, cd_path_bytes(path, bytes)};
  while (rest.len > 0) {
    size_t step = cd_str_utf8_next(rest);
    if (step == 0)
      cd_buf_addf(out, "\\x%02x", (unsigned)(unsigned char)rest.ptr[0]);
    else if (rest.ptr[0] == '\\')
      cd_buf_add_cstr(out, "\\\\");
    else
      cd_buf_add(out, rest.ptr, step);
    step = step == 0 ? 1 : step;
    rest.ptr += step;
    rest.len -= step;
  }
}
