/* The files of the package as they are written: buffering, hashing, ceilings, records. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package/private.h"
#include "support/call.h"

enum { META_MAX = 64 };

static const char *const status_names[COL_STATUSES] = {"ok", "absent", "partial", "denied",
                                                       "error"};

const char *col_status_name(col_status status)
{
  return (unsigned)status < COL_STATUSES ? status_names[status] : "error";
}

static void csv_put(void *data, const char *bytes, size_t len);

col_task *col_task_new(col_package *p, const col_item *item)
{
  col_task *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return NULL;
  t->p = p;
  t->item = item;
  atomic_init(&t->stop, false);
  atomic_init(&t->whole, 0);
  t->sha = p->o.rows == NULL ? col_sha256_new() : NULL;
  t->table = p->o.rows != NULL ? col_table_new() : NULL;
  if (p->o.rows != NULL && t->table == NULL) {
    free(t);
    return NULL;
  }
  sup_csv_init(&t->csv, csv_put, t);
  return t;
}

void col_task_free(col_task *t)
{
  if (t != NULL) {
    free(t->found);
    col_sha256_free(t->sha);
    col_table_free(t->table);
  }
  free(t);
}

void **col_ahead(col_task *t)
{
  return &t->found;
}

const col_options *col_options_of(const col_task *t)
{
  return &t->p->o;
}

bool col_stop(const col_task *t)
{
  return atomic_load_explicit(&t->stop, memory_order_relaxed) || t->shut;
}

bool col_over(const col_task *t)
{
  return atomic_load_explicit(&t->stop, memory_order_relaxed);
}

uint64_t col_left_ms(const col_task *t)
{
  uint64_t now = sup_now_ms();
  return now < t->deadline_ms ? t->deadline_ms - now : 0;
}

/* ---- the sink ---- */

static void note_refusal(col_task *t, cordon_status status, const char *what)
{
  t->shut = true;
  t->refused = true;
  if (status == CORDON_E_LIMIT) {
    col_cap(t, "the package takes no more: %s", what);
    return;
  }
  if (status == CORDON_E_IO)
    t->p->broken = true;
  col_mark(t, COL_ERROR, "%s: status %d", what, (int)status);
}

/* The lock is held. Whether the manifest can tell of one more file of the item: what it does not
 * tell of would make a package that is not what it says. */
static bool has_record(const col_task *t)
{
  size_t kept = t->item->several && !t->last ? COL_RECORDS_KEPT : 0;
  return t->p->count + kept < COL_RECORDS_MAX;
}

/* The lock is held. */
static void open_file(col_task *t)
{
  char meta[META_MAX];
  int at = snprintf(meta, sizeof(meta), "{\"last\":%s", t->last ? "true" : "false");
  if (t->mtime > 0)
    at += snprintf(meta + at, sizeof(meta) - (size_t)at, ",\"mtime\":%lld", (long long)t->mtime);
  (void)snprintf(meta + at, sizeof(meta) - (size_t)at, "}");
  if (!has_record(t)) {
    note_refusal(t, CORDON_E_LIMIT, "its manifest has no room to tell of the file");
    return;
  }
  col_make_unique(t->p, t->name);
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
  if (t->sha != NULL)
    col_sha256_add(t->sha, bytes, len);
  t->bytes += len;
}

static void flush(col_task *t)
{
  col_gate_lock(t->p->gate);
  if (!t->abandoned && t->used > 0 && !t->shut)
    write_file(t, t->buffer, t->used);
  if (t->abandoned)
    t->shut = true;
  t->used = 0;
  atomic_store_explicit(&t->whole, 0, memory_order_relaxed);
  col_gate_unlock(t->p->gate);
}

