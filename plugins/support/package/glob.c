/* Patterns with * and ?, without recursion. */
#include <string.h>

#include "package/list.h"
#include "support/utf8.h"

/* One character, or one byte of what is none. */
static size_t one(const char *text, size_t len)
{
  size_t sequence = sup_utf8_sequence(text, len);
  return sequence > 0 ? sequence : 1;
}

/* A star that did not fit takes one byte more; earlier stars never need to. */
bool col_glob_part(const char *pattern, size_t len, const char *text)
{
  size_t p = 0;
  size_t t = 0;
  size_t text_len = strlen(text);
  size_t star = len;
  size_t star_text = 0;
  while (t < text_len) {
    if (p < len && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < len && pattern[p] == '?') {
      t += one(text + t, text_len - t);
      p++;
    } else if (p < len && pattern[p] == text[t]) {
      p++;
      t++;
    } else if (star < len) {
      star_text += one(text + star_text, text_len - star_text);
      t = star_text;
      p = star + 1;
    } else {
      return false;
    }
  }
  while (p < len && pattern[p] == '*')
    p++;
  return p == len;
}

bool col_glob(const char *pattern, const char *text)
{
  return col_glob_part(pattern, strlen(pattern), text);
}
