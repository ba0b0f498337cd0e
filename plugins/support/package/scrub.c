/* What is never taken of a file by its content: private keys in PEM, and hashes of passwords,
 * in UTF-8 and in UTF-16. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "package/list.h"

static const char key_begin[] = "-----BEGIN ";
static const char key_word[] = "PRIVATE KEY";
static const char key_end[] = "-----END ";
static const char key_note[] = "(a private key, which is not taken)\n";
static const char hash_note[] = "***";

enum { KEY_LINE = 100, HASH_MIN = 12, NOTE_MAX = 64 };
_Static_assert(sizeof(key_note) <= NOTE_MAX, "a note fits");

static bool is_hash_byte(char c)
{
  return isalnum((unsigned char)c) || (c != '\0' && strchr("./$,=+_-", c) != NULL);
}

/* In UTF-16 each of these bytes has a zero behind it, or in front of it, which looks the same from
 * the first of them on. */
static size_t step_of(const col_scrub *s, size_t at)
{
  return at + 1 < s->held_len && s->held[at + 1] == '\0' ? 2 : 1;
}

static bool begins(const char *text, size_t len, const char *word, size_t step)
{
  size_t units = strlen(word);
  if (units == 0 || (units - 1) * step >= len)
    return false;
  for (size_t i = 0; i < units; i++) {
    if (text[i * step] != word[i] || (step == 2 && i > 0 && text[i * step - 1] != '\0'))
      return false;
  }
  return true;
}

/* How many of the next bytes of a hash there are, HASH_MIN at most. */
static size_t hash_run(const char *text, size_t len, size_t step)
{
  size_t run = 0;
  while (run < HASH_MIN && run * step < len && is_hash_byte(text[run * step]) &&
         (step == 1 || run == 0 || text[run * step - 1] == '\0'))
    run++;
  return run;
}

/* Whether a hash of a password as crypt() makes it begins here: `$id$` and what follows. */
static bool is_hash(const col_scrub *s, size_t at, size_t step)
{
  static const char *const ids[] = {"1",
                                    "2a",
                                    "2b",
                                    "2x",
                                    "2y",
                                    "5",
                                    "6",
                                    "7",
                                    "y",
                                    "gy",
                                    "apr1",
                                    "sha1",
                                    "md5",
                                    "argon2i",
                                    "argon2d",
                                    "argon2id",
                                    "scrypt",
                                    "pbkdf2-sha256",
                                    "pbkdf2-sha512"};
  const char *text = s->held + at;
  size_t len = s->held_len - at;
  char before = at >= step ? s->held[at - step] : step == 1 ? s->before : '\0';
  if (text[0] != '$' || isalnum((unsigned char)before) || before == '$')
    return false;
  for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
    size_t id = strlen(ids[i]);
    size_t body = (id + 2) * step;
    if (len > body && begins(text + step, len - step, ids[i], step) && text[(id + 1) * step] == '$')
      return hash_run(text + body, len - body, step) == HASH_MIN;
  }
  return false;
}

/* Whether a private key begins here: BEGIN, a few words, PRIVATE KEY, in one line. */
static bool is_key(const col_scrub *s, size_t at, size_t step)
{
  const char *text = s->held + at;
  size_t len = s->held_len - at < KEY_LINE * step ? s->held_len - at : KEY_LINE * step;
  if (!begins(text, len, key_begin, step))
    return false;
  for (size_t i = (sizeof(key_begin) - 1) * step; i < len && text[i] != '\n'; i += step) {
    if (begins(text + i, len - i, key_word, step))
      return true;
  }
  return false;
}

static bool put(col_scrub *s, size_t from, size_t to)
{
  if (to > from)
    s->before = s->held[to - 1];
  if (from < s->skip)
    from = s->skip;
  return s->put == NULL || to <= from || s->put(s->data, s->held + from, to - from);
}

