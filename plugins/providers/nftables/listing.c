#define _GNU_SOURCE
#include "listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"

typedef struct view {
  const char *ptr;
  size_t len;
} view;

static bool is_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r';
}

static view trim(view v)
{
  while (v.len > 0 && is_blank(v.ptr[0])) {
    v.ptr++;
    v.len--;
  }
  while (v.len > 0 && is_blank(v.ptr[v.len - 1]))
    v.len--;
  return v;
}

/* Takes one line off the front of `*rest`, without its end and the blanks around it. */
static view take_line(view *rest)
{
  const char *end = memchr(rest->ptr, '\n', rest->len);
  view line = {rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len};
  size_t used = line.len + (end != NULL ? 1 : 0);
  rest->ptr += used;
  rest->len -= used;
  return trim(line);
}

static bool begins(view v, const char *word)
{
  size_t len = strlen(word);
  return v.len >= len && memcmp(v.ptr, word, len) == 0;
}

static bool is(view v, const char *text)
{
  return v.len == strlen(text) && begins(v, text);
}

static bool is_number(view v)
{
  for (size_t i = 0; i < v.len; i++) {
    if (v.ptr[i] < '0' || v.ptr[i] > '9')
      return false;
  }
  return v.len > 0;
}

/* Takes a word off the front, up to a blank. Empty at the end. */
static view take_word(view *rest)
{
  *rest = trim(*rest);
  view word = {rest->ptr, 0};
  while (word.len < rest->len && !is_blank(rest->ptr[word.len]))
    word.len++;
  rest->ptr += word.len;
  rest->len -= word.len;
  return word;
}

/* `packets N bytes N` at the front of `rest`, behind its first word: the value of a counter. Moves
 * behind it. */
static bool skip_counter_value(view word, view *rest)
{
  view at = *rest;
  if (!is(word, "packets") || !is_number(take_word(&at)) || !is(take_word(&at), "bytes") ||
      !is_number(take_word(&at)))
    return false;
  *rest = at;
  return true;
}

static void add_plain_line(view line, sup_text *out)
{
  size_t start = out->len;
  for (view word = take_word(&line); word.len > 0; word = take_word(&line)) {
    view handle = line;
    if (is(word, "#") && is(take_word(&handle), "handle"))
      break;
    if (skip_counter_value(word, &line))
      continue;
    if (out->len > start)
      sup_text_add(out, " ");
    sup_text_bytes(out, word.ptr, word.len);
  }
  if (out->len > start)
    sup_text_add(out, "\n");
}

static int by_text(const void *a, const void *b)
{
  const view *x = a;
  const view *y = b;
  int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
  if (order != 0)
    return order;
  return x->len < y->len ? -1 : x->len > y->len;
}

static void add_elements(view body, sup_text *out)
{
  size_t room = 1;
  for (size_t i = 0; i < body.len; i++)
    room += body.ptr[i] == ',';
  view *elements = calloc(room, sizeof(*elements));
  if (elements == NULL) {
    out->failed = true;
    return;
  }
  size_t n = 0;
  size_t start = 0;
  for (size_t i = 0; i <= body.len; i++) {
    if (i < body.len && body.ptr[i] != ',')
      continue;
    view e = trim((view){body.ptr + start, i - start});
    if (e.len > 0)
      elements[n++] = e;
    start = i + 1;
  }
  qsort(elements, n, sizeof(*elements), by_text);
  sup_text_add(out, "elements");
  for (size_t i = 0; i < n; i++) {
    sup_text_add(out, i == 0 ? " " : ", ");
    sup_text_bytes(out, elements[i].ptr, elements[i].len);
  }
  sup_text_add(out, "\n");
  free(elements);
}

/* `elements = { a, b,` and the lines that follow up to the brace. */
static void add_elements_lines(view line, view *rest, sup_text *out)
{
  sup_text body = SUP_TEXT_INIT(rest->len + line.len + 1);
  view part = line;
  part.ptr += strlen("elements = {");
  part.len -= strlen("elements = {");
  for (;;) {
    part = trim(part);
    bool last = part.len > 0 && part.ptr[part.len - 1] == '}';
    sup_text_bytes(&body, part.ptr, last ? part.len - 1 : part.len);
    if (last || rest->len == 0)
      break;
    part = take_line(rest);
  }
  add_elements((view){sup_text_get(&body), body.len}, out);
  if (body.failed)
    out->failed = true;
  sup_text_release(&body);
}

