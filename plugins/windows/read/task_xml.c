#include "task_xml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/utf16.h"

typedef struct reader {
  const char *at;
  const char *end;
  unsigned depth;
  char names[TASK_XML_DEPTH][TASK_XML_NAME];
  win_task *task;
} reader;

/* ---- texts ---- */

static void add(win_task *task, char *to, size_t size, const char *text, size_t len)
{
  size_t used = strlen(to);
  if (len >= size - used) {
    task->cut = true;
    len = size - 1 - used;
    /* Never half a character. */
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
      len--;
  }
  memcpy(to + used, text, len);
  to[used + len] = '\0';
}

static void add_word(win_task *task, char *to, size_t size, const char *before, const char *text,
                     size_t len)
{
  if (to[0] != '\0')
    add(task, to, size, before, strlen(before));
  add(task, to, size, text, len);
}

/* The character of `&name;` at `text`, which has `len` bytes up to and with the semicolon. How many
 * bytes of UTF-8, 0: it is none. */
static size_t entity(const char *text, size_t len, char ret_bytes[4])
{
  static const struct {
    const char *name;
    char c;
  } named[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
    if (strlen(named[i].name) == len && memcmp(text, named[i].name, len) == 0) {
      ret_bytes[0] = named[i].c;
      return 1;
    }
  }
  if (len < 4 || text[1] != '#')
    return 0;
  bool hex = text[2] == 'x';
  uint32_t c = 0;
  for (size_t i = hex ? 3 : 2; i < len - 1; i++) {
    char d = text[i];
    uint32_t digit = d >= '0' && d <= '9'          ? (uint32_t)(d - '0')
                     : hex && d >= 'a' && d <= 'f' ? (uint32_t)(d - 'a' + 10)
                     : hex && d >= 'A' && d <= 'F' ? (uint32_t)(d - 'A' + 10)
                                                   : 99;
    c = c * (hex ? 16 : 10) + digit;
    if (digit == 99 || c > 0x10ffff)
      return 0;
  }
  if (c == 0 || (c >= 0xd800 && c < 0xe000))
    return 0;
  unsigned char units[4];
  size_t count = 1;
  uint32_t high = c;
  char utf8[8];
  if (c >= 0x10000) {
    high = 0xd800 + ((c - 0x10000) >> 10);
    uint32_t low = 0xdc00 + ((c - 0x10000) & 0x3ff);
    units[2] = (unsigned char)low;
    units[3] = (unsigned char)(low >> 8);
    count = 2;
  }
  units[0] = (unsigned char)high;
  units[1] = (unsigned char)(high >> 8);
  size_t made = sup_utf16_bytes(units, count, utf8, sizeof(utf8), NULL);
  memcpy(ret_bytes, utf8, made);
  return made;
}

/* In place: it only gets shorter. */
static size_t decode(char *text, size_t len)
{
  size_t to = 0;
  for (size_t i = 0; i < len;) {
    char bytes[4];
    const char *semicolon =
        text[i] == '&' ? memchr(text + i, ';', len - i < 12 ? len - i : 12) : NULL;
    size_t took = semicolon != NULL ? (size_t)(semicolon - (text + i)) + 1 : 1;
    size_t made = semicolon != NULL ? entity(text + i, took, bytes) : 0;
    if (made == 0) {
      text[to++] = text[i++];
      continue;
    }
    memcpy(text + to, bytes, made);
    to += made;
    i += took;
  }
  return to;
}

/* ---- what the document says ---- */

/* Whether the open elements are these, from the outermost; `*` is any. */
static bool is_at(const reader *r, const char *const *path, unsigned count)
{
  if (r->depth != count)
    return false;
  for (unsigned i = 0; i < count; i++) {
    if (strcmp(path[i], "*") != 0 && strcmp(path[i], r->names[i]) != 0)
      return false;
  }
  return true;
}