static bool take_bytes(col_task *t, const void *bytes, size_t len)
{
  const char *from = bytes;
  if (!t->begun)
    return false;
  /* Of a read-out only rows are taken. */
  if (t->table != NULL)
    return !t->shut;
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

static void csv_put(void *data, const char *bytes, size_t len)
{
  (void)take_bytes(data, bytes, len);
}

void col_settle(col_task *t)
{
  atomic_store_explicit(&t->whole, t->used, memory_order_release);
}

bool col_put(col_task *t, const void *bytes, size_t len)
{
  bool more = take_bytes(t, bytes, len);
  col_settle(t);
  return more;
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

bool col_is_marked(const col_task *t)
{
  return t->status != COL_OK;
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
  col_gate_lock(t->p->gate);
  t->shut = t->abandoned;
  t->begun = !t->abandoned;
  if (t->begun) {
    t->opened = false;
    t->refused = false;
    t->told = false;
    t->id = 0;
    t->start_ms = t->ahead_ms > 0 ? t->ahead_ms : col_wall_ms();
    t->start_mono_ms = t->ahead_ms > 0 ? t->ahead_mono_ms : sup_now_ms();
    t->bytes = 0;
    if (t->sha != NULL)
      col_sha256_reset(t->sha);
    col_clean_name(t->item->folder, name, t->name);
    sup_csv_escape(name, strlen(name), t->item_name, sizeof(t->item_name));
    sup_csv_escape(source, strlen(source), t->source, sizeof(t->source));
  }
  col_gate_unlock(t->p->gate);
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
  if (!has_record(t)) {
    t->left_out++;
    t->p->left_out++;
    return;
  }
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
  r->rows = t->rows;
  r->status = status;
  r->error = copy_text(error);
  r->cap = copy_text(cap);
  if (t->opened && t->sha != NULL)
    (void)col_sha256_end(t->sha, r->sha256);
}

/* The lock is held. In a file of its own, as nothing else was left. */
static void write_sentence(col_task *t, col_status status, const char *sentence)
{
  char text[2 * COL_SENTENCE + COL_SOURCE];
  size_t len = strlen(t->name);
  if (t->p->broken || (t->p->full && !t->last))
    return;
  (void)snprintf(t->name + len, sizeof(t->name) - len, ".%s.txt", col_status_name(status));
  int made = snprintf(text, sizeof(text), "%s: %s\nsource: %s\n", col_status_name(status), sentence,
                      t->source);
  t->told = true;
  write_file(t, text, made > 0 ? (size_t)made : 0);
}

/* What left nothing says so; what is empty stays so. */
static void say_nothing(col_task *t)
{
  col_gate_lock(t->p->gate);
  if (!t->abandoned && t->status != COL_OK)
    write_sentence(t, t->status, t->error);
  else if (!t->abandoned && !t->p->broken && (t->last || !t->p->full))
    write_file(t, "", 0);
  col_gate_unlock(t->p->gate);
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

static const char *why_over(col_task *t)
{
  col_gate_lock(t->p->gate);
  bool cancelled = t->p->cancelled;
  col_gate_unlock(t->p->gate);
  return cancelled ? "the collection was cancelled" : "the item's time was over";
}

/* What is there of the file is all that there was; a file that says why there is none is. */
static bool is_whole(const col_task *t)
{
  return t->cap[0] == '\0' && (t->told || t->status == COL_OK);
}

void col_end(col_task *t)
{
  if (!t->begun)
    return;
  /* Readers come back without an error when they are stopped, so nobody knows that it is whole. */
  if (col_over(t))
    col_cap(t, "%s", why_over(t));
  flush(t);
  if (t->opened)
    settle_status(t);
  else if (t->table == NULL)
    say_nothing(t);
  col_gate_lock(t->p->gate);
  if (!t->abandoned) {
    if (t->opened && t->table == NULL)
      (void)t->p->o.sink.close(t->p->o.sink.data, t->id, is_whole(t));
    take_record(t, t->status, t->error, t->cap);
  }
  t->begun = false;
  t->shut = t->abandoned;
  col_gate_unlock(t->p->gate);
}

/* The lock is held. A record without a file. */
static void add_bare(col_package *p, const col_item *item, col_status status, const char *sentence,
                     const char *cap)
{
  col_record *r = add_record(p);
  if (r == NULL)
    return;
  r->name = strdup("");
  r->item = strdup(item->name);
  r->source = strdup(item->source);
  r->folder = item->folder;
  r->start_ms = col_wall_ms();
  r->status = status;
  r->error = copy_text(sentence);
  r->cap = cap != NULL ? copy_text(cap) : NULL;
}

static void tell_left_out(col_task *t)
{
  char cap[COL_SENTENCE];
  (void)snprintf(cap, sizeof(cap), "%u files were left out: the manifest tells of %d at most",
                 t->left_out, COL_RECORDS_MAX - COL_RECORDS_KEPT);
  col_gate_lock(t->p->gate);
  if (!t->abandoned)
    add_bare(t->p, t->item, COL_PARTIAL, cap, cap);
  col_gate_unlock(t->p->gate);
}

void col_end_item(col_task *t)
{
  char sentence[COL_SENTENCE];
  col_end(t);
  if (t->left_out > 0)
    tell_left_out(t);
  if (!t->item->several || !col_over(t))
    return;
  const char *why = why_over(t);
  (void)snprintf(sentence, sizeof(sentence), "%s: files may be missing", why);
  col_gate_lock(t->p->gate);
  if (!t->abandoned)
    add_bare(t->p, t->item, COL_PARTIAL, sentence, why);
  col_gate_unlock(t->p->gate);
}

/* The lock is held. What the task has of its file, for a thread that is not the task's own: only
 * what is written under the lock, and the bytes up to where the task said that they are whole. */
static col_task *copy_of(col_task *t)
{
  size_t whole = atomic_load_explicit(&t->whole, memory_order_acquire);
  col_task *c = col_task_new(t->p, t->item);
  if (c == NULL)
    return NULL;
  c->begun = true;
  c->opened = t->opened;
  c->id = t->id;
  c->mtime = whole > 0 ? t->mtime : 0;
  c->start_ms = t->start_ms;
  c->start_mono_ms = t->start_mono_ms;
  c->bytes = t->bytes;
  c->rows = t->rows;
  col_sha256_free(c->sha);
  c->sha = col_sha256_copy(t->sha);
  memcpy(c->name, t->name, sizeof(c->name));
  memcpy(c->item_name, t->item_name, sizeof(c->item_name));
  memcpy(c->source, t->source, sizeof(c->source));
  memcpy(c->buffer, t->buffer, whole);
  c->used = whole;
  return c;
}

void col_end_abandoned(col_task *t)
{
  static const char sentence[] = "what it reads did not come back in time, and was left behind";
  static const char cap[] = "the item's time";
  if (!t->begun || t->item->several)
    add_bare(t->p, t->item, COL_ERROR, sentence, cap);
  if (!t->begun)
    return;
  col_task *c = copy_of(t);
  if (c == NULL) {
    t->p->left_out++;
    return;
  }
  bool files = c->table == NULL;
  if (files && c->used > 0)
    write_file(c, c->buffer, c->used);
  if (files && !c->opened)
    write_sentence(c, COL_ERROR, sentence);
  if (files && c->opened)
    (void)c->p->o.sink.close(c->p->o.sink.data, c->id, false);
  take_record(c, c->bytes > 0 && !c->told ? COL_PARTIAL : COL_ERROR, sentence, cap);
  col_task_free(c);
}

void col_skip(col_package *p, const col_item *item, col_status status, const char *sentence)
{
  col_gate_lock(p->gate);
  add_bare(p, item, status, sentence, NULL);
  col_gate_unlock(p->gate);
}
