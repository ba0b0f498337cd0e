/* Rows as JSON, and the run of a read-out. */
#include "package/readout.h"

#include <stdlib.h>
#include <string.h>

#include "package/private.h"
#include "support/call.h"
#include "support/utf8.h"

/* So near to the deadline it is what ended the read-out. */
enum { COLUMNS_MAX = 32, COLUMNS_TEXT = 512, ENDED_MS = 250 };

/* Beyond it a number of JSON is not exact everywhere. */
#define EXACT_MAX (INT64_C(1) << 53)

struct col_table {
  char columns[COLUMNS_TEXT]; /* with a NUL behind each */
  const char *names[COLUMNS_MAX];
  unsigned count;
  unsigned at;
  cJSON *row;
};

col_table *col_table_new(void)
{
  return calloc(1, sizeof(col_table));
}

void col_table_free(col_table *b)
{
  if (b != NULL)
    cJSON_Delete(b->row);
  free(b);
}

void col_table_head(col_table *b, const char *columns)
{
  size_t len = strlen(columns);
  b->count = 0;
  b->at = 0;
  if (len >= sizeof(b->columns))
    return;
  memcpy(b->columns, columns, len + 1);
  for (char *at = b->columns; at != NULL && b->count < COLUMNS_MAX;) {
    char *comma = strchr(at, ',');
    b->names[b->count++] = at;
    if (comma != NULL)
      *comma++ = '\0';
    at = comma;
  }
}

/* Takes the value. */
static void add(col_table *b, cJSON *value)
{
  if (b->row == NULL)
    b->row = cJSON_CreateObject();
  if (b->at >= b->count || !cJSON_AddItemToObject(b->row, b->names[b->at], value))
    cJSON_Delete(value);
  b->at++;
}

static bool is_plain(const char *bytes, size_t len)
{
  for (size_t i = 0; i < len;) {
    size_t sequence = sup_utf8_sequence(bytes + i, len - i);
    if (sequence == 0 || bytes[i] == '\0')
      return false;
    i += sequence;
  }
  return true;
}

/* What is no UTF-8, and what no text of JSON takes, is escaped as in the tables of a package. */
void col_table_bytes(col_table *b, const char *bytes, size_t len)
{
  bool plain = is_plain(bytes, len);
  size_t size = plain ? len + 1 : 4 * len + 1;
  char *text = len > 0 ? malloc(size) : NULL;
  if (text == NULL) {
    add(b, cJSON_CreateNull());
    return;
  }
  if (plain) {
    memcpy(text, bytes, len);
    text[len] = '\0';
  } else {
    sup_csv_escape(bytes, len, text, size);
  }
  add(b, cJSON_CreateString(text));
  free(text);
}

void col_table_unsigned(col_table *b, uint64_t number)
{
  char text[24];
  if (number <= (uint64_t)EXACT_MAX) {
    add(b, cJSON_CreateNumber((double)number));
    return;
  }
  size_t at = sizeof(text) - 1;
  text[at] = '\0';
  for (; number > 0; number /= 10)
    text[--at] = (char)('0' + number % 10);
  add(b, cJSON_CreateString(text + at));
}

void col_table_number(col_table *b, int64_t number)
{
  if (number >= 0)
    col_table_unsigned(b, (uint64_t)number);
  else
    add(b, cJSON_CreateNumber((double)number));
}

void col_table_flag(col_table *b, bool flag)
{
  add(b, cJSON_CreateBool(flag));
}

/* ---- rows ---- */

/* `services.csv` is the table `services`. */
static cJSON *table_name(const char *item)
{
  char name[COL_NAME];
  size_t len = strnlen(item, sizeof(name) - 1);
  if (len > 4 && strcmp(item + len - 4, ".csv") == 0)
    len -= 4;
  memcpy(name, item, len);
  name[len] = '\0';
  return cJSON_CreateString(name);
}

/* The record, which the caller frees with cJSON_free(), or NULL. Takes the row. */
static char *make_record(const col_task *t, cJSON *row)
{
  cJSON *record = cJSON_CreateObject();
  cJSON *name = table_name(t->item_name);
  if (!cJSON_AddItemToObject(record, "table", name))
    cJSON_Delete(name);
  if (!cJSON_AddItemToObject(record, "row", row))
    cJSON_Delete(row);
  char *text = cJSON_PrintUnformatted(record);
  cJSON_Delete(record);
  return text;
}

