/* What is a secret in a line of settings, and what at writes in front of a job. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "listing.h"
#include "parse.h"

static const char hidden[] = "***";

static bool is_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_one_of(char c, const char *set)
{
  return c != '\0' && strchr(set, c) != NULL;
}

static bool is_name(char c)
{
  return isalnum((unsigned char)c) || is_one_of(c, "_.-");
}

static char at(col_view v, size_t i)
{
  return i < v.len ? v.ptr[i] : '\0';
}

bool col_is_secret(col_view name)
{
  static const char *const words[] = {"pass", "pwd", "secret", "token", "key", "cred", "auth"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (col_view_has(name, words[i]))
      return true;
  }
  return false;
}

/* Whether a word is followed by its secret with no more than a blank between. Fewer are than before
 * `=`: `auth required` is no secret. */
static bool ends_with_secret(col_view name)
{
  static const char *const words[] = {"password",   "passwd",  "secret", "token",
                                      "passphrase", "api_key", "apikey"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    size_t len = strlen(words[i]);
    if (name.len >= len && strncasecmp(name.ptr + name.len - len, words[i], len) == 0)
      return true;
  }
  return false;
}

static size_t skip_blanks(col_view v, size_t i)
{
  while (i < v.len && is_blank(v.ptr[i]))
    i++;
  return i;
}

/* Where the quote that is open at `i` is closed; the end if it is not. */
static size_t closing(col_view v, size_t i, char quote)
{
  while (i < v.len && v.ptr[i] != quote)
    i += v.ptr[i] == '\\' && quote == '"' ? 2 : 1;
  return i < v.len ? i : v.len;
}

/* Where a value without a quote in front ends. What is quoted within belongs to it, but for the
 * quote that is around all of it. */
static size_t plain_end(col_view v, size_t i, char around)
{
  while (i < v.len && !is_blank(v.ptr[i]) && !is_one_of(v.ptr[i], ";,&")) {
    char c = v.ptr[i];
    if (around != '\0' && c == around)
      break;
    if (c == '"' || c == '\'')
      i = closing(v, i + 1, c);
    i += c == '\\' && at(v, i + 1) != around ? 2 : 1;
  }
  return i < v.len ? i : v.len;
}

typedef struct line {
  col_view v;
  char around;    /* the quote that is open */
  bool first;     /* right behind that quote */
  size_t no_user; /* up to there no address has a user */
} line;

/* Of a name that ends at `end`, where its secret begins and ends. False: it has none. */
static bool find_value(line *l, size_t begin, size_t end, size_t *ret_from, size_t *ret_to)
{
  col_view v = l->v;
  col_view name = {.ptr = v.ptr + begin, .len = end - begin};
  size_t quoted = end + (l->first && at(v, end) == l->around ? 1 : 0);
  size_t i = skip_blanks(v, quoted);
  bool assigned = at(v, i) == '=' || (at(v, i) == ':' && at(v, i + 1) != '/');
  bool apart = i > quoted;
  if (assigned ? !col_is_secret(name) : !apart || !ends_with_secret(name))
    return false;
  while (assigned && is_one_of(at(v, i), "=:+"))
    i++;
  size_t from = skip_blanks(v, i);
  apart = apart || from > i;
  char c = at(v, from);
  if (quoted > end)
    l->around = '\0';
  if ((c == '"' || c == '\'') && c != l->around) {
    *ret_from = from + 1;
    *ret_to = closing(v, from + 1, c);
  } else {
    *ret_from = from;
    *ret_to = l->first && quoted == end                ? closing(v, from, l->around)
              : assigned && apart && l->around == '\0' ? v.len
                                                       : plain_end(v, from, l->around);
  }
  return *ret_to > *ret_from;
}

/* The same of an address that begins with `://` at `i`: who it is for is up to its last `@`. */
static bool find_user(line *l, size_t i, size_t *ret_from, size_t *ret_to)
{
  col_view v = l->v;
  bool found = false;
  size_t end = i + 3;
  *ret_from = end;
  if (i < l->no_user)
    return false;
  for (; end < v.len && !is_blank(v.ptr[end]) && !is_one_of(v.ptr[end], "\"'"); end++) {
    if (v.ptr[end] == '@') {
      *ret_to = end;
      found = true;
    }
  }
  l->no_user = end;
  return found && *ret_to > *ret_from;
}