void iso_listing_normalise(const char *text, size_t len, sup_text *out)
{
  view rest = {text, len};
  while (rest.len > 0) {
    view line = take_line(&rest);
    if (begins(line, "elements = {"))
      add_elements_lines(line, &rest, out);
    else
      add_plain_line(line, out);
  }
}

void iso_listing_add_elements(const char *set, const char *elements, size_t len, sup_text *out)
{
  sup_text_addf(out, "set %s ", set);
  add_elements((view){elements, len}, out);
}

void iso_listing_digest(const sup_text *normalised, char ret_digest[ISO_DIGEST_TEXT])
{
  char hex[ISO_SHA256_HEX + 1];
  iso_sha256(sup_text_get(normalised), normalised->len, hex);
  (void)snprintf(ret_digest, ISO_DIGEST_TEXT, "sha256:%s", hex);
}

static void find_tag(view line, iso_frame *frame)
{
  static const char word[] = "comment \"" ISO_TAG_WORD " ";
  for (size_t i = 0; i < line.len; i++) {
    view at = {line.ptr + i, line.len - i};
    if (!begins(at, word) || at.len < sizeof(word) - 1 + ISO_TAG_LEN + 1 ||
        at.ptr[sizeof(word) - 1 + ISO_TAG_LEN] != '"')
      continue;
    memcpy(frame->tag, at.ptr + sizeof(word) - 1, ISO_TAG_LEN);
    frame->tag[ISO_TAG_LEN] = '\0';
    return;
  }
}

void iso_listing_frame(const char *normalised, iso_frame *ret_frame)
{
  iso_frame frame = {0};
  view rest = {normalised, strlen(normalised)};
  view chain = {"", 0};
  while (rest.len > 0) {
    view line = take_line(&rest);
    if (is(line, "table inet " ISO_TABLE " {"))
      frame.table = true;
    else if (begins(line, "flags ") && chain.len == 0 &&
             memmem(line.ptr, line.len, "dormant", 7) != NULL)
      frame.dormant = true;
    else if (begins(line, "chain "))
      chain = line;
    else if (is(chain, "chain input {") &&
             is(line, "type filter hook input priority 20; policy drop;"))
      frame.input = true;
    else if (is(chain, "chain output {") &&
             is(line, "type filter hook output priority 20; policy drop;"))
      frame.output = true;
    else if (is(chain, "chain forward {") &&
             is(line, "type filter hook forward priority 20; policy drop;"))
      frame.forward = true;
    else if (is(chain, "chain input {") && frame.tag[0] == '\0')
      find_tag(line, &frame);
  }
  *ret_frame = frame;
}

/* Where to count the rules of the chain that begins in this line. */
static uint32_t *rules_of(view chain, iso_shape *shape, uint32_t *others)
{
  if (is(chain, "chain input {"))
    return &shape->input;
  if (is(chain, "chain output {"))
    return &shape->output;
  if (is(chain, "chain forward {"))
    return &shape->forward;
  return others;
}

void iso_listing_shape(const char *text, iso_shape *ret_shape)
{
  iso_shape shape = {0};
  uint32_t others = 0;
  uint32_t *rules = NULL; /* of the chain that the line is in */
  view rest = {text, strlen(text)};
  while (rest.len > 0) {
    view line = take_line(&rest);
    if (begins(line, "chain ")) {
      shape.chains++;
      rules = rules_of(line, &shape, &others);
    } else if (is(line, "}")) {
      rules = NULL;
    } else if (rules != NULL && line.len > 0 && !begins(line, "type filter hook ")) {
      (*rules)++;
    }
  }
  *ret_shape = shape;
}

bool iso_shape_same(const iso_shape *a, const iso_shape *b)
{
  return a->chains == b->chains && a->input == b->input && a->output == b->output &&
         a->forward == b->forward;
}