static void take_simple(reader *r, const char *text, size_t len)
{
  win_task *k = r->task;
  const struct {
    const char *path[4];
    unsigned count;
    char *to;
    size_t size;
  } texts[] = {
      {{"Task", "RegistrationInfo", "URI"}, 3, k->uri, sizeof(k->uri)},
      {{"Task", "RegistrationInfo", "Author"}, 3, k->author, sizeof(k->author)},
      {{"Task", "RegistrationInfo", "Date"}, 3, k->date, sizeof(k->date)},
      {{"Task", "RegistrationInfo", "Description"}, 3, k->description, sizeof(k->description)},
      {{"Task", "Principals", "Principal", "UserId"}, 4, k->user, sizeof(k->user)},
      {{"Task", "Principals", "Principal", "GroupId"}, 4, k->user, sizeof(k->user)},
      {{"Task", "Principals", "Principal", "LogonType"}, 4, k->logon_type, sizeof(k->logon_type)},
      {{"Task", "Principals", "Principal", "RunLevel"}, 4, k->run_level, sizeof(k->run_level)},
      {{"Task", "Settings", "Enabled"}, 3, k->enabled, sizeof(k->enabled)},
      {{"Task", "Settings", "Hidden"}, 3, k->hidden, sizeof(k->hidden)},
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    if (is_at(r, texts[i].path, texts[i].count))
      add_word(k, texts[i].to, texts[i].size, " ", text, len);
  }
}

static void take_text(reader *r, const char *text, size_t len)
{
  static const char *const action[] = {"Task", "Actions", "*", "*"};
  win_task *k = r->task;
  take_simple(r, text, len);
  if (is_at(r, action, 4)) {
    const char *name = r->names[3];
    bool words = strcmp(name, "Arguments") == 0 || strcmp(name, "Data") == 0;
    if (strcmp(name, "ClassId") == 0)
      add_word(k, k->actions, sizeof(k->actions), "; ", "COM ", 4);
    if (strcmp(name, "WorkingDirectory") == 0)
      add(k, k->actions, sizeof(k->actions), " (in ", 5);
    else if (words)
      add(k, k->actions, sizeof(k->actions), " ", 1);
    else if (strcmp(name, "ClassId") != 0 && k->actions[0] != '\0')
      add(k, k->actions, sizeof(k->actions), "; ", 2);
    add(k, k->actions, sizeof(k->actions), text, len);
    if (strcmp(name, "WorkingDirectory") == 0)
      add(k, k->actions, sizeof(k->actions), ")", 1);
  }
  if (r->depth >= 4 && strcmp(r->names[1], "Triggers") == 0) {
    add(k, k->triggers, sizeof(k->triggers), " ", 1);
    add(k, k->triggers, sizeof(k->triggers), r->names[r->depth - 1],
        strlen(r->names[r->depth - 1]));
    add(k, k->triggers, sizeof(k->triggers), "=", 1);
    add(k, k->triggers, sizeof(k->triggers), text, len);
  }
}

static void take_element(reader *r)
{
  static const char *const trigger[] = {"Task", "Triggers", "*"};
  win_task *k = r->task;
  if (is_at(r, trigger, 3))
    add_word(k, k->triggers, sizeof(k->triggers), "; ", r->names[2], strlen(r->names[2]));
}

/* ---- the document ---- */

static bool skip_to(reader *r, const char *mark)
{
  size_t len = strlen(mark);
  for (; r->at < r->end; r->at++) {
    if ((size_t)(r->end - r->at) >= len && memcmp(r->at, mark, len) == 0) {
      r->at += len;
      return true;
    }
  }
  return false;
}

static bool is_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A name without its prefix. */
static bool open_element(reader *r, const char *name, size_t len)
{
  const char *colon = memchr(name, ':', len);
  if (colon != NULL) {
    len -= (size_t)(colon + 1 - name);
    name = colon + 1;
  }
  if (r->depth == TASK_XML_DEPTH || len == 0 || len >= TASK_XML_NAME)
    return false;
  memcpy(r->names[r->depth], name, len);
  r->names[r->depth++][len] = '\0';
  return r->depth != 1 || strcmp(r->names[0], "Task") == 0;
}

