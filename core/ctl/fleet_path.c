/* Percent-encoding (RFC 3986, section 2). */
#include "fleet_path.h"

#include "base/banned.h"

static bool is_unreserved(char c)
{
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void fleet_path_add(cd_buf *out, cd_str text)
{
  for (size_t i = 0; i < text.len; i++) {
    if (is_unreserved(text.ptr[i]))
      cd_buf_add_char(out, text.ptr[i]);
    else
      cd_buf_addf(out, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
  }
}

void fleet_path_add_quoted(cd_buf *out, cd_str text)
{
  cd_buf_add_cstr(out, "%27");
  for (size_t i = 0; i < text.len; i++) {
    fleet_path_add(out, (cd_str){text.ptr + i, 1});
    if (text.ptr[i] == '\'')
      cd_buf_add_cstr(out, "%27");
  }
  cd_buf_add_cstr(out, "%27");
}
