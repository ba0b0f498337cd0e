/* $filter, $orderby, $select and a function's arguments: whatever is in them, they are refused with
 * a sentence or can be asked about any row; and a path finds at most what it names. */
#include "odata.h"
#include "route.h"

#include "fuzz_must.h"

static const con_field fields[] = {
    {"id", CON_TEXT, true},          {"number", CON_NUMBER, true},
    {"isOn", CON_BOOL, true},        {"creationDateTimeUtc", CON_TIME, true},
    {"machineTags", CON_LIST, true}, {"hidden", CON_TEXT, false}};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static const cd_str tags[] = {CD_STR_INIT("prod"), CD_STR_INIT("")};

static void get(const void *row, size_t field, con_value *v)
{
  (void)field;
  *v = row != NULL ? (con_value){.text = CD_STR("a1"), .number = 5, .items = tags, .count = 2}
                   : (con_value){.null = true};
}

static int compare(const con_odata *q, const void *a, const void *b)
{
  con_value x[CON_ORDER_MAX];
  con_value y[CON_ORDER_MAX];
  con_odata_keys(q, get, a, x);
  con_odata_keys(q, get, b, y);
  return con_odata_compare(q, x, y);
}

static void ask(const char *option, cd_str value)
{
  const con_param p = {cd_str_from(option), value};
  con_odata *q = NULL;
  cd_err err = {0};
  cd_code rc = con_odata_parse(&p, 1, fields, FIELD_COUNT, &q, &err);
  must_explain(rc, &err);
  if (rc != CD_OK)
    return;
  (void)con_odata_matches(q, get, tags);
  (void)con_odata_matches(q, get, NULL);
  must(compare(q, tags, tags) == 0, "a row that is not equal to itself");
  must(compare(q, NULL, tags) == -compare(q, tags, NULL), "an order that is none");
  must(con_odata_top(q, NULL) <= CON_PAGE_MAX, "a page beyond its maximum");
  con_odata_free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const options[] = {"$filter", "$orderby", "$select", "$top"};
  cd_str text = {(const char *)data, size};
  con_param arguments[CON_ARGUMENTS];
  size_t count = 0;
  con_match match = {0};
  int64_t ticks = 0;
  cd_err err = {0};
  cd_str rest = {0};
  for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
    ask(options[i], text);
  must_explain(con_route_arguments(text, arguments, &count, &err), &err);
  (void)con_time_parse(text, &ticks);
  if (con_route_api(text, &rest) && con_route_match("machines/*/isolate", rest, &match))
    must(match.captures == 1 && match.captured[0].len > 0, "a machine without a name");
  return 0;
}
