#include "tag_list.h"

#include "base/banned.h"

#define TAG_MAX 200u
#define COUNT_MAX 16u

static cd_str trimmed(cd_str s)
{
  while (s.len > 0 && s.ptr[0] == ' ') {
    s.ptr++;
    s.len--;
  }
  while (s.len > 0 && s.ptr[s.len - 1] == ' ')
    s.len--;
  return s;
}

cd_code ctl_tag_list_write(cd_jw *w, const char *key, const char *option, const char *text,
                           cd_err *err)
{
  cd_str rest = cd_str_from(text != NULL ? text : "");
  unsigned count = 0;
  cd_jw_arr(w, key);
  while (rest.len > 0) {
    cd_str tag = trimmed(cd_str_cut(&rest, ','));
    if (tag.len == 0 || tag.len > TAG_MAX || !cd_str_utf8_valid(tag) || ++count > COUNT_MAX)
      return cd_fail(err, CD_E_INVALID,
                     "--%s must be at most %u tags of 1 to %u bytes of UTF-8, with commas between",
                     option, COUNT_MAX, TAG_MAX);
    cd_jw_str(w, NULL, tag);
  }
  cd_jw_end_arr(w);
  return CD_OK;
}
