/* The files of the package as they are written: names, buffering, hashing, ceilings, records. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "package.h"
#include "support/call.h"
#include "support/utf8.h"

enum { NAME_PART = 110, META_MAX = 64 };

static const char *const status_names[COL_STATUSES] = {"ok", "absent", "partial", "denied",
                                                       "error"};

const char *col_status_name(col_status status)
{
  return (unsigned)status < COL_STATUSES ? status_names[status] : "error";
}

static void csv_put(void *data, const char *bytes, size_t len)
{
  (void)col_put(data, bytes, len);
}

col_task *col_task_new(col_package *p, const col_item *item)
{
  col_task *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return NULL;
  t->p = p;
  t->item = item;
  atomic_init(&t->stop, false);
  sha256_init(&t->sha);
  sup_csv_init(&t->csv, csv_put, t);
  return t;
}

void col_task_free(col_task *t)
{
  free(t);
}

const col_options *col_options_of(const col_task *t)
{
  return &t->p->o;
}

bool col_stop(const col_task *t)
{
  return atomic_load_explicit(&t->stop, memory_order_relaxed) || t->shut;
}

uint64_t col_left_ms(const col_task *t)
{
  uint64_t now = sup_now_ms();
  return now < t->deadline_ms ? t->deadline_ms - now : 0;
}

/* ---- names ---- */

/* Where the name of a device of Windows ends, which is one whatever comes after its first dot; 0:
 * it is none. */
static size_t device_end(const char *part)
{
  static const char *const devices[] = {"con",         "prn",         "aux",         "nul",
                                        "conin$",      "conout$",     "com\xc2\xb9", "com\xc2\xb2",
                                        "com\xc2\xb3", "lpt\xc2\xb9", "lpt\xc2\xb2", "lpt\xc2\xb3"};
  size_t len = strcspn(part, ".");
  while (len > 0 && part[len - 1] == ' ')
    len--;
  for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
    if (strlen(devices[i]) == len && strncasecmp(part, devices[i], len) == 0)
      return len;
  }
  bool numbered = len == 4 && part[3] >= '0' && part[3] <= '9' &&
                  (strncasecmp(part, "com", 3) == 0 || strncasecmp(part, "lpt", 3) == 0);
  return numbered ? len : 0;
}

void col_clean_name(const char *folder, const char *name, char ret_name[COL_NAME])
{
  char part[NAME_PART + 1];
  size_t at = 0;
  size_t left = strlen(name);
  while (left > 0 && at + 4 <= NAME_PART) {
    size_t len = sup_utf8_sequence(name, left);
    unsigned char c = (unsigned char)name[0];
    if (len == 0 || c < ' ' || c == 0x7f || memchr("/\\:*?\"<>|", c, 9) != NULL) {
      part[at++] = '_';
      len = 1;
    } else {
      memcpy(part + at, name, len);
      at += len;
    }
    name += len;
    left -= len;
  }
  for (size_t i = at; i > 0 && (part[i - 1] == ' ' || part[i - 1] == '.'); i--)
    part[i - 1] = '_';
  part[at] = '\0';
  size_t device = device_end(part);
  (void)snprintf(ret_name, COL_NAME, "%s%s%.*s%s%s", folder, folder[0] != '\0' ? "/" : "",
                 (int)device, part, device > 0 ? "_" : "", at > 0 ? part + device : "_");
}

static bool is_taken(const col_package *p, const char *name)
{
  for (size_t i = 0; i < p->count; i++) {
    if (strcasecmp(p->records[i].name, name) == 0)
      return true;
  }
  return false;
}

/* `name (2).ext` where there is a file of that name. */
static void make_unique(const col_package *p, char name[COL_NAME])
{
  char plain[COL_NAME];
  memcpy(plain, name, COL_NAME);
  const char *slash = strrchr(plain, '/');
  const char *dot = strrchr(slash != NULL ? slash : plain, '.');
  if (dot == NULL || dot == plain)
    dot = plain + strlen(plain);
  for (unsigned n = 2; n < COL_RECORDS_MAX && is_taken(p, name); n++)
    (void)snprintf(name, COL_NAME, "%.*s (%u)%s", (int)(dot - plain), plain, n, dot);
}

/* ---- the sink ---- */

static void note_refusal(col_task *t, cordon_status status, const char *what)
{
  t->shut = true;
  if (status == CORDON_E_LIMIT) {
    col_cap(t, "the package takes no more: %s", what);
    return;
  }
  if (status == CORDON_E_IO)
    t->p->broken = true;
  col_mark(t, COL_ERROR, "%s: status %d", what, (int)status);
}