/* In UTF-16 as what is around it: the zero in front is out already, or the one behind comes. */
static bool put_note(col_scrub *s, const char *note)
{
  char wide[2 * NOTE_MAX] = "";
  size_t len = strlen(note);
  if (s->put == NULL)
    return true;
  if (!s->wide)
    return s->put(s->data, note, len);
  for (size_t i = 0; i < len && i < NOTE_MAX; i++)
    wide[2 * i] = note[i];
  return s->put(s->data, wide, 2 * len - 1);
}

/* How far what is held is no secret; with the state of what comes then. */
static size_t plain_until(col_scrub *s, size_t from, size_t limit)
{
  size_t at = from;
  for (; at < limit; at++) {
    char c = s->held[at];
    size_t step = step_of(s, at);
    if (c == '-' && is_key(s, at, step)) {
      s->state = SCRUB_KEY;
      s->wide = step == 2;
      s->key = (col_key){0};
      break;
    }
    if (c == '$' && is_hash(s, at, step)) {
      s->state = SCRUB_HASH;
      s->wide = step == 2;
      break;
    }
  }
  return at;
}

static bool is_end(const col_scrub *s, size_t at)
{
  return begins(s->held + at, s->held_len - at, key_end, s->wide ? 2 : 1);
}

/* Where a key ends: behind the line with its END, or where one without an end cannot go on. `limit`
 * if that was not seen. */
static size_t key_until(col_scrub *s, size_t from, size_t limit)
{
  for (size_t at = from; at < limit; at++) {
    if (is_end(s, at)) {
      s->state = SCRUB_END;
      return at;
    }
    bool between = s->wide && s->held[at] == '\0';
    if (between || col_key_takes(&s->key, s->held[at]))
      continue;
    s->state = SCRUB_TEXT;
    s->before = '\n';
    s->endless++;
    return at + 1;
  }
  return limit;
}

/* A zero of UTF-16 that another byte of the hash comes behind. */
static bool is_within_hash(const col_scrub *s, size_t at)
{
  return s->wide && s->held[at] == '\0' && at + 1 < s->held_len && is_hash_byte(s->held[at + 1]);
}

/* Takes what is held up to `limit` out of the window. */
static bool drain(col_scrub *s, size_t limit)
{
  bool go_on = true;
  size_t at = 0;
  while (go_on && at < limit) {
    size_t from = at;
    switch (s->state) {
    case SCRUB_TEXT:
      at = plain_until(s, from, limit);
      go_on = put(s, from, at);
      s->keys += s->state == SCRUB_KEY ? 1 : 0;
      s->hashes += s->state == SCRUB_HASH ? 1 : 0;
      if (go_on && s->state == SCRUB_KEY)
        go_on = put_note(s, key_note);
      if (go_on && s->state == SCRUB_HASH)
        go_on = put_note(s, hash_note);
      break;
    case SCRUB_KEY: at = key_until(s, from, limit); break;
    case SCRUB_END:
      while (at < limit && s->held[at] != '\n')
        at++;
      if (at < limit) {
        at++;
        s->state = SCRUB_TEXT;
        s->before = '\n';
      }
      break;
    case SCRUB_HASH:
      while (at < limit && (is_hash_byte(s->held[at]) || is_within_hash(s, at)))
        at++;
      if (at < limit)
        s->state = SCRUB_TEXT;
      s->before = '*';
      break;
    }
  }
  memmove(s->held, s->held + at, s->held_len - at);
  s->held_len -= at;
  s->skip -= s->skip < at ? s->skip : at;
  return go_on;
}

bool col_scrub_put(col_scrub *s, const char *bytes, size_t len)
{
  bool go_on = true;
  while (go_on && len > 0) {
    size_t some = sizeof(s->held) - s->held_len < len ? sizeof(s->held) - s->held_len : len;
    memcpy(s->held + s->held_len, bytes, some);
    s->held_len += some;
    bytes += some;
    len -= some;
    /* What is judged has as much behind it as a secret needs to be known by. */
    if (s->held_len > 2 * KEY_LINE)
      go_on = drain(s, s->held_len - 2 * KEY_LINE);
  }
  return go_on;
}

