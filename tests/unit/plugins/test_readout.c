/* Read-outs: rows as records, ceilings, a cancel, and items that do not come back. */
#include "package/readout.h"

#include "suite.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/call.h"
#include "support/json.h"

enum { RECORDS = 64, FOR_EVER_MS = 20000 };

/* ---- where the rows go ---- */

static struct {
  cJSON *records[RECORDS];
  int count;
  int refuse_at; /* the record that is answered with `refusal`; -1: none */
  cordon_status refusal;
} got;

static cordon_status take(void *data, const char *json, size_t len)
{
  sup_err err;
  (void)data;
  if (got.count == got.refuse_at)
    return got.refusal;
  ck_assert_int_lt(got.count, RECORDS);
  got.records[got.count] = sup_json_parse(json, len, &err);
  ck_assert_ptr_nonnull(got.records[got.count++]);
  return CORDON_OK;
}

static void begin(void)
{
  for (int i = 0; i < got.count; i++)
    cJSON_Delete(got.records[i]);
  memset(&got, 0, sizeof(got));
  got.refuse_at = -1;
}

static const cJSON *field(int record, const char *name)
{
  return sup_json_get(sup_json_get(got.records[record], "row"), name);
}

/* ---- items ---- */

static void every_kind(col_task *t)
{
  col_head(t, "text,empty,none,bytes,small,large,less,yes,when,plain");
  col_text(t, "=1+1, \"q\" \\x");
  col_text(t, "");
  col_text(t, NULL);
  col_bytes(t, "a\xff\0b", 4);
  col_num(t, 7);
  col_unum(t, UINT64_C(134404212076976420));
  col_num(t, -3);
  col_flag(t, true);
  col_time(t, 1790000000);
  col_plain(t, "0x1f", 4);
  (void)col_row(t);
}

static void ten_rows(col_task *t)
{
  col_head(t, "number");
  for (int i = 0; i < 10; i++) {
    col_num(t, i);
    if (!col_row(t))
      return;
  }
}

static void a_long_row(col_task *t)
{
  char *text = malloc(COL_ROW_MAX + 1);
  memset(text, 'x', COL_ROW_MAX);
  text[COL_ROW_MAX] = '\0';
  col_head(t, "text");
  col_text(t, text);
  (void)col_row(t);
  col_text(t, "short");
  (void)col_row(t);
  free(text);
}

static void denied(col_task *t)
{
  col_head(t, "text");
  col_mark(t, COL_DENIED, "nobody may");
}

static void unsupported(col_task *t)
{
  col_mark(t, COL_ERROR, "unsupported here: no such call");
}

static void absent(col_task *t)
{
  col_mark(t, COL_ABSENT, "there is none");
}

static void raw(col_task *t)
{
  ck_assert(col_puts(t, "no row"));
}

static void two_tables(col_task *t)
{
  col_begin(t, "one.csv", "here");
  ten_rows(t);
  col_begin(t, "two.csv", "there");
  ten_rows(t);
}

static atomic_bool may_end;
static atomic_bool ended;

static void hangs(col_task *t)
{
  col_head(t, "number");
  col_num(t, 1);
  (void)col_row(t);
  for (int i = 0; i < FOR_EVER_MS && !atomic_load(&may_end); i++)
    (void)usleep(1000);
  col_num(t, 2);
  (void)col_row(t);
  atomic_store(&ended, true);
}

#define ITEM(collect, several, ms)                                                                 \
  {                                                                                                \
    "", #collect ".csv", "test", collect, ms, several, false                                       \
  }

static cJSON *tables;
static sup_err err;
static col_read_totals totals;

static cordon_status read_out(const col_item *items, size_t count, uint64_t rows, uint64_t bytes)
{
  col_row_sink sink = {.put = take, .max_rows = rows, .max_bytes = bytes};
  col_options o = {
      .root = "", .rows = &sink, .max_file = COL_MIB, .deadline_ms = sup_now_ms() + 30000};
  cJSON_Delete(tables);
  tables = cJSON_CreateArray();
  err = (sup_err){0};
  return col_read_out(&o, items, count, tables, &totals, &err);
}

static void expect(int i, const char *table, const char *status, int rows, const char *words)
{
  const cJSON *t = cJSON_GetArrayItem(tables, i);
  ck_assert_str_eq(sup_json_get(t, "table")->valuestring, table);
  ck_assert_str_eq(sup_json_get(t, "status")->valuestring, status);
  ck_assert_int_eq(sup_json_get(t, "rows")->valueint, rows);
  const char *error = cJSON_GetStringValue(sup_json_get(t, "error"));
  ck_assert_msg(words == NULL ? error == NULL : error != NULL && strstr(error, words) != NULL,
                "%s: %s", table, error);
}

/* ---- facts ---- */

START_TEST(a_field_is_what_it_is)
{
  static const col_item items[] = {ITEM(every_kind, false, 5000)};
  begin();
  ck_assert_int_eq(read_out(items, 1, 100, COL_MIB), CORDON_OK);
  ck_assert_int_eq(got.count, 1);
  ck_assert_str_eq(sup_json_get(got.records[0], "table")->valuestring, "every_kind");
  ck_assert_str_eq(field(0, "text")->valuestring, "=1+1, \"q\" \\x");
  ck_assert(cJSON_IsNull(field(0, "empty")) && cJSON_IsNull(field(0, "none")));
  ck_assert_str_eq(field(0, "bytes")->valuestring, "a\\xff\\x00b");
  ck_assert_int_eq(field(0, "small")->valueint, 7);
  ck_assert_str_eq(field(0, "large")->valuestring, "134404212076976420");
  ck_assert_int_eq(field(0, "less")->valueint, -3);
  ck_assert(cJSON_IsTrue(field(0, "yes")));
  ck_assert_str_eq(field(0, "when")->valuestring, "2026-09-21T14:13:20Z");
  ck_assert_str_eq(field(0, "plain")->valuestring, "0x1f");
  expect(0, "every_kind", "ok", 1, NULL);
}
END_TEST