/* The lock is held. */
static void open_file(col_task *t)
{
  char meta[META_MAX];
  int at = snprintf(meta, sizeof(meta), "{\"last\":%s", t->last ? "true" : "false");
  if (t->mtime > 0)
    at += snprintf(meta + at, sizeof(meta) - (size_t)at, ",\"mtime\":%lld", (long long)t->mtime);
  (void)snprintf(meta + at, sizeof(meta) - (size_t)at, "}");
  make_unique(t->p, t->name);
  cordon_status status = t->p->broken             ? CORDON_E_IO
                         : t->p->full && !t->last ? CORDON_E_LIMIT
                                                  : CORDON_OK;
  if (status == CORDON_OK)
    status = t->p->o.sink.open(t->p->o.sink.data, t->name, meta, &t->id);
  t->opened = status == CORDON_OK;
  if (status == CORDON_E_LIMIT)
    t->p->full = true;
  if (!t->opened)
    note_refusal(t, status, "the file could not be begun");
}

/* The lock is held. */
static void write_file(col_task *t, const char *bytes, size_t len)
{
  if (!t->opened)
    open_file(t);
  if (!t->opened)
    return;
  cordon_status status = t->p->o.sink.write(t->p->o.sink.data, t->id, bytes, len);
  if (status != CORDON_OK) {
    note_refusal(t, status, "the file could not be written on");
    return;
  }
  sha256_update(&t->sha, len, (const unsigned char *)bytes);
  t->bytes += len;
}

static void flush(col_task *t)
{
  (void)pthread_mutex_lock(&t->p->lock);
  if (!t->abandoned && t->used > 0 && !t->shut)
    write_file(t, t->buffer, t->used);
  if (t->abandoned)
    t->shut = true;
  t->used = 0;
  (void)pthread_mutex_unlock(&t->p->lock);
}

bool col_put(col_task *t, const void *bytes, size_t len)
{
  const char *from = bytes;
  if (!t->begun)
    return false;
  if (!t->last && t->bytes + t->used + len > t->p->o.max_file && !t->shut) {
    flush(t);
    t->shut = true;
    col_cap(t, "the file is longer than %llu bytes", (unsigned long long)t->p->o.max_file);
  }
  while (len > 0 && !t->shut) {
    size_t some = COL_BUFFER - t->used < len ? COL_BUFFER - t->used : len;
    memcpy(t->buffer + t->used, from, some);
    t->used += some;
    from += some;
    len -= some;
    if (t->used == COL_BUFFER)
      flush(t);
  }
  return !t->shut;
}

bool col_puts(col_task *t, const char *text)
{
  return col_put(t, text, strlen(text));
}

