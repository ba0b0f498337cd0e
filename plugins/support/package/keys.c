#include "package/keys.h"

#include <ctype.h>
#include <string.h>

static bool is_base64(char c)
{
  return isalnum((unsigned char)c) || (c != '\0' && strchr("+/=", c) != NULL);
}

/* A line of base64 alone, one that has much of it behind the time and the name of a log, or, in
 * front of the body, a header. */
static bool is_part(const col_key *k)
{
  return k->best >= COL_KEY_RUN || !k->strange || (k->header && !k->body);
}

/* False: there were too many lines that are no part. */
static bool end_line(col_key *k)
{
  bool counts = k->below && k->any;
  if (counts && is_part(k)) {
    k->body = k->body || !k->header || k->best >= COL_KEY_RUN;
    k->others = 0;
  } else if (counts) {
    k->others++;
  }
  *k = (col_key){
      .bytes = k->bytes, .below = true, .body = k->body, .others = k->others, .name = true};
  return k->others < COL_KEY_OTHERS;
}

bool col_key_takes(col_key *k, char c)
{
  if (++k->bytes >= COL_KEY_BYTES)
    return false;
  if (c == '\n')
    return end_line(k);
  if (c == ' ' || c == '\t' || c == '\r') {
    k->gap = k->any;
    k->run = 0;
    k->name = k->name && !k->any;
    return true;
  }
  k->header = k->header || (k->name && k->any && c == ':');
  k->name = k->name && (isalnum((unsigned char)c) || c == '-');
  k->run = is_base64(c) ? k->run + 1 : 0;
  k->best = k->run > k->best ? k->run : k->best;
  k->strange = k->strange || k->gap || !is_base64(c);
  k->any = true;
  return true;
}