START_TEST(ceilings_end_it_and_are_told)
{
  static const col_item items[] = {ITEM(two_tables, true, 5000), ITEM(ten_rows, false, 5000)};
  begin();
  ck_assert_int_eq(read_out(items, 2, 15, COL_MIB), CORDON_PARTIAL);
  ck_assert_int_eq(got.count, 15);
  ck_assert(totals.more && totals.rows == 15);
  expect(0, "one", "ok", 10, NULL);
  expect(1, "two", "partial", 5, "takes no more");
  expect(2, "ten_rows", "partial", 0, "not begun");
  begin();
  ck_assert_int_eq(read_out(items, 1, 100, 100), CORDON_PARTIAL);
  ck_assert(totals.more && totals.bytes <= 100 && totals.rows > 0);
  begin();
  ck_assert_int_eq(read_out(items, 2, 30, COL_MIB), CORDON_OK);
  ck_assert(!totals.more && totals.rows == 30);
}
END_TEST

START_TEST(a_row_that_is_too_long_is_left_out)
{
  static const col_item items[] = {ITEM(a_long_row, false, 5000)};
  begin();
  ck_assert_int_eq(read_out(items, 1, 10, 8 * COL_MIB), CORDON_PARTIAL);
  ck_assert_int_eq(got.count, 1);
  expect(0, "a_long_row", "partial", 1, "longer than");
}
END_TEST

START_TEST(who_takes_the_rows_may_end_it)
{
  static const col_item items[] = {ITEM(ten_rows, false, 5000), ITEM(ten_rows, false, 5000)};
  begin();
  got.refuse_at = 3;
  got.refusal = CORDON_E_CANCELLED;
  ck_assert_int_eq(read_out(items, 2, 100, COL_MIB), CORDON_E_CANCELLED);
  ck_assert_int_eq(got.count, 3);
  begin();
  got.refuse_at = 3;
  got.refusal = CORDON_E_LIMIT;
  ck_assert_int_eq(read_out(items, 2, 100, COL_MIB), CORDON_PARTIAL);
  ck_assert_int_eq(got.count, 3);
  ck_assert(totals.more);
}
END_TEST

START_TEST(what_left_nothing_says_why_by_its_status)
{
  static const col_item no[] = {ITEM(denied, false, 5000)};
  static const col_item never[] = {ITEM(unsupported, false, 5000), ITEM(absent, false, 5000)};
  static const col_item none[] = {ITEM(absent, false, 5000)};
  static const col_item some[] = {ITEM(denied, false, 5000), ITEM(ten_rows, false, 5000)};
  static const col_item well[] = {ITEM(absent, false, 5000), ITEM(ten_rows, false, 5000)};
  begin();
  ck_assert_int_eq(read_out(no, 1, 10, COL_MIB), CORDON_E_DENIED);
  ck_assert_str_eq(err.sentence, "nobody may");
  ck_assert_int_eq(read_out(never, 2, 10, COL_MIB), CORDON_E_UNSUPPORTED);
  ck_assert_int_eq(read_out(none, 1, 10, COL_MIB), CORDON_E_NOTFOUND);
  ck_assert_int_eq(read_out(some, 2, 10, COL_MIB), CORDON_PARTIAL);
  expect(0, "denied", "denied", 0, "nobody may");
  begin();
  ck_assert_int_eq(read_out(well, 2, 10, COL_MIB), CORDON_OK);
}
END_TEST

START_TEST(only_rows_are_taken)
{
  static const col_item items[] = {ITEM(raw, false, 5000)};
  begin();
  ck_assert_int_eq(read_out(items, 1, 10, COL_MIB), CORDON_OK);
  ck_assert_int_eq(got.count, 0);
}
END_TEST

START_TEST(an_item_that_does_not_come_back_is_left_behind)
{
  static const col_item items[] = {ITEM(hangs, false, 200), ITEM(ten_rows, false, 5000)};
  begin();
  atomic_store(&may_end, false);
  uint64_t before = sup_now_ms();
  ck_assert_int_eq(read_out(items, 2, 100, COL_MIB), CORDON_PARTIAL);
  ck_assert_uint_lt(sup_now_ms() - before, FOR_EVER_MS / 2);
  expect(0, "hangs", "partial", 1, "did not come back");
  expect(1, "ten_rows", "ok", 10, NULL);
  int count = got.count;
  atomic_store(&may_end, true);
  /* It goes on after the read-out is over: none of its rows is taken. */
  for (int i = 0; i < FOR_EVER_MS && !atomic_load(&ended); i++)
    (void)usleep(1000);
  ck_assert(atomic_load(&ended));
  ck_assert_int_eq(got.count, count);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_field_is_what_it_is,
      ceilings_end_it_and_are_told,
      a_row_that_is_too_long_is_left_out,
      who_takes_the_rows_may_end_it,
      what_left_nothing_says_why_by_its_status,
      only_rows_are_taken,
      an_item_that_does_not_come_back_is_left_behind,
  };
  return run_suite("plugins.readout", tests, COUNT_OF(tests));
}