bool col_printf(col_task *t, const char *format, ...)
{
  char text[1024];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  if (len < 0)
    return false;
  return col_put(t, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* ---- what is said of it ---- */

void col_mark(col_task *t, col_status status, const char *format, ...)
{
  if (status <= t->status)
    return;
  char text[COL_SENTENCE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  t->status = status;
  sup_csv_escape(text, strlen(text), t->error, sizeof(t->error));
}

void col_mark_os(col_task *t, int os_error, const char *what)
{
  col_status status = os_error == ENOENT || os_error == ENOTDIR ? COL_ABSENT
                      : os_error == EACCES || os_error == EPERM ? COL_DENIED
                                                                : COL_ERROR;
  col_mark(t, status, "%s: %s", what, strerror(os_error));
}

void col_cap(col_task *t, const char *format, ...)
{
  if (t->cap[0] == '\0') {
    char text[COL_SENTENCE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sup_csv_escape(text, strlen(text), t->cap, sizeof(t->cap));
  }
  col_mark(t, COL_PARTIAL, "%s", t->cap);
}

/* ---- begin and end ---- */

void col_begin(col_task *t, const char *name, const char *source)
{
  col_end(t);
  (void)pthread_mutex_lock(&t->p->lock);
  t->shut = t->abandoned;
  t->begun = !t->abandoned;
  if (t->begun) {
    t->opened = false;
    t->id = 0;
    t->start_ms = col_wall_ms();
    t->start_mono_ms = sup_now_ms();
    t->bytes = 0;
    sha256_init(&t->sha);
    col_clean_name(t->item->folder, name, t->name);
    sup_csv_escape(name, strlen(name), t->item_name, sizeof(t->item_name));
    sup_csv_escape(source, strlen(source), t->source, sizeof(t->source));
  }
  (void)pthread_mutex_unlock(&t->p->lock);
  t->mtime = 0;
  t->rows = 0;
  t->used = 0;
  t->status = COL_OK;
  t->error[0] = '\0';
  t->cap[0] = '\0';
  sup_csv_init(&t->csv, csv_put, t);
}

void col_set_mtime(col_task *t, int64_t seconds)
{
  t->mtime = seconds;
}

/* The lock is held. */
static col_record *add_record(col_package *p)
{
  if (p->count >= COL_RECORDS_MAX) {
    p->left_out++;
    return NULL;
  }
  if ((p->count & (p->count - 1)) == 0) {
    size_t room = p->count == 0 ? 1 : p->count * 2;
    col_record *grown = realloc(p->records, room * sizeof(*grown));
    if (grown == NULL) {
      p->left_out++;
      return NULL;
    }
    p->records = grown;
  }
  p->records[p->count] = (col_record){0};
  return &p->records[p->count++];
}

static char *copy_text(const char *text)
{
  return text[0] != '\0' ? strdup(text) : NULL;
}

static void name_or_empty(char **text)
{
  if (*text == NULL)
    *text = strdup("");
}

/* The lock is held. */
static void take_record(col_task *t, col_status status, const char *error, const char *cap)
{
  unsigned char digest[32] = {0};
  col_record *r = add_record(t->p);
  if (r == NULL)
    return;
  r->name = copy_text(t->opened ? t->name : "");
  r->item = copy_text(t->item_name);
  r->source = copy_text(t->source);
  name_or_empty(&r->name);
  name_or_empty(&r->item);
  name_or_empty(&r->source);
  r->folder = t->item->folder;
  r->start_ms = t->start_ms;
  r->ms = (uint32_t)(sup_now_ms() - t->start_mono_ms);
  r->bytes = t->bytes;
  r->status = status;
  r->error = copy_text(error);
  r->cap = copy_text(cap);
  if (!t->opened)
    return;
  sha256_digest(&t->sha, sizeof(digest), digest);
  for (size_t i = 0; i < sizeof(digest); i++)
    (void)snprintf(r->sha256 + 2 * i, 3, "%02x", digest[i]);
}

/* What left nothing says so in a file of its own; what is empty stays so. */
static void say_nothing(col_task *t)
{
  (void)pthread_mutex_lock(&t->p->lock);
  size_t len = strlen(t->name);
  bool can = !t->abandoned && !t->p->broken && (t->last || !t->p->full);
  if (can && t->status != COL_OK)
    (void)snprintf(t->name + len, sizeof(t->name) - len, ".%s.txt", col_status_name(t->status));
  if (can && t->status == COL_OK)
    write_file(t, "", 0);
  (void)pthread_mutex_unlock(&t->p->lock);
  t->shut = !can || t->status == COL_OK;
  if (!t->shut)
    (void)col_printf(t, "%s: %s\nsource: %s\n", col_status_name(t->status), t->error, t->source);
  flush(t);
}

/* Some of it was read, so it is neither absent nor refused as a whole. */
static void settle_status(col_task *t)
{
  if (t->status == COL_ABSENT) {
    t->status = COL_OK;
    t->error[0] = '\0';
  } else if (t->status > COL_PARTIAL) {
    t->status = COL_PARTIAL;
  }
}

void col_end(col_task *t)
{
  if (!t->begun)
    return;
  flush(t);
  if (t->opened)
    settle_status(t);
  else
    say_nothing(t);
  (void)pthread_mutex_lock(&t->p->lock);
  if (!t->abandoned) {
    if (t->opened)
      (void)t->p->o.sink.close(t->p->o.sink.data, t->id, t->cap[0] == '\0');
    take_record(t, t->status, t->error, t->cap);
  }
  t->begun = false;
  t->shut = t->abandoned;
  (void)pthread_mutex_unlock(&t->p->lock);
}

void col_end_abandoned(col_task *t)
{
  if (!t->begun)
    return;
  if (t->opened)
    (void)t->p->o.sink.close(t->p->o.sink.data, t->id, false);
  take_record(t, t->opened ? COL_PARTIAL : COL_ERROR,
              "what it reads did not come back in time, and was left behind", "the item's time");
}

void col_skip(col_package *p, const col_item *item, col_status status, const char *sentence)
{
  (void)pthread_mutex_lock(&p->lock);
  col_record *r = add_record(p);
  if (r != NULL) {
    r->name = strdup("");
    r->item = strdup(item->name);
    r->source = strdup(item->source);
    r->folder = item->folder;
    r->start_ms = col_wall_ms();
    r->status = status;
    r->error = copy_text(sentence);
  }
  (void)pthread_mutex_unlock(&p->lock);
}