void col_scrub_begin(col_scrub *s, bool (*put_bytes)(void *data, const void *bytes, size_t len),
                     void *data)
{
  s->put = put_bytes;
  s->data = data;
  s->skip = s->held_len;
  s->keys = s->state == SCRUB_KEY || s->state == SCRUB_END ? 1 : 0;
  s->hashes = s->state == SCRUB_HASH ? 1 : 0;
  if (s->keys > 0)
    (void)put_note(s, key_note);
  if (s->hashes > 0)
    (void)put_note(s, hash_note);
}

bool col_scrub_end(col_scrub *s)
{
  return s->held_len == 0 || drain(s, s->held_len);
}

/* ---- copying ---- */

/* Longer than a private key or a hash is. */
#define LOOK_AHEAD (64ull * 1024)

typedef struct copying {
  col_task *task;
  col_stream *from;
  col_scrub scrub;
  uint64_t ahead; /* bytes in front of what is taken, which are only looked at */
  uint64_t left;  /* bytes that may be taken */
  bool end;
} copying;

static bool put_some(void *data, const void *bytes, size_t len)
{
  return col_put(data, bytes, len);
}

/* False: there is no more. */
static bool copy_some(copying *c)
{
  char buffer[16 * 1024];
  uint64_t most = c->ahead > 0 ? c->ahead : c->left;
  int64_t got =
      c->from->read(c->from->data, buffer, most < sizeof(buffer) ? (size_t)most : sizeof(buffer));
  if (got < 0)
    c->from->tell(c->from->data, c->task);
  c->end = got <= 0;
  if (c->end)
    return false;
  bool ahead = c->ahead > 0;
  bool go_on = col_scrub_put(&c->scrub, buffer, (size_t)got);
  *(ahead ? &c->ahead : &c->left) -= (uint64_t)got;
  if (ahead && c->ahead == 0)
    col_scrub_begin(&c->scrub, put_some, c->task);
  return go_on;
}

/* Where reading begins: of a part of a file the filter sees what is in front of it, so that the
 * rest of a secret is known for what it is. */
static void begin_copy(copying *c, uint64_t max)
{
  uint64_t size = c->from->size;
  uint64_t from = size > max ? size - max : 0;
  c->left = max;
  c->ahead = from < LOOK_AHEAD ? from : LOOK_AHEAD;
  if (c->ahead == 0) {
    col_scrub_begin(&c->scrub, put_some, c->task);
    return;
  }
  c->from->seek(c->from->data, from - c->ahead);
  col_cap(c->task, "it has %llu bytes, of which these are the last %llu", (unsigned long long)size,
          (unsigned long long)max);
}

void col_copy_scrubbed(col_task *t, col_stream *from, uint64_t max)
{
  bool go_on = true;
  uint64_t most = col_options_of(t)->max_file;
  copying *c = calloc(1, sizeof(*c));
  max = max < most ? max : most;
  if (c == NULL) {
    col_mark(t, COL_ERROR, "there was no memory to read it");
    return;
  }
  c->task = t;
  c->from = from;
  begin_copy(c, max);
  while (go_on && !col_stop(t) && c->left > 0)
    go_on = copy_some(c);
  if (go_on || c->end)
    (void)col_scrub_end(&c->scrub);
  if (c->left == 0 && max > from->size)
    col_cap(t, "it grew while it was read");
  if (c->scrub.keys + c->scrub.hashes > 0)
    col_mark(t, COL_PARTIAL,
             "secrets in it were left out: %u private keys, %u hashes of passwords%s",
             c->scrub.keys, c->scrub.hashes,
             c->scrub.endless > 0 ? "; of a key the end was not found" : "");
  free(c);
}
