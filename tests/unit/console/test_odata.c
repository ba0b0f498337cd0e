#include "odata.h"

#include "web_suites.h"

#include <string.h>

typedef struct sample {
  const char *id;
  const char *status;
  int64_t number;
  bool on;
  int64_t at_ms;
  cd_str tags[2];
  size_t tag_count;
} sample;

static const con_field fields[] = {{"id", CON_TEXT, true},
                                   {"status", CON_TEXT, true},
                                   {"number", CON_NUMBER, true},
                                   {"isOn", CON_BOOL, true},
                                   {"creationDateTimeUtc", CON_TIME, true},
                                   {"machineTags", CON_LIST, true},
                                   {"secret", CON_TEXT, false}};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))
#define AT_MS INT64_C(1790000000000) /* 2026-09-21T14:13:20Z */

static const sample the_row = {
    "a1", "Pending", 5, true, AT_MS, {CD_STR_INIT("prod"), CD_STR_INIT("web'1")}, 2};

static void get(const void *row, size_t field, con_value *v)
{
  const sample *r = row;
  *v = (con_value){0};
  const char *texts[] = {r->id, r->status};
  const int64_t numbers[] = {r->number, r->on ? 1 : 0, r->at_ms};
  if (field < 2) {
    v->null = texts[field] == NULL;
    v->text = cd_str_from(texts[field]);
  } else if (field < 5) {
    v->number = numbers[field - 2];
  } else {
    v->items = r->tags;
    v->count = r->tag_count;
  }
}

static cd_code parse_one(const char *name, const char *value, con_odata **q, cd_err *err)
{
  con_param p = {cd_str_from(name), cd_str_from(value)};
  return con_odata_parse(&p, 1, fields, FIELD_COUNT, q, err);
}

static const struct {
  const char *filter;
  int outcome; /* 1: matches; 0: does not; -1: refused */
} filters[] = {
    {"status eq 'Pending'", 1},
    {"Status EQ 'pending'", 1},
    {"status ne 'Pending'", 0},
    {"status eq 'Pending' and number eq 5", 1},
    {"status eq 'Pending' AND number eq 6", 0},
    {"status eq 'x' OR id eq 'a1'", 1},
    {"status eq 'x' or id eq 'a1' and number eq 6", 0},
    {"(status eq 'x' or id eq 'a1') and number eq 5", 1},
    {"not (status eq 'x')", 1},
    {"not status eq 'Pending'", 0},
    {"id in ('b','a1')", 1},
    {"id in('b', 'c')", 0},
    {"id in ()", -1},
    {"number gt 4", 1},
    {"number ge 5", 1},
    {"number lt 5", 0},
    {"number le '5'", 1},
    {"number eq -5", 0},
    {"number eq five", -1},
    {"isOn eq true", 1},
    {"isOn eq 'false'", 0},
    {"creationDateTimeUtc gt 2018-08-01Z", 1},
    {"CreationDateTimeUtc gt 2018-08-01", 1},
    {"creationDateTimeUtc eq 2026-09-21T14:13:20Z", 1},
    {"creationDateTimeUtc eq '2026-09-21T14:13:20.0000000Z'", 1},
    {"creationDateTimeUtc eq 2026-09-21T16:13:20+02:00", 1},
    {"creationDateTimeUtc lt 2026-09-21T14:13:20.0000001Z", 1},
    {"creationDateTimeUtc gt 2026-02-30", -1},
    {"creationDateTimeUtc gt now", -1},
    {"startswith(id,'A')", 1},
    {"startswith(id,'a12')", 0},
    {"endswith(status,'ing')", 1},
    {"contains(status,'end')", 1},
    {"contains(status,'')", 1},
    {"startswith(number,'5')", -1},
    {"substring(id,'a')", -1},
    {"machineTags/any(tag: tag eq 'prod')", 1},
    {"machineTags/any(tag:tag eq 'dev')", 0},
    {"machineTags/any(t: startswith(t,'web') and t ne 'web')", 1},
    {"machineTags/any()", 1},
    {"machineTags/any(t: id eq 'a1')", -1},
    {"machineTags/all(t: t eq 'a')", -1},
    {"machineTags eq 'prod'", -1},
    {"machineTags/any(t: t eq 'web''1')", 1},
    {"id eq null", 0},
    {"id ne null", 1},
    /* As an integration is known to send it: a missing space, '+' between tokens. */
    {"status eq 'Pending'and creationDateTimeUtc+gt+2020-01-01T00:00:00Z", 1},
    {"", 1},
    {"status", -1},
    {"status eq", -1},
    {"status eq 'x", -1},
    {"status eq Pending", -1},
    {"status eq 'x' number eq 5", -1},
    {"status like 'x'", -1},
    {"(status eq 'x'", -1},
    {"status eq 'x')", -1},
    {"unknown eq 'x'", -1},
    {"secret eq 'x'", -1},
    {"status eq 'x' and", -1},
    {"'x' eq status", -1},
    {"status eq \xff", -1},
    {"((((((((((((((((((status eq 'x'))))))))))))))))))", -1},
};