/* The lock is held. */
static void put_record(col_task *t, const char *text, size_t len)
{
  col_package *p = t->p;
  const col_row_sink *r = p->o.rows;
  if (p->full || p->rows >= r->max_rows || len > r->max_bytes - p->row_bytes) {
    p->full = true;
    t->shut = true;
    col_cap(t, "the read-out takes no more: %llu rows, %llu bytes", (unsigned long long)p->rows,
            (unsigned long long)p->row_bytes);
    return;
  }
  cordon_status status = r->put(r->data, text, len);
  if (status == CORDON_OK) {
    t->opened = true;
    t->rows++;
    t->bytes += len;
    p->rows++;
    p->row_bytes += len;
    return;
  }
  t->shut = true;
  p->cancelled = p->cancelled || status == CORDON_E_CANCELLED;
  p->full = p->full || status == CORDON_E_LIMIT;
  if (status == CORDON_E_LIMIT)
    col_cap(t, "the host takes no more rows");
  else
    col_mark(t, COL_ERROR, "a row was not taken: status %d", (int)status);
}

void col_table_row(col_task *t)
{
  cJSON *row = t->table->row;
  t->table->row = NULL;
  t->table->at = 0;
  char *text = make_record(t, row);
  size_t len = text != NULL ? strlen(text) : 0;
  col_gate_lock(t->p->gate);
  if (t->abandoned || !t->begun)
    t->shut = true;
  else if (text == NULL || len > COL_ROW_MAX)
    col_cap(t, "a row longer than %d bytes was left out", COL_ROW_MAX);
  else if (!t->shut)
    put_record(t, text, len);
  col_gate_unlock(t->p->gate);
  cJSON_free(text);
}

/* ---- the run ---- */

static void add_text(cJSON *to, const char *name, const char *text)
{
  if (text != NULL)
    (void)cJSON_AddStringToObject(to, name, text);
  else
    (void)cJSON_AddNullToObject(to, name);
}

static void add_tables(const col_package *p, cJSON *tables)
{
  for (size_t i = 0; i < p->count; i++) {
    const col_record *r = &p->records[i];
    cJSON *entry = cJSON_CreateObject();
    cJSON *name = table_name(r->item != NULL ? r->item : "");
    if (!cJSON_AddItemToObject(entry, "table", name))
      cJSON_Delete(name);
    add_text(entry, "source", r->source);
    (void)cJSON_AddNumberToObject(entry, "rows", (double)r->rows);
    add_text(entry, "status", col_status_name(r->status));
    add_text(entry, "error", r->error);
    add_text(entry, "cap", r->cap);
    if (!cJSON_AddItemToArray(tables, entry))
      cJSON_Delete(entry);
  }
}

static cordon_status status_of(const col_record *r)
{
  static const char unsupported[] = "unsupported here";
  switch (r->status) {
  case COL_ABSENT: return CORDON_E_NOTFOUND;
  case COL_DENIED: return CORDON_E_DENIED;
  default: break;
  }
  bool here = r->error != NULL && strncmp(r->error, unsupported, sizeof(unsupported) - 1) == 0;
  return here ? CORDON_E_UNSUPPORTED : CORDON_E_IO;
}

/* Of what left nothing at all the worst of its tables says why. */
static cordon_status outcome(const col_package *p, sup_err *err)
{
  const col_record *worst = NULL;
  size_t good = 0;
  size_t wrong = p->left_out;
  if (p->cancelled)
    return sup_fail(err, CORDON_E_CANCELLED, "the read-out was cancelled");
  for (size_t i = 0; i < p->count; i++) {
    const col_record *r = &p->records[i];
    good += r->status == COL_OK || r->status == COL_PARTIAL ? 1 : 0;
    wrong += r->status > COL_ABSENT ? 1 : 0;
    if (worst == NULL || r->status > worst->status)
      worst = r;
  }
  if (good == 0 && worst != NULL && sup_now_ms() + ENDED_MS >= p->o.deadline_ms)
    return sup_fail(err, CORDON_E_DEADLINE, "the read-out's time is over: %s",
                    worst->error != NULL ? worst->error : "nothing was read");
  if (good == 0 && worst != NULL)
    return sup_fail(err, status_of(worst), "%s", worst->error != NULL ? worst->error : "nothing");
  if (wrong == 0)
    return CORDON_OK;
  return sup_fail(err, CORDON_PARTIAL, "%zu of %zu tables are not complete: %s", wrong,
                  p->count + p->left_out,
                  worst != NULL && worst->error != NULL ? worst->error : "there are more of them");
}

cordon_status col_read_out(const col_options *o, const col_item *items, size_t count, cJSON *tables,
                           col_read_totals *ret_totals, sup_err *err)
{
  col_package *p = col_package_new(o, err);
  if (p == NULL)
    return CORDON_E_LIMIT;
  col_run_items(p, items, count);
  col_gate_lock(p->gate);
  add_tables(p, tables);
  *ret_totals =
      (col_read_totals){.rows = p->rows, .bytes = p->row_bytes, .more = p->full || p->left_out > 0};
  cordon_status status = outcome(p, err);
  col_gate_unlock(p->gate);
  col_package_drop(p);
  return status;
}