/* The `>` that ends a tag: attributes may have one in their quotes. */
static const char *end_of_tag(const reader *r)
{
  char quote = '\0';
  for (const char *at = r->at; at < r->end; at++) {
    if (quote != '\0')
      quote = *at == quote ? '\0' : quote;
    else if (*at == '"' || *at == '\'')
      quote = *at;
    else if (*at == '>')
      return at;
  }
  return NULL;
}

/* What stands behind a `<`. */
static bool read_tag(reader *r)
{
  size_t left = (size_t)(r->end - r->at);
  if (left >= 3 && memcmp(r->at, "!--", 3) == 0)
    return skip_to(r, "-->");
  if (left >= 1 && *r->at == '?')
    return skip_to(r, "?>");
  if (left >= 1 && *r->at == '!')
    return false;
  const char *end = end_of_tag(r);
  if (end == NULL)
    return false;
  const char *name = r->at;
  r->at = end + 1;
  if (*name == '/') {
    if (r->depth == 0)
      return false;
    r->depth--;
    return true;
  }
  size_t len = 0;
  while (name + len < end && !is_blank(name[len]) && name[len] != '/')
    len++;
  if (!open_element(r, name, len))
    return false;
  take_element(r);
  if (end[-1] == '/')
    r->depth--;
  return true;
}

/* Text up to the next `<`, which may be a CDATA section; blanks around it are none of it. */
static void read_text(reader *r, char *from, char *to)
{
  while (from < to && is_blank(*from))
    from++;
  while (to > from && is_blank(to[-1]))
    to--;
  if (to > from && r->depth > 0)
    take_text(r, from, decode(from, (size_t)(to - from)));
}

static bool read_document(reader *r, char *text)
{
  bool any = false;
  while (r->at < r->end) {
    const char *tag = memchr(r->at, '<', (size_t)(r->end - r->at));
    if (tag == NULL)
      break;
    read_text(r, text + (r->at - text), text + (tag - text));
    r->at = tag + 1;
    if ((size_t)(r->end - r->at) >= 8 && memcmp(r->at, "![CDATA[", 8) == 0) {
      const char *begin = r->at + 8;
      if (!skip_to(r, "]]>"))
        return false;
      if (r->depth > 0)
        take_text(r, begin, (size_t)(r->at - 3 - begin));
      continue;
    }
    if (!read_tag(r))
      return false;
    any = true;
  }
  return any && r->depth == 0;
}

/* UTF-8 of whatever it is in, which the caller frees; two bytes of UTF-16 are three at most. */
static char *to_utf8(const unsigned char *bytes, size_t len, size_t *ret_len)
{
  bool little = len >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe;
  bool big = len >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff;
  char *text = malloc(2 * len + 4);
  if (text == NULL)
    return NULL;
  if (!little && !big) {
    bool mark = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
    *ret_len = len - (mark ? 3 : 0);
    memcpy(text, bytes + (mark ? 3 : 0), *ret_len);
    return text;
  }
  unsigned char *swapped = NULL;
  size_t units = (len - 2) / 2;
  if (big) {
    swapped = malloc(2 * units + 1);
    if (swapped == NULL) {
      free(text);
      return NULL;
    }
    for (size_t i = 0; i < units; i++) {
      swapped[2 * i] = bytes[2 + 2 * i + 1];
      swapped[2 * i + 1] = bytes[2 + 2 * i];
    }
  }
  *ret_len = sup_utf16_bytes(big ? swapped : bytes + 2, units, text, 2 * len + 4, NULL);
  free(swapped);
  return text;
}

bool win_task_read(const void *bytes, size_t len, win_task *ret_task)
{
  *ret_task = (win_task){0};
  if (len == 0 || len > TASK_XML_MAX)
    return false;
  size_t text_len = 0;
  char *text = to_utf8(bytes, len, &text_len);
  reader *r = calloc(1, sizeof(*r));
  bool whole = false;
  if (text != NULL && r != NULL) {
    r->at = text;
    r->end = text + text_len;
    r->task = ret_task;
    whole = read_document(r, text);
  }
  free(r);
  free(text);
  return whole;
}