START_TEST(a_filter_selects_rows)
{
  con_odata *q = NULL;
  cd_err err = {0};
  cd_code rc = parse_one("$filter", filters[_i].filter, &q, &err);
  ck_assert_msg(rc == (filters[_i].outcome < 0 ? CD_E_INVALID : CD_OK), "%s: %s",
                filters[_i].filter, err.text);
  if (rc != CD_OK) {
    ck_assert_ptr_null(q);
    ck_assert_uint_gt(strlen(err.text), 10);
    return;
  }
  ck_assert_msg(con_odata_matches(q, get, &the_row) == (filters[_i].outcome == 1), "%s",
                filters[_i].filter);
  con_odata_free(q);
}
END_TEST

START_TEST(null_is_equal_to_null_alone)
{
  const sample nothing = {.tag_count = 0};
  const struct {
    const char *filter;
    bool matches;
  } rows[] = {{"id eq null", true},         {"id ne null", false},       {"id eq ''", false},
              {"id ne 'a'", true},          {"id gt 'a'", false},        {"id in ('a',null)", true},
              {"startswith(id,'')", false}, {"machineTags/any()", false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    con_odata *q = NULL;
    cd_err err = {0};
    ck_assert_int_eq(parse_one("$filter", rows[i].filter, &q, &err), CD_OK);
    ck_assert_msg(con_odata_matches(q, get, &nothing) == rows[i].matches, "%s", rows[i].filter);
    con_odata_free(q);
  }
}
END_TEST

static const struct {
  const char *name;
  const char *value;
  bool good;
} options[] = {
    {"$top", "1", true},
    {"$top", "10000", true},
    {"$top", "10001", false},
    {"$top", "-1", false},
    {"$top", "", false},
    {"$skip", "5", true},
    {"$skip", "x", false},
    {"$count", "true", true},
    {"$count", "yes", false},
    {"$select", "id,Status", true},
    {"$select", "id,nothing", false},
    {"$orderby", "CreationDateTimeUtc desc", true},
    {"$orderby", "id, status asc", true},
    {"$orderby", "id down", false},
    {"$orderby", "machineTags", false},
    {"$orderby", "id,id,id,id,id", false},
    {"$expand", "evidence", false},
    {"$TOP", "3", true},
    {"top", "x", true}, /* not OData's, so left alone */
};

START_TEST(an_option_is_read_or_refused)
{
  con_odata *q = NULL;
  cd_err err = {0};
  cd_code rc = parse_one(options[_i].name, options[_i].value, &q, &err);
  ck_assert_msg((rc == CD_OK) == options[_i].good, "%s=%s: %s", options[_i].name, options[_i].value,
                err.text);
  con_odata_free(q);
}
END_TEST

START_TEST(an_option_is_there_once)
{
  con_odata *q = NULL;
  cd_err err = {0};
  const con_param twice[] = {{CD_STR("$top"), CD_STR("1")}, {CD_STR("$top"), CD_STR("2")}};
  ck_assert_int_eq(con_odata_parse(twice, 2, fields, FIELD_COUNT, &q, &err), CD_E_INVALID);
}
END_TEST

START_TEST(without_options_a_page_has_its_maximum)
{
  con_odata *q = NULL;
  cd_err err = {0};
  bool asked = true;
  ck_assert_int_eq(con_odata_parse(NULL, 0, fields, FIELD_COUNT, &q, &err), CD_OK);
  ck_assert_uint_eq(con_odata_top(q, &asked), CON_PAGE_MAX);
  ck_assert(!asked);
  ck_assert(!con_odata_counts(q));
  ck_assert(con_odata_selects(q, 3));
  ck_assert(con_odata_matches(q, get, &the_row));
  con_odata_free(q);
}
END_TEST

START_TEST(select_leaves_fields_out)
{
  con_odata *q = NULL;
  cd_err err = {0};
  ck_assert_int_eq(parse_one("$select", "STATUS", &q, &err), CD_OK);
  ck_assert(con_odata_selects(q, 1));
  ck_assert(!con_odata_selects(q, 0));
  con_odata_free(q);
}
END_TEST

static int compare(const con_odata *q, const sample *a, const sample *b)
{
  con_value x[CON_ORDER_MAX];
  con_value y[CON_ORDER_MAX];
  con_odata_keys(q, get, a, x);
  con_odata_keys(q, get, b, y);
  return con_odata_compare(q, x, y);
}

START_TEST(orders_by_several_fields)
{
  const sample a = {.id = "a", .status = "x", .at_ms = 1};
  const sample b = {.id = "b", .status = "x", .at_ms = 2};
  const sample none = {.id = NULL, .status = "x", .at_ms = 2};
  con_odata *q = NULL;
  cd_err err = {0};
  ck_assert_int_eq(parse_one("$orderby", "status,creationDateTimeUtc desc,id", &q, &err), CD_OK);
  ck_assert_int_gt(compare(q, &a, &b), 0);
  ck_assert_int_lt(compare(q, &b, &a), 0);
  ck_assert_int_lt(compare(q, &none, &b), 0);
  ck_assert_int_eq(compare(q, &a, &a), 0);
  con_odata_free(q);
}
END_TEST

START_TEST(a_filter_has_a_ceiling)
{
  static char text[CON_FILTER_MAX + 64];
  size_t len = 0;
  con_odata *q = NULL;
  cd_err err = {0};
  for (unsigned i = 0; i < CON_FILTER_NODES; i++) {
    const char part[] = "number eq 1 or ";
    memcpy(text + len, part, sizeof(part) - 1);
    len += sizeof(part) - 1;
  }
  memcpy(text + len, "number eq 5", 12);
  ck_assert_int_eq(parse_one("$filter", text, &q, &err), CD_E_INVALID);
  ck_assert_ptr_nonnull(strstr(err.text, "comparisons"));
  memset(text, ' ', sizeof(text) - 1);
  text[0] = 'x';
  ck_assert_int_eq(parse_one("$filter", text, &q, &err), CD_E_INVALID);
  ck_assert_ptr_nonnull(strstr(err.text, "longer"));
}
END_TEST

static const struct {
  const char *text;
  bool good;
  int64_t ticks;
} times[] = {
    {"1970-01-01T00:00:00Z", true, 0},
    {"1970-01-01", true, 0},
    {"1970-01-02Z", true, 864000000000},
    {"2000-02-29T00:00:00Z", true, INT64_C(9517824000000000)},
    {"1969-12-31T23:59:59.9999999Z", true, -1},
    {"1970-01-01T00:00", true, 0},
    {"1970-01-01T01:00:00-01:00", true, INT64_C(72000000000)},
    {"1970-01-01T00:00:00.5Z", true, 5000000},
    {"1970-01-01T00:00:00.12345678Z", false, 0},
    {"1970-01-01T24:00:00Z", false, 0},
    {"1970-13-01", false, 0},
    {"1900-02-29", false, 0},
    {"70-01-01", false, 0},
    {"1970-01-01T", false, 0},
    {"1970-01-01T00:00:00Zx", false, 0},
    {"", false, 0},
};

START_TEST(reads_times)
{
  int64_t ticks = 0;
  ck_assert_msg(con_time_parse(cd_str_from(times[_i].text), &ticks) == times[_i].good, "%s",
                times[_i].text);
  if (times[_i].good)
    ck_assert_int_eq(ticks, times[_i].ticks);
}
END_TEST

START_TEST(writes_times_with_seven_digits)
{
  char text[CON_TIME_TEXT_MAX];
  int64_t ticks = 0;
  con_time_text(AT_MS + 7, text);
  ck_assert_str_eq(text, "2026-09-21T14:13:20.0070000Z");
  ck_assert(con_time_parse(cd_str_from(text), &ticks));
  ck_assert_int_eq(ticks, (AT_MS + 7) * 10000);
}
END_TEST

Suite *suite_odata(void)
{
  Suite *s = suite_create("console.odata");
  TCase *t = tcase_create("odata");
  tcase_add_loop_test(t, a_filter_selects_rows, 0, sizeof(filters) / sizeof(filters[0]));
  tcase_add_test(t, null_is_equal_to_null_alone);
  tcase_add_loop_test(t, an_option_is_read_or_refused, 0, sizeof(options) / sizeof(options[0]));
  tcase_add_test(t, an_option_is_there_once);
  tcase_add_test(t, without_options_a_page_has_its_maximum);
  tcase_add_test(t, select_leaves_fields_out);
  tcase_add_test(t, orders_by_several_fields);
  tcase_add_test(t, a_filter_has_a_ceiling);
  tcase_add_loop_test(t, reads_times, 0, sizeof(times) / sizeof(times[0]));
  tcase_add_test(t, writes_times_with_seven_digits);
  suite_add_tcase(s, t);
  return s;
}