/* What is hidden next: from and to. `ret_next` is how far was looked where nothing is. */
static bool next_secret(line *l, size_t i, size_t *ret_from, size_t *ret_to, size_t *ret_next)
{
  col_view v = l->v;
  char c = v.ptr[i];
  *ret_next = i + 1;
  if (c == ':' && at(v, i + 1) == '/' && at(v, i + 2) == '/')
    return find_user(l, i, ret_from, ret_to);
  if (c == '"' || c == '\'') {
    if (l->around == '\0' || l->around == c)
      l->around = l->around == '\0' ? c : '\0';
    l->first = l->around == c;
    return false;
  }
  bool found = false;
  if (is_name(c)) {
    size_t end = i;
    while (end < v.len && is_name(v.ptr[end]))
      end++;
    bool reference = i > 0 && is_one_of(v.ptr[i - 1], "${");
    found = !reference && find_value(l, i, end, ret_from, ret_to);
    *ret_next = end;
  }
  l->first = false;
  return found;
}

static bool add(char *text, size_t size, size_t *len, const char *bytes, size_t count)
{
  if (count >= size - *len)
    return false;
  memcpy(text + *len, bytes, count);
  *len += count;
  return true;
}

size_t col_mask(col_view whole, char *ret_text, size_t size)
{
  line l = {.v = whole};
  size_t len = 0;
  for (size_t i = 0; i < whole.len;) {
    size_t from = 0;
    size_t to = 0;
    size_t next = i;
    bool secret = next_secret(&l, i, &from, &to, &next);
    if (!add(ret_text, size, &len, whole.ptr + i, (secret ? from : next) - i) ||
        (secret && !add(ret_text, size, &len, hidden, strlen(hidden))))
      break;
    i = secret ? to : next;
    if (secret && is_one_of(whole.ptr[from - 1], "\"'") && at(whole, to) == whole.ptr[from - 1] &&
        add(ret_text, size, &len, whole.ptr + to, 1))
      i++;
  }
  ret_text[len] = '\0';
  return len;
}

void col_masked(col_task *t, col_view v)
{
  size_t size = 3 * v.len + sizeof(hidden);
  char *text = malloc(size);
  if (text == NULL)
    col_cap(t, "there was no memory for a line");
  col_bytes(t, text, text != NULL ? col_mask(v, text, size) : 0);
  free(text);
}

bool col_is_private_key(col_view v)
{
  return col_view_has(v, "-----BEGIN ") && col_view_has(v, "PRIVATE KEY");
}

/* ---- at ---- */

/* How much of the front is a value as at writes it: what means something to a shell has a backslash
 * before it. */
static size_t at_value(col_view v, size_t i)
{
  while (i < v.len && !is_blank(v.ptr[i]) && !is_one_of(v.ptr[i], ";&|<>()$`'\""))
    i += v.ptr[i] == '\\' ? 2 : 1;
  return i < v.len ? i : v.len;
}

bool col_at_sets(col_view v, bool *in_value)
{
  static const char export[] = "; export ";
  size_t i = 0;
  bool was_in = *in_value;
  *in_value = false;
  if (was_in && at(v, 0) != '"')
    return false;
  if (was_in) {
    i = 1;
  } else {
    while (i < v.len && (isalnum((unsigned char)v.ptr[i]) || v.ptr[i] == '_'))
      i++;
    if (i == 0 || at(v, i) != '=' || col_view_begins(v, "LD_"))
      return false;
    i++;
  }
  i = at_value(v, i);
  *in_value = at(v, i) == '"' && i + 1 == v.len;
  if (*in_value)
    return true;
  col_view rest = {.ptr = v.ptr + i, .len = v.len - i};
  if (!col_view_begins(rest, export))
    return false;
  rest.ptr += sizeof(export) - 1;
  rest.len -= sizeof(export) - 1;
  rest = col_trim(rest);
  for (size_t n = 0; n < rest.len; n++) {
    if (!isalnum((unsigned char)rest.ptr[n]) && rest.ptr[n] != '_')
      return false;
  }
  return rest.len > 0 && (was_in || (rest.len < v.len && v.ptr[rest.len] == '=' &&
                                     memcmp(v.ptr, rest.ptr, rest.len) == 0));
}
