#include "route.h"

#include <string.h>

#include "base/banned.h"

static cd_str without_end(cd_str path)
{
  while (path.len > 0 && path.ptr[path.len - 1] == '/')
    path.len--;
  return path;
}

static bool skip_segment(cd_str *path, const char *name)
{
  cd_str rest = *path;
  cd_str first = cd_str_cut(&rest, '/');
  if (!con_same(first, cd_str_from(name)))
    return false;
  *path = rest;
  return true;
}

bool con_route_api(cd_str path, cd_str *ret_rest)
{
  path = without_end(path);
  if (path.len == 0 || path.ptr[0] != '/')
    return false;
  path = (cd_str){path.ptr + 1, path.len - 1};
  if (!skip_segment(&path, "api"))
    return false;
  (void)skip_segment(&path, "v1.0");
  *ret_rest = path;
  return true;
}

/* "findbyip()" and "FindByIp(ip='10.0.0.1')" */
static bool match_function(cd_str wanted, cd_str segment, con_match *m)
{
  cd_str name = segment;
  const char *open = segment.len > 0 ? memchr(segment.ptr, '(', segment.len) : NULL;
  if (open == NULL || segment.ptr[segment.len - 1] != ')')
    return false;
  name.len = (size_t)(open - segment.ptr);
  if (!con_same(name, (cd_str){wanted.ptr, wanted.len - 2}))
    return false;
  m->arguments = (cd_str){open + 1, segment.len - name.len - 2};
  return true;
}

static bool match_segment(cd_str wanted, cd_str segment, con_match *m)
{
  if (cd_str_ends(wanted, CD_STR("()")))
    return match_function(wanted, segment, m);
  if (!cd_str_eq_cstr(wanted, "*"))
    return con_same(wanted, segment);
  if (segment.len == 0 || m->captures >= CON_CAPTURES)
    return false;
  m->captured[m->captures++] = segment;
  return true;
}

bool con_route_match(const char *pattern, cd_str path, con_match *ret_match)
{
  con_match m = {0};
  cd_str wanted = cd_str_from(pattern);
  cd_str rest = without_end(path);
  while (wanted.len > 0 || rest.len > 0) {
    cd_str segment = cd_str_cut(&rest, '/');
    cd_str next = wanted;
    cd_str want = cd_str_cut(&next, '/');
    /* The arguments of a function may have slashes of their own. */
    if (next.len == 0 && cd_str_ends(want, CD_STR("()")) && segment.len > 0) {
      segment.len += rest.len > 0 ? rest.len + 1 : 0;
      rest = (cd_str){0};
    }
    if (want.len == 0 || !match_segment(want, segment, &m))
      return false;
    wanted = next;
  }
  *ret_match = m;
  return true;
}

cd_code con_route_arguments(cd_str text, con_param ret_arguments[CON_ARGUMENTS], size_t *ret_count,
                            cd_err *err)
{
  size_t count = 0;
  while (text.len > 0) {
    const char *sign = memchr(text.ptr, '=', text.len);
    if (sign == NULL || count >= CON_ARGUMENTS)
      return cd_fail(err, CD_E_INVALID, "The function's arguments are not name=value.");
    con_param p = {.name = {text.ptr, (size_t)(sign - text.ptr)}};
    text = (cd_str){sign + 1, text.len - p.name.len - 1};
    if (text.len > 0 && text.ptr[0] == '\'') {
      text = (cd_str){text.ptr + 1, text.len - 1};
      if (memchr(text.ptr, '\'', text.len) == NULL)
        return cd_fail(err, CD_E_INVALID, "A text in the function's arguments has no end.");
      p.value = cd_str_cut(&text, '\'');
      if (text.len > 0 && text.ptr[0] != ',')
        return cd_fail(err, CD_E_INVALID, "The function's arguments are not name=value.");
      (void)cd_str_cut(&text, ',');
    } else {
      p.value = cd_str_cut(&text, ',');
    }
    ret_arguments[count++] = p;
  }
  *ret_count = count;
  return CD_OK;
}
